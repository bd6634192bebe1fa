package finding

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// LongestReason is how many characters the reason of a decision has at most.
const LongestReason = 500

// furthest is how far away the end of a decision may be.
const furthest = 10 * 365 * 24 * time.Hour

// Review is how old an exception without an end gets before somebody should look
// whether it still holds. To decide the same again says that it does.
const Review = 90 * 24 * time.Hour

// Decided is what people said about a finding: the axis with who, when, why and
// until when. The zero value: nothing was said.
type Decided struct {
	Decision Decision // empty: undecided
	Reason   string   // as people wrote it, in one line; empty: they gave none
	By       string
	At       time.Time
	Until    time.Time // it holds before that; zero: it has no end
}

// Fault says what is wrong with a decision, and in which of its fields.
type Fault struct {
	Field string // decision, reason or until
	Text  string
}

// Error is the text, for who decides.
func (f *Fault) Error() string { return f.Text }

// Settled is the decision as it is kept, which is made now: the reason is in one
// line, without what nobody sees. The error is a *Fault.
func (d Decided) Settled(now time.Time) (Decided, error) {
	d.Reason, d.Until = oneLine(d.Reason), d.Until.UTC().Truncate(time.Microsecond)
	d.At = now.UTC().Truncate(time.Microsecond)
	return d, d.fault(now)
}

func (d Decided) fault(now time.Time) error {
	switch {
	case d.Decision != Undecided && d.Decision != Accepted && d.Decision != Snoozed && d.Decision != Exception:
		return &Fault{"decision", fmt.Sprintf("%.40q is no decision: say %s, %s, %s, or %s to take one back", d.Decision, Accepted, Snoozed, Exception, Undecided)}
	case utf8.RuneCountInString(d.Reason) > LongestReason:
		return &Fault{"reason", fmt.Sprintf("the reason has more than %d characters: say it shorter, and link to the rest", LongestReason)}
	case d.Decision == Exception && d.Reason == "":
		return &Fault{"reason", "an exception needs a reason: say why nothing is to be done"}
	case d.Decision == Snoozed && d.Until.IsZero():
		return &Fault{"until", "a snooze needs an end: say until when"}
	case d.Until.IsZero():
		return nil
	case d.Decision == Undecided || d.Decision == Accepted:
		return &Fault{"until", fmt.Sprintf("only a snooze and an exception have an end: leave it away, or decide %s or %s", Snoozed, Exception)}
	case !d.Until.After(now):
		return &Fault{"until", fmt.Sprintf("the end, %s, is past: choose a later one", Day(d.Until))}
	case d.Until.Sub(now) > furthest:
		return &Fault{"until", fmt.Sprintf("the end, %s, is more than ten years away: choose an earlier one, or leave it away for an exception without an end", Day(d.Until))}
	}
	return nil
}

// oneLine is a text in one line, without control characters and what has no width.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.Join(strings.Fields(text), " ")
}

// Now is the decision in effect: nothing once its time has passed.
func (d Decided) Now(now time.Time) Decision {
	if d.Decision == "" || !d.Until.IsZero() && !now.Before(d.Until) {
		return Undecided
	}
	return d.Decision
}

// Aside says that people want nothing done about it now: it is snoozed, or an
// exception.
func (d Decided) Aside(now time.Time) bool {
	decision := d.Now(now)
	return decision == Snoozed || decision == Exception
}

// ReviewDue says that somebody should look whether it still holds.
func (d Decided) ReviewDue(now time.Time) bool {
	return d.Decision == Exception && d.Until.IsZero() && !now.Before(d.At.Add(Review))
}

// Word is what people call it: "excepted", "snoozed", "accepted".
func (d Decided) Word() string {
	switch d.Decision {
	case Exception:
		return "excepted"
	case "":
		return string(Undecided)
	}
	return string(d.Decision)
}

// Says is the decision in a few words: "excepted until 2026-06-01 by ada: the vendor
// has not answered". It holds people's text as it is.
func (d Decided) Says() string {
	text := d.Word()
	switch {
	case !d.Until.IsZero():
		text += " until " + Day(d.Until)
	case d.Decision == Exception:
		text += " without an end"
	}
	if d.By != "" {
		text += " by " + d.By
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

// Day is the end of a decision for people, without a time where the day begins.
func Day(at time.Time) string {
	at = at.UTC()
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02 15:04 UTC")
}

// ParseUntil reads the end of a decision as people write it: a day, which means its
// beginning in UTC, or a moment by RFC 3339; empty is none. The error is a *Fault.
func ParseUntil(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, &Fault{"until", fmt.Sprintf("%.40q is no day: write one as 2026-06-01, or a moment as 2026-06-01T12:00:00Z", text)}
}

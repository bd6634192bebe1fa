package feed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/source"
	"cxm/internal/store/scopes"
)

// Kind is how a source fails.
type Kind string

// The kinds.
const (
	Fine       Kind = ""           // it does not
	Refused    Kind = "refused"    // its last delivery could not be taken in
	Incomplete Kind = "incomplete" // its last snapshots were not complete
	Silent     Kind = "silent"     // no snapshot came for far longer than usual
)

// Verdict is how a source fares.
type Verdict struct {
	Kind Kind
	Why  string // for people; empty for Fine
}

// enough is how many incomplete snapshots in a row are no accident.
const enough = 2

// How long a source that delivers snapshots may be silent: so many times what lies
// between two of them usually, and never less than patience.
const (
	usual    = 3
	patience = 36 * time.Hour
)

// Judge says how a source fares. Sources of events are never silent: nothing may
// have happened.
func Judge(h scopes.Health, now time.Time) Verdict {
	if !h.Refused.At.IsZero() {
		return Verdict{Refused, fmt.Sprintf("what it delivered on %s could not be taken in: %s", h.Refused.At.UTC().Format(time.DateOnly), cut(h.Refused.Why))}
	}
	if source.Type(h.Source).Delivery() != source.Snapshots {
		return Verdict{}
	}
	if n := incomplete(h.Pulls); n >= enough {
		return Verdict{Incomplete, fmt.Sprintf("its last %s were not complete: %s", atLeast(n, len(h.Pulls)), cut(strings.Join(h.Pulls[0].Reasons, "; ")))}
	}
	if most, known := silence(h.Pulls); known && now.Sub(h.Pulls[0].At) > most {
		return Verdict{Silent, fmt.Sprintf("nothing came since %s, while a snapshot used to come every %s", h.Pulls[0].At.UTC().Format(time.DateOnly), span(interval(h.Pulls)))}
	}
	return Verdict{}
}

// incomplete counts the snapshots up to the last that were not complete.
func incomplete(pulls []scopes.Pull) int {
	n := slices.IndexFunc(pulls, func(p scopes.Pull) bool { return p.Complete })
	if n < 0 {
		n = len(pulls)
	}
	return n
}

func atLeast(n, of int) string {
	if n == of {
		return fmt.Sprintf("%d or more snapshots", n)
	}
	return fmt.Sprintf("%d snapshots", n)
}

// silence is how long no snapshot may come; not known before there are four.
func silence(pulls []scopes.Pull) (most time.Duration, known bool) {
	if len(pulls) < 4 {
		return 0, false
	}
	return max(patience, usual*interval(pulls)), true
}

// interval is what lies between two pulls usually: the median.
func interval(pulls []scopes.Pull) time.Duration {
	var between []time.Duration
	for i := 1; i < len(pulls); i++ {
		between = append(between, pulls[i-1].At.Sub(pulls[i].At))
	}
	slices.SortFunc(between, cmp.Compare[time.Duration])
	return between[len(between)/2]
}

// span is a length of time in words.
func span(d time.Duration) string {
	switch hours := int(d.Round(time.Hour).Hours()); {
	case hours >= 48:
		return fmt.Sprintf("%d days", (hours+12)/24)
	case hours > 1:
		return fmt.Sprintf("%d hours", hours)
	}
	return "hour or more often"
}

// cut keeps what is foreign short.
func cut(text string) string {
	const most = 300
	if runes := []rune(strings.TrimSpace(text)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return strings.TrimSpace(text)
}

// Title is what the issue about a source is called.
func Title(h scopes.Health, v Verdict) string {
	name := h.Source
	if h.Scope != "" && h.Scope != "default" {
		name += " (" + h.Scope + ")"
	}
	switch v.Kind {
	case Refused:
		return "cxm cannot take in what " + name + " delivers"
	case Incomplete:
		return "The snapshots of " + name + " are not complete"
	case Silent:
		return "Nothing comes from " + name + " any more"
	}
	return name + " delivers again"
}

// told says at length what follows from it.
func told(v Verdict) string {
	if v.Kind == Fine {
		return "It delivers again."
	}
	return strings.ToUpper(v.Why[:1]) + v.Why[1:] + ". Until that is mended cxm cannot tell whether what it reported is still there: its issues stay as they are, and none is closed. cxm closes this issue when a delivery can be taken in whole again."
}

// mend is what to do about it.
func (v Verdict) mend(h scopes.Health) string {
	send := fmt.Sprintf("then deliver again, or run `cxm ingest --source %s --scope %s FILE`", h.Source, cmp.Or(h.Scope, "default"))
	switch v.Kind {
	case Refused:
		return "Mend what the source sends, as the reason says, " + send + "."
	case Incomplete:
		return "See that the export lists everything, with all its pages and permissions, " + send + "."
	case Silent:
		return "See whether the job that delivers it still runs and may still read, " + send + "."
	}
	return ""
}

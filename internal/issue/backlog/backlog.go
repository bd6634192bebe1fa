// Package backlog is what waits for its turn in one project, as the digest issue of
// that project tells it.
//
// What always holds: the same list is the same bytes; what a finding says is shown
// as text; a list tells of all that waits, though it names the first lines alone.
package backlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// MaxLines is how many of what waits a list names.
const MaxLines = 100

// Line is one issue that waits. Title and Why hold foreign text.
type Line struct {
	Group    string              `json:"group"`
	Title    string              `json:"title"`
	Savings  decimal.NullDecimal `json:"savings"` // per month; null: unknown
	Currency string              `json:"currency,omitzero"`
	Since    time.Time           `json:"since,omitzero"` // when it appeared; zero: not known
	Why      string              `json:"why"`
	Next     time.Time           `json:"next,omitzero"` // when it can go at the earliest; zero: not known
}

// List is what waits in one project. The zero value: nothing does.
type List struct {
	Lines []Line `json:"lines"` // the first MaxLines of them, those that go first first
	All   Sum    `json:"all"`
	More  Sum    `json:"more"` // of those that Lines has no room for
	Set   string `json:"set"`  // tells sets of what waits apart, in whatever order they wait
}

// Sum is some issues together.
type Sum struct {
	Count   int          `json:"count"`
	Savings money.Totals `json:"savings,omitzero"` // per month, of those whose saving is known
	Unknown int          `json:"unknown,omitzero"` // of how many it is not
}

// New makes the list of all that waits, in the order in which it will go.
func New(lines []Line) List {
	shown := min(len(lines), MaxLines)
	l := List{Lines: slices.Clone(lines[:shown]), All: sum(lines), More: sum(lines[shown:]), Set: set(lines)}
	for i := range l.Lines {
		l.Lines[i].Title = bare(l.Lines[i])
	}
	return l
}

func sum(lines []Line) Sum {
	s := Sum{Count: len(lines), Savings: money.Totals{}}
	for _, l := range lines {
		if s.Savings.Add(l.Savings, l.Currency); !l.Savings.Valid {
			s.Unknown++
		}
	}
	return s
}

func set(lines []Line) string {
	keys := make([]string, len(lines))
	for i, l := range lines {
		keys[i] = l.Group
	}
	slices.Sort(keys)
	sum := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return hex.EncodeToString(sum[:16])
}

// bare is the title of a line without the money, which has a column of its own.
func bare(l Line) string {
	if !l.Savings.Valid {
		return l.Title
	}
	return strings.TrimSuffix(l.Title, " – saves "+money.Show(l.Savings.Decimal, l.Currency)+"/month")
}

// Encode writes a list as the text of a finding.
func (l List) Encode() (string, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("writing down what waits: %w", err)
	}
	return string(text), nil
}

// Decode reads what Encode wrote.
func Decode(text string) (List, error) {
	var l List
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, fmt.Errorf("reading what waits: %w", err)
	}
	return l, nil
}

// Moved says that an amount is another one now, beyond what is jitter.
type Moved func(was, is decimal.NullDecimal, wasIn, isIn string) bool

// Differs says why the list was is no longer true; empty: it is, as far as people
// would act on. Where the same waits, amounts that jitter and reasons that come and
// go with the hour are nothing to tell of.
func (l List) Differs(was List, now time.Time, moved Moved) string {
	if l.Set != was.Set {
		return "something else waits"
	}
	known := make(map[string]Line, len(was.Lines))
	for _, line := range was.Lines {
		known[line.Group] = line
		if !line.Next.IsZero() && line.Next.Before(now) {
			return "a time that it names has passed"
		}
	}
	for _, line := range l.Lines {
		if old, ok := known[line.Group]; ok && moved(old.Savings, line.Savings, old.Currency, line.Currency) {
			return "a saving is another one"
		}
	}
	return ""
}

// Title is that of the issue: "12 more findings wait for their turn, 1,204.00 USD a
// month".
func (l List) Title() string {
	text := fmt.Sprintf("%d more findings wait for their turn", l.All.Count)
	if l.All.Count == 1 {
		text = "1 more finding waits for its turn"
	}
	if worth := l.All.worth(); worth != "" && len(l.All.Savings) <= 3 {
		text += ", " + worth + " a month"
	}
	return text
}

// worth is what all of it saves per month; empty: nothing is known.
func (s Sum) worth() string {
	if len(s.Savings) == 0 {
		return ""
	}
	if s.Unknown > 0 {
		return "at least " + s.Savings.Show()
	}
	return s.Savings.Show()
}

// monthly is a clause about what some issues save together.
func (s Sum) monthly() string {
	if worth := s.worth(); worth != "" {
		return worth + " a month"
	}
	return "an amount that is not known"
}

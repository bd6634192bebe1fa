package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cxm/internal/issue"
)

// Brakes say how much a run may do before a person has to look at it. The zero
// value holds everything: start from DefaultBrakes.
type Brakes struct {
	CloseShare int  // percent of the open issues that a run may close or move; 100: any number
	CloseFloor int  // so many may be closed or moved whatever share that is
	Creates    int  // issues that a run may create; 0 or less: any number
	Admit      bool // the first run of a new source goes without a person
}

// Newcomer is a source whose first run waits for a person.
type Newcomer struct {
	Scope  int64  // the row of its scope
	Source string // for people
}

// DefaultBrakes are those of a new installation: a fifth of the open issues, ten
// in any case, and 500 new ones.
func DefaultBrakes() Brakes { return Brakes{CloseShare: 20, CloseFloor: 10, Creates: 500} }

// Held is the part of a plan that waits for a person. The zero value: nothing
// does.
type Held struct {
	Steps []Step // in the plan's order
	Why   []string
}

// Digest names what is held: the same steps for the same issues, whatever they
// would write, so that one plan that waits is one run that waits.
func (h Held) Digest() string {
	if len(h.Steps) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, s := range h.Steps {
		_, _ = fmt.Fprintln(sum, s.Target()) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Reason is why it is held, in one sentence for people.
func (h Held) Reason() string { return strings.Join(h.Why, "; ") }

// Brake parts a plan into what goes (Steps) and what waits for a person (Held);
// open is how many issues are open now. Closes and moves wait together, and so do creates:
// the rest of a plan is no more dangerous for them. The closing of duplicates
// never waits, since it removes nothing that anybody needs, nor do the digests of
// what waits, which are few and speak for nothing. The issues of a source
// that is new wait by themselves: see Step.New.
func Brake(p Plan, b Brakes, open int) Plan {
	closes, moves, creates := 0, p.Count(Move), 0
	for _, s := range p.Steps {
		if removes(s) {
			closes++
		}
		if s.Verb == Create && !s.free() {
			creates++
		}
	}
	var why []string
	tooManyCloses := closes > b.CloseFloor && closes*100 > open*b.CloseShare
	if tooManyCloses {
		why = append(why, fmt.Sprintf("it would %s of %d open issues, more than %d %%", removed(closes-moves, moves), open, b.CloseShare))
	}
	tooManyCreates := b.Creates > 0 && creates > b.Creates
	if tooManyCreates {
		why = append(why, fmt.Sprintf("it would create %d issues, more than %d", creates, b.Creates))
	}
	why = append(why, newcomers(p, b)...)
	if len(why) == 0 {
		return p
	}
	out := p
	out.Steps, out.Held = nil, Held{Why: why}
	for _, s := range p.Steps {
		if tooManyCloses && removes(s) || s.Verb == Create && !s.free() && (tooManyCreates || s.New != "" && !b.Admit) {
			out.Held.Steps = append(out.Held.Steps, s)
		} else {
			out.Steps = append(out.Steps, s)
		}
	}
	return out
}

// newcomers is why the issues of new sources wait, source by source.
func newcomers(p Plan, b Brakes) []string {
	if b.Admit {
		return nil
	}
	first := map[string]int{}
	for _, s := range p.Steps {
		if s.Verb == Create && s.New != "" {
			first[s.New]++
		}
	}
	var why []string
	for _, source := range slices.Sorted(maps.Keys(first)) {
		issues := "1 issue"
		if n := first[source]; n > 1 {
			issues = fmt.Sprintf("%d issues", n)
		}
		why = append(why, fmt.Sprintf("%s is new, and a person looks at its first %s", source, issues))
	}
	return why
}

// removes says that a step takes an issue from people's lists that spoke for
// something: closed, or moved to where others see it.
func removes(s Step) bool {
	return !s.free() && (s.Verb == Move || s.Verb == Close && (s.Have == nil || s.Have.Phase != issue.Duplicate))
}

// removed says how many issues are closed and moved, not both of them 0.
func removed(closes, moves int) string {
	switch {
	case moves == 0:
		return fmt.Sprintf("close %d", closes)
	case closes == 0:
		return fmt.Sprintf("move %d", moves)
	}
	return fmt.Sprintf("close %d and move %d", closes, moves)
}

// Only keeps of a plan the steps that are among the entries: those a person has
// approved. What changed otherwise since is for the next plan.
func Only(p Plan, approved []Entry) Plan {
	known := map[Target]bool{}
	for _, e := range approved {
		known[e.Target()] = true
	}
	out := Plan{Unchanged: p.Unchanged}
	for _, s := range p.Changes() {
		if known[s.Target()] {
			out.Steps = append(out.Steps, s)
		}
	}
	return out
}

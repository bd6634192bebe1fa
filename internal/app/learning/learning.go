// Package learning makes suggestions for the rules out of what people corrected in
// GitLab: whom they gave issues to, and where they moved them.
//
// What always holds: nothing follows from a correction until an admin accepts the
// suggestion, and then it is a revision of the rules like any other, that keeps
// every byte of the file and adds to it; what the rules in force do already is not
// suggested; what was dismissed comes back only when twice as many issues speak for
// it; GitLab is not asked.
package learning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/app/ruling"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/rule/owner"
	"cxm/internal/store/rules"
	"cxm/internal/store/suggestions"
)

// most is how many issues are looked at of those that people corrected, and of
// those that they kept: the latest.
const most = 10_000

// examples is how many issues of a suggestion are shown.
const examples = 5

// Apply puts rules in force, with all that is checked about them.
type Apply func(ctx context.Context, file string, text []byte, c rules.Change) (rules.Revision, error)

// Learner learns from corrections. It is safe for concurrent use.
type Learner struct {
	base  *core.Core
	rules *rules.Store
	kept  *suggestions.Store
	apply Apply
}

// New makes a learner.
func New(base *core.Core, apply Apply) *Learner {
	return &Learner{
		base: base, apply: apply,
		rules: rules.New(base.DB.Base(), base.Tenant, base.Clock), kept: suggestions.New(base.DB.Base(), base.Tenant),
	}
}

// Suggestion is a change of the rules that people's corrections speak for.
type Suggestion struct {
	Number      int64 // it keeps it
	Integration integration.Integration
	When        owner.Trait
	Owner       string // whose issues of the trait are; empty: Project is meant
	Project     int64  // where they go; 0: Owner is meant
	Path        string // of Project; empty: not known
	Seen        int    // how many issues people corrected so
	Confidence  int    // of 100
	Why         string
	Issues      []string // addresses of some of them, the latest first

	Adds     string // what accepting adds to the rules, as YAML; empty: it cannot be said
	Trouble  string // why it cannot be accepted; empty: it can
	Text     []byte // the rules with that; nil: it cannot be accepted
	Revision int64  // of the rules that Text was made from; 0: the built-in ones

	Dismissed bool // an admin did not want it
	Reason    string
	Author    string
	At        time.Time // when it was dismissed
}

// Says is the suggestion in a few words.
func (s Suggestion) Says() string {
	if s.Owner != "" {
		return fmt.Sprintf("%s belongs to %s", s.When, s.Owner)
	}
	return fmt.Sprintf("%s goes to %s", s.When, s.To())
}

// To is the project, for people and for the rules.
func (s Suggestion) To() string {
	if s.Path != "" {
		return s.Path
	}
	return fmt.Sprint(s.Project)
}

// identity tells suggestions apart, whatever the numbers are.
func (s Suggestion) identity() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %q %d", s.Integration.ID, s.When.Tag, s.When.Value, s.When.Account, strings.ToLower(s.Owner), s.Project))
	return hex.EncodeToString(sum[:])
}

// Suggestions lists what corrections speak for, the surest first; dismissed ones
// only where all are asked for.
func (l *Learner) Suggestions(ctx context.Context, all bool) ([]Suggestion, error) {
	found, err := l.find(ctx)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	wanted := make([]suggestions.Suggestion, len(found))
	for i, s := range found {
		wanted[i] = suggestions.Suggestion{Identity: s.identity(), Says: s.Says()}
	}
	kept, err := l.kept.Number(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var out []Suggestion
	for i, s := range found {
		k := kept[i]
		if s.Number = k.Number; k.Answer == suggestions.Dismissed && s.Seen < 2*k.Seen {
			s.Dismissed, s.Reason, s.Author, s.At = true, k.Reason, k.Author, k.At
		}
		if all || !s.Dismissed {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int { return b.Confidence - a.Confidence })
	return out, nil
}

// Suggestion is the one of a number, dismissed or not.
func (l *Learner) Suggestion(ctx context.Context, number int64) (Suggestion, error) {
	all, err := l.Suggestions(ctx, true)
	if err != nil {
		return Suggestion{}, err
	}
	i := slices.IndexFunc(all, func(s Suggestion) bool { return s.Number == number })
	if i < 0 {
		return Suggestion{}, fmt.Errorf("there is no suggestion %d: its issues say something else by now, or the rules in force follow it already; see `cxm rules suggestions`", number)
	}
	return all[i], nil
}

// AcceptSuggestion puts the rules in force that the suggestion makes. The errors
// are those of Apply.
func (l *Learner) AcceptSuggestion(ctx context.Context, s Suggestion, author, note string) (rules.Revision, error) {
	if s.Trouble != "" {
		return rules.Revision{}, fmt.Errorf("suggestion %d cannot be accepted as it is: %s", s.Number, s.Trouble)
	}
	text := fmt.Sprintf("accepts suggestion %d: %s (%s)", s.Number, s.Says(), s.Why)
	if note != "" {
		text += "; " + note
	}
	r, err := l.apply(ctx, fmt.Sprintf("suggestion %d", s.Number), s.Text, rules.Change{Author: author, Note: text, Expected: s.Revision})
	if err != nil {
		return r, err
	}
	return r, l.kept.Say(ctx, suggestions.Suggestion{Number: s.Number, Says: s.Says(), Answer: suggestions.Accepted, Seen: s.Seen, Author: author, At: l.base.Clock().UTC(), Revision: r.Number})
}

// DismissSuggestion keeps that a suggestion is not wanted, and why.
func (l *Learner) DismissSuggestion(ctx context.Context, number int64, author, reason string) (Suggestion, error) {
	s, err := l.Suggestion(ctx, number)
	if err != nil {
		return s, err
	}
	s.Dismissed, s.Reason, s.Author, s.At = true, reason, author, l.base.Clock().UTC()
	return s, l.kept.Say(ctx, suggestions.Suggestion{Number: number, Says: s.Says(), Answer: suggestions.Dismissed, Seen: s.Seen, Reason: reason, Author: author, At: s.At})
}

// find finds out what corrections speak for that the rules in force do not do.
func (l *Learner) find(ctx context.Context) ([]Suggestion, error) {
	judged, err := l.judged(ctx)
	if err != nil || len(judged) == 0 {
		return nil, err
	}
	now, err := l.rules.Current(ctx)
	if err != nil {
		return nil, err
	}
	inForce, err := newBook(now)
	if err != nil {
		return nil, err
	}
	all, err := l.base.Store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the integrations: %w", err)
	}
	var out []Suggestion
	for _, in := range all {
		out = append(out, inForce.suggest(in, judged[in.ID])...)
	}
	return out, nil
}

// judged is what people made of issues, by integration, the latest first.
func (l *Learner) judged(ctx context.Context) (map[int64][]lesson, error) {
	out := map[int64][]lesson{}
	for _, verdict := range []issue.Verdict{issue.Corrected, issue.Kept} {
		some, err := l.kept.Judged(ctx, verdict, most)
		if err != nil {
			return nil, err
		}
		for _, j := range some {
			out[j.Issue.Integration] = append(out[j.Issue.Integration], learn(j, verdict))
		}
	}
	return out, nil
}

// newBook is the rules in force.
func newBook(now rules.Revision) (*book, error) {
	if now.Number == 0 {
		return &book{Compiled: ruling.Builtin(), text: []byte(builtin)}, nil
	}
	compiled, err := ruling.Compile(fmt.Sprintf("revision %d", now.Number), []byte(now.Text))
	if err != nil {
		return nil, fmt.Errorf("the rules in force cannot be read by this version of cxm: see `cxm rules export`, mend them, and run `cxm rules apply`: %w", err)
	}
	return &book{Compiled: compiled, text: []byte(now.Text), revision: now.Number}, nil
}

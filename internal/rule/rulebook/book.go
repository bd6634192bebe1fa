// Package rulebook is the rules in force: read from a file, asked about findings.
//
// What always holds: a Book is immutable and safe for concurrent use; what it
// says is a pure function of the finding, and comes with its reason; every finding
// has an assignment; without a rules file, and for rules that do not say what they
// group by, findings meet in the same groups as under rule.Set, so that writing
// rules makes no issue anew.
package rulebook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/rule/rulebook/condition"
)

// Book is the rules in force.
type Book struct {
	rules     []*Rule
	budgets   []attention.Budget
	campaigns []attention.Campaign
	templates []Template
	ownership Ownership
	cases     []testCase
	digest    string

	subjects *sync.Pool // of *condition.Subject
}

func newBook(lang *condition.Language) *Book {
	return &Book{subjects: &sync.Pool{New: func() any { return lang.Subject() }}}
}

// Builtin is what holds without a rules file: every finding becomes an issue in
// the integration's own project, grouped as rule.Set groups.
func Builtin() *Book {
	b, err := Parse("built in", []byte("version: 1\n"))
	if err != nil {
		panic("rulebook: the built-in rules: " + err.Error()) // every test would fail
	}
	b.digest = "builtin"
	return b
}

// builtin is the rule of a file without rules.
func builtin() Rule { return Rule{Name: "default"} }

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Digest tells texts of rules apart: 32 hex digits, or "builtin".
func (b *Book) Digest() string { return b.digest }

// Rules lists the rules in their order.
func (b *Book) Rules() []*Rule { return slices.Clone(b.rules) }

// Rule is the rule of a name.
func (b *Book) Rule(name string) (*Rule, bool) {
	for _, r := range b.rules {
		if r.Name == name {
			return r, true
		}
	}
	return nil, false
}

// Assign says which groups a finding belongs to, and why; there is always at least
// one. The first rule that matches decides; one that continues lets later rules
// match too, and each gives an assignment of its own. Behind that of a rule whose
// issues have a parent comes that of the parent. Where rules put it into the same
// group, the first of them counts. What no rule takes is ignored, with the reason.
func (b *Book) Assign(f *finding.Finding) []rule.Assignment {
	if a, ok := b.backlog(f); ok {
		return []rule.Assignment{a}
	}
	s, done := b.subject(f)
	defer done()
	var out []rule.Assignment
	for _, r := range b.rules {
		if ok, _ := r.matches(s, f); !ok {
			continue
		}
		if r.Ignore != "" {
			if len(out) > 0 {
				return out
			}
			return []rule.Assignment{{Rule: r.Name, Group: alone(f), Reason: fmt.Sprintf("rule %s ignores it: %s", r.Name, r.Ignore), Ignored: true}}
		}
		a := r.assign(f)
		out = with(out, a)
		if parent, ok := r.over(f, a.Group); ok {
			out = with(out, parent)
		}
		if !r.Continue {
			return out
		}
	}
	if len(out) == 0 {
		return []rule.Assignment{{Group: alone(f), Reason: "no rule matches it", Ignored: true}}
	}
	return out
}

// with adds an assignment to a group that is not among them.
func with(all []rule.Assignment, a rule.Assignment) []rule.Assignment {
	if slices.ContainsFunc(all, func(other rule.Assignment) bool { return other.Group == a.Group }) {
		return all
	}
	return append(all, a)
}

// subject is a finding as conditions see it, until done is called.
func (b *Book) subject(f *finding.Finding) (s *condition.Subject, done func()) {
	s, ok := b.subjects.Get().(*condition.Subject)
	if !ok {
		panic("rulebook: the pool holds something else than subjects")
	}
	return s.About(f), func() {
		s.About(nil)
		b.subjects.Put(s)
	}
}

// Verdict is what became of one rule when the book was asked about a finding.
type Verdict struct {
	Rule    string
	Line    int  // of the file
	Asked   bool // no earlier rule had decided
	Matched bool // and was asked
	Reason  string
	// Failing are the smallest parts of the condition that kept it from matching.
	Failing []condition.Failure
}

// Explain says of each rule, in order, whether it matched and why not.
func (b *Book) Explain(f *finding.Finding) []Verdict {
	s, done := b.subject(f)
	defer done()
	var out []Verdict
	groups := map[rule.GroupKey]string{}
	decided := ""
	for _, r := range b.rules {
		v := Verdict{Rule: r.Name, Line: r.Line, Asked: decided == ""}
		if !v.Asked {
			v.Reason = fmt.Sprintf("not asked: rule %s decided", decided)
			out = append(out, v)
			continue
		}
		v.Matched, v.Failing, v.Reason = r.verdict(s, f)
		if v.Matched {
			v.Reason = r.told(f, groups)
			if !r.Continue {
				decided = r.Name
			}
		}
		out = append(out, v)
	}
	return out
}

// verdict asks one rule.
func (r *Rule) verdict(s *condition.Subject, f *finding.Finding) (matched bool, failing []condition.Failure, reason string) {
	if ok, why := r.heeds(f); !ok {
		return false, nil, why
	}
	if r.condition == nil {
		return true, nil, ""
	}
	if matched, _ = r.condition.Matches(s); matched {
		return true, nil, ""
	}
	failing = r.condition.Explain(s)
	return false, failing, condition.Explanation(failing)
}

// told is what a rule that matched does.
func (r *Rule) told(f *finding.Finding, groups map[rule.GroupKey]string) string {
	if r.Ignore != "" {
		return "matches, and makes no issue: " + r.Ignore
	}
	a := r.assign(f)
	if other, shared := groups[a.Group]; shared {
		return fmt.Sprintf("matches, and shares the issue of rule %s: group by rule too for an issue of its own", other)
	}
	groups[a.Group] = r.Name
	text := "matches: " + a.Reason
	if parent, ok := r.over(f, a.Group); ok {
		text += "; " + parent.Reason
	}
	if r.Continue {
		text += "; later rules are asked, too"
	}
	return text
}

// Budgets lists the budgets in the order of the file.
func (b *Book) Budgets() []attention.Budget { return slices.Clone(b.budgets) }

// Budget is the budget of a name.
func (b *Book) Budget(name string) (attention.Budget, bool) {
	for _, each := range b.budgets {
		if each.Name == name {
			return each, true
		}
	}
	return attention.Budget{}, false
}

// Campaigns lists the campaigns in the order of the file.
func (b *Book) Campaigns() []attention.Campaign { return slices.Clone(b.campaigns) }

// Ownership is how owners are found.
func (b *Book) Ownership() Ownership { return b.ownership }

// Templates lists the templates in the order of the file.
func (b *Book) Templates() []Template { return slices.Clone(b.templates) }

package learning

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cxm/internal/app/ruling"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/amend"
	"cxm/internal/store/suggestions"
)

// builtin is the file that stands for the built-in rules.
const builtin = "# The built-in rules, with what was learned from people's corrections.\nversion: 1\n"

// lesson is what people made of one issue.
type lesson struct {
	said   owner.Correction
	lead   finding.Finding
	group  rule.GroupKey
	webURL string
}

// learn reads a lesson. Whom several took it for, it is nobody's that could be
// suggested.
func learn(j suggestions.Judged, v issue.Verdict) lesson {
	t := j.Issue
	var to []string
	for _, p := range t.Reassigned() {
		to = append(to, "@"+p.Username)
	}
	return lesson{lead: j.Lead, group: t.Group, webURL: t.Observed.WebURL, said: owner.Correction{
		Issue: strconv.FormatInt(t.ID, 10), Tags: j.Lead.Tags, Account: j.Lead.SubAccountID, Owner: t.Gave.Owner, Project: t.Routed,
		ToOwner: strings.Join(to, " "), ToProject: t.Relocated(), Kept: v == issue.Kept,
	}}
}

// book is rules, and the file that they are from.
type book struct {
	*ruling.Compiled
	text     []byte
	revision int64
}

// suggest is what the lessons of one integration speak for.
func (b *book) suggest(in integration.Integration, lessons []lesson) []Suggestion {
	corrections := make([]owner.Correction, len(lessons))
	for i, each := range lessons {
		corrections[i] = each.said
	}
	decider := owner.New(b.Ownership().Settings)
	var out []Suggestion
	for _, found := range decider.Suggest(corrections) {
		s := Suggestion{
			Integration: in, When: found.When, Owner: found.Owner, Project: found.Project, Seen: found.Seen, Confidence: found.Confidence,
			Why: found.Why, Revision: b.revision,
		}
		of := backing(s, lessons)
		for _, each := range of[:min(len(of), examples)] {
			s.Issues = append(s.Issues, each.webURL)
		}
		if s.Project != 0 {
			s.Path = path(in, of)
			s.Why = strings.Replace(s.Why, fmt.Sprintf("project %d", s.Project), s.To(), 1)
		}
		followed := b.follows(s, of)
		if followed == len(of) {
			continue
		}
		b.complete(&s, of, followed)
		out = append(out, s)
	}
	return out
}

// backing are the lessons that speak for a suggestion.
func backing(s Suggestion, lessons []lesson) []lesson {
	var out []lesson
	for _, each := range lessons {
		goal := s.Owner != "" && strings.EqualFold(each.said.ToOwner, s.Owner) || s.Project != 0 && each.said.ToProject == s.Project
		if goal && s.When.Of(each.said) {
			out = append(out, each)
		}
	}
	return out
}

// path is that of the project where the issues are.
func path(in integration.Integration, of []lesson) string {
	for _, each := range of {
		rest, ours := strings.CutPrefix(each.webURL, strings.TrimSuffix(in.URL, "/")+"/")
		if path, _, ok := strings.Cut(rest, "/-/"); ok && ours {
			return path
		}
	}
	return ""
}

// complete finds out what accepting adds, and whether it does what is suggested.
func (b *book) complete(s *Suggestion, of []lesson, followed int) {
	made, err := b.amended(*s, of)
	byHand := (*amend.ByHandError)(nil)
	switch s.Adds = made.Adds; {
	case errors.As(err, &byHand):
		s.Adds, s.Trouble = byHand.Adds, byHand.Why+"; put it in by hand, and run `cxm rules apply`"
		return
	case err != nil:
		s.Trouble = err.Error()
		return
	}
	then, err := ruling.Compile("the rules with it", made.Text)
	if err != nil {
		s.Trouble = "the rules could not be read with it, so change them by hand: " + err.Error()
		return
	}
	if failed := then.Check(); len(failed) > 0 {
		s.Trouble = fmt.Sprintf("the test %.80q in the rules wants something else (%s): change one of them by hand, and run `cxm rules apply`", failed[0].Test, failed[0].Message)
		return
	}
	after := &book{Compiled: then, text: made.Text}
	if after.follows(*s, of) <= followed {
		s.Trouble = "other parts of the rules decide about such issues before this does: change those by hand, and run `cxm rules apply` (`cxm rules test` says which)"
		return
	}
	s.Text = made.Text
}

// amended is the file with what the suggestion adds.
func (b *book) amended(s Suggestion, of []lesson) (amend.Amended, error) {
	tags := owner.DefaultChain()[0].Tags
	switch called, name := b.said(s.When); {
	case s.Project != 0:
		return b.routed(s, of)
	case called != "":
		return amend.Amended{}, fmt.Errorf("ownership says already that %.80q is %.80s: change it there, and run `cxm rules apply`", called, name)
	case s.When.Tag != "":
		return amend.Person(b.text, tags, s.When.Value, s.Owner)
	case strings.ContainsAny(s.When.Account, "*?"):
		return amend.Amended{}, fmt.Errorf("the account %.80q holds signs that stand for other letters in the rules: write a pattern for it by hand, and run `cxm rules apply`", s.When.Account)
	}
	return amend.Account(b.text, tags, s.When.Account, s.Owner)
}

// said is what ownership has for a trait already, as it is written there.
func (b *book) said(when owner.Trait) (called, name string) {
	if when.Tag != "" {
		for called, name := range b.Ownership().People {
			if strings.EqualFold(strings.TrimSpace(called), when.Value) {
				return called, name
			}
		}
		return "", ""
	}
	for _, link := range b.Ownership().Chain {
		for _, m := range link.Owners {
			if link.Source == owner.Accounts && m.Pattern == when.Account {
				return m.Pattern, m.Owner
			}
		}
	}
	return "", ""
}

// routed puts a rule in front of each that such issues go by.
func (b *book) routed(s Suggestion, of []lesson) (amend.Amended, error) {
	by := map[string]bool{}
	for _, each := range of {
		if r, ok := b.rule(each); ok {
			by[r.Name] = true
		}
	}
	var routes []amend.Route
	for _, r := range b.Rules() {
		if by[r.Name] {
			routes = append(routes, amend.Route{
				Rule: r.Name, Name: b.name(r.Name + ": " + s.When.String()), When: condition(s.When, of), Project: s.To(),
				Description: fmt.Sprintf("Learned from %d issues that people moved there.", s.Seen),
			})
		}
	}
	if len(routes) == 0 {
		return amend.Amended{}, errors.New("no rule makes issues of such findings any more: see `cxm rules test`")
	}
	return amend.Routed(b.text, routes)
}

// longest is how long the name of a rule may be, in bytes.
const longest = 100

// name is a name that no rule has.
func (b *book) name(wanted string) string {
	for cut := longest - 4; len(wanted) > cut; {
		_, size := utf8.DecodeLastRuneInString(wanted)
		wanted = wanted[:len(wanted)-size]
	}
	wanted = strings.TrimSpace(wanted)
	name := wanted
	for i := 2; ; i++ {
		if _, taken := b.Rule(name); !taken {
			return name
		}
		name = fmt.Sprintf("%s %d", wanted, i)
	}
}

// condition is a trait in the language of rules, as the findings spell it.
func condition(when owner.Trait, of []lesson) string {
	if when.Account != "" {
		return "account == " + strconv.Quote(when.Account)
	}
	var spelled []string
	for _, each := range of {
		for name, value := range each.lead.Tags {
			if strings.EqualFold(name, when.Tag) && strings.TrimSpace(value) == when.Value {
				spelled = append(spelled, fmt.Sprintf("tag(%s) == %s", strconv.Quote(name), strconv.Quote(value)))
			}
		}
	}
	slices.Sort(spelled)
	return strings.Join(slices.Compact(spelled), " || ")
}

// follows counts the issues that the rules would do with as people did.
func (b *book) follows(s Suggestion, of []lesson) int {
	n := 0
	decider := owner.New(b.Ownership().Settings)
	for _, each := range of {
		r, ok := b.rule(each)
		if !ok {
			continue
		}
		whose := b.whose(decider, r, each)
		if s.Owner != "" && strings.EqualFold(whose.Name, s.Owner) || s.Project != 0 && b.sends(s, r, each, whose) {
			n++
		}
	}
	return n
}

// rule is the one that the issue goes by.
func (b *book) rule(l lesson) (*rulebook.Rule, bool) {
	all := b.Assign(&l.lead)
	at := max(0, slices.IndexFunc(all, func(a rule.Assignment) bool { return a.Group == l.group }))
	if all[at].Ignored {
		return nil, false
	}
	return b.Rule(all[at].Rule)
}

// whose is the owner by the rules, as far as the finding itself tells.
func (b *book) whose(decider *owner.Decider, r *rulebook.Rule, l lesson) owner.Owner {
	if name := r.OwnerOf(single(l)); name != "" {
		return owner.Owner{Candidate: owner.Candidate{Name: name}}
	}
	if len(b.Ownership().Chain) == 0 {
		return owner.Owner{}
	}
	return decider.Decide(owner.Of(&l.lead))
}

// sends says that the rules send the issue where people moved it.
func (b *book) sends(s Suggestion, r *rulebook.Rule, l lesson, whose owner.Owner) bool {
	to := b.Ownership().Triage.Project
	if whose.Triage && !to.Empty() {
		if path, err := to.Path(&l.lead); err == nil {
			return path == s.Path || path == strconv.FormatInt(s.Project, 10)
		}
	}
	place, err := r.Place(single(l))
	switch {
	case err != nil:
		return false
	case place.Project == 0 && place.Path == "":
		return s.Project == s.Integration.Project.ID
	}
	return place.Project == s.Project || place.Path != "" && strings.EqualFold(place.Path, s.Path)
}

// single is the group of a finding alone.
func single(l lesson) rule.Group {
	return rule.Group{Key: l.group, Members: []rule.Member{{Finding: l.lead, Sighting: finding.Sighting{Detection: finding.Present}}}}
}

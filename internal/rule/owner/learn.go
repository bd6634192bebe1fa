package owner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Correction is what people made of one issue that cxm gave an owner and a project.
type Correction struct {
	Issue   string // which it is: of one that is there more than once the last counts
	Tags    map[string]string
	Account string
	Owner   string // whom cxm gave it to; empty: nobody
	Project int64  // where cxm put it

	// What people changed: to whom they gave it, and where they moved it. Empty and
	// zero: they left that as it was.
	ToOwner   string
	ToProject int64
	// Kept says that people worked on it as it was. It speaks against changing what
	// is given to the likes of it.
	Kept bool
}

// Trait is what findings have in common: one value of one tag, or an account.
type Trait struct {
	Tag, Value string // of a tag that the chain asks
	Account    string
}

// String names the trait for people.
func (t Trait) String() string {
	if t.Tag != "" {
		return "tag " + shown(t.Tag) + "=" + shown(t.Value)
	}
	return "account " + shown(t.Account)
}

// Of says that what a correction is about has the trait.
func (t Trait) Of(c Correction) bool {
	if t.Tag != "" {
		return strings.TrimSpace(tag(c.Tags, t.Tag)) == t.Value
	}
	return c.Account == t.Account
}

// Suggestion is a rule that people's corrections speak for. One of Owner and
// Project is set. Nothing follows from it until an admin accepts it.
type Suggestion struct {
	When       Trait
	Owner      string
	Project    int64
	Seen       int // how many issues people corrected so
	Confidence int // of 100
	Why        string
}

// enough is how many corrections make a suggestion.
const enough = 2

// Suggest says what the corrections speak for: a tag's value, or an account, whose
// issues people gave to the same owner, or moved to the same project, at least
// twice and never otherwise. Where a tag says it already, the account does not.
// Values that hold an e-mail address suggest nothing.
func (d *Decider) Suggest(corrections []Correction) []Suggestion {
	latest := map[string]int{}
	for i, c := range corrections {
		latest[c.Issue] = i
	}
	all := map[Trait]*tally{}
	var order []Trait
	for i, c := range corrections {
		if latest[c.Issue] != i {
			continue
		}
		for _, t := range d.traits(c) {
			if all[t] == nil {
				all[t] = &tally{}
				order = append(order, t)
			}
			all[t].count(i, c)
		}
	}
	slices.SortFunc(order, before)
	var out []Suggestion
	told := [2]map[int]bool{{}, {}} // corrections of owner and of project that a tag explains
	for _, t := range order {
		out = append(out, all[t].suggest(t, told)...)
	}
	return out
}

// before puts tags before accounts.
func before(a, b Trait) int {
	if (a.Tag == "") != (b.Tag == "") {
		return cmp.Compare(len(b.Tag), len(a.Tag))
	}
	return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Account, b.Account))
}

// traits are what a correction's finding has in common with others.
func (d *Decider) traits(c Correction) []Trait {
	var out []Trait
	for _, link := range d.chain {
		for _, name := range link.Tags {
			if value := strings.TrimSpace(tag(c.Tags, name)); !nothing(value) && !HoldsAddress(value) {
				out = append(out, Trait{Tag: strings.ToLower(name), Value: value})
			}
		}
	}
	if c.Account != "" && !HoldsAddress(c.Account) {
		out = append(out, Trait{Account: c.Account})
	}
	return out
}

// tally is what people did with the issues of one trait.
type tally struct {
	owner, project goal
}

// goal is where they went: nowhere else, or against is set.
type goal struct {
	owner   string
	project int64
	from    []int // the corrections
	against bool
}

func (t *tally) count(i int, c Correction) {
	changed := c.ToOwner != "" || c.ToProject != 0
	to, ok := read(c.ToOwner)
	switch {
	case c.ToOwner == "":
		t.owner.against = t.owner.against || c.Kept && !changed
	case !ok:
		t.owner.against = true // somebody, but nobody that could be suggested
	default:
		t.owner.against = t.owner.against || len(t.owner.from) > 0 && !strings.EqualFold(t.owner.owner, to.name)
		t.owner.owner, t.owner.from = to.name, append(t.owner.from, i)
	}
	if c.ToProject == 0 {
		t.project.against = t.project.against || c.Kept && !changed
		return
	}
	t.project.against = t.project.against || len(t.project.from) > 0 && t.project.project != c.ToProject
	t.project.project, t.project.from = c.ToProject, append(t.project.from, i)
}

func (t *tally) suggest(when Trait, told [2]map[int]bool) []Suggestion {
	var out []Suggestion
	for which, g := range []goal{t.owner, t.project} {
		news := slices.ContainsFunc(g.from, func(i int) bool { return !told[which][i] })
		if g.against || len(g.from) < enough || when.Tag == "" && !news {
			continue
		}
		what := "gave them to " + g.owner
		if g.owner == "" {
			what = fmt.Sprintf("moved them to project %d", g.project)
		}
		out = append(out, Suggestion{
			When: when, Owner: g.owner, Project: g.project, Seen: len(g.from), Confidence: min(95, 40+10*len(g.from)),
			Why: fmt.Sprintf("people %s, %d issues with %s, and did nothing else with such issues", what, len(g.from), when),
		})
		for _, i := range g.from {
			told[which][i] = told[which][i] || when.Tag != ""
		}
	}
	return out
}

package ruling

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/template"
	"cxm/internal/rule"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/rulebook"
)

// Compiled is rules with their templates made ready.
type Compiled struct {
	*rulebook.Book
	templates map[string]*template.Template
}

// Builtin is what holds without a rules file.
func Builtin() *Compiled { return &Compiled{Book: rulebook.Builtin()} }

// Compile reads a rules file. The error is rulebook.Problems: all of them, those of
// templates at their place in the file too.
func Compile(file string, text []byte) (*Compiled, error) {
	book, err := rulebook.Known{Templates: template.Names()}.Parse(file, text)
	if err != nil {
		return nil, err
	}
	out := &Compiled{Book: book, templates: map[string]*template.Template{}}
	var problems rulebook.Problems
	for _, t := range book.Templates() {
		ready, err := template.Parse(t.Name, t.Title, t.Body)
		if err != nil {
			problems = append(problems, placed(t, err)...)
			continue
		}
		out.templates[t.Name] = ready
	}
	for _, r := range book.Rules() {
		if r.Template == "" || out.templates[r.Template] != nil {
			continue
		}
		ready, err := template.Library(r.Template)
		if err != nil && len(problems) == 0 {
			return nil, err // Known told the book of every name there is
		}
		out.templates[r.Template] = ready
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// placed is what is wrong with a template, at its place in the rules file.
func placed(t rulebook.Template, err error) rulebook.Problems {
	var wrong *template.Problems
	if !errors.As(err, &wrong) {
		return rulebook.Problems{t.Problem(false, 0, err.Error(), "")}
	}
	var out rulebook.Problems
	for _, p := range wrong.List {
		inTitle := p.Part == "title"
		source := t.Body
		if inTitle {
			source = t.Title
		}
		out = append(out, t.Problem(inTitle, offset(source, p.Line, p.Column), p.Message, p.Mend))
	}
	return out
}

// offset is the byte at a line and a column, both from 1.
func offset(source string, line, column int) int {
	at := 0
	for ; line > 1 && at < len(source); at++ {
		if source[at] == '\n' {
			line--
		}
	}
	return min(at+max(0, column-1), len(source))
}

// look is how the issue of a group looks under a rule.
func (c *Compiled) look(of *rulebook.Rule, g rule.Group, whose owner.Owner) issue.Look {
	labels, _ := of.LabelsOf(g) // what cannot be filled in is left out: `cxm rules test` says so
	out := issue.Look{Labels: labels, Checklist: of.Checklist}
	if of.Line > 0 {
		out.Rule = of.Name
	}
	if of.Template != "" {
		out.Template = c.templates[of.Template]
	}
	if whose.Name == "" {
		return out
	}
	out.Owner = issue.Owner{Name: whose.Name, Why: whose.Why, Confidence: sure(whose.Confidence)}
	for _, other := range whose.Others {
		out.Owner.Others = append(out.Owner.Others, other.Name)
	}
	if whose.Kind == owner.Team || whose.Kind == owner.Group {
		out.Team = whose.Name
	}
	return out
}

// sure is a confidence in words.
func sure(of100 int) string {
	switch {
	case of100 >= 80:
		return "high"
	case of100 >= 50:
		return "medium"
	}
	return "low"
}

// AsksCode says that the chain of owners asks what code says.
func (c *Compiled) AsksCode() bool {
	_, asks, _ := c.code()
	return asks
}

// code says whether the chain of owners asks what code says, and whether it asks
// GitLab who owns files. Prefix is what Yor was told to put before its tags.
func (c *Compiled) code() (prefix string, asks, owners bool) {
	for _, link := range c.Ownership().Chain {
		switch link.Source {
		case owner.Code:
			prefix, asks = link.Prefix, true
		case owner.CodeOwners, owner.Authors:
			asks, owners = true, true
		}
	}
	return prefix, asks, owners
}

// triage is where a finding goes whose owner is not sure; false: where it would go
// anyway.
func (c *Compiled) triage(place rulebook.Place, f *finding.Finding) (rulebook.Place, bool) {
	to := c.Ownership().Triage
	if to.Project.Empty() {
		return place, false
	}
	path, err := to.Project.Path(f)
	if err != nil {
		return place, false
	}
	return rulebook.Place{
		Integration: cmp.Or(to.Integration, place.Integration), Path: path, Reason: "its owner is not sure enough, so somebody has to look",
	}, true
}

// thresholds are those of the issue, where the rule says nothing else.
func thresholds(t issue.Thresholds, of rulebook.Thresholds, currency string) issue.Thresholds {
	set(&t.Share, of.Share)
	if amount, ok := of.Amounts[currency]; ok {
		t.Amount = amount
	}
	return t
}

// Owner is whose a finding is, and how that is known.
type Owner = owner.Owner

// Explained is what the rules say about one finding, alone in its group.
type Explained struct {
	Verdicts    []rulebook.Verdict
	Assignments []rule.Assignment
	Place       rulebook.Place // of the first, where it is not ignored
	Owner       owner.Owner
	Want        issue.Desired
	Left        []string // labels that could not be filled in, and why
	Trouble     string   // of the template; empty: none
}

// Explain says which rule takes a finding, why no earlier one did, where its issue
// goes, whose it is, and what it says. Nobody is asked what its code says.
func (c *Compiled) Explain(f finding.Finding) (Explained, error) {
	return c.ExplainBy(context.Background(), f, nil)
}

// ExplainBy is Explain, with what the code says; nil: nobody is asked.
func (c *Compiled) ExplainBy(ctx context.Context, f finding.Finding, evidence Evidence) (Explained, error) {
	out := Explained{Verdicts: c.Book.Explain(&f), Assignments: c.Assign(&f)}
	first := out.Assignments[0]
	of, ok := c.Rule(first.Rule)
	if first.Ignored || !ok {
		return out, nil
	}
	detection := f.Detection
	if detection == "" {
		detection = finding.Present
	}
	g := rule.Group{Key: first.Group, Rule: first.Rule, Members: []rule.Member{{Finding: f, Sighting: finding.Sighting{Detection: detection}}}}
	var err error
	if out.Place, err = of.Place(g); err != nil {
		return out, fmt.Errorf("finding out where it goes: %w", err)
	}
	r := &Ruler{book: c, evidence: evidence, deciders: owner.New(c.Ownership().Settings)}
	if out.Owner, _ = r.owner(ctx, of, g); out.Owner.Triage {
		out.Place, _ = c.triage(out.Place, &f)
	}
	_, out.Left = of.LabelsOf(g)
	look := c.look(of, g, out.Owner)
	if out.Want, err = issue.RenderAs(g, look); err != nil {
		out.Trouble = err.Error()
	}
	return out, nil
}

// Amount is money for people.
func Amount(d decimal.NullDecimal, currency string) string {
	if !d.Valid {
		return ""
	}
	return d.Decimal.StringFixed(2) + " " + currency
}

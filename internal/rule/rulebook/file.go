package rulebook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/rule/attention"
	"cxm/internal/rule/rulebook/condition"
	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/pattern"
	"cxm/internal/rule/rulebook/setting"
)

// Problems is everything that is wrong with a rules file.
type Problems = form.Problems

// Problem is one of them, with its place and the mend.
type Problem = form.Problem

// Known is what a rules file may name although it is not in the file.
type Known struct {
	Templates []string // of the library
}

// Parse reads a rules file. The error is Problems: all of them, not only the first.
func Parse(file string, text []byte) (*Book, error) { return Known{}.Parse(file, text) }

// Parse is Parse for a file that may name what is known.
func (k Known) Parse(file string, text []byte) (*Book, error) {
	lang, err := condition.NewLanguage()
	if err != nil {
		return nil, err
	}
	f, root := form.Open(file, text)
	var read sheet
	if root != nil {
		sheets(lang).Read(root, &read)
		read.check(k)
	}
	if problems := f.Problems(); len(problems) > 0 {
		return nil, problems
	}
	b := newBook(lang)
	read.fill(b)
	b.digest = digest(text)
	return b, nil
}

// sheet is a file as it is read.
type sheet struct {
	defaults  written
	later     func() // reads the rules, once the defaults are there
	rules     []written
	budgets   []form.Named[setting.Budget]
	calendars []form.Named[attention.Calendar]
	campaigns []form.Named[setting.Campaign]
	templates []form.Named[Template]
	ownership Ownership
	cases     []testCase
	version   int
}

// sheets is the whole of a rules file.
func sheets(lang *condition.Language) form.Value[sheet] {
	return form.Object(
		form.At("version", form.Whole(1, 1), func(s *sheet) *int { return &s.version }, "The version of this form: 1.").Required(),
		form.At("defaults", form.Object(settings()...).Then(func(n *form.Node, w *written) { w.node = n }), func(s *sheet) *written { return &s.defaults }, "What every rule says unless it says otherwise."),
		form.At("rules", ruleLists(lang), func(s *sheet) *sheet { return s }, "The rules in their order: the first that matches decides. Left out: every finding becomes an issue."),
		form.At("budgets", form.Names(setting.Budgets()), func(s *sheet) *[]form.Named[setting.Budget] { return &s.budgets }, "How much is asked of people, by name."),
		form.At("calendars", form.Names(setting.Calendars()), func(s *sheet) *[]form.Named[attention.Calendar] { return &s.calendars }, "When issues may be made, by name."),
		form.At("campaigns", form.Names(setting.Campaigns()), func(s *sheet) *[]form.Named[setting.Campaign] { return &s.campaigns }, "Sets of issues with a goal, for a while, by name."),
		form.At("templates", form.Names(templates()), func(s *sheet) *[]form.Named[Template] { return &s.templates }, "Titles and bodies of issues, by name."),
		form.At("ownership", ownerships(), func(s *sheet) *Ownership { return &s.ownership }, "How the owner of a finding is found."),
		form.At("tests", form.Each(testCases()), func(s *sheet) *[]testCase { return &s.cases }, "Findings, and what the rules are to do with them."),
	)
}

// ruleLists reads the rules after the defaults, wherever those stand.
func ruleLists(lang *condition.Language) form.Value[sheet] {
	schema := form.List(rules(lang)).Schema
	schema["minItems"] = 1
	return form.Value[sheet]{Schema: schema, Read: func(n *form.Node, into *sheet) {
		into.later = func() {
			one := rules(lang)
			each := form.Value[written]{Schema: one.Schema, Read: func(n *form.Node, w *written) {
				*w = from(into.defaults)
				w.node, w.Line = n, n.Line
				one.Read(n, w)
			}}
			if n.Lists() && n.Items() == 0 {
				n.Wrong("write a rule, or leave it out for the built-in one", "is an empty list")
				return
			}
			form.Each(each).Read(n, &into.rules)
		}
	}}
}

// rules is one rule.
func rules(lang *condition.Language) form.Value[written] {
	return form.Object(append([]form.Field[written]{
		form.At("name", form.Text().Checked(ruleName), func(w *written) *string { return &w.Name }, "The name of the rule: each has its own.").Required(),
		form.At("description", form.Text(), func(w *written) *string { return &w.Description }, "What it is for, for people."),
		form.At("events", form.Some(form.Choice(events()...)), func(w *written) *[]Event { return &w.Events }, "What the rule acts on. Left out: everything that happens to findings, cxm's own included, but digests of what waits."),
		form.At("when", conditions(lang), func(w *written) *conditional { return (*conditional)(&w.Rule) }, "The condition (CEL) under which the rule matches. Left out: always."),
		form.At("ignore", form.Text(), func(w *written) *string { return &w.Ignore }, "No issue is made, for this reason."),
		form.At("continue", form.Bool(), func(w *written) *bool { return &w.Continue }, "Later rules may match, too, each with an issue of its own."),
		form.Maybe("parent", parents(), func(w *written) **Parent { return &w.Parent }, "An issue that lists the issues of this rule, a line for each, ticked when it is closed."),
	}, settings()...)...)
}

func ruleName(name string) (message, mend string) {
	switch {
	case len(name) > 100:
		return "is longer than 100 bytes", "shorten it"
	case strings.HasPrefix(name, "cxm:"):
		return "is one of cxm's own names", "use another name"
	case strings.ContainsAny(name, "\n\r\t") || strings.TrimSpace(name) != name:
		return "has blanks at its ends or line breaks", "write it on one line"
	}
	return "", ""
}

// conditional is a rule as its condition is read into it.
type conditional Rule

func conditions(lang *condition.Language) form.Value[conditional] {
	text := form.Text()
	return form.Value[conditional]{Schema: text.Schema, Read: func(n *form.Node, into *conditional) {
		if !form.Took(n, text, &into.When) {
			return
		}
		compiled, faults := lang.Compile(into.When)
		for _, f := range faults {
			n.WrongIn(f.Offset, f.Mend, "%s", f.Message)
		}
		into.condition = compiled
	}}
}

// fill makes the book of a sheet without problems.
func (s *sheet) fill(b *Book) {
	for i := range s.rules {
		b.rules = append(b.rules, &s.rules[i].Rule)
	}
	if len(s.rules) == 0 {
		only := from(s.defaults)
		only.Labels = s.defaults.own
		only.Name = builtin().Name
		b.rules = []*Rule{&only.Rule}
	}
	for _, each := range s.budgets {
		b.budgets = append(b.budgets, each.Value.Settings)
	}
	for _, each := range s.campaigns {
		b.campaigns = append(b.campaigns, each.Value.Settings)
	}
	for _, each := range s.templates {
		b.templates = append(b.templates, each.Value)
	}
	b.ownership, b.cases = s.ownership, s.cases
}

// merged adds labels to those of the defaults. A scoped label takes the place of
// one of the same scope, as it does in GitLab.
func merged(defaults, own []pattern.Pattern) []pattern.Pattern {
	var out []pattern.Pattern
	for _, label := range defaults {
		scope, _, scoped := cutScope(label.String())
		displaced := slices.ContainsFunc(own, func(other pattern.Pattern) bool {
			otherScope, _, otherScoped := cutScope(other.String())
			return other.String() == label.String() || scoped && otherScoped && scope == otherScope
		})
		if !displaced {
			out = append(out, label)
		}
	}
	return append(out, own...)
}

// Schema is the JSON Schema (2020-12) of a rules file, for editors.
func Schema() []byte {
	lang, err := condition.NewLanguage()
	if err != nil {
		panic("rulebook: " + err.Error()) // every test would fail
	}
	schema := sheets(lang).Schema
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "Rules of cxm"
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("rulebook: the schema: %s", err)) // made of texts and numbers alone
	}
	return append(text, '\n')
}

package rulebook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/setting"
)

// testCase is a finding, and what the rules are to do with it.
type testCase struct {
	name    string
	finding finding.Finding
	want    expectation
	node    *form.Node
	money   []form.Amount
}

// expectation is what a test says; nil is not looked at.
type expectation struct {
	rule    *string
	rules   *[]string
	project *string
	ignored *bool
	groupOf *string
	parent  *string
	labels  *[]string
}

func testCases() form.Value[testCase] {
	return form.Object(
		form.At("name", form.Text(), func(c *testCase) *string { return &c.name }, "The name of the test: each has its own.").Required(),
		form.At("finding", findings(), func(c *testCase) *testCase { return c }, "The finding, by its facts.").Required(),
		form.At("want", expectations(), func(c *testCase) *expectation { return &c.want }, "What the rules are to do with it.").Required(),
	).Then(func(n *form.Node, c *testCase) {
		c.node = n
		c.complete()
	})
}

func expectations() form.Value[expectation] {
	return form.Object(
		form.Maybe("rule", form.Text(), func(e *expectation) **string { return &e.rule }, "The rule that decides; the first where several do."),
		form.Maybe("rules", form.Some(form.Text()), func(e *expectation) **[]string { return &e.rules }, "All rules that give it an issue, in order."),
		form.Maybe("project", form.Label(), func(e *expectation) **string { return &e.project }, "The project its issue goes to: path or number."),
		form.Maybe("ignored", form.Bool(), func(e *expectation) **bool { return &e.ignored }, "Whether no issue is made."),
		form.Maybe("group_of", form.Text(), func(e *expectation) **string { return &e.groupOf }, "The name of another test whose finding shares the issue."),
		form.Maybe("parent_of", form.Text(), func(e *expectation) **string { return &e.parent }, "The name of another test whose finding is in an issue with the same parent."),
		form.Maybe("labels", form.List(form.Text()), func(e *expectation) **[]string { return &e.labels }, "The labels that the rule adds, all of them."),
	)
}

// findings is a finding by its facts. What a test leaves out is as in a cost
// opportunity of a source "test".
func findings() form.Value[testCase] {
	kinds := []finding.Kind{finding.Cost, finding.System, finding.Custom}
	fields := []form.Field[testCase]{
		form.At("severity", setting.Severities(), func(c *testCase) *finding.Severity { return &c.finding.SeverityID }, "It is unknown when it is left out."),
		form.At("tags", textMap(), func(c *testCase) *map[string]string { return &c.finding.Tags }, "The tags of the resource."),
		form.At("aliases", form.List(form.Text()), func(c *testCase) *[]string { return &c.finding.ResourceAliases }, "Other spellings of the resource."),
		form.At("lookback_days", form.Whole(0, 10_000), func(c *testCase) *int { return &c.finding.LookbackDays }, "The days that the source looked at."),
		form.At("savings", form.Money(), func(c *testCase) *form.Amount { return c.amount(0) }, "The saving per month; left out, unknown."),
		form.At("cost", form.Money(), func(c *testCase) *form.Amount { return c.amount(1) }, "The cost per month; left out, unknown."),
	}
	for _, f := range fact.All() {
		switch {
		case f.Name == "kind":
			fields = append(fields, form.At("kind", form.Choice(kinds...), func(c *testCase) *finding.Kind { return &c.finding.Kind }, "It is "+f.Doc+"."))
		case f.Name == "restart" || f.Name == "rollback":
			fields = append(fields, put(f, form.Choice("yes", "no")))
		case f.Settable() && f.Name != "currency":
			fields = append(fields, put(f, form.Text()))
		}
	}
	return form.Object(fields...)
}

// amount is the place of an amount of a test.
func (c *testCase) amount(which int) *form.Amount {
	if c.money == nil {
		c.money = make([]form.Amount, 2)
	}
	return &c.money[which]
}

func put(f fact.Fact, v form.Value[string]) form.Field[testCase] {
	read := form.Value[testCase]{Schema: v.Schema, Read: func(n *form.Node, into *testCase) {
		var text string
		if form.Took(n, v, &text) {
			f.Put(&into.finding, text)
		}
	}}
	return form.At(f.Name, read, func(c *testCase) *testCase { return c }, "It is "+f.Doc+".")
}

func textMap() form.Value[map[string]string] {
	return form.Parsed(form.Names(form.AnyText()), func(named []form.Named[string]) (map[string]string, error) {
		out := map[string]string{}
		for _, each := range named {
			out[each.Name] = each.Value
		}
		return out, nil
	})
}

// complete fills in what a test leaves out.
func (c *testCase) complete() {
	f := &c.finding
	if f.Kind == "" {
		f.Kind = finding.Cost
	}
	if f.SourceSystem == "" {
		f.SourceSystem = "test"
	}
	if f.Title == "" {
		f.Title = c.name
	}
	f.Detection = finding.Present
	f.ResourceAliases = finding.Aliases(f.ResourceID, f.ResourceAliases...)
	f.FindingKey = finding.NewKey("test", f.SourceSystem, f.SourceInstance, f.SourceRuleID, f.ResourceID, c.name)
	if c.money == nil {
		return
	}
	savings, cost := c.money[0], c.money[1]
	if savings.Currency != "" && cost.Currency != "" && savings.Currency != cost.Currency {
		c.node.Under("finding.cost").Wrong("write both in one currency", "is in %s, and the saving in %s", cost.Currency, savings.Currency)
		return
	}
	if savings.Currency != "" {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(savings.Value), savings.Currency
	}
	if cost.Currency != "" {
		f.EstimatedMonthlyCost, f.BillingCurrency = money.Known(cost.Value), cost.Currency
	}
}

// checkCases finds tests of one name, and names that stand for nothing.
func (s *sheet) checkCases() {
	names, rules := []string{}, []string{builtin().Name}
	if len(s.rules) > 0 {
		rules = nil
	}
	for i := range s.rules {
		rules = append(rules, s.rules[i].Name)
	}
	for i := range s.cases {
		if slices.Contains(names, s.cases[i].name) {
			s.cases[i].node.Under("name").Wrong("give each test a name of its own", "there is a test %.60q already", s.cases[i].name)
		}
		names = append(names, s.cases[i].name)
	}
	for _, c := range s.cases {
		for field, other := range map[string]*string{"want.group_of": c.want.groupOf, "want.parent_of": c.want.parent} {
			if other != nil && !slices.Contains(names, *other) {
				unknown(c.node.Under(field), "test", "tests", *other, names)
			}
		}
		for _, name := range c.want.names() {
			if !slices.Contains(rules, name) {
				unknown(c.node.Under("want"), "rule", "rules", name, rules)
			}
		}
	}
}

// names lists the rules that a test speaks of.
func (e *expectation) names() []string {
	var out []string
	if e.rule != nil {
		out = append(out, *e.rule)
	}
	if e.rules != nil {
		out = append(out, *e.rules...)
	}
	return out
}

// Failure is a test of a rules file that failed.
type Failure struct {
	Test    string
	Line    int    // of the file
	Message string // what was, what should be, and why
}

// Tests is how many tests the file has.
func (b *Book) Tests() int { return len(b.cases) }

// Check runs the tests of the file and lists those that fail.
func (b *Book) Check() []Failure {
	var out []Failure
	for i := range b.cases {
		c := &b.cases[i]
		for _, message := range b.judge(c) {
			out = append(out, Failure{Test: c.name, Line: c.node.Line, Message: message})
		}
	}
	return out
}

func (b *Book) judge(c *testCase) []string {
	var out []string
	wrong := func(what, got, want string) {
		if got != want {
			out = append(out, fmt.Sprintf("%s is %s, not %s", what, or(got, "none"), or(want, "none")))
		}
	}
	all := b.Assign(&c.finding)
	first := all[0]
	if c.want.ignored != nil {
		wrong("ignored", strconv.FormatBool(first.Ignored), strconv.FormatBool(*c.want.ignored))
	}
	if c.want.rule != nil {
		wrong("the rule", first.Rule, *c.want.rule)
	}
	if c.want.rules != nil {
		wrong("the list of rules", strings.Join(names(all), ", "), strings.Join(*c.want.rules, ", "))
	}
	if c.want.groupOf != nil {
		if other := b.Assign(b.named(*c.want.groupOf)); other[0].Group != first.Group {
			out = append(out, fmt.Sprintf("it shares no issue with %s: %s; %s there", *c.want.groupOf, first.Reason, other[0].Reason))
		}
	}
	if c.want.parent != nil {
		if other := b.Assign(b.named(*c.want.parent)); !akin(all, other) {
			out = append(out, fmt.Sprintf("its issue has no parent in common with that of %s", *c.want.parent))
		}
	}
	b.judgeIssue(c, first, wrong)
	if len(out) > 0 {
		out[0] += b.because(&c.finding)
	}
	return out
}

// judgeIssue looks at what an issue would be.
func (b *Book) judgeIssue(c *testCase, first rule.Assignment, wrong func(what, got, want string)) {
	r, known := b.Rule(first.Rule)
	if !known || first.Ignored {
		if c.want.project != nil {
			wrong("the project", "", *c.want.project)
		}
		if c.want.labels != nil {
			wrong("the labels", "", strings.Join(*c.want.labels, ", "))
		}
		return
	}
	g := rule.Group{Key: first.Group, Members: []rule.Member{{Finding: c.finding, Sighting: finding.Sighting{Detection: finding.Present}}}}
	if c.want.project != nil {
		place, err := r.Place(g)
		got := place.Path
		if place.Project != 0 {
			got = strconv.FormatInt(place.Project, 10)
		}
		if err == nil && got != *c.want.project {
			wrong("the project", or(got, "the integration's own")+" ("+place.Reason+")", *c.want.project)
		}
	}
	if c.want.labels != nil {
		got, _ := r.LabelsOf(g)
		want := slices.Sorted(slices.Values(*c.want.labels))
		wrong("the list of labels", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// because says why the rules did what they did.
func (b *Book) because(f *finding.Finding) string {
	var lines []string
	for _, v := range b.Explain(f) {
		if v.Asked {
			lines = append(lines, v.Rule+": "+v.Reason)
		}
	}
	return " (" + strings.Join(lines, " | ") + ")"
}

func (b *Book) named(name string) *finding.Finding {
	for i := range b.cases {
		if b.cases[i].name == name {
			return &b.cases[i].finding
		}
	}
	return &finding.Finding{} // Parse lets no such name through
}

func names(all []rule.Assignment) []string {
	var out []string
	for _, a := range all {
		if !a.Ignored && !a.Parent() {
			out = append(out, a.Rule)
		}
	}
	return out
}

// akin says that two findings are beneath one parent.
func akin(one, other []rule.Assignment) bool {
	return slices.ContainsFunc(one, func(a rule.Assignment) bool {
		return a.Parent() && slices.ContainsFunc(other, func(b rule.Assignment) bool { return b.Group == a.Group })
	})
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

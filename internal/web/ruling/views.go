package ruling

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/web/ui"
)

const base = "/settings/rules"

// Tab is a page of the area.
type Tab struct {
	ui.Link
	Current bool
}

// tabs are the pages of the area, with the one that is looked at.
func tabs(at string, plan bool) []Tab {
	var out []Tab
	for _, each := range []struct {
		name, path string
		plan       bool
	}{{"In force", "", false}, {"Edit", "/edit", true}, {"Try a finding", "/test", true}, {"Suggestions", "/suggestions", false}, {"What waits", "/backlog", false}, {"History", "/history", false}} {
		if plan || !each.plan {
			out = append(out, Tab{ui.Link{Text: each.name, URL: base + each.path}, each.path == at})
		}
	}
	return out
}

// Rules is what holds, in words, with the form for what is most usual.
type Rules struct {
	Tabs      []Tab
	Facts     []ui.Fact
	Rules     []RuleView
	Last      string // what becomes of findings that no rule takes
	Budgets   []BudgetView
	Ownership string
	More      []ui.Fact
	Choose    *Choose // nil: they may not preview
	Download  string
}

// Template is the template's name.
func (Rules) Template() string { return "ruling-rules" }

// BudgetView is a budget in words.
type BudgetView struct {
	Name  string
	Facts []ui.Fact
}

// Choose is the form for what is most usual.
type Choose struct {
	Switches, Fields []ui.Field
	From             int64
	Form             ui.Form // its faults
	Note             string
}

// NewRules is the page.
func NewRules(s State, b Book) Rules {
	page := Rules{Tabs: tabs("", s.Plan), Facts: revisionFacts(s.Now), Download: base + "/rules.yaml"}
	for i, r := range b.Rules {
		page.Rules = append(page.Rules, viewRule(i, r, s.Plan))
	}
	page.Last = "What no rule takes becomes no issue."
	if n := len(b.Rules); n > 0 && b.Rules[n-1].When == "" && len(b.Rules[n-1].Events) == 0 {
		page.Last = ""
	}
	for _, each := range b.Budgets {
		page.Budgets = append(page.Budgets, BudgetView{each.Name, budgetFacts(each)})
	}
	page.Ownership = "Nobody is asked whose a finding is: issues name no owner beyond what the tags say."
	if len(b.Chain) > 0 {
		page.Ownership = "Owners are looked for in this order: " + strings.Join(b.Chain, ", ") + "."
	}
	page.More = moreFacts(b)
	if s.Plan {
		page.Choose = NewChoose(s.Now.Number, b, b.Choices, nil)
	}
	return page
}

func moreFacts(b Book) []ui.Fact {
	var out []ui.Fact
	for _, each := range []struct {
		name string
		all  []string
		url  string
	}{{"Campaigns", b.Campaigns, base + "/backlog"}, {"Templates", b.Templates, ""}} {
		if len(each.all) > 0 {
			out = append(out, ui.Fact{Name: each.name, Text: strings.Join(each.all, ", "), URL: each.url})
		}
	}
	if b.Tests > 0 {
		out = append(out, ui.Fact{Name: "Tests in the file", Text: counted(b.Tests, "test", "tests") + ", which pass"})
	}
	return out
}

func revisionFacts(r api.Revision) []ui.Fact {
	if r.Number == 0 {
		return []ui.Fact{{Name: "Revision", Text: "none: the built-in rules hold", Detail: "Every finding becomes an issue in the integration's own project."}}
	}
	out := []ui.Fact{{Name: "Revision", Text: strconv.FormatInt(r.Number, 10), URL: revisionURL(r.Number)}}
	if r.Of != nil {
		out[0].Detail = fmt.Sprintf("revision %d again", *r.Of)
	}
	out = append(out, ui.Fact{Name: "By", Text: or(deref(r.Author), "not known")})
	if r.At != nil {
		out = append(out, ui.Fact{Name: "Since", Time: *r.At})
	}
	if note := deref(r.Note); note != "" {
		out = append(out, ui.Fact{Name: "Note", Text: note})
	}
	return out
}

func revisionURL(number int64) string { return fmt.Sprintf("%s/history/%d", base, number) }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// NewChoose is the form, with what was chosen and what is wrong with it, by field.
func NewChoose(from int64, b Book, c Choices, faults map[string]string) *Choose {
	out := &Choose{From: from}
	for _, s := range Switches() {
		out.Switches = append(out.Switches, ui.Field{Name: "on-" + s.Name, Label: s.Label, Hint: s.Hint, Type: "checkbox", Checked: !slices.Contains(c.Off, s.Name)})
	}
	perDay := ""
	if c.PerDay > 0 {
		perDay = strconv.Itoa(c.PerDay)
	}
	out.Fields = []ui.Field{
		{Name: "project", Label: "Project", Value: c.Project, Autocomplete: "off", Hint: `A path such as acme/platform, or a pattern such as acme/{{tag "team" | slug}}. Empty: the integration's own.`},
		{Name: "labels", Label: "Labels", Value: strings.Join(c.Labels, ", "), Autocomplete: "off", Hint: "Separated by commas; in addition to cxm's own."},
		{Name: "group_by", Label: "Findings share an issue that have the same", Value: strings.Join(c.GroupBy, ", "), Autocomplete: "off", Hint: "Such as resource, account, region, action or tag:team, separated by commas. Empty: one issue for each piece of work."},
		{Name: "minimum", Label: "No issue below a saving of", Value: c.Minimum, Autocomplete: "off", Hint: "A month, with its currency: 10 USD. What has no known saving becomes an issue all the same."},
		{Name: "per_day", Label: "New issues a day, at most", Value: perDay, Autocomplete: "off", Hint: "In each project. Empty: no bound. The rest waits and is not lost."},
		{Name: "digest", Label: "One issue in each project tells of what waits there", Type: "checkbox", Checked: c.Digest},
	}
	for _, list := range [][]ui.Field{out.Switches, out.Fields} {
		for i := range list {
			list[i].Form, list[i].Error = "choose", faults[list[i].Name]
		}
	}
	out.Form = ui.Form{ID: "choose", Error: faults[""], Fields: out.Fields}
	if b.Budget != "" {
		out.Note = "The last three are those of the budget " + b.Budget + "."
	}
	if slices.ContainsFunc(b.Rules, own) {
		out.Note = strings.TrimSpace("A rule that says something else itself keeps it. " + out.Note)
	}
	return out
}

// own says that a rule has a say of its own in what the form asks.
func own(r Rule) bool { return r.Line > 0 && r.Ignore == "" }

// Editor is the file to be written.
type Editor struct {
	Tabs     []Tab
	Sheet    Sheet
	Lines    string // "crlf" where its lines end so
	Error    string // about the whole
	Problems []Problem
	Failures []Failure
	Checked  string // what the check found, in a sentence; empty: it was not checked
	Tone     ui.Tone
	Stale    string // by what it was overtaken; empty: it was not
}

// Template is the template's name.
func (Editor) Template() string { return "ruling-editor" }

// Problem is one thing that is wrong with the file, with the line that it is on.
type Problem struct {
	Line, Column         int
	Field, Message, Mend string
	Source, Caret        string
}

// Failure is a test of the file that fails.
type Failure struct {
	Test, Message string
	Line          int // 0: not known
}

// NewEditor is the page; nil: it was not checked.
func NewEditor(s State, sheet Sheet, v *api.Validation, trouble string) Editor {
	page := Editor{Tabs: tabs("/edit", s.Plan), Sheet: sheet, Error: trouble}
	if strings.Contains(sheet.Text, "\r\n") {
		page.Lines = "crlf"
	}
	if sheet.From != s.Now.Number {
		page.Stale = fmt.Sprintf("Revision %d is in force by now, and this was begun from %s.", s.Now.Number, begun(sheet.From))
	}
	if v == nil {
		return page
	}
	source := strings.Split(sheet.Text, "\n")
	for _, p := range v.Problems {
		page.Problems = append(page.Problems, problem(p, source))
	}
	for _, f := range v.Failures {
		page.Failures = append(page.Failures, Failure{Test: f.Test, Message: f.Message, Line: namedAt(source, f.Test)})
	}
	page.Checked, page.Tone = verdict(*v)
	return page
}

func begun(from int64) string {
	if from == 0 {
		return "the built-in rules"
	}
	return fmt.Sprintf("revision %d", from)
}

func verdict(v api.Validation) (string, ui.Tone) {
	switch {
	case len(v.Problems) > 0:
		return counted(len(v.Problems), "thing", "things") + " to mend.", ui.Bad
	case len(v.Failures) > 0:
		return fmt.Sprintf("The file reads well, but %d of its %s fail.", len(v.Failures), counted(v.Tests, "test", "tests")), ui.Bad
	case v.Tests > 0:
		return "The file reads well, and " + counted(v.Tests, "test passes.", "tests pass."), ui.Good
	}
	return "The file reads well. It has no tests.", ui.Good
}

// longest is how much of a line is shown where it is at fault.
const longest = 120

func problem(p api.RuleProblem, source []string) Problem {
	out := Problem{Line: p.Line, Column: p.Column, Field: deref(p.Field), Message: p.Message, Mend: deref(p.Mend)}
	if p.Line < 1 || p.Line > len(source) {
		return out
	}
	line := []rune(strings.TrimRight(strings.ReplaceAll(source[p.Line-1], "\t", " "), "\r"))
	from := 0
	if p.Column > longest-20 {
		from = min(p.Column-longest/2, len(line))
	}
	out.Source = string(line[from:min(len(line), from+longest)])
	out.Caret = strings.Repeat(" ", max(0, p.Column-1-from)) + "^"
	return out
}

// namedAt is the line where something of a name begins; 0: it is not found.
func namedAt(source []string, name string) int {
	for i, line := range source {
		if strings.Contains(line, "name:") && strings.Contains(line, name) {
			return i + 1
		}
	}
	return 0
}

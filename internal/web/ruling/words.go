package ruling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// Switch is a sort of event that becomes issues, or does not.
type Switch struct{ Name, Label, Hint string }

// Switches are those that the form has. Their names are those of
// internal/rule/rulebook/amend.
func Switches() []Switch {
	return []Switch{
		{"cost", "Cost opportunities", "What could be saved, such as a disk that nobody uses."},
		{"system", "System issues", "Alerts and failed checks of what runs."},
		{"custom", "Events of your own", "Whatever your own programs send."},
		{"token-expiring", "A token expires soon", "And was not rotated so far."},
		{"review-due", "An access review is due", "Of what the account may do in GitLab."},
		{"source-failed", "A source fails", "It delivers nothing whole, or nothing at all."},
	}
}

// counted is a number of things in words: "1 line", "12,000 lines".
func counted(n int, one, many string) string {
	number, _, _ := strings.Cut(money.Show(decimal.NewFromInt(int64(n)), ""), ".")
	if n == 1 {
		return number + " " + one
	}
	return number + " " + many
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// and joins a few words: "a", "a and b", "a, b and c".
func and(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// phrase is a part of a condition that has words of its own.
type phrase struct {
	shape *regexp.Regexp
	words string
}

// phrases are all of them.
var phrases = sync.OnceValue(func() []phrase {
	return []phrase{
		{regexp.MustCompile(`^kind == "cost"$`), "it is a cost opportunity"},
		{regexp.MustCompile(`^kind == "system"$`), "it is a system issue"},
		{regexp.MustCompile(`^kind == "custom"$`), "it is an event of your own"},
		{regexp.MustCompile(`^source != "cxm"$`), "it is not about cxm itself"},
		{regexp.MustCompile(`^source == "cxm"$`), "it is about cxm itself"},
		{regexp.MustCompile(`^saves\("([^"\\]*)"\)$`), "it saves at least $1 a month"},
		{regexp.MustCompile(`^!saves\("([^"\\]*)"\)$`), "it is not known to save $1 a month"},
		{regexp.MustCompile(`^costs\("([^"\\]*)"\)$`), "it costs at least $1 a month"},
		{regexp.MustCompile(`^severity >= ([A-Z]+)$`), "its severity is $1 or higher"},
		{regexp.MustCompile(`^severity == ([A-Z]+)$`), "its severity is $1"},
		{regexp.MustCompile(`^tag\("([^"\\]*)"\) == ""$`), "it has no tag $1"},
		{regexp.MustCompile(`^tag\("([^"\\]*)"\) == "([^"\\]*)"$`), "its tag $1 is $2"},
		{regexp.MustCompile(`^tag\("([^"\\]*)"\) != "([^"\\]*)"$`), "its tag $1 is not $2"},
		{regexp.MustCompile(`^"([^"\\]*)" in tags$`), "it has the tag $1"},
		{regexp.MustCompile(`^savings_known$`), "its saving is known"},
		{regexp.MustCompile(`^([a-z_]+) == "([^"\\]+)"$`), "its $1 is $2"},
		{regexp.MustCompile(`^([a-z_]+) != "([^"\\]+)"$`), "its $1 is not $2"},
		{regexp.MustCompile(`^([a-z_]+)\.startsWith\("([^"\\]+)"\)$`), "its $1 begins with $2"},
	}
})

// conditionWords says a condition in words, where all of its parts have some; empty: they
// have not, and the condition says it best itself.
func conditionWords(when string) string {
	var out []string
	for _, part := range parts(when) {
		part = strings.TrimSpace(part)
		i := slices.IndexFunc(phrases(), func(p phrase) bool { return p.shape.MatchString(part) })
		if i < 0 {
			return ""
		}
		out = append(out, phrases()[i].shape.ReplaceAllString(part, phrases()[i].words))
	}
	return and(out)
}

// parts are what stands between the && of a condition, those within quotes apart.
func parts(when string) []string {
	var out []string
	from, quote := 0, byte(0)
	for i := 0; i < len(when); i++ {
		switch c := when[i]; {
		case quote != 0 && c == '\\':
			i++
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.HasPrefix(when[i:], "&&"):
			out = append(out, when[from:i])
			from, i = i+2, i+1
		}
	}
	return append(out, when[from:])
}

// RuleView is a rule in words.
type RuleView struct {
	Number      int
	Name        string
	Description string
	Badge       ui.Badge
	Takes       string
	When        string // the condition as it is written; empty: always
	Facts       []ui.Fact
	EditURL     string // empty: it is built in, or may not be edited
}

func viewRule(i int, r Rule, plan bool) RuleView {
	v := RuleView{Number: i + 1, Name: r.Name, Description: r.Description, When: strings.TrimSpace(r.When), Badge: ui.Badge{Text: "becomes an issue", Tone: ui.Good}}
	if r.Ignore != "" {
		v.Badge = ui.Badge{Text: "no issue", Tone: ui.Neutral}
	}
	if plan && r.Line > 0 {
		v.EditURL = fmt.Sprintf("/settings/rules/edit#line-%d", r.Line)
	}
	switch words := conditionWords(v.When); {
	case v.When == "" && len(r.Events) == 0:
		v.Takes = "Every finding that no rule above takes."
	case v.When == "":
		v.Takes = "Whatever happens of these events."
	case words != "":
		v.Takes = "Takes a finding if " + words + "."
	default:
		v.Takes = "Takes a finding for which this is true:"
	}
	v.Facts = r.facts()
	return v
}

// facts say what a rule does, without what it does not say.
func (r Rule) facts() []ui.Fact {
	var out []ui.Fact
	add := func(name, text, detail string) {
		if text != "" {
			out = append(out, ui.Fact{Name: name, Text: text, Detail: detail})
		}
	}
	if len(r.Events) > 0 {
		add("Acts on", and(r.Events), "")
	}
	if r.Ignore != "" {
		add("Why no issue", r.Ignore, "")
		return out
	}
	fallback := ""
	if r.Fallback != "" {
		fallback = "Where that cannot be filled in: " + r.Fallback
	}
	add("Goes to", or(r.Project, "the integration's own project"), fallback)
	add("Integration", r.Integration, "")
	add("Shares an issue with", grouped(r.GroupBy), "")
	if len(r.Parent) > 0 {
		add("Parent", "one issue that lists those "+alike(r.Parent), "")
	}
	add("Owner", r.Owner, "")
	add("Labels", strings.Join(r.Labels, ", "), "")
	add("Budget", strings.Join(r.Budgets, ", "), "")
	add("Template", r.Template, "")
	add("When it is made", strings.Join(r.given(), ", "), "")
	if r.Close == "manual" {
		add("Closing", "by people; cxm says in the issue that it is gone", "")
	}
	if r.Continue {
		add("Then", "later rules are asked, too", "")
	}
	return out
}

// given is what an issue is given when it is made.
func (r Rule) given() []string {
	var out []string
	if len(r.Assignees) > 0 {
		out = append(out, "assigned to "+and(r.Assignees))
	}
	for _, each := range [][2]string{{"milestone ", r.Milestone}, {"due after ", r.Due}, {"weight ", r.Weight}, {"type ", r.Type}} {
		if each[1] != "" {
			out = append(out, each[0]+each[1])
		}
	}
	if r.Confidential {
		out = append(out, "confidential")
	}
	if r.Checklist {
		out = append(out, "with a checklist")
	}
	return out
}

func grouped(by []string) string {
	if len(by) == 0 {
		return "those about the same work, as the built-in rules group"
	}
	return "findings " + alike(by)
}

func alike(by []string) string {
	words := make([]string, len(by))
	for i, each := range by {
		tag, is := strings.CutPrefix(each, "tag:")
		if words[i] = strings.ReplaceAll(each, "_", " "); is {
			words[i] = "tag " + tag
		}
	}
	return "with the same " + and(words)
}

// budgetFacts say what a budget allows.
func budgetFacts(b Budget) []ui.Fact {
	var out []ui.Fact
	of := map[string]string{"team": "each team", "all": "everybody together"}[b.Per]
	out = append(out, ui.Fact{Name: "For", Text: or(of, "each project")})
	var bounds []string
	for _, each := range []struct {
		n    int
		text string
	}{{b.PerHour, "an hour"}, {b.PerDay, "a day"}, {b.PerWeek, "a week"}} {
		if each.n > 0 {
			bounds = append(bounds, counted(each.n, "new issue ", "new issues ")+each.text)
		}
	}
	if b.Top > 0 {
		bounds = append(bounds, counted(b.Top, "issue", "issues")+" open at once")
	}
	out = append(out, ui.Fact{Name: "At most", Text: or(and(bounds), "no bound")})
	if b.Minimum != "" {
		detail := "What has no known saving becomes one all the same."
		if b.UnknownFails {
			detail = "What has no known saving becomes none either."
		}
		out = append(out, ui.Fact{Name: "No issue below", Text: b.Minimum + " a month", Detail: detail})
	}
	if len(b.Calendar) > 0 {
		out = append(out, ui.Fact{Name: "When", Text: strings.Join(b.Calendar, "; ")})
	}
	if b.Digest {
		out = append(out, ui.Fact{Name: "Digest", Text: "one issue in each project tells of what waits there"})
	}
	if b.Except != "" {
		out = append(out, ui.Fact{Name: "Not bounded", Text: "severity " + b.Except + " or higher"})
	}
	return out
}

package pages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	apidoor "cxm/internal/api/door"
	"cxm/internal/app"
	compiled "cxm/internal/app/ruling"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule/attention"
	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/amend"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/store/lists"
	"cxm/internal/web/ruling"
	"cxm/internal/web/site"
)

// rules is the area of events and rules.
func (p *pages) rules() site.Area {
	return ruling.New(ruling.Parts{Desk: rulesDesk{p}, Language: language(), Clock: p.app.Clock})
}

// rulesDesk reads rules files, changes and tries them.
type rulesDesk struct{ *pages }

// rulesFile is what the problems of a rules file call it.
const rulesFile = "rules"

// language is what completes a rules file.
func language() ruling.Language {
	l := ruling.Language{Schema: rulebook.Schema()}
	for _, f := range fact.All() {
		l.Words = append(l.Words, ruling.Word{Name: f.Name, Doc: f.Doc})
	}
	for _, w := range [][2]string{
		{"saves", `saves("50 USD"): the saving a month is known, in that currency, and at least that`}, {"costs", `costs("200 USD"): the same of the cost`},
		{"savings_known", "the saving is known"}, {"cost_known", "the cost is known"}, {"tag", `tag("team"): a tag, "" where it is missing`}, {"tags", `"team" in tags: whether a tag is there`},
		{"aliases", "other spellings of the resource"}, {"lookback_days", "the days that the source looked at"}, {"lower", "lower(title): in small letters"},
		{"startsWith", `region.startsWith("eu-")`}, {"endsWith", `resource.endsWith("-dev")`}, {"contains", `title.contains("disk")`}, {"matches", `title.matches("^disk")`}, {"exists", "aliases.exists(a, …)"},
		{"INFORMATIONAL", "a severity"}, {"LOW", "a severity"}, {"MEDIUM", "a severity"}, {"HIGH", "a severity"}, {"CRITICAL", "a severity"}, {"FATAL", "a severity"},
	} {
		l.Words = append(l.Words, ruling.Word{Name: w[0], Doc: w[1]})
	}
	return l
}

// told is an error that people can mend, in words for them.
func told(err error) error {
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*issue.Trouble](err); ok {
		return &apidoor.Problem{Status: http.StatusBadGateway, Detail: t.Error()}
	}
	_, problems := errors.AsType[rulebook.Problems](err)
	_, routes := errors.AsType[*app.RulesError](err)
	if problems || routes {
		return &apidoor.Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	return err
}

// Book is what a rules file says.
func (d rulesDesk) Book(_ context.Context, _ site.Guest, text string) (ruling.Book, error) {
	book, err := compiled.Compile(rulesFile, []byte(text))
	if err != nil {
		return ruling.Book{}, told(err)
	}
	basics, err := amend.Basic([]byte(text))
	if err != nil {
		return ruling.Book{}, err
	}
	out := ruling.Book{Tests: book.Tests(), Budget: basics.Budget, Choices: chosen(basics)}
	for _, r := range book.Rules() {
		out.Rules = append(out.Rules, ruleOf(r))
	}
	for _, b := range book.Budgets() {
		out.Budgets = append(out.Budgets, budgetOf(b))
	}
	for _, c := range book.Campaigns() {
		out.Campaigns = append(out.Campaigns, c.Name)
	}
	for _, t := range book.Templates() {
		out.Templates = append(out.Templates, t.Name)
	}
	for _, link := range book.Ownership().Chain {
		out.Chain = append(out.Chain, string(link.Source))
	}
	return out, nil
}

func chosen(b amend.Basics) ruling.Choices {
	c := ruling.Choices{Project: b.Project, GroupBy: b.GroupBy, Labels: b.Labels, Minimum: b.Minimum, PerDay: b.PerDay, Digest: b.Digest}
	for _, s := range b.Off {
		c.Off = append(c.Off, string(s))
	}
	return c
}

func ruleOf(r *rulebook.Rule) ruling.Rule {
	out := ruling.Rule{
		Name: r.Name, Description: r.Description, Line: r.Line, When: r.When, Ignore: r.Ignore, Continue: r.Continue,
		Project: r.Route.Project.String(), Fallback: r.Route.Fallback.String(), Integration: r.Route.Integration, GroupBy: r.GroupBy,
		Owner: r.Owner.String(), Template: r.Template, Milestone: r.Milestone, Assignees: r.Assignees, Budgets: r.Budget,
		Type: string(r.IssueType), Close: string(r.Policy.Close), Confidential: r.Confidential, Checklist: r.Checklist,
	}
	for _, e := range r.Events {
		out.Events = append(out.Events, string(e))
	}
	for _, l := range r.Labels {
		out.Labels = append(out.Labels, l.String())
	}
	if r.Parent != nil {
		out.Parent = r.Parent.GroupBy
	}
	if r.Due > 0 {
		out.Due = span(r.Due)
	}
	if r.Weight != nil {
		out.Weight = strconv.Itoa(*r.Weight)
	}
	return out
}

// span is a time in the largest unit that says it exactly.
func span(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

func budgetOf(b attention.Budget) ruling.Budget {
	out := ruling.Budget{
		Name: b.Name, Per: string(b.Per), PerHour: b.PerHour, PerDay: b.PerDay, PerWeek: b.PerWeek, Top: b.Open, UnknownFails: b.UnknownFails, Digest: b.Digest, Calendar: calendar(b.Calendar),
	}
	if b.MinSavings.Value.IsPositive() {
		out.Minimum = money.Show(b.MinSavings.Value, b.MinSavings.Currency)
	}
	if b.Except != finding.SeverityUnknown {
		out.Except = strings.ToLower(b.Except.String())
	}
	return out
}

// calendar says when issues may be made.
func calendar(c attention.Calendar) []string {
	var out, days []string
	for _, d := range c.Days {
		days = append(days, d.String())
	}
	if len(days) > 0 {
		out = append(out, "on "+strings.Join(days, ", "))
	}
	for _, q := range c.Quiet {
		out = append(out, fmt.Sprintf("not from %s to %s", q.From, q.To))
	}
	for _, f := range c.Freezes {
		text := fmt.Sprintf("not from %s to %s", f.From, f.To)
		if f.Reason != "" {
			text += " (" + f.Reason + ")"
		}
		out = append(out, text)
	}
	if len(out) > 0 && c.Zone != nil {
		out = append(out, c.Zone.String()+" time")
	}
	return out
}

// Choose is the file with other choices.
func (d rulesDesk) Choose(_ context.Context, _ site.Guest, text string, c ruling.Choices) (string, error) {
	b := amend.Basics{Project: c.Project, GroupBy: c.GroupBy, Labels: c.Labels, Minimum: c.Minimum, PerDay: c.PerDay, Digest: c.Digest}
	for _, s := range amend.Switches() {
		for _, off := range c.Off {
			if off == string(s) {
				b.Off = append(b.Off, s)
			}
		}
	}
	out, err := b.Put([]byte(text))
	if byHand, ok := errors.AsType[*amend.ByHandError](err); ok {
		return "", &apidoor.Problem{Status: http.StatusUnprocessableEntity, Detail: byHand.Why + ". Edit the file instead, and put this into it:\n" + strings.TrimRight(byHand.Adds, "\n")}
	}
	return string(out.Text), err
}

// Preview compares a file with the rules in force, for each integration.
func (d rulesDesk) Preview(ctx context.Context, g site.Guest, text string) ([]ruling.Preview, error) {
	a, err := d.app.Of(ctx, g.Tenant)
	if err != nil {
		return nil, err
	}
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return nil, err
	}
	var out []ruling.Preview
	for _, in := range all {
		p, err := a.PreviewRules(ctx, in.ID, rulesFile, []byte(text))
		if err != nil {
			return nil, told(err)
		}
		out = append(out, previewOf(p))
	}
	return out, nil
}

func previewOf(p app.Preview) ruling.Preview {
	out := ruling.Preview{Project: p.Integration.Project.Path, Waits: p.Waits}
	for _, t := range p.Totals {
		total := ruling.Total{Project: t.Project, Counts: map[string]int{}, Savings: t.Savings}
		for verb, n := range t.Verbs {
			total.Counts[verb.Word()] = n
		}
		out.Totals = append(out.Totals, total)
	}
	for _, s := range p.Steps {
		addStep(stepsOf(&out, s), s)
	}
	for _, s := range p.Gone {
		addStep(&out.Spared, s)
	}
	return out
}

// stepsOf is where a step of a preview belongs. What does nothing is a new issue, or a
// move, that a budget keeps back: until its turn, or for what it is worth.
func stepsOf(p *ruling.Preview, s plan.Step) *ruling.Steps {
	switch s.Verb {
	case plan.Update:
		return &p.Change
	case plan.Close:
		return &p.Go
	case plan.Move:
		return &p.Move
	case plan.Nothing:
		switch {
		case s.Have != nil:
			return &p.Move
		case s.Answer.Outcome == attention.Below:
			return &p.Below
		}
	}
	return &p.Come
}

// mostSteps is how many issues of each part of a preview are listed.
const mostSteps = 50

func addStep(to *ruling.Steps, s plan.Step) {
	to.All++
	if to.Savings == nil {
		to.Savings = money.Totals{}
	}
	to.Savings.Add(s.Counts())
	if len(to.First) >= mostSteps {
		return
	}
	step := ruling.Step{Title: s.Title, Reason: s.Reason, Rule: s.Rule, Saving: s.Savings, Currency: s.Currency}
	if s.Have != nil {
		step.URL = s.Have.Observed.WebURL
	}
	to.First = append(to.First, step)
}

// Try says what rules do with findings.
func (d rulesDesk) Try(ctx context.Context, g site.Guest, text string, f ruling.Specimen) ([]ruling.Tried, error) {
	a, err := d.app.Of(ctx, g.Tenant)
	if err != nil {
		return nil, err
	}
	all, stored, err := specimens(ctx, a, f)
	if err != nil {
		return nil, err
	}
	book, err := a.Book(ctx)
	if text != "" {
		book, err = compiled.Compile(rulesFile, []byte(text))
	}
	if err != nil {
		return nil, told(err)
	}
	var out []ruling.Tried
	for _, each := range all {
		e, err := a.ExplainRules(ctx, 0, book, each)
		if err != nil {
			return nil, told(err)
		}
		out = append(out, triedOf(each, e, stored))
	}
	return out, nil
}

// mostSpecimens is how many findings rules are tried on at once.
const mostSpecimens = 100

// specimens are the findings that rules are tried on.
func specimens(ctx context.Context, a *app.App, s ruling.Specimen) (all []finding.Finding, stored bool, err error) {
	if s.Key != "" {
		key, err := finding.ParseKey(s.Key)
		if err != nil {
			return nil, false, site.ErrMissing
		}
		got, err := lists.New(a.DB.Base(), a.Tenant).Finding(ctx, key)
		if err != nil {
			return nil, false, site.ErrMissing
		}
		return []finding.Finding{got.Finding}, true, nil
	}
	all, err = pasted([]byte(s.Text))
	switch {
	case err != nil:
		return nil, false, &site.Refusal{Text: "this is no finding as cxm inspect --output json prints it: " + err.Error()}
	case len(all) == 0:
		return nil, false, &site.Refusal{Text: "there is no finding in it: paste what cxm inspect --output json prints"}
	case len(all) > mostSpecimens:
		return nil, false, &site.Refusal{Text: fmt.Sprintf("there are %d findings in it: try at most %d at once", len(all), mostSpecimens)}
	}
	for i, f := range all {
		if f.Kind == "" || f.SourceSystem == "" {
			return nil, false, &site.Refusal{Text: fmt.Sprintf("finding %d lacks Kind or SourceSystem: paste what cxm inspect --output json prints", i+1)}
		}
	}
	return all, false, nil
}

// pasted reads one finding, a list of them, or the whole output of cxm inspect.
func pasted(text []byte) (all []finding.Finding, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		err = json.Unmarshal(text, &all)
		return all, err
	}
	var whole struct{ Findings []finding.Finding }
	if json.Unmarshal(text, &whole) == nil && len(whole.Findings) > 0 {
		return whole.Findings, nil
	}
	var one finding.Finding
	if err := json.Unmarshal(text, &one); err != nil {
		return nil, err
	}
	return []finding.Finding{one}, nil
}

func triedOf(f finding.Finding, e compiled.Explained, stored bool) ruling.Tried {
	first := e.Assignments[0]
	out := ruling.Tried{
		Title: f.Title, Ignored: first.Ignored, Reason: first.Reason, Project: e.Place.Path, Where: e.Place.Reason,
		Issue: e.Want.Title, Body: e.Want.Body, Labels: e.Want.Labels, Left: e.Left, Trouble: e.Trouble,
		Owner: e.Owner.Name,
	}
	if e.Place.Project != 0 {
		out.Project = strconv.FormatInt(e.Place.Project, 10)
	}
	for _, why := range append([]string{e.Owner.Why}, e.Owner.Unused...) {
		if why != "" {
			out.Why = append(out.Why, why)
		}
	}
	if stored {
		out.Key = string(f.FindingKey)
	}
	for _, v := range e.Verdicts {
		verdict := ruling.Verdict{Rule: v.Rule, Line: v.Line, Asked: v.Asked, Matched: v.Matched, Reason: v.Reason}
		for _, part := range v.Failing {
			verdict.Failing = append(verdict.Failing, ruling.Failing(part))
		}
		out.Verdicts = append(out.Verdicts, verdict)
	}
	for _, a := range e.Assignments[1:] {
		if !a.Parent() {
			out.Also = append(out.Also, a.Rule)
		}
	}
	return out
}

// Package deciding is the pages on which people decide about findings, and see what
// was decided.
//
// What always holds: what a form names is looked for in the tenant of who sends it;
// what is wrong with a decision stands at its field, with what was typed.
package deciding

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/finding"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() fs.FS { return files }

// mostShown is how many decisions stand on a page.
const mostShown = 50

// Area is what the site serves of it.
func Area() site.Area {
	findings := ui.Link{Text: "Findings", URL: "/findings"}
	decide := site.View{
		At: page.AtFindings, Title: "Decide", Trail: []ui.Link{findings}, What: "This finding", May: "decide about findings", Needs: role.Decide,
		List: ui.Link{Text: "Show all findings", URL: findings.URL}, Make: ask,
	}
	list := site.View{
		At: page.AtFindings, Title: "Decisions", Lead: "What people decided about findings, as it stands: of what is snoozed or excepted no issue is made.", Trail: []ui.Link{findings},
		What: "The decisions", May: "see decisions", Needs: role.Read, List: decide.List, Make: standing,
	}
	return site.Area{
		Templates: files,
		Views:     map[string]site.View{"/findings/{key}/decision": decide, "/findings/decisions": list},
		Forms:     map[string]site.Form{"/findings/{key}/decision": {View: decide, Do: record}},
	}
}

// about is a finding with what was decided about it.
func about(r *http.Request, g site.Guest, s *ui.Shell) (Data, error) {
	key := r.PathValue("key")
	f, err := g.API.Findings.Finding(r.Context(), key)
	if err != nil {
		return Data{}, err
	}
	s.Lead = f.Title
	s.Trail = append(s.Trail, ui.Link{Text: f.Title, URL: at(f.Key)})
	history, _, err := g.API.Deciding.Of(r.Context(), key, api.Slice{Size: mostShown})
	return Data{Key: f.Key, Title: f.Title, Stands: f.Decided, History: history}, err
}

func at(key string) string { return "/findings/" + url.PathEscape(key) }

func ask(r *http.Request, g site.Guest, s *ui.Shell) (page.Page, error) {
	d, err := about(r, g, s)
	return New(d), err
}

func record(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	said := api.NewFindingDecision{Decision: r.PostFormValue("decision"), Reason: r.PostFormValue("reason"), Until: r.PostFormValue("until")}
	if said.Decision == string(finding.Undecided) || said.Decision == string(finding.Accepted) {
		said.Until = "" // the field keeps what stood there before
	}
	made, err := g.API.Deciding.Decide(r.Context(), r.PathValue("key"), said)
	if p, ok := errors.AsType[*door.Problem](err); ok && p.Status == http.StatusUnprocessableEntity {
		d, err := about(r, g, s)
		d.Typed, d.Faults = &said, faults(p)
		return site.Answer{Page: New(d)}, err
	}
	if err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: at(made.Finding), Notice: ui.Notice{Text: follows(made), Tone: ui.Good}}, nil
}

// follows is what becomes of a finding by a decision.
func follows(d api.FindingDecision) string {
	switch {
	case d.ID == 0:
		return "There was nothing to take back."
	case d.Decision == string(finding.Undecided):
		return "The decision was taken back. From the next plan on it is as if nothing had been decided."
	case d.Decision == string(finding.Accepted):
		return "It was recorded that this is to be done. Its issue is made and kept as before."
	}
	return "The decision was recorded. No issue is made of this finding; an open one says so with the next plan, and stays open until people close it."
}

func standing(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	q := r.URL.Query()
	f := api.StandingFilter{Review: q.Get("review") != ""}
	switch d := finding.Decision(q.Get("decision")); d {
	case finding.Accepted, finding.Snoozed, finding.Exception:
		f.Decision = string(d)
	}
	all, next, err := walk(r, g, f)
	return NewList(ListData{Filter: f, Decisions: all, More: next, May: g.May(role.Decide)}), err
}

// walk reads the first decisions that a filter leaves, and says whether there are more.
func walk(r *http.Request, g site.Guest, f api.StandingFilter) (out []api.StandingDecision, more bool, err error) {
	s := api.Slice{Size: mostListed}
	for range 100 {
		page, next, err := g.API.Deciding.Standing(r.Context(), f, s)
		out = append(out, page...)
		if err != nil || len(out) >= mostListed || next == (api.Cursor{}) {
			return out[:min(len(out), mostListed)], next != (api.Cursor{}), err
		}
		s.After = next
	}
	return out, true, nil
}

// mostListed is how many decisions the list shows.
const mostListed = 200

// Data is what the page is made from.
type Data struct {
	Key, Title string
	Stands     *api.Decided // nil: nothing was ever decided
	History    []api.FindingDecision
	Typed      *api.NewFindingDecision // what was refused; nil: nothing was
	Faults     map[string]string       // what is wrong, by the name of the field; empty name: about all of it
}

// Page asks what is decided about one finding.
type Page struct {
	Form    ui.Form
	History ui.Table
}

// Template is the template's name.
func (Page) Template() string { return "deciding-finding" }

// New is the page.
func New(d Data) Page {
	stands := finding.Decided{Decision: finding.Undecided}
	if d.Stands != nil && d.Stands.InEffect {
		stands = finding.Decided{Decision: finding.Decision(d.Stands.Decision), Reason: text(d.Stands.Reason), Until: moment(d.Stands.Until)}
	}
	form := page.DecisionForm(d.Key, stands)
	form.Cancel = at(d.Key)
	if d.Typed != nil {
		retype(form.Fields, *d.Typed)
	}
	form.Error = d.Faults[""]
	for i := range form.Fields {
		form.Fields[i].Error = d.Faults[form.Fields[i].Name]
	}
	p := Page{Form: form, History: ui.Table{Caption: "What was decided", Columns: []ui.Column{{Label: "Decided"}, {Label: "Reason"}, {Label: "By"}}}}
	for _, h := range d.History {
		sub := ""
		if h.Until != nil {
			sub = "until " + finding.Day(*h.Until)
		}
		p.History.Rows = append(p.History.Rows, []ui.Cell{{Text: h.Decision, Sub: sub}, {Text: first(text(h.Reason), "none was given")}, {Text: h.By, Sub: moment(h.At).Format("2006-01-02 15:04")}})
	}
	return p
}

// retype puts what was sent into the fields.
func retype(fields []ui.Field, said api.NewFindingDecision) {
	for i := range fields {
		switch fields[i].Name {
		case "until":
			fields[i].Value = said.Until
		case "reason":
			fields[i].Value = said.Reason
		case "decision":
			for o := range fields[i].Options {
				fields[i].Options[o].Selected = fields[i].Options[o].Value == said.Decision
			}
		}
	}
}

// faults are what is wrong, by the field that it is about.
func faults(p *door.Problem) map[string]string {
	out := map[string]string{}
	for _, e := range p.Errors {
		switch name := strings.TrimPrefix(e.Location, "body."); name {
		case "decision", "until", "reason":
			out[name] = sentence(e.Message)
		}
	}
	if len(out) == 0 {
		out[""] = sentence(p.Detail)
	}
	return out
}

// sentence is an error of the program as a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// ListData is what the list is made from.
type ListData struct {
	Filter    api.StandingFilter
	Decisions []api.StandingDecision
	More      bool
	May       bool // decide
}

// Filter is a link to the list of some of the decisions.
type Filter struct {
	Text, URL string
	Current   bool
}

// List is the decisions that stand.
type List struct {
	Show  []Filter
	Table ui.Table
	Empty ui.Empty
	More  string // empty: these are all
}

// Template is the template's name.
func (List) Template() string { return "deciding-list" }

// NewList is the page.
func NewList(d ListData) List {
	p := List{Table: ui.Table{Caption: "Decisions that stand", Columns: []ui.Column{{Label: "Finding"}, {Label: "Decision"}, {Label: "Saving a month", Number: true}, {Label: "By"}}}}
	for _, f := range []struct {
		text, query string
		on          bool
	}{
		{"All", "", d.Filter == api.StandingFilter{}},
		{"Snoozed", "?decision=snoozed", !d.Filter.Review && d.Filter.Decision == string(finding.Snoozed)},
		{"Exceptions", "?decision=exception", !d.Filter.Review && d.Filter.Decision == string(finding.Exception)},
		{"Accepted", "?decision=accepted", !d.Filter.Review && d.Filter.Decision == string(finding.Accepted)},
		{"To be looked at again", "?review=1", d.Filter.Review},
	} {
		p.Show = append(p.Show, Filter{f.text, "/findings/decisions" + f.query, f.on})
	}
	for _, s := range d.Decisions {
		p.Table.Rows = append(p.Table.Rows, row(s))
	}
	p.Empty = ui.Empty{Title: "No decisions", Text: "Nothing was decided yet. A finding's page lets you accept it, snooze it until a day, or except it for a reason.", Action: &ui.Action{Text: "Show all findings", URL: "/findings"}}
	if d.Filter != (api.StandingFilter{}) {
		p.Empty.Text = "No decision that stands is of this kind."
		p.Empty.Action = &ui.Action{Text: "Show all decisions", URL: "/findings/decisions"}
	}
	if d.More {
		p.More = "These are the latest. The command line lists all of them: cxm finding decisions."
	}
	return p
}

func row(s api.StandingDecision) []ui.Cell {
	badge := ui.Badge{Text: s.Decision, Tone: ui.Neutral}
	if s.Decision == string(finding.Accepted) {
		badge.Tone = ui.Info
	}
	decision := ui.Cell{Badges: []ui.Badge{badge}}
	switch {
	case s.Review:
		decision.Badges = append(decision.Badges, ui.Badge{Text: "look again", Tone: ui.Warn})
		decision.Sub = "without an end: decide the same again if it still holds"
	case !s.InEffect:
		decision.Badges = append(decision.Badges, ui.Badge{Text: "over", Tone: ui.Neutral})
		decision.Sub = "until " + finding.Day(moment(s.Until))
	case s.Until != nil:
		decision.Sub = "until " + finding.Day(*s.Until)
	case s.Decision == string(finding.Exception):
		decision.Sub = "without an end"
	}
	saving := ui.Cell{Text: "not known"}
	if s.Savings != nil {
		saving = ui.Cell{Text: s.Savings.Amount, Unit: s.Savings.Currency}
	}
	return []ui.Cell{
		{Text: s.Title, Sub: text(s.Reason), URL: at(s.Finding)}, decision, saving, {Text: s.By, Sub: moment(s.At).Format(time.DateOnly)},
	}
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func moment(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.UTC()
}

func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

package connecting

import (
	"fmt"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// shown is how many places a review lists.
const shown = 100

// Review is what the account of an integration reaches, for somebody who looks over it.
type Review struct {
	Facts   []ui.Fact
	Remarks []ui.Check
	Summary page.Summary
	Places  ui.Table
	More    string
	Before  []ui.Event
	Form    ui.Form
}

// Template is the template's name.
func (Review) Template() string { return "connecting-review" }

// NewReview is the page.
func NewReview(id int64, now api.Reach, before []api.Review, note, trouble string) Review {
	out := Review{
		Facts: []ui.Fact{
			{Name: "Account", Text: now.Account, Detail: map[bool]string{true: "an administrator of the instance"}[now.Admin]},
			{Name: "Scopes", Text: strings.Join(now.Scopes, ", ")},
			{Name: "Looked after by", Text: strings.Join(now.Owners, ", ")},
		},
		Summary: page.Summary{Text: "It reaches what cxm needs, and nothing else.", Tone: ui.Good},
		Places:  ui.Table{Caption: "What the account reaches", Columns: []ui.Column{{Label: "Place"}, {Label: "Role"}, {Label: "Membership"}}},
		Form: ui.Form{ID: "review", Action: at(id) + "/review", Submit: "Record the review", Cancel: at(id), Error: trouble, Fields: []ui.Field{
			{Name: "note", Label: "Note", Type: "textarea", Value: note, Hint: "What you looked at, and what you decided. It is kept with what GitLab says at that moment."},
		}},
	}
	for i, f := range out.Facts {
		if f.Text == "" {
			out.Facts[i].Text = map[string]string{"Scopes": "GitLab does not say"}[f.Name]
			if out.Facts[i].Text == "" {
				out.Facts[i].Text = "nobody is written down"
			}
		}
	}
	faults := 0
	for i, r := range now.Remarks {
		c := ui.Check{Name: fmt.Sprintf("remark-%d", i), Asks: "The account or its token", Outcome: "warning", Cause: r.Text}
		if r.Place != nil {
			c.Asks = *r.Place
		}
		if r.Severity == "error" {
			c.Outcome = "failed"
			faults++
		}
		out.Remarks = append(out.Remarks, c)
	}
	switch {
	case faults > 0:
		out.Summary = page.Summary{Text: "It does not reach all that cxm needs.", Tone: ui.Bad}
	case len(now.Remarks) > 0:
		out.Summary = page.Summary{Text: "It reaches more than cxm needs, or what it reaches is not known.", Tone: ui.Warn}
	}
	out.places(now.Places)
	for _, r := range before {
		e := ui.Event{Who: r.By, Text: reviewed(len(r.Remarks)), Tone: ui.Neutral, At: when(r.At)}
		if r.Note != nil {
			e.Detail = *r.Note
		}
		out.Before = append(out.Before, e)
	}
	return out
}

func reviewed(remarks int) string {
	switch remarks {
	case 0:
		return "Reviewed, with no remarks"
	case 1:
		return "Reviewed, with 1 remark"
	}
	return fmt.Sprintf("Reviewed, with %d remarks", remarks)
}

func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (v *Review) places(all []api.Place) {
	for i, p := range all {
		if i == shown {
			v.More = fmt.Sprintf("And %d more: cxm access show --output json lists all of them.", len(all)-shown)
			break
		}
		member := "through a group"
		if p.Direct {
			member = "of its own"
		} else if p.Kind == "group" {
			member = "not known"
		}
		v.Places.Rows = append(v.Places.Rows, []ui.Cell{{Text: p.Path, Sub: p.Kind}, {Text: p.Role}, {Text: member}})
	}
}

// reviewing asks GitLab what the account reaches.
func reviewing(x about, note, trouble string) (page.Page, error) {
	now, err := x.g.API.Access.Access(x.req.Context(), x.id)
	if err != nil {
		return nil, told(err)
	}
	before, err := x.g.API.Access.Reviews(x.req.Context(), x.id, 12)
	return NewReview(x.id, now, before, note, trouble), told(err)
}

func showReview(x about, shell *ui.Shell) (page.Page, error) {
	shell.Lead = "What cxm's account reaches in GitLab now, compared with what cxm needs."
	return reviewing(x, "", "")
}

func record(x about, _ *ui.Shell) (site.Answer, error) {
	note := strings.TrimSpace(x.req.PostFormValue("note"))
	if len([]rune(note)) > 2000 {
		p, err := reviewing(x, note, "The note is longer than 2,000 characters: shorten it.")
		return site.Answer{Page: p}, err
	}
	_, err := x.g.API.Access.Review(x.req.Context(), x.id, x.g.Who.Label(), note)
	if text, ok := refused(err); ok {
		return site.Answer{}, &site.Refusal{Text: text}
	}
	return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "The review is recorded. The next one is due in three months.", Tone: ui.Good}}, err
}

// NewOwners asks who looks after the account of an integration.
func NewOwners(id int64, text, fault string) page.Confirm {
	return page.Confirm{
		What: []string{"They are told when the token is about to expire, and asked to review the access each quarter.", "Write down a team's address, never one person's: people leave."},
		Form: ui.Form{ID: "owners", Action: at(id) + "/owners", Submit: "Save", Cancel: at(id), Fields: []ui.Field{
			{Name: "owners", Label: "Addresses", Type: "textarea", Value: text, Error: fault, Focus: true, Hint: "One a line, such as platform-team@example.com. None: nobody is written down."},
		}},
	}
}

func (a *area) showOwners(x about, _ *ui.Shell) (page.Page, error) {
	all, err := a.Owners.Owners(x.req.Context(), x.g, x.id)
	return NewOwners(x.id, strings.Join(all, "\n"), ""), err
}

func (a *area) setOwners(x about, _ *ui.Shell) (site.Answer, error) {
	text := x.req.PostFormValue("owners")
	weak, err := a.Owners.SetOwners(x.req.Context(), x.g, x.id, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", ;\r\n\t", r) }))
	if f, ok := err.(*Fault); ok { //nolint:errorlint // it is made for this call
		return site.Answer{Page: NewOwners(x.id, text, f.Error())}, nil
	}
	n := ui.Notice{Text: "Saved: who looks after the account.", Tone: ui.Good}
	if len(weak) > 0 {
		n = ui.Notice{Text: "Saved. Note: " + sentence(strings.Join(weak, "; ")), Tone: ui.Warn}
	}
	return site.Answer{To: at(x.id), Notice: n}, err
}

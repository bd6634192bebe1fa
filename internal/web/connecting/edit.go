package connecting

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// EditData is what the form that changes an integration is made from.
type EditData struct {
	ID      int64
	Project api.Project // where issues go now
	Given   page.Given  // as it is, or as it was chosen
	Path    string      // of another repository, as it was typed
	Route   string
	Faults  map[string]string // by field
	Trouble string            // about the whole
}

func editing(x about, g page.Given, route string, faults map[string]string, trouble string) page.Page {
	return NewEdit(EditData{x.id, x.in.Project, g, x.req.PostFormValue("path"), route, faults, trouble})
}

// NewEdit is the form that changes an integration.
func NewEdit(d EditData) page.Confirm {
	g := d.Given
	now := []ui.Option{{Value: fmt.Sprint(d.Project.ID), Text: d.Project.Path, Selected: g.Project == fmt.Sprint(d.Project.ID)}}
	if !now[0].Selected {
		now = append(now, ui.Option{Value: g.Project, Text: g.Project, Selected: true})
	}
	form := ui.Form{ID: "edit", Action: at(d.ID) + "/edit", Submit: "Save", Cancel: at(d.ID), Error: d.Trouble, Fields: []ui.Field{
		{Name: "namespace", Label: "Namespace Path", Type: "select", Combobox: true, Source: at(d.ID) + "/namespaces", Options: []ui.Option{{Text: "All that the account reaches"}}, Hint: "The group whose repositories are listed below."},
		{Name: "project", Label: "Repository", Type: "select", Combobox: true, Required: true, Source: at(d.ID) + "/repositories", Within: "namespace", Options: now, Hint: "Where issues are created by default."},
		{Name: "path", Label: "Or the path of another repository", Value: d.Path, Autocomplete: "off", Hint: "With its groups, as in my-company/platform."},
		{Name: "route", Label: "When the repository changes, issues that are there", Type: "select", Options: routes(d.Route)},
	}}
	form.Fields = append(form.Fields, page.GivenFields(g)...)
	for i, f := range form.Fields {
		form.Fields[i].Error = d.Faults[f.Name]
	}
	return page.Confirm{Form: form, What: []string{
		"Each change is verified with GitLab before it is kept, and nothing is written there: the next plan shows what follows.",
		"Labels, assignee and confidentiality are given to new issues. Those that are there stay as people have them.",
	}}
}

func routes(now string) []ui.Option {
	out := []ui.Option{{Value: "move", Text: "are moved to the new one"}, {Value: "close-and-link", Text: "are closed, and new ones name them"}, {Value: "stay", Text: "stay where they are"}}
	for i, o := range out {
		out[i].Selected = o.Value == now
	}
	return out
}

// as is what the form holds of an integration.
func as(in api.Integration) page.Given {
	g := page.Given{Project: fmt.Sprint(in.Project.ID), Labels: strings.Join(in.Given.Labels, ", "), Confidential: in.Given.Confidential}
	if in.Given.Assignee != nil {
		g.Assignee = *in.Given.Assignee
	}
	return g
}

func (a *area) showEdit(x about, _ *ui.Shell) (page.Page, error) {
	return editing(x, as(x.in), x.in.OnRoute, nil, ""), nil
}

func (a *area) edit(x about, _ *ui.Shell) (site.Answer, error) {
	want, was := given(x.req), as(x.in)
	if path := strings.TrimSpace(x.req.PostFormValue("path")); path != "" {
		want.Project = path
	}
	var e api.EditIntegration
	if want.Project != was.Project && want.Project != "" {
		e.Project = &want.Project
	}
	if route := x.req.PostFormValue("route"); route != "" && route != x.in.OnRoute {
		e.OnRoute = &route
	}
	if labels := Labels(want.Labels); strings.Join(labels, ", ") != was.Labels || want.Assignee != was.Assignee || want.Confidential != was.Confidential {
		e.Given = &api.Given{Labels: labels, Assignee: api.Some(want.Assignee), Confidential: want.Confidential}
	}
	if e == (api.EditIntegration{}) {
		return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "Nothing was changed: everything was so already.", Tone: ui.Info}}, nil
	}
	_, err := x.g.API.Changes.Edit(context.WithoutCancel(x.req.Context()), x.id, e)
	if text, ok := refused(err); ok {
		faults, trouble := At(text)
		return site.Answer{Page: editing(x, want, x.req.PostFormValue("route"), faults, trouble)}, nil
	}
	return site.Answer{To: at(x.id), Notice: ui.Notice{Text: "Changed. The next plan shows what follows from it.", Tone: ui.Good}}, err
}

// At is the field that a refusal of GitLab's is about, or what is to be said about the
// whole form.
func At(text string) (faults map[string]string, trouble string) {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "looking for the user"), strings.Contains(lower, "among the project's members"):
		return map[string]string{"assignee": text}, ""
	case strings.HasPrefix(lower, "the label "):
		return map[string]string{"labels": text}, ""
	}
	return nil, text
}

// Number reads an id; 0: it is none.
func Number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

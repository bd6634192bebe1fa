// Package admin is the pages about who and what may come to cxm: people, API tokens,
// sources, and the tenants of the installation.
//
// What always holds: a link, an API token and the token of a source are shown once, on
// the page that answers the form that made them, and are in no address and no cookie;
// whatever a form names is looked for in the tenant of who sends it; what ends
// something is asked about on a page of its own first.
package admin

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
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() fs.FS { return files }

// Parts are what the area asks. All of them but Public are required.
type Parts struct {
	People   api.People
	Care     Care
	Tokens   api.Tokens
	Tenants  api.Tenants
	Products []ui.Option // the types of sources: their names, and what each is
	Clock    func() time.Time
	Public   string // the address of cxm as people reach it; empty: the one that they ask
}

type area struct{ Parts }

// New is the area.
func New(parts Parts) site.Area {
	a := &area{parts}
	out := site.Area{Templates: files, Views: map[string]site.View{}, Forms: map[string]site.Form{}}
	for _, add := range []func(map[string]site.View, map[string]site.Form){a.people, a.tokens, a.sources, a.tenants} {
		add(out.Views, out.Forms)
	}
	return out
}

// asked is a page that asks, at the same address for the question and the answer.
func asked(views map[string]site.View, forms map[string]site.Form, pattern string, v site.View, f func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error)) {
	views[pattern] = v
	forms[pattern] = site.Form{View: v, Do: f}
}

// under is a view at a place of another, one step below it.
func under(list site.View, url, title string) site.View {
	v := list
	v.Title, v.Lead, v.Make = title, "", nil
	v.Trail = []ui.Link{{Text: list.Title, URL: url}}
	v.List = ui.Link{Text: "Show all of them", URL: url}
	return v
}

// Sheet is a form on a page of its own.
type Sheet struct {
	Note string // above it; empty: none
	Form ui.Form
	Help *Help // below it; nil: none
}

// Template is the template's name.
func (Sheet) Template() string { return "admin-sheet" }

// Help is a table that says more about the choices of a form.
type Help struct {
	Title string
	Table ui.Table
}

// Made shows a secret, this once.
type Made struct {
	Said  string // what was done
	Warn  string // how it is to be kept
	Value ui.Code
	Facts []ui.Fact
	Try   []ui.Code
	Back  ui.Link
}

// Template is the template's name.
func (Made) Template() string { return "admin-made" }

// faulty puts what was refused to the fields that it is about; what is about none of
// them stands above the form. It is false for what is no refusal.
func faulty(f *ui.Form, err error) bool {
	if t, ok := errors.AsType[*site.Refusal](err); ok {
		f.Error = t.Text
		return true
	}
	p, ok := errors.AsType[*door.Problem](err)
	if !ok || p.Status >= http.StatusInternalServerError || p.Status == http.StatusNotFound {
		return false
	}
	placed := false
	for _, at := range p.Errors {
		for i := range f.Fields {
			if at.Location == "body."+f.Fields[i].Name {
				f.Fields[i].Error, placed = at.Message, true
			}
		}
	}
	if !placed {
		f.Error = p.Detail
	}
	return true
}

// again shows a form with what was refused, or hands on what is no refusal.
func again(form ui.Form, err error, p func(ui.Form) page.Page) (site.Answer, error) {
	if faulty(&form, err) {
		return site.Answer{Page: p(form)}, nil
	}
	return site.Answer{}, err
}

// typed are the fields with what was sent.
func typed(f ui.Form, r *http.Request) ui.Form {
	fields := append([]ui.Field(nil), f.Fields...)
	for i := range fields {
		sent := r.PostFormValue(fields[i].Name)
		switch fields[i].Type {
		case "checkbox":
			fields[i].Checked = sent != ""
		case "select":
			options := append([]ui.Option(nil), fields[i].Options...)
			for o := range options {
				options[o].Selected = options[o].Value == sent
			}
			fields[i].Options = options
		default:
			fields[i].Value = sent
		}
	}
	f.Fields = fields
	return f
}

// at is the address of cxm: as its operator says, or as who asks reaches it.
func (a *area) at(r *http.Request) string {
	if a.Public != "" {
		return strings.TrimRight(a.Public, "/")
	}
	if from, err := url.Parse(r.Header.Get("Origin")); err == nil && from.Host == r.Host && (from.Scheme == "http" || from.Scheme == "https") {
		return from.Scheme + "://" + from.Host
	}
	if web.Secured(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// value is what a pointer points at; nil: the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func when(name string, at time.Time, otherwise string) ui.Fact {
	if at.IsZero() {
		return ui.Fact{Name: name, Text: otherwise}
	}
	return ui.Fact{Name: name, Time: at}
}

// moment is a cell with a time, or with what to say where there is none.
func moment(at *time.Time, otherwise string) ui.Cell {
	if at == nil {
		return ui.Cell{Text: otherwise}
	}
	return ui.Cell{Time: *at}
}

func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// size is how many rows a page of a list has.
const size = 50

// pager leads on through a list that nobody counts.
func pager(at ui.Place, next string) *ui.Pager {
	begun := at.Values.Get("after") != ""
	if next == "" && !begun {
		return nil
	}
	p := &ui.Pager{Text: "This is the first page."}
	if begun {
		p.Text, p.Previous = "Previous leads to the first page.", at.With("after", "")
	}
	if next != "" {
		p.Next = at.With("after", next)
	}
	return p
}

// roles are the roles of a tenant as a choice.
func roles(now role.Role) []ui.Option {
	means := map[role.Role]string{role.Viewer: "viewer: looks", role.Member: "member: works with cxm", role.Admin: "admin: changes how it works"}
	var out []ui.Option
	for _, r := range []role.Role{role.Viewer, role.Member, role.Admin} {
		out = append(out, ui.Option{Value: string(r), Text: means[r], Selected: r == now})
	}
	return out
}

// shown is the page that answers a form with what is shown this once.
func shown(p page.Page) site.Answer { return site.Answer{Status: http.StatusOK, Page: p} }

func good(to, text string) site.Answer {
	return site.Answer{To: to, Notice: ui.Notice{Text: text, Tone: ui.Good}}
}

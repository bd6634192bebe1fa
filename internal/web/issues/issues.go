// Package issues is the pages of the issues that cxm made: all of them, and each with
// what it stands for, what cxm wrote in it and why, and what people decided.
//
// What always holds: nothing is asked of GitLab here, so what a page says is what was
// seen at the last look, and it says so; what is not known is not shown as nothing.
package issues

import (
	"embed"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() fs.FS { return files }

// Issues has the issues of a tenant. One that is not there is site.ErrMissing.
type Issues interface {
	Issues(r *http.Request, g site.Guest, f Filter) (ListData, error)
	// Issue is one, with the page of its history that begins behind after.
	Issue(r *http.Request, g site.Guest, id int64, after string) (IssueData, error)
}

// Filter says which issues, in which order; what is zero lets everything through.
type Filter struct {
	Q           string // in title, number and address, letter case aside
	State       string // opened or closed
	Phase       string
	Team        string
	Integration int64
	Project     int64  // GitLab's number of it
	Order       string // "": the newest first; "-saving": the largest first; "title"
	After       string // where the page begins
}

// Row is an issue in the list.
type Row struct {
	ID       int64 // cxm's own
	Title    string
	Ref      string // "acme/platform#12"; empty: GitLab has not made it yet
	URL      string // in GitLab
	State    string // opened or closed; empty: not known
	Phase    string // how far the making of it has come: "live" when it is made
	Decision string // what people decided against cxm; empty: nothing
	Team     string
	Saving   decimal.NullDecimal
	Currency string
	Changed  time.Time
}

// Choice is a value to filter by.
type Choice struct{ Value, Text string }

// ListData is what the list is made from.
type ListData struct {
	Rows         []Row
	Next         string
	Any          bool // there is an issue without filters, too
	Integrations []Choice
	Projects     []Choice
	Teams        []Choice
}

// List is the list of the issues.
type List struct {
	Views   []View
	Filters []ui.Field
	Hidden  []ui.Field
	Path    string
	Clear   string
	Sum     string
	Table   ui.Table
	Pager   ui.Pager
	Empty   *ui.Empty
}

// View is a usual choice of filters.
type View struct {
	ui.Link
	Current bool
}

// Template is the template's name.
func (List) Template() string { return "issues-list" }

const listAt = "/issues"

// New is the area.
func New(all Issues) site.Area {
	a := &area{all}
	list := ui.Link{Text: "Show all issues", URL: listAt}
	return site.Area{Templates: files, Views: map[string]site.View{
		listAt: {
			At: page.AtIssues, Title: "Issues", Lead: "What cxm made in GitLab, as it was at the last look.",
			What: "The issues", May: "see issues", Needs: role.Read, List: list, Make: a.list,
		},
		listAt + "/{id}": {
			At: page.AtIssues, Title: "Issue", Trail: []ui.Link{{Text: "Issues", URL: listAt}},
			What: "This issue", May: "see issues", Needs: role.Read, List: list, Make: a.issue,
		},
	}}
}

type area struct{ all Issues }

// phases are those that a list shows, in the order of an issue's life.
func phases() []Choice {
	return []Choice{{"intended", "about to be made"}, {"in doubt", "in doubt"}, {"live", "made"}, {"lost", "out of sight"}, {"retired", "replaced by a later one"}, {"duplicate", "duplicate"}}
}

// NewList is the list at a place: "q", "state", "phase", "team", "project" and
// "integration" filter it, "sort" orders it, "after" is where the page begins.
func NewList(at ui.Place, d ListData) List {
	out := List{Path: at.Path, Filters: filters(at, d), Views: views(at)}
	if order := at.Values.Get("sort"); order != "" {
		out.Hidden = []ui.Field{{Name: "sort", Value: order}}
	}
	filtered := slices.ContainsFunc([]string{"q", "state", "phase", "team", "project", "integration"}, func(name string) bool { return at.Values.Get(name) != "" })
	if filtered {
		out.Clear = at.Path
	}
	first := at.Values.Get("after") == ""
	out.Table, out.Sum = table(at, d.Rows), sum(d, first)
	if d.Next != "" || !first {
		out.Pager = ui.Pager{Text: counted(len(d.Rows), "issue", "issues") + " on this page"}
		if d.Next != "" {
			out.Pager.Next = at.With("after", d.Next)
		}
	}
	switch {
	case len(d.Rows) > 0:
	case filtered || !first:
		out.Empty = &ui.Empty{Title: "No issue is like that", Text: "Look for something else, or take the filters away.", Action: &ui.Action{Text: "Show all issues", URL: at.Path}}
	default:
		out.Filters = nil // there is nothing to choose from
		out.Empty = &ui.Empty{Title: "cxm has made no issue yet", Text: "Issues appear here when a plan has been carried out. A plan says first which ones would be made, and why.", Action: &ui.Action{Text: "Go to plans and runs", URL: "/runs", Kind: "primary"}}
	}
	return out
}

// sum is how much the page's issues say, when that is all of them.
func sum(d ListData, first bool) string {
	if d.Next != "" || !first {
		return ""
	}
	totals, unknown := money.Totals{}, 0
	for _, r := range d.Rows {
		if r.State == "closed" || r.Phase != "live" {
			continue
		}
		if totals.Add(r.Saving, r.Currency); !r.Saving.Valid {
			unknown++
		}
	}
	text := counted(len(d.Rows), "issue", "issues")
	if len(totals) > 0 {
		text += "; the open ones would save " + totals.Show() + " a month"
	}
	return text
}

func views(at ui.Place) []View {
	var out []View
	for _, v := range []struct{ text, name, value string }{{"All", "", ""}, {"Open", "state", "opened"}, {"Closed", "state", "closed"}, {"Out of sight", "phase", "lost"}, {"In doubt", "phase", "in doubt"}} {
		values := url.Values{}
		if v.name != "" {
			values.Set(v.name, v.value)
		}
		now := url.Values{}
		for name := range at.Values {
			if value := at.Values.Get(name); value != "" && name != "sort" && name != "after" {
				now.Set(name, value)
			}
		}
		to := at.Path
		if len(values) > 0 {
			to += "?" + values.Encode()
		}
		out = append(out, View{ui.Link{Text: v.text, URL: to}, values.Encode() == now.Encode()})
	}
	return out
}

func filters(at ui.Place, d ListData) []ui.Field {
	out := []ui.Field{
		{Form: "filter", Name: "q", Label: "Title or number", Type: "search", Value: at.Values.Get("q")},
		choice(at, "state", "State", []Choice{{"opened", "open"}, {"closed", "closed"}}),
		choice(at, "phase", "Made", phases()),
	}
	for _, f := range []struct {
		name, label string
		options     []Choice
	}{{"team", "Team", d.Teams}, {"project", "Project", d.Projects}, {"integration", "Integration", d.Integrations}} {
		if len(f.options) > 1 || at.Values.Get(f.name) != "" {
			out = append(out, choice(at, f.name, f.label, f.options))
		}
	}
	return out
}

// choice is a filter. A value of the address that is not among the options is shown
// all the same, since it filters.
func choice(at ui.Place, name, label string, options []Choice) ui.Field {
	now := at.Values.Get(name)
	if now != "" && !slices.ContainsFunc(options, func(c Choice) bool { return c.Value == now }) {
		options = append([]Choice{{now, now}}, options...)
	}
	f := ui.Field{Form: "filter", Name: name, Label: label, Type: "select", Options: []ui.Option{{Text: "Any"}}}
	for _, o := range options {
		f.Options = append(f.Options, ui.Option{Value: o.Value, Text: o.Text, Selected: o.Value == now})
	}
	return f
}

func table(at ui.Place, all []Row) ui.Table {
	sorted := func(label, name string, number bool) ui.Column {
		c := ui.Column{Label: label, Number: number, SortURL: behind(at, "sort", name)}
		if at.Values.Get("sort") == name {
			c.SortURL = behind(at, "sort", "")
			if c.Sorted = "ascending"; number {
				c.Sorted = "descending"
			}
		}
		return c
	}
	t := ui.Table{Caption: "Issues", Columns: []ui.Column{sorted("Issue", "title", false), {Label: "State"}, {Label: "Team"}, sorted("Saving a month", "-saving", true), {Label: "In GitLab"}, {Label: "Last changed"}}}
	for _, r := range all {
		saving := ui.Money(r.Saving, r.Currency)
		changed := ui.Cell{Time: r.Changed}
		if r.Changed.IsZero() {
			changed = ui.Cell{Text: "not known"}
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: first(r.Title, "not made yet"), URL: listAt + "/" + strconv.FormatInt(r.ID, 10), Sub: r.Decision},
			{Badges: Badges(r)}, {Text: first(r.Team, "no team")}, {Text: saving.Number, Unit: saving.Unit},
			{Text: first(r.Ref, "not there yet"), URL: r.URL}, changed,
		})
	}
	return t
}

// behind is the address with one value changed, from the first page on.
func behind(at ui.Place, name, value string) string {
	values := maps.Clone(at.Values)
	if values == nil {
		values = url.Values{}
	}
	values.Del("after")
	return ui.Place{Path: at.Path, Values: values}.With(name, value)
}

// Badges say how an issue is: open or closed, and what is special about it.
func Badges(r Row) []ui.Badge {
	switch r.Phase {
	case "intended":
		return []ui.Badge{{Text: "about to be made", Tone: ui.Info}}
	case "in doubt":
		return []ui.Badge{{Text: "in doubt", Tone: ui.Warn}}
	case "lost":
		return []ui.Badge{{Text: "out of sight", Tone: ui.Warn}}
	case "retired":
		return []ui.Badge{{Text: "replaced by a later one", Tone: ui.Neutral}}
	case "duplicate":
		return []ui.Badge{{Text: "duplicate", Tone: ui.Warn}}
	}
	switch r.State {
	case "opened":
		return []ui.Badge{{Text: "open", Tone: ui.Info}}
	case "closed":
		return []ui.Badge{{Text: "closed", Tone: ui.Good}}
	}
	return []ui.Badge{{Text: "not known", Tone: ui.Neutral}}
}

func (a *area) list(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	at := ui.Place{Path: listAt, Values: r.URL.Query()}
	v := at.Values.Get
	id := func(name string) int64 {
		n, err := strconv.ParseInt(v(name), 10, 64)
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	d, err := a.all.Issues(r, g, Filter{
		Q: strings.TrimSpace(v("q")), State: v("state"), Phase: v("phase"), Team: v("team"), Integration: id("integration"), Project: id("project"), Order: v("sort"), After: v("after"),
	})
	return NewList(at, d), err
}

// first is text, or what to say where there is none.
func first(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// counted is a number of things in words.
func counted(n int, one, many string) string {
	number, _, _ := strings.Cut(money.Show(decimal.NewFromInt(int64(n)), ""), ".")
	if n == 1 {
		return number + " " + one
	}
	return number + " " + many
}

// parse reads a number of an address.
func parse(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}

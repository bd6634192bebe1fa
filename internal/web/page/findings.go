package page

import (
	"net/url"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// PageSize is how many findings are on one page.
const PageSize = 50

// Findings is the list of the findings.
type Findings struct {
	Views   []View
	Filters []ui.Field
	Hidden  []ui.Field // of the address, what is no filter
	Path    string
	Clear   string // the list without filters; empty: there are none
	Sum     string
	CSV     string
	Save    ui.Form
	Table   ui.Table
	Pager   ui.Pager
	Empty   *ui.Empty
}

// Template is the template's name.
func (Findings) Template() string { return "findings" }

// View is a saved view of the list.
type View struct {
	Name, URL string
	Current   bool
}

// FindingRow is a finding as the list shows it.
type FindingRow struct {
	Key      string
	Title    string
	Resource string
	Kind     finding.Kind
	Account  string
	Owner    string // empty: nobody is known
	Saving   decimal.NullDecimal
	Currency string
	State    finding.State
	Issue    ui.Link // zero: none
	Seen     time.Time
}

// FindingsData is what the list is made from: the rows of one page, and facts of
// all that the filters leave.
type FindingsData struct {
	Rows     []FindingRow
	All      int          // that the filters leave
	Total    int          // without filters
	Savings  money.Totals // of All
	Accounts []string     // to choose from
	Owners   []string
	Saved    []ui.Link // views of this person: a name and an address
}

// NewFindings is the list at a place: "q", "kind", "status", "account" and "owner"
// filter it, "sort" orders it by title, account, owner, saving or seen.
func NewFindings(at ui.Place, d FindingsData) Findings {
	page := Findings{
		Path: at.Path, Filters: filters(at, d), Views: views(at, d.Saved),
		CSV: ui.Place{Path: at.Path + ".csv", Values: at.Values}.With("page", ""),
		Sum: counted(d.All, "finding", "findings") + ", which would save " + d.Savings.Show() + " a month",
	}
	if order := at.Values.Get("sort"); order != "" {
		page.Hidden = []ui.Field{{Name: "sort", Value: order}}
	}
	if filtered(at) {
		page.Clear = at.Path
		page.Save = ui.Form{ID: "view", Action: "/findings/views", Submit: "Save this view", Fields: []ui.Field{
			{Name: "name", Label: "Name of the view", Required: true, Autocomplete: "off"},
			{Name: "query", Type: "hidden", Value: at.Values.Encode()},
		}}
	}
	page.Table, page.Pager, page.Empty = rows(at, d.Rows), at.Pager(d.All, PageSize), nothing(at, d)
	return page
}

func nothing(at ui.Place, d FindingsData) *ui.Empty {
	switch {
	case d.Total == 0:
		return &ui.Empty{
			Title: "Nothing was delivered yet", Text: "Findings appear here when a source has delivered some: run cxm ingest, or have a source deliver them.",
			Action: &ui.Action{Text: "See the first steps", URL: "/welcome", Kind: "primary"},
		}
	case len(d.Rows) == 0:
		return &ui.Empty{
			Title: "No finding is like that", Text: "There are " + counted(d.Total, "finding", "findings") + " without these filters.",
			Action: &ui.Action{Text: "Show all of them", URL: at.Path},
		}
	}
	return nil
}

func filtered(at ui.Place) bool {
	return slices.ContainsFunc([]string{"q", "kind", "status", "account", "owner"}, at.Values.Has)
}

func filters(at ui.Place, d FindingsData) []ui.Field {
	kinds := []string{string(finding.Cost), string(finding.System), string(finding.Custom)}
	out := []ui.Field{
		{Name: "q", Label: "Title or resource", Type: "search", Value: at.Values.Get("q")},
		choice(at, "kind", "Kind", kinds),
		choice(at, "status", "Status", statuses()),
		choice(at, "account", "Account", d.Accounts),
		choice(at, "owner", "Owner", d.Owners),
	}
	for i := range out {
		out[i].Form = "filter"
	}
	return out
}

// statuses are the words of finding.State.Status, in the order of a finding's life.
func statuses() []string {
	return []string{"new", "accepted", "issue open", "merge request open", "merged", "closed by a person", "snoozed", "exception", "unknown", "gone", "realised", "partly", "regressed"}
}

// choice is a filter. A value of the address that is not among the options is
// shown all the same, since it filters.
func choice(at ui.Place, name, label string, options []string) ui.Field {
	now := at.Values.Get(name)
	if now != "" && !slices.Contains(options, now) {
		options = append([]string{now}, options...)
	}
	f := ui.Field{Name: name, Label: label, Type: "select", Options: []ui.Option{{Text: "Any"}}}
	for _, o := range options {
		f.Options = append(f.Options, ui.Option{Value: o, Text: o, Selected: o == now})
	}
	return f
}

func views(at ui.Place, saved []ui.Link) []View {
	all := append([]ui.Link{
		{Text: "All", URL: at.Path},
		{Text: "Without an issue", URL: at.Path + "?status=new"},
		{Text: "Being worked on", URL: at.Path + "?status=issue+open"},
		{Text: "Really saved", URL: at.Path + "?status=realised"},
	}, saved...)
	var out []View
	for _, v := range all {
		out = append(out, View{Name: v.Text, URL: v.URL, Current: same(v.URL, at)})
	}
	return out
}

// same says whether an address is the place, whatever its order and its page.
func same(address string, at ui.Place) bool {
	u, err := url.Parse(address)
	if err != nil || u.Path != at.Path {
		return false
	}
	there := ui.Place{Path: u.Path, Values: u.Query()}
	return there.With("sort", "") == ui.Place{Path: at.Path, Values: clean(at.Values)}.With("sort", "")
}

// clean is values without the empty ones that a form sends.
func clean(values url.Values) url.Values {
	out := url.Values{}
	for name := range values {
		if v := values.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

func rows(at ui.Place, found []FindingRow) ui.Table {
	t := ui.Table{Caption: "Findings", Columns: []ui.Column{
		at.Sortable("Finding", "title", false), {Label: "Status"}, at.Sortable("Account", "account", false),
		at.Sortable("Owner", "owner", false), at.Sortable("Saving a month", "saving", true), {Label: "Issue"}, at.Sortable("Last seen", "seen", false),
	}}
	for _, f := range found {
		saving := ui.Money(f.Saving, f.Currency)
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: f.Title, URL: "/findings/" + url.PathEscape(f.Key), Sub: f.Resource},
			{Badges: []ui.Badge{Status(f.State)}},
			{Text: f.Account},
			{Text: first(f.Owner, "nobody known")},
			{Text: saving.Number, Unit: saving.Unit},
			{Text: first(f.Issue.Text, "none"), URL: f.Issue.URL},
			{Time: f.Seen},
		})
	}
	return t
}

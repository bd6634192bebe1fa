package page

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	Remove  []ui.Action // the views of this person
	Filters []ui.Field
	Hidden  []ui.Field // of the address, what is no filter
	Path    string
	Clear   string // the list without filters; empty: there are none
	Sum     string
	Note    string // what the sum leaves out; empty: nothing
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
	Issue    ui.Link // its page here; zero: none
	Tracker  string  // address of the issue in GitLab; empty: none
	Seen     time.Time
}

// FindingsData is what the list is made from: the rows of one page, and facts of
// all that the filters leave.
type FindingsData struct {
	Rows     []FindingRow
	All      int          // that the filters leave
	Total    int          // without filters
	Unknown  int          // of All, that save an amount that is not known
	Gone     int          // of All, that are not there any more and not among Savings
	Savings  money.Totals // of All, each resource counted once
	Accounts []ui.Option  // to choose from
	Owners   []ui.Option
	Services []ui.Option
	Sources  []ui.Option
	Saved    []SavedView // of this person
}

// SavedView is a list that somebody gave a name.
type SavedView struct {
	ID        int64
	Name, URL string
}

// The values of filters that are not those of a finding.
const (
	None    = "-"    // it has no owner, account or service
	Open    = "open" // all that can be saved, whether it is worked on or not
	Working = "being worked on"
)

// NewFindings is the list at a place: "q", "kind", "status", "account", "owner",
// "service", "source" and "issue" filter it, "sort" orders it by title, account,
// owner, saving or seen; without it the largest saving comes first.
func NewFindings(at ui.Place, d FindingsData) Findings {
	page := Findings{
		Path: at.Path, Filters: filters(at, d), Views: views(at, d.Saved),
		CSV: ui.Place{Path: at.Path + ".csv", Values: at.Values}.With("page", ""),
		Sum: counted(d.All, "finding", "findings") + saves(at, d), Note: remarks(d),
	}
	for _, v := range d.Saved {
		page.Remove = append(page.Remove, ui.Action{Text: "Remove " + v.Name, URL: "/findings/views/" + strconv.FormatInt(v.ID, 10) + "/remove", Dialog: true})
	}
	if d.Total == 0 {
		page.Filters = nil // there is nothing to choose from
	}
	if order := at.Values.Get("sort"); order != "" {
		page.Hidden = []ui.Field{{Name: "sort", Value: order}}
	}
	if filtered(at) {
		page.Clear = at.Path
		page.Save = ui.Form{ID: "view", Action: "/findings/views", Submit: "Save this view", Fields: []ui.Field{
			{Name: "name", Label: "Name of the view", Required: true, Autocomplete: "off"},
			{Name: "query", Type: "hidden", Value: clean(at.Values).Encode()},
		}}
	}
	page.Table, page.Pager, page.Empty = rows(at, d.Rows), at.Pager(d.All, PageSize), nothing(at, d)
	return page
}

// saves is what the findings of the list save together; empty: nothing of that is
// known.
func saves(at ui.Place, d FindingsData) string {
	switch {
	case len(d.Savings) == 0:
		return ""
	case at.Values.Get("status") == "gone":
		return ", which would have saved " + d.Savings.Show() + " a month"
	}
	return ", which would save " + d.Savings.Show() + " a month"
}

// remarks say what the sum leaves out.
func remarks(d FindingsData) string {
	var out []string
	if d.Unknown > 0 {
		out = append(out, counted(d.Unknown, "saves", "save")+" an amount that is not known")
	}
	if d.Gone > 0 {
		out = append(out, counted(d.Gone, "is", "are")+" gone and not counted")
	}
	if len(out) == 0 {
		return ""
	}
	return "Of these, " + strings.Join(out, ", and ") + "."
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
	return slices.ContainsFunc([]string{"q", "kind", "status", "account", "owner", "service", "source", "issue"}, func(name string) bool { return at.Values.Get(name) != "" })
}

func filters(at ui.Place, d FindingsData) []ui.Field {
	out := []ui.Field{
		{Name: "q", Label: "Title or resource", Type: "search", Value: at.Values.Get("q")},
		picked(at, "status", "Status", statuses()),
		picked(at, "account", "Account", d.Accounts),
		picked(at, "owner", "Owner", d.Owners),
		picked(at, "kind", "Kind", words(string(finding.Cost), string(finding.System), string(finding.Custom))),
	}
	// These are reached from elsewhere, and are seen while they filter.
	for _, f := range []ui.Field{
		picked(at, "service", "Service", d.Services), picked(at, "source", "Source", d.Sources),
		picked(at, "issue", "Issue", []ui.Option{{Value: "yes", Text: "with one"}, {Value: "no", Text: "without one"}}),
	} {
		if at.Values.Get(f.Name) != "" {
			out = append(out, f)
		}
	}
	for i := range out {
		out[i].Form = "filter"
	}
	return out
}

func words(all ...string) []ui.Option {
	var out []ui.Option
	for _, word := range all {
		out = append(out, ui.Option{Value: word, Text: word})
	}
	return out
}

// statuses are the words of finding.State.Status, in the order of a finding's life,
// behind those that stand for several.
func statuses() []ui.Option {
	return append([]ui.Option{{Value: Open, Text: Open}},
		words(Working, "new", "accepted", "issue open", "merge request open", "merged", "closed by a person", "snoozed", "exception", "unknown", "gone", "realised", "partly", "regressed")...)
}

// choice is a filter by one of several words.
func choice(at ui.Place, name, label string, options []string) ui.Field {
	return picked(at, name, label, words(options...))
}

// picked is a filter. A value of the address that is not among the options is
// shown all the same, since it filters.
func picked(at ui.Place, name, label string, options []ui.Option) ui.Field {
	now := at.Values.Get(name)
	if now != "" && !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == now }) {
		options = append([]ui.Option{{Value: now, Text: now}}, options...)
	}
	f := ui.Field{Name: name, Label: label, Type: "select", Options: []ui.Option{{Text: "Any"}}}
	for _, o := range options {
		f.Options = append(f.Options, ui.Option{Value: o.Value, Text: o.Text, Selected: o.Value == now})
	}
	return f
}

func views(at ui.Place, saved []SavedView) []View {
	all := []ui.Link{
		{Text: "All", URL: at.Path},
		{Text: "Can be saved", URL: at.Path + "?kind=cost&status=open"},
		{Text: "Without an issue", URL: at.Path + "?status=new"},
		{Text: "Being worked on", URL: at.Path + "?status=being+worked+on"},
		{Text: "Gone", URL: at.Path + "?status=gone"},
	}
	for _, v := range saved {
		all = append(all, ui.Link{Text: v.Name, URL: v.URL})
	}
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
		if v := values.Get(name); v != "" && name != "page" {
			out.Set(name, v)
		}
	}
	return out
}

// ordered is the place with the order that holds there.
func ordered(at ui.Place) ui.Place {
	if at.Values.Get("sort") != "" {
		return at
	}
	values := url.Values{"sort": {"-saving"}}
	for name, v := range at.Values {
		if name != "sort" {
			values[name] = v
		}
	}
	return ui.Place{Path: at.Path, Values: values}
}

func rows(at ui.Place, found []FindingRow) ui.Table {
	at = ordered(at)
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

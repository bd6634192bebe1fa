package page_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/money"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

func place(t *testing.T, path, query string) ui.Place {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return ui.Place{Path: path, Values: values}
}

func usd(text string) money.Totals { return money.Totals{"USD": decimal.RequireFromString(text)} }

// TestFindings looks at the list from different places.
func TestFindings(t *testing.T) {
	data := page.FindingsData{
		Rows: []page.FindingRow{{Key: "v1:a/b", Title: "T"}}, All: 1, Total: 9, Savings: usd("5"), Accounts: []ui.Option{{Value: "production", Text: "production"}},
		Saved: []page.SavedView{{ID: 7, Name: "mine", URL: "/findings?kind=cost&account=production"}},
	}
	list := page.NewFindings(place(t, "/findings", "account=gone&sort=-saving&page=2&q="), data)
	account := list.Filters[2].Options
	if account[1].Value != "gone" || !account[1].Selected {
		t.Errorf("a filter by what is not there any more has to be seen: %+v", account)
	}
	if list.Hidden[0].Value != "-saving" || list.CSV != "/findings.csv?account=gone&q=&sort=-saving" {
		t.Errorf("filtering keeps the order, and the export the filters: %+v, %s", list.Hidden, list.CSV)
	}
	if list.Sum != "1 finding, which would save 5.00 USD a month" {
		t.Errorf("sum: %s", list.Sum)
	}
	if cell := list.Table.Rows[0][0]; cell.URL != "/findings/v1:a%2Fb" {
		t.Errorf("the key is part of a path: %s", cell.URL)
	}
	if cell := list.Table.Rows[0][4]; cell.Text != "not known" || cell.Unit != "" {
		t.Errorf("a saving that is not known: %+v", cell)
	}
	for query, want := range map[string]string{
		"": "All", "sort=seen&page=3": "All", "status=new": "Without an issue", "account=production&kind=cost&q=&sort=seen": "mine", "kind=cost": "",
	} {
		var current string
		for _, v := range page.NewFindings(place(t, "/findings", query), data).Views {
			if v.Current {
				current += v.Name
			}
		}
		if current != want {
			t.Errorf("at %q the view is %q, want %q", query, current, want)
		}
	}
}

func TestNoFindings(t *testing.T) {
	if e := page.NewFindings(place(t, "/findings", ""), page.FindingsData{}).Empty; e == nil || e.Action.URL != "/welcome" {
		t.Errorf("before the first delivery: %+v", e)
	}
	if e := page.NewFindings(place(t, "/findings", "q=x"), page.FindingsData{Total: 3}).Empty; e == nil || e.Action.URL != "/findings" || !strings.Contains(e.Text, "3 findings") {
		t.Errorf("when filters leave nothing: %+v", e)
	}
}

// TestOverview never adds currencies, and never takes what is not known for zero.
func TestOverview(t *testing.T) {
	both := usd("10")
	both["EUR"] = decimal.RequireFromString("3")
	o := page.NewOverview(page.OverviewData{Findings: 4, Sums: []page.Sum{
		{Label: "both", Of: both, Findings: 3, Unknown: 1}, {Label: "unknown", Findings: 1, Unknown: 1}, {Label: "none"},
	}, Trend: []page.TrendDay{{Day: "1", Open: both}, {Day: "2", Open: usd("4"), Realise: usd("6")}}})
	var got []string
	for _, f := range o.Figures {
		got = append(got, fmt.Sprint(f.Quantities, " ", f.Per, ": ", f.Note))
	}
	want := []string{
		"[{3.00 EUR} {10.00 USD}] a month: 3 findings, of which 1 saves an amount that is not known",
		"[{not known }] : 1 finding, of which 1 saves an amount that is not known",
		"[{none yet }] : ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if len(o.Trends) != 2 || o.Trends[0].Unit != "EUR a month" || o.Trends[0].Series[0].Amounts[1].Valid {
		t.Errorf("each currency has a trend, and gaps where nothing is known: %+v", o.Trends)
	}
}

// TestStatus has a tone for every word that a state can be.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		state finding.State
		want  ui.Badge
	}{
		{finding.State{}, ui.Badge{Text: "new", Tone: ui.Neutral}},
		{finding.State{Savings: finding.Realised}, ui.Badge{Text: "realised", Tone: ui.Good}},
		{finding.State{Savings: finding.Regressed}, ui.Badge{Text: "regressed", Tone: ui.Bad}},
		{finding.State{Detection: finding.Unknown}, ui.Badge{Text: "unknown", Tone: ui.Warn}},
		{finding.State{Work: finding.IssueOpen}, ui.Badge{Text: "issue open", Tone: ui.Info}},
		{finding.State{Decision: finding.Snoozed, Work: finding.IssueOpen}, ui.Badge{Text: "snoozed", Tone: ui.Neutral}},
	} {
		if got := page.Status(c.state); got != c.want {
			t.Errorf("%+v: %v, want %v", c.state, got, c.want)
		}
	}
}

// TestConnect never writes a secret back, and asks for no project yet.
func TestConnect(t *testing.T) {
	for _, p := range integration.Catalog() {
		given, secret := map[string]string{}, map[string]bool{}
		for _, n := range p.Needs {
			given[n.Name], secret[n.Name] = "given-"+n.Name, n.Secret
		}
		form := page.NewConnect(page.ConnectData{Product: p, Given: given, Faults: map[string]string{"url": "e"}}).Form
		for _, f := range form.Fields {
			if secret[f.Name] != (f.Type == "password") || secret[f.Name] && f.Value != "" || f.Name == "project" {
				t.Errorf("%s: %+v", p.ID, f)
			}
		}
		if f := form.Fields[0]; f.Label != "GitLab Instance URL" || f.Value != "given-url" || f.Error != "e" {
			t.Errorf("%s: what was given has to be there again: %+v", p.ID, f)
		}
	}
}

// TestChecks asks where issues go only after a test that ended well.
func TestChecks(t *testing.T) {
	groups := func(outcomes ...string) []ui.CheckGroup {
		g := ui.CheckGroup{Name: "Token"}
		for i, o := range outcomes {
			g.Checks = append(g.Checks, ui.Check{Name: fmt.Sprint(i), Outcome: o})
		}
		return []ui.CheckGroup{g}
	}
	for _, c := range []struct {
		outcomes []string
		running  bool
		choose   bool
		wrong    string
		says     string
	}{
		{[]string{"ok", "waiting"}, true, false, "", "1 check is done"},
		{[]string{"failed", "waiting"}, true, false, "", "1 check is done"},
		{[]string{"warning", "ok", "failed"}, false, false, "20", "1 check failed"},
		{[]string{"warning", "ok"}, false, true, "0", "with 1 warning"},
		{[]string{"ok", "not checked"}, false, true, "", "works."},
	} {
		got := page.NewChecks(page.ChecksData{Groups: groups(c.outcomes...), Running: c.running, Live: "/live"})
		var wrong string
		for _, w := range got.Wrong {
			wrong += w.Name
		}
		if (got.Choose != nil) != c.choose || wrong != c.wrong || !strings.Contains(got.Summary.Text, c.says) || (got.Live != "") != c.running {
			t.Errorf("%v, running %v: %+v", c.outcomes, c.running, got)
		}
	}
}

func TestCatalogue(t *testing.T) {
	data := page.CatalogueData{Products: integration.Catalog(), May: true, Connected: []page.Connected{{Product: "gitlab-token", Text: "a"}, {Product: "gitlab-token", Text: "b", Trouble: true}, {Product: "gitlab-token", Text: "c"}}}
	for query, want := range map[string]string{
		"": "GitLab AI Agent, GitLab AI Agent (Personal Access Token)", "q=TOKEN": "GitLab AI Agent (Personal Access Token)", "q=jira": "",
		"status=connected": "GitLab AI Agent (Personal Access Token)", "status=available": "GitLab AI Agent", "category=Issue+tracking&status=available": "GitLab AI Agent", "category=x": "",
	} {
		got := page.NewCatalogue(place(t, "/settings/integrations", query), data)
		var names []string
		for _, p := range got.Products {
			names = append(names, p.Name)
		}
		if s := strings.Join(names, ", "); s != want || (got.Empty != nil) != (want == "") {
			t.Errorf("%q: %s, want %s", query, s, want)
		}
	}
	all := page.NewCatalogue(place(t, "/", ""), data).Products
	if all[1].Badge.Text != "needs attention" || all[1].Connect.Text != "Connect another" || all[0].Connect.Text != "Connect" {
		t.Errorf("one in trouble is what the card says: %+v", all)
	}
	data.May = false
	if page.NewCatalogue(place(t, "/", ""), data).Products[0].Connect != nil {
		t.Error("who may not connect is offered it")
	}
}

// TestToken counts down, and warns in time.
func TestToken(t *testing.T) {
	now := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		expires time.Duration
		state   string
		says    string
		tone    ui.Tone
		rotate  bool
	}{
		{0, "active", "never expires", ui.Warn, true},
		{90 * 24 * time.Hour, "active", "90 days left", ui.Good, true},
		{29 * 24 * time.Hour, "active", "29 days left", ui.Warn, true},
		{36 * time.Hour, "active", "1 day left", ui.Bad, true},
		{time.Hour, "active", "less than a day left", ui.Bad, true},
		{-time.Hour, "active", "expired", ui.Bad, false},
		{90 * 24 * time.Hour, "revoked", "revoked", ui.Bad, false},
	} {
		d := page.IntegrationData{Now: now, TokenState: c.state, May: true, Due: now}
		if c.expires != 0 {
			d.ExpiresAt = now.Add(c.expires)
		}
		got := page.NewIntegration(d).Token
		if f := got.Figure; f.Quantities[0].Number != c.says || f.Tone != c.tone || (got.Rotate != nil) != c.rotate {
			t.Errorf("%v, %s: %+v", c.expires, c.state, got)
		}
	}
	if i := page.NewIntegration(page.IntegrationData{Now: now, TokenState: "active"}); i.Token.Rotate != nil || i.End != nil || i.Test != nil {
		t.Error("who may not change it is offered to")
	}
}

// TestOrder: the head of the column says how the list is ordered, also when nobody chose
// an order; the links to other orders keep the filters.
func TestOrder(t *testing.T) {
	for _, c := range []struct{ query, label, sorted, to string }{
		{"kind=cost", "Saving a month", "descending", "/findings?kind=cost&sort=saving"},
		{"kind=cost&sort=-saving", "Saving a month", "descending", "/findings?kind=cost&sort=saving"},
		{"kind=cost&sort=seen", "Saving a month", "", "/findings?kind=cost&sort=-saving"},
		{"kind=cost", "Finding", "", "/findings?kind=cost&sort=title"},
	} {
		values, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		p := page.NewFindings(ui.Place{Path: "/findings", Values: values}, page.FindingsData{Total: 1, All: 1, Rows: make([]page.FindingRow, 1)})
		for _, column := range p.Table.Columns {
			if column.Label == c.label && (column.Sorted != c.sorted || column.SortURL != c.to) {
				t.Errorf("%s: %+v", c.query, column)
			}
		}
		if p.Views[1].Current || values.Get("sort") == "" && len(p.Hidden) != 0 {
			t.Errorf("%s: the order that holds anyway is in the address", c.query)
		}
	}
}

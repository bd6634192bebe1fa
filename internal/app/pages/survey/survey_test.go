package survey_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/app/pages/survey"
	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/store/views"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
	"cxm/internal/web/viewing"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is cxm with its findings' pages, beside a sandbox GitLab.
type bed struct {
	*apptest.Bed
	pages *survey.Pages
	site  http.Handler
	guest site.Guest
}

func newBed(t *testing.T, database string) *bed {
	t.Helper()
	b := &bed{Bed: databases.Connected(t, database)}
	b.pages = survey.New(b.App.Of, slog.New(slog.DiscardHandler))
	api, err := edge.Tenants(b.App).Tenant(t.Context(), b.App.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	b.guest = guest(b.App.Tenant, role.Admin, 1)
	b.guest.API = api
	b.site, err = site.New(site.Parts{
		Door: b, Overviews: b.pages, Findings: b.pages, Integrations: nowhere{}, Areas: []site.Area{viewing.Area(b.pages)}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func guest(tenant string, r role.Role, id int64) site.Guest {
	who := signin.Who{Person: signin.Person{ID: id, Email: "ada@example.com", Grants: []signin.Grant{{Tenant: tenant, Role: r}}}, Limit: role.Whole()}
	return site.Guest{Who: who, Tenant: tenant, Tenants: []string{tenant}, Person: ui.Person{Name: "Ada", Role: string(r)}}
}

// Guest implements site.Door.
func (b *bed) Guest(*http.Request) (site.Guest, bool, error) { return b.guest, true, nil }

type nowhere struct{}

func (nowhere) Connected(context.Context, site.Guest) ([]page.Connected, error) { return nil, nil }

func (nowhere) Integration(context.Context, site.Guest, int64) (page.IntegrationData, error) {
	return page.IntegrationData{}, site.ErrMissing
}

func (b *bed) get(path string) string {
	b.Helper()
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		b.Fatalf("GET %s answers %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func (b *bed) post(path string, form url.Values) (to string, status int) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	return w.Header().Get("Location"), w.Code
}

func (b *bed) list(address string) page.FindingsData {
	b.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	d, err := b.pages.Findings(b.Context(), b.guest, ui.Place{Path: u.Path, Values: u.Query()})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func (b *bed) overview() page.OverviewData {
	b.Helper()
	d, err := b.pages.Overview(b.Context(), b.guest)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func same(a, b money.Totals) bool {
	for code := range a {
		if !a[code].Equal(b[code]) {
			return false
		}
	}
	return len(a) == len(b)
}

// fill takes disks in, makes issues of all of them, and takes some away and some
// more in.
func (b *bed) fill() {
	b.Helper()
	b.AWS(apptest.Disks(0, 12)...)
	b.Want(strings.Repeat("+", 12))
	b.AWS(apptest.Disks(2, 12)...)
	b.AWS(apptest.Disks(2, 12)...)
	b.AWS(append(apptest.Disks(2, 12), apptest.Disk(40, "3.50"), apptest.Disk(41, "1000"))...)
}

// TestNumbersAreTheirLists: each number of the overview is the sum of the list that
// it opens, and each bar too.
func TestNumbersAreTheirLists(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		if d := b.overview(); len(d.Sums) != 0 || len(d.By) != 0 {
			t.Fatalf("nothing was delivered: %+v", d)
		}
		b.fill()
		d := b.overview()
		var said []string
		for _, s := range d.Sums {
			list := b.list(s.URL)
			if !same(list.Savings, s.Of) || list.All != s.Findings || list.Unknown != s.Unknown {
				t.Errorf("%s is %s of %d, and its list %s is %s of %d", s.Label, s.Of.Show(), s.Findings, s.URL, list.Savings.Show(), list.All)
			}
			said = append(said, fmt.Sprintf("%s: %d, %s", s.Label, s.Findings, s.Of.Show()))
		}
		want := "Can be saved: 12, 1,103.50 USD; Being worked on: 10, 100.00 USD; Merged: 0, nothing known; Applied: 2, 20.00 USD; Really saved: 0, nothing known"
		if got := strings.Join(said, "; "); got != want {
			t.Errorf("the overview says\n%s, want\n%s", got, want)
		}
		bars := 0
		for _, by := range d.By {
			for _, bar := range by.Rows {
				bars++
				if list := b.list(bar.URL); !list.Savings[by.Currency].Equal(bar.Amount) {
					t.Errorf("%s: %s is %s, and its list %s is %s", by.Title, bar.Label, bar.Amount, bar.URL, list.Savings.Show())
				}
			}
		}
		if bars < 3 {
			t.Errorf("%d bars", bars)
		}
		html := b.get("/")
		for _, text := range []string{"1,103.50", "Can be saved", "none yet", "/findings?kind=cost&amp;status=open", "By service"} {
			if !strings.Contains(html, text) {
				t.Errorf("the page does not show %q", text)
			}
		}
	})
}

// TestTrend is told when there are two days.
func TestTrend(t *testing.T) {
	b := newBed(t, "")
	b.AWS(apptest.Disks(0, 3)...)
	if err := b.App.RecordDay(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := b.overview(); d.Trend != nil {
		t.Errorf("one day is no trend: %+v", d.Trend)
	}
	before := b.App.Clock().AddDate(0, 0, -3).UTC()
	if err := b.App.Views().Record(t.Context(), views.Day{Day: before.Format(time.DateOnly), Open: money.Totals{"USD": amount("7")}, At: before}); err != nil {
		t.Fatal(err)
	}
	d := b.overview()
	if len(d.Trend) != 4 || !d.Trend[0].Open["USD"].Equal(amount("7")) || len(d.Trend[1].Open) != 0 || !d.Trend[3].Open["USD"].Equal(amount("30")) {
		t.Errorf("%+v", d.Trend)
	}
	if !strings.Contains(b.get("/"), "How it developed") {
		t.Error("the trend is not shown")
	}
}

// TestList shows, exports and keeps lists.
func TestList(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		if !strings.Contains(b.get("/findings"), "Nothing was delivered yet") {
			t.Error("an empty list does not say why")
		}
		b.fill()
		all := b.list("/findings")
		if all.All != 14 || all.Total != 14 || all.Gone != 2 || len(all.Rows) != 14 || !all.Rows[0].Saving.Decimal.Equal(amount("1000")) {
			t.Errorf("the list is %+v", all)
		}
		worked := b.list("/findings?status=issue+open&sort=seen")
		if worked.All != 10 || worked.Rows[0].Issue.URL == "" || !strings.HasPrefix(worked.Rows[0].Tracker, b.URL) || worked.Rows[0].Seen.IsZero() {
			t.Errorf("what is worked on is %+v", worked.Rows[0])
		}
		if past := b.list("/findings?page=9"); len(past.Rows) != 14 {
			t.Errorf("past the end there are %d rows", len(past.Rows))
		}
		rows, err := csv.NewReader(strings.NewReader(b.get("/findings.csv?status=open&sort=-saving"))).ReadAll()
		if err != nil || len(rows) != 13 || rows[1][7] != "1000" || rows[2][9] == "" {
			t.Errorf("the export has %d rows: %v", len(rows), err)
		}
		to, status := b.post("/findings/views", url.Values{"name": {"  My\nview "}, "query": {"page=3&status=open&sort=-saving&evil=1"}})
		if status != http.StatusSeeOther || to != "/findings?sort=-saving&status=open" {
			t.Errorf("saving leads to %s (%d)", to, status)
		}
		kept := b.list("/findings").Saved
		if len(kept) != 1 || kept[0].Name != "My view" || kept[0].URL != to {
			t.Fatalf("kept is %+v", kept)
		}
		if html := b.get(to); !strings.Contains(html, `aria-current="page">My view`) || !strings.Contains(html, "Remove My view") {
			t.Error("the view is not shown as the one that is looked at")
		}
		b.guest = guest(b.App.Tenant, role.Viewer, 2)
		if mine := b.list("/findings").Saved; len(mine) != 0 {
			t.Errorf("another person sees %+v", mine)
		}
		remove := fmt.Sprintf("/findings/views/%d/remove", kept[0].ID)
		if _, status := b.post(remove, nil); status != http.StatusNotFound {
			t.Errorf("another person removes it: %d", status)
		}
		if _, err := b.pages.View(t.Context(), b.guest, kept[0].ID); !errors.Is(err, site.ErrMissing) {
			t.Errorf("another person is asked about it: %v", err)
		}
		b.guest = guest(b.App.Tenant, role.Admin, 1)
		if html := b.get(remove); !strings.Contains(html, "The view &#34;My view&#34; is removed") || len(b.list("/findings").Saved) != 1 {
			t.Errorf("before it is removed: %s", html)
		}
		if to, _ := b.post(remove, nil); to != "/findings" || len(b.list("/findings").Saved) != 0 {
			t.Errorf("it was not removed: %s", to)
		}
		for name, form := range map[string]url.Values{"no name": {"name": {" "}, "query": {"status=open"}}, "no filter": {"name": {"x"}, "query": {"page=2"}}} {
			if _, status := b.post("/findings/views", form); status != http.StatusSeeOther || len(b.list("/findings").Saved) != 0 {
				t.Errorf("%s: it was saved (%d)", name, status)
			}
		}
	})
}

// TestFinding shows what is known of one.
func TestFinding(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.fill()
		one := b.list("/findings?status=issue+open").Rows[0]
		d, err := b.pages.Finding(t.Context(), b.guest, one.Key)
		if err != nil {
			t.Fatal(err)
		}
		if d.Row.State.Status() != "issue open" || len(d.Claims) != 1 || d.Stand.URL != one.Tracker || d.Stand.Page != one.Issue.URL || d.Events < 3 {
			t.Errorf("%+v", d)
		}
		html := b.get("/findings/" + url.PathEscape(one.Key))
		for _, text := range []string{"Its issue", "The issue was made", "cxm, run 1", "Delivered complete", "What cxm did with it", "issue open"} {
			if !strings.Contains(html, text) {
				t.Errorf("the page does not show %q", text)
			}
		}
		fresh := b.list("/findings?status=new").Rows[0]
		if html := b.get("/findings/" + url.PathEscape(fresh.Key)); !strings.Contains(html, "Why there is no issue") || !strings.Contains(html, "The next run") || !strings.Contains(html, `<a href="/runs/plan?integration=1">See the plan</a>`) || !strings.Contains(html, "<code>cxm apply</code>") {
			t.Error("the page does not say why there is no issue")
		}
		_, err = b.App.DecideFinding(t.Context(), fresh.Key, finding.Decided{Decision: finding.Exception, Reason: "we need it until the move", By: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		if d, err = b.pages.Finding(t.Context(), b.guest, fresh.Key); err != nil || d.Row.State.Status() != "exception" || d.Reason != "we need it until the move" {
			t.Errorf("what was decided is not shown: %+v (%v)", d, err)
		}
		if got := b.list("/findings?status=exception"); got.All != 1 || b.list("/findings?status=new").All != 1 {
			t.Errorf("%d are exceptions", got.All)
		}
		for _, key := range []string{"v1:" + strings.Repeat("0", 64), "nonsense"} {
			if _, err := b.pages.Finding(t.Context(), b.guest, key); !errors.Is(err, site.ErrMissing) {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
}

// TestWaiting tells what waits for a person, and where.
func TestWaiting(t *testing.T) {
	b := newBed(t, "")
	b.Reopen(func(c *app.Config) { brakes := *c.Brakes; brakes.Admit = false; c.Brakes = &brakes })
	b.pages = survey.New(b.App.Of, slog.New(slog.DiscardHandler))
	b.AWS(apptest.Disks(0, 3)...)
	b.Work()
	all := b.overview().Waiting
	if len(all) == 0 || !strings.Contains(all[0].Text, "waits for approval") || all[0].URL != "/runs/1" {
		t.Fatalf("waiting is %+v", all)
	}
	if n := b.pages.Waiting(t.Context(), b.App.Tenant); n != len(all) {
		t.Errorf("%d wait, and %d are counted", len(all), n)
	}
}

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

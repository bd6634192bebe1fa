package linking_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/app/pages/linking"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// door lets in who the request says they are: X-Role, X-Person, X-Tenant.
type door struct{ tenants api.Tenants }

func (d door) Guest(r *http.Request) (site.Guest, bool, error) {
	as := func(name, otherwise string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return otherwise
	}
	tenant := as("X-Tenant", "default")
	id, err := strconv.ParseInt(as("X-Person", "1"), 10, 64)
	if err != nil {
		return site.Guest{}, false, err
	}
	who := signin.Who{Person: signin.Person{ID: id, Name: "Platform admin", Grants: []signin.Grant{{Tenant: tenant, Role: role.Role(as("X-Role", "admin"))}}}, Session: signin.Session{ID: id}, Limit: role.Whole()}
	g := site.Guest{Who: who, Tenant: tenant, Tenants: []string{tenant}, Person: ui.Person{Name: "Platform admin", Role: as("X-Role", "admin")}}
	g.API, err = d.tenants.Tenant(r.Context(), tenant)
	return g, true, err
}

// nothing is the other parts of a site.
type nothing struct{}

func (nothing) Overview(context.Context, site.Guest) (page.OverviewData, error) {
	return page.OverviewData{}, nil
}

func (nothing) Findings(context.Context, site.Guest, ui.Place) (page.FindingsData, error) {
	return page.FindingsData{}, nil
}

func (nothing) Finding(context.Context, site.Guest, string) (page.FindingData, error) {
	return page.FindingData{}, site.ErrMissing
}

func (nothing) Export(context.Context, site.Guest, ui.Place, func(page.FindingRow) error) error {
	return nil
}

// bed is cxm with the pages that connect it, beside a sandbox GitLab.
type bed struct {
	*apptest.Bed
	url    string
	desk   *linking.Desk
	client *http.Client
	header map[string]string
}

// newBed is not connected yet.
func newBed(t *testing.T, change ...func(*app.Config)) *bed {
	t.Helper()
	b := &bed{Bed: databases.Bed(t, ""), header: map[string]string{}}
	if len(change) > 0 {
		b.Reopen(change[0])
	}
	b.serve()
	return b
}

func (b *bed) serve() {
	b.Helper()
	b.desk = linking.New(b.App, "")
	s, err := site.New(site.Parts{
		Door: door{edge.Tenants(b.App)}, Overviews: nothing{}, Findings: nothing{}, Integrations: b.desk, Areas: []site.Area{b.desk.Area()},
		Log: slog.New(slog.NewTextHandler(b.Output(), nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(server.Close)
	b.url = server.URL
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.client = &http.Client{Jar: jar, Timeout: time.Minute}
}

// as is the same bed, looked at by somebody else.
func (b *bed) as(header map[string]string) *bed {
	other := *b
	other.header = header
	return &other
}

// answer is what a request led to.
type answer struct {
	status int
	path   string // where it ended, after redirects
	text   string
}

func (b *bed) do(req *http.Request) answer {
	b.Helper()
	for name, value := range b.header {
		req.Header.Set(name, value)
	}
	got, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{got.StatusCode, got.Request.URL.RequestURI(), string(text)}
}

func (b *bed) get(path string) answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(req)
}

// send sends a form: names and values by turns.
func (b *bed) send(path string, fields ...string) answer {
	b.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.url)
	return b.do(req)
}

// want fails unless the answer is so, with one text in it and without another; empty: any.
func (b *bed) want(a answer, status int, has, not string) answer {
	b.Helper()
	if text := plain(a.text); a.status != status || !strings.Contains(text, has) || not != "" && strings.Contains(text, not) {
		b.Fatalf("%s: %d, want %d with %q, without %q:\n%s", a.path, a.status, status, has, not, text)
	}
	return a
}

var (
	tag    = regexp.MustCompile(`(?s)<(script|style|svg|nav|header class="top").*?</(script|style|svg|nav|header)>|<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// plain is what a page says.
func plain(html string) string {
	return spaces.ReplaceAllString(strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&", "&#43;", "+").Replace(tag.ReplaceAllString(html, " ")), " ")
}

// settled is a page once nothing goes on in it any more.
func (b *bed) settled(a answer) answer {
	b.Helper()
	for range 10 {
		_, live, goes := strings.Cut(a.text, `data-live="`)
		if !goes {
			return a
		}
		live, _, _ = strings.Cut(live, `"`)
		b.get(live) // until it is over
		a = b.get(a.path)
	}
	b.Fatalf("%s goes on:\n%s", a.path, plain(a.text))
	return a
}

// live reads the events of a page until their end.
func (b *bed) live(path string) string {
	b.Helper()
	return b.want(b.get(path), http.StatusOK, "", "").text
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/app/pages"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
	"cxm/internal/source"
)

// What the pages are measured with: findings, how many of them have an issue, in how
// many accounts, of how many teams, and how often each page is asked for.
const (
	pageFindings = 100_000
	pageIssues   = 2_000
	pageAccounts = 40
	pageTeams    = 25
	pageRounds   = 15
)

// slowestPage is what a page may take in milliseconds, on a machine that does nothing else.
const slowestPage = 50

// sitePages measures pages against the operations of the API that tell the same, on
// both databases.
func sitePages(ctx context.Context) ([]figure, error) {
	all, err := pagesOn(ctx, "pages, SQLite: ", "")
	if err != nil {
		return nil, err
	}
	more, err := onPostgres("pages, PostgreSQL", func(url string) ([]figure, error) { return pagesOn(ctx, "pages, PostgreSQL: ", url) })
	return append(all, more...), err
}

func pagesOn(ctx context.Context, name, url string) ([]figure, error) {
	dir, err := os.MkdirTemp("", "cxm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // a scratch folder
	a, err := app.Open(ctx, app.Config{DataDir: dir, Database: url})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := fillPages(ctx, a); err != nil {
		return nil, fmt.Errorf("preparing the findings: %w", err)
	}
	if url != "" { // as its autovacuum does of itself after a while
		if _, err := a.DB.Pool().Exec(ctx, "analyze"); err != nil {
			return nil, err
		}
	}
	s, err := openSite(ctx, a)
	if err != nil {
		return nil, err
	}
	return s.measure(ctx, name)
}

// fillPages takes findings in, and makes issues of the first of them.
func fillPages(ctx context.Context, a *app.App) error {
	in := integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: "acme/platform"}}
	in, err := a.Store.AddIntegration(ctx, in, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		return err
	}
	if err := takePages(ctx, a, "first", 0, pageIssues); err != nil {
		return err
	}
	e, err := reconcile.New(reconcile.Config{
		Integration: in, Installation: strings.Repeat("0", 16), Tracker: &memoryTracker{}, Finder: &memoryTracker{}, Findings: a.Store, Journal: a.Store,
		Memory: a.Store, Runs: a.Store, Census: a.Store, Watch: a.Store, Policy: plan.DefaultPolicy(),
	})
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, false)
	if err != nil {
		return err
	}
	if _, err := e.Apply(ctx, p); err != nil {
		return err
	}
	return takePages(ctx, a, "rest", pageIssues, pageFindings)
}

func takePages(ctx context.Context, a *app.App, scope string, from, to int) error {
	items := make([]any, 0, to-from)
	for i := from; i < to; i++ {
		one := item(i, 1+float64(i*7919%100_000)/100)
		one["accountId"] = fmt.Sprintf("%012d", 111_111_111_111+i%pageAccounts)
		one["tags"] = []map[string]string{{"key": "team", "value": fmt.Sprintf("team-%02d", i%pageTeams)}}
		items = append(items, one)
	}
	text, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		return err
	}
	_, _, err = a.Ingest(ctx, app.Delivery{Type: source.CostOptimizationHub, Scope: scope, Inputs: []source.Input{{Name: "bench", Reader: bytes.NewReader(text)}}})
	return err
}

// siteBench is the pages and the API of one program, with who may see both.
type siteBench struct {
	app        *app.App
	pages, api http.Handler
	session    string
	token      string
	key        string // of a finding with an issue
}

func openSite(ctx context.Context, a *app.App) (*siteBench, error) {
	mounts, err := pages.Mounts(a, pages.Options{})
	if err != nil {
		return nil, err
	}
	api, err := edge.New(a)
	if err != nil {
		return nil, err
	}
	s := &siteBench{app: a, pages: mounts[0].Handler, api: api, key: string(keyOf(0))}
	link, err := a.People.SetupLink(ctx, signin.Operator("bench"), true)
	if err != nil {
		return nil, err
	}
	in, err := a.People.SetUp(ctx, link, "admin@example.com", "Admin", credential.NewSecret("seven quiet lanterns over the harbour"), desk.From{})
	if err != nil {
		return nil, err
	}
	s.session = in.Value.Reveal()
	token, _, err := a.People.MintToken(ctx, signin.Operator("bench"), desk.Asked{Tenant: a.Tenant, Person: in.Person.ID, Name: "bench", Scopes: []role.Scope{role.ScopeAdmin}})
	s.token = token.Reveal()
	return s, err
}

// keyOf is the key of a finding, as its source makes it.
func keyOf(i int) finding.Key {
	var key finding.Key
	one := item(i, 1)
	one["accountId"] = fmt.Sprintf("%012d", 111_111_111_111+i%pageAccounts)
	text, err := json.Marshal(map[string]any{"items": []any{one}})
	if err == nil {
		_, err = source.Read(source.CostOptimizationHub, []source.Input{{Name: "one", Reader: bytes.NewReader(text)}}, source.Options{Now: time.Now()}, func(f *finding.Finding) error {
			key = f.FindingKey
			return nil
		})
	}
	exitOn(err)
	return key
}

// ask asks once, and says how long the answer took and how large it is.
func (s *siteBench) ask(ctx context.Context, path string) (took time.Duration, size int, err error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://cxm.example.com"+path, nil)
	h := s.pages
	if strings.HasPrefix(path, "/v1/") {
		h = s.api
		r.Header.Set("Authorization", "Bearer "+s.token)
	} else {
		r.AddCookie(&http.Cookie{Name: "cxm_session", Value: s.session})
	}
	w := httptest.NewRecorder()
	begun := time.Now()
	h.ServeHTTP(w, r)
	took = time.Since(begun)
	if w.Code != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %.300s", path, w.Code, w.Body.String())
	}
	return took, w.Body.Len(), err
}

// median of several requests, in milliseconds.
func (s *siteBench) median(ctx context.Context, path string) (float64, error) {
	var all []time.Duration
	for range pageRounds {
		took, _, err := s.ask(ctx, path)
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000, nil
}

func (s *siteBench) measure(ctx context.Context, name string) ([]figure, error) {
	first, _, err := s.ask(ctx, "/findings")
	if err != nil {
		return nil, err
	}
	out := []figure{told(name+"the first one, which reads all findings", round(first.Seconds()), "seconds")}
	key := url.PathEscape(s.key)
	for _, p := range []struct{ page, api string }{
		{"/", "/v1/status"},
		{"/findings", "/v1/findings?order=worth&limit=50"},
		{"/findings?q=vol-000000000000&sort=-saving", "/v1/findings?q=vol-000000000000&order=worth&limit=50"},
		{"/findings?q=gp3&account=111111111112&sort=-saving", "/v1/findings?q=gp3&account=111111111112&order=worth&limit=50"},
		{"/findings?status=issue+open&sort=title", "/v1/findings?order=worth&limit=50"},
		{"/findings?page=1990&sort=seen", "/v1/findings?order=worth&limit=50"},
		{"/findings/" + key, "/v1/findings/" + key + "/why"},
	} {
		page, err := s.median(ctx, p.page)
		if err != nil {
			return nil, err
		}
		api, err := s.median(ctx, p.api)
		if err != nil {
			return nil, err
		}
		shown := strings.Replace(p.page, key, "KEY", 1)
		out = append(out, atMost(name+"GET "+shown, page, "ms", slowestPage), told(name+"GET "+shown+" / the API call behind it", round(page/api), "times"))
	}
	exported, err := s.export(ctx, name)
	return append(append(out, exported...), told(name+"held in memory of 100,000 findings", s.held(), "MiB")), err
}

// export measures the whole list as CSV.
func (s *siteBench) export(ctx context.Context, name string) ([]figure, error) {
	took, size, err := s.ask(ctx, "/findings.csv")
	if err == nil && size < pageFindings*50 {
		err = errors.New("the export is not whole")
	}
	return []figure{told(name+"GET /findings.csv, all of it", round(took.Seconds()), "seconds")}, err
}

// held is how much less is in memory when the lists are forgotten.
func (s *siteBench) held() float64 {
	size := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := size()
	s.app.ForgetSurvey()
	return round((before - size()) / mib)
}

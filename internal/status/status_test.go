package status_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"cxm/internal/status"
)

func noon() time.Time { return time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC) }

func full() status.Report {
	return status.Report{
		Version: "v1", At: noon(),
		Jobs: []status.Jobs{{Kind: "pull", State: "available", Number: 3}, {Kind: "pull", State: "completed", Number: 9}, {Kind: "step", State: "completed", Number: 2}}, Oldest: map[string]time.Duration{"pull": 90 * time.Second},
		Tenants: []status.Tenant{{Name: "default", Tokens: []status.Token{
			{Integration: 1, URL: "https://gitlab.example.com", Account: "cxm-integration", Project: "acme/platform", State: "active", ExpiresAt: noon().AddDate(0, 0, 9), RotatesAt: noon().AddDate(0, 0, 2)},
			{Integration: 2, URL: "https://gitlab.com", Account: "cxm", Project: "acme/<data>", State: "revoked", Note: "GitLab refuses it: run `cxm token replace`"},
		},
			Issues:   []status.Count{{Of: "open", Number: 12}, {Of: "closed", Number: 3}},
			Findings: []status.Count{{Of: "cost", Number: 40}, {Of: "absent", Number: 2}},
			Savings:  []status.Amount{{Currency: "USD", Value: "43.08", Float: 43.08}}, Unknown: 2,
			States:   []status.StateSavings{{State: "open", Amount: status.Amount{Currency: "USD", Value: "43.08", Float: 43.08}}, {State: "merged", Amount: status.Amount{Currency: "EUR", Float: 0}}},
			Scopes:   []status.Scope{{Source: "alertmanager", Scope: "default", At: noon(), Complete: false, Why: "truncated"}},
			Whole:    []status.Whole{{Source: "alertmanager", Scope: "default", At: noon()}},
			Queue:    status.Queue{Deliveries: 4, Approvals: 1},
			Breakers: []status.Breaker{{Integration: 1, Target: "instance", Open: true}, {Integration: 2, Target: "instance"}},
			Troubles: []string{"<b>run 7</b> waits"},
		}, {Name: "acme"}}}
}

func serve(t *testing.T, r status.Report, err error) (get func(string) (int, string), b *status.Board) {
	t.Helper()
	b = status.New(func(context.Context) (status.Report, error) { return r, err })
	mux := http.NewServeMux()
	b.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return func(path string) (int, string) {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if path == "/" && !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("no content security policy")
		}
		return resp.StatusCode, string(body)
	}, b
}

func TestPage(t *testing.T) {
	get, _ := serve(t, full(), nil)
	code, body := get("/")
	for _, want := range []string{"9 days left", "cxm rotates it on 2026-03-07", "revoked", "&lt;b&gt;run 7&lt;/b&gt; waits", "acme/&lt;data&gt;", "43.08 USD", "no: truncated", "and 2 more would save"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if code != http.StatusOK || strings.Contains(body, "<script") {
		t.Errorf("status %d", code)
	}
	if code, _ := get("/status.css"); code != http.StatusOK {
		t.Errorf("the styles answer %d", code)
	}
	if code, _ := get("/other"); code != http.StatusNotFound {
		t.Errorf("another path answers %d", code)
	}
}

// TestEmpty: a new installation is told what to do next.
func TestEmpty(t *testing.T) {
	get, _ := serve(t, status.Report{At: noon(), Tenants: []status.Tenant{{Name: "default"}}}, nil)
	if _, body := get("/"); !strings.Contains(body, "cxm connect gitlab") || !strings.Contains(body, "cxm ingest") || !strings.Contains(body, "Nothing.") {
		t.Error(body)
	}
}

// TestNoReport: without a report both say so, and neither looks as if all was well.
func TestNoReport(t *testing.T) {
	get, _ := serve(t, status.Report{}, errors.New("the database is away"))
	if code, body := get("/"); code != http.StatusInternalServerError || !strings.Contains(body, "the database is away") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get("/metrics"); code != http.StatusInternalServerError {
		t.Errorf("the metrics answer %d", code)
	}
}

func TestMetrics(t *testing.T) {
	get, b := serve(t, full(), nil)
	b.Called("POST", "/projects/:id/issues", "201", 20*time.Millisecond)
	b.Left("gitlab.example.com", 7, 41)
	code, body := get("/metrics")
	for _, want := range []string{
		`cxm_token_expires_timestamp_seconds{integration="1",project="acme/platform",tenant="default",url="https://gitlab.example.com"} 1.7734896e+09`,
		`cxm_token_active{integration="2",project="acme/<data>",tenant="default",url="https://gitlab.com"} 0`,
		`cxm_issues{state="open",tenant="default"} 12`,
		`cxm_savings_estimated_monthly{currency="USD",tenant="default"} 43.08`,
		`cxm_savings_per_month{currency="USD",state="open",tenant="default"} 43.08`,
		`cxm_savings_per_month{currency="EUR",state="merged",tenant="default"} 0`,
		`cxm_gitlab_requests_total{method="POST",route="/projects/:id/issues",status="201"} 1`,
		`cxm_runs_waiting_approval{tenant="default"} 1`,
		`cxm_gitlab_ratelimit_remaining{account="7",instance="gitlab.example.com"} 41`,
		`cxm_queue_jobs{kind="pull",state="available"} 3`,
		`cxm_queue_oldest_job_age_seconds{kind="pull"} 90`,
		`cxm_queue_oldest_job_age_seconds{kind="step"} 0`,
		`cxm_breaker_open{integration="1",target="instance",tenant="default"} 1`,
		`cxm_breaker_open{integration="2",target="instance",tenant="default"} 0`,
		`cxm_snapshot_complete_timestamp_seconds{scope="default",source="alertmanager",tenant="default"} 1.772712e+09`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(body, `cxm_token_expires_timestamp_seconds{integration="2"`) {
		t.Error("a token that never expires has an end")
	}
	if code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "cxm_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestDays(t *testing.T) {
	for _, c := range []struct {
		left    time.Duration
		days    int
		expires bool
	}{{0, 0, true}, {time.Hour, 1, true}, {24 * time.Hour, 1, true}, {25 * time.Hour, 2, true}, {-time.Hour, 0, true}, {-50 * time.Hour, 0, true}} {
		days, expires := status.Token{ExpiresAt: noon().Add(c.left)}.Days(noon())
		if days != c.days || expires != c.expires {
			t.Errorf("%s: %d, %t", c.left, days, expires)
		}
	}
	if _, expires := (status.Token{}).Days(noon()); expires {
		t.Error("it never expires")
	}
}

// TestOftenAsked: several that scrape at once cost one report; one that cannot be
// made is not kept.
func TestOftenAsked(t *testing.T) {
	read, trouble := 0, error(nil)
	b := status.New(func(context.Context) (status.Report, error) { read++; return full(), trouble })
	mux := http.NewServeMux()
	b.Register(mux)
	scrape := func() int {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Code
	}
	trouble = errors.New("the database is away")
	if code := scrape(); code != http.StatusInternalServerError || read != 1 {
		t.Errorf("%d after %d reports", code, read)
	}
	trouble = nil
	for range 3 {
		if code := scrape(); code != http.StatusOK {
			t.Errorf("%d", code)
		}
	}
	if read != 2 {
		t.Errorf("%d reports were made", read)
	}
}

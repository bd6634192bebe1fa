package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/client"
	"cxm/internal/credential"
)

// token is made up, in the form of one.
const token = "cxm_0123456789abcdef"

func open(t *testing.T, h http.HandlerFunc, waits *[]time.Duration) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{URL: s.URL, Token: credential.NewSecret(token), Tenant: "acme", Wait: func(_ context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refuse(w http.ResponseWriter, status int, after string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"title":"no","status":%d,"detail":"the server said no"}`, status)
}

// TestAgain: what may be sent twice is, with the key it had, after as long as the
// server asks for; and nothing else is.
func TestAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		plain  bool // the answer is none of cxm's
		ask    func(*api.Tenant) error
		tries  int32
		waits  string
	}{
		"a question, busy":            {429, "7", false, status, 4, "[7s 7s 7s]"},
		"a question, restarting":      {503, "", false, status, 4, "[500ms 1s 2s]"},
		"a question, for too long":    {429, "600", false, status, 1, "[]"},
		"a question, a proxy alone":   {502, "", true, status, 4, "[500ms 1s 2s]"},
		"a question, GitLab is away":  {502, "", false, status, 1, "[]"},
		"a question, wrong":           {404, "", false, status, 1, "[]"},
		"a POST has a key":            {503, "1", false, plan, 4, "[1s 1s 1s]"},
		"a PUT has none":              {503, "1", false, apply, 1, "[]"},
		"a DELETE has none":           {503, "1", false, remove, 1, "[]"},
		"a POST under way, the first": {409, "2", false, plan, 1, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			keys := map[string]bool{}
			waits := []time.Duration{}
			k := open(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				key := r.Header.Get("Idempotency-Key")
				keys[key] = true
				if (r.Method == http.MethodPost) != (key != "") {
					t.Errorf("%s has the key %q", r.Method, key)
				}
				if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Cxm-Tenant") != "acme" {
					t.Errorf("%v", r.Header)
				}
				if c.plain {
					w.WriteHeader(c.status)
					return
				}
				refuse(w, c.status, c.after)
			}, &waits)
			err := c.ask(k.Tenant())
			if err == nil || tries.Load() != c.tries || fmt.Sprint(waits) != c.waits || len(keys) != 1 {
				t.Errorf("%v after %d tries, waiting %v, with keys %v", err, tries.Load(), waits, keys)
			}
			if !c.plain && client.Status(err) != c.status {
				t.Errorf("%v", err)
			}
		})
	}
}

func status(t *api.Tenant) error { _, err := t.Status.Status(context.Background()); return err }
func plan(t *api.Tenant) error   { _, err := t.Runs.Plan(context.Background(), 1); return err }
func remove(t *api.Tenant) error { return t.Sources.Remove(context.Background(), "alerts") }
func apply(t *api.Tenant) error {
	_, err := t.Rules.Apply(context.Background(), api.RulesChange{Text: "x", Expected: 3})
	return err
}

// TestUnderWay: the answer of a request whose connection broke is asked for until it is
// there, and the request is carried out once.
func TestUnderWay(t *testing.T) {
	var tries atomic.Int32
	k := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch tries.Add(1) {
		case 1:
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		case 2, 3, 4, 5, 6:
			refuse(w, http.StatusConflict, "2")
		default:
			_ = json.NewEncoder(w).Encode(api.Plan{Digest: "the-plan"})
		}
	}, nil)
	p, err := k.Tenant().Runs.Plan(t.Context(), 1)
	if err != nil || p.Digest != "the-plan" || tries.Load() != 7 {
		t.Errorf("%+v, %v after %d tries", p, err, tries.Load())
	}
}

// TestStays: the token goes nowhere else.
func TestStays(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was asked") }))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		k := open(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+r.URL.Path, code) }, nil)
		for _, ask := range []func(*api.Tenant) error{status, plan, apply, remove} {
			if err := ask(k.Tenant()); err == nil || !strings.Contains(err.Error(), "where the token was not sent") {
				t.Errorf("%d: %v", code, err)
			}
		}
	}
	within := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			http.Redirect(w, r, "/there", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(`{"deliveries_waiting": 7}`))
	}, nil)
	if s, err := within.Tenant().Status.Status(t.Context()); err != nil || s.Deliveries != 7 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestAddress: an address that would show the token, or is none, is refused.
func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"cxm.example.com":                  "",
		"https://cxm.example.com/cxm/":     "",
		"http://127.0.0.1:8080":            "",
		"http://[::1]:8080":                "",
		"http://localhost:8080":            "",
		"http://cxm.example.com":           "whoever is on the way",
		"http://127.0.0.1.example.com":     "whoever is on the way",
		"ftp://cxm.example.com":            "no address",
		"https://":                         "no address",
		"https://admin:pw@cxm.example.com": "no more than its host",
		"https://cxm.example.com/?a=b":     "no more than its host",
	} {
		_, err := client.New(client.Options{URL: url, Token: credential.NewSecret(token)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, bad := range []string{"", "glpat-x", "cxm_a b", "cxm_a\r\nHost: x"} {
		if _, err := client.New(client.Options{URL: "cxm.example.com", Token: credential.NewSecret(bad)}); err == nil {
			t.Errorf("the token %q is taken", bad)
		}
	}
}

// TestShownOnce: a secret whose first answer was lost is not taken for an empty one.
func TestShownOnce(t *testing.T) {
	k := open(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"source": {"name": "alerts"}, "value": null, "shown_before": true}`))
	}, nil)
	_, value, err := k.Tenant().Sources.Add(t.Context(), api.AddSource{Name: "alerts", Type: "alertmanager"})
	if err == nil || !value.Empty() || !strings.Contains(err.Error(), "cxm source rotate") {
		t.Errorf("%v", err)
	}
}

// TestBroken: an export that breaks off is no whole one.
func TestBroken(t *testing.T) {
	for _, whole := range []bool{true, false} {
		k := open(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", api.TrailerSequence+", "+api.TrailerHash)
			_, _ = w.Write([]byte("a line\n"))
			if !whole {
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			w.Header().Set(api.TrailerSequence, "7")
			w.Header().Set(api.TrailerHash, "abc")
		}, nil)
		var out strings.Builder
		head, err := k.Tenant().Exports.Export(t.Context(), &out, "csv", time.Time{}, time.Time{})
		if (err == nil) != whole || whole && (head.Sequence != 7 || head.Hash != "abc" || out.String() != "a line\n") {
			t.Errorf("%+v, %q, %v", head, out.String(), err)
		}
	}
}

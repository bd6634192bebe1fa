package notify_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxm/internal/notify"
)

func event() notify.Event {
	return notify.Event{
		ID: "token-7-30", Type: "cxm.token.expiring.v1", Source: "/cxm/acme", Subject: "integration-1", Time: time.Now(),
		Text: "The token expires in 30 days: run `cxm token rotate`.", Data: map[string]any{"days": 30},
	}
}

// TestSend: what arrives is a CloudEvent that Standard Webhooks' own library
// verifies, and a body that was changed on the way is not.
func TestSend(t *testing.T) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	s, err := notify.New(server.URL+"/T0/B1", secret, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), event()); err != nil {
		t.Fatal(err)
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(body, header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	if verifier.Verify([]byte(strings.Replace(string(body), "30", "31", 1)), header) == nil {
		t.Error("a changed body was verified")
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"specversion": "1.0", "id": "token-7-30", "type": "cxm.token.expiring.v1", "source": "/cxm/acme", "text": event().Text} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if header.Get("webhook-id") != "token-7-30" || !strings.HasPrefix(header.Get("Content-Type"), "application/cloudevents+json") {
		t.Errorf("headers: %v", header)
	}
}

// TestAnswers: what may pass is told apart from what will not, a redirect is not
// followed, and no error names the path of the address, which is often a secret.
func TestAnswers(t *testing.T) {
	for status, refused := range map[int]bool{200: false, 204: false, 302: true, 400: true, 401: true, 404: true, 410: true, 408: false, 409: false, 429: false, 500: false, 503: false} {
		followed := false
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			followed = followed || r.URL.Path == "/elsewhere"
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		s, err := notify.New(server.URL+"/hush", "", nil, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), event())
		var gone *notify.RefusedError
		if errors.As(err, &gone) != refused || (err == nil) != (status/100 == 2) || followed {
			t.Errorf("%d: err = %v, followed = %t", status, err, followed)
		}
		server.Close()
		if err := s.Send(t.Context(), event()); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("err = %v", err)
		}
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct{ url, secret, says string }{
		{"", "", "not a URL"},
		{"ftp://example.com/x", "", "not a URL"},
		{"https:///x", "", "not a URL"},
		{"https://example.com/x", "short", "not one of Standard Webhooks"},
		{"https://example.com/x", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 8)), "24 to 64 bytes"},
	} {
		if _, err := notify.New(c.url, c.secret, nil, time.Now); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, %q: err = %v", c.url, c.secret, err)
		}
	}
}

package sourcing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/sourcing"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/source"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		os.Exit(child())
	}
	os.Exit(databases.Main(m))
}

// bed is a cxm that takes deliveries.
type bed struct {
	*apptest.Bed
	url    string
	tokens map[string]string
}

func newBed(t *testing.T, b *apptest.Bed) *bed {
	t.Helper()
	r, err := b.App.Reception(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); server.Close(); <-ended })
	return &bed{Bed: b, url: server.URL, tokens: map[string]string{}}
}

// add makes a source and lets the reception know of it.
func add(t *testing.T, a *app.App, r sourcing.Request) (token string) {
	t.Helper()
	_, secret, err := a.AddSource(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// post sends a body and returns its status and answer.
func post(ctx context.Context, url, token, contentType, body string) (int, map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, nil, err
	}
	var answer map[string]any
	return resp.StatusCode, answer, json.Unmarshal(text, &answer)
}

func (b *bed) event(token, text string) {
	b.Helper()
	if status, answer, err := post(b.Context(), b.url+"/v1/events", token, "application/cloudevents+json", text); err != nil || status != http.StatusAccepted {
		b.Fatalf("answered %d %v (%v)", status, answer, err)
	}
}

// opened is an event of something that is wrong with number i, resolved one that it
// is not any more.
func opened(i int) string   { return event(i, "opened", fmt.Sprintf("o%d", i)) }
func resolved(i int) string { return event(i, "resolved", fmt.Sprintf("r%d", i)) }

func event(i int, state, id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"/scanner","type":"com.example.disk.%s","subject":"disk-%d","data":{"title":"Disk %d is full"}}`, id, state, i, i)
}

// known are the resources of the findings that cxm knows.
func known(t *testing.T, a *app.App) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := a.Store.Groups(t.Context(), true, func(g rule.Group, _ []issue.Tracked) error {
		for _, m := range g.Members {
			out[m.Finding.ResourceID] = m.Finding.Title
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func scanner(name string) sourcing.Request {
	return sourcing.Request{Name: name, Type: source.CloudEvents}
}

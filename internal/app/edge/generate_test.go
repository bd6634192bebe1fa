package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"cxm/internal/app/apptest"
	"cxm/internal/signin/role"
)

// search bounds the search: rapid alone would stop after 100 requests.
const search = 8 * time.Second

// TestGenerated makes requests out of the document, right and wrong ones: whatever is
// asked, the answer is as the document says, and never that something went wrong.
func TestGenerated(t *testing.T) {
	b := newBed(t, "")
	b.AWS(apptest.Disks(1, 6)...)
	text, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	paths := slices.Sorted(maps.Keys(doc.Paths.Map()))
	client := &http.Client{Transport: b.judge, Timeout: time.Minute}
	until := time.Now().Add(search)
	ask := func(r *rapid.T) {
		path := rapid.SampledFrom(paths).Draw(r, "path")
		methods := doc.Paths.Value(path).Operations()
		method := rapid.SampledFrom(slices.Sorted(maps.Keys(methods))).Draw(r, "method")
		g := &generator{r}
		req := g.request(b.url, path, method, methods[method])
		req.Header.Set("Authorization", "Bearer "+b.admin)
		b.Clock.Forward(150 * time.Millisecond) // what a token has in a minute is not what is tried
		answer, err := client.Do(req)
		if err != nil {
			r.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests {
			r.Fatalf("%s %s answers %d: %s", method, req.URL.RequestURI(), answer.StatusCode, body)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		b.restore()
		if time.Now().After(until) {
			return // it is a search, and takes no more of everybody's time
		}
		for range 10 {
			ask(r)
		}
	})
	if len(b.judge.heard) < 25 {
		t.Errorf("only %d operations were carried out", len(b.judge.heard))
	}
}

// restore makes whatever requests took away from whoever sends them, their own token
// and the integration included.
func (b *bed) restore() {
	b.Helper()
	if g := b.ask(b.admin, "GET", "/v1/people", nil); g.status != 200 {
		b.admin = b.token(b.App, "admin@example.com", role.Admin, role.ScopeAdmin)
	}
	if _, err := b.App.Integration(b.Context(), 1); err != nil {
		b.Connect(b.ServiceAccount(fmt.Sprint("again-", b.Clock.Now().UnixNano())))
	}
}

// generator draws what a schema asks for, and now and then something else.
type generator struct{ *rapid.T }

func (g *generator) request(base, path, method string, op *openapi3.Operation) *http.Request {
	query := url.Values{}
	header := http.Header{}
	for _, p := range op.Parameters {
		if p.Value.In != "path" && !rapid.Bool().Draw(g.T, "with "+p.Value.Name) {
			continue
		}
		value := g.text(p.Value.Schema.Value)
		switch p.Value.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(value))
		case "query":
			query.Set(p.Value.Name, value)
		case "header":
			header.Set(p.Value.Name, printable(value))
		}
	}
	var body io.Reader
	if op.RequestBody != nil {
		text, err := json.Marshal(g.value(op.RequestBody.Value.Content["application/json"].Schema.Value, 4))
		if err != nil {
			g.Fatal(err)
		}
		body = bytes.NewReader(text)
		header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(context.Background(), method, base+path+"?"+query.Encode(), body)
	if err != nil {
		g.Fatal(err)
	}
	maps.Copy(req.Header, header)
	return req
}

// printable is what can be in a header.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
}

// text is a value as a path or a query has it.
func (g *generator) text(s *openapi3.Schema) string {
	v := g.value(s, 1)
	if text, ok := v.(string); ok && text != "" && text != "." && text != ".." {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		g.Fatal(err)
	}
	return string(raw)
}

func (g *generator) value(s *openapi3.Schema, depth int) any {
	if s == nil || depth < 0 || rapid.IntRange(0, 15).Draw(g.T, "odd") == 0 {
		return rapid.SampledFrom([]any{nil, true, -1, 1e300, "", "\x00", "x'; --", "%_\\", strings.Repeat("ü", 300), []any{}, map[string]any{"a": 1}}).Draw(g.T, "value")
	}
	if len(s.Enum) > 0 {
		return rapid.SampledFrom(s.Enum).Draw(g.T, "one of")
	}
	switch {
	case s.Type.Includes("object"):
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, name) || rapid.Bool().Draw(g.T, "with "+name) {
				out[name] = g.value(s.Properties[name].Value, depth-1)
			}
		}
		return out
	case s.Type.Includes("array"):
		var out []any
		for range rapid.IntRange(0, 2).Draw(g.T, "items") {
			out = append(out, g.value(s.Items.Value, depth-1))
		}
		return out
	case s.Type.Includes("integer"):
		return rapid.SampledFrom([]int64{0, 1, 2, 7, 500, 1 << 40, -1 << 63, 1<<63 - 1}).Draw(g.T, "number")
	case s.Type.Includes("boolean"):
		return rapid.Bool().Draw(g.T, "yes")
	case s.Format == "date-time":
		return rapid.SampledFrom([]string{"2026-03-14T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday"}).Draw(g.T, "time")
	}
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"default", "acme/platform", "cloudevents", "version: 1\nrules: []\n", "engineer@example.com", "admin"})).Draw(g.T, "text")
}

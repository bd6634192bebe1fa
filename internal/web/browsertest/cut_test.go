package browsertest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/web/fixture"
	"cxm/internal/web/gallery"
	"cxm/internal/web/shots"
)

// clipped names the tables that are wider than what they stand in: what is beyond its edge
// cannot be seen.
const clipped = `Promise.resolve([...document.querySelectorAll(".table-box")].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
	.map(e => e.querySelector("caption").innerText + ": " + e.scrollWidth + " in " + e.clientWidth).join("\n"))`

// TestNothingCut opens every page that has a table, with many rows where it has a state
// with many, at the widths between a phone and a screen: no column is cut off at any of
// them.
func TestNothingCut(t *testing.T) {
	t.Parallel()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	b := open(t)
	for _, p := range tabled(t) {
		b.visit(p.Path())
		for width := int64(360); width <= 1350; width += 55 {
			b.must(shots.Look{Name: "between", Width: width, Height: 900}.As(b.ctx))
			if found := script[string](b, clipped); found != "" {
				b.Errorf("%s at %d: %s", p.Path(), width, found)
			}
		}
	}
}

// tabled are the pages with a table, in one state each. What is huge may have to be
// scrolled.
func tabled(t *testing.T) map[string]fixture.Page {
	t.Helper()
	pages, err := gallery.New(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]fixture.Page{}
	for _, p := range fixture.All() {
		if _, has := out[p.Name]; p.State == "huge" || has && p.State != "many" {
			continue
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.Path(), nil))
		if strings.Contains(w.Body.String(), `class="table-box`) {
			out[p.Name] = p
		}
	}
	return out
}

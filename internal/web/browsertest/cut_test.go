package browsertest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"cxm/internal/web/fixture"
	"cxm/internal/web/gallery"
	"cxm/internal/web/shots"
)

// clipped names the tables that are wider than what they stand in: what is beyond its edge
// cannot be seen.
const clipped = `Promise.resolve([...document.querySelectorAll(".table-box")].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
	.map(e => e.querySelector("caption").innerText + ": " + e.scrollWidth + " in " + e.clientWidth).join("\n"))`

// TestNothingCut opens every page that has a table at the widths between a phone and a
// screen: no column is cut off at any of them.
func TestNothingCut(t *testing.T) {
	b := open(t)
	for _, p := range fixture.All() {
		if p.State == "huge" || p.State == "error" || p.State == "forbidden" || !tabled(t, p) {
			continue // what is huge may have to be scrolled
		}
		b.visit(p.Path())
		for width := int64(360); width <= 1350; width += 55 {
			b.must(shots.Look{Name: "between", Width: width, Height: 900}.As(b.ctx))
			if found := script[string](b, clipped); found != "" {
				b.Errorf("%s at %d: %s", p.Path(), width, found)
			}
		}
	}
}

// tabled says whether a page has a table.
func tabled(t *testing.T, p fixture.Page) bool {
	t.Helper()
	pages, err := gallery.New(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.Path(), nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(fmt.Errorf("reading %s: %w", p.Path(), err))
	}
	return bytes.Contains(text, []byte(`class="table-box`))
}

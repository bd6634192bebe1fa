package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/sandbox"
)

// BenchmarkCreateIssue is the sandbox's own work for one create, the network
// aside: with 20 ms latency and 16 in flight it must stay well below 1 ms.
func BenchmarkCreateIssue(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		b.Fatal(err)
	}
	description := strings.Repeat("| fact | value of a row, see [docs](https://example.com/a/b) &amp; more |\\n", 40)
	for n := 0; b.Loop(); n++ {
		body := fmt.Sprintf(`{"title":"Resize %d","description":"<!-- cxm: k%d -->\n\n|a|b|\n|-|-|\n%s","labels":"finops,bug"}`, n, n, description)
		r := httptest.NewRequest(http.MethodPost, "/api/v4/projects/1/issues", strings.NewReader(body))
		r.Header.Set("PRIVATE-TOKEN", s.AdminToken())
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Code, w.Body)
		}
		_, _ = io.Copy(io.Discard, w.Body)
	}
}

package page_test

import (
	"strings"
	"testing"

	"cxm/internal/integration/check"
	"cxm/internal/web/page"
)

// TestMended: a page has words for every step, of a connection in the making and of an
// integration, and none of them is a command or a flag.
func TestMended(t *testing.T) {
	for _, kind := range check.Steps() {
		for _, integration := range []int64{0, 7} {
			m := check.Mend{Text: "Do this", Step: check.Step{Kind: kind}}
			text := page.Mended(m, integration)
			if strings.TrimPrefix(text, "Do this and ") == "" || !strings.HasPrefix(text, "Do this and ") || strings.ContainsAny(text, "`") || strings.Contains(text, "--") {
				t.Errorf("%s of %d: %q", kind, integration, text)
			}
		}
	}
	if got := page.Mended(check.Mend{Step: check.Step{Kind: check.NameProject, Of: "acme/platform"}}, 0); got != "Choose acme/platform as Repository" {
		t.Errorf("%q", got)
	}
}

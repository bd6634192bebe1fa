package sources

import (
	"os"
	"strings"
	"testing"

	"cxm/internal/app/sourcing"
	"cxm/internal/source"
	kept "cxm/internal/store/sources"
)

// TestSnippets: what is printed fits the source, holds no token, and is what
// docs/events.md tells.
func TestSnippets(t *testing.T) {
	read, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range source.Types() {
		var out strings.Builder
		in := sourcing.Source{Source: kept.Source{Name: "alertmanager"}, Type: kind}
		if err := snippets(&out, in, "https://cxm.example.com/"); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if !strings.Contains(text, "https://cxm.example.com"+in.Path()) || strings.Contains(text, "URL/") || strings.Contains(text, "NAME") || strings.Contains(text, "cxms_") {
			t.Errorf("%s: %s", kind, text)
		}
		if kind != source.Alertmanager {
			continue
		}
		_, yaml, _ := strings.Cut(text, "only it can read:\n\n")
		yaml, _, _ = strings.Cut(yaml, "\n\n")
		for line := range strings.Lines(yaml) {
			if !strings.Contains(string(read), "  "+strings.TrimRight(line, "\n")+"\n") {
				t.Errorf("docs/events.md lacks the line %q", line)
			}
		}
	}
}

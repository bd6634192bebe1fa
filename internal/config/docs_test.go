package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cxm/internal/config"
)

var update = flag.Bool("update", false, "write the generated parts of docs/configuration.md and packaging/cxm.yaml")

// TestGenerated: what is generated from the table of fields is as the table is.
func TestGenerated(t *testing.T) {
	const doc = "../../docs/configuration.md"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	want := within(t, within(t, string(text), "fields", config.Markdown()), "inputs", config.InputsMarkdown())
	same(t, doc, string(text), want)
	const example = "../../packaging/cxm.yaml"
	text, err = os.ReadFile(example)
	if err != nil && !*update {
		t.Fatal(err)
	}
	same(t, example, string(text), config.DefaultYAML())
}

func same(t *testing.T, name, has, want string) {
	t.Helper()
	if has == want {
		return
	}
	if !*update {
		t.Fatalf("%s is stale: run `go test ./internal/config -run TestGenerated -update`", filepath.Base(name))
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// within is a document with another text between two marks.
func within(t *testing.T, doc, mark, text string) string {
	t.Helper()
	begin, end := "<!-- "+mark+": generated -->\n", "<!-- "+mark+": end -->"
	before, rest, ok := strings.Cut(doc, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("the document has no marks %q and %q", begin, end)
	}
	return before + begin + text + end + after
}

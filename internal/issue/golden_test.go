package issue_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/issue/template"
	"cxm/internal/rule"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden renders each testdata/*.txtar: group.json, status.txt and look.json,
// where there is one, give title.txt, labels.txt and block.md. A WORD JOINER is written as <WJ> there.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for _, f := range archive.Files {
		given[f.Name] = string(f.Data)
	}
	g := decode(t, given["group.json"])
	d := issue.Render(g)
	if given["look.json"] != "" {
		d = rendered(t, g, given["look.json"])
	} else {
		checkIssue(t, g)
	}
	draft := issue.Compose(d, marker(g), given["status.txt"])
	want := map[string]string{
		"title.txt":  draft.Title + "\n",
		"labels.txt": strings.Join(draft.Labels, "\n") + "\n",
		"block.md":   draft.Description + "\n",
	}
	for name, text := range want {
		text = strings.ReplaceAll(text, "\u2060", "<WJ>")
		want[name] = text
		if !*update && text != given[name] {
			t.Errorf("%s of %s (-golden +now; go test -update writes it anew):\n%s", name, file, cmp.Diff(given[name], text))
		}
	}
	if *update {
		write(t, file, archive, want)
	}
}

// rendered is a group's issue in the look that a golden file names: a template of
// the library, or one of its own.
func rendered(t *testing.T, g rule.Group, text string) issue.Desired {
	t.Helper()
	var given struct {
		issue.Look
		Library     string
		Title, Body string
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		t.Fatalf("look.json: %v", err)
	}
	look := given.Look
	if given.Library != "" {
		made, err := template.Library(given.Library)
		if err != nil {
			t.Fatal(err)
		}
		lead := g.Lead()
		if suits := template.Suggest(&lead.Finding); suits != given.Library {
			t.Errorf("the library suggests %q", suits)
		}
		look.Template = made
	}
	if given.Body != "" {
		look.Template = parse(t, given.Title, given.Body)
	}
	d, err := issue.RenderAs(g, look)
	if err != nil {
		t.Fatal(err)
	}
	checkTitle(t, d.Title)
	inerttest.CheckMarkdown(t, listed.ReplaceAllString(issue.Compose(d, marker(g), "").Description, "$1"))
	if outline := issue.OutlineAs(g, look); outline.Title != d.Title || outline.Digest != d.Digest || !cmp.Equal(outline.Labels, d.Labels) {
		t.Errorf("the outline says something else: %+v", outline)
	}
	return d
}

// listed is a reference that cxm writes itself, at its place in a parent's issue.
var listed = regexp.MustCompile(`(?m)^(- \[[ x]\] (?:~~)?)(?:[\w.-]+(?:/[\w.-]+)+)?#[0-9]+\+`)

func decode(t *testing.T, text string) rule.Group {
	t.Helper()
	var g rule.Group
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&g); err != nil {
		t.Fatalf("group.json: %v", err)
	}
	for i := range g.Members {
		if err := g.Members[i].Finding.Validate(); err != nil {
			t.Fatalf("group.json: member %d: %v", i, err)
		}
	}
	return g
}

// write keeps what is given and puts what was rendered behind it.
func write(t *testing.T, file string, archive *txtar.Archive, rendered map[string]string) {
	t.Helper()
	kept := archive.Files[:0]
	for _, f := range archive.Files {
		if _, ok := rendered[f.Name]; !ok {
			kept = append(kept, f)
		}
	}
	for _, name := range []string{"title.txt", "labels.txt", "block.md"} {
		kept = append(kept, txtar.File{Name: name, Data: []byte(rendered[name])})
	}
	archive.Files = kept
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

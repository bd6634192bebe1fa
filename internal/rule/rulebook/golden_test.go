package rulebook_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cxm/internal/rule/rulebook"
)

var update = flag.Bool("update", false, "write what the tests get into testdata")

// archives runs a test over the txtar files of a folder: rules.yaml in, want out.
func archives(t *testing.T, folder string, say func(t *testing.T, rules []byte) string) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil || len(a.Files) != 2 || a.Files[0].Name != "rules.yaml" || a.Files[1].Name != "want" {
				t.Fatal("a case is rules.yaml and want", err)
			}
			got := say(t, a.Files[0].Data)
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWrong says what is wrong with files, and where.
func TestWrong(t *testing.T) {
	archives(t, "wrong", func(t *testing.T, rules []byte) string {
		book, err := rulebook.Parse("rules.yaml", rules)
		var problems rulebook.Problems
		if book != nil || !errors.As(err, &problems) {
			t.Fatalf("%v, %v", book, err)
		}
		for _, p := range problems {
			if p.Mend == "" || p.Message == "" || p.Line == 0 || p.Column == 0 {
				t.Errorf("%+v says too little", p)
			}
		}
		return err.Error() + "\n"
	})
}

// TestRight says what becomes of the findings of each file's tests.
func TestRight(t *testing.T) {
	archives(t, "right", func(t *testing.T, rules []byte) string {
		book, err := rulebook.Parse("rules.yaml", rules)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range book.Check() {
			t.Errorf("line %d, %s: %s", f.Line, f.Test, f.Message)
		}
		var out strings.Builder
		for name, f := range rulebook.Cases(book) {
			fmt.Fprintf(&out, "%s\n", name)
			for _, a := range book.Assign(f) {
				fmt.Fprintf(&out, "  > %s", a.Reason)
				if r, ok := book.Rule(a.Rule); ok && !a.Ignored {
					g := rulebook.Alone(a.Group, f)
					g.Parent = a.Parent()
					place, err := r.Place(g)
					if err != nil {
						t.Error(err)
					}
					labels, left := r.LabelsOf(g)
					fmt.Fprintf(&out, "\n    in %s %d %q, %s\n    labels %q %q, owner %q", place.Integration, place.Project, place.Path, place.Reason, labels, left, r.OwnerOf(g))
				}
				out.WriteString("\n")
			}
			for _, v := range book.Explain(f) {
				fmt.Fprintf(&out, "  line %d, %s: %s\n", v.Line, v.Rule, v.Reason)
			}
		}
		return out.String()
	})
}

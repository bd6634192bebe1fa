package codeowners_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cxm/internal/rule/owner/codeowners"
)

var update = flag.Bool("update", false, "write what the cases want anew")

// TestCases reads each testdata/*.txtar: CODEOWNERS, paths (one a line) and want:
// what each section says of each path, then the problems.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for _, f := range archive.Files {
		given[f.Name] = string(f.Data)
	}
	f, err := codeowners.Parse([]byte(given["CODEOWNERS"]))
	if err != nil {
		t.Fatal(err)
	}
	got := told(f, strings.Split(strings.TrimSpace(given["paths"]), "\n"))
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(given["want"], got); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", file, diff)
	}
}

func told(f *codeowners.File, paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&b, "%s\n", path)
		for _, m := range f.Match(path) {
			fmt.Fprintf(&b, "\t[%s] line %d %s:", m.Section, m.Line, m.Pattern)
			for _, o := range m.Owners {
				fmt.Fprintf(&b, " %s=%s", o.Kind, o.Name)
			}
			if m.Optional {
				b.WriteString(" (optional)")
			}
			if m.Approvals > 1 {
				fmt.Fprintf(&b, " (%d approvals)", m.Approvals)
			}
			if m.Default {
				b.WriteString(" (the section's)")
			}
			if m.All {
				b.WriteString(" (all files)")
			}
			b.WriteString("\n")
		}
	}
	for _, p := range f.Problems() {
		fmt.Fprintf(&b, "line %d: %s\n", p.Line, p.Message)
	}
	return b.String()
}

// TestGlob holds single patterns to what Ruby's File.fnmatch says with
// FNM_PATHNAME and FNM_DOTMATCH after GitLab has put them in order.
func TestGlob(t *testing.T) {
	for pattern, paths := range map[string]map[string]bool{
		"*":                    {"a": true, "a/b/c": true, ".hidden/x": true},
		"/*":                   {"a": true, ".gitignore": true, "a/b": false},
		"/":                    {"a": true, "a/b": true},
		"main.tf":              {"main.tf": true, "a/b/main.tf": true, "xmain.tf": false, "main.tf/x": false},
		"/main.tf":             {"main.tf": true, "a/main.tf": false},
		"infra/":               {"infra/a": true, "x/infra/a/b": true, "infra": false, "xinfra/a": false},
		"/infra/":              {"infra/a": true, "infra/a/b.tf": true, "x/infra/a": false},
		"infra":                {"infra": true, "x/infra": true, "infra/a": false},
		"/infra/*":             {"infra/a": true, "infra/a/b": false},
		"/infra/**":            {"infra/a": true, "infra/a/b": false},
		"/infra/**/*":          {"infra/a": true, "infra/a/b/c": true},
		"/infra/**/db.tf":      {"infra/db.tf": true, "infra/a/db.tf": true, "infra/a/b/db.tf": true, "db.tf": false},
		"**/db/**/*.tf":        {"db/x.tf": true, "a/db/b/c/x.tf": true, "a/db/x.txt": false, "db.tf": false},
		"/a/**/b/**/c":         {"a/b/c": true, "a/x/b/y/z/c": true, "a/c": false, "a/b/x/b/c": true, "a/x/c": false},
		"*.tf":                 {"x.tf": true, "a/x.tf": true, ".tf": true, "x.tfvars": false},
		"*.tf*":                {"x.tf": true, "x.tfvars": true, "a/b/y.tf.json": true},
		"/docs/*spec*":         {"docs/a_spec.md": true, "docs/spec": true, "docs/a/spec": false},
		"/a?c":                 {"abc": true, "aüc": true, "ac": false, "a/c": false},
		"/[ab]x":               {"ax": true, "bx": true, "cx": false, "x": false},
		"/[!ab]x":              {"cx": true, "ax": false, "/x": false},
		"/[^a-c]x":             {"dx": true, "bx": false},
		"/[a-c-]x":             {"-x": true, "bx": true, "dx": false},
		"/[]x":                 {"]x": false, "[]x": false, "x": false},
		"/[ax":                 {"ax": false, "[ax": false},
		`/\[a\]x`:              {"[a]x": true, "ax": false},
		`/\*x`:                 {"*x": true, "ax": false},
		`\#x`:                  {"#x": true, "a/#x": true},
		`/a\ b/c`:              {"a b/c": true, `a\ b/c`: false},
		"/ÄÖ/*.tf":             {"ÄÖ/x.tf": true, "AO/x.tf": false},
		"/a*a*a*a*a*a*a*a*a*b": {strings.Repeat("a", 200): false, strings.Repeat("a", 200) + "b": true},
	} {
		f, err := codeowners.Parse([]byte(pattern + " @x"))
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range paths {
			if got := len(f.Match(path)) == 1; got != want {
				t.Errorf("%s matches %s: %v, want %v", pattern, path, got, want)
			}
		}
	}
}

func TestNoFile(t *testing.T) {
	for _, text := range []string{"* @x\n\x00", strings.Repeat("x", codeowners.Most+1)} {
		if f, err := codeowners.Parse([]byte(text)); err == nil || f != nil {
			t.Errorf("%.10q: %v", text, f)
		}
	}
	if f, err := codeowners.Parse(nil); err != nil || f.Match("a") != nil || f.Problems() != nil {
		t.Errorf("nothing: %v, %v", f, err)
	}
	if got := codeowners.Paths(); !slices.Equal(got, []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}) {
		t.Error(got)
	}
}

// Whatever a file says, it is read, at most one line of a section counts, and it
// is there.
func FuzzParse(f *testing.F) {
	f.Add("* @a\n[S][2] @b\n*.tf\n!x\n^[T]\na\\ b/ @@owner c@d.e", "a b/x.tf")
	f.Add("[[[\n[]\n^[\n\\\n**/**/ @x\n/[!-z]*? @y", "a/b/c")
	f.Fuzz(func(t *testing.T, text, path string) {
		if len(text) > 1<<12 || len(path) > 1<<10 {
			t.Skip("too long to be quick")
		}
		file, err := codeowners.Parse([]byte(text))
		if err != nil {
			return
		}
		lines, seen := strings.Count(text, "\n")+1, map[string]bool{}
		for _, m := range file.Match(path) {
			if name := strings.ToLower(m.Section); seen[name] || m.Line < 1 || m.Line > lines || m.Approvals < 1 || strings.HasPrefix(m.Pattern, "!") {
				t.Errorf("%+v", m)
			} else {
				seen[name] = true
			}
			for _, o := range m.Owners {
				if o.Name == "" || strings.ContainsAny(o.Name, " \t\n") || (o.Kind == codeowners.Email) != strings.Contains(o.Name, "@") {
					t.Errorf("owner %+v", o)
				}
			}
		}
		for _, p := range file.Problems() {
			if p.Line < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}

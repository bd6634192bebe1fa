package importlaw

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestHouse holds this module to its law.
func TestHouse(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := findRoot(here)
	if err != nil {
		t.Fatal(err)
	}
	m, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.files) == 0 {
		t.Fatal("no source file was read, so nothing was checked")
	}
	for _, broken := range check(m, houseLaw()) {
		t.Error(broken)
	}
}

// TestCases breaks a small law in every way there is. Each file in testdata
// holds a module, and in "want" what the checks say about it.
func TestCases(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			root, want := unpack(t, name)
			m, err := read(root)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(m, caseLaw(root)), "\n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// caseLaw is the law of the cases: high may import low, and low is pure; packages
// beneath high have lines of their own, before and after it. Lines
// for packages that a case does not have are left out, but that of "gone".
func caseLaw(root string) law {
	all := []line{
		{pkg: "low", pure: true},
		{pkg: "high/own"},
		{pkg: "high", may: []string{"low"}},
		{pkg: "high/deep/own"},
		{pkg: "top", may: []string{"high/..."}},
		{pkg: "util"},
		{pkg: "cmd/tool"},
		{pkg: "tested"},
	}
	l := law{reserved: map[string][]string{"example.com/client": {"top"}}, vars: map[string]string{}}
	for _, each := range all {
		if _, err := os.Stat(filepath.Join(root, each.pkg)); err == nil {
			l.lines = append(l.lines, each)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "stale")); err == nil {
		l.lines = append(l.lines, line{pkg: "gone"})
		l.vars["low.gone"] = "no longer there"
	}
	if _, err := os.Stat(filepath.Join(root, "excepted")); err == nil {
		l.vars["low.counter"] = "this case allows it"
	}
	return l
}

// unpack writes the module of a case, and returns what is expected of it. The
// file "long" of a case says which file is to be made too long.
func unpack(t *testing.T, name string) (root, want string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/house\n")
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
			want = strings.TrimSpace(string(f.Data))
		case "long":
			path, text, _ := strings.Cut(strings.TrimSpace(string(f.Data)), "\n")
			write(t, filepath.Join(root, path), text+strings.Repeat("\n", longest))
		default:
			write(t, filepath.Join(root, f.Name), string(f.Data))
		}
	}
	return root, want
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

package scenario

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// last is the number of the last scenario.
const last = 35

// document is where the table is.
const document = "../../docs/reliability.md"

// entry is one scenario as its doc comment tells it.
type entry struct {
	number   int
	story    string
	expected string
	standard string // what the policy is by default; empty: no policy decides
	setting  string
	missing  string // what does not hold yet; empty: all of it does
}

// TestReliabilityTable holds docs/reliability.md to the doc comments of the
// tests, and the tests to the 35 scenarios: each has a test.
func TestReliabilityTable(t *testing.T) {
	entries, err := scenarios(".")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= last; n++ {
		if _, covered := entries[n]; !covered {
			t.Errorf("scenario %d has no test", n)
		}
	}
	want := page(entries)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/reliability.md is not what the tests say (-tests +page); run UPDATE=1 go test ./internal/scenario -run Table:\n%s", diff)
	}
}

// scenarios reads the doc comments of the tests in a folder.
func scenarios(dir string) (map[int]entry, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	out := map[int]entry{}
	for _, name := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range syntax.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "TestScenario") {
				continue
			}
			e, err := read(f.Name.Name, f.Doc.Text())
			if err == nil && out[e.number].number != 0 {
				err = fmt.Errorf("there are two tests of scenario %d", e.number)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, f.Name.Name, err)
			}
			out[e.number] = e
		}
	}
	return out, nil
}

// read reads one doc comment: "Name: what happens.", then lines that begin with
// Expected, Default, Setting and Missing.
func read(name, doc string) (entry, error) {
	number := regexp.MustCompile(`^TestScenario(\d\d)_[A-Z]`).FindStringSubmatch(name)
	if number == nil {
		return entry{}, errors.New("the name does not begin like TestScenario01_Crash")
	}
	story, ok := strings.CutPrefix(doc, name+": ")
	if !ok {
		return entry{}, fmt.Errorf("the doc comment does not begin with %q", name+": ")
	}
	parts := map[string]string{}
	at := "Story"
	for line := range strings.Lines(story) {
		for _, key := range []string{"Expected", "Default", "Setting", "Missing"} {
			if rest, ok := strings.CutPrefix(line, key+": "); ok {
				at, line = key, rest
			}
		}
		parts[at] = strings.TrimSpace(parts[at] + " " + strings.TrimSpace(line))
	}
	n, err := strconv.Atoi(number[1])
	e := entry{n, sentence(parts["Story"]), sentence(parts["Expected"]), parts["Default"], parts["Setting"], parts["Missing"]}
	switch {
	case err != nil:
	case e.story == "" || e.expected == "":
		err = errors.New("the doc comment lacks the story or a line that begins with Expected")
	case (e.standard == "") != (e.setting == ""):
		err = errors.New("a policy has both a Default and a Setting")
	}
	return e, err
}

// sentence begins with a capital letter.
func sentence(text string) string {
	if text == "" || strings.HasPrefix(text, "cxm") || strings.HasPrefix(text, "app.") || strings.HasPrefix(text, "plan.") {
		return text // names are written as they are
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// page is docs/reliability.md.
func page(entries map[int]entry) string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| # | What happens | What cxm does | Holds |\n| --- | --- | --- | --- |\n")
	for n := 1; n <= last; n++ {
		e := entries[n]
		holds := "yes"
		if e.missing != "" {
			holds = "in part: " + e.missing
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", n, cell(e.story), cell(e.expected), cell(holds))
	}
	b.WriteString(policies)
	b.WriteString("| # | Default | Setting |\n| --- | --- | --- |\n")
	for n := 1; n <= last; n++ {
		if e := entries[n]; e.standard != "" {
			fmt.Fprintf(&b, "| %d | %s | %s |\n", n, cell(sentence(e.standard)), cell(sentence(e.setting)))
		}
	}
	return b.String()
}

// cell keeps a text inside its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

const intro = `# What cxm survives

There are 35 ways in which tools that turn findings into issues are known to fail:
duplicates, issues closed by mistake, people's work written over, findings lost. Each
is a test here, end to end: the real program, a real HTTP server that plays GitLab and
its faults, processes that are really killed. Unless the table says otherwise, every test
runs on SQLite and on PostgreSQL. What counts is what GitLab has in the end.

This page is made from the doc comments of the tests in ` + "`internal/scenario`" + `; it
cannot say more than they hold (` + "`UPDATE=1 go test ./internal/scenario -run Table`" + ` writes
it anew).

`

const policies = `
## Where a policy decides

`

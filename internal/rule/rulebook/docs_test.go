package rulebook_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/fact"
)

// TestPage: every example of docs/rules.md is read, its tests pass, and the page
// names every field and every fact.
func TestPage(t *testing.T) {
	read, err := os.ReadFile("../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(read)
	check := schema(t)
	examples := 0
	for rest := page; ; examples++ {
		_, after, found := strings.Cut(rest, "```yaml\n")
		if !found {
			break
		}
		text, end, _ := strings.Cut(after, "```")
		rest = end
		b, err := rulebook.Parse(fmt.Sprintf("example %d", examples+1), []byte(text))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, f := range b.Check() {
			t.Errorf("example %d, line %d, %s: %s", examples+1, f.Line, f.Test, f.Message)
		}
		if err := check([]byte(text)); err != nil {
			t.Errorf("example %d: %v", examples+1, err)
		}
	}
	if examples < 4 {
		t.Errorf("%d examples were found", examples)
	}
	for _, name := range rulebook.FieldNames() {
		if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "    "+name+":") && !strings.Contains(page, "{"+name+":") {
			t.Errorf("the page does not tell of %s", name)
		}
	}
	for _, f := range fact.All() {
		if row := fmt.Sprintf("| `%s` | `%s` | %s |\n", f.Name, f.Field, f.Doc); !strings.Contains(page, row) {
			t.Errorf("the page lacks %s", row)
		}
	}
}

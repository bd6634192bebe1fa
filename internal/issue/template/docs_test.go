package template

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocs holds docs/templates.md to the code: every field, every function and
// every template of the library stands in its tables, and nothing else.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "templates.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	head := ""
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := regexp.MustCompile(`^\| (.*?) \| .*[^ ] \|$`).FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "Of ") || strings.HasPrefix(line, "## "):
			head = strings.Trim(line, "#: ")
		case cells != nil && strings.HasPrefix(cells[1], "`"):
			for _, code := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cells[1], -1) {
				said[head] = append(said[head], strings.TrimPrefix(strings.Fields(code[1])[0], "."))
			}
		}
	}
	of := func(v any, prefix string) []string {
		out := fieldsOf(reflect.TypeOf(v))
		for i := range out {
			out[i] = prefix + out[i]
		}
		return out
	}
	claim := of(Claim{}, "")
	view := slices.DeleteFunc(of(View{}, ""), func(name string) bool { return slices.Contains(claim, name) })
	want := map[string][]string{
		"Fields": view,
		"Of a claim, that is of the leading one and of each of `.Members`": claim,
		"Of `.Owner`": of(Owner{}, "Owner."),
		"Of an amount, such as `.Savings` and each of `.Totals`": of(Money{}, "Savings."),
		"Of each of `.Links`":     of(Link{}, ""),
		"Of each of `.Resources`": of(Resource{}, ""),
		"Functions":               Functions(),
		"The library":             Names(),
	}
	for _, names := range said {
		slices.Sort(names)
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("docs/templates.md (-code +docs):\n%s", diff)
	}
	for _, example := range regexp.MustCompile("(?m)^\\| `([a-zA-Z][^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		body := "{{" + example[1] + "}}"
		if strings.HasPrefix(body, "{{over") {
			body = "{{if " + example[1] + "}}x{{end}}"
		}
		if slices.Contains(Names(), example[1]) {
			continue
		}
		if _, err := Parse("example", "", "x\n"+body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	_, first, _ := strings.Cut(string(text), "```\n")
	first, _, _ = strings.Cut(first, "\n```")
	if _, err := Parse("example", "", first); err != nil {
		t.Errorf("the example: %v", err)
	}
}

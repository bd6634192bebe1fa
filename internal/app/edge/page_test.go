package edge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"cxm/internal/app/apptest"
)

// TestPage runs the examples of docs/api.md, in their order: each is answered as the
// page says.
func TestPage(t *testing.T) {
	b := newBed(t, "")
	b.AWS(append(apptest.Disks(1, 3), apptest.Disk(9, "43.08"))...)
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for rest := string(text); ; examples++ {
		_, after, found := strings.Cut(rest, "```sh\n")
		if !found {
			break
		}
		command, after, _ := strings.Cut(after, "\n```")
		between, after, _ := strings.Cut(after, "```json\n")
		want, after, _ := strings.Cut(after, "\n```")
		if rest = after; strings.TrimSpace(between) != "" {
			t.Fatalf("no answer follows %s", command)
		}
		method, path, body, headers := curl(t, b, command)
		var sent any
		if body != "" {
			sent = body
		}
		g := b.ask("", method, path, sent, headers...)
		var is, should any
		if err := json.Unmarshal([]byte(want), &should); err != nil {
			t.Fatalf("%v: %s", err, want)
		}
		if err := json.Unmarshal(g.body, &is); err != nil {
			t.Fatalf("%v: %s", err, g.body)
		}
		if why := says(should, is, ""); why != "" {
			t.Errorf("%s\n%s\nit answers %.600s", command, why, g.body)
		}
	}
	if examples < 8 {
		t.Errorf("%d examples were found", examples)
	}
}

// curl is the request of a command line.
func curl(t *testing.T, b *bed, command string) (method, path, body string, headers []string) {
	t.Helper()
	words := split(strings.NewReplacer("\\\n", " ", "$CXM_TOKEN", b.admin, "$CXM_URL", "").Replace(command))
	if len(words) < 3 || words[0] != "curl" {
		t.Fatalf("this is no curl: %q", words)
	}
	method = "GET"
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "-sS":
		case "-X":
			i, method = i+1, words[i+1]
		case "-H":
			i, headers = i+1, append(headers, words[i+1])
		case "-d":
			i, body = i+1, words[i+1]
		default:
			path = words[i]
		}
	}
	return method, path, body, headers
}

// split parts a command line into words, quoted ones whole.
func split(line string) (out []string) {
	var word strings.Builder
	quote := rune(0)
	for _, r := range line + " " {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0 && r == ' ':
			if word.Len() > 0 {
				out = append(out, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return out
}

// says where an answer is not as it should be: what should be is in it, and … is
// anything.
func says(should, is any, at string) string {
	switch want := should.(type) {
	case string:
		if want == "…" && is != nil {
			return ""
		}
	case map[string]any:
		got, ok := is.(map[string]any)
		for name, each := range want {
			if there, has := got[name]; !ok || !has {
				return at + "." + name + " is missing"
			} else if why := says(each, there, at+"."+name); why != "" {
				return why
			}
		}
		return ""
	case []any:
		got, ok := is.([]any)
		if !ok || len(got) != len(want) {
			return at + " has not as many items"
		}
		for i := range want {
			if why := says(want[i], got[i], fmt.Sprintf("%s[%d]", at, i)); why != "" {
				return why
			}
		}
		return ""
	}
	if fmt.Sprint(should) != fmt.Sprint(is) {
		return fmt.Sprintf("%s is %v, not %v", at, is, should)
	}
	return ""
}

package amend_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/amend"
)

// add carries out the command of a case: what, then its words, each in a line.
func add(t *testing.T, text []byte, command string) (amend.Amended, error) {
	t.Helper()
	words := strings.Split(strings.TrimSpace(command), "\n")
	tags := []string{"team", "owner"}
	switch words[0] {
	case "person":
		return amend.Person(text, tags, words[1], words[2])
	case "account":
		return amend.Account(text, tags, words[1], words[2])
	case "route":
		return amend.Routed(text, []amend.Route{{Rule: words[1], Name: words[2], Description: "learned", When: words[3], Project: words[4]}})
	}
	t.Fatalf("%q is no command", words[0])
	return amend.Amended{}, nil
}

// TestAmend reads testdata: the comment says what is added, in is the file before,
// out the file after, and adds what people are shown.
func TestAmend(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			got, err := add(t, []byte(parts["in"]), string(archive.Comment))
			if byHand := (*amend.ByHandError)(nil); errors.As(err, &byHand) {
				got = amend.Amended{Text: []byte("by hand: " + byHand.Why + "\n"), Adds: byHand.Adds}
			} else if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("UPDATE") != "" {
				archive.Files = []txtar.File{{Name: "in", Data: []byte(parts["in"])}, {Name: "out", Data: got.Text}, {Name: "adds", Data: []byte(got.Adds)}}
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(parts["out"]+parts["adds"], string(got.Text)+got.Adds); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNothingElse: to every rules file that reads well something can be added, all
// of its bytes stay in their order, and it reads well afterwards.
func TestNothingElse(t *testing.T) {
	for name, text := range rulesFiles(t) {
		book, err := rulebook.Parse(name, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		first := book.Rules()[0].Name
		for _, command := range []string{
			"person\nPay: \"ü\" # {\n@engineer", "account\n000123\n@acme/pay",
			"route\n" + first + "\nlearned \"'\ntag(\"team\") == \"it's \\\"x\\\"\" || account == \"1\"\nacme/payments",
		} {
			for ending, given := range map[string][]byte{
				"as it is": text, "CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
				"without end": bytes.TrimRight(text, "\n"), "BOM": append([]byte("\ufeff"), text...),
			} {
				got, err := add(t, given, command)
				if err != nil {
					t.Errorf("%s (%s): %s: %v", name, ending, command, err)
					continue
				}
				if !keeps(given, got.Text) {
					t.Errorf("%s (%s): %s: bytes of the file are gone:\n%s", name, ending, command, got.Text)
				}
				after, err := rulebook.Parse(name, got.Text)
				if err != nil {
					t.Errorf("%s (%s): %s: %v\n%s", name, ending, command, err, got.Text)
				} else if strings.HasPrefix(command, "route") != (len(after.Rules()) == len(book.Rules())+1) {
					t.Errorf("%s (%s): %s: %d rules became %d", name, ending, command, len(book.Rules()), len(after.Rules()))
				}
			}
		}
	}
}

// keeps says that all bytes of a are in b, in their order.
func keeps(a, b []byte) bool {
	for _, c := range b {
		if len(a) > 0 && a[0] == c {
			a = a[1:]
		}
	}
	return len(a) == 0
}

// rulesFiles are the files of this project that hold rules which read well.
func rulesFiles(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"nothing": []byte("version: 1\n"), "braces": []byte("{version: 1, rules: [{name: all}]}\n")}
	archives, err := filepath.Glob("../testdata/right/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				out[filepath.Base(file)+" "+f.Name] = f.Data
			}
		}
	}
	docs, err := os.ReadFile("../../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(docs), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		out["docs/rules.md "+string(rune('a'+i))] = []byte(text)
	}
	if len(out) < 6 {
		t.Fatalf("only %d files were found", len(out))
	}
	return out
}

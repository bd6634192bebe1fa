package learning

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/rule/owner"
	"cxm/internal/store/rules"
)

// lessons reads one a line: account, tags, owner that people gave it to or -, the
// project they moved it to or -, or kept.
func lessons(t *testing.T, b *book, text string) []lesson {
	t.Helper()
	var out []lesson
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 3 {
			t.Fatalf("%q is no lesson", line)
		}
		l := lesson{webURL: fmt.Sprintf("https://gitlab.example.com/acme/platform/-/issues/%d", i), said: owner.Correction{Issue: strconv.Itoa(i), Account: words[0], Project: 1}}
		l.lead = finding.Finding{FindingKey: finding.NewKey("test", line, strconv.Itoa(i)), Kind: finding.Cost, SourceSystem: "test", ResourceID: strconv.Itoa(i), SubAccountID: words[0], Tags: map[string]string{}, Detection: finding.Present}
		for pair := range strings.SplitSeq(words[1], ",") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				l.lead.Tags[name], _ = strconv.Unquote(`"` + value + `"`)
			}
		}
		l.said.Tags = l.lead.Tags
		switch to := words[2]; {
		case to == "kept":
			l.said.Kept = true
		case to[0] >= '0' && to[0] <= '9':
			l.said.ToProject, _ = strconv.ParseInt(to, 10, 64)
			l.webURL = fmt.Sprintf("https://gitlab.example.com/acme/%s/-/work_items/%d", words[3], i)
		default:
			l.said.ToOwner = to
		}
		l.group = b.Assign(&l.lead)[0].Group
		out = append(out, l)
	}
	return out
}

// TestSuggest reads testdata: the comment is what people did, rules the rules in
// force (none: the built-in ones), and want what is suggested.
func TestSuggest(t *testing.T) {
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
			var now rules.Revision
			want := ""
			for _, f := range archive.Files {
				switch f.Name {
				case "rules":
					now = rules.Revision{Number: 1, Text: string(f.Data)}
				case "want":
					want = string(f.Data)
				}
			}
			b, err := newBook(now)
			if err != nil {
				t.Fatal(err)
			}
			in := integration.Integration{ID: 1, URL: "https://gitlab.example.com", Project: integration.Project{ID: 1, Path: "acme/platform"}}
			got := told(t, b, in, lessons(t, b, string(archive.Comment)))
			if os.Getenv("UPDATE") != "" {
				archive.Files = archive.Files[:0]
				if now.Number != 0 {
					archive.Files = append(archive.Files, txtar.File{Name: "rules", Data: []byte(now.Text)})
				}
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// told is what is suggested, and that each does what it says: with its text in
// force it is not suggested again.
func told(t *testing.T, b *book, in integration.Integration, all []lesson) string {
	t.Helper()
	var out strings.Builder
	for _, s := range b.suggest(in, all) {
		fmt.Fprintf(&out, "%s: %s (%d, %d)\n", s.Says(), s.Why, s.Seen, s.Confidence)
		if s.Trouble != "" {
			fmt.Fprintf(&out, "not: %s\n", s.Trouble)
			if s.Text != nil {
				t.Errorf("%s cannot be accepted and has a text", s.Says())
			}
		}
		fmt.Fprintf(&out, "%s", s.Adds)
		if s.Trouble != "" {
			continue
		}
		after, err := newBook(rules.Revision{Number: 2, Text: string(s.Text)})
		if err != nil {
			t.Fatal(err)
		}
		if failed := after.Check(); len(failed) > 0 {
			t.Errorf("tests of the rules fail: %+v", failed)
		}
		for _, again := range after.suggest(in, all) {
			if again.identity() == s.identity() && after.follows(again, backing(again, all)) <= b.follows(s, backing(s, all)) {
				t.Errorf("%s is suggested again once it is in force:\n%s", s.Says(), s.Text)
			}
		}
	}
	return out.String()
}

// TestSeveralPeople: an issue that people gave to two is nobody's, and speaks
// against all.
func TestSeveralPeople(t *testing.T) {
	b, err := newBook(rules.Revision{})
	if err != nil {
		t.Fatal(err)
	}
	all := lessons(t, b, "1 team=pay @who\n1 team=pay @who")
	all[1].said.ToOwner = "@who @she"
	if got := b.suggest(integration.Integration{ID: 1}, all); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

package amend_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/amend"
)

// chosen is everything that a form can say, unlike in any file.
func chosen() amend.Basics {
	return amend.Basics{
		Off: []amend.Switch{amend.Cost, amend.Custom, amend.SourceFailed}, Project: `acme/{{tag "team" | slug}}`, GroupBy: []string{"resource", "tag:team"},
		Labels: []string{"finops", "prio::high"}, Minimum: "12.50 EUR", PerDay: 7, Digest: true,
	}
}

func basics(t *testing.T, text []byte) amend.Basics {
	t.Helper()
	got, err := amend.Basic(text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestBasics: whatever a form says stands in the file afterwards, what it does not
// change stays as it is written, and the way back leads to where it began.
func TestBasics(t *testing.T) {
	for name, text := range rulesFiles(t) {
		for ending, given := range map[string][]byte{
			"as it is": text, "CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), "without end": bytes.TrimRight(text, "\n"), "BOM": append([]byte("\ufeff"), text...),
		} {
			was := basics(t, given)
			same, err := was.Put(given)
			if err != nil || !bytes.Equal(same.Text, given) {
				t.Errorf("%s (%s): what does not change is written anew: %v\n%s", name, ending, err, same.Text)
				continue
			}
			want := chosen()
			want.Budget = was.Budget
			after, err := want.Put(given)
			if err != nil {
				t.Errorf("%s (%s): %v", name, ending, err)
				continue
			}
			got := basics(t, after.Text)
			if want.Budget == "" {
				want.Budget = got.Budget
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (%s): (-want +got):\n%s\n%s", name, ending, diff, after.Text)
			}
			if _, err := rulebook.Parse(name, after.Text); err != nil && !strings.Contains(err.Error(), "template") {
				t.Errorf("%s (%s): %v\n%s", name, ending, err, after.Text)
			}
			if ending == "as it is" && !bytes.HasPrefix(given, []byte("{")) {
				kept(t, name, given, after.Text)
			}
			back, err := was.Put(after.Text)
			if err != nil {
				t.Errorf("%s (%s), back: %v\n%s", name, ending, err, after.Text)
				continue
			}
			again := basics(t, back.Text)
			again.Budget, was.Budget = "", ""
			if again.Minimum == "0 USD" {
				again.Minimum = ""
			}
			if diff := cmp.Diff(was, again); diff != "" {
				t.Errorf("%s (%s), back: (-want +got):\n%s\n%s", name, ending, diff, back.Text)
			}
			if _, err := rulebook.Parse(name, back.Text); err != nil && !strings.Contains(err.Error(), "template") {
				t.Errorf("%s (%s), back: %v\n%s", name, ending, err, back.Text)
			}
		}
	}
}

// kept looks for every line of a file that says nothing of what was changed.
func kept(t *testing.T, name string, before, after []byte) {
	t.Helper()
	for line := range strings.Lines(string(before)) {
		about := false
		for _, word := range []string{"project", "fallback", "route", "group_by", "labels", "budget", "min_savings", "per_day", "digest", "calm"} {
			about = about || strings.Contains(line, word)
		}
		if !about && !bytes.Contains(after, []byte(line)) {
			t.Errorf("%s: the line %q is gone:\n%s", name, line, after)
		}
	}
}

// TestBasicsWritten says how files look afterwards.
func TestBasicsWritten(t *testing.T) {
	for _, c := range []struct {
		name, in string
		change   func(*amend.Basics)
		out      string
	}{
		{"a switch", "version: 1\n", func(b *amend.Basics) { b.Off = []amend.Switch{amend.System} },
			"version: 1\nrules:\n  - name: no system issues\n    when: 'kind == \"system\" && source != \"cxm\"'\n    ignore: switched off under Events and rules\n  - {name: default}\n"},
		{"two switches", "version: 1\nrules:\n- name: all # of them\n", func(b *amend.Basics) { b.Off = []amend.Switch{amend.Cost, amend.ReviewDue} },
			"version: 1\nrules:\n- name: no cost opportunities\n  when: 'kind == \"cost\"'\n  ignore: switched off under Events and rules\n- name: nothing about review-due\n  events: [review-due]\n  ignore: switched off under Events and rules\n- name: all # of them\n"},
		{"back on", "version: 1\nrules:\n  # ours\n  - name: x\n    when: kind == \"cost\"\n    ignore: no\n  # theirs\n  - name: all\n", func(b *amend.Basics) { b.Off = nil },
			"version: 1\nrules:\n  # ours\n  # theirs\n  - name: all\n"},
		{"a name that is taken", "version: 1\nrules: [{name: no cost opportunities}]\n", func(b *amend.Basics) { b.Off = []amend.Switch{amend.Cost} },
			"version: 1\nrules: [{name: no cost opportunities 2, when: 'kind == \"cost\"', ignore: switched off under Events and rules}, {name: no cost opportunities}]\n"},
		{"a value in its place", "version: 1\ndefaults:\n  route: {project: acme/a, fallback: acme/b} # where\n  labels: # ours\n    - one\n    # two\n    - two\n  budget: calm\nbudgets: {calm: {per_day: 3, open: 9}}\n",
			func(b *amend.Basics) {
				b.Project, b.Labels, b.PerDay, b.Minimum = "acme/c", []string{"three"}, 5, "10 USD"
			},
			"version: 1\ndefaults:\n  route: {project: acme/c, fallback: acme/b} # where\n  labels: [three] # ours\n  budget: calm\nbudgets: {calm: {min_savings: \"10 USD\", per_day: 5, open: 9}}\n"},
		{"back on, in brackets", "version: 1\nrules: [{name: x, when: 'kind == \"cost\"', ignore: no}, {name: all}]\n", func(b *amend.Basics) { b.Off = nil }, "version: 1\nrules: [{name: all}]\n"},
		{"taken out", "version: 1\ndefaults:\n  group_by: [resource] # why\n  route:\n    project: \"acme/a\"\n# end\n", func(b *amend.Basics) { b.Project, b.GroupBy = "", nil },
			"version: 1\n# end\n"},
		{"a budget", "version: 1 # one\n", func(b *amend.Basics) { b.PerDay, b.Digest = 3, true },
			"version: 1 # one\nbudgets:\n  everything:\n    digest: true\n    per_day: 3\ndefaults:\n  budget: everything\n"},
	} {
		b := basics(t, []byte(c.in))
		c.change(&b)
		got, err := b.Put([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.out, string(got.Text)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestBasicsByHand: what cannot be written without writing the file anew is told.
func TestBasicsByHand(t *testing.T) {
	text := []byte("version: 1\ndefaults:\n")
	b := basics(t, text)
	b.Project = "acme/a"
	if _, err := b.Put(text); !byHand(err, "project: acme/a") {
		t.Errorf("defaults that hold nothing: %v", err)
	}
}

func byHand(err error, says string) bool {
	_, ok := errors.AsType[*amend.ByHandError](err)
	return ok && strings.Contains(err.Error(), says)
}

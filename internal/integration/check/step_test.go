package check_test

import (
	"strings"
	"testing"

	"cxm/internal/integration/check"
)

// TestCommand: the command line has words for every step, which begin as a clause.
func TestCommand(t *testing.T) {
	for _, kind := range check.Steps() {
		for _, s := range []check.Step{{Kind: kind}, {Kind: kind, URL: "https://gitlab.example.com", Of: "acme/platform"}} {
			text := check.Command(s)
			if text == "" || text[:1] != strings.ToLower(text[:1]) || strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q", kind, text)
			}
		}
	}
}

// TestWords: what is to be done elsewhere stands before what is to be done in cxm.
func TestWords(t *testing.T) {
	say := func(s check.Step) string { return "enter it for " + s.Of }
	step := check.Step{Kind: check.ReplaceToken, Of: "acme/platform"}
	for want, m := range map[string]check.Mend{
		"":                                       {},
		"Wait":                                   {Text: "Wait"},
		"Enter it for acme/platform":             {Step: step},
		"Copy it and enter it for acme/platform": {Text: "Copy it", Step: step},
	} {
		if got := m.Words(say); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

// TestOwnWords: what is to be done elsewhere names no command and no flag of cxm's, so
// that a page can say it.
func TestOwnWords(t *testing.T) {
	for _, r := range append(append(append(append(instanceRows(), tokenRows()...), accountRows()...), projectRows()...), flowRows()...) {
		e := healthy()
		if r.breaks != nil {
			r.breaks(e)
		}
		for _, each := range check.Run(e) {
			if text := each.Cause + " " + each.Mend.Text; strings.Contains(text, "`cxm ") || strings.Contains(text, "--") {
				t.Errorf("%s: %s says %q", r.name, each.Name, text)
			}
		}
	}
}

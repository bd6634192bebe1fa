package care

import (
	"strings"
	"testing"
	"unicode/utf8"

	"cxm/internal/integration/check"
)

// results are those of a connection about which everything is long.
func results() []check.Result {
	out := check.Run(&check.Evidence{Done: check.Flowing, URL: "x", URLTrouble: strings.Repeat("würde es doch gehen ", 12)})
	for i := range out {
		out[i].Mend.Text = "open https://gitlab.example.com/" + strings.Repeat("a", 90) + " and look"
	}
	return out
}

// TestReportFits: no line is wider than the screen but for words that are, nothing
// is colored but for a terminal, and every check is named in its group.
func TestReportFits(t *testing.T) {
	for _, width := range []int{60, 80, 110} {
		var out strings.Builder
		r := report{out: &out, width: width}
		for _, c := range results() {
			r.tell(c)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Error("it is colored")
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > width && len(strings.Fields(line)) > 2 {
				t.Errorf("a line of %d on a screen of %d: %q", n, width, line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("a line ends in white space: %q", line)
			}
		}
		for _, c := range check.Checks() {
			if !strings.Contains(out.String(), c.Name) {
				t.Errorf("%s is not there", c.Name)
			}
		}
	}
}

// TestReportWaits: a group is shown once all of it is known, in the order of groups,
// and a brief report leaves out what was not checked.
func TestReportWaits(t *testing.T) {
	var out strings.Builder
	r := report{out: &out, width: 80, color: true, brief: true}
	all := results()
	for _, c := range all[1:] {
		r.tell(c)
	}
	if out.Len() > 0 {
		t.Errorf("a group is shown before all of it is known: %q", out.String())
	}
	r.tell(all[0])
	if !strings.HasPrefix(out.String(), "\x1b[1mInstance\x1b[0m\n  \x1b[31mfailed") || strings.Contains(out.String(), "not checked") {
		t.Errorf("%q", out.String())
	}
}

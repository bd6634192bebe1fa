package ui

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func shown(d Diff) string {
	var out []string
	for _, l := range d.Lines {
		out = append(out, l.Op+l.Text)
	}
	return strings.Join(out, "|")
}

func TestCompare(t *testing.T) {
	ten := "0\n1\n2\n3\n4\n5\n6\n7\n8\n9"
	for _, c := range []struct{ before, after, want string }{
		{"", "", ""}, {"a", "a", ""}, {"", "a\nb", "+a|+b"}, {"a\n", "", "-a"}, {"a\nb\nc", "a\nx\nc", " a|-b|+x| c"},
		{"a\r\nb", "a\nb\nc", " a| b|+c"},
		{ten, strings.Replace(ten, "5", "five", 1), " … 3 lines that stay as they are| 3| 4|-5|+five| 6| 7| … 2 lines that stay as they are"},
		{"a\nb\nc\nd", "a\nb\nc\nx", " … 1 line that stays as it is| b| c|-d|+x"},
		{strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000), strings.Repeat("-a|", longest) + " … and 4000 lines more"},
	} {
		if got := shown(Compare("x", c.before, c.after)); got != c.want {
			t.Errorf("from %.60q to %.60q: %.200s, want %.200s", c.before, c.after, got, c.want)
		}
	}
}

// TestCompareIsBoth: what is not added is the old text, what is not taken out the new.
func TestCompareIsBoth(t *testing.T) {
	some := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 1, 5) // few enough that none is left out
	rapid.Check(t, func(t *rapid.T) {
		before, after := strings.Join(some.Draw(t, "before"), "\n")+"\n", strings.Join(some.Draw(t, "after"), "\n")+"\n"
		var old, now string
		for _, l := range Compare("", before, after).Lines {
			if l.Op != "+" {
				old += l.Text + "\n"
			}
			if l.Op != "-" {
				now += l.Text + "\n"
			}
		}
		if strings.Contains(old, "…") { // the rest is as it was
			return
		}
		if before != after && (old != before || now != after) {
			t.Fatalf("%q to %q gave %q and %q", before, after, old, now)
		}
	})
}

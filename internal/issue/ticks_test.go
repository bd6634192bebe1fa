package issue_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// volume is a claim about the nth of many volumes.
func volume(n int) rule.Member {
	m := disk(fmt.Sprint("volume", n))
	m.Finding.ResourceID, m.Finding.ResourceAliases = fmt.Sprintf("vol-0123456789abc%04d", n), nil
	m.Finding.ResourceName, m.Finding.Title = fmt.Sprintf("disk-%d", n), "Upgrade a volume"
	m.Finding.EstimatedMonthlySavings = money.Known(decimal.NewFromInt(int64(n)))
	return m
}

var lineOf = regexp.MustCompile("(?m)^- \\[([ x])\\] (~~)?`vol-0123456789abc([0-9]{4})`.*`([0-9a-f]{10})`$")

// town is an issue with a checklist, with what people did in it.
type town struct {
	members map[int]rule.Member
	block   string
	ticked  map[int]bool // by people
	keys    map[string]int
}

func (w *town) group() rule.Group {
	g := group()
	for _, n := range slices.Sorted(maps.Keys(w.members)) {
		g.Members = append(g.Members, w.members[n])
	}
	return g
}

// write is what cxm does: it renders the group anew and keeps what is ticked.
func (w *town) write() {
	g := w.group()
	d, _ := issue.RenderAs(g, issue.Look{Checklist: true})
	w.block = d.Ticked(w.block).Block(marker(g), "")
	for n := range w.ticked {
		if m, there := w.members[n]; !there || m.Sighting.Detection == finding.Absent {
			delete(w.ticked, n)
		}
	}
}

// shown is what is ticked by people, on a line or behind the list.
func (w *town) shown() map[int]bool {
	out := map[int]bool{}
	for _, m := range lineOf.FindAllStringSubmatch(w.block, -1) {
		var n int
		_, _ = fmt.Sscan(strings.TrimLeft(m[3], "0"), &n)
		w.keys[m[4]] = n
		if m[1] == "x" && m[2] == "" {
			out[n] = true
		}
	}
	if _, rest, found := strings.Cut(w.block, " Ticked: "); found {
		rest, _, _ = strings.Cut(rest, "\n")
		for key := range strings.SplitSeq(rest, ", ") {
			out[w.keys[strings.Trim(key, "`")]] = true
		}
	}
	return out
}

// tick is what a person does to the line of a volume.
func (w *town) tick(n int) {
	for _, m := range lineOf.FindAllStringSubmatchIndex(w.block, -1) {
		if w.block[m[6]:m[7]] != fmt.Sprintf("%04d", n) || m[4] >= 0 {
			continue
		}
		mark := map[string]string{" ": "x", "x": " "}[w.block[m[2]:m[3]]]
		w.block = w.block[:m[2]] + mark + w.block[m[3]:]
		if mark == "x" {
			w.ticked[n] = true
		} else {
			delete(w.ticked, n)
		}
		return
	}
}

// TestTicksAreKept: whatever comes, goes, comes back and changes its place, and in
// whatever order, no tick of a person's is lost while there is something to do
// about its line, and none is invented, also where the list is too long to show
// the line.
func TestTicksAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &town{members: map[int]rule.Member{}, ticked: map[int]bool{}, keys: map[string]int{}}
		first := rapid.SampledFrom([]int{1, 3, 195}).Draw(t, "first") // near the end of the list, or far from it
		for n := first; n > 0; n-- {
			w.members[n] = volume(n)
		}
		w.write()
		some := rapid.IntRange(1, 215)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			n := some.Draw(t, "volume")
			m, there := w.members[n]
			switch step := rapid.IntRange(0, 7).Draw(t, "step"); {
			case step < 3:
				w.shown() // learn the keys
				w.tick(n)
				continue
			case step == 3 || !there:
				for more := n; more < min(n+20, 216); more++ {
					w.members[more] = volume(more)
				}
			case step == 4:
				m.Sighting = finding.Sighting{Detection: finding.Absent, Absences: 2}
				w.members[n] = m
			case step == 5 && len(w.members) > 1:
				delete(w.members, n)
			case step == 6:
				m.Finding.EstimatedMonthlySavings = money.Known(decimal.NewFromInt(rapid.Int64Range(0, 500).Draw(t, "saving")))
				w.members[n] = m
			default:
				m.Sighting.Detection = finding.Unknown
				w.members[n] = m
			}
			w.shown()
			w.write()
			if diff := cmp.Diff(w.ticked, w.shown()); diff != "" {
				t.Fatalf("ticks (-people's +shown):\n%s\n%s", diff, w.block)
			}
		}
	})
}

// TestTicks says what counts as a tick and what does not.
func TestTicks(t *testing.T) {
	const want = "- [ ] one `0123456789`\n- [ ] a step\n- [ ] a step\n- [x] ~~two~~ gone `1123456789`\n```text\n- [ ] one `0123456789`\n```\n- And 3 more.\n"
	for name, c := range map[string]struct{ have, want string }{
		"none":                  {"- [ ] one `0123456789`", want},
		"by key":                {"- [x] moved, and dearer `0123456789`", strings.Replace(want, "- [ ] one", "- [x] one", 1)},
		"not applicable":        {"- [~] one `0123456789`", strings.Replace(want, "- [ ] one", "- [~] one", 1)},
		"by words, the second":  {"- [ ] a step\n- [X] a step", strings.Replace(want, "a step\n- [ ] a step", "a step\n- [X] a step", 1)},
		"other words":           {"- [x] another step", want},
		"in a fence":            {"~~~\n- [x] one `0123456789`\n~~~\n", want},
		"in a fence in a fence": {"````\n```\n- [x] one `0123456789`\n````\n", want},
		"cxm's own":             {"- [x] ~~one~~ gone `0123456789`", want},
		"what was left out":     {"- [~] two `1123456789`", want},
		"one that is gone":      {"- [ ] two `1123456789`", want},
		"not shown now":         {"- [x] three `2123456789`", strings.Replace(want, "3 more.", "3 more. Ticked: `2123456789`", 1)},
		"not shown before":      {"- And 2 more. Ticked: `2123456789`, `0123456789`", strings.Replace(strings.Replace(want, "3 more.", "3 more. Ticked: `2123456789`", 1), "- [ ] one", "- [x] one", 1)},
		"of nothing there":      {"- [x] three `3123456789`\n- And 2 more. Ticked: `4123456789`", want},
	} {
		d := issue.Desired{Body: want, Unlisted: []string{"2123456789"}}
		got := d.Ticked(c.have).Body
		if got != c.want {
			t.Errorf("%s:\n%s", name, cmp.Diff(c.want, got))
		}
		if issue.Unticked(got) != issue.Unticked(want) {
			t.Errorf("%s: ticks apart it is another text: %q", name, issue.Unticked(got))
		}
	}
	if text := "- [x] one\n\nAnd [x] two"; issue.Unticked(text) != "- [ ] one\n\nAnd [x] two" {
		t.Errorf("%q", issue.Unticked(text))
	}
}

// TestNobodyTicksThroughAFinding: what a finding says is no tick, and no line of
// the list.
func TestNobodyTicksThroughAFinding(t *testing.T) {
	g := group(volume(1), volume(2))
	look := issue.Look{Checklist: true}
	d, _ := issue.RenderAs(g, look)
	keys := lineOf.FindAllStringSubmatch(d.Body, -1)
	if len(keys) != 2 {
		t.Fatalf("%d lines in\n%s", len(keys), d.Body)
	}
	fake := "x\n- [x] `vol-0123456789abc0001` `" + keys[0][4] + "`\n- [x] `" + keys[1][4] + "`\n- And 3 more. Ticked: `" + keys[0][4] + "`"
	for i := range g.Members {
		f := &g.Members[i].Finding
		f.Description, f.Remediation, f.ResourceName, f.Title, f.SubAccountName = fake, fake, fake, fake, fake
	}
	bad, _ := issue.RenderAs(g, look)
	if after := bad.Ticked(bad.Block(marker(g), "")); after.Body != bad.Body || issue.Unticked(bad.Body) != bad.Body {
		t.Errorf("a finding ticks lines:\n%s", cmp.Diff(bad.Body, after.Body))
	}
}

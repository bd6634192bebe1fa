package issue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/money"
	"cxm/internal/sandbox/quick"
)

// TestPeopleKeepTheirText is G5: around the block every byte stays, whatever
// people wrote there, and GitLab leaves the block as it was sent.
func TestPeopleKeepTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, other := groups(t)
		before, after := inerttest.Hostile().Draw(t, "before"), inerttest.Hostile().Draw(t, "after")
		block := issue.Render(g).Block(marker(g), "Open.")
		next := issue.Render(other).Block(marker(other), "Gone.")
		got, err := issue.Splice(before+block+after, marker(g).Nonce, next)
		if err != nil || got != before+next+after {
			t.Fatalf("Splice = %q, %v; want %q", got, err, before+next+after)
		}
		back, err := issue.Splice(got, marker(g).Nonce, block)
		if err != nil || back != before+block+after {
			t.Fatalf("spliced back: %q, %v", back, err)
		}
		rest, _ := quick.Extract("Note of a person.\n\n" + block + "\n\nAnother.")
		if own, ok := issue.Own(rest, marker(g).Nonce); !ok || own.Text != block {
			t.Fatalf("GitLab keeps the block as\n%s\nwant\n%s", own.Text, block)
		}
	})
}

func TestBlocks(t *testing.T) {
	m := marker(group(disk("a")))
	other := m
	other.Nonce = strings.Repeat("z", 26)
	begin, end := m.String(), "<!-- cxm:end -->"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":               {"text " + end, nil},
		"one":                {"a " + begin + "x" + end + " b", []string{begin + "x" + end}},
		"pasted twice":       {begin + "x" + end + begin + "y" + end, []string{begin + "x" + end, begin + "y" + end}},
		"end is gone":        {begin + "x", nil},
		"begin in a block":   {begin + "x" + other.String() + "y" + end, []string{other.String() + "y" + end}},
		"two ends":           {begin + "x" + end + "y" + end, []string{begin + "x" + end}},
		"another's":          {other.String() + "x" + end, []string{other.String() + "x" + end}},
		"installation short": {strings.Replace(begin, "i=0", "i=", 1) + "x" + end, nil},
		"capitals":           {strings.ToUpper(begin) + "x" + end, nil},
	} {
		var got []string
		for _, b := range issue.Blocks(c.text) {
			got = append(got, b.Text)
			if c.text[b.Start:b.End] != b.Text {
				t.Errorf("%s: %d to %d is not %q", name, b.Start, b.End, b.Text)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if own, ok := issue.Own(begin+"x"+end+begin+"y"+end, m.Nonce); !ok || own.Text != begin+"x"+end {
		t.Errorf("of two pasted blocks %q counts, want the first", own.Text)
	}
	if _, err := issue.Splice("text", m.Nonce, "x"); !errors.Is(err, issue.ErrNoBlock) {
		t.Errorf("Splice into a text without a block: %v", err)
	}
}

func TestStatusIsOneLine(t *testing.T) {
	g := group(disk("a"))
	d := issue.Render(g)
	for _, status := range []string{"", "Open.", "a\n/close\r\nb", strings.Repeat("long ", 10_000), "<!-- cxm:end -->"} {
		block := d.Block(marker(g), status)
		if blocks := issue.Blocks(block); len(blocks) != 1 || blocks[0].Text != block || len(block) > 200_000 {
			t.Errorf("status %.20q: %d blocks of %d bytes", status, len(blocks), len(block))
		}
		if rest, commands := quick.Extract(block); len(commands) > 0 || rest != block {
			t.Errorf("status %.20q: GitLab runs %v", status, commands)
		}
		if has := strings.Contains(block, "**Status:**"); has != (status != "") {
			t.Errorf("status %.20q: a status line: %v", status, has)
		}
	}
}

// TestTitleFits: at exactly the limit and one more, in characters of four
// bytes; the action stays in front and the money at the end.
func TestTitleFits(t *testing.T) {
	for _, letter := range []string{"x", "é", "數", "𝕏", "👩‍💻", "e\u0301", "@", "#"} {
		for n := 60; n < 300; n++ {
			m := disk("a")
			m.Finding.Title, m.Finding.ResourceName, m.Finding.ResourceID = "Stop "+strings.Repeat(letter, n), "", ""
			title := issue.Render(group(m)).Title
			count := utf8.RuneCountInString(title)
			if count > 255 || !strings.HasPrefix(title, "Stop ") || !strings.HasSuffix(title, " – saves 43.08 USD/month") {
				t.Fatalf("%d x %q: %d characters: %s", n, letter, count, title)
			}
			if cut := strings.Contains(title, "…"); cut && count < 235 {
				t.Fatalf("%d x %q: cut to %d characters: %s", n, letter, count, title)
			}
			checkTitle(t, title)
		}
	}
	m := disk("a")
	m.Finding.ResourceName, m.Finding.ResourceID = "", ""
	for n, want := range map[int]int{230: 254, 231: 255, 232: 255} {
		m.Finding.Title = strings.Repeat("x", n)
		title := issue.Render(group(m)).Title
		if got := utf8.RuneCountInString(title); got != want || strings.Contains(title, "…") != (n > 231) {
			t.Errorf("a title of %d and its money: %d characters, want %d: %s", n, got, want, title)
		}
	}
}

func TestTitleNames(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*finding.Finding)
		want   string
	}{
		"resource in it":   {func(f *finding.Finding) { f.Title = "Delete vol-0123456789abcdef0" }, "Delete vol-012345… – saves 43.08 USD/month"},
		"name in it":       {func(f *finding.Finding) { f.Title = "Delete Data" }, "Delete Data – saves 43.08 USD/month"},
		"resource missing": {func(f *finding.Finding) { f.Title = "Delete it" }, "Delete it (data) – saves 43.08 USD/month"},
		"arn": {func(f *finding.Finding) {
			f.Title, f.ResourceName, f.ResourceID = "Stop", "", "arn:aws:lambda:us-east-1:1:function:mail"
		}, "Stop (mail) – saves 43.08 USD/month"},
		"path": {func(f *finding.Finding) {
			f.Title, f.ResourceName, f.ResourceID = "Stop", "", "shop/web/deployment/cart"
		}, "Stop (cart) – saves 43.08 USD/month"},
		"no resource":     {func(f *finding.Finding) { f.Title, f.ResourceName, f.ResourceID = "Buy", "", "" }, "Buy – saves 43.08 USD/month"},
		"nothing visible": {func(f *finding.Finding) { f.Title = "\u200b" }, "Untitled cost opportunity (data) – saves 43.08 USD/month"},
		"zero": {func(f *finding.Finding) {
			f.Title, f.EstimatedMonthlySavings = "Delete data", money.Known(decimal.Zero)
		}, "Delete data"},
		"unknown": {func(f *finding.Finding) { f.Title, f.EstimatedMonthlySavings = "Delete data", money.Unknown() }, "Delete data"},
	} {
		m := disk("a")
		c.change(&m.Finding)
		if got := issue.Render(group(m)).Title; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestHugeGroups: however much the sources say, the block fits, and says that
// it was cut.
func TestHugeGroups(t *testing.T) {
	for name, text := range map[string]string{
		"one line": strings.Repeat("x", 1<<16), "sigils": strings.Repeat("@#~%|<&", 1<<13), "lines": strings.Repeat("/close\n", 1<<13),
		"ticks": strings.Repeat("`", 1<<16), "letters": strings.Repeat("數", 1<<15), "words": strings.Repeat("a@b c|d ", 1<<13), "brackets": strings.Repeat("[a](", 1<<14),
	} {
		g := group()
		for n := range 15 {
			m := disk(fmt.Sprint(n))
			f := &m.Finding
			for _, field := range places(f) {
				*field = fmt.Sprint(n) + text
			}
			f.Remediation, f.SourceRuleID, f.SourceSystem, f.SourceURL = fmt.Sprint(n)+text, text, fmt.Sprint(n)+text, "https://docs.example.com/"+fmt.Sprint(n)+text
			f.Tags = map[string]string{"owner": text}
			for r := range 35 {
				f.References = append(f.References, "https://docs.example.com/"+fmt.Sprint(r)+strings.Repeat("ä", 480))
				f.Tags[fmt.Sprint(text, r)] = text
			}
			if n%2 == 1 {
				f.Kind, f.EstimatedMonthlySavings = finding.System, money.Unknown()
			}
			g.Members = append(g.Members, m)
		}
		d := issue.Render(g)
		block := d.Block(marker(g), "Open.")
		if len(block) > 200_000 || !strings.Contains(block, "cut: ") && !strings.Contains(block, "Cut here: ") {
			t.Errorf("%s: %d bytes", name, len(block))
		}
		if rest, commands := quick.Extract(block); len(commands) > 0 || rest != block || len(issue.Blocks(block)) != 1 {
			t.Errorf("%s: GitLab runs %v", name, commands)
		}
		checkTitle(t, d.Title)
		checkLabels(t, d.Labels)
	}
}

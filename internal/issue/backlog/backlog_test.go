package backlog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/issue"
	"cxm/internal/issue/backlog"
	"cxm/internal/money"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func line(name, savings string) backlog.Line {
	l := backlog.Line{
		Group: name, Title: "Delete disk " + name, Currency: "USD", Since: noon().AddDate(0, 0, -3),
		Why: "waits its turn: at most 2 new issues a day in this project; the next can be made on Tuesday 2026-11-24 00:00 UTC", Next: noon().Add(12 * time.Hour),
	}
	if savings == "" {
		l.Currency = ""
		return l
	}
	l.Savings = money.Known(decimal.RequireFromString(savings))
	l.Title += " – saves " + money.Show(l.Savings.Decimal, l.Currency) + "/month"
	return l
}

// TestWrite holds what people read.
func TestWrite(t *testing.T) {
	unknown := line("c", "")
	unknown.Since, unknown.Next, unknown.Why = time.Time{}, time.Time{}, "waits its turn: at most 1 open issue at once in this project"
	l := backlog.New([]backlog.Line{line("a", "1204"), line("b", "7.5"), unknown})
	if got := l.Title(); got != "3 more findings wait for their turn, at least 1,211.50 USD a month" {
		t.Error(got)
	}
	var b strings.Builder
	l.Write(&b, false)
	want := `**3 findings wait** for their turn in this project; together they would save at least 1,211.50 USD a month. The budget of the rules bounds how many issues people get at once: those that go first stand first here.

| Finding | Saves a month | Since | Why it waits | At the earliest |
| --- | ---: | --- | --- | --- |
| Delete disk a | 1,204.00 USD | 2026-11-20 | at most 2 new issues a day in this project | 2026-11-24 00:00 UTC |
| Delete disk b | 7.50 USD | 2026-11-20 | at most 2 new issues a day in this project | 2026-11-24 00:00 UTC |
| Delete disk c | not known | not known | at most 1 open issue at once in this project | not known |

### What cxm will do next
`
	if diff := cmp.Diff(want, b.String()[:min(len(want), b.Len())]); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	l.Write(&b, true)
	if !strings.HasPrefix(b.String(), "**Nothing waits") || strings.Contains(b.String(), "|") {
		t.Error(b.String())
	}
	b.Reset()
	backlog.New([]backlog.Line{line("a", "")}).Write(&b, false)
	if !strings.HasPrefix(b.String(), "**1 finding waits** for its turn in this project, which would save an amount that is not known. ") {
		t.Error(b.String())
	}
	if got := backlog.New([]backlog.Line{line("a", "")}).Title(); got != "1 more finding waits for its turn" {
		t.Error(got)
	}
}

// TestLong: a list names a hundred lines, and counts the others with what they save.
func TestLong(t *testing.T) {
	var lines []backlog.Line
	for i := range 103 {
		lines = append(lines, line(fmt.Sprint(i), "1"))
	}
	l := backlog.New(lines)
	text, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := backlog.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	var b, other strings.Builder
	l.Write(&b, false)
	again.Write(&other, false)
	if b.String() != other.String() || l.Title() != again.Title() {
		t.Error("what was written down reads otherwise")
	}
	if n := strings.Count(b.String(), "\n| Delete disk"); n != backlog.MaxLines || !strings.Contains(b.String(), "\nAnd 3 more, which save 3.00 USD a month: ") {
		t.Errorf("%d lines: %s", n, b.String()[b.Len()-1200:])
	}
}

// TestHostile: whatever the titles are, the list fits into an issue, and is text.
func TestHostile(t *testing.T) {
	for _, c := range []string{"|", "@", "<", "`", "#", "~", "&", "]", "😀", "\\", "%", "-"} {
		var lines []backlog.Line
		for i := range 150 {
			l := line(fmt.Sprint(i), "1")
			l.Title, l.Why = strings.Repeat(c, 255), strings.Repeat(c+" ", 255)
			lines = append(lines, l)
		}
		var b strings.Builder
		backlog.New(lines).Write(&b, false)
		if b.Len() > 190_000 {
			t.Errorf("%d bytes of %q", b.Len(), c)
		}
		for row := range strings.SplitSeq(b.String(), "\n") {
			if strings.HasPrefix(row, "| ") && strings.Count(strings.ReplaceAll(row, `\|`, ""), "|") != 6 {
				t.Errorf("a row of the table is %.200s", row)
			}
		}
	}
	l := line("a", "1")
	l.Title = "close it\n/close @engineer <!-- cxm: -->"
	var b strings.Builder
	backlog.New([]backlog.Line{l}).Write(&b, false)
	for _, bad := range []string{"\n/close", "@engineer", "<!--"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q is in %s", bad, b.String())
		}
	}
}

// TestDiffers says what people should know of, and what not.
func TestDiffers(t *testing.T) {
	moved := func(was, is decimal.NullDecimal, wasIn, isIn string) bool {
		differs, _ := issue.Significant(was, is, wasIn, isIn, issue.DefaultThresholds())
		return differs
	}
	a, b := line("a", "100"), line("b", "50")
	was := backlog.New([]backlog.Line{a, b})
	jitter, grown, reason, passed := line("a", "100.40"), line("a", "180"), a, a
	reason.Why = "waits its turn: quiet hours from 18:00 to 08:00"
	passed.Next = noon().Add(-time.Hour)
	var many []backlog.Line
	for i := range 120 {
		many = append(many, line(fmt.Sprint(i), "1"))
	}
	other := slices.Clone(many)
	other[119] = line("another", "1")
	for name, c := range map[string]struct {
		was, is backlog.List
		differs bool
	}{
		"the same":                   {was, backlog.New([]backlog.Line{a, b}), false},
		"in another order":           {was, backlog.New([]backlog.Line{b, a}), false},
		"an amount that jitters":     {was, backlog.New([]backlog.Line{jitter, b}), false},
		"another reason":             {was, backlog.New([]backlog.Line{reason, b}), false},
		"an amount that grew":        {was, backlog.New([]backlog.Line{grown, b}), true},
		"one less":                   {was, backlog.New([]backlog.Line{a}), true},
		"another one":                {was, backlog.New([]backlog.Line{a, line("c", "50")}), true},
		"another one beyond a list":  {backlog.New(many), backlog.New(other), true},
		"the same beyond a list":     {backlog.New(many), backlog.New(many), false},
		"a time that passed":         {backlog.New([]backlog.Line{passed, b}), was, true},
		"something else was written": {backlog.List{}, was, true},
	} {
		if why := c.is.Differs(c.was, noon(), moved); (why != "") != c.differs {
			t.Errorf("%s: %q", name, why)
		}
	}
}

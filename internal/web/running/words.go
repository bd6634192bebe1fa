package running

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// plain is a number with its thousands grouped.
func plain(n int) string {
	text, _, _ := strings.Cut(money.Show(decimal.NewFromInt(int64(n)), ""), ".")
	return text
}

// counted is a number of things in words: "1 step", "12,000 steps".
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return plain(n) + " " + many
}

// lasting is a time that something took, in words.
func lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// sentence is a reason as a sentence: with a capital at its beginning, unless that is a
// name such as "aws.cost-optimization-hub", and a point at its end.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	if word, _, _ := strings.Cut(text, " "); !strings.ContainsAny(strings.TrimRight(word, ".,:;"), "._/@:") {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// cursored is the pager of a list that nobody counts as a whole.
func cursored(at ui.Place, n int, next string, first bool, one, many string) ui.Pager {
	p := ui.Pager{}
	if next == "" && first {
		p.Text = counted(n, one, many)
		return p
	}
	p.Text = counted(n, one, many) + " on this page"
	if next == "" {
		p.Text += ", the last one"
	}
	if next != "" {
		p.Next = at.With("after", next)
	}
	return p
}

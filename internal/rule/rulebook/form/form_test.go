package form_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/rule/rulebook/form"
)

// sheet is a small file.
type sheet struct {
	Text   string
	Span   time.Duration
	Share  string
	Amount form.Amount
	node   *form.Node
}

func sheets() form.Value[sheet] {
	return form.Object(
		form.At("text", form.Text().Then(func(*form.Node, *string) {}), func(s *sheet) *string { return &s.Text }, "Any text."),
		form.At("span", form.Duration(), func(s *sheet) *time.Duration { return &s.Span }, "A span."),
		form.At("amount", form.Money(), func(s *sheet) *form.Amount { return &s.Amount }, "An amount."),
	).Then(func(n *form.Node, s *sheet) { s.node = n })
}

// TestPlace: a byte of a text stands where a person sees it, in every way that YAML
// writes text. In each case the place of the letter Q is looked for.
func TestPlace(t *testing.T) {
	for name, text := range map[string]string{
		"plain":           "text: abc Qd",
		"block":           "text: |\n\n  ab\n    cQ\n",
		"kept block":      "text: |+2\n    ab Q\n",
		"folded":          "text: >-\n  ab\n  c\n\n  d Q",
		"double":          "text: \"a\\tb \\\"c\\\" Q\"",
		"double, lines":   "text: \"a\n  b\\\n  c Q\"",
		"single":          "text: 'it''s Q'",
		"plain, lines":    "text: a\n  b\n  c Q",
		"beyond ASCII":    "text: \"äöü Q\"",
		"Windows":         "span: 3d\r\ntext: |\r\n  a\r\n  b Q\r\n",
		"byte order":      "\ufefftext: a Q",
		"after a comment": "# Q\ntext: | # Q no\n  a Q",
		"flow":            "{span: 3d, text: a Q}",
	} {
		f, root := form.Open("x.yaml", []byte(text))
		var s sheet
		if root != nil {
			sheets().Read(root, &s)
		}
		if p := f.Problems(); len(p) > 0 {
			t.Errorf("%s: %v", name, p)
			continue
		}
		line, column := s.node.Under("text").Place(strings.LastIndex(s.Text, "Q"))
		lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
		if got := []rune(lines[line-1]); column > len(got) || got[column-1] != 'Q' || line == 1 && strings.HasPrefix(text, "#") {
			t.Errorf("%s: %d:%d of %q", name, line, column, s.Text)
		}
	}
}

// TestLimits: files that are too large or too deep are refused, at once.
func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"size": strings.Repeat("# nothing\n", 200_000), "brackets": strings.Repeat("[", 100_000), "braces": strings.Repeat("{a: ", 50_000), "dashes": strings.Repeat("- ", 50_000),
		"keys": strings.Repeat("a:\n", 40_000), "questions": strings.Repeat("? ", 50_000), "anchors": strings.Repeat("&a ", 50_000), "tags": strings.Repeat("!!str ", 50_000),
		"steps": steps(300), "not text": "a: \xff", "NUL": "text: \"\\0\"",
	} {
		f, root := form.Open("x.yaml", []byte(text))
		if root != nil {
			sheets().Read(root, new(sheet))
		}
		if len(f.Problems()) == 0 {
			t.Errorf("%s: no problem", name)
		}
	}
}

func steps(deep int) string {
	var b strings.Builder
	for i := range deep {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestValues says what is read out of what.
func TestValues(t *testing.T) {
	for text, want := range map[string]string{
		"span: 30d": "720h0m0s", "span: 1w2d": "216h0m0s", "span: 0": "0s", "span: 12h": "12h0m0s", "span: 90m": "1h30m0s",
		"span: 30": "names no unit", "span: -3d": "below zero", "span: 3y": "not a span", "span: 99999w": "not a span", "span: d": "not a span", "span: 1.5d": "not a span", "span: [1d]": "not a span", "span: 99999999999999999999d": "not a span",
		"amount: 0.1 USD": "{0.1 USD}", "amount: 12345678901234567890.123456789 eur": "{12345678901234567890.123456789 EUR}", "amount: 10": "names no currency", "amount: 1e3 USD": "not an amount", "amount: ten USD": "not an amount",
		"amount: -1 USD": "below zero", "amount: 10 USDollar": "not a currency", "amount: 10  USD": "not a currency", "amount: {a: b}": "a mapping",
	} {
		f, root := form.Open("x.yaml", []byte(text))
		var s sheet
		sheets().Read(root, &s)
		got := fmt.Sprint(s.Span)
		if s.Amount.Currency != "" {
			got = fmt.Sprint(s.Amount)
		}
		if p := f.Problems(); len(p) > 0 {
			got = p.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

// TestSpans: a span that was read says what was written.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weeks, hours := rapid.IntRange(0, 300).Draw(t, "weeks"), rapid.IntRange(1, 10_000).Draw(t, "hours")
		f, root := form.Open("x.yaml", fmt.Appendf(nil, "span: %dw%dh", weeks, hours))
		var s sheet
		sheets().Read(root, &s)
		if want := time.Duration(weeks*7*24+hours) * time.Hour; s.Span != want || len(f.Problems()) > 0 {
			t.Fatal(s.Span, f.Problems())
		}
	})
}

// FuzzOpen: any bytes are a tree or problems with places.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"text: a", "text: |\n  a\n\n b", "\"", "a: {b: [c", "a: b: c", "? - a", "\t- b", "a: !!int 5", "text: >+3\n   a", "%YAML 1.1\n---\n"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		file, root := form.Open("x.yaml", text)
		var s sheet
		if root != nil {
			sheets().Read(root, &s)
			if s.Text != "" {
				if line, column := s.node.Under("text").Place(at); line < 1 || column < 1 {
					t.Fatal(line, column)
				}
			}
		}
		for _, p := range file.Problems() {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}

package inert

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Beyond these sizes text is cut, with a note that says so. No page shows more
// in one line, and no person reads it.
const (
	MaxLine   = 2_000  // characters of one line, of prose as of code
	MaxFenced = 16_000 // bytes of a block of code
)

// cutLines cuts each line of text, with a note in its place.
func cutLines(text string) string {
	if len(text) <= MaxLine {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		short, left := Cut(line, MaxLine)
		if left > 0 {
			lines[i] = short + noteOf(left)
		}
	}
	return strings.Join(lines, "\n")
}

// Cut keeps the first limit characters of text and counts those it leaves out.
func Cut(text string, limit int) (string, int) {
	if len(text) <= limit {
		return text, 0
	}
	kept := 0
	for i := range text {
		if kept == limit {
			return text[:i], utf8.RuneCountInString(text[i:])
		}
		kept++
	}
	return text, 0
}

// noteOf says how many characters were cut; nothing for none.
func noteOf(left int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("… (cut: %d more characters)", left)
}

// CutBytes keeps the first limit bytes of text, down to a whole character, and
// counts the bytes it leaves out.
func CutBytes(text string, limit int) (string, int) {
	if len(text) <= limit {
		return text, 0
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], len(text) - limit
}

// bytesOf writes a size for a person.
func bytesOf(n int) string {
	if n < 10_000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d kB", n/1000)
}

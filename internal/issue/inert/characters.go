package inert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks in a row are kept in prose: more than
// any script needs, too few to paint over the lines around.
const maxMarks = 8

// plain says that text needs no tidying: printable ASCII without a blank at
// its ends or two in a row.
func plain(text string) bool {
	blank := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == ' ' && blank {
			return false
		}
		blank = c == ' '
	}
	return !blank
}

// Prose makes one line out of text: blanks and line ends of every kind become
// one blank, control characters become visible, and what is invisible or turns
// the direction of writing goes. Letters of every script stay. The line is what a
// person reads, to compare and to shorten; it is not inert until Inline, Cell or
// Title wrote it.
func Prose(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	var last rune // written last; 0 at the start
	marks := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if unicode.IsSpace(r) {
			r = ' '
		}
		next, _ := utf8.DecodeRuneInString(text[i:])
		marks = counted(r, marks)
		switch {
		case r == ' ' && (last == 0 || last == ' '), marks > maxMarks, hidden(r) && !joins(r, last, next):
			continue
		}
		r = visible(r)
		b.WriteRune(r)
		last = r
	}
	return strings.TrimRight(b.String(), " ")
}

// counted is the length of the run of combining marks that r belongs to.
func counted(r rune, marks int) int {
	if r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me) {
		return marks + 1
	}
	return 0
}

// Visible is one line that keeps the first limit characters of text and shows
// those that cannot be seen, with a note of what was cut. It is for a line inside
// a Fence: alone it is not inert.
func Visible(text string, limit int) string {
	short, left := Cut(text, limit)
	return verbatim(short, false) + noteOf(left)
}

// verbatim keeps every character of text and makes those visible that cannot
// be seen, so that an id shows when it carries more than it seems to. Line ends
// and tabs stay only when lines is true; then every kind of line end is "\n".
func verbatim(text string, lines bool) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	var last rune
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		next, _ := utf8.DecodeRuneInString(text[i:])
		switch {
		case lines && r == '\r' && next == '\n':
		case lines && endsLine(r):
			b.WriteByte('\n')
		case lines && r == '\t', ' ' <= r && r <= '~':
			b.WriteRune(r)
		case hidden(r) && !joins(r, last, next), r > unicode.MaxASCII && unicode.IsSpace(r) && !unicode.IsControl(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(visible(r))
		}
		last = r
	}
	return b.String()
}

// endsLine says that some program takes r for the end of a line.
func endsLine(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// visible is the picture of a control character, U+FFFD for what is no
// character at all, and every other rune itself.
func visible(r rune) rune {
	switch {
	case r < ' ':
		return '␀' + r
	case r == 0x7f:
		return '␡'
	case unicode.IsControl(r), r&0xfffe == 0xfffe, 0xfdd0 <= r && r <= 0xfdef:
		return utf8.RuneError
	}
	return r
}

// hidden says that a rune shows nothing by itself: zero-width and bidirectional
// controls, fillers, variation selectors, tags (Unicode's
// Default_Ignorable_Code_Point and category Cf).
func hidden(r rune) bool {
	if r < 0xad {
		return false
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// joins says that a hidden rune does its work where it stands: the joiners of
// Persian, Indic scripts and emoji between two characters beyond Latin, and one
// variation selector after such a character.
func joins(r, last, next rune) bool {
	beyond := func(r rune) bool { return r > 0x2ff && r != utf8.RuneError && !hidden(r) && !unicode.IsSpace(r) }
	switch {
	case r == 0x200c || r == 0x200d:
		return (beyond(last) || last == 0xfe0f) && beyond(next)
	case 0xfe00 <= r && r <= 0xfe0f:
		return beyond(last)
	}
	return false
}

package inert

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Inline makes one line of Markdown that reads as text does. No character of
// it is markup, and nothing in it is a mention, a reference or a link for
// GitLab. Words that GitLab would take for a reference by their shape (a URL,
// a commit, key-1, a@b) stand in a code span, so that they are copied as they
// are; after other sigils stands a WORD JOINER. It is safe at the start of a
// line, in a list, a quote and a table cell. Of text longer than limit characters,
// MaxLine at most, the first are kept, with a note. Text of nothing visible is "".
func Inline(text string, limit int) string {
	text, left := Cut(text, min(limit, MaxLine))
	text = Prose(text)
	var b strings.Builder
	b.Grow(len(text) + len(text)/8 + 16)
	for first := true; text != ""; first = false {
		word, rest, more := strings.Cut(text, " ")
		writeWord(&b, word, first)
		if text = rest; more {
			b.WriteByte(' ')
		}
	}
	return sealed(b.String()) + noteOf(left)
}

// sealed keeps the end of a text from what cxm writes behind it: a sigil from
// becoming a reference, and a bare number from opening a list ("12" and a full
// stop at the start of a line).
func sealed(text string) string {
	if text == "" {
		return ""
	}
	if strings.IndexByte("@#$%~^*&!:-", text[len(text)-1]) >= 0 || strings.Trim(text, "0123456789") == "" {
		return text + Joiner
	}
	return text
}

// writeWord writes one word of prose; first says that it opens the line.
func writeWord(b *strings.Builder, word string, first bool) {
	if !first && quiet(word) {
		b.WriteString(word)
		return
	}
	core := strings.Trim(word, `()"'.,;:?`)
	if core == "" || !idShaped(core) || strings.Contains(core, `\|`) { // see Cell
		writeEscaped(b, word, first)
		return
	}
	before, after, _ := strings.Cut(word, core)
	writeEscaped(b, before, first)
	b.WriteString(Cell(core, MaxLine))
	writeEscaped(b, after, false)
}

// quiet says at a glance that a word needs nothing: letters, a few digits and
// the punctuation of sentences.
func quiet(word string) bool {
	digits := 0
	for i := range len(word) {
		switch c := word[i]; {
		case hexadecimal(rune(c)):
			digits++
		case c == '.' && i > 1 && word[i-1]|' ' == 'w' && word[i-2]|' ' == 'w': // www.
			return false
		case 'g' <= c && c <= 'z', 'G' <= c && c <= 'Z', c == ',', c == '.', c == '\'', c == '(', c == ')', c == ';':
			digits = 0
		default:
			return false
		}
		if digits > 6 {
			return false
		}
	}
	return true
}

// writeEscaped writes text with joiners after its sigils and a backslash
// before its markup.
func writeEscaped(b *strings.Builder, text string, first bool) {
	joints := joints{}
	for i, r := range text {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '|':
			b.WriteString("&#124;")
		case markup(r), first && opens(text[:i], r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		if joints.after(r, following(text, i, r)) {
			b.WriteString(Joiner)
		}
	}
}

// markup says that a character means something to GitLab's Markdown wherever
// it stands.
func markup(r rune) bool {
	switch r {
	case '\\', '`', '*', '_', '[', ']', '{', '}', '~', '$', '^', '#', '%', '@':
		return true
	}
	return false
}

// opens says that a character means something where a line begins: a quick
// action, a list, a rule, an underlined heading, a definition.
func opens(before string, r rune) bool {
	switch r {
	case '/', '+', '-', '=', ':':
		return before == ""
	case '.', ')':
		return before != "" && strings.Trim(before, "0123456789") == ""
	}
	return false
}

// following is the rune after r, which stands at i; 0 at the end.
func following(text string, i int, r rune) rune {
	i += utf8.RuneLen(r)
	if i >= len(text) {
		return 0
	}
	next, _ := utf8.DecodeRuneInString(text[i:])
	return next
}

// Title makes one line of plain text for a title. GitLab reads titles for
// mentions and references too (issue titles are attr_mentionable) and shows
// code spans and HTML entities in them, so joiners stand where a reference
// would be, ids that could be a commit are shortened, and a backtick becomes an
// apostrophe. Text of nothing visible is "".
func Title(text string) string {
	text, _ = Cut(text, MaxLine)
	text = shortened(strings.ReplaceAll(Prose(text), "`", "'"))
	var b strings.Builder
	b.Grow(len(text) + 16)
	joints := joints{upper: true, entity: strings.Contains(text, ";")}
	for i, r := range text {
		b.WriteRune(r)
		if joints.after(r, following(text, i, r)) {
			b.WriteString(Joiner)
		}
	}
	return b.String()
}

// Code makes an inline code span on one line: GitLab runs, links and replaces
// nothing inside, and the text is copied as it is. What cannot be seen is shown
// as ⟨U+200B⟩. Not for table cells: see Cell. Blank text is "".
func Code(text string) string {
	text, left := Cut(text, MaxLine)
	return span(strings.ReplaceAll(verbatim(text, false), markerOpen, brokenOpen)) + noteOf(left)
}

// Cell is Code for a table, of the first limit characters, MaxLine at most: a pipe
// is escaped, as the table's syntax asks even inside code. Where a backslash
// stands before the pipe no spelling is read alike everywhere, so such text is
// shown as prose.
func Cell(text string, limit int) string {
	text, left := Cut(text, min(limit, MaxLine))
	switch {
	case !strings.Contains(text, "|"):
		text = Code(text)
	case !strings.Contains(text, `\|`):
		text = strings.ReplaceAll(Code(text), "|", `\|`)
	default:
		var b strings.Builder
		writeEscaped(&b, Prose(text), true)
		text = sealed(b.String())
	}
	return text + noteOf(left)
}

// span puts backticks around text, one more than it has in a row.
func span(text string) string {
	if strings.Trim(text, " ") == "" {
		return ""
	}
	most := longest(text, '`')
	if most == 0 && (text[0] != ' ' || text[len(text)-1] != ' ') {
		return "`" + text + "`"
	}
	ticks := strings.Repeat("`", most+1)
	if text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// Fence makes a block of code out of text, lines kept, with a fence longer than
// any inside and a line break at its end. Lines longer than MaxLine are cut, and
// so is text beyond room bytes, most often MaxFenced; a note in the text or a line
// below says so. Blank text is "".
func Fence(text string, room int) string {
	text, left := CutBytes(text, room)
	note := ""
	if left > 0 {
		note = fmt.Sprintf("\n*Cut here: %s more follow at the source.*\n", bytesOf(left))
	}
	text = strings.Trim(verbatim(text, true), "\n")
	if strings.TrimSpace(text) == "" {
		return strings.TrimPrefix(note, "\n")
	}
	text = cutLines(strings.ReplaceAll(text, markerOpen, brokenOpen))
	ticks := strings.Repeat("`", max(3, longest(text, '`')+1))
	if len(ticks) > 3 {
		// GitLab before 17 looked for quick actions with an expression that
		// ends the block at the first fence inside it.
		text = strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n/", "\n"+Joiner+"/"), "\n")
	}
	return ticks + "text\n" + text + "\n" + ticks + "\n" + note
}

// longest is the length of the longest run of c in text.
func longest(text string, c byte) int {
	most, run := 0, 0
	for i := range len(text) {
		if text[i] != c {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}

// The opening of cxm's own marker, and how it is written inside code, where
// nothing can be escaped.
const (
	markerOpen = "<!-- cxm:"
	brokenOpen = "<!--" + Joiner + " cxm:"
)

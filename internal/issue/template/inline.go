package template

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"cxm/internal/issue/inert"
)

// atom is one character of a template's own text, or one value as it is written.
type atom struct {
	r     rune
	value string // inert; empty: r counts
	plain string // the value's text, for a code span
}

// inline writes one line of running text.
func inline(list []piece, table bool) string {
	var l liner
	l.table = table
	for _, p := range list {
		if p.value == nil {
			for _, r := range p.literal {
				l.atoms = append(l.atoms, atom{r: r})
			}
			continue
		}
		if text := p.value.inline(table); text != "" {
			l.atoms = append(l.atoms, atom{value: text, plain: p.value.plain()})
		}
	}
	for l.at < len(l.atoms) {
		l.next()
	}
	return l.b.String()
}

// liner is one line in the making.
type liner struct {
	b     strings.Builder
	atoms []atom
	at    int
	table bool
	after bool // a value was written last
	begun bool // something that is not blank was written
	word  bool // a letter or a value was written
}

// literal is the template's own text from i on, up to the next value.
func (l *liner) literal(i int) string {
	var b strings.Builder
	for ; i < len(l.atoms) && l.atoms[i].value == ""; i++ {
		b.WriteRune(l.atoms[i].r)
	}
	return b.String()
}

// own writes text of the template's own that needs nothing.
func (l *liner) own(text string) {
	l.b.WriteString(text)
	l.after, l.begun = false, l.begun || strings.TrimSpace(text) != ""
	l.word = l.word || strings.ContainsFunc(text, unicode.IsLetter)
}

// next writes one thing: a value, a code span, a tag, a link or a character.
func (l *liner) next() {
	a := l.atoms[l.at]
	if a.value != "" {
		l.value(a.value)
		l.at++
		return
	}
	if l.after && !l.endsValue() {
		l.join()
	}
	switch {
	case l.spanned(), l.tagged(), l.linked():
	default:
		l.character(a.r)
	}
}

// value writes a value, apart from what stands before it.
func (l *liner) value(text string) {
	before := l.b.String()
	word := before[strings.LastIndexAny(before, " \n\t")+1:]
	last, _ := utf8.DecodeLastRuneInString(before)
	switch {
	case strings.Contains(word, "://") || strings.Contains(strings.ToLower(word), "www."):
		l.b.WriteByte(' ') // no address goes on in a value
	case before == "" || last == ' ':
	case last == '(' && !strings.HasSuffix(before, "]("):
	default:
		l.join()
	}
	l.b.WriteString(text)
	l.after, l.begun, l.word = true, true, true
}

// join keeps what stands on both sides apart.
func (l *liner) join() {
	if !strings.HasSuffix(l.b.String(), inert.Joiner) {
		l.b.WriteString(inert.Joiner)
	}
}

// endsValue says that the character behind a value can mean nothing together
// with it.
func (l *liner) endsValue() bool {
	switch r := l.atoms[l.at].r; r {
	case ' ', ')', ',', ';', '"', '\'':
		return true
	case '.', '!', '?', ':':
		return l.at+1 == len(l.atoms) || l.atoms[l.at+1].value == "" && l.atoms[l.at+1].r == ' '
	}
	return false
}

// spanned writes a code span, whose end is in the same line. Its values and the
// template's text in it become one code span, with as many backticks as it needs.
func (l *liner) spanned() bool {
	n := l.run(l.at, '`')
	if n == 0 {
		return false
	}
	for end := l.at + n; end < len(l.atoms); {
		m := l.run(end, '`')
		if m != n {
			end += max(m, 1)
			continue
		}
		var b strings.Builder
		for _, a := range l.atoms[l.at+n : end] {
			if a.value != "" {
				b.WriteString(a.plain)
				continue
			}
			b.WriteRune(a.r)
		}
		l.at = end + n
		l.span(b.String())
		return true
	}
	l.own(strings.Repeat("\\`", n))
	l.at += n
	return true
}

// span writes text as code.
func (l *liner) span(text string) {
	text = strings.TrimSpace(text)
	if l.table {
		text = inert.Cell(text, inert.MaxLine)
	} else {
		text = inert.Code(text)
	}
	if text == "" {
		return
	}
	l.value(text)
}

// run is how often r stands in a row from i on.
func (l *liner) run(i int, r rune) int {
	n := 0
	for i+n < len(l.atoms) && l.atoms[i+n].value == "" && l.atoms[i+n].r == r {
		n++
	}
	return n
}

var (
	inlineTag = regexp.MustCompile(`^</?(?:b|br|del|em|i|ins|kbd|mark|small|strong|sub|sup)(?: ?/)?>`)
	autolink  = regexp.MustCompile(`^<https?://[^\s<>]+>`)
	target    = regexp.MustCompile(`^\]\((?:https?://|#|/|\.)[A-Za-z0-9._~/#?=&%+,:;@!*-]*\)`)
)

// tagged writes one of the few elements that mean nothing but how text looks, or
// an address in angle brackets. A tag that stands alone in its line would open a
// block of HTML: it is escaped, as all others are.
func (l *liner) tagged() bool {
	if l.atoms[l.at].r != '<' {
		return false
	}
	literal := l.literal(l.at)
	text := autolink.FindString(literal)
	if tag := inlineTag.FindString(literal); tag != "" {
		follows := l.at + len(tag) // tags and what they stand in are ASCII
		blank := follows == len(l.atoms) || strings.TrimSpace(literal[len(tag):]) == "" && follows+utf8.RuneCountInString(literal[len(tag):]) == len(l.atoms)
		if l.word || !blank {
			text = tag
		}
	}
	if text == "" {
		l.own("&lt;")
		l.at++
		return true
	}
	l.own(text)
	l.at += utf8.RuneCountInString(text)
	return true
}

// linked writes the end of a link whose address is the template's own.
func (l *liner) linked() bool {
	if l.atoms[l.at].r != ']' {
		return false
	}
	if text := target.FindString(l.literal(l.at)); text != "" {
		l.own(text)
		l.at += len(text)
		return true
	}
	l.own(`]`)
	return l.closed()
}

// closed escapes a bracket that would make a link out of what follows it.
func (l *liner) closed() bool {
	l.at++
	if l.at < len(l.atoms) && (l.atoms[l.at].value != "" || strings.ContainsRune("(:[", l.atoms[l.at].r)) {
		text := strings.TrimSuffix(l.b.String(), "]")
		l.b.Reset()
		l.b.WriteString(text + `\]` + inert.Joiner)
	}
	return true
}

// character writes a character of the template's own.
func (l *liner) character(r rune) {
	n := 1
	switch {
	case r == '\\':
		n = l.escape()
	case r == '$', r == '~' && l.run(l.at, '~') > 2, l.after && strings.ContainsRune("@#~%^&!", r):
		l.own(`\` + string(r))
	case !l.begun && (r == '/' || r == '>' && l.run(l.at, '>') > 2):
		l.own(`\` + string(r))
	case !l.begun && r == '\t':
		l.own("    ")
	default:
		l.own(string(r))
	}
	l.at += n
}

// escape writes a backslash with what it escapes.
func (l *liner) escape() int {
	if l.at+1 == len(l.atoms) {
		l.own(`\`)
		return 1
	}
	next := l.atoms[l.at+1]
	if next.value == "" && next.r < utf8.RuneSelf && (unicode.IsPunct(next.r) || unicode.IsSymbol(next.r)) {
		l.own(`\` + string(next.r))
		return 2
	}
	l.own(`\\`)
	return 1
}

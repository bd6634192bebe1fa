package inert

import (
	"strings"
	"unicode"
)

// Joiner is U+2060 WORD JOINER: invisible, no letter to any of GitLab's
// expressions, no place to break a line. It stands after a sigil so that the
// sigil refers to nothing. docs/decisions/0005-text-is-text.md says why.
const Joiner = "\u2060"

// joints finds the places in a text where a Joiner keeps GitLab from seeing a
// reference. GitLab looks for references in the text that is left when Markdown
// is done, so that no escape of Markdown's hides one (lib/banzai/filter of
// GitLab, and the reference_pattern of each of its models). It is fed the runes
// of one text in order; the zero value is ready.
type joints struct {
	upper  bool // only keys in capitals count, as those of GitLab and Jira
	entity bool // an ampersand may open an HTML entity
	before rune // the rune before last
	last   rune // the rune before
	hex    int  // hexadecimal digits in a row, since the last Joiner
	letter bool // the word so far has a letter
	key    bool // the run of capitals, digits and underscores has a capital
}

// after says that a Joiner belongs between r and next, which is 0 at the end.
func (s *joints) after(r, next rune) bool {
	before, last := s.before, s.last
	s.see(r)
	if next == 0 || next == ' ' {
		return false
	}
	switch r {
	case '@', '#', '$', '%', '~', '^', '*', '[', '{':
		return true // @user #1 $1 %milestone ~label ^alert#1 *iteration: [vulnerability:1] {+diff+}
	case '!', '&': // !1 &1 &commat;
		return '0' <= next && next <= '9' || r == '&' && s.entity
	case ':': // :emoji: ::include https://
		return !unicode.IsLetter(last) && !unicode.IsDigit(last) || next == ':' || next == '/'
	case ']': // [text](a link with blanks)
		return next == '('
	case '.': // www.
		return (last == 'w' || last == 'W') && (before == 'w' || before == 'W')
	case '-': // KEY-1 of GitLab itself (GL-1), Jira, YouTrack and ClickUp (CU-a)
		if '0' <= next && next <= '9' && wordly(last) && s.letter && (s.key || !s.upper) || before == 'C' && last == 'U' {
			return true
		}
	}
	if s.hex == 6 && hexadecimal(next) { // a commit has 7 to 40
		s.hex = 0
		return true
	}
	return next == '>' // group/project>
}

// see counts r.
func (s *joints) see(r rune) {
	s.before, s.last = s.last, r
	s.hex++
	if !hexadecimal(r) {
		s.hex = 0
	}
	digit := '0' <= r && r <= '9'
	s.key = 'A' <= r && r <= 'Z' || s.key && (digit || r == '_' || r == '-')
	s.letter = wordly(r) && !digit || s.letter && (digit || r == '-')
}

// idShaped says that a word is one that people copy (a URL, an address, a
// commit, a key with a number) and that joiners would have to stand inside.
// Dates and words that happen to be hexadecimal are not.
func idShaped(word string) bool {
	if strings.Contains(word, "://") || len(word) > 4 && strings.EqualFold(word[:4], "www.") {
		return true
	}
	joints := joints{}
	for i, r := range word {
		last, next := joints.last, following(word, i, r)
		if !joints.after(r, next) {
			continue
		}
		switch {
		case r == '-' && next != '>', isCommit(word, i):
			return true
		case strings.ContainsRune("@#!&~", r) && wordly(last) && wordly(next):
			return true
		}
	}
	return false
}

// isCommit says that the hexadecimal digits around i are more than six and not
// all letters.
func isCommit(word string, i int) bool {
	start, end := i, i
	for start > 0 && hexadecimal(rune(word[start-1])) {
		start--
	}
	for end < len(word) && hexadecimal(rune(word[end])) {
		end++
	}
	return end-start > 6 && strings.ContainsAny(word[start:end], "0123456789")
}

// shortened cuts what could be a commit in a title to its first digits:
// "vol-0a1b2c3d4e5f" is "vol-0a1b2c…". A Joiner inside would be copied along
// unseen; the whole id stands in the description. Plain numbers and plain
// letters stay.
func shortened(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && hexadecimal(rune(text[end])) {
			end++
		}
		if end == i {
			b.WriteByte(text[i])
			i++
			continue
		}
		run := text[i:end]
		if len(run) > 6 && strings.ContainsAny(run, "0123456789") && strings.Trim(run, "0123456789") != "" {
			run = run[:6] + "…"
		}
		b.WriteString(run)
		i = end
	}
	return b.String()
}

func hexadecimal(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
}

// wordly is Ruby's \w, with the letters of every script.
func wordly(r rune) bool {
	switch {
	case r < 0x80:
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

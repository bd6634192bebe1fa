package form

import (
	"strings"
	"unicode"
)

// Place is where a byte of a text value stands in the file, from 1: characters
// are counted, blanks apart, since YAML folds and indents those. What cannot be
// followed stands where the text begins.
func (n *Node) Place(offset int) (line, column int) {
	offset = min(max(offset, 0), len(n.text))
	s := n.scan()
	line, column = n.Line, n.Column
	for _, r := range n.text[:offset] {
		if unicode.IsSpace(r) {
			continue
		}
		if !s.next() || s.char != r {
			return n.Line, n.Column
		}
		line, column = s.line+1, s.column+1 // behind it
	}
	if strings.TrimSpace(n.text[offset:]) != "" && s.next() {
		return s.line + 1, s.column
	}
	return line, column
}

func (n *Node) scan() *scan {
	s := &scan{lines: n.file.lines, style: n.style, line: n.Line - 1, column: n.Column - 1}
	switch n.style {
	case '|':
		s.line, s.column = n.Line, 0
	case '"', '\'':
		s.column++
	}
	return s
}

// scan walks over the characters of a text as they stand in the file.
type scan struct {
	lines  []string
	style  rune
	line   int    // from 0
	column int    // from 0, behind the last character that was read
	loaded bool   // rest is of this line
	rest   []rune // of the line
	char   rune   // that was read last
}

// next reads the next character that is not blank.
func (s *scan) next() bool {
	for ; s.line < len(s.lines); s.line, s.column, s.loaded = s.line+1, 0, false {
		if !s.loaded {
			line := []rune(s.lines[s.line])
			s.rest, s.loaded = line[min(s.column, len(line)):], true
		}
		for len(s.rest) > 0 {
			r := s.take()
			switch {
			case r == '\\' && s.style == '"' && len(s.rest) == 0:
				continue // the line goes on in the next one
			case r == '\\' && s.style == '"':
				r = s.take()
				if strings.ContainsRune("nt ", r) {
					continue
				}
			case r == '\'' && s.style == '\'' && len(s.rest) > 0 && s.rest[0] == '\'':
				s.take()
			case unicode.IsSpace(r):
				continue
			}
			s.char = r
			return true
		}
	}
	return false
}

func (s *scan) take() rune {
	r := s.rest[0]
	s.rest, s.column = s.rest[1:], s.column+1
	return r
}

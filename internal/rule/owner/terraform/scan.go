package terraform

import (
	"bytes"
	"fmt"
	"strings"
)

// Block is a resource's block in a file of configuration.
type Block struct {
	Type string
	Name string
	Line int // of its first word, from 1
	End  int // of its closing brace
}

// MostOfFile is the largest file that is scanned, in bytes.
const MostOfFile = 4 << 20

// Scan lists the resources that a .tf file declares, in its order. It knows HCL's
// comments, strings, templates and heredocs, so that nothing within those is taken
// for a block, and nothing else of the language. A file that it loses its way in
// gives an error rather than half of its blocks.
func Scan(text []byte) ([]Block, error) {
	if len(text) > MostOfFile {
		return nil, fmt.Errorf("looking for resources: the file is larger than %d MiB", MostOfFile>>20)
	}
	s := scanner{text: bytes.TrimPrefix(text, []byte("\ufeff")), line: 1}
	for s.at < len(s.text) && s.err == nil {
		s.top()
	}
	if s.err == nil && len(s.open) > 0 {
		s.fail("a bracket is not closed")
	}
	if s.err != nil {
		return nil, fmt.Errorf("looking for resources: %w", s.err)
	}
	return s.blocks, nil
}

type scanner struct {
	text   []byte
	at     int
	line   int
	open   []byte // brackets that are open
	nested int    // templates that are open
	words  []word // of the statement at the top level, so far
	begun  int    // its line
	blocks []Block
	err    error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("line %d: "+format, append([]any{s.line}, args...)...)
	}
}

// top takes the next sign at any depth of brackets, and collects the words of
// statements outside of all.
func (s *scanner) top() {
	c := s.text[s.at]
	switch {
	case c == '\n':
		s.next()
		if len(s.open) == 0 {
			s.words = nil
		}
	case c == ' ' || c == '\t' || c == '\r':
		s.at++
	case letter(c) && len(s.open) == 0:
		s.word()
	case c == '"' && len(s.open) == 0:
		s.label()
	case c == '{' && len(s.open) == 0:
		s.block()
		s.value()
	default:
		if len(s.open) == 0 && c != '#' && c != '/' {
			s.words = append(s.words, "?") // no block's heading
		}
		s.value()
		s.close()
	}
}

func (s *scanner) next() {
	if s.text[s.at] == '\n' {
		s.line++
	}
	s.at++
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func (s *scanner) word() {
	from := s.at
	for s.at < len(s.text) && (letter(s.text[s.at]) || s.text[s.at] == '-' || s.text[s.at] >= '0' && s.text[s.at] <= '9') {
		s.at++
	}
	s.add(string(s.text[from:s.at]))
}

func (s *scanner) label() {
	from := s.at + 1
	s.quoted()
	if s.err == nil {
		s.add(string(s.text[from : s.at-1]))
	}
}

func (s *scanner) add(w string) {
	if len(s.words) == 0 {
		s.begun = s.line
	}
	if len(s.words) < 8 {
		s.words = append(s.words, word(w))
	}
}

// block begins a block when the words before its brace are a resource's heading.
func (s *scanner) block() {
	if len(s.words) == 3 && s.words[0] == "resource" && name(s.words[1]) && name(s.words[2]) {
		s.blocks = append(s.blocks, Block{Type: string(s.words[1]), Name: string(s.words[2]), Line: s.begun})
	}
	s.words = nil
}

// close ends the block that the last bracket closed.
func (s *scanner) close() {
	if n := len(s.blocks); len(s.open) == 0 && n > 0 && s.blocks[n-1].End == 0 {
		s.blocks[n-1].End = s.line
	}
}

// name says that a label is one of Terraform's identifiers.
func name(w word) bool {
	return w != "" && letter(w[0]) && len(w) <= 256 && strings.Trim(strings.ToLower(string(w)), "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// value takes one sign of an expression: a bracket, a string, a heredoc, a comment,
// or anything else.
func (s *scanner) value() {
	rest := s.text[s.at:]
	switch c := rest[0]; {
	case c == '#' || bytes.HasPrefix(rest, []byte("//")):
		for s.at < len(s.text) && s.text[s.at] != '\n' {
			s.at++
		}
	case bytes.HasPrefix(rest, []byte("/*")):
		s.comment()
	case c == '"':
		s.quoted()
	case bytes.HasPrefix(rest, []byte("<<")):
		s.heredoc()
	case c == '{' || c == '(' || c == '[':
		s.open = append(s.open, c)
		s.at++
	case c == '}' || c == ')' || c == ']':
		s.shut(c)
	default:
		s.next()
	}
}

func (s *scanner) shut(c byte) {
	n := len(s.open)
	if n == 0 || s.open[n-1] != map[byte]byte{'}': '{', ')': '(', ']': '['}[c] {
		s.fail("%q closes what is not open", c)
		return
	}
	s.open = s.open[:n-1]
	s.at++
}

func (s *scanner) comment() {
	end := bytes.Index(s.text[s.at+2:], []byte("*/"))
	if end < 0 {
		s.fail("a comment does not end")
		return
	}
	s.line += bytes.Count(s.text[s.at:s.at+2+end], []byte("\n"))
	s.at += end + 4
}

// quoted takes a string with its quotes, and the templates in it.
func (s *scanner) quoted() {
	for s.at++; s.at < len(s.text) && s.err == nil; {
		switch s.text[s.at] {
		case '\\':
			if s.at++; s.at < len(s.text) && s.text[s.at] != '\n' {
				s.at++
			}
		case '"':
			s.at++
			return
		case '\n':
			s.fail("a string does not end on its line")
		default:
			s.piece()
		}
	}
	s.fail("a string does not end")
}

// piece takes the next letter of a string or a heredoc, or a whole template: ${ }
// or %{ }, which are text when the sign is doubled.
func (s *scanner) piece() {
	rest := s.text[s.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("$${")), bytes.HasPrefix(rest, []byte("%%{")):
		s.at += 3
	case bytes.HasPrefix(rest, []byte("${")), bytes.HasPrefix(rest, []byte("%{")):
		s.at++
		s.template()
	default:
		s.next()
	}
}

// template takes an expression in braces.
func (s *scanner) template() {
	if s.nested++; s.nested > deepest {
		s.fail("templates are nested deeper than %d", deepest)
		return
	}
	outside := s.open
	s.open = []byte{'{'}
	for s.at++; s.at < len(s.text) && s.err == nil && len(s.open) > 0; {
		s.value()
	}
	if len(s.open) > 0 {
		s.fail("a template does not end")
	}
	s.open = outside
	s.nested--
}

// heredoc takes <<WORD or <<-WORD up to the line that holds the word alone.
func (s *scanner) heredoc() {
	from := s.at + 2
	if from < len(s.text) && s.text[from] == '-' {
		from++
	}
	end := bytes.IndexByte(s.text[from:], '\n')
	if end < 0 || !name(word(bytes.TrimSpace(s.text[from:from+end]))) {
		s.fail("<< begins no text: a word has to follow, and its line to end")
		return
	}
	marker := bytes.TrimSpace(s.text[from : from+end])
	s.at = from + end
	for s.next(); s.at < len(s.text) && s.err == nil; {
		line, _, _ := bytes.Cut(s.text[s.at:], []byte("\n"))
		if bytes.Equal(bytes.TrimSpace(line), marker) {
			s.at += len(line)
			return
		}
		for s.at < len(s.text) && s.err == nil && s.text[s.at] != '\n' {
			s.piece()
		}
		if s.at < len(s.text) && s.err == nil {
			s.next()
		}
	}
	s.fail("the text behind <<%.40s does not end", marker)
}

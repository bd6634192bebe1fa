package form

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may have at most. The parser takes time that grows with the square
// of the keys, and a stack that grows with the depth.
const (
	maxBytes = 1 << 20
	maxKeys  = 15_000
	maxDepth = 60
	maxLine  = 20 // structures that one line opens
)

// File is a file that is being read, with what is wrong with it so far.
type File struct {
	name     string
	lines    []string
	problems Problems
}

// Open reads the structure of a file. The node is nil when there is none to go
// on with; the file then has a problem.
func Open(name string, text []byte) (*File, *Node) {
	clean := strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n")
	f := &File{name: name, lines: strings.Split(clean, "\n")}
	switch {
	case len(clean) > maxBytes:
		f.Add(Problem{Line: 1, Column: 1, Message: fmt.Sprintf("has %d bytes", len(clean)), Mend: fmt.Sprintf("at most %d are read", maxBytes)})
		return f, nil
	case !utf8.ValidString(clean):
		f.Add(Problem{Line: f.broken(), Column: 1, Message: "is not UTF-8 text", Mend: "save it as UTF-8"})
		return f, nil
	}
	return f, f.parse(clean)
}

// broken is the first line that is not UTF-8.
func (f *File) broken() int {
	for i, line := range f.lines {
		if !utf8.ValidString(line) {
			return i + 1
		}
	}
	return 1
}

// Add notes a problem; its File is filled in.
func (f *File) Add(p Problem) {
	p.File, p.Line, p.Column = f.name, max(p.Line, 1), max(p.Column, 1)
	f.problems = append(f.problems, p)
}

// Problems lists everything found so far in the order of the file, nil when
// nothing is wrong.
func (f *File) Problems() Problems {
	f.problems.sort()
	return f.problems
}

func (f *File) parse(text string) (root *Node) {
	defer func() { // a library that fails on a file nobody thought of is one more problem of the file
		if failed := recover(); failed != nil {
			f.Add(Problem{Line: 1, Column: 1, Message: "is not YAML that can be read", Mend: "write it more plainly"})
			root = nil
		}
	}()
	tokens := lexer.Tokenize(text)
	if !f.measured(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f.syntax(err)
		return nil
	}
	switch {
	case len(file.Docs) > 1 && file.Docs[1].Body != nil:
		at := file.Docs[1].Start
		if at == nil {
			at = file.Docs[1].Body.GetToken()
		}
		f.at(at, "", "begins a second document", "one file is one document: remove what begins with ---")
		return nil
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		f.Add(Problem{Line: 1, Column: 1, Message: "is empty", Mend: "begin with version: 1"})
		return nil
	}
	return f.node(file.Docs[0].Body, "", 0)
}

func (f *File) syntax(err error) {
	p := Problem{Line: 1, Column: 1, Message: "is not YAML", Mend: err.Error()}
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		p.Mend = syntax.GetMessage()
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	f.Add(p)
}

// measured refuses what would take the parser too long or too deep.
func (f *File) measured(tokens token.Tokens) bool {
	keys, depth, line, opened := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, opened = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingValueType:
			keys++
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			opened++
		}
		if keys > maxKeys || depth > maxDepth || opened > maxLine {
			f.at(t, "", "is too large or too deep to be read", fmt.Sprintf("at most %d keys, nested at most %d deep", maxKeys, maxDepth))
			return false
		}
	}
	return true
}

func (f *File) at(t *token.Token, path, message, mend string) {
	f.Add(Problem{Line: t.Position.Line, Column: t.Position.Column, Field: path, Message: message, Mend: mend})
}

// node turns what the parser read into what Values read. It is nil for what a
// file may not hold.
func (f *File) node(a ast.Node, path string, depth int) *Node {
	t := a.GetToken()
	n := &Node{Line: t.Position.Line, Column: t.Position.Column, Path: path, file: f, text: t.Value}
	if depth > maxDepth {
		f.at(t, path, "is nested too deep", fmt.Sprintf("at most %d deep", maxDepth))
		return nil
	}
	switch a := a.(type) {
	case *ast.NullNode:
		n.kind = null
	case *ast.BoolNode:
		n.kind = boolean
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.kind = number
	case *ast.StringNode:
		n.kind, n.text, n.style = text, a.Value, quote(t)
	case *ast.LiteralNode:
		n.kind, n.text, n.style = text, a.Value.Value, '|'
		n.Line, n.Column = a.Start.Position.Line, a.Start.Position.Column
	case *ast.SequenceNode:
		n.kind = list
		for i, item := range a.Values {
			if child := f.node(item, fmt.Sprintf("%s[%d]", path, i), depth+1); child != nil {
				n.items = append(n.items, child)
			}
		}
	case *ast.MappingNode:
		f.mapping(n, a.Values, depth)
	case *ast.MappingValueNode:
		f.mapping(n, []*ast.MappingValueNode{a}, depth)
	default: // anchors, aliases, tags, merge keys
		f.at(t, path, "is an anchor, an alias or a tag", "they are not used here: write it out, or set it once under defaults")
		return nil
	}
	return n
}

func quote(t *token.Token) rune {
	switch t.Type {
	case token.DoubleQuoteType:
		return '"'
	case token.SingleQuoteType:
		return '\''
	}
	return 0
}

func (f *File) mapping(n *Node, values []*ast.MappingValueNode, depth int) {
	n.kind = mapping
	seen := map[string]int{}
	for i, v := range values {
		t := v.Key.GetToken()
		if i == 0 {
			n.Line, n.Column = t.Position.Line, t.Position.Column
		}
		key := t.Value
		path := join(n.Path, key)
		if _, plain := v.Key.(ast.ScalarNode); !plain || v.Key.IsMergeKey() {
			f.at(t, path, "is no plain key", "write a name, a colon and a value; set what is shared under defaults")
			continue
		}
		if line, twice := seen[key]; twice {
			f.at(t, path, fmt.Sprintf("is here twice, first on line %d", line), "keep one of them")
			continue
		}
		seen[key] = t.Position.Line
		if child := f.node(v.Value, path, depth+1); child != nil {
			n.entries = append(n.entries, entry{key: key, line: t.Position.Line, column: t.Position.Column, value: child})
		}
	}
}

// join is the path of a key beneath another path.
func join(path, key string) string {
	switch {
	case strings.ContainsAny(key, ".[] ") || key == "":
		return fmt.Sprintf("%s[%.60q]", path, key)
	case path == "":
		return key
	}
	return path + "." + key
}

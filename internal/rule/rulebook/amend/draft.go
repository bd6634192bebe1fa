package amend

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// draft is a text with the places of what it holds.
type draft struct {
	text   string
	lines  []int // where each begins
	ends   string
	root   mapping
	failed error // why nothing could be put in; nil: it was
}

// mapping is one as it is written.
type mapping struct {
	values []*ast.MappingValueNode
	open   *token.Token // its brace; nil: it is written in lines
}

// spot is what stands behind a key.
type spot struct {
	key   *ast.MappingValueNode
	below mapping           // where it is a mapping
	list  *ast.SequenceNode // where it is a list
}

func newDraft(text string) (*draft, error) {
	d := &draft{text: text, lines: []int{0}, ends: "\n"}
	if strings.Contains(text, "\r\n") {
		d.ends = "\r\n"
	}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	file, err := parser.ParseBytes([]byte(plain(text)), 0)
	if err != nil || len(file.Docs) == 0 {
		return nil, errors.New("the file is no YAML")
	}
	var ok bool
	if d.root, ok = mapped(file.Docs[0].Body); !ok {
		return nil, errors.New("the file is no mapping")
	}
	return d, nil
}

func mapped(n ast.Node) (mapping, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		m := mapping{values: n.Values}
		if n.IsFlowStyle {
			m.open = n.Start
		}
		return m, true
	case *ast.MappingValueNode:
		return mapping{values: []*ast.MappingValueNode{n}}, true
	}
	return mapping{}, false
}

// at is what stands behind a key of the mapping.
func (m mapping) at(key string) (spot, bool) {
	for _, v := range m.values {
		if v.Key.GetToken().Value != key {
			continue
		}
		s := spot{key: v}
		s.below, _ = mapped(v.Value)
		s.list, _ = v.Value.(*ast.SequenceNode)
		return s, true
	}
	return spot{}, false
}

// item is one mapping of a list.
func (s spot) item(i int) mapping {
	m, _ := mapped(s.list.Values[i])
	return m
}

// offset is the byte of a token, which has to be as told: the parser counts letters.
func (d *draft) offset(t *token.Token, want string) (int, bool) {
	p := t.Position
	if p.Line < 1 || p.Line > len(d.lines) {
		return 0, false
	}
	line := d.text[d.lines[p.Line-1]:]
	if p.Line == 1 && strings.HasPrefix(line, "\ufeff") {
		p = &token.Position{Line: p.Line, Column: p.Column + 1}
	}
	column := 1
	for i := range line {
		if column == p.Column {
			return d.lines[p.Line-1] + i, strings.HasPrefix(line[i:], want)
		}
		column++
	}
	return 0, false
}

func (d *draft) fail(why string) { d.failed = errors.New(why) }

// insert puts text in at a byte.
func (d *draft) insert(at int, text string) { d.text = d.text[:at] + text + d.text[at:] }

// insertLines puts lines in before a line, from 1.
func (d *draft) insertLines(before int, lines []string) {
	text := strings.Join(lines, d.ends) + d.ends
	if before > len(d.lines) {
		if !strings.HasSuffix(d.text, "\n") {
			text = d.ends + strings.TrimSuffix(text, d.ends)
		}
		d.insert(len(d.text), text)
		return
	}
	d.insert(d.lines[before-1], text)
}

// into puts an entry into the mapping behind a key, as its first.
func (d *draft) into(s spot, entry yaml.MapItem) {
	switch {
	case s.below.open != nil:
		d.brace(s.below, entry)
	case len(s.below.values) == 0:
		d.fail(s.key.Key.GetToken().Value + " holds nothing that could be added to")
	default:
		d.insertLines(s.key.Key.GetToken().Position.Line+1, block(entry, s.below.values[0].Key.GetToken().Position.Column-1))
	}
}

// brace puts an entry behind an opening brace.
func (d *draft) brace(m mapping, entry yaml.MapItem) {
	at, ok := d.offset(m.open, "{")
	if !ok {
		d.fail("a brace is not where it should be")
		return
	}
	text := flow(yaml.MapSlice{entry})
	text = text[1 : len(text)-1]
	if len(m.values) > 0 {
		text += ", "
	}
	d.insert(at+1, text)
}

// top puts an entry into the file, behind its version.
func (d *draft) top(entry yaml.MapItem) {
	if d.root.open != nil {
		d.brace(d.root, entry)
		return
	}
	version, ok := d.root.at("version")
	if !ok {
		d.fail("the file has no version")
		return
	}
	d.insertLines(version.key.Key.GetToken().Position.Line+1, block(entry, 0))
}

// before puts an item into the list behind a key, before another or at its end.
func (d *draft) before(s spot, i int, item yaml.MapSlice) {
	switch n := s.list; {
	case n == nil || len(n.Values) == 0:
		d.fail("a list is empty")
	case n.IsFlowStyle:
		d.bracket(n, i, item)
	case i == 0:
		d.insertLines(s.key.Key.GetToken().Position.Line+1, dashed(item, n.Start.Position.Column-1))
	case i < len(n.Values):
		d.insertLines(d.headed(n.Entries[i].Start.Position), dashed(item, n.Start.Position.Column-1))
	default:
		d.insertLines(last(n.Values[i-1])+1, dashed(item, n.Start.Position.Column-1))
	}
}

// bracket puts an item into a list in brackets.
func (d *draft) bracket(n *ast.SequenceNode, i int, item yaml.MapSlice) {
	if i == 0 {
		if at, ok := d.offset(n.Start, "["); ok {
			d.insert(at+1, flow(item)+", ")
			return
		}
	} else if m, braced := n.Values[i-1].(*ast.MappingNode); braced && m.End != nil {
		if at, ok := d.offset(m.End, "}"); ok {
			d.insert(at+1, ", "+flow(item))
			return
		}
	}
	d.fail("a bracket is not where it should be")
}

// headed is the line of an item with the comments right above it that belong to it.
func (d *draft) headed(dash *token.Position) int {
	line := dash.Line
	for ; line > 1; line-- {
		above := d.text[d.lines[line-2]:d.lines[line-1]]
		bare := strings.TrimLeft(above, " ")
		if !strings.HasPrefix(bare, "#") || len(above)-len(bare) >= dash.Column {
			break
		}
	}
	return line
}

// last is the line where something ends.
func last(n ast.Node) int {
	end := ending{}
	ast.Walk(&end, n)
	return end.line
}

type ending struct{ line int }

// Visit implements ast.Visitor.
func (e *ending) Visit(n ast.Node) ast.Visitor {
	t := n.GetToken()
	e.line = max(e.line, t.Position.Line+strings.Count(strings.TrimSpace(t.Origin), "\n"))
	switch n := n.(type) {
	case *ast.MappingNode:
		if n.End != nil {
			e.line = max(e.line, n.End.Position.Line)
		}
	case *ast.SequenceNode:
		if n.End != nil {
			e.line = max(e.line, n.End.Position.Line)
		}
	}
	return e
}

// block is an entry in lines. What a rule has stands in lines, too; everything else
// is small, and in braces.
func block(entry yaml.MapItem, indent int) []string {
	pad := strings.Repeat(" ", indent)
	head := pad + scalar(entry.Key) + ":"
	switch v := entry.Value.(type) {
	case yaml.MapSlice:
		out := []string{head}
		for _, each := range v {
			out = append(out, block(each, indent+2)...)
		}
		return out
	case []any:
		if _, scalars := flat(v); scalars {
			return []string{head + " " + flow(v)}
		}
		out := []string{head}
		for _, each := range v {
			m, _ := each.(yaml.MapSlice)
			out = append(out, dashed(m, indent+2)...)
		}
		return out
	}
	return []string{head + " " + flow(entry.Value)}
}

// dashed is an item of a list in lines: small ones in braces.
func dashed(item yaml.MapSlice, indent int) []string {
	pad := strings.Repeat(" ", indent)
	if _, rule := value(item, "name").(string); !rule || len(item) == 1 {
		return []string{pad + "- " + flow(item)}
	}
	var out []string
	for _, each := range item {
		out = append(out, block(each, indent+2)...)
	}
	out[0] = pad + "- " + out[0][indent+2:]
	return out
}

// flat says that a list holds nothing but scalars.
func flat(list []any) ([]any, bool) {
	for _, each := range list {
		switch each.(type) {
		case yaml.MapSlice, []any:
			return nil, false
		}
	}
	return list, true
}

// flow is a value on one line.
func flow(v any) string {
	var parts []string
	switch v := v.(type) {
	case yaml.MapSlice:
		for _, each := range v {
			parts = append(parts, scalar(each.Key)+": "+flow(each.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, each := range v {
			parts = append(parts, flow(each))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(v)
}

// scalar is text that cannot be taken for anything else, and numbers as they are.
func scalar(v any) string {
	text, ok := v.(string)
	switch {
	case v == nil:
		return "null"
	case !ok:
		return fmt.Sprint(v)
	}
	for i, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune(" -_/.0123456789", c)) {
			return quoted(text)
		}
	}
	switch strings.ToLower(text) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return quoted(text)
	}
	if strings.HasSuffix(text, " ") {
		return quoted(text)
	}
	return text
}

// quoted is text in the quotes that are easier to read.
func quoted(text string) string {
	odd := func(c rune) bool { return c == '\'' || !unicode.IsPrint(c) }
	if strings.ContainsAny(text, `"\`) && utf8.ValidString(text) && !strings.ContainsFunc(text, odd) {
		return "'" + text + "'"
	}
	return strconv.Quote(text)
}

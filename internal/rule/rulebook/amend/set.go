package amend

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// set has a value stand at a path; nil: nothing stands there any more. What holds
// nothing then goes, too.
func (a *amending) set(path []string, to any) {
	if to == nil {
		path = a.alone(path)
	}
	a.step(func(d *draft) { d.set(path, to) }, func(tree yaml.MapSlice) yaml.MapSlice { return put(tree, path, to) })
}

// alone is the path of what holds nothing but what stands at a path.
func (a *amending) alone(path []string) []string {
	m, most := a.tree, 1
	for i, key := range path[:len(path)-1] {
		m, _ = value(m, key).(yaml.MapSlice)
		if len(m) > 1 {
			most = i + 2
		}
	}
	return path[:most]
}

// put is a tree with a value at a path, or without it.
func put(m yaml.MapSlice, path []string, to any) yaml.MapSlice {
	switch {
	case len(path) > 1:
		return under(m, path[0], func(below yaml.MapSlice) yaml.MapSlice { return put(below, path[1:], to) })
	case to == nil:
		return slices.DeleteFunc(m, func(each yaml.MapItem) bool { return each.Key == path[0] })
	}
	return set(m, path[0], to)
}

// set is put for the text.
func (d *draft) set(path []string, to any) {
	m, above := d.root, (*spot)(nil)
	for i, key := range path {
		s, there := m.at(key)
		switch {
		case !there && to == nil:
			return
		case !there && above == nil:
			d.top(nested(path[i:], to))
			return
		case !there:
			d.into(*above, nested(path[i:], to))
			return
		case i < len(path)-1:
			m, above = s.below, &s
		case to == nil:
			d.cut(m, s)
		default:
			d.replace(m, s, to)
		}
	}
}

// nested is a value at the end of a path.
func nested(path []string, to any) yaml.MapItem {
	if len(path) == 1 {
		return pair(path[0], to)
	}
	return pair(path[0], yaml.MapSlice{nested(path[1:], to)})
}

// cut takes a key and its value out of a mapping.
func (d *draft) cut(m mapping, s spot) {
	if m.open != nil {
		d.cutFlow(m, s)
		return
	}
	d.cutLines(s.key.Key.GetToken().Position.Line, last(s.key.Value))
}

// cutLines takes whole lines out, from 1.
func (d *draft) cutLines(from, to int) {
	end := len(d.text)
	if to < len(d.lines) {
		end = d.lines[to]
	}
	d.text = d.text[:d.lines[from-1]] + d.text[end:]
}

// cutFlow takes a key out of braces, with the comma that goes with it.
func (d *draft) cutFlow(m mapping, s spot) {
	at := slices.Index(m.values, s.key)
	from, ok := d.offset(s.key.Key.GetToken(), "")
	if !ok {
		d.fail("a key is not where it should be")
		return
	}
	if at+1 < len(m.values) {
		to, _ := d.offset(m.values[at+1].Key.GetToken(), "")
		d.text = d.text[:from] + d.text[to:]
		return
	}
	_, to, ok := d.span(m, s)
	comma := strings.LastIndexByte(d.text[:from], ',')
	if !ok || comma < 0 {
		d.fail("braces cannot be read")
		return
	}
	d.text = d.text[:comma] + d.text[to:]
}

// replace puts another value behind a key.
func (d *draft) replace(m mapping, s spot, to any) {
	from, end, ok := d.span(m, s)
	if !ok {
		d.lined(s, to)
		return
	}
	d.text = d.text[:from] + flow(to) + d.text[end:]
}

// lined puts another value in the place of one that stands in lines below its key.
// A comment behind the key stays.
func (d *draft) lined(s spot, to any) {
	colon, ok := d.offset(s.key.Start, ":")
	if !ok {
		d.fail("a value is not where it should be")
		return
	}
	line, end := s.key.Start.Position.Line, last(s.key.Value)
	if end > line {
		d.cutLines(line+1, end)
	}
	rest := d.text[colon+1:]
	head, _, _ := strings.Cut(rest, "\n")
	kept := ""
	if at := strings.Index(head, "#"); at >= 0 {
		kept = " " + strings.TrimRight(head[at:], "\r")
	}
	d.text = d.text[:colon+1] + " " + flow(to) + kept + rest[len(strings.TrimRight(head, "\r")):]
}

// span is where the value behind a key stands, if that is on one line, or in
// brackets.
func (d *draft) span(m mapping, s spot) (from, to int, ok bool) {
	switch v := s.key.Value.(type) {
	case *ast.SequenceNode:
		if !v.IsFlowStyle || v.End == nil {
			return 0, 0, false
		}
		from, ok = d.offset(v.Start, "[")
		end, closed := d.offset(v.End, "]")
		return from, end + 1, ok && closed
	case *ast.MappingNode:
		if !v.IsFlowStyle || v.End == nil {
			return 0, 0, false
		}
		from, ok = d.offset(v.Start, "{")
		end, closed := d.offset(v.End, "}")
		return from, end + 1, ok && closed
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if from, ok = d.offset(v.GetToken(), ""); !ok || s.key.Start.Position.Line != v.GetToken().Position.Line {
			return 0, 0, false
		}
		n := written(d.text[from:], m.open != nil)
		return from, from + n, n > 0
	}
	return 0, 0, false
}

// written is how many bytes of text are the scalar that it begins with; 0: it does not
// end on its line.
func written(text string, braced bool) int {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, "\r")
	switch {
	case strings.HasPrefix(line, `"`):
		for i := 1; i < len(line); i++ {
			switch line[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return 0
	case strings.HasPrefix(line, "'"):
		for i := 1; i < len(line); i++ {
			if line[i] != '\'' {
				continue
			}
			if i+1 < len(line) && line[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
		return 0
	}
	if at := strings.Index(line, " #"); at >= 0 {
		line = line[:at]
	}
	if at := strings.IndexAny(line, ",}]"); braced && at >= 0 {
		line = line[:at]
	}
	return len(strings.TrimRight(line, " \t"))
}

// drop takes an item out of the list behind a key.
func (a *amending) drop(key string, i int) {
	all, _ := value(a.tree, key).([]any)
	if len(all) == 1 {
		a.set([]string{key}, nil)
		return
	}
	a.step(func(d *draft) {
		s, _ := d.root.at(key)
		n := s.list
		switch {
		case n == nil || i >= len(n.Values):
			d.fail("the list of " + key + " cannot be read")
		case n.IsFlowStyle:
			d.cutItem(n, i)
		default:
			d.cutLines(n.Entries[i].Start.Position.Line, last(n.Values[i]))
		}
	}, func(tree yaml.MapSlice) yaml.MapSlice {
		return within(tree, key, func(all []any) []any { return slices.Delete(all, i, i+1) })
	})
}

// cutItem takes an item in braces out of a list in brackets.
func (d *draft) cutItem(n *ast.SequenceNode, i int) {
	var bounds []int
	for _, each := range n.Values[i:min(i+2, len(n.Values))] {
		m, braced := each.(*ast.MappingNode)
		if !braced || m.Start == nil || m.End == nil {
			d.fail("a list in brackets holds more than braces")
			return
		}
		from, opened := d.offset(m.Start, "{")
		to, closed := d.offset(m.End, "}")
		if !opened || !closed {
			d.fail("a brace is not where it should be")
			return
		}
		bounds = append(bounds, from, to+1)
	}
	from, to := bounds[0], bounds[1]
	if len(bounds) > 2 {
		to = bounds[2]
	} else {
		from = strings.LastIndexByte(d.text[:from], ',')
	}
	if from < 0 {
		d.fail("a list in brackets cannot be read")
		return
	}
	d.text = d.text[:from] + d.text[to:]
}

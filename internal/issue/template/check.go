package template

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"unicode"
	"unicode/utf8"
)

// control is a line that holds nothing but one action that prints nothing.
var control = regexp.MustCompile(`(?m)^([ \t]*)\{\{(\s*(?:(?:if|else|end|range|with|block|define|break|continue)\b|\$\w+\s*:?=)(?:[^{}"` + "`" + `\n]|"(?:[^"\\\n]|\\.)*")*)\}\}([ \t]*)\n`)

// standalone takes the line ends of such lines into their actions, so that they
// leave no empty line behind. Everything else stays at its place.
func standalone(source string) string {
	return control.ReplaceAllString(source, "{{${1}${2}${3}\n}}")
}

// checker finds what is wrong with one of the two texts before it runs: fields and
// functions that are not there, values of the wrong sort, templates that call
// themselves.
type checker struct {
	part     string
	source   string
	problems *Problems
	tags     map[string]bool
	trees    map[string]*parse.Tree
	funcs    map[string]reflect.Type
	vars     []variable
	checked  map[string]bool // templates with the type they were checked with
}

type variable struct {
	name string
	is   reflect.Type // nil: not known
}

func (c *checker) problem(p Problem) {
	p.Part = c.part
	if !slices.Contains(c.problems.List, p) && len(c.problems.List) < 20 {
		c.problems.List = append(c.problems.List, p)
	}
}

// at reports what is wrong at a place of the source.
func (c *checker) at(at int, message, mend string, args ...any) {
	line, column := place(c.source, at)
	c.problem(Problem{Line: line, Column: column, Message: fmt.Sprintf(message, args...), Mend: mend})
}

var (
	quickAction = regexp.MustCompile(`^(?:\{\{[^{}]*\}\}|[ \t])*/[A-Za-z_]+(?:$|[ \t]|\{\{)`)
	fenceLine   = regexp.MustCompile("^( {0,3})(`{3,}|~{3,})[ \t]*([A-Za-z0-9+#_.-]*)[ \t]*$")
	openingOf   = regexp.MustCompile(`(?i)(://|www\.)[^\s{}]*\{\{|\]\(\s*\{\{`)
)

// literal checks the template's own text.
func (c *checker) literal() {
	if !utf8.ValidString(c.source) {
		c.at(0, "it is not UTF-8", "Save the file as UTF-8.")
	}
	for i, r := range c.source {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			c.at(i, "it holds the control character U+%04X", "Take it out.", r)
		}
	}
	if at := strings.Index(c.source, "<!--"); at >= 0 {
		c.at(at, "it holds an HTML comment", "Take it out, or write {{/* for a note to yourself */}}: cxm knows its own block by such a comment.")
	}
	fence := ""
	for at, line := range lines(c.source) {
		m := fenceLine.FindStringSubmatch(line)
		switch {
		case fence != "":
			if m != nil && m[3] == "" && strings.HasPrefix(m[2], fence) {
				fence = ""
			}
		case m != nil:
			fence = m[2]
		case quickAction.MatchString(line):
			c.at(at+strings.IndexByte(line, '/'), "this line is a quick action, which GitLab would run with cxm's rights", "Set labels, assignees and the like in the rule; to show a path, put it in `code`.")
		case openingOf.MatchString(line):
			c.at(at+openingOf.FindStringIndex(line)[0], "an address ends in an action, and could lead anywhere", `Write {{link .SourceURL "words"}}.`)
		}
	}
}

// lines gives each line with where it begins.
func lines(source string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		at := 0
		for line := range strings.SplitSeq(source, "\n") {
			if !yield(at, line) {
				return
			}
			at += len(line) + 1
		}
	}
}

// check walks a parsed text.
func (c *checker) check(parsed *text.Template) {
	c.trees, c.checked = map[string]*parse.Tree{}, map[string]bool{}
	for _, each := range parsed.Templates() {
		c.trees[each.Name()] = each.Tree
	}
	c.funcs = map[string]reflect.Type{}
	for name, f := range newRun(&View{}).funcs() {
		c.funcs[name] = reflect.TypeOf(f)
	}
	if at, name, loops := c.loop(parsed.Name(), nil); loops {
		c.at(at, "the template %q calls itself", "Use range: a template ends.", name)
		return
	}
	c.template(parsed.Name(), reflect.TypeFor[View]())
}

// loop looks for a template that calls itself, directly or through others.
func (c *checker) loop(name string, above []string) (at int, of string, found bool) {
	if slices.Contains(above, name) {
		return 0, name, true
	}
	key := "loop " + name
	tree := c.trees[name]
	if tree == nil || c.checked[key] {
		return 0, "", false
	}
	c.checked[key] = true
	above = append(above, name)
	for _, call := range calls(tree.Root) {
		if at, of, found = c.loop(call.Name, above); found {
			return cmp.Or(at, int(call.Pos)), of, true
		}
	}
	return 0, "", false
}

// calls lists the calls of templates beneath a list.
func calls(l *parse.ListNode) []*parse.TemplateNode {
	if l == nil {
		return nil
	}
	var out []*parse.TemplateNode
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			out = append(out, n)
		case *parse.IfNode:
			out = append(append(out, calls(n.List)...), calls(n.ElseList)...)
		case *parse.RangeNode:
			out = append(append(out, calls(n.List)...), calls(n.ElseList)...)
		case *parse.WithNode:
			out = append(append(out, calls(n.List)...), calls(n.ElseList)...)
		}
	}
	return out
}

// template checks the tree of a name as it is called with a value of a type.
func (c *checker) template(name string, dot reflect.Type) {
	key := fmt.Sprintf("%s with %v", name, dot)
	tree := c.trees[name]
	if tree == nil || c.checked[key] {
		return
	}
	c.checked[key] = true
	vars := c.vars
	c.vars = []variable{{"$", dot}}
	c.list(tree.Root, dot)
	c.vars = vars
}

func (c *checker) list(l *parse.ListNode, dot reflect.Type) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.node(n, dot)
	}
}

func (c *checker) node(n parse.Node, dot reflect.Type) {
	vars := len(c.vars)
	switch n := n.(type) {
	case *parse.ActionNode:
		if is := c.pipe(n.Pipe, dot); len(n.Pipe.Decl) == 0 {
			c.printable(n.Pos, is)
		}
		return // its variables last
	case *parse.IfNode:
		c.asked(n.Pos, c.pipe(n.Pipe, dot))
		c.list(n.List, dot)
		c.vars = c.vars[:vars]
		c.list(n.ElseList, dot)
	case *parse.WithNode:
		is := c.pipe(n.Pipe, dot)
		c.list(n.List, is)
		c.vars = c.vars[:vars]
		c.list(n.ElseList, dot)
	case *parse.RangeNode:
		c.list(n.List, c.over(n, dot))
		c.vars = c.vars[:vars]
		c.list(n.ElseList, dot)
	case *parse.TemplateNode:
		if c.trees[n.Name] == nil {
			c.at(int(n.Pos), "there is no template %q", `Define it: {{define "name"}} … {{end}}.`, n.Name)
		}
		var is reflect.Type
		if n.Pipe != nil {
			is = c.pipe(n.Pipe, dot)
		}
		c.template(n.Name, is)
	}
	c.vars = c.vars[:vars]
}

// over checks what a range goes over, and is the type of its dot.
func (c *checker) over(n *parse.RangeNode, dot reflect.Type) reflect.Type {
	decl := n.Pipe.Decl
	n.Pipe.Decl = nil
	is := c.pipe(n.Pipe, dot)
	n.Pipe.Decl = decl
	key, elem := reflect.TypeFor[int](), is
	switch {
	case is == nil:
		key = nil
	case is.Kind() == reflect.Slice:
		elem = is.Elem()
	case is.Kind() == reflect.Map:
		key, elem = is.Key(), is.Elem()
	case is.Kind() == reflect.Int:
	default:
		c.at(int(n.Pos), "range cannot go over %s", "Use a list: .Members, .Resources, .References, .Links, .Sources, .Totals, .Tags.", sort(is))
	}
	for i, v := range decl {
		as := elem
		if i == 0 && len(decl) == 2 {
			as = key
		}
		c.vars = append(c.vars, variable{v.Ident[0], as})
	}
	return elem
}

// asked checks what stands behind an if.
func (c *checker) asked(at parse.Pos, is reflect.Type) {
	if is != nil && is.Kind() == reflect.Struct && is != reflect.TypeFor[Markup]() {
		mend := "Ask for one of its fields: " + strings.Join(fieldsOf(is), ", ") + "."
		if is == reflect.TypeFor[Money]() {
			mend = "Write .Known behind it."
		}
		c.at(int(at), "if is always true of %s", mend, sort(is))
	}
}

// printable checks what an action prints.
func (c *checker) printable(at parse.Pos, is reflect.Type) {
	if is == nil || is.Kind() == reflect.String || is.Kind() == reflect.Interface {
		return
	}
	if _, err := markup(reflect.Zero(is).Interface()); err != nil {
		c.at(int(at), "%s cannot be printed as it is", "Print its fields, or go over it with range.", sort(is))
	}
}

// sort is what a type is called for people.
func sort(is reflect.Type) string {
	switch is {
	case nil:
		return "this"
	case reflect.TypeFor[Money]():
		return "an amount of money"
	}
	switch is.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "yes or no"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "a map"
	case reflect.Pointer:
		return "a date"
	}
	return "a " + strings.ToLower(is.Name())
}

// fieldsOf lists the fields of a type that templates see.
func fieldsOf(is reflect.Type) []string {
	var out []string
	for _, f := range reflect.VisibleFields(is) {
		if seen(f) {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return out
}

func seen(f reflect.StructField) bool {
	return f.IsExported() && !f.Anonymous && f.Tag.Get("template") != "-"
}

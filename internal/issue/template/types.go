package template

import (
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// pipe is the type of what a pipeline gives; nil: not known before it runs.
func (c *checker) pipe(p *parse.PipeNode, dot reflect.Type) reflect.Type {
	var is reflect.Type
	for i, cmd := range p.Cmds {
		is = c.command(cmd, dot, is, i > 0)
	}
	for _, v := range p.Decl {
		if !p.IsAssign {
			c.vars = append(c.vars, variable{v.Ident[0], is})
			continue
		}
		for i := range slices.Backward(c.vars) {
			if c.vars[i].name == v.Ident[0] {
				if c.vars[i].is != is {
					c.vars[i].is = nil
				}
				break
			}
		}
	}
	return is
}

// command is the type of one command. Piped says that it gets the value of the
// one before, which is of type last, as its last argument.
func (c *checker) command(cmd *parse.CommandNode, dot, last reflect.Type, piped bool) reflect.Type {
	if f, ok := cmd.Args[0].(*parse.IdentifierNode); ok {
		args := make([]reflect.Type, 0, len(cmd.Args))
		for _, arg := range cmd.Args[1:] {
			args = append(args, c.operand(arg, dot))
		}
		if piped {
			args = append(args, last)
		}
		return c.call(f, cmd.Args[1:], args, piped)
	}
	is := c.operand(cmd.Args[0], dot)
	if piped || len(cmd.Args) > 1 {
		c.at(int(cmd.Args[0].Position()), "%s takes no arguments", "Only functions do: "+strings.Join(Functions(), ", ")+".", cmd.Args[0])
		return nil
	}
	return is
}

// operand is the type of one value.
func (c *checker) operand(n parse.Node, dot reflect.Type) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.chain(int(n.Pos), dot, n.Ident)
	case *parse.VariableNode:
		return c.chain(int(n.Pos), c.variable(n.Ident[0]), n.Ident[1:])
	case *parse.ChainNode:
		return c.chain(int(n.Pos), c.operand(n.Node, dot), n.Field)
	case *parse.PipeNode:
		return c.pipe(n, dot)
	case *parse.IdentifierNode:
		return c.call(n, nil, nil, false)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.BoolNode:
		return reflect.TypeFor[bool]()
	case *parse.NumberNode:
		if n.IsInt {
			return reflect.TypeFor[int]()
		}
		return reflect.TypeFor[float64]()
	}
	return nil
}

func (c *checker) variable(name string) reflect.Type {
	for _, v := range slices.Backward(c.vars) {
		if v.name == name {
			return v.is
		}
	}
	return nil
}

// chain is the type of a field of a field. A field whose case is wrong is put
// right: sources spell ResourceId what is ResourceID here.
func (c *checker) chain(at int, is reflect.Type, names []string) reflect.Type {
	for i, name := range names {
		switch {
		case is == nil:
			c.at(at, "cxm cannot tell what .%s is a field of", "Ask for it where it comes from, without default, and or or.", name)
			return nil
		case is.Kind() == reflect.Map:
			c.tags[name], is = true, is.Elem()
			continue
		case is.Kind() != reflect.Struct || is == reflect.TypeFor[Markup]():
			c.at(at, "%s has no field .%s", "Take it away.", sort(is), name)
			return nil
		}
		f, ok := field(is, name)
		if !ok {
			c.at(at, "there is no field .%s", "The fields here are: "+strings.Join(fieldsOf(is), ", ")+".", name)
			return nil
		}
		names[i] = f.Name
		if is = f.Type; is.Kind() == reflect.Map && i == len(names)-1 {
			c.tags["*"] = true
		}
	}
	return is
}

// field is the field of a struct, by its name in any case.
func field(is reflect.Type, name string) (reflect.StructField, bool) {
	if f, ok := is.FieldByName(name); ok && seen(f) {
		return f, true
	}
	for _, f := range reflect.VisibleFields(is) {
		if seen(f) && strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// call is the type of what a function gives. Nodes are its arguments as they are
// written, args their types, with the piped one last.
func (c *checker) call(f *parse.IdentifierNode, nodes []parse.Node, args []reflect.Type, piped bool) reflect.Type {
	is, ours := c.funcs[f.Ident]
	switch {
	case ours && !strings.HasPrefix(f.Ident, "_"):
		c.arguments(f, is, args)
		if f.Ident == "tag" {
			c.tag(f, nodes, piped)
		}
		if out := is.Out(0); out.Kind() != reflect.Interface {
			return out
		}
		return nil
	case slices.Contains(allowed(), f.Ident):
		return c.builtin(f, args)
	}
	c.at(int(f.Pos), "there is no function %s", "The functions are: "+strings.Join(Functions(), ", ")+".", f.Ident)
	return nil
}

// tag notes the tag that a template shows, which stands in it by its name.
func (c *checker) tag(f *parse.IdentifierNode, nodes []parse.Node, piped bool) {
	if name, ok := nodeAt(nodes, 0).(*parse.StringNode); ok && !piped {
		c.tags[name.Text] = true
		return
	}
	c.at(int(f.Pos), "tag does not say which", `Name it in quotes: {{tag "team"}}.`)
}

func nodeAt(nodes []parse.Node, i int) parse.Node {
	if i < len(nodes) {
		return nodes[i]
	}
	return nil
}

// arguments checks how many a function gets and of which sort.
func (c *checker) arguments(f *parse.IdentifierNode, is reflect.Type, args []reflect.Type) {
	least, most := is.NumIn(), is.NumIn()
	if is.IsVariadic() {
		least, most = least-1, 1<<10
	}
	if len(args) < least || len(args) > most {
		c.at(int(f.Pos), "%s takes %s and got %d", "See docs/templates.md for how it is used.", f.Ident, count(least, "argument", "arguments"), len(args))
		return
	}
	for i, arg := range args {
		want := is.In(min(i, is.NumIn()-1))
		if is.IsVariadic() && i >= is.NumIn()-1 {
			want = want.Elem()
		}
		if arg != nil && !arg.AssignableTo(want) {
			c.at(int(f.Pos), "%s takes %s here, not %s", "See docs/templates.md for how it is used.", f.Ident, sort(want), sort(arg))
		}
	}
}

// builtin checks a function of text/template.
func (c *checker) builtin(f *parse.IdentifierNode, args []reflect.Type) reflect.Type {
	least := map[string]int{"and": 1, "or": 1, "not": 1, "len": 1}[f.Ident]
	if least == 0 {
		least = 2
	}
	if len(args) < least {
		c.at(int(f.Pos), "%s takes %s and got %d", "See docs/templates.md for how it is used.", f.Ident, count(least, "argument", "arguments"), len(args))
		return nil
	}
	switch f.Ident {
	case "and", "or":
		for _, arg := range args {
			if f.Ident == "and" || len(args) > 1 {
				c.asked(f.Pos, arg)
			}
			if arg != args[0] {
				return nil
			}
		}
		return args[0]
	case "len":
		return reflect.TypeFor[int]()
	case "index":
		return c.indexed(f, args)
	case "not":
		c.asked(f.Pos, args[0])
		return reflect.TypeFor[bool]()
	}
	for _, arg := range args {
		if arg != nil && arg.Kind() != reflect.String && arg.Kind() != reflect.Int && arg.Kind() != reflect.Float64 && arg.Kind() != reflect.Bool {
			c.at(int(f.Pos), "%s cannot compare %s", "Compare texts and numbers; of money ask over.", f.Ident, sort(arg))
		}
	}
	return reflect.TypeFor[bool]()
}

func (c *checker) indexed(f *parse.IdentifierNode, args []reflect.Type) reflect.Type {
	is := args[0]
	if is == nil || is.Kind() != reflect.Slice && is.Kind() != reflect.Map || len(args) != 2 {
		c.at(int(f.Pos), "index takes a list and a number, or the tags and a name", "See docs/templates.md for how it is used.")
		return nil
	}
	return is.Elem()
}

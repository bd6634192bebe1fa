package rulebook

import "cxm/internal/rule/rulebook/form"

// Template is the title and the body of issues, as they are written. What is empty
// is as without a template.
type Template struct {
	Name  string
	Title string
	Body  string

	title, body *form.Node
}

func templates() form.Value[Template] {
	return form.Object(
		form.At("title", placed(func(t *Template) (*string, **form.Node) { return &t.Title, &t.title }), func(t *Template) *Template { return t }, "The title; left out, the built-in one."),
		form.At("body", placed(func(t *Template) (*string, **form.Node) { return &t.Body, &t.body }), func(t *Template) *Template { return t }, "The body, above what cxm will do next; left out, the built-in one."),
	).Then(func(n *form.Node, t *Template) {
		if t.title == nil && t.body == nil {
			n.Wrong("write a title, a body or both", "says nothing")
		}
	})
}

// placed reads a text and keeps where it stands.
func placed(at func(*Template) (*string, **form.Node)) form.Value[Template] {
	text := form.Text()
	return form.Value[Template]{Schema: text.Schema, Read: func(n *form.Node, into *Template) {
		value, node := at(into)
		*node = n
		text.Read(n, value)
	}}
}

// Problem is what is wrong at a byte of the title or of the body, at its place in
// the rules file, for whoever compiles the template.
func (t Template) Problem(inTitle bool, offset int, message, mend string) Problem {
	n := t.body
	if inTitle {
		n = t.title
	}
	if n == nil {
		return Problem{Line: 1, Column: 1, Field: "templates." + t.Name, Message: message, Mend: mend}
	}
	return n.Problem(offset, message, mend)
}

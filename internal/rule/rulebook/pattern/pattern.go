// Package pattern is the small language of routes, labels and owners in a rules
// file: text with parts of a finding in it, such as acme/{{tag "team" | lower}}.
//
// What always holds: a pattern that parses has no loops, no conditions and no
// functions but those named here, so filling it in is short and never fails; what
// the finding does not say is told apart from what it says.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"cxm/internal/finding"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
)

// Pattern is text with parts of a finding in it. The zero value is empty text.
type Pattern struct {
	text  string
	parts []part
}

// part is text, or where value is there a place that is filled in.
type part struct {
	text  string // as it was written
	value func(*finding.Finding) string
}

// Error is what is wrong with a pattern.
type Error struct {
	Offset  int // in bytes
	Message string
	Mend    string
}

// Error says what is wrong, and the mend.
func (e *Error) Error() string { return e.Message + ": " + e.Mend }

// Parse reads a pattern. The error is an *Error.
func Parse(text string) (Pattern, error) {
	p := Pattern{text: text}
	if !strings.Contains(text, "{{") {
		p.parts = []part{{text: text}}
		return p, nil
	}
	tree := parse.New("pattern")
	if _, err := tree.Parse(text, "{{", "}}", map[string]*parse.Tree{}, known()); err != nil {
		return Pattern{}, syntax(err, text)
	}
	for _, node := range tree.Root.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			p.parts = append(p.parts, part{text: string(node.Text)})
		case *parse.ActionNode:
			value, err := pipe(node.Pipe)
			if err != nil {
				return Pattern{}, err
			}
			p.parts = append(p.parts, part{node.String(), value})
		default:
			return Pattern{}, fault(node, "%.40s is not used here", node.String())
		}
	}
	return p, nil
}

func fault(at parse.Node, message string, args ...any) *Error {
	return &Error{int(at.Position()), fmt.Sprintf(message, args...), `write a fact such as {{account}} or {{tag "team"}}, with | lower, | slug or | default "x" behind it`}
}

// known are the names that a pattern may use.
func known() map[string]any {
	out := map[string]any{"tag": 1, "lower": 1, "slug": 1, "default": 1}
	for _, f := range fact.All() {
		out[f.Name], out[f.Field] = 1, 1
	}
	return out
}

var notDefined = regexp.MustCompile(`function "([^"]*)" not defined`)

func syntax(err error, text string) *Error {
	e := &Error{strings.Index(text, "{{"), strings.TrimPrefix(err.Error(), "template: "), ""}
	if _, message, ok := strings.Cut(e.Message, ": "); ok {
		e.Message = message
	}
	e.Mend = `write it like acme/{{tag "team"}}`
	if found := notDefined.FindStringSubmatch(e.Message); found != nil {
		e.Message = fmt.Sprintf("%.40q is no fact and no function", found[1])
		e.Offset = max(strings.Index(text, found[1]), 0)
		words := append(fact.Names(), "tag", "lower", "slug", "default")
		if near := form.Near(found[1], words); near != "" {
			e.Mend = "did you mean " + near + "?"
		} else {
			e.Mend = "use " + form.Or(words)
		}
	}
	return e
}

// pipe turns what stands between the braces into a function of the finding.
func pipe(p *parse.PipeNode) (func(*finding.Finding) string, error) {
	if len(p.Decl) > 0 || p.IsAssign {
		return nil, fault(p, "variables are not used here")
	}
	var value func(*finding.Finding) string
	for _, command := range p.Cmds {
		next, err := call(command, value)
		if err != nil {
			return nil, err
		}
		value = next
	}
	return value, nil
}

// call is one word with what stands behind it; piped is what came through |.
func call(c *parse.CommandNode, piped func(*finding.Finding) string) (func(*finding.Finding) string, error) {
	args, err := arguments(c.Args, piped)
	if err != nil {
		return nil, err
	}
	word, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		if len(args) == 1 && piped == nil { // a text, or something in parentheses
			return args[0], nil
		}
		return nil, fault(c, "%.40s is no fact and no function", c.String())
	}
	args = args[1:]
	wants := map[string]int{"tag": 1, "lower": 1, "slug": 1, "default": 2}[word.Ident]
	if len(args) != wants {
		return nil, fault(word, "%s has %d values, and needs %d", word.Ident, len(args), wants)
	}
	switch word.Ident {
	case "tag":
		return func(f *finding.Finding) string { return f.Tags[args[0](f)] }, nil
	case "lower":
		return func(f *finding.Finding) string { return strings.ToLower(args[0](f)) }, nil
	case "slug":
		return func(f *finding.Finding) string { return Slug(args[0](f)) }, nil
	case "default":
		return func(f *finding.Finding) string {
			if text := args[1](f); text != "" {
				return text
			}
			return args[0](f)
		}, nil
	}
	found, _ := fact.Find(word.Ident)
	return found.Text, nil
}

func arguments(nodes []parse.Node, piped func(*finding.Finding) string) ([]func(*finding.Finding) string, error) {
	var out []func(*finding.Finding) string
	for i, node := range nodes {
		switch node := node.(type) {
		case *parse.StringNode:
			out = append(out, func(*finding.Finding) string { return node.Text })
		case *parse.PipeNode:
			value, err := pipe(node)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		case *parse.IdentifierNode:
			found, ok := fact.Find(node.Ident)
			if i > 0 && !ok {
				return nil, fault(node, "%s stands where a value belongs", node.Ident)
			}
			out = append(out, found.Text)
		default:
			return nil, fault(node, "%.40s is not used here", node.String())
		}
	}
	if piped != nil {
		out = append(out, piped)
	}
	return out, nil
}

// Slug is text as GitLab writes it in paths: lower case, with - for what is no
// letter of the English alphabet and no digit.
func Slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Empty says that there is none.
func (p Pattern) Empty() bool { return p.text == "" }

// Fixed says that it is the same for every finding.
func (p Pattern) Fixed() bool {
	return !slices.ContainsFunc(p.parts, func(each part) bool { return each.value != nil })
}

// Fill puts the parts of a finding in. The error says for people what the finding
// does not say.
func (p Pattern) Fill(f *finding.Finding) (string, error) {
	var b strings.Builder
	for _, each := range p.parts {
		if each.value == nil {
			b.WriteString(each.text)
			continue
		}
		text := each.value(f)
		if text == "" {
			return "", fmt.Errorf("%s is empty for this finding", each.text)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

var segment = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?$`)

// ValidPath says whether text is the path or the number of a project of GitLab;
// the error says why not.
func ValidPath(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return nil
	}
	segments := strings.Split(text, "/")
	if len(segments) < 2 {
		return fmt.Errorf("%.80q is no path of a project: write it with its group, such as acme/cloud-costs", text)
	}
	for _, s := range segments {
		if !segment.MatchString(s) || strings.HasSuffix(s, ".git") || strings.HasSuffix(s, ".atom") {
			return fmt.Errorf("%.80q is no path of a project: letters, digits, - _ and . are used in one, and a slash between its parts", text)
		}
	}
	return nil
}

// Path fills in a pattern that is the path or the number of a project. A value
// within a path is one part of it: only a pattern that is nothing but a value may
// hold slashes, so that nobody who writes a tag leaves the group that was meant.
func (p Pattern) Path(f *finding.Finding) (string, error) {
	text, err := p.Fill(f)
	if err != nil {
		return "", err
	}
	if len(p.parts) > 1 {
		for _, each := range p.parts {
			if each.value != nil && strings.ContainsAny(each.value(f), "/") {
				return "", fmt.Errorf("%s is %.60q, which has a slash", each.text, each.value(f))
			}
		}
	}
	return text, ValidPath(text)
}

// CheckPath says what is wrong with a pattern of a path before any finding is
// there: only what is fixed can be.
func (p Pattern) CheckPath() error {
	if p.Fixed() {
		return ValidPath(p.text)
	}
	for _, each := range p.parts {
		if each.value == nil && strings.Trim(each.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./") != "" {
			return fmt.Errorf("%.60q is no part of a path: letters, digits, - _ . and / are used in one", each.text)
		}
	}
	if strings.HasPrefix(p.text, "/") || strings.HasSuffix(p.text, "/") || strings.Contains(p.text, "//") {
		return errors.New("a path has no slash at its ends and no empty part: write it like acme/{{tag \"team\"}}")
	}
	return nil
}

// Package template is the title and the text of an issue as an administrator
// wrote them: Go templates over what is known of a group (View), with a small
// set of functions, and a library of them for the common opportunities.
//
// What always holds: the template's own text is Markdown that is trusted, but for
// quick actions, HTML and cxm's marker; whatever comes out of an action is text,
// made inert for the place it stands in when the whole template has run, whatever
// the template did with it. What cannot be told to be a code span or a fence is
// running text, and is escaped so that GitLab does not take it for one. A template
// reaches nothing but its View, and ends: it does not recurse, and has a budget of
// steps and of bytes. The same template and view give the same bytes.
package template

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	text "text/template"
	"text/template/parse"

	"cxm/internal/issue/inert"
)

// What a template may take and give.
const (
	MaxSource  = 64 << 10  // bytes of a template's title and text together
	MaxBody    = 180_000   // bytes of a body
	MaxMembers = 200       // claims, and resources, that a view lists
	maxSteps   = 100_000   // turns of a loop and calls of a function; long texts count more
	maxOutput  = 512 << 10 // bytes of all that is printed, before it is shortened
	maxValue   = 64 << 10  // bytes of one text that a function makes
)

// Template is a title and a body, checked and ready. It is immutable and safe for
// concurrent use.
type Template struct {
	name        string
	title, body *text.Template
	sources     map[string]string // of title and body, as they were written
	digest      string
	tags        []string // the names of the tags it shows, sorted; "*": all
}

// Problem is one thing that is wrong with a template.
type Problem struct {
	Part    string // "title" or "body"
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string
	Mend    string // the next step; never empty
}

// Problems is why a template is refused, in the order of its text.
type Problems struct {
	Name string // of the template
	List []Problem
}

// Error lists all problems, one a line.
func (p *Problems) Error() string {
	var lines []string
	for _, each := range p.List {
		lines = append(lines, fmt.Sprintf("template %s: %s, line %d, column %d: %s. %s", p.Name, each.Part, each.Line, each.Column, each.Message, each.Mend))
	}
	return strings.Join(lines, "\n")
}

// Parse checks a template and makes it ready. The error is *Problems. An empty
// title stands for the one an issue has without a template.
func Parse(name, title, body string) (*Template, error) {
	t := &Template{name: name, sources: map[string]string{"title": lf(title), "body": lf(body)}}
	sum := sha256.Sum256([]byte(title + "\x00" + body))
	t.digest = hex.EncodeToString(sum[:16])
	problems := &Problems{Name: name}
	if len(title)+len(body) > MaxSource {
		problems.List = []Problem{{Part: "body", Line: 1, Column: 1, Message: fmt.Sprintf("it has more than %d bytes", MaxSource), Mend: "Shorten it: an issue is read on a phone."}}
		return nil, problems
	}
	if strings.TrimSpace(body) == "" {
		problems.List = []Problem{{Part: "body", Line: 1, Column: 1, Message: "it is empty", Mend: "Write what is to be done, or leave the template out."}}
		return nil, problems
	}
	tags := map[string]bool{}
	t.title = prepare("title", t.sources["title"], tags, problems)
	t.body = prepare("body", t.sources["body"], tags, problems)
	t.tags = slices.Sorted(maps.Keys(tags))
	if len(problems.List) == 0 {
		t.try(problems)
	}
	if len(problems.List) > 0 {
		return nil, problems
	}
	return t, nil
}

func lf(source string) string { return strings.ReplaceAll(source, "\r\n", "\n") }

// prepare parses, checks and rewrites one of the two texts.
func prepare(part, source string, tags map[string]bool, problems *Problems) *text.Template {
	c := &checker{part: part, source: source, problems: problems, tags: tags}
	c.literal()
	parsed, err := text.New(part).Option("missingkey=zero").Funcs(newRun(&View{}).funcs()).Parse(standalone(source))
	if err != nil {
		c.problem(unparsed(source, err))
		return nil
	}
	c.check(parsed)
	for _, each := range parsed.Templates() {
		rewrite(each.Tree)
	}
	return parsed
}

// try runs the template once over what it may meet, so that what always fails
// is told now.
func (t *Template) try(problems *Problems) {
	for i, view := range samples() {
		_, err := t.Title(view)
		if err == nil {
			_, err = t.Body(view)
		}
		var trouble *Problems
		if errors.As(err, &trouble) && (i == fullSample || trouble.List[0].Message != printedNothing) {
			problems.List = trouble.List
			return
		}
	}
}

const printedNothing = "it printed nothing at all"

// Name is what the template is called.
func (t *Template) Name() string { return t.name }

// Digest changes when the text of the template does.
func (t *Template) Digest() string { return t.digest }

// Tags lists the names of the tags that the template shows, sorted; "*" is all.
func (t *Template) Tags() []string { return t.tags }

// Title is the title for a view: one line, inert. It is empty when the template
// has none, or prints none. The error is *Problems.
func (t *Template) Title(v *View) (string, error) {
	r := newRun(v)
	out, err := t.execute(t.title, r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range pieces(out, r.values) {
		if p.value != nil {
			b.WriteString(p.value.plain())
			continue
		}
		b.WriteString(p.literal)
	}
	return inert.Title(b.String()), nil
}

// Body is the text for a view.
type Body struct {
	Text      string // Markdown, at most MaxBody bytes
	Next      bool   // it holds what cxm will do next
	Checklist bool   // it holds the checklist
	Summary   bool   // it holds the paragraph that says what to do, or that it is gone
}

// Body is the body for a view. What a finding says at length gets less room until
// all of it fits. The error is *Problems.
func (t *Template) Body(v *View) (Body, error) {
	r := newRun(v)
	out, err := t.execute(t.body, r)
	if err != nil {
		return Body{}, err
	}
	for room := inert.MaxFenced; ; room /= 4 {
		body := compose(out, r.values, room)
		switch {
		case len(body) <= MaxBody && strings.TrimSpace(body) == "":
			return Body{}, t.problem("body", printedNothing, "Write some text that does not depend on anything.")
		case len(body) <= MaxBody:
			return Body{Text: body, Next: r.used["next"], Checklist: r.used["checklist"], Summary: r.used["summary"]}, nil
		case room == 0:
			return Body{}, t.problem("body", fmt.Sprintf("it printed more than %d bytes", MaxBody), "Print less: shorten lists with .Members and .MembersLeft, and long texts with truncate.")
		}
	}
}

// Execute is Title and Body at once.
func (t *Template) Execute(v *View) (title, body string, err error) {
	if title, err = t.Title(v); err != nil {
		return "", "", err
	}
	b, err := t.Body(v)
	return title, b.Text, err
}

func (t *Template) problem(part, message, mend string) error {
	return &Problems{Name: t.name, List: []Problem{{Part: part, Line: 1, Column: 1, Message: message, Mend: mend}}}
}

// execute runs one of the two texts. Its values stand in what it returns as
// numbers between NULs.
func (t *Template) execute(parsed *text.Template, r *run) (string, error) {
	bound, err := parsed.Clone()
	if err != nil {
		return "", t.problem(parsed.Name(), err.Error(), "Report this: it should not happen.")
	}
	out := &limited{}
	if err := bound.Funcs(r.funcs()).Execute(out, r.view); err != nil {
		return "", &Problems{Name: t.name, List: []Problem{t.failed(parsed.Name(), err)}}
	}
	return out.String(), nil
}

// limited takes what a template prints, up to a limit.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxOutput {
		return 0, errBytes
	}
	return l.Builder.Write(p)
}

// rewrite makes every action hand what it prints to hold, and every list of nodes
// begin with a step, as html/template rewrites its trees.
func rewrite(tree *parse.Tree) {
	if tree != nil && tree.Root != nil {
		rewriter{tree}.list(tree.Root)
	}
}

type rewriter struct{ tree *parse.Tree }

func (r rewriter) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, r.call(holdName, n.Pos))
			}
		case *parse.IfNode:
			r.list(n.List)
			r.list(n.ElseList)
		case *parse.RangeNode:
			r.list(n.List)
			r.list(n.ElseList)
		case *parse.WithNode:
			r.list(n.List)
			r.list(n.ElseList)
		}
	}
	step := &parse.ActionNode{NodeType: parse.NodeAction, Pos: l.Pos, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: l.Pos, Cmds: []*parse.CommandNode{r.call(stepName, l.Pos)}}}
	l.Nodes = append([]parse.Node{step}, l.Nodes...)
}

func (r rewriter) call(name string, at parse.Pos) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{parse.NewIdentifier(name).SetTree(r.tree).SetPos(at)}}
}

// place is the line and column, from 1, of a byte of a text.
func place(source string, at int) (line, column int) {
	before := source[:min(max(at, 0), len(source))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
}

// offset is where a line begins in a text.
func offset(source string, line int) int {
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(source[at:], '\n') + 1
	}
	return at
}

// unparsed is what the library says about a text that is no template.
func unparsed(source string, err error) Problem {
	p := Problem{Line: 1, Column: 1, Message: err.Error(), Mend: "See docs/templates.md for what a template may hold."}
	if m := parseTrouble.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Message = m[2]
	}
	if lines := strings.Split(source, "\n"); p.Line >= 1 && p.Line <= len(lines) {
		if at := strings.Index(lines[p.Line-1], "{{"); at >= 0 {
			p.Column = 1 + len([]rune(lines[p.Line-1][:at]))
		}
	}
	if strings.Contains(p.Message, "not defined") && strings.Contains(p.Message, "function") {
		p.Mend = "The functions are: " + strings.Join(Functions(), ", ") + "."
	}
	return p
}

// failed is what the library says about a template that failed while it ran.
func (t *Template) failed(part string, err error) Problem {
	p := Problem{Part: part, Line: 1, Column: 1, Message: err.Error(), Mend: "Ask whether it is there first, with if or with."}
	if m := execTrouble.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		byteOf, _ := strconv.Atoi(m[2])
		p.Line, p.Column = place(t.sources[part], offset(standalone(t.sources[part]), line)+byteOf)
		p.Message = m[3]
	}
	for _, limit := range []error{errSteps, errBytes, errValue} {
		if errors.Is(err, limit) {
			p.Message, p.Mend = limit.Error(), "Shorten its loops: a view lists at most "+strconv.Itoa(MaxMembers)+" members."
		}
	}
	return p
}

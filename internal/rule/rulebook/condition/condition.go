// Package condition is the language in which a rule says which findings it is
// about: CEL over the facts of a finding.
//
// What always holds: a condition that compiles is true or false for every
// finding and never panics; what cannot be evaluated does not match, and the
// reason says so; amounts are compared exactly and only within one currency;
// there is no clock, so the same finding always gives the same answer.
package condition

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
)

// What one condition may cost. A unit is about one step of the evaluation;
// reading 10 characters of text is one, too.
const (
	costLimit = 100_000
	maxSize   = 8 << 10 // characters
	maxNested = 1       // all() within all()
)

// Language compiles conditions. It is safe for concurrent use.
type Language struct {
	env   *cel.Env
	facts []fact.Fact
	at    map[string]int // name -> where a Subject keeps its value
}

// Fault is what is wrong with the text of a condition.
type Fault struct {
	Offset  int // in bytes
	Message string
	Mend    string
}

// Condition is one that compiled. It is immutable and safe for concurrent use.
type Condition struct {
	text    string
	lang    *Language
	ast     *cel.Ast
	program cel.Program
	guards  []guard
}

// guard is what must be so for the condition to be true, cheap to look at.
type guard func(*finding.Finding) bool

// Compile checks a condition. It has no faults exactly when the condition is there.
func (l *Language) Compile(text string) (*Condition, []Fault) {
	parsed, issues := l.env.Parse(text)
	if issues.Err() != nil {
		return nil, l.faults(text, issues)
	}
	wrong := amountFaults(text, parsed.NativeRep().SourceInfo())
	checked, issues := l.env.Check(parsed)
	if issues.Err() != nil {
		wrong = append(wrong, l.faults(text, issues)...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, []Fault{{Message: "is " + typeName(checked.OutputType()) + ", not true or false", Mend: "compare it with something, such as == \"…\""}}
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if repeats(checked.NativeRep().Expr()) {
		options = append(options, cel.CostLimit(costLimit))
	}
	program, err := l.env.Program(checked, options...)
	if err != nil {
		return nil, []Fault{{Message: clean(err.Error()), Mend: "write it more plainly"}}
	}
	c := &Condition{text: text, lang: l, ast: checked, program: program}
	c.guards = l.guards(nil, checked.NativeRep().Expr())
	return c, nil
}

// Text is the condition as it was written.
func (c *Condition) Text() string { return c.text }

// repeats says whether an expression goes over a list or a map. One that does
// not is done after as many steps as it has parts, and needs no limit.
func repeats(e ast.Expr) bool {
	found := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.ComprehensionKind
	}))
	return found
}

// Matches says whether the condition is true for a finding. With an error it is
// not: it could not be evaluated.
func (c *Condition) Matches(s *Subject) (bool, error) {
	for _, holds := range c.guards {
		if !holds(s.finding) {
			return false, nil
		}
	}
	value, _, err := c.program.Eval(s)
	if err != nil {
		return false, failure(err)
	}
	yes, ok := value.Value().(bool)
	return ok && yes, nil
}

// failure is the error of an evaluation in words for people.
func failure(err error) error {
	text := clean(err.Error())
	switch key, missing := strings.CutPrefix(text, "no such key: "); {
	case missing:
		return fmt.Errorf("there is no %q: use tag(%q), which is empty then, or %q in tags", key, key, key)
	case strings.Contains(text, "cost limit"):
		return errors.New("it takes too long: compare fewer things with each other")
	}
	return errors.New(text)
}

// guards collects from the operands of the outermost && those that compare a
// fact, a tag or an amount with what the condition names. A condition with one of
// them false is false, whatever the others are.
func (l *Language) guards(into []guard, e ast.Expr) []guard {
	if e.Kind() != ast.CallKind {
		return into
	}
	var g guard
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		for _, arg := range args {
			into = l.guards(into, arg)
		}
	case operators.Equals:
		if g = l.equal(args[0], args[1]); g == nil {
			g = l.equal(args[1], args[0])
		}
	case amountFunction:
		g = amountGuard(args)
	}
	if g != nil {
		into = append(into, g)
	}
	return into
}

// equal is the guard of a fact or a tag that is compared with a text; nil: it is none.
func (l *Language) equal(left, right ast.Expr) guard {
	want, ok := literal(right)
	if !ok {
		return nil
	}
	switch left.Kind() {
	case ast.IdentKind:
		if i, known := l.at[left.AsIdent()]; known && i < len(l.facts) {
			text := l.facts[i].Text
			return func(f *finding.Finding) bool { return text(f) == want }
		}
	case ast.CallKind:
		if left.AsCall().FunctionName() != tagFunction {
			return nil
		}
		if tag, ok := literal(left.AsCall().Args()[1]); ok {
			return func(f *finding.Finding) bool { return f.Tags[tag] == want }
		}
	}
	return nil
}

// amountGuard is the guard of saves("50 USD").
func amountGuard(args []ast.Expr) guard {
	which, _ := literal(args[1])
	digits, _ := literal(args[2])
	code, _ := literal(args[3])
	bound, err := money.Parse(digits)
	if err != nil {
		return nil
	}
	return func(f *finding.Finding) bool { return reaches(f, which, bound, code) }
}

// literal is the text that an expression is.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().Value().(string)
	return text, ok
}

// faults puts the compiler's messages into words for people.
func (l *Language) faults(text string, issues *cel.Issues) []Fault {
	var out []Fault
	for _, issue := range issues.Errors() {
		message := clean(issue.Message)
		out = append(out, Fault{Offset: offset(text, issue.Location.Line(), issue.Location.Column()), Message: message, Mend: l.mend(message)})
	}
	return out
}

// offset is where a line (from 1) and a column (from 0, in characters) stand.
func offset(text string, line, column int) int {
	at := 0
	for range line - 1 {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	for i := range text[at:] {
		if column == 0 {
			return at + i
		}
		column--
	}
	return len(text)
}

// clean takes out of a message what only this package knows.
func clean(message string) string {
	message = strings.NewReplacer("@tag", "tag", "(finding, ", "(", "(in container '')", "", "@finding", "finding").Replace(message)
	message = strings.TrimPrefix(message, "Syntax error: ")
	message, _, _ = strings.Cut(message, "\n")
	message, _, _ = strings.Cut(message, " (did you mean")      // it does not know what is hidden
	if cut := strings.Index(message, " expecting {"); cut > 0 { // a list of all that could stand there
		message = message[:cut]
	}
	return strings.TrimSpace(message)
}

func (l *Language) mend(message string) string {
	const undeclared = "undeclared reference to '"
	if rest, ok := strings.CutPrefix(message, undeclared); ok {
		name, _, _ := strings.Cut(rest, "'")
		switch name {
		case "savings", "EstimatedMonthlySavings":
			return `compare an exact amount: saves("50 USD"), or savings_known`
		case "cost":
			return `compare an exact amount: costs("50 USD")`
		case "now":
			return "conditions have no clock, so that the same finding always gives the same answer"
		}
		if near := form.Near(name, l.names()); near != "" {
			return "did you mean " + near + "?"
		}
		return "use one of " + form.Or(l.names())
	}
	switch {
	case strings.HasPrefix(message, "found no matching overload"):
		return `compare like with like: text with "text", severity with HIGH, an amount with saves("50 USD")`
	case strings.Contains(message, "mismatched input"), strings.Contains(message, "extraneous input"), strings.Contains(message, "token recognition"):
		return `a condition looks like kind == "cost" && saves("50 USD")`
	}
	return ""
}

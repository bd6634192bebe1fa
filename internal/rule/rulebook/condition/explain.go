package condition

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"

	"cxm/internal/money"
)

// Failure is the smallest part of a condition that kept it from being true.
type Failure struct {
	Part string // the part, as it was written
	Was  string // "false", "true" (under a negation), or why it could not be evaluated
	Seen string // the values it saw: savings is 12.40 USD
}

// String is the failure as a clause: saves("50 USD") is false: savings is 12.40 USD.
func (f Failure) String() string {
	was := " is " + f.Was
	if f.Was != "true" && f.Was != "false" {
		was = " could not be evaluated, " + f.Was
	}
	if f.Seen == "" {
		return f.Part + was
	}
	return f.Part + was + ": " + f.Seen
}

// Explain says which parts kept the condition from being true: none when it is
// true. A part of an || is there with all its sisters, since each had to fail.
func (c *Condition) Explain(s *Subject) []Failure {
	program, err := c.lang.env.Program(c.ast, cel.EvalOptions(cel.OptExhaustiveEval), cel.CostLimit(10*costLimit))
	if err != nil {
		return []Failure{{Part: c.text, Was: clean(err.Error())}}
	}
	value, details, err := program.Eval(s)
	if err == nil && value == types.True {
		return nil
	}
	w := walk{subject: s, failed: err, info: c.ast.NativeRep().SourceInfo()}
	if details != nil {
		w.state = details.State()
	}
	if out := w.why(c.ast.NativeRep().Expr(), false); len(out) > 0 {
		return out
	}
	failed := Failure{Part: c.text, Was: "false"}
	if err != nil {
		failed.Was = failure(err).Error()
	}
	return []Failure{failed}
}

// walk looks for the parts that made a value what it is.
type walk struct {
	subject *Subject
	failed  error // why the evaluation ended early; nil: it did not
	state   interpreter.EvalState
	info    *ast.SourceInfo
}

// value is what a part was; nil when it was not evaluated.
func (w *walk) value(e ast.Expr) ref.Val {
	if w.state == nil {
		return nil
	}
	v, _ := w.state.Value(e.ID())
	return v
}

// is says whether a part came out as was, or failed.
func (w *walk) is(e ast.Expr, was bool) bool {
	v := w.value(e)
	return v == nil || types.IsError(v) || v == types.Bool(was)
}

// why lists the smallest parts because of which e came out as was.
func (w *walk) why(e ast.Expr, was bool) []Failure {
	if !w.is(e, was) {
		return nil
	}
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch name := call.FunctionName(); {
		case name == operators.LogicalNot:
			return w.why(call.Args()[0], !was)
		case isLogic(name):
			return w.operands(flat(name, e), was, (name == operators.LogicalAnd) == !was)
		}
	}
	return []Failure{w.leaf(e, was)}
}

// operands explains && and ||: one false operand is enough for &&, all have to
// be false for ||.
func (w *walk) operands(parts []ast.Expr, was, oneIsEnough bool) []Failure {
	var failed, errored []Failure
	for _, part := range parts {
		if !w.is(part, was) {
			continue
		}
		found := w.why(part, was)
		if oneIsEnough && w.value(part) == types.Bool(was) {
			return found
		}
		if oneIsEnough {
			errored = append(errored, found...)
			continue
		}
		failed = append(failed, found...)
	}
	if len(errored) > 0 {
		return errored[:1]
	}
	return failed
}

// flat lists the operands of a chain of one operator, in their order.
func flat(operator string, e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return []ast.Expr{e}
	}
	var out []ast.Expr
	for _, arg := range e.AsCall().Args() {
		out = append(out, flat(operator, arg)...)
	}
	return out
}

func (w *walk) leaf(e ast.Expr, was bool) Failure {
	f := Failure{Part: w.text(e), Was: fmt.Sprint(was), Seen: strings.Join(w.seen(nil, e), ", ")}
	if f.Seen == f.Part+" is "+f.Was {
		f.Seen = ""
	}
	switch v := w.value(e).(type) {
	case *types.Err:
		f.Was = failure(v).Error()
	case nil:
		if w.failed != nil {
			f.Was = failure(w.failed).Error()
		}
	}
	return f
}

// text is the part as it was written, on one line.
func (w *walk) text(e ast.Expr) string {
	text, err := parser.Unparse(e, w.info, parser.WrapOnColumn(1<<20))
	if err != nil {
		return "the condition"
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// seen lists what the part read of the finding, each once.
func (w *walk) seen(into []string, e ast.Expr) []string {
	add := func(text string) []string {
		if text == "" || slices.Contains(into, text) {
			return into
		}
		return append(into, text)
	}
	switch e.Kind() {
	case ast.IdentKind:
		return add(w.ident(e.AsIdent()))
	case ast.SelectKind:
		return w.seen(into, e.AsSelect().Operand())
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			into = w.seen(into, item)
		}
	case ast.ComprehensionKind:
		return w.seen(into, e.AsComprehension().IterRange())
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case amountFunction:
			return add(w.amount(call.Args()[1]))
		case tagFunction:
			return add(fmt.Sprintf("%s is %s", w.text(e), show(w.value(e))))
		}
		if call.IsMemberFunction() {
			into = w.seen(into, call.Target())
		}
		for _, arg := range call.Args() {
			into = w.seen(into, arg)
		}
	}
	return into
}

// ident is a variable with its value.
func (w *walk) ident(name string) string {
	value, known := w.subject.ResolveName(name)
	v, isValue := value.(ref.Val)
	if !known || !isValue || strings.HasPrefix(name, "@") {
		return ""
	}
	if name == "severity" || name == "SeverityId" {
		return name + " is " + strings.ToUpper(w.subject.finding.SeverityID.String())
	}
	return name + " is " + show(v)
}

func (w *walk) amount(which ast.Expr) string {
	f := w.subject.finding
	amount, name := f.EstimatedMonthlySavings, "savings"
	if which.AsLiteral() == types.String("cost") {
		amount, name = f.EstimatedMonthlyCost, "cost"
	}
	if !amount.Valid {
		return name + " is not known"
	}
	return name + " is " + money.Show(amount.Decimal, f.BillingCurrency)
}

// show is a value for a person, cut where it is long.
func show(v ref.Val) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case types.String:
		return fmt.Sprintf("%q", cut(string(v)))
	case types.Bool, types.Int, types.Double, types.Uint:
		return fmt.Sprint(v.Value())
	case *types.Err:
		return "not there"
	}
	switch held := v.Value().(type) {
	case []string:
		return cut(fmt.Sprintf("%q", held))
	case map[string]string:
		names := make([]string, 0, len(held))
		for name, value := range held {
			names = append(names, name+"="+value)
		}
		slices.Sort(names)
		return cut(fmt.Sprintf("%q", names))
	}
	return cut(fmt.Sprint(v.Value()))
}

func cut(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// Explanation puts failures into one sentence.
func Explanation(failures []Failure) string {
	parts := make([]string, len(failures))
	for i, f := range failures {
		parts[i] = f.String()
	}
	return strings.Join(parts, "; ")
}

var _ interface {
	ref.Val
	cel.Activation
} = (*Subject)(nil)

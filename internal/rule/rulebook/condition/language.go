package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
)

// Names that no condition can write: macros put them in.
const (
	subjectName    = "@finding"
	tagFunction    = "@tag"
	amountFunction = "@amount" // (finding, which, digits, currency)
)

// What a Subject keeps beside the facts, in this order behind them.
const (
	aliases = iota
	tags
	lookback
	savingsKnown
	costKnown
	whole
	others
)

// NewLanguage builds the language. The error is a mistake in this package.
func NewLanguage() (*Language, error) {
	l := &Language{at: map[string]int{}}
	for _, f := range fact.All() {
		if f.Name == "severity" {
			continue // it is a number here, so that it has an order
		}
		l.at[f.Name], l.at[f.Field] = len(l.facts), len(l.facts)
		l.facts = append(l.facts, f)
	}
	options := []cel.EnvOption{
		cel.ParserExpressionSizeLimit(maxSize), cel.ParserRecursionLimit(50), cel.EnableMacroCallTracking(),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(maxNested), cel.ValidateRegexProgramSizeLimit(2000)),
		cel.Macros(
			cel.GlobalMacro("tag", 1, expandTag),
			cel.GlobalMacro("saves", 1, expandAmount("savings")),
			cel.GlobalMacro("costs", 1, expandAmount("cost")),
		),
	}
	for name := range l.at {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	options = append(options, l.values()...)
	options = append(options, functions()...)
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("build the language of conditions: %w", err)
	}
	l.env = env
	return l, nil
}

// values declares what is no text.
func (l *Language) values() []cel.EnvOption {
	options := []cel.EnvOption{}
	declare := func(which int, t *cel.Type, names ...string) {
		for _, name := range names {
			l.at[name] = len(l.facts) + which
			options = append(options, cel.Variable(name, t))
		}
	}
	declare(aliases, cel.ListType(cel.StringType), "aliases", "ResourceAliases")
	declare(tags, cel.MapType(cel.StringType, cel.StringType), "tags", "Tags")
	declare(lookback, cel.IntType, "lookback_days", "LookbackDays")
	declare(savingsKnown, cel.BoolType, "savings_known")
	declare(costKnown, cel.BoolType, "cost_known")
	declare(whole, subjectType(), subjectName)
	declare(others, cel.IntType, "severity", "SeverityId")
	for s := finding.SeverityUnknown; s <= finding.Fatal; s++ {
		options = append(options, cel.Constant(strings.ToUpper(s.String()), cel.IntType, types.Int(s)))
	}
	return options
}

// names lists what a person may write.
func (l *Language) names() []string {
	return append(fact.Names(), "tags", "aliases", "lookback_days", "savings_known", "cost_known", "tag", "saves", "costs", "lower",
		"UNKNOWN", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL", "true", "false", "has", "size", "matches", "contains", "startsWith", "endsWith")
}

func subjectType() *cel.Type { return cel.ObjectType("finding") }

func functions() []cel.EnvOption {
	subject := subjectType()
	return []cel.EnvOption{
		cel.Function(tagFunction, cel.Overload("finding_tag", []*cel.Type{subject, cel.StringType}, cel.StringType, cel.BinaryBinding(readTag))),
		cel.Function(amountFunction, cel.Overload("finding_amount", []*cel.Type{subject, cel.StringType, cel.StringType, cel.StringType}, cel.BoolType, cel.FunctionBinding(atLeast))),
		cel.Function("lower", cel.Overload("lower_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			text, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(strings.ToLower(string(text)))
		}))),
	}
}

func readTag(subject, name ref.Val) ref.Val {
	s, ok := subject.(*Subject)
	text, isText := name.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(name)
	}
	return types.String(s.finding.Tags[string(text)])
}

// atLeast compares an amount of the finding with one that the macro has read:
// what is not known or in another currency is not at least anything.
func atLeast(args ...ref.Val) ref.Val {
	s, ok := args[0].(*Subject)
	which, _ := args[1].(types.String)
	digits, _ := args[2].(types.String)
	code, isText := args[3].(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	bound, err := money.Parse(string(digits))
	if err != nil {
		return types.NewErr("%s", err.Error())
	}
	return types.Bool(reaches(s.finding, string(which), bound, string(code)))
}

// reaches says whether an amount of the finding is known, in the currency, and at
// least the bound.
func reaches(f *finding.Finding, which string, bound decimal.Decimal, code string) bool {
	amount := f.EstimatedMonthlySavings
	if which == "cost" {
		amount = f.EstimatedMonthlyCost
	}
	return amount.Valid && f.BillingCurrency == code && amount.Decimal.GreaterThanOrEqual(bound)
}

// expandTag makes tag("x") out of the finding at hand.
func expandTag(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	return eh.NewCall(tagFunction, eh.NewIdent(subjectName), args[0]), nil
}

// expandAmount makes saves("50 USD") out of the finding at hand and the amount in
// its parts. What is no amount is told by amountFaults, so that a condition is
// told everything that is wrong with it at once.
func expandAmount(which string) cel.MacroFactory {
	return func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		amount, err := readAmount(args[0])
		if err != nil {
			amount = form.Amount{}
		}
		return eh.NewCall(amountFunction, eh.NewIdent(subjectName), eh.NewLiteral(types.String(which)),
			eh.NewLiteral(types.String(amount.Value.String())), eh.NewLiteral(types.String(amount.Currency))), nil
	}
}

func readAmount(arg ast.Expr) (form.Amount, error) {
	text, ok := "", false
	if arg.Kind() == ast.LiteralKind {
		text, ok = arg.AsLiteral().Value().(string)
	}
	if !ok {
		return form.Amount{}, errors.New(`an amount is text with its currency: write it like "50 USD"`)
	}
	amount, err := form.ParseAmount(text)
	if err == nil && amount.Value.IsNegative() {
		err = fmt.Errorf("%.40q is below zero: write zero or more", text)
	}
	return amount, err
}

// amountFaults lists what is wrong with the amounts of a condition, in its order.
func amountFaults(text string, info *ast.SourceInfo) []Fault {
	var out []Fault
	for _, call := range info.MacroCalls() {
		if call.Kind() != ast.CallKind || !slices.Contains([]string{"saves", "costs"}, call.AsCall().FunctionName()) {
			continue
		}
		arg := call.AsCall().Args()[0]
		if _, err := readAmount(arg); err != nil {
			at := info.GetStartLocation(arg.ID())
			message, mend, _ := strings.Cut(err.Error(), ": ")
			out = append(out, Fault{Offset: offset(text, at.Line(), at.Column()), Message: message, Mend: mend})
		}
	}
	slices.SortFunc(out, func(a, b Fault) int { return a.Offset - b.Offset })
	return out
}

// typeName is a type of CEL for a person.
func typeName(t *cel.Type) string {
	switch t.Kind() {
	case types.StringKind:
		return "text"
	case types.IntKind, types.UintKind, types.DoubleKind:
		return "a number"
	case types.ListKind:
		return "a list"
	case types.MapKind:
		return "a map"
	}
	return t.String()
}

// isLogic says whether a call is && or ||.
func isLogic(function string) bool {
	return function == operators.LogicalAnd || function == operators.LogicalOr
}

package condition

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"cxm/internal/finding"
)

// Subject is a finding as conditions see it. It is for one goroutine, and for
// one finding at a time: what conditions ask for is kept for the next one.
type Subject struct {
	lang    *Language
	finding *finding.Finding
	values  []ref.Val
	kind    ref.Type
}

// Subject makes an empty one, to be used again and again.
func (l *Language) Subject() *Subject {
	return &Subject{lang: l, kind: subjectType(), values: make([]ref.Val, len(l.facts)+others+1)}
}

// About turns the subject to a finding, which it reads until the next call.
func (s *Subject) About(f *finding.Finding) *Subject {
	clear(s.values)
	s.finding = f
	return s
}

// ResolveName is how CEL asks for a variable.
func (s *Subject) ResolveName(name string) (any, bool) {
	i, known := s.lang.at[name]
	if !known {
		return nil, false
	}
	if s.values[i] == nil {
		s.values[i] = s.read(i)
	}
	return s.values[i], true
}

// Parent is nothing: there is no scope around a finding.
func (s *Subject) Parent() cel.Activation { return nil }

func (s *Subject) read(i int) ref.Val {
	if i < len(s.lang.facts) {
		return types.String(s.lang.facts[i].Text(s.finding))
	}
	switch i - len(s.lang.facts) {
	case aliases:
		return types.NewStringList(types.DefaultTypeAdapter, s.finding.ResourceAliases)
	case tags:
		return types.NewStringStringMap(types.DefaultTypeAdapter, s.finding.Tags)
	case lookback:
		return types.Int(s.finding.LookbackDays)
	case savingsKnown:
		return types.Bool(s.finding.EstimatedMonthlySavings.Valid)
	case costKnown:
		return types.Bool(s.finding.EstimatedMonthlyCost.Valid)
	case whole:
		return s
	}
	return types.Int(s.finding.SeverityID)
}

// ConvertToNative refuses: a finding is no value of another language.
func (s *Subject) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a finding is no %v", t)
}

// ConvertToType refuses.
func (s *Subject) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a finding is no %s", t.TypeName())
}

// Equal says whether it is the same.
func (s *Subject) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(s)) }

// Type is its type.
func (s *Subject) Type() ref.Type { return s.kind }

// Value is the finding.
func (s *Subject) Value() any { return s.finding }

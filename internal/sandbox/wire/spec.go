package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the declared type of a parameter.
type Kind int

// The kinds. Lists take arrays and comma-separated strings.
const (
	String Kind = iota
	Integer
	Boolean
	Date     // a day
	Time     // a moment
	List     // strings
	Integers // numbers
	Hash     // an object, or anything: kept as it comes
	IDOrWord // an integer, or one of Values ("None", "Any")
)

// Param is one declared parameter.
type Param struct {
	Name     string
	Kind     Kind
	Required bool
	NotBlank bool
	Values   []string // allowed values; nil: any
	Default  any
}

// Spec declares the parameters of an endpoint.
type Spec struct {
	Params     []Param
	Exclusive  [][]string // of each set at most one may be given
	AtLeastOne []string   // of these at least one must be given
	ExactlyOne []string   // of these exactly one must be given
}

// Parse holds raw parameters to the declaration. The error lists all faults
// in the order of declaration, as Grape words them.
func (s Spec) Parse(raw Values) (Params, error) {
	p := Params{given: map[string]bool{}, values: map[string]any{}, raw: raw}
	var faults []string
	for _, d := range s.Params {
		if fault := p.take(d); fault != "" {
			faults = append(faults, d.Name+" "+fault)
		}
	}
	faults = append(faults, s.together(raw)...)
	if len(faults) > 0 {
		return p, Problem(http.StatusBadRequest, strings.Join(faults, ", "))
	}
	return p, nil
}

// together checks the rules over several parameters.
func (s Spec) together(raw Values) []string {
	var faults []string
	for _, set := range s.Exclusive {
		if given := present(raw, set); len(given) > 1 {
			faults = append(faults, strings.Join(given, ", ")+" are mutually exclusive")
		}
	}
	if len(s.AtLeastOne) > 0 && len(present(raw, s.AtLeastOne)) == 0 {
		faults = append(faults, strings.Join(s.AtLeastOne, ", ")+" are missing, at least one parameter must be provided")
	}
	if given := present(raw, s.ExactlyOne); len(s.ExactlyOne) > 0 && len(given) != 1 {
		fault := " are missing, exactly one parameter must be provided"
		if len(given) > 1 {
			fault = " are mutually exclusive"
		}
		faults = append(faults, strings.Join(s.ExactlyOne, ", ")+fault)
	}
	return faults
}

func present(raw Values, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, ok := raw[n]; return !ok })
}

// take coerces one parameter and gives Grape's complaint, "" if there is none.
func (p *Params) take(d Param) string {
	raw, given := p.raw[d.Name]
	if !given {
		if d.Required {
			return "is missing"
		}
		if d.Default != nil {
			p.values[d.Name] = d.Default
		}
		return ""
	}
	p.given[d.Name] = true
	value, ok := coerce(d, raw)
	if !ok {
		return "is invalid"
	}
	if blank(value) && (d.NotBlank || d.Kind == Boolean && value == nil) {
		return "is empty"
	}
	if fault := allowed(d, value); fault != "" {
		return fault
	}
	p.values[d.Name] = value
	return ""
}

func blank(v any) bool {
	s, isText := v.(string)
	return v == nil || isText && strings.TrimSpace(s) == ""
}

func allowed(d Param, value any) string {
	if len(d.Values) == 0 || value == nil || d.Kind == IDOrWord {
		return ""
	}
	given := []string{fmt.Sprint(value)}
	if list, ok := value.([]string); ok {
		given = list
	}
	for _, one := range given {
		if !slices.Contains(d.Values, one) {
			return "does not have a valid value"
		}
	}
	return ""
}

// coerce turns a raw value into the declared kind; nil stays nil.
func coerce(d Param, raw any) (any, bool) {
	switch d.Kind {
	case Hash:
		return raw, true
	case List:
		return stringList(raw)
	case Integers:
		return integerList(raw)
	}
	if raw == nil {
		return nil, true
	}
	text, ok := scalar(raw)
	if !ok {
		return nil, false
	}
	return coerceText(d, text)
}

func coerceText(d Param, text string) (any, bool) {
	if d.Kind == String {
		return text, true
	}
	if text == "" {
		return nil, true
	}
	switch d.Kind {
	case Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case Boolean:
		return truth(text)
	case IDOrWord:
		if slices.ContainsFunc(d.Values, func(w string) bool { return strings.EqualFold(w, text) }) {
			return strings.ToLower(text), true
		}
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	return moment(d.Kind, text)
}

func truth(text string) (any, bool) {
	switch strings.ToLower(text) {
	case "true", "1", "t", "yes", "y", "on":
		return true, true
	case "false", "0", "f", "no", "n", "off":
		return false, true
	}
	return nil, false
}

func moment(kind Kind, text string) (any, bool) {
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly}
	for _, layout := range layouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if kind == Date {
			at = at.UTC().Truncate(24 * time.Hour)
		}
		return at.UTC(), true
	}
	return nil, false
}

// scalar gives a single value as text; lists and objects are none.
func scalar(raw any) (string, bool) {
	switch v := raw.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// stringList reads an array or a comma-separated string; commas always split.
func stringList(raw any) (any, bool) {
	var out []string
	add := func(item any) bool {
		if item == nil {
			return true
		}
		text, ok := scalar(item)
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
		return ok
	}
	list, isList := raw.([]any)
	if !isList {
		list = []any{raw}
	}
	for _, item := range list {
		if !add(item) {
			return nil, false
		}
	}
	return out, true
}

func integerList(raw any) (any, bool) {
	texts, ok := stringList(raw)
	if !ok {
		return nil, false
	}
	list, _ := texts.([]string)
	var out []int64
	for _, text := range list {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// Params are an endpoint's parameters after coercion.
type Params struct {
	given  map[string]bool
	values map[string]any
	raw    Values
}

// Given says whether the request named a parameter, if only with null.
func (p Params) Given(name string) bool { return p.given[name] }

// Null says whether the request gave null, or an empty text where a number,
// a day or a truth value belongs.
func (p Params) Null(name string) bool { return p.given[name] && p.values[name] == nil }

// Raw gives a parameter as it came.
func (p Params) Raw(name string) any { return p.raw[name] }

// String gives a text, "" when there is none.
func (p Params) String(name string) string { s, _ := p.values[name].(string); return s }

// Int gives a number, 0 when there is none.
func (p Params) Int(name string) int64 { n, _ := p.values[name].(int64); return n }

// Bool gives a truth value, false when there is none.
func (p Params) Bool(name string) bool { b, _ := p.values[name].(bool); return b }

// Strings gives a list of texts.
func (p Params) Strings(name string) []string { l, _ := p.values[name].([]string); return l }

// Ints gives a list of numbers.
func (p Params) Ints(name string) []int64 { l, _ := p.values[name].([]int64); return l }

// Time gives a moment or a day (midnight UTC), nil when there is none.
func (p Params) Time(name string) *time.Time {
	if at, ok := p.values[name].(time.Time); ok {
		return &at
	}
	return nil
}

// Word gives the lower-case word of an IDOrWord ("none"), "" when it is a number.
func (p Params) Word(name string) string { return p.String(name) }

// With gives the parameters with one value replaced.
func (p Params) With(name string, value any) Params {
	next := Params{given: map[string]bool{name: true}, values: map[string]any{name: value}, raw: p.raw}
	for k, v := range p.values {
		if k != name {
			next.values[k], next.given[k] = v, p.given[k]
		}
	}
	return next
}

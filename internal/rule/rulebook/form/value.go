package form

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// Schema is a part of a JSON Schema (2020-12).
type Schema map[string]any

// Value is what may stand at one place: how it is read into a T, and its schema.
// Read leaves into as it is where something is wrong, which it notes on the node.
type Value[T any] struct {
	Schema Schema
	Read   func(n *Node, into *T)
}

// Checked is the value with a further check. Its mend is noted when it says what
// is wrong; the schema cannot tell that.
func (v Value[T]) Checked(wrong func(T) (message, mend string)) Value[T] {
	return Value[T]{v.Schema, func(n *Node, into *T) {
		var read T
		if !Took(n, v, &read) {
			return
		}
		if message, mend := wrong(read); message != "" {
			n.Wrong(mend, "%s", message)
			return
		}
		*into = read
	}}
}

// Took reads a value and says whether nothing was wrong with it.
func Took[T any](n *Node, v Value[T], into *T) bool {
	before := len(n.file.problems)
	v.Read(n, into)
	return len(n.file.problems) == before
}

// Text is any text that is not empty.
func Text() Value[string] {
	return Value[string]{Schema{"type": "string", "minLength": 1}, func(n *Node, into *string) {
		switch {
		case n.kind != text:
			n.unlike(text.said())
		case strings.TrimSpace(n.text) == "":
			n.Wrong("leave it out, or write what it should be", "is empty")
		case strings.ContainsRune(n.text, 0):
			n.Wrong("remove them", "holds NUL characters")
		default:
			*into = n.text
		}
	}}
}

// AnyText is text, which may be empty.
func AnyText() Value[string] {
	return Value[string]{Schema{"type": "string"}, func(n *Node, into *string) {
		if n.kind == text && n.text == "" {
			*into = ""
			return
		}
		Text().Read(n, into)
	}}
}

// Label is text, or a number that stands for a name.
func Label() Value[string] {
	return Value[string]{Schema{"type": []string{"string", "integer"}, "minLength": 1}, func(n *Node, into *string) {
		if n.kind == number && strings.Trim(n.text, "0123456789") == "" {
			*into = n.text
			return
		}
		Text().Read(n, into)
	}}
}

// Choice is one of a few words.
func Choice[T ~string](words ...T) Value[T] {
	return Value[T]{Schema{"enum": words}, func(n *Node, into *T) {
		if n.kind != text || !slices.Contains(words, T(n.text)) {
			n.Wrong("use "+Or(words), "%.40q is not known", n.text)
			return
		}
		*into = T(n.text)
	}}
}

// Or lists words for a person: "a, b or c".
func Or[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}

// Bool is true or false.
func Bool() Value[bool] {
	return Value[bool]{Schema{"type": "boolean"}, func(n *Node, into *bool) {
		if n.kind != boolean {
			n.unlike(boolean.said())
			return
		}
		*into = n.text == "true" || n.text == "True" || n.text == "TRUE"
	}}
}

// Whole is a whole number within bounds.
func Whole(least, most int) Value[int] {
	return Value[int]{Schema{"type": "integer", "minimum": least, "maximum": most}, func(n *Node, into *int) {
		i, err := strconv.Atoi(n.text)
		if n.kind != number || err != nil || i < least || i > most {
			n.Wrong(fmt.Sprintf("write a whole number from %d to %d", least, most), "%.40q is out of range", n.text)
			return
		}
		*into = i
	}}
}

// number of a schema that is exact: as a number or as text.
const exact = `^[0-9]+(\.[0-9]+)?$`

// Decimal is an exact number that is not negative, as a number or in quotes.
func Decimal() Value[decimal.Decimal] {
	schema := Schema{"anyOf": []Schema{{"type": "number", "minimum": 0}, {"type": "string", "pattern": exact}}}
	return Value[decimal.Decimal]{schema, func(n *Node, into *decimal.Decimal) {
		d, err := money.Parse(n.text)
		switch {
		case n.kind != number && n.kind != text || err != nil || !plain(n.text):
			n.Wrong("write it like 2 or 1.5", "%.40q is not a number", n.text)
		case d.IsNegative():
			n.Wrong("write zero or more", "%.40q is below zero", n.text)
		default:
			*into = d
		}
	}}
}

// Percent is a share: "10%", or the number before the sign. 10 % is 0.1.
func Percent() Value[decimal.Decimal] {
	schema := Schema{"anyOf": []Schema{{"type": "number", "minimum": 0}, {"type": "string", "pattern": `^[0-9]+(\.[0-9]+)? ?%?$`}}}
	return Value[decimal.Decimal]{schema, func(n *Node, into *decimal.Decimal) {
		digits := strings.TrimSpace(strings.TrimSuffix(n.text, "%"))
		d, err := money.Parse(digits)
		switch {
		case n.kind != number && n.kind != text || err != nil || !plain(digits):
			n.Wrong("write it like 10%", "%.40q is not a share", n.text)
		case d.IsNegative():
			n.Wrong("write zero or more", "%.40q is below zero", n.text)
		default:
			*into = d.Shift(-2)
		}
	}}
}

// plain refuses what only machines write: exponents.
func plain(digits string) bool { return strings.Trim(digits, "0123456789.-") == "" }

// Amount is an exact amount with its currency.
type Amount struct {
	Value    decimal.Decimal
	Currency string // ISO 4217
}

// ParseAmount reads "10 USD". The error says how it is written.
func ParseAmount(text string) (Amount, error) {
	digits, code, found := strings.Cut(text, " ")
	if !found || !plain(digits) {
		return Amount{}, fmt.Errorf("%.40q is not an amount: write it like 10 USD", text)
	}
	d, err := money.Parse(digits)
	if err != nil {
		return Amount{}, err
	}
	currency, err := money.ParseCurrency(code)
	if err != nil {
		return Amount{}, err
	}
	return Amount{d, currency}, nil
}

// Money is an amount that is not negative: "10 USD".
func Money() Value[Amount] {
	return Value[Amount]{Schema{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)? [A-Za-z]{3}$`}, func(n *Node, into *Amount) {
		if n.kind == number {
			n.Wrong("write it like "+n.text+" USD", "%.40q names no currency", n.text)
			return
		}
		amount, err := ParseAmount(n.text)
		switch {
		case n.kind != text:
			n.unlike("an amount such as 10 USD")
		case err != nil:
			message, mend, _ := strings.Cut(err.Error(), ": ")
			n.Wrong(mend, "%s", message)
		case amount.Value.IsNegative():
			n.Wrong("write zero or more", "%.40q is below zero", n.text)
		default:
			*into = amount
		}
	}}
}

// List is any number of values.
func List[T any](of Value[T]) Value[[]T] {
	return Value[[]T]{Schema{"type": "array", "items": of.Schema}, func(n *Node, into *[]T) {
		if n.kind != list {
			n.unlike(list.said())
			return
		}
		*into = nil // what was there are defaults
		for _, item := range n.items {
			var read T
			if Took(item, of, &read) {
				*into = append(*into, read)
			}
		}
	}}
}

// Each is List that keeps what it could read of values with something wrong, so
// that they can be looked at together with the others.
func Each[T any](of Value[T]) Value[[]T] {
	return Value[[]T]{Schema{"type": "array", "items": of.Schema}, func(n *Node, into *[]T) {
		if n.kind != list {
			n.unlike(list.said())
			return
		}
		for _, item := range n.items {
			var read T
			of.Read(item, &read)
			*into = append(*into, read)
		}
	}}
}

// Some is one value, or a list of at least one.
func Some[T any](of Value[T]) Value[[]T] {
	many := List(of)
	least := maps.Clone(many.Schema)
	least["minItems"] = 1
	return Value[[]T]{Schema{"anyOf": []Schema{of.Schema, least}}, func(n *Node, into *[]T) {
		switch {
		case n.kind == list && len(n.items) == 0:
			n.Wrong("leave it out, or write at least one", "is an empty list")
		case n.kind == list:
			many.Read(n, into)
		default:
			var read T
			if Took(n, of, &read) {
				*into = []T{read}
			}
		}
	}}
}

// Named is one value under a name of the writer's own, with its places.
type Named[T any] struct {
	Name  string
	Key   *Node // the name's place
	Node  *Node // the value's
	Value T
}

// Names is any number of values under names of the writer's own, in the order of the file.
func Names[T any](of Value[T]) Value[[]Named[T]] {
	schema := Schema{"type": "object", "propertyNames": Schema{"minLength": 1}, "additionalProperties": of.Schema}
	return Value[[]Named[T]]{schema, func(n *Node, into *[]Named[T]) {
		if n.kind != mapping {
			n.unlike("names with values")
			return
		}
		for _, e := range n.entries {
			key := &Node{Line: e.line, Column: e.column, Path: e.value.Path, file: n.file, kind: text, text: e.key}
			if strings.TrimSpace(e.key) == "" {
				key.Wrong("give it a name", "has no name")
				continue
			}
			each := Named[T]{Name: e.key, Key: key, Node: e.value}
			of.Read(e.value, &each.Value)
			*into = append(*into, each)
		}
	}}
}

// Then is the value, and after it was read something is done with where it stands.
func (v Value[T]) Then(do func(n *Node, value *T)) Value[T] {
	return Value[T]{v.Schema, func(n *Node, into *T) {
		v.Read(n, into)
		do(n, into)
	}}
}

// Parsed is the value turned into something else, whose errors end in the mend
// behind a colon.
func Parsed[T, U any](v Value[T], parse func(T) (U, error)) Value[U] {
	return Value[U]{v.Schema, func(n *Node, into *U) {
		var read T
		if !Took(n, v, &read) {
			return
		}
		parsed, err := parse(read)
		if err != nil {
			message, mend, _ := strings.Cut(err.Error(), ": ")
			n.Wrong(mend, "%s", message)
			return
		}
		*into = parsed
	}}
}

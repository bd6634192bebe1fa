package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cxm/internal/finding"
)

// Error is a fault of the input: where it is, what it is, and its mend.
type Error struct {
	File   string // the input's name
	Record string // a JSON pointer such as /items/3, or a line; "" is the file itself
	Field  string // the member or column, "" when it is the whole record
	Line   int    // line of the file, counted from 1; 0 when unknown
	Err    error  // what is wrong and how to mend it
}

// Error is one line: file, record, field, fault and mend.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Record != "" && e.Record != lineName(e.Line) {
		b.WriteString(": record " + shown(e.Record))
	}
	if e.Line > 0 {
		b.WriteString(": " + lineName(e.Line))
	}
	if e.Field != "" {
		b.WriteString(": field " + shown(e.Field))
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap is the fault without its place.
func (e *Error) Unwrap() error { return e.Err }

// shown is a name out of the input that fits into a line.
func shown(name string) string {
	if len(name) > 120 {
		name = strings.ToValidUTF8(name[:120], "") + "…"
	}
	if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(name)
	}
	return name
}

func lineName(line int) string { return "line " + strconv.Itoa(line) }

// explain turns the errors of the decoders into sentences with a mend.
func explain(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("this member name occurs twice in one object, so its value is uncertain: keep one of them")
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return errors.New("the text ends in the middle of a value: the file was cut off, copy it again")
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON: %w%s", syntax.Err, mend(syntax.Err))
	case errors.As(err, &semantic):
		return cmp.Or(semantic.Err, err)
	}
	return err
}

// mend is what to do about a fault of JSON's grammar.
func mend(fault error) string {
	switch text := fault.Error(); {
	case strings.Contains(text, "UTF-8"):
		return ": save the file as UTF-8"
	case strings.Contains(text, "depth"):
		return ": no source nests that deep"
	}
	return ": fetch the file again and leave it as it was written"
}

// fault takes a finding's own error apart into field and fault.
func fault(err error) (field string, rest error) {
	var wrong *finding.FieldError
	if !errors.As(err, &wrong) {
		return "", err
	}
	if wrong.Value == "" {
		return wrong.Field, errors.New(wrong.Mend)
	}
	return wrong.Field, fmt.Errorf("%.80q: %s", wrong.Value, wrong.Mend)
}

// Suggest names the nearest of names as ", did you mean …?", or nothing when
// none is near.
func Suggest(text string, names []string) string {
	best, near := "", min(3+len(text)/4, 8)
	for _, name := range names {
		if d := distance(strings.ToLower(text), strings.ToLower(name)); d < near {
			best, near = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance is the number of single-character edits between two short texts.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

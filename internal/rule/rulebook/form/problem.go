// Package form says once what a YAML file may hold, and reads, checks and
// describes the file by that: a Value reads one place of the file and has the
// JSON Schema of it.
//
// What always holds: reading finds every problem, not only the first, and each
// has its place; what a field's Value accepts and what the schema says come
// from one table; no number becomes a float; any bytes end in problems, never
// in a panic.
package form

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a file, with its place and the mend.
type Problem struct {
	File    string
	Line    int    // from 1
	Column  int    // from 1, in characters
	Field   string // such as rules[2].route.project; empty: the file as a whole
	Message string // what is wrong
	Mend    string // what to do about it; empty: the message says it
}

// Error is the problem on one line, in the form that editors jump to.
func (p Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteString(": " + p.Mend)
	}
	return b.String()
}

// Problems is everything that is wrong with a file, in the order of the file.
type Problems []Problem

// Error is one line a problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

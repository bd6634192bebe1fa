package form

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Field is one named place of an object that is read into a T.
type Field[T any] struct {
	Name     string
	Doc      string // what it is for, in one sentence
	required bool
	schema   Schema
	read     func(n *Node, into *T)
}

// At is the field of a T that v reads into the place at says.
func At[T, F any](name string, v Value[F], at func(*T) *F, doc string) Field[T] {
	return Field[T]{Name: name, Doc: doc, schema: v.Schema, read: func(n *Node, into *T) { v.Read(n, at(into)) }}
}

// Maybe is At for a place that is nil unless the file names it.
func Maybe[T, F any](name string, v Value[F], at func(*T) **F, doc string) Field[T] {
	return Field[T]{Name: name, Doc: doc, schema: v.Schema, read: func(n *Node, into *T) {
		var read F
		if Took(n, v, &read) {
			*at(into) = &read
		}
	}}
}

// Required is the field, which must be there.
func (f Field[T]) Required() Field[T] {
	f.required = true
	return f
}

// Object is a mapping with these fields and no others. What a field does not
// name stays as it was, so that defaults are read first.
func Object[T any](fields ...Field[T]) Value[T] {
	return Value[T]{objectSchema(fields), func(n *Node, into *T) {
		if n.kind != mapping {
			n.unlike("fields: " + names(fields))
			return
		}
		for _, f := range fields {
			if !slices.ContainsFunc(n.entries, func(e entry) bool { return e.key == f.Name }) && f.required {
				n.Wrong("add "+f.Name, "has no %s", f.Name)
			}
		}
		for _, e := range n.entries {
			i := slices.IndexFunc(fields, func(f Field[T]) bool { return f.Name == e.key })
			if i < 0 {
				e.value.WrongAt(e.line, e.column, meant(e.key, fields), "is not a known field")
				continue
			}
			fields[i].read(e.value, into)
		}
	}}
}

func objectSchema[T any](fields []Field[T]) Schema {
	properties, required := Schema{}, []string{}
	for _, f := range fields {
		described := Schema{"description": f.Doc}
		maps.Copy(described, f.schema)
		properties[f.Name] = described
		if f.required {
			required = append(required, f.Name)
		}
	}
	out := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func names[T any](fields []Field[T]) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return strings.Join(out, ", ")
}

// meant is the mend for a field that is not known.
func meant[T any](key string, fields []Field[T]) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name
	}
	if near := Near(key, all); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "use " + Or(all)
}

// Near is the word that somebody who wrote key most likely meant, or "".
func Near(key string, words []string) string {
	best, least := "", 1+len(key)/3
	for _, word := range words {
		if d := distance(strings.ToLower(key), strings.ToLower(word)); d <= least {
			best, least = word, d-1
		}
	}
	return best
}

// distance is how many letters lie between two words (Levenshtein).
func distance(a, b string) int {
	if len(a) > 60 || len(b) > 60 {
		return 60
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

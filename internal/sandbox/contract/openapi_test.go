package contract_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// document is GitLab's OpenAPI document, by method and path; the names in
// braces are left out of the path, for they differ between endpoints.
type document map[string]operation

// operation is what may be sent: the names of query and body parameters.
type operation struct{ query, body map[string]bool }

func newDocument(file string) (document, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	out := document{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			out[method+" "+nameless(path)] = operationOf(item, op)
		}
	}
	return out, nil
}

func nameless(path string) string {
	return regexp.MustCompile(`\{[^}]*\}|:\w+`).ReplaceAllString(strings.TrimPrefix(path, "/api/v4"), "{}")
}

func operationOf(item *openapi3.PathItem, op *openapi3.Operation) operation {
	out := operation{query: map[string]bool{}, body: map[string]bool{}}
	for _, list := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, p := range list {
			if p.Value.In == "query" {
				out.query[p.Value.Name] = true
			}
		}
	}
	if op.RequestBody == nil {
		return out
	}
	for _, media := range op.RequestBody.Value.Content {
		for name := range media.Schema.Value.Properties {
			out.body[name] = true
		}
	}
	return out
}

// undeclared returns the parameters of an exchange that the operation does not
// know, each with where it was sent.
func (o operation) undeclared(x exchange) []string {
	var out []string
	for name := range x.query {
		if base := strings.TrimSuffix(name, "[]"); !o.query[base] && !o.query[name] {
			out = append(out, "query "+base)
		}
	}
	for name := range x.body {
		if base := strings.TrimSuffix(name, "[]"); !o.body[base] && !o.query[base] {
			out = append(out, "body "+base)
		}
	}
	return out
}

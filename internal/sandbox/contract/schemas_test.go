package contract_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are GitLab's JSON Schemas (draft 4), read from their folder.
type schemas struct {
	dir string
	// law leaves out additionalProperties: false; note keeps it.
	law, note *jsonschema.Compiler
}

func newSchemas(dir string) *schemas {
	compiler := func(lenient bool) *jsonschema.Compiler {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft4)
		c.AssertFormat()
		c.UseLoader(loader{dir, lenient})
		return c
	}
	return &schemas{dir, compiler(true), compiler(false)}
}

// loader reads a schema file by the part of its address behind "schemas/":
// some refer to others by their place in GitLab's source tree.
type loader struct {
	dir     string
	lenient bool
}

func (l loader) Load(url string) (any, error) {
	name := url[strings.LastIndex(url, "/schemas/")+len("/schemas/"):]
	f, err := os.Open(filepath.Join(l.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return nil, err
	}
	days(doc)
	if l.lenient {
		relax(doc)
	}
	return doc, nil
}

// days mends what the schemas of members and milestones say of days: they ask
// for a date-time, GitLab answers YYYY-MM-DD (as its documentation and
// issue.json have it), and its own specs only ever send null there.
func days(node any) {
	for _, child := range children(node) {
		days(child)
	}
	properties, _ := node.(map[string]any)
	for _, name := range []string{"due_date", "start_date", "expires_at"} {
		if day, ok := properties[name].(map[string]any); ok && day["format"] == "date-time" {
			day["format"] = "date"
		}
	}
}

func children(node any) []any {
	switch node := node.(type) {
	case map[string]any:
		return slices.Collect(maps.Values(node))
	case []any:
		return node
	}
	return nil
}

// relax takes additionalProperties: false out of a schema.
func relax(node any) {
	for _, child := range children(node) {
		relax(child)
	}
	object, _ := node.(map[string]any)
	if extra, ok := object["additionalProperties"].(bool); ok && !extra {
		delete(object, "additionalProperties")
	}
}

// check holds a body to a schema. want is a file below public_api/v4; "[f]"
// asks for a list of f, "f#item" for one element of the list f describes.
// What breaks the law is an error; what only additionalProperties: false would
// forbid is a note.
func (s *schemas) check(want string, body any) (notes string, err error) {
	file := want
	switch {
	case strings.HasPrefix(want, "["):
		return s.each(strings.Trim(want, "[]"), body)
	case strings.HasSuffix(want, "#item"):
		file, body = strings.TrimSuffix(want, "#item"), []any{body}
	}
	url := "gitlab:///a/b/c/d/e/f/spec/fixtures/api/schemas/public_api/v4/" + file
	law, err := s.law.Compile(url)
	if err != nil {
		return "", fmt.Errorf("schema %s: %w", file, err)
	}
	if err := law.Validate(body); err != nil {
		return "", fmt.Errorf("schema %s: %w", file, err)
	}
	strict, err := s.note.Compile(url)
	if err != nil {
		return "", fmt.Errorf("schema %s: %w", file, err)
	}
	if err := strict.Validate(body); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

func (s *schemas) each(file string, body any) (notes string, err error) {
	list, ok := body.([]any)
	if !ok {
		return "", fmt.Errorf("a list of %s is wanted, got %T", file, body)
	}
	for i, one := range list {
		note, err := s.check(file, one)
		if err != nil {
			return "", fmt.Errorf("element %d: %w", i, err)
		}
		notes += note
	}
	return notes, nil
}

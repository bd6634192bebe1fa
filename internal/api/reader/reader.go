// Package reader is the page on which people read what the API does. It is made from
// the OpenAPI document, and asks for nothing but its own style sheet: no script, and
// nothing from another host.
package reader

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html style.css
var files embed.FS

// Page is the page, ready to be served, with its style sheet beside it.
type Page struct{ html, style []byte }

// New makes the page of a document.
func New(d *huma.OpenAPI) (*Page, error) {
	t, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, view(d)); err != nil {
		return nil, err
	}
	return &Page{out.Bytes(), style}, nil
}

// policy lets the page have its style sheet, and nothing else.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/style.css") {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(p.style) // a reader that is gone needs none
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	_, _ = w.Write(p.html)
}

type (
	shown struct {
		Title, Version string
		About          []string
		Tags           []tag
		Schemas        []schema
	}
	tag struct {
		Name, Means string
		Operations  []operation
	}
	operation struct {
		ID, Method, Path, Summary, Means string
		Params                           []field
		Body, Answer                     *kind
		Status                           string
	}
	schema struct {
		Name, Means string
		Fields      []field
	}
	field struct {
		Name, In, Means string
		Required        bool
		Kind            kind
	}
	kind struct{ Text, Ref string }
)

func view(d *huma.OpenAPI) shown {
	out := shown{Title: d.Info.Title, Version: d.Info.Version, About: strings.Split(d.Info.Description, "\n\n")}
	for _, t := range d.Tags {
		out.Tags = append(out.Tags, tag{t.Name, t.Description, operations(d, t.Name)})
	}
	for name, s := range d.Components.Schemas.Map() {
		out.Schemas = append(out.Schemas, schema{name, s.Description, fields(s)})
	}
	slices.SortFunc(out.Schemas, func(a, b schema) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func operations(d *huma.OpenAPI, tag string) []operation {
	var out []operation
	for path, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				out = append(out, describe(path, op))
			}
		}
	}
	order := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	slices.SortFunc(out, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(slices.Index(order, a.Method), slices.Index(order, b.Method)))
	})
	return out
}

func describe(path string, op *huma.Operation) operation {
	out := operation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Means: op.Description}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, field{p.Name, p.In, p.Description, p.Required, kindOf(p.Schema)})
	}
	if op.RequestBody != nil {
		out.Body = content(op.RequestBody.Content)
	}
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") {
			out.Status, out.Answer = status, content(r.Content)
		}
	}
	return out
}

func content(all map[string]*huma.MediaType) *kind {
	if m := all["application/json"]; m != nil {
		k := kindOf(m.Schema)
		return &k
	}
	return nil
}

func fields(s *huma.Schema) []field {
	var out []field
	for name, p := range s.Properties {
		out = append(out, field{Name: name, Means: p.Description, Required: slices.Contains(s.Required, name), Kind: kindOf(p)})
	}
	slices.SortFunc(out, func(a, b field) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// kindOf is a schema in a few words, with the name of what it refers to.
func kindOf(s *huma.Schema) kind {
	switch {
	case s == nil:
		return kind{}
	case s.Ref != "":
		return kind{Ref: s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]}
	case s.Type == huma.TypeArray:
		k := kindOf(s.Items)
		k.Text = strings.TrimSpace("list of " + k.Text)
		return k
	}
	text := cmp.Or(s.Type, "anything")
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if len(s.Enum) > 0 {
		var all []string
		for _, e := range s.Enum {
			if name, ok := e.(string); ok {
				all = append(all, name)
			}
		}
		text = strings.Join(all, " | ")
	}
	if s.Nullable {
		text += " or null"
	}
	return kind{Text: text}
}

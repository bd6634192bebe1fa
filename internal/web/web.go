// Package web writes the pages: it puts a page's view into its template and the
// shell around it, and serves what all pages need.
//
// What always holds: a page is written whole or not at all; nothing in it runs or
// styles but the files that are served from here, under names that change with
// their content; nothing is fetched from another host; a form that changes
// something is sent by POST and answered with a redirect.
package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// Renderer writes pages. Make one with New; it is safe for concurrent use.
type Renderer struct {
	Assets *Assets

	pages map[string]*template.Template
	parts *template.Template
}

// New reads all templates: those of package page, and NAME.html at the top of each of
// more. It fails when one of them cannot be read.
func New(more ...fs.FS) (*Renderer, error) {
	assets, err := NewAssets(ui.Static())
	if err != nil {
		return nil, err
	}
	parts, err := template.New("").Funcs(functions(assets)).ParseFS(ui.Templates(), "*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the components: %w", err)
	}
	r := &Renderer{Assets: assets, pages: map[string]*template.Template{}, parts: template.Must(parts.Clone())}
	for _, tree := range append([]fs.FS{page.Templates()}, more...) {
		if err := r.add(parts, tree); err != nil {
			return nil, err
		}
	}
	if r.parts, err = r.parts.Parse(`{{define "main"}}{{end}}`); err != nil {
		return nil, fmt.Errorf("reading the components: %w", err)
	}
	return r, nil
}

// add reads the pages of one tree. Two of one name are a mistake.
func (r *Renderer) add(parts *template.Template, tree fs.FS) error {
	files, err := fs.Glob(tree, "*.html")
	if err != nil {
		return fmt.Errorf("listing the templates of the pages: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".html")
		if r.pages[name] != nil {
			return fmt.Errorf("there are two templates %q: give one another name", file)
		}
		set := template.Must(parts.Clone())
		if _, err := set.ParseFS(tree, file); err != nil {
			return fmt.Errorf("reading the template of the page %q: %w", name, err)
		}
		r.pages[name] = set
		if _, err := r.parts.ParseFS(tree, file); err != nil { // the components of the page itself, which Part sends
			return fmt.Errorf("reading the components of the page %q: %w", name, err)
		}
	}
	return nil
}

// Names are the names of all templates of pages, ordered.
func (r *Renderer) Names() []string { return slices.Sorted(maps.Keys(r.pages)) }

// view is what the layout sees.
type view struct {
	Shell ui.Shell
	Page  page.Page
}

// Page is the page in its shell, as HTML.
func (r *Renderer) Page(shell ui.Shell, p page.Page) ([]byte, error) {
	set, ok := r.pages[p.Template()]
	if !ok {
		return nil, fmt.Errorf("there is no template %q: its area has to name the tree that it is in", p.Template())
	}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, "layout", view{Shell: shell, Page: p}); err != nil {
		return nil, fmt.Errorf("writing the page %q: %w", p.Template(), err)
	}
	return out.Bytes(), nil
}

// Part is one component as HTML, for a page that is looked at already.
func (r *Renderer) Part(name string, model any) ([]byte, error) {
	var out bytes.Buffer
	if err := r.parts.ExecuteTemplate(&out, name, model); err != nil {
		return nil, fmt.Errorf("writing the component %q: %w", name, err)
	}
	return out.Bytes(), nil
}

// Write answers with the page, or with nothing of it when it cannot be written;
// the error is for the log.
func (r *Renderer) Write(w http.ResponseWriter, req *http.Request, status int, shell ui.Shell, p page.Page) error {
	text, err := r.Page(shell, p)
	if err != nil {
		http.Error(w, "the page could not be written: see cxm's log", http.StatusInternalServerError)
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Encoding")
	if !strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		_, _ = w.Write(text) // a caller that is gone needs no answer
		return nil
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	small := gzip.NewWriter(w)
	_, _ = small.Write(text) // the same
	_ = small.Close()
	return nil
}

// functions are what templates may call.
func functions(assets *Assets) template.FuncMap {
	return template.FuncMap{
		"asset":   assets.URL,
		"scripts": assets.Scripts,
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"day":     func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"hour":    func(t time.Time) string { return t.UTC().Format("15:04 UTC") },
		"inc":     func(n int) int { return n + 1 },
		"count":   count,
	}
}

// count writes a number of things with its thousands grouped.
func count(n int) string {
	text, _, _ := strings.Cut(money.Show(decimal.NewFromInt(int64(n)), ""), ".")
	return text
}

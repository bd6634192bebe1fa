package rules

import (
	"bytes"
	"fmt"
	"html/template"
	"io"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// printHTML is an issue as a page of its own, about as GitLab shows it: GitLab's
// Markdown is CommonMark with tables, task lists and strikethrough.
func printHTML(w io.Writer, title, body string) error {
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(body), &out); err != nil {
		return fmt.Errorf("rendering the issue: %w", err)
	}
	clean := bluemonday.UGCPolicy()
	clean.AllowAttrs("type", "checked", "disabled").OnElements("input")
	page := template.Must(template.New("issue").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}</title>
<style>:root{color-scheme:light dark}body{max-width:50rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}table{border-collapse:collapse}th,td{border:1px solid #8886;padding:.3rem .6rem;text-align:left}pre{overflow-x:auto;background:#8882;padding:.6rem}</style></head>
<body><h1>{{.Title}}</h1>
{{.Body}}</body></html>
`))
	return page.Execute(w, struct {
		Title string
		Body  template.HTML
	}{title, template.HTML(clean.SanitizeBytes(out.Bytes()))}) //nolint:gosec // it was sanitised
}

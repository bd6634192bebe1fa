package status

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed page.html status.css
var files embed.FS

// view is what the page shows.
type view struct {
	Report
	Trouble string // why there is no report; empty: there is one
}

// Soon says that a token stops working within 30 days, the first of the warnings.
func (v view) Soon(t Token) bool {
	days, expires := t.Days(v.At)
	return expires && days <= 30
}

// Expiry is how long a token still works, in words.
func (v view) Expiry(t Token) string {
	switch days, expires := t.Days(v.At); {
	case !expires:
		return "never expires"
	case !v.At.Before(t.ExpiresAt):
		return "expired on " + t.ExpiresAt.UTC().Format(time.DateOnly)
	case days == 1:
		return "expires within a day"
	default:
		return fmt.Sprintf("%d days left", days)
	}
}

// page writes the page whole or not at all.
func (b *Board) page(w http.ResponseWriter, r *http.Request) {
	report, err := b.read(r.Context())
	v, status := view{Report: report}, http.StatusOK
	if err != nil {
		v.Trouble, status = err.Error(), http.StatusInternalServerError
	}
	var out bytes.Buffer
	if err := parsed().Execute(&out, v); err != nil {
		http.Error(w, "the page could not be written: see cxm's log", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a caller that is gone needs no answer
}

func sheet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, files, "status.css")
}

func parsed() *template.Template {
	return template.Must(template.New("page.html").Funcs(template.FuncMap{
		"when": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"day":  func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	}).ParseFS(files, "page.html"))
}

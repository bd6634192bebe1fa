package site

import (
	"encoding/csv"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// serve answers with a page, or with why there is none.
func (s *site) serve(w http.ResponseWriter, r *http.Request, v view) {
	g, ok := s.enter(w, r)
	if !ok {
		return
	}
	shell := ui.Shell{
		Title: v.title, Lead: v.lead, Trail: v.trail, Nav: page.Nav(v.at, g.Waiting),
		Tenant: g.Tenant, Person: g.Person, Theme: wanted(r), Notices: web.Told(w, r),
	}
	p, status := s.page(r, g, v, &shell)
	if err := s.render.Write(w, r, status, shell, p); err != nil {
		s.Log.Error("a page could not be written", "path", r.URL.Path, "error", err)
	}
}

// page makes the page, or puts the problem into the shell.
func (s *site) page(r *http.Request, g Guest, v view, shell *ui.Shell) (made page.Page, status int) {
	if !g.May(v.needs) {
		shell.Problem = page.Forbidden(v.may, g.Person.Role)
		return page.Nothing{}, http.StatusForbidden
	}
	p, err := v.make(r, g, shell)
	switch {
	case errors.Is(err, ErrMissing):
		shell.Problem = page.Missing(v.what, v.list)
		return page.Nothing{}, http.StatusNotFound
	case err != nil:
		s.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
		shell.Problem = page.Failed(v.what, "Something went wrong inside cxm, and the log says what.", r.URL.RequestURI())
		return page.Nothing{}, http.StatusInternalServerError
	}
	return p, http.StatusOK
}

// enter finds out who asks; who is not known is sent to the sign-in, and then back.
func (s *site) enter(w http.ResponseWriter, r *http.Request) (Guest, bool) {
	g, known, err := s.Door.Guest(r)
	switch {
	case err != nil:
		s.Log.Error("who asks for a page could not be found out", "path", r.URL.Path, "error", err)
		shell := ui.Shell{Title: "Something went wrong", Bare: true, Problem: page.Failed("Your session", "Something went wrong inside cxm, and the log says what.", r.URL.RequestURI())}
		if err := s.render.Write(w, r, http.StatusInternalServerError, shell, page.Nothing{}); err != nil {
			s.Log.Error("a page could not be written", "path", r.URL.Path, "error", err)
		}
	case !known:
		http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	}
	return g, err == nil && known
}

// Local is next when it is an address of this server, and otherwise the overview:
// a link to the sign-in must not lead people to another site afterwards.
func Local(next string) string {
	if _, err := url.Parse(next); err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// export writes the list as CSV, row by row.
func (s *site) export(w http.ResponseWriter, r *http.Request) {
	g, ok := s.enter(w, r)
	if !ok {
		return
	}
	if !g.May(role.Read) {
		http.Error(w, "your role does not allow this: ask an admin of the tenant for another one", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="findings.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	_ = out.Write([]string{"key", "title", "resource", "kind", "status", "account", "owner", "saving_per_month", "currency", "issue", "last_seen"}) // Flush tells
	err := s.Findings.Export(r.Context(), g, ui.Place{Path: "/findings", Values: r.URL.Query()}, func(f page.FindingRow) error { return out.Write(record(f)) })
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		s.Log.Error("the findings could not be exported", "error", err)
		panic(http.ErrAbortHandler) // cut off, so that half a file is not taken for a whole one
	}
}

func record(f page.FindingRow) []string {
	saving := ""
	if f.Saving.Valid {
		saving = f.Saving.Decimal.String()
	}
	seen := ""
	if !f.Seen.IsZero() {
		seen = f.Seen.UTC().Format(time.RFC3339)
	}
	return []string{
		plain(f.Key), plain(f.Title), plain(f.Resource), string(f.Kind), f.State.Status(), plain(f.Account), plain(f.Owner),
		saving, f.Currency, f.Issue.URL, seen,
	}
}

// plain keeps a spreadsheet from running what a finding says.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

const themeCookie = "cxm_theme"

// wanted is the colour scheme that somebody chose; empty: none.
func wanted(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}

// theme keeps the colour scheme that somebody chooses.
func theme(w http.ResponseWriter, r *http.Request) {
	choice := r.PostFormValue("theme")
	c := &http.Cookie{Name: themeCookie, Value: choice, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode}
	if choice != "light" && choice != "dark" {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(w, c)
	back := "/"
	if from, err := url.Parse(r.Referer()); err == nil {
		back = Local(from.RequestURI())
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

package site

import (
	"encoding/csv"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/audit"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// serve answers with a page, or with why there is none.
func (s *site) serve(w http.ResponseWriter, r *http.Request, v View) {
	r, g, shell, ok := s.admit(w, r, v)
	if !ok {
		return
	}
	p, err := v.Make(r, g, &shell)
	if status := s.failed(r, v, err, &shell); status != 0 {
		s.write(w, r, status, shell, page.Nothing{})
		return
	}
	s.write(w, r, http.StatusOK, shell, p)
}

// admit is who asks, when they may, and what is around the page; else they are
// answered.
func (s *site) admit(w http.ResponseWriter, r *http.Request, v View) (*http.Request, Guest, ui.Shell, bool) {
	r, g, ok := s.enter(w, r, v)
	if !ok {
		return r, g, ui.Shell{}, false
	}
	shell := s.shell(w, r, g, v)
	if ok = s.allowed(g, v, &shell); !ok {
		s.write(w, r, http.StatusForbidden, shell, page.Nothing{})
	}
	return r, g, shell, ok
}

// form does what a form is for, and leads on.
func (s *site) form(w http.ResponseWriter, r *http.Request, f Form) {
	r, g, shell, ok := s.admit(w, r, f.View)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		shell.Problem = page.Unreadable(back(r, f.List.URL))
		s.write(w, r, status, shell, page.Nothing{})
		return
	}
	a, err := f.Do(r, g, &shell)
	s.answer(w, r, f, back(r, f.List.URL), a, err, shell)
}

// lead answers an address that leads on. What is refused leads to the list: where
// somebody came from may be the same address, or another host.
func (s *site) lead(w http.ResponseWriter, r *http.Request, f Form) {
	r, g, shell, ok := s.admit(w, r, f.View)
	if !ok {
		return
	}
	a, err := f.Do(r, g, &shell)
	s.answer(w, r, f, Local(f.List.URL), a, err, shell)
}

// answer is what comes of a form; refused is where people go who are refused.
func (s *site) answer(w http.ResponseWriter, r *http.Request, f Form, refused string, a Answer, err error, shell ui.Shell) {
	for _, c := range a.Cookies {
		http.SetCookie(w, c)
	}
	if text, is := refusal(err); is {
		web.Tell(w, r, ui.Notice{Text: text, Tone: ui.Bad})
		http.Redirect(w, r, refused, http.StatusSeeOther)
		return
	}
	if status := s.failed(r, f.View, err, &shell); status != 0 {
		s.write(w, r, status, shell, page.Nothing{})
		return
	}
	if a.Page != nil {
		if a.After > 0 { // whole seconds (RFC 9110, section 10.2.3), so that it is not tried too early
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.After.Seconds()))))
		}
		s.write(w, r, a.status(r), shell, a.Page)
		return
	}
	if a.Notice.Text != "" {
		web.Tell(w, r, a.Notice)
	}
	to := Local(a.To)
	if a.Away != "" && r.Method == http.MethodGet { // browsers do not let a form lead away
		to = a.Away
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// status is that of an answer with a page.
func (a Answer) status(r *http.Request) int {
	switch {
	case a.Status != 0:
		return a.Status
	case r.Method == http.MethodPost:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// largestForm bounds what a form may send, in bytes: a file of rules is the largest.
const largestForm = 2 << 20

// file hands out something to be downloaded.
func (s *site) file(w http.ResponseWriter, r *http.Request, f File) {
	r, g, ok := s.enter(w, r, f.View)
	if !ok {
		return
	}
	if !g.May(f.Needs) {
		http.Error(w, "your role does not allow this: ask an admin of the tenant for another one", http.StatusForbidden)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := f.Write(w, r, g); err != nil {
		s.Log.Error("a file could not be written", "path", r.URL.Path, "error", err)
		panic(http.ErrAbortHandler) // cut off, so that half a file is not taken for a whole one
	}
}

// live sends parts of a page until there are no more, or nobody looks.
func (s *site) live(w http.ResponseWriter, r *http.Request, l Live) {
	r, g, ok := s.enter(w, r, l.View)
	if !ok {
		return
	}
	if !g.May(l.Needs) {
		http.Error(w, "your role does not allow this: ask an admin of the tenant for another one", http.StatusForbidden)
		return
	}
	if err := l.Send(r, g, s.render.Stream(w)); err != nil && r.Context().Err() == nil {
		s.Log.Error("the parts of a page could not be sent", "path", r.URL.Path, "error", err)
	}
}

func (s *site) shell(w http.ResponseWriter, r *http.Request, g Guest, v View) ui.Shell {
	shell := ui.Shell{
		Title: v.Title, Lead: v.Lead, Trail: v.Trail, Tenant: g.Tenant, Tenants: g.Tenants, Person: g.Person,
		Theme: wanted(r), Notices: web.Told(w, r), Bare: !g.Who.Known(),
	}
	if !shell.Bare {
		shell.Nav = page.Nav(v.At, g.Waiting, g.May)
	}
	return shell
}

// allowed says whether the guest's role allows it, and else puts the problem into the
// shell.
func (s *site) allowed(g Guest, v View, shell *ui.Shell) bool {
	if v.Open && v.Needs == "" || v.Own && g.Who.Known() || g.May(v.Needs) {
		return true
	}
	shell.Problem = page.Forbidden(v.May, g.Person.Role)
	return false
}

// failed is the status of an answer that says what went wrong, which is put into the
// shell; 0: nothing did.
func (s *site) failed(r *http.Request, v View, err error, shell *ui.Shell) int {
	text, refused := refusal(err)
	switch {
	case err == nil:
		return 0
	case missed(err):
		shell.Problem = page.Missing(v.What, v.List)
		return http.StatusNotFound
	case refused:
		shell.Problem = page.Failed(v.What, text, r.URL.RequestURI())
		return http.StatusUnprocessableEntity
	}
	if p, known := errors.AsType[*door.Problem](err); known && p.Status == http.StatusBadGateway {
		s.Log.Warn("GitLab did not do what a page asked for", "path", r.URL.Path, "error", err)
		if shell.Problem = page.Answered(p.Detail, false, r.URL.RequestURI()); r.Method == http.MethodPost {
			shell.Problem = page.Answered(p.Detail, true, back(r, v.List.URL))
		}
		return http.StatusBadGateway
	}
	s.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
	shell.Problem = page.Failed(v.What, "Something went wrong inside cxm, and the log says what.", r.URL.RequestURI())
	if r.Method == http.MethodPost {
		shell.Problem = page.Broken(v.What, back(r, v.List.URL))
	}
	return http.StatusInternalServerError
}

// refusal is what people are to be told of an error.
func refusal(err error) (text string, ok bool) {
	if p, known := errors.AsType[*door.Problem](err); known && p.Status < http.StatusInternalServerError && p.Status != http.StatusNotFound {
		return p.Detail, true
	}
	if t, known := errors.AsType[*Refusal](err); known {
		return t.Text, true
	}
	return "", false
}

// missed says that there is no such thing.
func missed(err error) bool {
	p, known := errors.AsType[*door.Problem](err)
	return errors.Is(err, ErrMissing) || known && p.Status == http.StatusNotFound
}

// back is where a form came from, or else list.
func back(r *http.Request, list string) string {
	if from, err := url.Parse(r.Referer()); err == nil && from.Path != "" && from.Host == r.Host {
		return Local(from.RequestURI())
	}
	return Local(list)
}

func (s *site) write(w http.ResponseWriter, r *http.Request, status int, shell ui.Shell, p page.Page) {
	if err := s.render.Write(w, r, status, shell, p); err != nil {
		s.Log.Error("a page could not be written", "path", r.URL.Path, "error", err)
	}
}

// enter finds out who asks; who is not known is sent to the sign-in, and then back.
// What the request then does is theirs in the audit log.
func (s *site) enter(w http.ResponseWriter, r *http.Request, v View) (*http.Request, Guest, bool) {
	g, known, err := s.Door.Guest(r)
	switch {
	case err != nil:
		s.Log.Error("who asks for a page could not be found out", "path", r.URL.Path, "error", err)
		shell := ui.Shell{Title: "Something went wrong", Bare: true, Problem: page.Failed("Your session", "Something went wrong inside cxm, and the log says what.", r.URL.RequestURI())}
		s.write(w, r, http.StatusInternalServerError, shell, page.Nothing{})
		return r, g, false
	case known:
		return r.WithContext(audit.With(r.Context(), audit.Actor{Kind: audit.Person, Name: g.Who.Label()})), g, true
	case v.Open:
		return r, Guest{}, true
	}
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		next = back(r, "/")
	}
	http.Redirect(w, r, "/signin?next="+url.QueryEscape(next), http.StatusSeeOther)
	return r, g, false
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
func (s *site) export(w http.ResponseWriter, r *http.Request, g Guest) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="findings.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"key", "title", "resource", "kind", "status", "account", "owner", "saving_per_month", "currency", "issue", "last_seen"}) // Flush tells
	err := s.Findings.Export(r.Context(), g, ui.Place{Path: "/findings", Values: r.URL.Query()}, func(f page.FindingRow) error { return out.Write(record(f)) })
	out.Flush()
	return errors.Join(err, out.Error())
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
		saving, f.Currency, f.Tracker, seen,
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
	c := &http.Cookie{Name: themeCookie, Value: choice, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: web.Secured(r), SameSite: http.SameSiteLaxMode}
	if choice != "light" && choice != "dark" {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(w, c)
	http.Redirect(w, r, back(r, "/"), http.StatusSeeOther)
}

package site

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// desk is a form, and an address that leads on, with what a case makes of them.
type desk struct {
	house
	view   View
	answer Answer
	err    error
	done   int
}

func (d *desk) do(r *http.Request, g Guest, s *ui.Shell) (Answer, error) {
	d.done++
	if r.PostForm.Get("title") != "" {
		s.Title = r.PostForm.Get("title")
	}
	return d.answer, d.err
}

func (d *desk) ask(t *testing.T, r *http.Request) (w *httptest.ResponseRecorder, logged string) {
	t.Helper()
	var log bytes.Buffer
	f := Form{View: d.view, Do: d.do}
	f.Title, f.What, f.May, f.List = "The thing", "The thing", "change things", ui.Link{Text: "Show all", URL: "/things"}
	area := Area{Forms: map[string]Form{"/things/{id}": f}, Leads: map[string]Form{"/things/{id}/back": f}}
	s, err := New(Parts{Door: d, Overviews: d, Findings: d, Integrations: d, Areas: []Area{area}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w, log.String()
}

func send(body, referer string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/things/1", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if referer != "" {
		r.Header.Set("Referer", referer)
	}
	return r
}

func needs(p role.Permission) View { return View{Needs: p} }

// TestForms: what is done leads on, what is refused goes back with the reason, what
// is wrong is shown again, and nothing is done for who may not.
func TestForms(t *testing.T) {
	const here = "http://example.com/things/1?tab=2"
	again := page.Nothing{}
	refusal := &door.Problem{Status: http.StatusConflict, Detail: "It has changed meanwhile: look again."}
	gitlab := &door.Problem{Status: http.StatusBadGateway, Detail: "reading project 7: forbidden (HTTP 403). Give the account the role Reporter"}
	for _, c := range []struct {
		name   string
		desk   desk
		r      *http.Request
		status int
		to     string
		has    string // of the page, or of the next one
		done   int
	}{
		{"done", desk{view: needs(role.Decide), answer: Answer{To: "/things", Notice: ui.Notice{Text: "It is done.", Tone: ui.Good}}}, send("a=b", here), 303, "/things", "It is done.", 1},
		{"led away", desk{view: needs(role.Decide), answer: Answer{To: "https://evil.example.com"}}, send("", here), 303, "/", "", 1},
		{"away by a form", desk{view: needs(role.Decide), answer: Answer{To: "/things", Away: "https://gitlab.example.com"}}, send("", here), 303, "/things", "", 1},
		{"refused", desk{view: needs(role.Decide), err: refusal}, send("", here), 303, "/things/1?tab=2", "It has changed meanwhile", 1},
		{"refused, and nobody knows from where", desk{view: needs(role.Decide), err: &Refusal{"Not today."}}, send("", ""), 303, "/things", "Not today.", 1},
		{"refused, from elsewhere", desk{view: needs(role.Decide), err: &Refusal{"Not today."}}, send("", "https://evil.example.com/x"), 303, "/things", "Not today.", 1},
		{"to mend", desk{view: needs(role.Decide), answer: Answer{Page: again}}, send("title=Mend+this", here), 422, "", "Mend this", 1},
		{"shown once", desk{view: needs(role.Decide), answer: Answer{Page: again, Status: 201}}, send("title=Made", here), 201, "", "Made", 1},
		{"not there", desk{view: needs(role.Decide), err: ErrMissing}, send("", here), 404, "", "The thing is not here", 1},
		{"not there for the API", desk{view: needs(role.Decide), err: &door.Problem{Status: 404, Detail: "no"}}, send("", here), 404, "", "The thing is not here", 1},
		{"broken", desk{view: needs(role.Decide), err: errors.New("secret table is missing")}, send("", here), 500, "", "It may be done in part", 1},
		{"broken for the API", desk{view: needs(role.Decide), err: &door.Problem{Status: 500, Detail: "secret table is missing"}}, send("", here), 500, "", "It may be done in part", 1},
		{"GitLab refused", desk{view: needs(role.Decide), err: gitlab}, send("", here), 502, "", "Reading project 7: forbidden (HTTP 403). Give the account the role Reporter.", 1},
		{"too large", desk{view: needs(role.Decide)}, send("a="+strings.Repeat("x", largestForm), here), 413, "", "It is larger than 2 MiB", 0},
		{"as large as can be", desk{view: needs(role.Decide), answer: Answer{To: "/things"}}, send("a="+strings.Repeat("x", largestForm-2), here), 303, "/things", "", 1},
		{"no form", desk{view: needs(role.Decide)}, send("a=%zz", here), 400, "", "The form could not be read", 0},
		{"not allowed", desk{view: needs(role.RulesWrite)}, send("", here), 403, "", "As member you cannot change things", 0},
		{"needs nothing that there is", desk{}, send("", here), 403, "", "As member you cannot change things", 0},
		{"one's own", desk{view: View{Own: true}, answer: Answer{To: "/things"}}, send("", here), 303, "/things", "", 1},
	} {
		c.desk.role = role.Member
		w, logged := c.desk.ask(t, c.r)
		text := w.Body.String()
		if c.status == 303 {
			text = told(t, w)
		}
		if w.Code != c.status || w.Header().Get("Location") != c.to || !strings.Contains(text, c.has) || strings.Contains(text, "secret table") || c.desk.done != c.done {
			t.Errorf("%s: %d to %q, done %d times, want %d to %q with %q: %.2000s", c.name, w.Code, w.Header().Get("Location"), c.desk.done, c.status, c.to, c.has, text)
		}
		if c.status == 500 && !strings.Contains(logged, "secret table") && strings.HasPrefix(c.name, "broken") && c.name == "broken" {
			t.Errorf("%s: logged %q", c.name, logged)
		}
	}
}

// told is what the next page says.
func told(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	next := get("/findings")
	for _, c := range w.Result().Cookies() {
		next.AddCookie(c)
	}
	shown, _ := ask(t, &house{role: role.Viewer}, next)
	return shown.Body.String()
}

// TestStrangers: nothing is done for who is not signed in, nor for a page of another
// site.
func TestStrangers(t *testing.T) {
	d := &desk{house: house{nobody: true}, view: needs(role.Read)}
	w, _ := d.ask(t, send("a=b", "http://example.com/things/1"))
	if want := "/signin?next=" + url.QueryEscape("/things/1"); w.Header().Get("Location") != want || d.done > 0 {
		t.Errorf("nobody: to %q, done %d times", w.Header().Get("Location"), d.done)
	}
	for name, change := range map[string]func(http.Header){
		"fetch metadata": func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") },
		"another name":   func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site") },
		"origin":         func(h http.Header) { h.Set("Origin", "https://evil.example.com") },
		"no origin":      func(h http.Header) { h.Set("Origin", "null") },
	} {
		d := &desk{house: house{role: role.Admin}, view: View{Open: true}, answer: Answer{To: "/"}}
		r := send("a=b", "")
		change(r.Header)
		if w, _ := d.ask(t, r); w.Code != http.StatusForbidden || d.done > 0 {
			t.Errorf("%s: %d, done %d times", name, w.Code, d.done)
		}
	}
	d = &desk{house: house{nobody: true}, view: View{Own: true}}
	if w, _ := d.ask(t, send("", "")); w.Header().Get("Location") != "/signin?next=%2F" || d.done > 0 {
		t.Errorf("nobody has nothing of their own: %d to %q", w.Code, w.Header().Get("Location"))
	}
	d = &desk{house: house{nobody: true}, view: View{Open: true}, answer: Answer{To: "/things"}}
	if _, _ = d.ask(t, send("", "")); d.done != 1 {
		t.Error("what is open is not for everybody")
	}
	d = &desk{house: house{role: ""}, view: View{Own: true}, answer: Answer{To: "/things"}}
	if _, _ = d.ask(t, send("", "")); d.done != 1 {
		t.Error("what is one's own needs a role")
	}
}

// TestLeads: an address that leads on may lead to another host, and never back to
// where a request says that it came from.
func TestLeads(t *testing.T) {
	const away = "https://gitlab.example.com/oauth/authorize?x=y"
	cookie := &http.Cookie{Name: "attempt", Value: "x"}
	for _, c := range []struct {
		name   string
		answer Answer
		err    error
		status int
		to     string
	}{
		{"away", Answer{Away: away, Cookies: []*http.Cookie{cookie}}, nil, 303, away},
		{"on", Answer{To: "/things/2", Cookies: []*http.Cookie{cookie}}, nil, 303, "/things/2"},
		{"a page", Answer{Page: page.Nothing{}, Cookies: []*http.Cookie{cookie}}, nil, 200, ""},
		{"refused", Answer{Cookies: []*http.Cookie{cookie}}, &Refusal{"No."}, 303, "/things"},
		{"missing", Answer{Cookies: []*http.Cookie{cookie}}, ErrMissing, 404, ""},
		{"broken", Answer{Cookies: []*http.Cookie{cookie}}, errors.New("secret table is missing"), 500, ""},
	} {
		d := &desk{house: house{role: role.Viewer}, view: needs(role.Read), answer: c.answer, err: c.err}
		r := get("/things/1/back?code=x")
		r.Header.Set("Referer", "http://example.com/things/1/back?code=x")
		w, _ := d.ask(t, r)
		if w.Code != c.status || w.Header().Get("Location") != c.to || !strings.Contains(w.Header().Get("Set-Cookie"), "attempt=x") {
			t.Errorf("%s: %d to %q with %v", c.name, w.Code, w.Header().Get("Location"), w.Header()["Set-Cookie"])
		}
	}
}

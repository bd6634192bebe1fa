package oauth

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"

	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
)

const cookie = "_gitlab_session"

// Site keeps the sessions of browsers.
type Site struct {
	mu       sync.Mutex
	sessions map[string]*session
}

// NewSite makes a site that nobody has signed in to.
func NewSite() *Site { return &Site{sessions: map[string]*session{}} }

// session is one browser.
type session struct {
	id, form string // form proves that a form was made for this session
	userID   int64  // 0: not signed in
	back     string // where to go after signing in
	fresh    bool   // its cookie is still to be set
}

func (s *Site) find(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.sessions[id]; have != nil {
		return have
	}
	made := &session{id: rand.Text(), form: rand.Text(), fresh: true}
	s.sessions[made.id] = made
	return made
}

// renew gives a signed-in person a session with a new name, so that one planted
// before is worth nothing.
func (s *Site) renew(old *session, userID int64) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, old.id)
	made := &session{id: rand.Text(), form: rand.Text(), userID: userID, back: old.back, fresh: true}
	s.sessions[made.id] = made
	return made
}

// session finds the browser's session or begins one.
func (c *Call) session() *session {
	id := ""
	if sent, err := c.HTTP.Cookie(cookie); err == nil {
		id = sent.Value
	}
	return c.Site.find(id)
}

// user gives who is signed in and may be, or nil.
func (s *session) user(c *Call) *people.User {
	u := c.W.People.User(s.userID)
	if u == nil || u.Barred(c.Base) != "" {
		return nil
	}
	c.Actor = u
	return u
}

// sent says whether a form was made for this session.
func (s *session) sent(c *Call) bool {
	return subtle.ConstantTimeCompare([]byte(c.text("authenticity_token")), []byte(s.form)) == 1
}

// keep sets the cookie of a session that has just begun.
func (s *session) keep(c *Call, a wire.Answer) wire.Answer {
	if !s.fresh {
		return a
	}
	s.fresh = false
	set := http.Cookie{Name: cookie, Value: s.id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(c.Base, "https://")}
	return a.Set("Set-Cookie", set.String())
}

// redirect sends the browser to a place on this instance.
func (c *Call) redirect(path string, s *session) wire.Answer {
	return s.keep(c, wire.Answer{Status: http.StatusFound}.Set("Location", c.Base+path))
}

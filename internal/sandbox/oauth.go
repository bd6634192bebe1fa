package sandbox

import (
	"net/http"

	"cxm/internal/sandbox/oauth"
	"cxm/internal/sandbox/wire"
)

// Password gives the password with which root and the people of the seed sign
// in at /users/sign_in. People made by POST /users sign in with their own.
func (s *Server) Password() string { return s.opts.Password }

// endpoint runs one of the addresses outside the API while the world stands still.
func (s *Server) endpoint(e oauth.Endpoint) func(*http.Request, *exchange) {
	return func(r *http.Request, x *exchange) {
		sent, err := wire.Read(r, x.body)
		if err != nil {
			x.reply.set(wire.Answered(err, r.Method, nil))
			return
		}
		s.world.Do(func() {
			c := &oauth.Call{W: s.world, HTTP: r, Sent: sent, Base: s.base(r), Site: s.sessions}
			x.reply.set(e.Handle(c))
			if c.Actor != nil {
				x.reply.user = c.Actor.Username
			}
		})
	}
}

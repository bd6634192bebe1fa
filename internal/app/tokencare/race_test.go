package tokencare_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"cxm/internal/app"
)

// between does something before a request leaves, and after its answer came.
type between struct{ before, after func(*http.Request) }

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	b.before(r)
	answer, err := http.DefaultTransport.RoundTrip(r)
	b.after(r)
	return answer, err
}

// Whoever asks GitLab about a token just while another process rotates it is
// refused, and access is not lost: nobody is alarmed, and no work stops.
func TestAskedWhileRotated(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.Clock.Forward(oneDay) // it is asked about once a day
		asks, revoked, said := make(chan struct{}), make(chan struct{}), make(chan struct{})
		log, ask := b.logging(), sync.OnceFunc(func() { close(asks) })
		looks := b.Open(b.Dir, func(c *app.Config) {
			c.Logger = b.App.Logger
			c.Transport = between{before: func(*http.Request) { ask(); <-revoked }, after: func(*http.Request) {}}
		})
		rotates := b.Open(b.Dir, func(c *app.Config) {
			c.Transport = between{before: func(*http.Request) {}, after: func(r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/rotate") {
					close(revoked)
					<-said
				}
			}}
		})
		rotated := make(chan error)
		go func() {
			<-asks
			_, err := rotates.RotateToken(b.Context(), 0)
			rotated <- err
		}()
		if err := looks.CareForTokens(b.Context()); err != nil {
			b.Error(err)
		}
		during := b.tokenState()
		close(said)
		if err := <-rotated; err != nil {
			b.Fatal(err)
		}
		if during.Token.State != "active" || b.tokenState().Token.State != "active" {
			b.Errorf("while it was rotated the token was %s, then %s", during.Token.State, b.tokenState().Token.State)
		}
		if n := log.count("access to GitLab is lost"); n > 0 {
			b.Error("an alarm was given for a rotation that went well")
		}
	})
}

package connecting

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/url"
	"sync"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab/oauth"
	"cxm/internal/integration"
)

// OAuthAsk is what asking a person to agree takes.
type OAuthAsk struct {
	URL         string // of the instance, as people type it
	Application string // its Application ID there
	Key         credential.Secret
	Redirect    string // where the person is sent back to
	Network     integration.Network
}

// Authorization is a question to a person on a page of GitLab, and its answer.
type Authorization struct {
	Page string // to open

	host     string
	client   *oauth.Client
	state    string
	verifier credential.Secret

	mu   sync.Mutex
	used bool
}

// Errors about what comes back from GitLab's page.
var (
	// ErrState: it is not the answer to this question.
	ErrState = errors.New("the answer does not belong to this question: open the address that cxm printed, in the same browser")
	// ErrReplay: the question was answered before.
	ErrReplay = errors.New("the answer was given already: run the command again if it did not come through")
)

// AskOAuth prepares the page on which a person lets the application act for them.
// Nothing is sent or stored.
func (c *Connector) AskOAuth(ctx context.Context, ask OAuthAsk) (*Authorization, error) {
	base, err := integration.ParseURL(ask.URL)
	if err != nil {
		return nil, err
	}
	given, err := c.Network(ask.Network)
	if err != nil {
		return nil, err
	}
	before, err := c.Connections().Network(ctx, base)
	if err != nil {
		return nil, err
	}
	travel, err := c.TravelBy(base, core.Over(given, before))
	if err != nil {
		return nil, err
	}
	client, err := c.OAuth(base, ask.Application, ask.Key, ask.Redirect, travel)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	z := &Authorization{host: u.Host, client: client, state: rand.Text() + rand.Text(), verifier: oauth.Verifier()}
	z.Page = client.AuthorizeURL(z.state, oauth.Challenge(z.verifier))
	return z, nil
}

// Redeem takes what came back with the person, and gives what to connect with
// (Connect.Token). Only the first answer to this question counts: the error of
// another is ErrState, of a later one ErrReplay.
func (z *Authorization) Redeem(ctx context.Context, answer url.Values) (credential.Secret, error) {
	if subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(z.state)) != 1 {
		return credential.Secret{}, ErrState
	}
	if !z.first() {
		return credential.Secret{}, ErrReplay
	}
	if err := oauth.Returned(answer, z.host); err != nil {
		return credential.Secret{}, err
	}
	if answer.Get("code") == "" {
		return credential.Secret{}, errors.New("the answer of GitLab's page has neither a code nor an error: run the command again")
	}
	g, err := z.client.Exchange(ctx, answer.Get("code"), z.verifier)
	if err == nil {
		err = oauth.Allowed(g)
	}
	if err != nil {
		return credential.Secret{}, err
	}
	return g.Value(), nil
}

// first says that nobody answered before.
func (z *Authorization) first() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	was := z.used
	z.used = true
	return !was
}

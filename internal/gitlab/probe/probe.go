// Package probe collects the evidence about a connection to GitLab that
// internal/integration/check judges: it looks the name up, dials, shakes hands,
// asks for a page without a token, and then asks GitLab about token, account and
// project.
//
// What always holds: the token is sent only once GitLab has answered without it;
// nothing is created: the one request that writes lacks what GitLab demands;
// evidence holds no token; whatever goes wrong is evidence too, so that only the
// end of the context ends it early.
package probe

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
)

// timeout bounds each step on the way and each question.
const timeout = 15 * time.Second

// Target is the connection to look at.
type Target struct {
	URL     string            // as it was given
	Token   credential.Secret // as it was given; it may hold what no token does
	Project string            // path with group, number, or address in the browser; empty: none
	Storage check.Storage
	Before  check.Before
	Flow    check.Facts

	Transport http.RoundTripper // how requests travel; nil: rest.NewTransport()
	Clock     func() time.Time  // nil: time.Now
	// Client makes the client for the questions, once the instance is reached. One
	// that is read-only leaves the dry create out.
	Client func(base string, token credential.Secret) (*rest.Client, error)
}

// Collect collects the evidence, stage by stage. Told is called after each with
// what there is by then, which it must not keep; all stages are told, also when
// nothing more could be asked.
func Collect(ctx context.Context, t Target, told func(check.Stage, *check.Evidence)) *check.Evidence {
	if t.Clock == nil {
		t.Clock = time.Now
	}
	if t.Transport == nil {
		t.Transport = rest.NewTransport()
	}
	p := &prober{target: t, Evidence: &check.Evidence{Now: t.Clock(), Before: t.Before, Flow: t.Flow}}
	for i, collect := range []func(context.Context){p.given, p.reached, p.known, p.placed, func(context.Context) {}} {
		collect(ctx)
		p.Done = check.Stages()[i]
		told(p.Done, p.Evidence)
		if ctx.Err() != nil {
			break
		}
	}
	return p.Evidence
}

// prober is one collection in the making.
type prober struct {
	target Target
	*check.Evidence
	client *rest.Client
}

// given looks at what was typed.
func (p *prober) given(context.Context) {
	p.URL, p.Storage = p.target.URL, p.target.Storage
	base, err := integration.ParseURL(p.target.URL)
	if err != nil {
		p.URLTrouble = err.Error()
	}
	p.Base = base
	p.Loopback = integration.Loopback(base)
	p.Form = check.ParseForm(p.target.Token.Reveal())
	p.Wanted = projectName(base, p.target.Project)
}

// projectName takes what people paste down to GitLab's name of the project.
func projectName(base, text string) string {
	text = strings.TrimSpace(text)
	if len(base) > 0 && len(text) > len(base) && strings.EqualFold(text[:len(base)], base) {
		text = text[len(base):]
	}
	text, _, _ = strings.Cut(text, "/-/")
	return strings.TrimSuffix(strings.Trim(text, "/"), ".git")
}

// reached finds the way to the instance.
func (p *prober) reached(ctx context.Context) {
	if p.Base == "" {
		return
	}
	u, err := url.Parse(p.Base)
	if err != nil {
		return // ParseURL took it
	}
	if p.travel(ctx, u) {
		p.page(ctx)
	}
}

// known asks who the token belongs to and what it is.
func (p *prober) known(ctx context.Context) {
	if p.Barred() != "" || ctx.Err() != nil {
		return
	}
	token, err := credential.Clean(p.target.Token.Reveal())
	if err != nil {
		p.Form.Fault, p.Form.Mend = err.Error(), "Paste the token again"
		return
	}
	if p.client, err = p.target.Client(p.Base, token); err != nil {
		p.User = check.Call{Sent: true, Method: http.MethodGet, Route: "/user", Trouble: unsent(err)}
		return
	}
	p.askUser(ctx)
	if p.User.OK() {
		p.askToken(ctx)
		p.askVersion(ctx)
		p.askExtent(ctx)
	}
}

// placed asks about the project.
func (p *prober) placed(ctx context.Context) {
	if p.client == nil || p.Placeless() != "" || ctx.Err() != nil {
		return
	}
	p.askProject(ctx)
	if !p.Find.OK() {
		p.lookAround(ctx)
		return
	}
	p.askRoles(ctx)
	p.tryCreate(ctx)
	p.askHooks(ctx)
	p.askPeople(ctx)
}

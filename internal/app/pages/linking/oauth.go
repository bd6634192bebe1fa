package linking

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"cxm/internal/app"
	"cxm/internal/app/attempt"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/web/connecting"
	"cxm/internal/web/site"
)

// grants have people agree on a page of GitLab.
type grants struct {
	*Desk
	tries *tries
	kept  *attempt.Desk[*app.Authorization]
}

// Ask implements connecting.OAuth.
func (o *grants) Ask(ctx context.Context, g site.Guest, w connecting.Want) (link, host string, err error) {
	a, err := o.app.Of(ctx, g.Tenant)
	if err != nil {
		return "", "", err
	}
	if err := o.free(g); err != nil {
		return "", "", err
	}
	faults := map[string]string{}
	base := instance(w, faults)
	if w.Application == "" && len(faults) == 0 {
		if w.Application, w.Key, err = known(ctx, a, base); err != nil {
			return "", "", err
		}
	}
	if w.Application == "" && len(faults) == 0 {
		faults["application_id"] = "no application of this instance is known to cxm yet: register one in GitLab, and enter its Application ID"
	}
	if len(faults) > 0 {
		return "", "", &connecting.Fault{Fields: faults}
	}
	z, err := a.AskOAuth(ctx, app.OAuthAsk{URL: base, Application: w.Application, Key: w.Key, Redirect: w.Return})
	if err != nil {
		return "", "", &connecting.Fault{Fields: map[string]string{"url": err.Error()}}
	}
	o.kept.Add(owner(g), z)
	there, err := url.Parse(base)
	if err != nil {
		return "", "", err
	}
	return z.Page, there.Host, nil
}

// known is the application by which the instance is connected already; empty: none is.
func known(ctx context.Context, a *app.App, base string) (id string, key credential.Secret, err error) {
	all, err := a.Details(ctx)
	if err != nil {
		return "", key, err
	}
	for _, d := range all {
		if d.Integration.URL != base || !d.Token.OAuth() {
			continue
		}
		g, _, err := a.GrantOf(d.Integration, d.Token)
		if err != nil {
			return "", key, err
		}
		return g.Application, g.Key, nil
	}
	return "", key, nil
}

// Answer implements connecting.OAuth.
func (o *grants) Answer(ctx context.Context, g site.Guest, answer url.Values) (string, error) {
	a, err := o.app.Of(ctx, g.Tenant)
	if err != nil {
		return "", err
	}
	for _, z := range o.kept.All(owner(g)) {
		ctx := context.WithoutCancel(ctx) // the code is good once
		token, err := z.Redeem(ctx, answer)
		switch {
		case errors.Is(err, app.ErrState):
			continue // it answers another question
		case errors.Is(err, app.ErrReplay):
			return "", &site.Refusal{Text: "This answer of GitLab's was taken already. If nothing is connected, begin anew."}
		case err != nil:
			return "", &site.Refusal{Text: "GitLab did not let cxm in, and nothing was kept: " + strings.TrimSuffix(err.Error(), ".") + "."}
		}
		base, err := asked(z)
		if err != nil {
			return "", err
		}
		return o.tries.begin(ctx, g, a, byOAuth(), connect{url: base, token: token}), nil
	}
	return "", &site.Refusal{Text: "This answer of GitLab's belongs to no question of yours: it took longer than half an hour, or it was asked in another session. Nothing was kept; begin anew."}
}

// asked is the instance that an authorization is about.
func asked(z *app.Authorization) (string, error) {
	u, err := url.Parse(z.Page)
	if err != nil {
		return "", fmt.Errorf("reading the address of GitLab's page: %w", err)
	}
	root, _, _ := strings.Cut(u.Path, "/oauth/")
	return u.Scheme + "://" + u.Host + root, nil
}

func byOAuth() integration.Product {
	for _, p := range integration.Catalog() {
		if p.SignIn == integration.ByOAuth {
			return p
		}
	}
	return integration.Product{}
}

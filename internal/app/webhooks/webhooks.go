// Package webhooks makes webhooks in GitLab and looks after them.
//
// What always holds: a webhook is remembered before GitLab is asked for it, so
// that it is found again whatever became of the answer; its secret is stored sealed.
package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cxm/internal/app/tokencare"
	"cxm/internal/credential"
	"cxm/internal/gitlab/hook"
	"cxm/internal/integration"
	"cxm/internal/observe"
	"cxm/internal/store/hooks"
)

// Minder looks after the webhooks of one data directory. It is safe for concurrent
// use.
type Minder struct{ *tokencare.Keeper }

// New makes one that goes to GitLab with the tokens that k keeps.
func New(k *tokencare.Keeper) *Minder { return &Minder{k} }

// Webhook is a webhook through which GitLab tells cxm where to look.
type Webhook struct {
	hooks.Hook
	URL string // to which GitLab delivers
}

func newWebhook(h hooks.Hook) Webhook { return Webhook{h, h.Base + observe.Path + h.Endpoint} }

// Request is what AddWebhook needs.
type Request struct {
	Integration  int64  // 0: the only one
	URL          string // of `cxm serve --listen`, as GitLab reaches it
	Group        string // path or id of the group to listen to, with all its projects; else
	Project      string // path or id of the project; optional: that of the integration
	InsecureHTTP bool   // allows a URL without TLS
}

// AddWebhook makes a webhook in GitLab and remembers it. Called again for the same
// target it finds what it made, whatever became of the first attempt, and renews
// its address and secret: GitLab never has two of them.
func (m *Minder) AddWebhook(ctx context.Context, r Request) (Webhook, error) {
	base, err := hookBase(r.URL, r.InsecureHTTP)
	if err != nil {
		return Webhook{}, err
	}
	in, err := m.Integration(ctx, r.Integration)
	if err != nil {
		return Webhook{}, err
	}
	client, err := m.hookClient(ctx, in)
	if err != nil {
		return Webhook{}, err
	}
	target, err := m.hookTarget(ctx, client, in, r)
	if err != nil {
		return Webhook{}, err
	}
	there, err := client.List(ctx, target)
	if err != nil {
		return Webhook{}, err
	}
	h, err := m.intendHook(ctx, in, target, base, there)
	if err != nil {
		return Webhook{}, err
	}
	h.Base, h.Target, h.Signing = base, target.Path, hook.Signs(in.Version)
	return m.makeHook(ctx, client, target, h, there)
}

// hookBase checks the address of cxm that a person gave.
func hookBase(text string, insecure bool) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "", fmt.Errorf("--url %.120q is not an address: give the one by which GitLab reaches `cxm serve --listen`, such as https://cxm.example.com", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("--url holds more than an address: leave out user names, ? and #")
	case u.Scheme == "http" && !insecure:
		return "", errors.New("--url has no TLS: whoever is on the way could read which issues change, and on GitLab before 19.0 the secret. Put a proxy with a certificate before cxm, or give --insecure-http")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func (m *Minder) hookClient(ctx context.Context, in integration.Integration) (*hook.Client, error) {
	c, err := m.Open(ctx, in, false)
	if err != nil {
		return nil, err
	}
	return hook.New(c.Client), nil
}

// hookTarget is what the webhook is to listen to.
func (m *Minder) hookTarget(ctx context.Context, c *hook.Client, in integration.Integration, r Request) (hook.Target, error) {
	switch {
	case r.Group != "" && r.Project != "":
		return hook.Target{}, errors.New("give either --group or --project")
	case r.Group != "":
		return c.Group(ctx, r.Group)
	case r.Project == "":
		return hook.Target{ID: in.Project.ID, Path: in.Project.Path}, nil
	}
	all, err := m.Open(ctx, in, false)
	if err != nil {
		return hook.Target{}, err
	}
	p, err := all.Project(ctx, r.Project)
	return hook.Target{ID: p.ID, Path: p.Path}, err
}

// intendHook remembers the webhook before GitLab is asked for it. One that GitLab
// has at this address and nobody remembers, as after a restored backup, is taken
// over.
func (m *Minder) intendHook(ctx context.Context, in integration.Integration, t hook.Target, base string, there []hook.Hook) (hooks.Hook, error) {
	known, err := m.Hooks.Hooks(ctx)
	if err != nil {
		return hooks.Hook{}, err
	}
	endpoint := strings.ToLower(rand.Text())
	for _, h := range there {
		old, ours := strings.CutPrefix(h.URL, base+observe.Path)
		if ours && len(old) == len(endpoint) && !slices.ContainsFunc(known, func(k hooks.Hook) bool { return k.Endpoint == old }) {
			endpoint = old
		}
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
	secret := credential.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(random))
	sealed, err := m.Sealer.SealHook(m.Tenant, endpoint, secret)
	if err != nil {
		return hooks.Hook{}, err
	}
	level := hooks.Project
	if t.Group {
		level = hooks.Group
	}
	return m.Hooks.Add(ctx, hooks.Hook{
		Integration: in.ID, Endpoint: endpoint, Base: base, Sealed: sealed, Signing: hook.Signs(in.Version),
		Level: level, TargetID: t.ID, Target: t.Path, CreatedAt: m.Clock().UTC(),
	})
}

// makeHook makes the webhook in GitLab what it is to be, wherever an earlier
// attempt ended.
func (m *Minder) makeHook(ctx context.Context, c *hook.Client, t hook.Target, h hooks.Hook, there []hook.Hook) (Webhook, error) {
	secret, err := m.Sealer.OpenHook(m.Tenant, h.Endpoint, h.Sealed)
	if err != nil {
		return Webhook{}, err
	}
	w := newWebhook(h)
	want := hook.Wanted{URL: w.URL, Secret: secret, Signing: h.Signing, Verify: true}
	at := slices.IndexFunc(there, func(g hook.Hook) bool { return g.URL == w.URL || g.ID == h.GitLabID })
	var made hook.Hook
	if at < 0 {
		made, err = c.Create(ctx, t, want)
	} else {
		made, err = c.Update(ctx, t, there[at].ID, want)
		if err == nil && there[at].URL != want.URL { // with its address it lost a secret that is the same as before
			made, err = c.Update(ctx, t, made.ID, want)
		}
	}
	if err == nil && want.Signing && !made.Signs { // 19.0 may have it switched off
		want.Signing = false
		made, err = c.Update(ctx, t, made.ID, want)
	}
	if err != nil {
		return Webhook{}, fmt.Errorf("%w. Run the same again: it finds what was made", err)
	}
	w.GitLabID, w.Signing = made.ID, want.Signing
	if err := m.Hooks.Save(ctx, w.Hook); err != nil {
		return Webhook{}, err
	}
	w.Hook = m.judge(w.Hook, made)
	return w, m.Hooks.Check(ctx, w.Hook)
}

// Webhooks lists what AddWebhook made, the oldest first. With refresh GitLab is
// asked how each does, and one that it switched off is tested.
func (m *Minder) Webhooks(ctx context.Context, refresh bool) ([]Webhook, error) {
	if refresh {
		if err := m.CheckWebhooks(ctx); err != nil {
			return nil, err
		}
	}
	all, err := m.Hooks.Hooks(ctx)
	var out []Webhook
	for _, h := range all {
		out = append(out, newWebhook(h))
	}
	return out, err
}

// TestWebhook has GitLab deliver something right now. Success switches a webhook
// on again that GitLab had switched off.
func (m *Minder) TestWebhook(ctx context.Context, id int64) (Webhook, error) {
	h, client, err := m.hook(ctx, id)
	if err != nil {
		return Webhook{}, err
	}
	tested := client.Test(ctx, targetOf(h), h.GitLabID)
	h, err = m.checkHook(ctx, client, h, false)
	return newWebhook(h), errors.Join(tested, err)
}

// RemoveWebhook deletes a webhook in GitLab, and forgets it. cxm goes on by looking
// regularly.
func (m *Minder) RemoveWebhook(ctx context.Context, id int64) error {
	h, client, err := m.hook(ctx, id)
	if err != nil {
		return err
	}
	if h.GitLabID != 0 {
		if err := client.Delete(ctx, targetOf(h), h.GitLabID); err != nil {
			return err
		}
	}
	return m.Hooks.Delete(ctx, id)
}

func (m *Minder) hook(ctx context.Context, id int64) (hooks.Hook, *hook.Client, error) {
	h, err := m.Hooks.Hook(ctx, id)
	if err != nil {
		return h, nil, err
	}
	in, err := m.Integration(ctx, h.Integration)
	if err != nil {
		return h, nil, err
	}
	client, err := m.hookClient(ctx, in)
	return h, client, err
}

func targetOf(h hooks.Hook) hook.Target {
	return hook.Target{Group: h.Level == hooks.Group, ID: h.TargetID, Path: h.Target}
}

package linking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/attempt"
	"cxm/internal/integration/access"
	"cxm/internal/integration/check"
	"cxm/internal/signin/role"
	"cxm/internal/store"
	"cxm/internal/web/connecting"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// tests are the last tests of the integrations. They are gone when cxm stops. The zero
// value has none.
type tests struct {
	mu sync.Mutex
	of map[testOf]*attempt.Watched[lastTest] // guarded by mu
}

type testOf struct {
	tenant      string
	integration int64
}

// lastTest is one, as far as it is.
type lastTest struct {
	results []check.Result
	running bool
	at      time.Time // when it ended; zero: none has
	trouble string    // why it came to no end
}

// test is the last test of an integration, which may have none yet.
func (t *tests) test(tenant string, id int64) *attempt.Watched[lastTest] {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := testOf{tenant, id}
	if t.of == nil {
		t.of = map[testOf]*attempt.Watched[lastTest]{}
	}
	if t.of[key] == nil {
		t.of[key] = attempt.Watch(lastTest{})
	}
	return t.of[key]
}

// Connected implements site.Integrations. It asks nothing of GitLab.
func (k *Desk) Connected(ctx context.Context, g site.Guest) ([]page.Connected, error) {
	a, err := k.app.Of(ctx, g.Tenant)
	if err != nil {
		return nil, err
	}
	all, err := a.Details(ctx)
	if err != nil {
		return nil, err
	}
	var out []page.Connected
	for _, d := range all {
		last, _ := k.tests.test(g.Tenant, d.Integration.ID).Now()
		c := page.Connected{
			Product: "gitlab-token", URL: fmt.Sprintf("/settings/integrations/%d", d.Integration.ID),
			Text:    d.Integration.Project.Path + " as " + d.Integration.Account.Username,
			Trouble: spent(d, a.Clock()) != "active" || check.Worst(last.results) == check.Failed,
		}
		if d.Token.OAuth() {
			c.Product = "gitlab-oauth"
		}
		out = append(out, c)
	}
	return out, nil
}

// spent is "active", or why the token of an integration cannot be used.
func spent(d app.Detail, now time.Time) string {
	switch t := d.Token; {
	case t.State.Held():
		return string(t.State)
	case !t.OAuth() && !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(now):
		return "expired"
	}
	return "active"
}

// Integration implements site.Integrations. It asks nothing of GitLab: how the
// connection is, is what its last test said.
func (k *Desk) Integration(ctx context.Context, g site.Guest, id int64) (page.IntegrationData, error) {
	a, err := k.app.Of(ctx, g.Tenant)
	if err != nil {
		return page.IntegrationData{}, err
	}
	if err := there(ctx, a, id); err != nil {
		return page.IntegrationData{}, err
	}
	d, err := a.Detail(ctx, id)
	if err != nil {
		return page.IntegrationData{}, err
	}
	out := described(d, a.Clock())
	last, _ := k.tests.test(g.Tenant, id).Now()
	out.Running, out.Tested = last.running, last.at
	if last.running || !last.at.IsZero() {
		out.Groups = connecting.Testing{Results: last.results, Of: id, Running: last.running}.Groups()
	}
	if last.trouble != "" {
		out.Note = "The last test came to no end: " + last.trouble
	}
	if k.made(g.Tenant, d.Integration.URL) {
		out.Note = "This is a make-believe GitLab that runs inside cxm. Its data are gone when it ends."
	}
	out.May, out.MayTest, out.MayReview = g.May(role.IntegrationsWrite), g.May(role.Plan), g.May(role.ReviewsRecord)
	called(a, d, &out)
	return out, errors.Join(rotated(ctx, a, d, &out), reviewed(ctx, a, d, &out), hooked(ctx, a, d, &out))
}

// there says that the tenant has the integration; else the error is site.ErrMissing.
func there(ctx context.Context, a *app.App, id int64) error {
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return err
	}
	for _, in := range all {
		if in.ID == id && id != 0 {
			return nil
		}
	}
	return site.ErrMissing
}

// described is what is stored of an integration.
func described(d app.Detail, now time.Time) page.IntegrationData {
	in := d.Integration
	out := page.IntegrationData{
		ID: in.ID, URL: in.URL, Version: in.Version, Project: ui.Link{Text: in.Project.Path, URL: in.Project.WebURL},
		Labels: d.Issues.Labels, Assignee: d.Issues.Assignee, Private: d.Issues.Confidential,
		Account: in.Account.Username, Role: "not known", Scopes: d.Token.Scopes, Now: now, ExpiresAt: d.Token.ExpiresAt, TokenState: spent(d, now),
	}
	if in.Project.AccessLevel != 0 {
		out.Role = access.Role(in.Project.AccessLevel).String() + " in " + in.Project.Path
	}
	switch {
	case d.Token.OAuth():
		out.Kind = "an account that somebody signed in with"
		out.Warnings = []string{"cxm acts as whoever agreed: when that person leaves, or takes it back, issues stop. A service account with a token depends on nobody."}
		out.ExpiresAt = time.Time{}
	case in.Account.Bot:
		out.Kind = "a service account, or another bot"
	default:
		out.Kind = "an ordinary user"
		out.Warnings = []string{
			"GitLab does not say that this is a service account. If it is a person's, issues stop when that person leaves, and everything that cxm writes is shown as theirs.",
			"Use a service account, or where there is none a bot user with a team's address.",
		}
	}
	out.Way = reached(d)
	return out
}

func reached(d app.Detail) string {
	switch n := d.Network; {
	case n.CA != "" && n.Proxy != "":
		return "through " + n.Proxy + ", with a certificate of your own"
	case n.Proxy != "":
		return "through " + n.Proxy
	case n.CA != "":
		return "with a certificate of your own"
	}
	return ""
}

// called puts in the last calls that this process made.
func called(a *app.App, d app.Detail, out *page.IntegrationData) {
	told := a.RecentCalls(d.Integration)
	for _, c := range told.Calls {
		out.Calls = append(out.Calls, page.Call{At: c.At, Method: c.Method, Path: c.Route, Status: c.Status, Took: c.Took})
	}
	if told.Left >= 0 {
		out.Remaining = fmt.Sprintf("%d calls, at %s", told.Left, told.At.Format("15:04:05 UTC"))
	}
}

// rotated puts in what cxm does about the token.
func rotated(ctx context.Context, a *app.App, d app.Detail, out *page.IntegrationData) error {
	t, err := a.TokenStatus(ctx, d.Integration.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	out.RotatesAt, out.WhyNot, out.Trouble, out.Every = t.Next, t.WhyNot, t.Trouble, int(t.Every.Hours()/24)
	if t.Token.Rotation != 0 {
		out.RotatedAt = t.Token.AddedAt
	}
	if out.TokenState != "active" {
		out.WhyNot = ""
	}
	if t.Token.OAuth() {
		out.WhyNot = "GitLab's OAuth tokens live for hours, and cxm renews them by itself"
	}
	return err
}

// reviewed puts in who looks after the account, and when it was looked over.
func reviewed(ctx context.Context, a *app.App, d app.Detail, out *page.IntegrationData) error {
	var err error
	if out.Owners, err = a.AccessOwners(ctx, d.Integration.ID); err != nil {
		return err
	}
	last, err := a.AccessReviews(ctx, d.Integration.ID, 1)
	if len(last) > 0 {
		out.Reviewed = last[0].At
	}
	out.Due = access.Due(d.Integration.CreatedAt, out.Reviewed)
	return err
}

func hooked(ctx context.Context, a *app.App, d app.Detail, out *page.IntegrationData) error {
	all, err := a.Webhooks(ctx, false)
	for _, h := range all {
		if h.Integration == d.Integration.ID {
			out.Hooks = append(out.Hooks, page.Hook{ID: h.ID, Target: h.Target, Trouble: h.Trouble, Checked: h.CheckedAt})
		}
	}
	return err
}

// minder looks after integrations.
type minder struct{ *Desk }

// in is the program for the guest's tenant, which has the integration.
func (m minder) in(ctx context.Context, g site.Guest, id int64) (*app.App, error) {
	a, err := m.app.Of(ctx, g.Tenant)
	if err != nil {
		return nil, err
	}
	return a, there(ctx, a, id)
}

// Test implements connecting.Care.
func (m minder) Test(ctx context.Context, g site.Guest, id int64) error {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return err
	}
	w, begun := m.tests.test(g.Tenant, id), false
	w.Change(func(t *lastTest) {
		if begun = !t.running; begun {
			*t = lastTest{running: true, at: t.at}
		}
	})
	if !begun {
		return nil
	}
	ctx, stop := outlive(ctx)
	go func() {
		defer stop()
		all, err := a.Test(ctx, app.Exam{Integration: id}, func(r check.Result) {
			w.Change(func(t *lastTest) { t.results = append(slices.Clip(t.results), r) })
		})
		w.Change(func(t *lastTest) {
			t.running, t.at = false, a.Clock().UTC()
			if err != nil {
				t.trouble = err.Error()
				return
			}
			t.results = all
		})
	}()
	return nil
}

// Reached implements connecting.Ways.
func (m minder) Reached(ctx context.Context, g site.Guest, id int64, w connecting.Way) ([]check.Result, error) {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return nil, err
	}
	faults := map[string]string{}
	network := way(a, connecting.Want{CA: w.CA, Proxy: w.Proxy}, faults)
	if len(faults) > 0 {
		return nil, &connecting.Fault{Fields: faults}
	}
	return a.Test(ctx, app.Exam{Integration: id, Network: network, Alone: true}, nil)
}

// Testing implements connecting.Care.
func (m minder) Testing(ctx context.Context, g site.Guest, id int64) (connecting.Testing, error) {
	if _, err := m.in(ctx, g, id); err != nil {
		return connecting.Testing{}, err
	}
	t, changed := m.tests.test(g.Tenant, id).Now()
	return connecting.Testing{Results: t.results, Of: id, Running: t.running, Changed: changed}, nil
}

// Places implements connecting.Care.
func (m minder) Places(ctx context.Context, g site.Guest, id int64, ask connecting.Ask) ([]ui.Option, bool, error) {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return nil, false, err
	}
	ctx, stop := context.WithTimeout(ctx, glance)
	defer stop()
	if ask.Repositories {
		list, err := a.ProjectsOf(ctx, id, ask.Within, ask.Text)
		if err != nil {
			return nil, false, said(err)
		}
		out, more, err := firstOf(ctx, list, project)
		return out, more, said(err)
	}
	list, err := a.NamespacesOf(ctx, id, ask.Text)
	if err != nil {
		return nil, false, said(err)
	}
	projects, err := a.ProjectsOf(ctx, id, "", ask.Text)
	if err != nil {
		return nil, false, said(err)
	}
	out, more, err := spaces(ctx, list, projects, ask.Text)
	return out, more, said(err)
}

// Owners implements connecting.Owners.
func (m minder) Owners(ctx context.Context, g site.Guest, id int64) ([]string, error) {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return nil, err
	}
	return a.AccessOwners(ctx, id)
}

// SetOwners implements connecting.Owners.
func (m minder) SetOwners(ctx context.Context, g site.Guest, id int64, addresses []string) ([]string, error) {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return nil, err
	}
	for _, text := range addresses {
		if _, _, err := access.ParseOwner(text); err != nil {
			return nil, &connecting.Fault{Fields: map[string]string{"owners": err.Error()}}
		}
	}
	_, weak, err := a.SetAccessOwners(ctx, id, addresses)
	return weak, err
}

// AddWebhook implements connecting.Hooks.
func (m minder) AddWebhook(ctx context.Context, g site.Guest, id int64, w connecting.HookWant) (string, error) {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return "", err
	}
	made, err := a.AddWebhook(ctx, app.WebhookRequest{Integration: id, URL: w.URL, Group: w.Group, InsecureHTTP: w.Insecure})
	return made.Target, said(err)
}

// RemoveWebhook implements connecting.Hooks. The page has made sure that it belongs to
// the integration.
func (m minder) RemoveWebhook(ctx context.Context, g site.Guest, id, hook int64) error {
	a, err := m.in(ctx, g, id)
	if err != nil {
		return err
	}
	return said(a.RemoveWebhook(ctx, hook))
}

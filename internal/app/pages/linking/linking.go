// Package linking has the site connect GitLab and look after connections: it answers
// what internal/web/connecting asks with what internal/app knows.
//
// What always holds: a tenant's pages ask that tenant alone; what is begun in GitLab
// goes on when the browser goes away; a token that somebody typed is in memory until it
// is sealed or forgotten, and nowhere else.
package linking

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/attempt"
	"cxm/internal/credential"
	"cxm/internal/demo"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
	"cxm/internal/web/connecting"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// The bounds of what people begin in a browser.
const (
	lives   = 30 * time.Minute // and then it is forgotten, with its token
	several = 5                // of one person
	slow    = 5 * time.Minute  // ends a test, or a set-up
	glance  = 20 * time.Second // ends a look for what there is to choose from
	listed  = 100              // places in one answer
)

// Desk is what all of it stands on. Make one with New.
type Desk struct {
	app     *app.App // of the first tenant
	public  string
	tests   tests       // of connections
	sandbox demo.Trials // to try cxm with
}

// New makes one. public is the address of cxm as people reach it; empty: the one that
// they ask.
func New(a *app.App, public string) *Desk { return &Desk{app: a, public: public} }

// Area is the part of the site.
func (k *Desk) Area() site.Area {
	t := &tries{k, attempt.New(lives, several, (*try).end)}
	return connecting.New(connecting.Parts{
		Tries: t, OAuth: &grants{k, t, attempt.New[*app.Authorization](lives, several, nil)}, Care: minder{k}, Ways: minder{k}, Owners: minder{k}, Hooks: minder{k},
		Setups: &setups{k, attempt.New(lives, several, (*setup).end)}, Trials: trials{k}, Public: k.public,
	})
}

func owner(g site.Guest) attempt.Owner {
	return attempt.Owner{Person: g.Who.Person.ID, Session: g.Who.Session.ID, Tenant: g.Tenant}
}

// outlive goes on when who began it went away, for a while.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), slow)
}

// tries are connections in the making.
type tries struct {
	*Desk
	kept *attempt.Desk[*try]
}

// try is one. Its token is in memory alone, until it is connected or forgotten.
type try struct {
	app    *app.App
	state  *attempt.Watched[connecting.Try]
	tested func(id int64, all []check.Result) // keeps the test of the integration that it became

	mu    sync.Mutex
	want  connect            // guarded by mu
	visit *app.Visit         // once the test ended well; guarded by mu
	stop  context.CancelFunc // of the test; guarded by mu
}

// connect is what to connect with.
type connect struct {
	url     string
	token   credential.Secret
	network integration.Network
}

// end forgets what it was begun with.
func (t *try) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.want.token, t.visit = credential.Secret{}, nil
	if t.stop != nil {
		t.stop()
	}
}

// Begin implements connecting.Tries.
func (t *tries) Begin(ctx context.Context, g site.Guest, w connecting.Want) (string, error) {
	a, err := t.app.Of(ctx, g.Tenant)
	if err != nil {
		return "", err
	}
	if err := t.free(g); err != nil {
		return "", err
	}
	faults := map[string]string{}
	base := instance(w, faults)
	token, err := credential.Clean(w.Token.Reveal())
	if err != nil {
		faults["token"] = err.Error()
	}
	network := way(a, w, faults)
	if len(faults) > 0 {
		return "", &connecting.Fault{Fields: faults}
	}
	return t.begin(ctx, g, a, w.Product, connect{base, token, network}), nil
}

// instance is the address of an instance as it is kept.
func instance(w connecting.Want, faults map[string]string) string {
	base, err := app.InstanceURL(w.URL)
	if err != nil {
		faults["url"] = err.Error()
	}
	return base
}

// way is how it is to be reached.
func way(a *app.App, w connecting.Want, faults map[string]string) integration.Network {
	network, err := a.Network(integration.Network{CA: w.CA})
	if err != nil {
		faults["ca_file"] = cmp.Or(errors.Unwrap(err), err).Error() // the command line's words are around it
	}
	proxy, err := a.Network(integration.Network{Proxy: w.Proxy})
	if err != nil {
		faults["proxy"] = err.Error()
	}
	network.Proxy = proxy.Proxy
	return network
}

// begin keeps a try, and tests it.
func (t *tries) begin(ctx context.Context, g site.Guest, a *app.App, p integration.Product, c connect) string {
	made := &try{app: a, want: c, state: attempt.Watch(connecting.Try{Product: p, URL: c.url})}
	made.tested = func(id int64, all []check.Result) {
		t.tests.test(g.Tenant, id).Change(func(last *lastTest) { *last = lastTest{results: all, at: a.Clock().UTC()} })
	}
	made.run(ctx, "", made.choices)
	return t.kept.Add(owner(g), made)
}

// run tests the connection while the caller goes on; then hears of a test that ended
// well, and is to say when all is over.
func (t *try) run(ctx context.Context, project string, then func(context.Context, []check.Result)) {
	ctx, stop := outlive(ctx)
	t.mu.Lock()
	t.stop = stop
	want := t.want
	t.mu.Unlock()
	t.state.Change(func(s *connecting.Try) {
		s.Results, s.Running, s.Trouble, s.Fields = nil, true, "", nil
	})
	go func() {
		defer stop()
		all, err := t.app.Test(ctx, app.Exam{URL: want.url, Token: want.token, Network: want.network, Project: project}, func(r check.Result) {
			t.state.Change(func(s *connecting.Try) { s.Results = append(slices.Clip(s.Results), r) })
		})
		switch {
		case err != nil:
			t.over(func(s *connecting.Try) { s.Trouble = "The test came to no end: " + err.Error() })
		case check.Worst(all) == check.Failed:
			t.over(func(s *connecting.Try) {
				if project != "" {
					s.Trouble = "Nothing was kept: cxm cannot work there yet. The test says why."
				}
			})
		default:
			then(ctx, all)
		}
	}()
}

// over says that nothing goes on any more.
func (t *try) over(change func(*connecting.Try)) {
	t.state.Change(func(s *connecting.Try) {
		s.Running = false
		change(s)
	})
}

// choices looks for what there is to choose from.
func (t *try) choices(ctx context.Context, _ []check.Result) {
	ctx, stop := context.WithTimeout(ctx, glance)
	defer stop()
	visit, err := t.opened(ctx)
	if err != nil {
		t.over(func(s *connecting.Try) { s.Trouble = err.Error() })
		return
	}
	spaces, _, err := spaces(ctx, visit.Namespaces(""), visit.Projects("", ""), "")
	places, _, failed := firstOf(ctx, visit.Projects("", ""), project)
	t.over(func(s *connecting.Try) {
		s.Namespaces, s.Projects = spaces, places
		if err = errors.Join(err, failed); err != nil {
			s.Trouble = "Namespaces and repositories could not be listed: " + err.Error()
		} else if len(places) == 0 {
			s.Trouble = visit.Account.Username + " is a member of no project, so that there is none to choose. In GitLab, open the project or its group, and there Manage > Members; invite the account with the role Maintainer, then test again."
		}
	})
}

// opened is the instance, with the account that it knows the token of.
func (t *try) opened(ctx context.Context) (*app.Visit, error) {
	t.mu.Lock()
	visit, want := t.visit, t.want
	t.mu.Unlock()
	if visit != nil {
		return visit, nil
	}
	if want.token.Empty() {
		return nil, site.ErrMissing
	}
	visit, err := t.app.Visit(ctx, app.Connect{URL: want.url, Token: want.token, Network: want.network})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.visit = visit
	return visit, nil
}

// firstOf are the first of a list.
func firstOf[T, U any](ctx context.Context, list *app.Pages[T], as func(T) U) (out []U, more bool, err error) {
	for more = true; more && len(out) < listed; {
		var found []T
		if found, more, err = list.Next(ctx); err != nil {
			return out, false, err
		}
		for _, each := range found {
			out = append(out, as(each))
		}
	}
	if len(out) > listed {
		out, more = out[:listed], true
	}
	return out, more, nil
}

func namespace(n app.Namespace) ui.Option {
	o := ui.Option{Value: n.Path, Text: n.Path}
	if n.Own {
		o.Text += " (a person's own)"
	}
	return o
}

func project(p app.Place) ui.Option {
	o := ui.Option{Value: strconv.FormatInt(p.ID, 10), Text: p.Path}
	if p.Unfit != "" {
		o.Text, o.Disabled = p.Path+" (not usable: "+p.Unfit+")", true
	}
	return o
}

func (t *tries) find(g site.Guest, id string) (*try, error) {
	found, ok := t.kept.Find(owner(g), id)
	if !ok {
		return nil, site.ErrMissing
	}
	return found, nil
}

// Try implements connecting.Tries.
func (t *tries) Try(_ context.Context, g site.Guest, id string) (connecting.Try, error) {
	found, err := t.find(g, id)
	if err != nil {
		return connecting.Try{}, err
	}
	s, changed := found.state.Now()
	s.Changed = changed
	return s, nil
}

// Places implements connecting.Tries.
func (t *tries) Places(ctx context.Context, g site.Guest, id string, a connecting.Ask) ([]ui.Option, bool, error) {
	found, err := t.find(g, id)
	if err != nil {
		return nil, false, err
	}
	ctx, stop := context.WithTimeout(ctx, glance)
	defer stop()
	visit, err := found.opened(ctx)
	if err != nil {
		return nil, false, said(err)
	}
	if a.Repositories {
		out, more, err := firstOf(ctx, visit.Projects(a.Within, a.Text), project)
		return out, more, said(err)
	}
	out, more, err := spaces(ctx, visit.Namespaces(a.Text), visit.Projects("", a.Text), a.Text)
	return out, more, said(err)
}

// spaces are namespaces that have the text in their path: those that the account is a
// member of, and those of the projects that it is a member of, which GitLab does not
// list. A person's own come last.
func spaces(ctx context.Context, list *app.Pages[app.Namespace], projects *app.Pages[app.Place], text string) ([]ui.Option, bool, error) {
	var own []ui.Option
	found, more, err := firstOf(ctx, list, func(n app.Namespace) app.Namespace { return n })
	if err != nil {
		return nil, false, err
	}
	var out []ui.Option
	seen := map[string]bool{}
	for _, n := range found {
		if seen[n.Path] = true; n.Own {
			own = append(own, namespace(n))
			continue
		}
		out = append(out, namespace(n))
	}
	places, also, err := firstOf(ctx, projects, func(p app.Place) string { return p.Path })
	for _, path := range places {
		space := path[:max(0, strings.LastIndex(path, "/"))]
		if space == "" || seen[space] || !strings.Contains(strings.ToLower(space), strings.ToLower(text)) {
			continue
		}
		seen[space] = true
		out = append(out, ui.Option{Value: space, Text: space})
	}
	return append(out, own...), more || also, err
}

// said is what GitLab did not do, in its words.
func said(err error) error {
	if err == nil || errors.Is(err, site.ErrMissing) {
		return err
	}
	return &site.Refusal{Text: err.Error()}
}

// Again implements connecting.Tries.
func (t *tries) Again(ctx context.Context, g site.Guest, id string) error {
	found, err := t.find(g, id)
	if err != nil {
		return err
	}
	free := false
	found.state.Change(func(s *connecting.Try) {
		free = !s.Running && s.Done == 0
		s.Running = s.Running || free
	})
	if free {
		found.run(ctx, "", found.choices)
	}
	return nil
}

// Activate implements connecting.Tries.
func (t *tries) Activate(ctx context.Context, g site.Guest, id string, chosen page.Given) error {
	found, err := t.find(g, id)
	if err != nil {
		return err
	}
	var busy, chose bool
	found.state.Change(func(s *connecting.Try) {
		if busy = s.Running || s.Done != 0; busy {
			return
		}
		if s.Given, s.Fields, s.Trouble = chosen, nil, ""; chosen.Project == "" {
			s.Fields = map[string]string{"project": "choose the repository where issues go"}
			return
		}
		chose, s.Running = true, true
	})
	if chose {
		found.run(ctx, chosen.Project, func(ctx context.Context, all []check.Result) { found.connect(ctx, chosen, all) })
	}
	return nil
}

// connect keeps the connection that a test ended well of, and says what became of it.
func (t *try) connect(ctx context.Context, chosen page.Given, all []check.Result) {
	t.mu.Lock()
	want := t.want
	t.mu.Unlock()
	got, err := t.app.ConnectGitLab(ctx, app.Connect{
		URL: want.url, Token: want.token, Network: want.network, Project: chosen.Project,
		Issues: &app.Given{Labels: connecting.Labels(chosen.Labels), Assignee: chosen.Assignee, Confidential: chosen.Confidential},
	})
	if err != nil {
		fields, trouble := connecting.At(err.Error())
		t.over(func(s *connecting.Try) { s.Fields, s.Trouble = fields, trouble })
		return
	}
	t.mu.Lock()
	t.want.token, t.visit = credential.Secret{}, nil // it is sealed now, and needed here no more
	t.mu.Unlock()
	t.tested(got.Integration.ID, all)
	t.over(func(s *connecting.Try) {
		s.Done, s.Name, s.Warnings = got.Integration.ID, got.Integration.Project.Path, got.Warnings
	})
}

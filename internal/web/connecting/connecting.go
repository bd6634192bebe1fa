// Package connecting is the part of the site that connects cxm with GitLab, looks
// after a connection and ends it.
//
// What always holds: a token that somebody types goes to who keeps it and is in no
// page, address or cookie; what takes long is begun and then looked at, so that
// nothing in GitLab stops because a browser went away; everything works by links and
// forms alone.
package connecting

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area's own pages.
func Templates() fs.FS { return files }

// Parts is what the area asks. All of it but Public is required.
type Parts struct {
	Tries  Tries
	OAuth  OAuth
	Care   Care
	Ways   Ways
	Owners Owners
	Hooks  Hooks
	Setups Setups
	Trials Trials
	Public string // the address of cxm as people reach it; empty: the one that they ask
}

// Tries are connections in the making, each for who began it alone. One that is not
// there is site.ErrMissing.
type Tries interface {
	// Begin tests a connection while the caller goes on. What is wrong with the
	// address or the token as they were typed is a *Fault.
	Begin(ctx context.Context, g site.Guest, w Want) (id string, err error)
	Try(ctx context.Context, g site.Guest, id string) (Try, error)
	// Places are namespaces, or the repositories within one, whose name or path has the
	// text in it; more: there are more than these.
	Places(ctx context.Context, g site.Guest, id string, a Ask) (found []ui.Option, more bool, err error)
	// Again begins the test anew.
	Again(ctx context.Context, g site.Guest, id string) error
	// Activate tests with the repository and then keeps the connection, while the
	// caller goes on: Try says what became of it.
	Activate(ctx context.Context, g site.Guest, id string, chosen page.Given) error
}

// OAuth has people agree on a page of GitLab.
type OAuth interface {
	// Ask is the address of GitLab's page. What is wrong is a *Fault.
	Ask(ctx context.Context, g site.Guest, w Want) (link, host string, err error)
	// Answer takes what came back with the person and begins a try with it.
	Answer(ctx context.Context, g site.Guest, answer url.Values) (id string, err error)
}

// Care looks at an integration. One that is not there is site.ErrMissing.
type Care interface {
	// Test begins a test while the caller goes on; one that is under way goes on.
	Test(ctx context.Context, g site.Guest, id int64) error
	Testing(ctx context.Context, g site.Guest, id int64) (Testing, error)
	// Places are those of Tries, for its account.
	Places(ctx context.Context, g site.Guest, id int64, a Ask) (found []ui.Option, more bool, err error)
}

// Ways are how the instance of an integration is reached.
type Ways interface {
	// Reached tests an integration as it would be reached in this way, and keeps
	// nothing. What cannot be read is a *Fault.
	Reached(ctx context.Context, g site.Guest, id int64, w Way) ([]check.Result, error)
}

// Way is how an instance is reached, as people type it.
type Way struct {
	CA    string // text of a PEM file; empty: no more than the system's certificates
	Proxy string // empty: the environment's
}

// Owners are who looks after the account of an integration: addresses of teams.
type Owners interface {
	Owners(ctx context.Context, g site.Guest, id int64) ([]string, error)
	// SetOwners says what is weak about them. An address that is none is a *Fault.
	SetOwners(ctx context.Context, g site.Guest, id int64, addresses []string) (weak []string, err error)
}

// Hooks makes and deletes webhooks in GitLab.
type Hooks interface {
	// AddWebhook says what it listens to. What is refused is a *site.Refusal.
	AddWebhook(ctx context.Context, g site.Guest, id int64, w HookWant) (target string, err error)
	RemoveWebhook(ctx context.Context, g site.Guest, id, hook int64) error
}

// HookWant is a webhook that is wanted.
type HookWant struct {
	URL      string // of cxm, as GitLab reaches it
	Group    string // to listen to, with all in it; empty: the integration's repository alone
	Insecure bool   // the URL may be without TLS
}

// Want is what a connection is begun with.
type Want struct {
	Product integration.Product
	URL     string
	Token   credential.Secret // as it was pasted
	CA      string
	Proxy   string

	Application string            // its ID, by OAuth; empty: as it is known of the instance
	Key         credential.Secret // the application's secret
	Return      string            // where GitLab sends people back to
}

// Fault is what is wrong with what was typed, by the name of the field.
type Fault struct{ Fields map[string]string }

// Error says all of it.
func (f *Fault) Error() string {
	var out []string
	for _, text := range f.Fields {
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// Ask is what is looked for.
type Ask struct {
	Repositories bool   // else namespaces
	Within       string // the path of a namespace; of repositories alone
	Text         string
}

// Testing is a test of a connection, as far as it is.
type Testing struct {
	Results []check.Result // of the checks that are done
	Of      int64          // the integration; 0: one in the making
	Running bool
	Changed <-chan struct{} // is closed when there is more to see; nil: there never is
}

// Try is a connection in the making.
type Try struct {
	Testing
	Product    integration.Product
	URL        string
	Given      page.Given
	Fields     map[string]string // what is wrong with what was chosen
	Trouble    string            // why it was not activated
	Namespaces []ui.Option       // the first of them
	Projects   []ui.Option
	Done       int64 // the integration that it became; 0: none yet
	Name       string
	Warnings   []string
}

// Guests are asked for nothing but their tenant.
type guest = site.Guest

// New is the area.
func New(p Parts) site.Area {
	a := &area{p}
	area := site.Area{Templates: files, Views: map[string]site.View{}, Forms: map[string]site.Form{}, Leads: map[string]site.Form{}, Files: map[string]site.File{}, Live: map[string]site.Live{}}
	for _, add := range []func(*site.Area){a.tries, a.oauth, a.care, a.ways, a.webhooks, a.setups, a.trials} {
		add(&area)
	}
	return area
}

type area struct{ Parts }

const root = "/settings/integrations"

// view is a page below Settings > Integrations.
func view(title, what, may string, needs role.Permission) site.View {
	return site.View{
		At: page.AtIntegrations, Title: title, Trail: []ui.Link{{Text: "Integrations", URL: root}},
		What: what, May: may, Needs: needs, List: ui.Link{Text: "Show all integrations", URL: root},
	}
}

// made is a view with what makes it.
func made(v site.View, shown func(*http.Request, guest, *ui.Shell) (page.Page, error)) site.View {
	v.Make = shown
	return v
}

// done is a form with what it does.
func done(v site.View, do func(*http.Request, guest, *ui.Shell) (site.Answer, error)) site.Form {
	return site.Form{View: v, Do: do}
}

// id is the integration that an address is about.
func id(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || n < 1 {
		return 0, site.ErrMissing
	}
	return n, nil
}

func at(id int64) string { return root + "/" + strconv.FormatInt(id, 10) }

// origin is this server as the browser knows it.
func (a *area) origin(r *http.Request) string {
	if a.Public != "" {
		return strings.TrimRight(a.Public, "/")
	}
	if from, err := url.Parse(r.Header.Get("Origin")); err == nil && from.Host == r.Host && from.Host != "" {
		return from.Scheme + "://" + from.Host
	}
	if web.Secured(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// given is what a form says issues are given.
func given(r *http.Request) page.Given {
	return page.Given{
		Namespace: r.PostFormValue("namespace"), Project: strings.TrimSpace(r.PostFormValue("project")), Labels: r.PostFormValue("labels"),
		Assignee: strings.TrimSpace(r.PostFormValue("assignee")), Confidential: r.PostFormValue("confidential") != "",
	}
}

// Labels are those of a field, which commas separate.
func Labels(text string) []string {
	out := []string{}
	for label := range strings.SplitSeq(text, ",") {
		if label = strings.TrimSpace(label); label != "" {
			out = append(out, label)
		}
	}
	return out
}

// Groups are the checks as a page shows them: those that are done with their outcome,
// the others waiting, or left out when the test is over and nothing of their group was
// checked.
func (t Testing) Groups() []ui.CheckGroup {
	known := map[string]check.Result{}
	for _, r := range t.Results {
		known[r.Name] = r
	}
	var out []ui.CheckGroup
	for _, name := range check.Groups() {
		g, checked := ui.CheckGroup{Name: string(name)}, false
		for _, c := range check.Checks() {
			if c.Group != name {
				continue
			}
			shown := ui.Check{Name: c.Name, Asks: c.Asks, Outcome: "waiting"}
			if r, ok := known[c.Name]; ok {
				shown = t.Shown(r)
				checked = checked || r.Outcome != check.NotChecked
			}
			g.Checks = append(g.Checks, shown)
		}
		if checked || t.Running {
			out = append(out, g)
		}
	}
	return out
}

// Shown is a result as a page shows it.
func (t Testing) Shown(r check.Result) ui.Check {
	return ui.Check{Name: r.Name, Asks: r.Asks, Outcome: string(r.Outcome), Evidence: r.Evidence, Cause: r.Cause, Mend: page.Mended(r.Mend, t.Of)}
}

// watch sends the results of a test one by one, and where to go on when it is over.
// now is asked again whenever there is more to see.
func watch(ctx context.Context, out *web.Stream, next string, now func() (Testing, error)) error {
	sent := 0
	for {
		t, err := now()
		if err != nil {
			return err
		}
		if len(t.Results) < sent {
			sent = 0 // it began anew
		}
		for _, r := range t.Results[sent:] {
			if err := out.Part("check", t.Shown(r)); err != nil {
				return nil //nolint:nilerr // nobody listens any more
			}
		}
		sent = len(t.Results)
		if !t.Running || t.Changed == nil {
			_ = out.Next(next) // who has gone needs no end
			return nil
		}
		if gone := out.Part("summary", page.Summarise(t.Groups(), true)); gone != nil {
			return nil //nolint:nilerr // who has gone needs no more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.Changed:
		}
	}
}

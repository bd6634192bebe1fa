package pages

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
	"cxm/internal/web/entry"
	"cxm/internal/web/site"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is cxm with its pages, beside a sandbox GitLab.
type bed struct {
	*apptest.Bed
	pages *pages
	areas []site.Area
	url   string // of the pages
}

// newBed is a bed that is connected to the project acme/platform.
func newBed(t *testing.T, database string) *bed {
	t.Helper()
	b := &bed{Bed: databases.Connected(t, database)}
	b.serve(b.App)
	return b
}

// serve serves the pages of a program.
func (b *bed) serve(a *app.App) {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	b.pages = &pages{app: a, tenants: edge.Tenants(a), log: log}
	var err error
	if b.areas, err = b.pages.everything(); err != nil {
		b.Fatal(err)
	}
	h, err := site.New(site.Parts{Door: b.pages, Overviews: b.pages, Findings: b.pages, Integrations: b.pages, Areas: b.areas, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // what is cut off on purpose
	s.Start()
	b.Cleanup(s.Close)
	b.url = s.URL
}

// admits gives somebody a role in the program's tenant, and is the value of a session
// of theirs.
func (b *bed) admits(a *app.App, email string, r role.Role) string {
	b.Helper()
	by, secret := signin.Operator("test"), credential.NewSecret("a long enough passphrase for a test")
	p, added, err := a.People.Add(b.Context(), by, desk.Newcomer{Email: email, Name: "Called " + email, Tenant: a.Tenant, Role: r})
	if err != nil {
		b.Fatal(err)
	}
	if added {
		if err := a.People.SetPassword(b.Context(), by, p.ID, secret); err != nil {
			b.Fatal(err)
		}
	}
	in, err := a.People.SignIn(b.Context(), email, secret, desk.From{})
	if err != nil {
		b.Fatal(err)
	}
	return in.Value.Reveal()
}

// reply is what a page answered.
type reply struct {
	status int
	to     string // where it leads
	text   string
	header http.Header
}

// get opens a page with a session; empty: as nobody.
func (b *bed) get(session, path string) reply {
	b.Helper()
	return b.ask(session, http.MethodGet, path, nil)
}

// post sends a form: names and values by turns.
func (b *bed) post(session, path string, values ...string) reply {
	b.Helper()
	sent := url.Values{}
	for i := 0; i < len(values); i += 2 {
		sent.Add(values[i], values[i+1])
	}
	return b.ask(session, http.MethodPost, path, sent)
}

// patience is for how long an answer is read that does not end.
const patience = 3 * time.Second

func (b *bed) ask(session, method, path string, sent url.Values) reply {
	b.Helper()
	limit := time.Minute
	if method == http.MethodGet && strings.Contains(path, "/live") {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(b.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(sent.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if session != "" {
		req.AddCookie(&http.Cookie{Name: entry.SessionCookie(req), Value: session})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, io.ErrUnexpectedEOF) {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header.Get("Location"), string(text), answer.Header}
}

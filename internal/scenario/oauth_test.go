package scenario

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
	"cxm/internal/sandbox/oauth/browser"
)

const tokenRoute = "/oauth/token"

// refreshCase is a refresh of an OAuth token around which something goes wrong.
type refreshCase struct {
	die   death          // of the process that refreshes; its zero value: none dies
	fault *sandbox.Fault // of the refresh's request
	night bool           // hours go by until anybody looks, so that the old access token can tell nothing
	lost  bool           // the new pair was really lost
}

// TestOAuthRefresh: what scenario 29 is for tokens, for a person's OAuth grant: the
// process that refreshes it is killed at every point, or the answer is lost; two
// replicas need it at once; it ends between two requests. One refresh is written
// down before its one request; the next pair is stored before it is used; a pair
// that is really lost is told once, work waits, and connecting again lets it go on.
func TestOAuthRefresh(t *testing.T) {
	t.Parallel()
	t.Run("killed", func(t *testing.T) {
		variants(t, map[string]refreshCase{
			"before it is written down": {die: death{Point: "rotation begun: before commit", Nth: 1}},
			"once it is written down":   {die: death{Point: "rotation begun: after commit", Nth: 1}},
			"before the request":        {die: death{Method: http.MethodPost, Nth: 1}},
			"after the answer":          {die: death{Method: http.MethodPost, After: true, Nth: 1}, lost: true},
			"before it is sealed":       {die: death{Point: "token sealed: before commit", Nth: 1}, lost: true},
			"once it is sealed":         {die: death{Point: "token sealed: after commit", Nth: 1}},
			"before it is taken":        {die: death{Point: "token taken: before commit", Nth: 1}},
			"once it is taken":          {die: death{Point: "token taken: after commit", Nth: 1}},
			"before, and a night":       {die: death{Method: http.MethodPost, Nth: 1}, night: true},
			"after, and a night":        {die: death{Method: http.MethodPost, After: true, Nth: 1}, night: true, lost: true},
			"sealed, and a night":       {die: death{Point: "token sealed: after commit", Nth: 1}, night: true},
		}, refreshAndGoOn)
	})
	t.Run("answer", func(t *testing.T) {
		variants(t, map[string]refreshCase{
			"cut before":     {fault: &sandbox.Fault{Cut: sandbox.CutBefore}},
			"cut after":      {fault: &sandbox.Fault{Cut: sandbox.CutAfter}, lost: true},
			"500 before":     {fault: &sandbox.Fault{Status: 500}},
			"502 after":      {fault: &sandbox.Fault{Status: 502, Commit: true}, lost: true},
			"200 but a page": {fault: &sandbox.Fault{Status: 200, Body: "<html>", Commit: true}, lost: true},
			"429":            {fault: &sandbox.Fault{Status: 429}},
			"a proxy's 403":  {fault: &sandbox.Fault{Status: 403, Body: "<html>"}},
		}, refreshAndGoOn)
	})
	t.Run("together", func(t *testing.T) { each(t, refreshTogether) })
	t.Run("meanwhile", func(t *testing.T) { each(t, refreshMeanwhile) })
	t.Run("revoked", func(t *testing.T) { each(t, grantRevoked) })
}

// authorize has the engineer connect cxm by OAuth, through the pages of GitLab.
func (b *bed) authorize(application string) {
	b.Helper()
	const back = "http://127.0.0.1:7171/callback"
	if application == "" {
		made := b.admin(http.MethodPost, "/api/v4/applications", map[string]any{"name": "cxm", "redirect_uri": back, "scopes": "api", "confidential": false})
		application = made["application_id"].(string)
	}
	z, err := b.app.AskOAuth(b.Context(), app.OAuthAsk{URL: b.url, Application: application, Redirect: back})
	if err != nil {
		b.Fatal(err)
	}
	person := browser.Person{Username: "engineer", Password: b.gitlab.Password()}
	to, err := person.Decide(b.Context(), z.Page, true)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := url.Parse(to)
	if err != nil {
		b.Fatal(err)
	}
	token, err := z.Redeem(b.Context(), answer.Query())
	if err != nil {
		b.Fatal(err)
	}
	c, err := b.app.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: token, Project: "acme/platform"})
	if err != nil || c.Integration.Account.Username != "engineer" || !c.Token.OAuth() {
		b.Fatalf("connected %+v, %v", c, err)
	}
}

// refreshes are the refreshes that reached GitLab, with what became of them.
func (b *bed) refreshes() []string {
	return b.sent(func(c sandbox.Call) bool { return c.Path == tokenRoute })
}

func (b *bed) sameApplication() string {
	b.Helper()
	_, raw := b.call(http.MethodGet, "/api/v4/applications", nil)
	_, rest, _ := strings.Cut(string(raw), `"application_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func refreshAndGoOn(b *bed, r refreshCase) {
	log := &said{}
	b.app = b.open(func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	b.authorize("")
	b.gitlab.ResetCalls()
	b.aws(disks(2)...)
	b.want("++")
	if r.fault != nil {
		r.fault.Method, r.fault.Path, r.fault.Times = http.MethodPost, tokenRoute, 1
		b.gitlab.Inject(*r.fault)
		if _, err := b.app.RotateToken(b.Context(), 0); err == nil {
			b.Fatal("the refresh is said to have gone well")
		}
	} else {
		b.dies(task{Rotate: true, Die: r.die})
	}
	if n := len(b.refreshes()); n > 1 {
		b.Errorf("%d refreshes reached GitLab: %v", n, b.refreshes())
	}
	before := len(b.refreshes())
	if r.night {
		b.clock.forward(9 * time.Hour)
	} else {
		b.skew.Add(int64(6 * time.Minute)) // nobody waits for the dead any more
	}
	for range 3 {
		if err := b.app.CareForTokens(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if n := len(b.refreshes()); !r.night && n != before {
		b.Errorf("the refresh was sent again: %v", b.refreshes())
	}
	b.aws(disks(5)...)
	if r.lost {
		b.grantLost(log)
	}
	if n := log.count(lostNotice); r.lost != (n == 1) || n > 1 {
		b.Errorf("lost is %t, and it was told %d times", r.lost, n)
	}
	b.want("+++")
	if _, err := b.app.RotateToken(b.Context(), 0); err != nil {
		b.Errorf("refreshing at last: %v", err)
	}
	b.want("")
	b.cleanly()
}

// grantLost holds that nothing is done without a pair, and that all goes on once
// the person has connected again.
func (b *bed) grantLost(log *said) {
	b.Helper()
	for range 2 {
		held := (*app.HeldError)(nil)
		if _, _, err := applyTo(b.Context(), b.app, 0); !errors.As(err, &held) || !strings.Contains(err.Error(), "cxm connect gitlab --oauth") {
			b.Errorf("work goes on without a token: %v", err)
		}
	}
	s, err := b.app.TokenStatus(b.Context(), 0)
	if err != nil || !s.Token.State.Held() || log.count(lostNotice) != 1 || log.count("cxm connect gitlab --oauth") == 0 {
		b.Fatalf("the token is %s (%s), told %d times: %v", s.Token.State, s.WhyNot, log.count(lostNotice), err)
	}
	b.authorize(b.sameApplication())
}

// refreshTogether has replicas find the access token at its end at once.
func refreshTogether(b *bed) {
	b.authorize("")
	b.gitlab.ResetCalls()
	b.aws(disks(40)...)
	b.clock.forward(2*time.Hour - time.Minute)
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: tokenRoute, Delay: 300 * time.Millisecond})
	others := []*app.App{b.open(), b.open()}
	together(4, func(i int) {
		if i < 2 {
			if _, err := others[i].Run(b.Context()); err != nil {
				b.Errorf("replica %d: %v", i, err)
			}
			return
		}
		_ = b.start(task{Apply: true}).Wait()
	})
	if got := b.refreshes(); len(got) != 1 || got[0] != "POST 200" {
		b.Errorf("refreshes: %v", got)
	}
	b.once(40)
	b.want("")
	b.cleanly()
}

// refreshMeanwhile has the access token end while work goes on: by both clocks, so
// that cxm refreshes it in time, and by GitLab's alone, so that it hears of it by a
// 401.
func refreshMeanwhile(b *bed) {
	b.authorize("")
	b.gitlab.ResetCalls()
	b.aws(disks(3)...)
	b.want("+++")
	b.clock.forward(2*time.Hour - time.Minute)
	b.want("")
	if got := b.sent(func(c sandbox.Call) bool { return c.Path == tokenRoute || c.Status == 401 }); len(got) != 1 || got[0] != "POST 200" {
		b.Errorf("at the end of an access token, before GitLab says so: %v", got)
	}
	b.gitlab.ResetCalls()
	b.clock.forward(3 * time.Hour)
	b.skew.Add(-int64(3 * time.Hour))
	b.aws(disks(6)...)
	b.want("+++")
	if got := b.refreshes(); len(got) != 1 || got[0] != "POST 200" {
		b.Errorf("refreshes: %v", got)
	}
	if calls := b.sent(func(c sandbox.Call) bool {
		return c.Method == http.MethodPost && strings.HasSuffix(c.Path, "/issues") && c.Status == 201
	}); len(calls) != 3 {
		b.Errorf("%d creates", len(calls))
	}
}

// grantRevoked has an administrator take the application away.
func grantRevoked(b *bed) {
	log := &said{}
	b.app = b.open(func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	b.authorize("")
	b.aws(disks(2)...)
	b.admin(http.MethodDelete, "/api/v4/applications/1", nil)
	for i := range 3 {
		held := (*app.HeldError)(nil)
		if _, _, err := applyTo(b.Context(), b.app, 0); err == nil || i > 0 && !errors.As(err, &held) {
			b.Errorf("work goes on: %v", err)
		}
	}
	if n := log.count(lostNotice); n != 1 {
		b.Errorf("told %d times", n)
	}
	secret, err := app.CleanToken(b.newToken()) // the service account's, of before
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.app.ReplaceToken(b.Context(), 0, app.Replacement{Token: secret, OtherAccount: true}); err != nil {
		b.Fatal(err)
	}
	b.want("++")
}

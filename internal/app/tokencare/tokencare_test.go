package tokencare_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/sandbox"
)

const (
	rotateRoute = "/api/v4/personal_access_tokens/self/rotate"
	oneDay      = 24 * time.Hour
)

// told is what cxm logs, from many goroutines.
type told struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *told) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.out.String(), text)
}

// logging has the bed's cxm tell.
func (b *bed) logging() *told {
	b.Helper()
	l := &told{}
	b.App = b.Open(b.Dir, func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(l, nil)) })
	return l
}

func (b *bed) care() {
	b.Helper()
	if err := b.App.CareForTokens(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) tokenState() app.TokenStatus {
	b.Helper()
	s, err := b.App.TokenStatus(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bed) rotations() int {
	n := 0
	for _, c := range b.GitLab.Calls() {
		if strings.HasSuffix(c.Path, "/rotate") {
			n++
		}
	}
	return n
}

// another is a token that a person makes for cxm's account.
func (b *bed) another(scopes ...string) app.Replacement {
	b.Helper()
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", b.tokenState().Integration.Account.ID),
		map[string]any{"name": "another", "scopes": scopes, "expires_at": b.Clock.Now().AddDate(0, 0, 90).Format(time.DateOnly)})
	secret, err := app.CleanToken(made["token"].(string))
	if err != nil {
		b.Fatal(err)
	}
	return app.Replacement{Token: secret}
}

// A token's expiry becomes an issue a month before, and the issue closes when cxm
// rotates the token, two weeks before.
func TestExpiryIsAnIssueUntilTheTokenIsRenewed(t *testing.T) {
	onBoth(t, func(b *bed) {
		log := b.logging()
		b.care()
		b.Want("")
		b.Clock.Forward(61 * oneDay)
		b.care()
		b.care()
		b.Want("+")
		found := b.Issues("acme%2Fplatform")
		if len(found) != 1 || !strings.Contains(found[0].Title, "expires on "+b.tokenState().Token.ExpiresAt.Format(time.DateOnly)) {
			b.Fatalf("issues: %+v", found)
		}
		if n := log.count("the token expires soon"); n != 1 {
			b.Errorf("told %d times", n)
		}
		if b.rotations() != 0 {
			b.Error("it is rotated too early")
		}
		b.Clock.Forward(16 * oneDay)
		b.care()
		b.care()
		if s := b.tokenState(); b.rotations() != 1 || s.Token.State != "active" || s.Token.DaysLeft(b.Clock.Now()) < 88 {
			b.Errorf("%d rotations, and the token is %s with %d days left", b.rotations(), s.Token.State, s.Token.DaysLeft(b.Clock.Now()))
		}
		b.Want("-")
		b.care()
		b.Want("")
	})
}

// Where cxm may not rotate, each warning is told once, and the issue grows worse.
func TestEachWarningOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	log := b.logging()
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: rotateRoute, Status: 400, Body: `{"message":"400 Bad request - Rotation of legacy personal access tokens is disabled. Use a fine-grained token instead."}`})
	want := 0
	for day := range 90 {
		switch 90 - day {
		case 30, 14, 7, 3, 1:
			want++
		}
		for range 2 {
			b.care()
		}
		if n := log.count("the token expires soon"); n > want+1 || n < want-1 {
			b.Fatalf("day %d: told %d times, want %d", day, n, want)
		}
		b.Clock.Forward(oneDay)
	}
	if n := log.count("the token expires soon"); n != 5 {
		b.Errorf("told %d times", n)
	}
	b.care()
	b.care()
	if s := b.tokenState(); s.Token.State != "revoked" || !strings.Contains(s.WhyNot, "cxm token replace") || !strings.Contains(s.Token.Reason, "expired") {
		b.Errorf("the token is %s: %s; %s", s.Token.State, s.Token.Reason, s.WhyNot)
	}
	if n := log.count("access to GitLab is lost"); n != 1 {
		b.Errorf("that access is lost was told %d times", n)
	}
	if n := b.rotations(); n < 5 || n > 60 {
		b.Errorf("%d rotations were tried", n)
	}
}

// Two integrations may use one token: rotating it is one rotation, for both.
func TestOneTokenOfTwoIntegrations(t *testing.T) {
	onBoth(t, func(b *bed) {
		r := b.another("api")
		if _, err := b.App.ReplaceToken(b.Context(), 0, r); err != nil {
			b.Fatal(err)
		}
		b.Admin(http.MethodPost, "/api/v4/projects/acme%2Fshop/members", map[string]any{"user_id": b.tokenState().Integration.Account.ID, "access_level": 40})
		first := b.tokenState().Integration.ID
		c, err := b.App.ConnectGitLab(b.Context(), app.Connect{URL: b.URL, Token: r.Token, Project: "acme/shop"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := b.App.RotateToken(b.Context(), c.Integration.ID); err != nil {
			b.Fatal(err)
		}
		b.AWS(apptest.Disk(1, "10"))
		for _, id := range []int64{first, c.Integration.ID} {
			if _, report, err := b.App.Apply(b.Context(), id, func(app.Planned) (bool, error) { return true, nil }, nil); err != nil || report.Run.Done != 1 {
				b.Errorf("integration %d: %+v, %v", id, report.Run, err)
			}
		}
		if n := b.rotations(); n != 1 {
			b.Errorf("%d rotations", n)
		}
	})
}

// What cannot be rotated is refused early, or once GitLab has said why; the token
// works as before.
func TestWhyNotRotated(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for want, answer := range map[string]string{
		"Use a fine-grained token instead": `{"message":"400 Bad request - Rotation of legacy personal access tokens is disabled. Use a fine-grained token instead."}`,
		"405":                              `{"message":"405 Method Not Allowed"}`,
		"403":                              `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api self_rotate"}`,
	} {
		status := 400
		if want == "405" || want == "403" {
			_, _ = fmt.Sscan(want, &status)
		}
		undo := b.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: rotateRoute, Status: status, Body: answer})
		if _, err := b.App.RotateToken(b.Context(), 0); err == nil || !strings.Contains(err.Error(), want) {
			b.Errorf("want %q: %v", want, err)
		}
		undo()
		if s := b.tokenState(); s.Token.State != "active" || s.Rotating || s.Trouble == "" {
			b.Errorf("%q: %+v", want, s)
		}
	}
	sent := b.rotations()
	if _, err := b.App.ReplaceToken(b.Context(), 0, b.another("read_api")); err != nil {
		b.Fatal(err)
	}
	if _, err := b.App.CanRotate(b.Context(), 0); err == nil || !strings.Contains(err.Error(), "neither the scope api nor self_rotate") {
		b.Errorf("a token without the scope: %v", err)
	}
	if _, err := b.App.RotateToken(b.Context(), 0); err == nil || b.rotations() != sent {
		b.Errorf("it was sent all the same: %v", err)
	}
}

// An instance that allows tokens a shorter life is asked for no longer one.
func TestShorterLife(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	last := b.Clock.Now().UTC().AddDate(0, 0, 30)
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: rotateRoute, Times: 1, Status: 400, Body: fmt.Sprintf(`{"message":"400 Bad request - Expiration date must be before %s"}`, last.Format(time.DateOnly))})
	s, err := b.App.RotateToken(b.Context(), 0)
	if err != nil || s.Token.ExpiresAt.Format(time.DateOnly) != last.AddDate(0, 0, -1).Format(time.DateOnly) {
		t.Errorf("expires %v: %v", s.Token.ExpiresAt, err)
	}
}

// A token that somebody revokes stops all work, is told once, and work goes on when
// there is another one.
func TestRevokedToken(t *testing.T) {
	onBoth(t, func(b *bed) {
		log := b.logging()
		b.AWS(apptest.Disks(0, 3)...)
		b.Want("+++")
		b.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/personal_access_tokens/%d", b.tokenState().Token.ID), nil)
		b.AWS(apptest.Disks(0, 5)...)
		if _, _, err := b.App.Apply(b.Context(), 0, func(app.Planned) (bool, error) { return true, nil }, nil); err == nil {
			b.Error("the first apply says nothing")
		}
		b.GitLab.ResetCalls()
		w := b.Work()
		held := (*app.HeldError)(nil)
		if _, err := b.App.Plan(b.Context(), 0); !errors.As(err, &held) || !strings.Contains(err.Error(), "cxm token replace") {
			b.Errorf("planning: %v", err)
		}
		b.care()
		if n := len(b.GitLab.Calls()); w.Left == 0 || n > 1 { // the one of the day's look
			b.Errorf("%d jobs wait, and %d calls were made with a revoked token", w.Left, n)
		}
		if n := log.count("access to GitLab is lost"); n != 1 {
			b.Errorf("told %d times", n)
		}
		if s := b.tokenState(); s.Token.State != "revoked" || !strings.Contains(s.Token.Reason, "revoked") {
			b.Errorf("the token is %s: %s", s.Token.State, s.Token.Reason)
		}
		if _, err := b.App.ReplaceToken(b.Context(), 0, b.another("api")); err != nil {
			b.Fatal(err)
		}
		b.Want("++")
	})
}

// Another account's token is taken only when that is meant.
func TestReplaceByAnotherAccount(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	secret, err := app.CleanToken(b.GitLab.AdminToken())
	if err != nil {
		t.Fatal(err)
	}
	r := app.Replacement{Token: secret}
	if _, err := b.App.ReplaceToken(b.Context(), 0, r); err == nil || !strings.Contains(err.Error(), "belongs to root") {
		t.Errorf("without --other-account: %v", err)
	}
	r.OtherAccount = true
	if s, err := b.App.ReplaceToken(b.Context(), 0, r); err != nil || s.Integration.Account.Username != "root" {
		t.Errorf("with it: %v", err)
	}
}

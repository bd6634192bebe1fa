package scenario

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
	"cxm/internal/sandbox"
)

const rotateRoute = "/api/v4/personal_access_tokens/self/rotate"

// said is what cxm logs, from many goroutines.
type said struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.out.String(), text)
}

// lostNotice is how cxm says that access is lost.
const lostNotice = "access to GitLab is lost"

// rotation is a case of scenario 29.
type rotation struct {
	die   death          // of the process that rotates; its zero value: none dies
	fault *sandbox.Fault // of the rotation's request
	lost  bool           // GitLab's answer was really lost
	sent  int            // requests that reached GitLab before anybody tried again
}

// TestScenario29_TokenRotation: a process that rotates its token is killed before,
// during and after the request, or its answer is lost; two replicas rotate at once;
// others still send the old token.
// Expected: one rotation is written down before its one request, and never sent
// again; a read with the old token tells what became of it. cxm has a token that
// works, unless GitLab's answer was really lost: then the work waits, one notice
// tells the admin, and cxm token replace lets it go on. What GitLab refused during
// the switch is sent again with the new token.
// Default: 90 days after a token was made, and always two weeks, or a quarter of its life, before it expires
// Setting: cxm token schedule
func TestScenario29_TokenRotation(t *testing.T) {
	t.Parallel()
	t.Run("killed", func(t *testing.T) {
		variants(t, map[string]rotation{
			"before it is written down": {die: death{Point: "rotation begun: before commit", Nth: 1}},
			"once it is written down":   {die: death{Point: "rotation begun: after commit", Nth: 1}},
			"before the request":        {die: death{Method: http.MethodPost, Nth: 1}},
			"after the answer":          {die: death{Method: http.MethodPost, After: true, Nth: 1}, lost: true, sent: 1},
			"before it is sealed":       {die: death{Point: "token sealed: before commit", Nth: 1}, lost: true, sent: 1},
			"once it is sealed":         {die: death{Point: "token sealed: after commit", Nth: 1}, sent: 1},
			"before it is taken":        {die: death{Point: "token taken: before commit", Nth: 1}, sent: 1},
			"once it is taken":          {die: death{Point: "token taken: after commit", Nth: 1}, sent: 1},
		}, rotateAndGoOn)
	})
	t.Run("answer", func(t *testing.T) {
		variants(t, map[string]rotation{
			"cut before":     {fault: &sandbox.Fault{Cut: sandbox.CutBefore}},
			"cut after":      {fault: &sandbox.Fault{Cut: sandbox.CutAfter}, lost: true},
			"cut in half":    {fault: &sandbox.Fault{Cut: sandbox.CutHalf}, lost: true},
			"500 before":     {fault: &sandbox.Fault{Status: 500}},
			"502 after":      {fault: &sandbox.Fault{Status: 502, Commit: true}, lost: true},
			"200 but a page": {fault: &sandbox.Fault{Status: 200, Body: "<html>", Commit: true}, lost: true},
			"429":            {fault: &sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}}},
		}, rotateAndGoOn)
	})
	t.Run("together", func(t *testing.T) { each(t, rotateTogether) })
	t.Run("switch", func(t *testing.T) { each(t, rotateMeanwhile) })
}

// rotateAndGoOn rotates once, in a process that dies or with an answer that is
// lost, and sees whether cxm goes on as it should.
func rotateAndGoOn(b *bed, r rotation) {
	log := &said{}
	b.app = b.open(func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	b.aws(disks(2)...)
	b.want("++")
	if r.fault != nil {
		r.fault.Method, r.fault.Path, r.fault.Times = http.MethodPost, rotateRoute, 1
		b.gitlab.Inject(*r.fault)
		if _, err := b.app.RotateToken(b.Context(), 0); err == nil {
			b.Fatal("the rotation is said to have gone well")
		}
	} else {
		b.dies(task{Rotate: true, Die: r.die})
		if n := len(b.rotations()); n != r.sent {
			b.Errorf("%d rotations reached GitLab, want %d", n, r.sent)
		}
	}
	before := len(b.rotations())
	b.skew.Add(int64(6 * time.Minute)) // nobody waits for the dead any more
	for range 3 {
		if err := b.app.CareForTokens(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if n := len(b.rotations()); n != before {
		b.Errorf("the rotation was sent again: %v", b.rotations())
	}
	if r.lost {
		b.lostThenReplaced(log)
	}
	if n := log.count(lostNotice); r.lost != (n == 1) || n > 1 {
		b.Errorf("lost is %t, and it was told %d times", r.lost, n)
	}
	b.aws(disks(5)...)
	if verbs, report := b.apply(); verbs == "" || !report.Whole() {
		b.Errorf("work does not go on: %q, %+v", verbs, report)
	}
	b.once(5)
	b.rotatesAgain()
}

// lostThenReplaced holds that nothing is sent with a lost token, by anybody, and
// that all goes on with another one.
func (b *bed) lostThenReplaced(log *said) {
	b.Helper()
	s, err := b.app.TokenStatus(b.Context(), 0)
	if err != nil || s.Token.State != "lost" || !strings.Contains(s.WhyNot, "cxm token replace") {
		b.Fatalf("the token is %s (%s): %v", s.Token.State, s.WhyNot, err)
	}
	b.aws(disks(4)...)
	b.gitlab.ResetCalls()
	for _, a := range []*app.App{b.app, b.open(func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })} {
		held := (*app.HeldError)(nil)
		if _, _, err := applyTo(b.Context(), a, 0); !errors.As(err, &held) {
			b.Errorf("work goes on without a token: %v", err)
		}
		if w, err := a.Run(b.Context()); err != nil || w.Left == 0 {
			b.Errorf("the queue does not wait: %+v, %v", w, err)
		}
	}
	if sent := b.sent(func(sandbox.Call) bool { return true }); len(sent) > 0 {
		b.Errorf("calls with a lost token: %v", sent)
	}
	secret, err := app.CleanToken(b.newToken())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.app.ReplaceToken(b.Context(), 0, app.Replacement{Token: secret}); err != nil {
		b.Fatal(err)
	}
	b.want("++")
}

// rotatesAgain holds that the token that cxm has in the end can be rotated, so
// that its family lives.
func (b *bed) rotatesAgain() {
	b.Helper()
	if _, err := b.app.RotateToken(b.Context(), 0); err != nil {
		b.Errorf("rotating at last: %v", err)
	}
	for _, call := range b.rotations() {
		if call == "POST 401" {
			b.Error("a rotation was sent with a revoked token, for which GitLab revokes the whole family")
		}
	}
	b.want("")
	b.cleanly()
}

// rotations are the rotations that reached GitLab.
func (b *bed) rotations() []string {
	return b.sent(func(c sandbox.Call) bool { return strings.HasSuffix(c.Path, "/rotate") })
}

// newToken is one that a person makes for cxm's account.
func (b *bed) newToken() string {
	b.Helper()
	made := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", b.account),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.clock.now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return made["token"].(string)
}

// rotateTogether has two processes of their own find the rotation due at once.
func rotateTogether(b *bed) {
	b.aws(disks(3)...)
	undo := b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: rotateRoute, Delay: 300 * time.Millisecond})
	together(2, func(int) {
		_ = b.start(task{Rotate: true}).Wait() // one of them hears that the other is at it
	})
	undo()
	if got := b.rotations(); len(got) == 0 || got[0] != "POST 200" {
		b.Errorf("rotations: %v", got)
	}
	s, err := b.app.TokenStatus(b.Context(), 0)
	if err != nil || s.Token.State != "active" || s.Rotating {
		b.Fatalf("the token: %+v, %v", s, err)
	}
	b.want("+++")
	b.rotatesAgain()
}

// rotateMeanwhile rotates again and again while two replicas work.
func rotateMeanwhile(b *bed) {
	b.aws(disks(60)...)
	others := []*app.App{b.open(), b.open()}
	together(3, func(i int) {
		if i < 2 {
			if w, err := others[i].Run(b.Context()); err != nil || w.Discarded > 0 {
				b.Errorf("replica %d: %+v, %v", i, w, err)
			}
			return
		}
		for range 4 {
			if _, err := b.app.RotateToken(b.Context(), 0); err != nil {
				b.Errorf("rotating: %v", err)
			}
		}
	})
	if n := len(b.rotations()); n != 4 {
		b.Errorf("%d rotations, want 4", n)
	}
	runs, err := b.app.Runs(b.Context(), 10)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range runs {
		if r.Failed > 0 {
			b.Errorf("steps failed for good while the token changed: %+v", r)
		}
	}
	b.once(60)
	b.rotatesAgain()
}

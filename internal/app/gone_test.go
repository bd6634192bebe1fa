package app_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/plan"
)

// severed fails every create before it leaves, as a network does that is down.
type severed struct{ next http.RoundTripper }

func (s severed) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to host")}
	}
	return s.next.RoundTrip(r)
}

// Disconnecting ends what is planned and forgets the token; connecting again goes
// on with the same issues, whatever happened to them meanwhile.
func TestDisconnectAndConnectAgain(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.aws(disk(1, "10"), disk(2, "10"), disk(3, "10"))
		b.want("+++")
		planned := b.planUnsent(disk(1, "10"), disk(2, "10"), disk(3, "10"), disk(4, "10"))
		in, err := b.app.Integration(b.Context(), 0)
		if err != nil {
			b.Fatal(err)
		}
		l, err := b.app.Leaving(b.Context(), 0)
		if err != nil || l.Open != 3 || l.Runs != 1 || l.Token.Name != "cxm" {
			b.Fatalf("leaving %+v, %v", l, err)
		}
		next := b.shared().NewToken()
		done, err := b.app.Disconnect(b.Context(), 0, false)
		if err != nil || done.Revoked || done.Steps != 1 || done.Runs != 1 || len(done.Remarks) > 0 {
			b.Fatalf("disconnected %+v, %v", done, err)
		}
		b.ended(in.ID, planned)
		if _, err := b.app.Plan(b.Context(), 0); !errors.Is(err, app.ErrNotConnected) {
			b.Errorf("planning without a connection: %v", err)
		}

		first, second := b.about(1), b.about(2)
		b.edit(first.IID, map[string]any{"state_event": "close"})
		b.edit(second.IID, map[string]any{"title": "as people call it"})
		b.aws(disk(1, "10"), disk(2, "10"), disk(5, "10")) // 3 is gone, 4 too before it was made
		b.aws(disk(1, "10"), disk(2, "10"), disk(5, "10"))
		b.work()

		c, err := b.shared().ConnectAgain(b.url, next)
		if err != nil || c.Integration.ID != in.ID || !c.Integration.CreatedAt.Equal(in.CreatedAt) {
			b.Fatalf("connected again as %+v, %v", c.Integration, err)
		}
		if verbs, report := b.apply(); !report.Whole() || sorted(verbs) != "+-" {
			b.Errorf("steps %q, %+v", verbs, report)
		}
		b.want("")
		if n := len(b.issues("acme%2Fplatform")); n != 4 {
			b.Errorf("%d issues, want 4", n)
		}
		if got := b.about(1); got.State != "closed" {
			b.Error("what a person closed meanwhile is open again")
		}
		if got := b.about(2); got.Title != "as people call it" {
			b.Errorf("the title is %q", got.Title)
		}
	})
}

func sorted(text string) string {
	letters := []byte(text)
	slices.Sort(letters)
	return string(letters)
}

// planUnsent takes in a snapshot and plans a shared run of which nothing can be
// sent; its steps come back.
func (b *bed) planUnsent(items ...string) []plan.Entry {
	b.Helper()
	b.reopened(func(c *app.Config) { c.Transport = severed{http.DefaultTransport} })
	b.aws(items...)
	if w := b.work(); w.Left == 0 {
		b.Fatal("no job is left")
	}
	b.reopened(func(c *app.Config) { c.Transport = nil })
	runs, err := b.app.Runs(b.Context(), 1)
	if err != nil || len(runs) != 1 || runs[0].State != plan.Running {
		b.Fatalf("runs %+v, %v", runs, err)
	}
	_, steps, err := b.app.RunOf(b.Context(), runs[0].ID)
	if err != nil || len(steps) == 0 || steps[0].Outcome != plan.Planned {
		b.Fatalf("steps %+v, %v", steps, err)
	}
	return steps
}

// ended fails unless the jobs of the steps end quietly, and the journal says why.
func (b *bed) ended(integration int64, steps []plan.Entry) {
	b.Helper()
	var log bytes.Buffer
	b.app.Logger = slog.New(slog.NewTextHandler(&log, nil))
	before := len(b.gitlab.Calls())
	for _, s := range steps {
		if err := b.app.WorkStep(b.Context(), integration, s.ID); err != nil {
			b.Errorf("the job of a step ends with %v", err)
		}
	}
	if err := b.app.WorkHook(b.Context(), integration, 1); err != nil {
		b.Errorf("the job of a webhook ends with %v", err)
	}
	if n := strings.Count(log.String(), "is not connected any more"); n != len(steps)+1 {
		b.Errorf("the reason was logged %d times: %s", n, log.String())
	}
	if n := len(b.gitlab.Calls()); n != before {
		b.Errorf("%d calls were made", n-before)
	}
	r, now, err := b.app.RunOf(b.Context(), steps[0].Run)
	if err != nil || r.State != plan.Finished || now[0].Outcome != plan.Skipped || !strings.Contains(now[0].Trouble, "disconnected") {
		b.Errorf("the journal says %+v %+v, %v", r, now, err)
	}
}

// What waits for approval is not approved any more once nobody is connected.
func TestDisconnectEndsWhatWaits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 20)...)
	b.work()
	b.aws(disk(0, "10"))
	b.aws(disk(0, "10"))
	b.work()
	runs, err := b.app.Runs(b.Context(), 1)
	if err != nil || len(runs) != 1 || runs[0].State != plan.Waiting {
		b.Fatalf("runs %+v, %v", runs, err)
	}
	if done, err := b.app.Disconnect(b.Context(), 0, false); err != nil || done.Runs != 1 {
		b.Fatalf("%+v, %v", done, err)
	}
	if _, err := b.app.Approve(b.Context(), runs[0].ID, "platform-admin", nil); err == nil {
		b.Error("it can be approved")
	}
	if w := b.work(); w.Left != 0 {
		b.Errorf("jobs are left: %+v", w)
	}
}

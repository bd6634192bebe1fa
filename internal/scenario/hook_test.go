package scenario

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cxm/internal/app"
	"cxm/internal/sandbox"
)

// front stands before cxm, as a proxy does: GitLab delivers to it, whether cxm is
// there or not.
type front struct {
	*httptest.Server
	cxm atomic.Pointer[url.URL] // nil: it is down
}

func (b *bed) front() *front {
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := f.cxm.Load()
		if to == nil {
			http.Error(w, "nobody is there", http.StatusBadGateway)
			return
		}
		httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
	}))
	b.Cleanup(f.Close)
	b.Cleanup(b.gitlab.Close)
	return f
}

// serve runs `cxm serve` behind the front until stop is called. It looks at GitLab
// once when it begins, and then only when a webhook tells it to.
func (b *bed) serve(f *front, a *app.App) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	checks, _ := b.jobs("webhooks", "")
	go func() {
		ended <- a.Serve(ctx, app.WorkOptions{Every: time.Hour, Front: app.Front{Listen: "127.0.0.1:0", Listening: func(at net.Addr) {
			f.cxm.Store(&url.URL{Scheme: "http", Host: at.String()})
			close(ready)
		}}}, 20*time.Second)
	}()
	select {
	case <-ready:
	case err := <-ended:
		b.Fatalf("serving: %v", err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			f.cxm.Store(nil)
			cancel()
			if err := <-ended; err != nil {
				b.Errorf("serving: %v", err)
			}
		})
	}
	b.Cleanup(stop)
	b.until("the look and the check that it begins with are made", func() bool {
		all, left := b.jobs("webhooks", "")
		return all > checks && left == 0
	})
	b.idle()
	return stop
}

// hook makes a webhook of the project platform, or of the group acme.
func (b *bed) hook(f *front, group string) app.Webhook {
	b.Helper()
	w, err := b.app.AddWebhook(b.Context(), app.WebhookRequest{URL: f.URL, Group: group, InsecureHTTP: true})
	if err != nil {
		b.Fatal(err)
	}
	b.writes.take()
	return w
}

// until waits for a condition.
func (b *bed) until(what string, holds func() bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatalf("it never came to be that %s", what)
		}
	}
}

// jobs counts the jobs of a kind with a text in their arguments, and those of them
// that are not done.
func (b *bed) jobs(kind, args string) (all, left int) {
	b.Helper()
	query := `select count(*), coalesce(sum(case when state = 'completed' then 0 else 1 end), 0) from river_job where kind = '` + kind + `' and cast(args as text) like '%` + args + `%'`
	var err error
	if b.database == postgres {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(b.Context(), b.dsn); err == nil {
			err = conn.QueryRow(b.Context(), query).Scan(&all, &left)
			_ = conn.Close(b.Context())
		}
	} else {
		var db *sql.DB
		if db, err = sql.Open("sqlite", filepath.Join(b.dir, "cxm.db")); err == nil {
			err = db.QueryRowContext(b.Context(), strings.Replace(query, "cast(args as text)", "json(args)", 1)).Scan(&all, &left)
			_ = db.Close()
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return all, left
}

// idle waits until no job is left to do.
func (b *bed) idle() {
	b.Helper()
	b.until("no job is left", func() bool { _, left := b.jobs("%' or kind like '%", ""); return left == 0 })
}

// told waits until the webhook's deliveries are counted, and checks how.
func (b *bed) told(id int64, accepted, repeated int64) {
	b.Helper()
	var last app.Webhook
	b.until(fmt.Sprintf("webhook %d counts %d accepted and %d repeated deliveries", id, accepted, repeated), func() bool {
		all, err := b.app.Webhooks(b.Context(), false)
		if err != nil {
			b.Fatal(err)
		}
		for _, w := range all {
			if w.ID == id {
				last = w
			}
		}
		return last.Accepted+last.Repeated >= accepted+repeated
	})
	if last.Accepted != accepted || last.Repeated != repeated || last.Refused+last.Ignored != 0 {
		b.Errorf("webhook %d: %d accepted, %d repeated, %d ignored, %d refused", id, last.Accepted, last.Repeated, last.Ignored, last.Refused)
	}
}

// state is what cxm believes of the only issue.
func (b *bed) state() string {
	b.Helper()
	s, err := b.app.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("%d open, %d closed, %d in doubt", s.Open, s.Closed, s.InDoubt)
}

func (b *bed) settled() {
	b.Helper()
	if err := b.gitlab.SettleHooks(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// owner makes cxm's account an Owner of the group, as webhooks of groups need.
func (b *bed) owner() {
	b.Helper()
	b.admin(http.MethodPost, "/api/v4/groups/acme/members", map[string]any{"user_id": b.account, "access_level": 50})
}

// TestScenario17_ToldTwice: one change is told by the webhook of the project and by
// that of its group, and one of them again half an hour later.
//
// Expected: one look, one effect: a delivery is known by its webhook-id, and its
// change by issue, updated_at and state. What cxm wrote itself causes no look.
func TestScenario17_ToldTwice(t *testing.T) {
	each(t, func(b *bed) {
		f := b.front()
		b.owner()
		project, group := b.hook(f, ""), b.hook(f, "acme")
		b.serve(f, b.app)
		b.gitlab.HoldHooks(true)
		b.aws(disk(1, "100"))
		b.until("the issue is there", func() bool { return b.state() == "1 open, 0 closed, 0 in doubt" })
		b.idle()
		b.release(b.heldBack()...)
		b.idle()
		if all, _ := b.jobs("reconcile", "integration"); all != 0 {
			b.Errorf("%d looks follow from what cxm wrote itself", all)
		}
		looks, _ := b.jobs("look", "project")
		before := len(b.sent(listing))

		b.edit(b.about(1).IID, map[string]any{"state_event": "close"})
		held := b.heldBack()
		if len(held) != 2 {
			b.Fatalf("%d deliveries of one change: %+v", len(held), held)
		}
		b.release(held[0])
		b.until("cxm knows that the issue is closed", func() bool { return b.state() == "0 open, 1 closed, 0 in doubt" })
		b.idle()
		b.release(held[1])
		b.clock.forward(30 * time.Minute)
		if err := b.gitlab.RepeatHook(b.Context(), held[0]); err != nil {
			b.Fatal(err)
		}
		b.settled()
		b.told(project.ID, 2, 1) // what cxm created, and the close; the close again
		b.told(group.ID, 0, 2)
		b.idle()
		if all, _ := b.jobs("look", "project"); all != looks+1 {
			b.Errorf("%d looks for one change", all-looks)
		}
		if all, _ := b.jobs("reconcile", "integration"); all != 1 {
			b.Errorf("%d plans for one change", all)
		}
		// A plan begins with a look. What it saw asks for a plan of its own, and where
		// the two run at once one of them looks again.
		if after := len(b.sent(listing)); after > before+4 {
			b.Errorf("%d listings for one change", after-before)
		}
		if got := b.about(1); got.State != "closed" || b.stateChanges(got.IID) != 1 || b.posts() != 1 {
			b.Errorf("the issue is %s after %d changes, %d creates", got.State, b.stateChanges(got.IID), b.posts())
		}
		b.cleanly()
	})
}

// heldBack lists the deliveries that are held, oldest first.
func (b *bed) heldBack() (ids []int64) {
	for _, d := range b.gitlab.HookDeliveries() {
		if d.State == "held" {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// release delivers in this order.
func (b *bed) release(ids ...int64) {
	b.Helper()
	if err := b.gitlab.ReleaseHooks(b.Context(), ids...); err != nil {
		b.Fatal(err)
	}
	for _, d := range b.gitlab.HookDeliveries() {
		for _, id := range ids {
			if d.ID == id && (d.State != "sent" || !strings.HasPrefix(d.Statuses[len(d.Statuses)-1], "2")) {
				b.Errorf("delivery %d was answered %v (%s %s)", id, d.Statuses, d.State, d.Reason)
			}
		}
	}
}

// TestScenario18_Unreachable: cxm is down for two hours in which people write, close
// and reopen, every delivery fails, and GitLab switches the webhook off.
//
// Expected: the state is equal after the next look; a person is told once what is
// wrong with the webhook and how to mend it; once cxm is reached again it has GitLab
// test the webhook, which switches it on.
// Default: cxm looks every ten minutes, and checks its webhooks every fifteen.
// Setting: cxm serve --every, for the looks.
func TestScenario18_Unreachable(t *testing.T) {
	each(t, func(b *bed) {
		f, log := b.front(), &logged{}
		b.app = b.open(func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
		w := b.hook(f, "")
		stop := b.serve(f, b.app)
		b.aws(disk(1, "100"), disk(2, "50"))
		b.until("the issues are there", func() bool { return b.state() == "2 open, 0 closed, 0 in doubt" })
		b.settled()
		stop()

		one, two := b.about(1).IID, b.about(2).IID
		b.edit(two, map[string]any{"state_event": "close"})
		for i := range 7 {
			b.clock.forward(17 * time.Minute)
			b.edit(one, map[string]any{"title": fmt.Sprint("a title of our own, ", i)})
			b.settled()
		}
		for range 2 {
			all, err := b.app.Webhooks(b.Context(), true)
			if err != nil || len(all) != 1 || all[0].Alert != "temporarily_disabled" || all[0].AlertUntil.Before(b.now().Add(10*time.Minute)) || !strings.Contains(all[0].Trouble, fmt.Sprintf("cxm webhook test %d", w.ID)) {
				b.Fatalf("the webhook while cxm is down: %+v, %v", all, err)
			}
		}
		s, err := b.app.Status(b.Context())
		if err != nil || len(s.Webhooks) != 1 || s.Webhooks[0].Trouble == "" {
			b.Errorf("cxm status does not tell of it: %+v, %v", s.Webhooks, err)
		}
		if n := log.count("a webhook does not work"); n != 1 {
			b.Errorf("people were told %d times:\n%s", n, log.String())
		}

		b.serve(f, b.app)
		b.until("cxm knows what people did", func() bool { return b.state() == "1 open, 1 closed, 0 in doubt" })
		b.until("GitLab delivers again", func() bool {
			all, err := b.app.Webhooks(b.Context(), false)
			return err == nil && len(all) == 1 && all[0].Alert == "executable" && all[0].Trouble == ""
		})
		b.idle()
		if got := b.about(1); got.Title != "a title of our own, 6" {
			b.Errorf("the title is %q", got.Title)
		}
		b.edit(two, map[string]any{"state_event": "reopen"})
		b.until("cxm hears of the next change", func() bool { return b.state() == "2 open, 0 closed, 0 in doubt" })
		b.cleanly()
	})
}

// logged is a log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) count(text string) int { return strings.Count(l.String(), text) }

var _ io.Writer = (*logged)(nil)

// TestScenario19_OutOfOrder: of a close and a reopen the reopen is delivered first;
// a comment on an issue is delivered before cxm has learned that its create was
// carried out.
//
// Expected: the final state is GitLab's, since a delivery says only where to look;
// the create whose answer was lost is found at once.
func TestScenario19_OutOfOrder(t *testing.T) {
	cases := map[string]func(*bed, *front){"reopen before close": (*bed).reopenFirst, "comment before the create": (*bed).commentFirst}
	variants(t, cases, func(b *bed, run func(*bed, *front)) {
		f := b.front()
		b.hook(f, "")
		run(b, f)
		b.cleanly()
	})
}

func (b *bed) reopenFirst(f *front) {
	b.serve(f, b.app)
	b.aws(disk(1, "100"))
	b.until("the issue is there", func() bool { return b.state() == "1 open, 0 closed, 0 in doubt" })
	b.settled()
	b.idle()
	b.gitlab.HoldHooks(true)
	iid := b.about(1).IID
	b.edit(iid, map[string]any{"state_event": "close"})
	b.edit(iid, map[string]any{"state_event": "reopen"})
	held := b.heldBack()
	if len(held) != 2 {
		b.Fatalf("%d deliveries are held", len(held))
	}
	before, _ := b.jobs("reconcile", "integration")
	b.release(held[1])
	b.until("a look follows", func() bool { n, _ := b.jobs("reconcile", "integration"); return n == before+1 })
	b.idle()
	b.release(held[0])
	b.idle()
	if n, _ := b.jobs("reconcile", "integration"); n != before+1 {
		b.Errorf("%d looks: what was told last was older than what cxm knew", n-before)
	}
	if got := b.one(iid); got.State != "opened" || b.state() != "1 open, 0 closed, 0 in doubt" || b.stateChanges(iid) != 2 {
		b.Errorf("the issue is %s, and cxm knows of %s", got.State, b.state())
	}
}

func (b *bed) commentFirst(f *front) {
	b.app = b.open(func(c *app.Config) { c.Settle = time.Hour }) // no other look finds it
	b.serve(f, b.app)
	b.gitlab.HoldHooks(true)
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: b.route(), Times: 1, Cut: sandbox.CutAfter})
	b.aws(disk(1, "100"))
	b.until("the create is in doubt", func() bool { return b.state() == "0 open, 0 closed, 1 in doubt" && len(b.openAbout(platform, 1)) == 1 })
	iid := b.about(1).IID
	b.admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%s/issues/%d/notes", platform, iid), map[string]any{"body": "who made this?"})
	held := b.heldBack()
	b.release(held[len(held)-1])
	b.until("the create is known", func() bool { return b.state() == "1 open, 0 closed, 0 in doubt" })
	b.release()
	b.settled()
	if got := b.comments(iid); len(got) != 1 || got[0] != "who made this?" || b.posts() != 1 {
		b.Errorf("comments %q, %d creates", got, b.posts())
	}
}

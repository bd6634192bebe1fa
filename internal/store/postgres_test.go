package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

func TestPostgreSQL(t *testing.T) {
	server := postgres.Server(t)
	empty := server.Database(t)
	migrate(t, empty)
	storetest.Run(t, func(t *testing.T) *store.DB { return openURL(t, store.Options{URL: server.Clone(t, empty)}) })
}

// TestPostgreSQLTriesAgain has every transaction that writes issues, runs, the
// journal or integrations collide once, right at its commit: what callers see is
// the same.
func TestPostgreSQLTriesAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("the suite runs once in a short test")
	}
	server := postgres.Server(t)
	colliding := server.Database(t)
	migrate(t, colliding)
	run(t, colliding, `create sequence tries`)
	run(t, colliding, `create function collide() returns trigger language plpgsql as $$
		begin
			if coalesce(current_setting('cxm.tried', true), '') = '' then
				perform set_config('cxm.tried', 'yes', true);
				if nextval('tries') % 2 = 1 then
					raise exception using errcode = '40001', message = 'made up by the test';
				end if;
			end if;
			return null;
		end $$`)
	for _, table := range []string{"issues", "runs", "journal", "integrations", "installations", "watermarks", "breakers"} {
		run(t, colliding, `create constraint trigger collides after insert or update on `+table+` deferrable initially deferred for each row execute function collide()`)
	}
	storetest.Run(t, func(t *testing.T) *store.DB { return openURL(t, store.Options{URL: server.Clone(t, colliding)}) })
}

// migrate makes the schema.
func migrate(t *testing.T, url string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func openURL(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// run runs one statement behind the store's back.
func run(t testing.TB, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// TestPostgreSQLRefusesANewerSchema, in the words that SQLite uses.
func TestPostgreSQLRefusesANewerSchema(t *testing.T) {
	url := postgres.Server(t).Database(t)
	openURL(t, store.Options{URL: url})
	run(t, url, "insert into goose_db_version (version_id, is_applied) values (99, true)")
	_, err := store.Open(t.Context(), store.Options{URL: url})
	want := "run that version, or restore a backup made before the upgrade (its schema has version 99"
	if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v", err)
	}
}

// TestPostgreSQLOpensAtOnce opens an empty database several times at once, as
// replicas do that start together.
func TestPostgreSQLOpensAtOnce(t *testing.T) {
	url := postgres.Server(t).Database(t)
	var all sync.WaitGroup
	codes := make([]string, 6)
	for i := range codes {
		all.Go(func() {
			db, err := store.Open(t.Context(), store.Options{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if codes[i], err = db.Tenant("default").Installation(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, code := range codes {
		if code != codes[0] || code == "" {
			t.Errorf("the installations are %v", codes)
		}
	}
}

// TestReplicasIntend lets three replicas race for the same groups.
func TestReplicasIntend(t *testing.T) {
	url := postgres.Server(t).Database(t)
	var replicas []*store.Store
	for range 3 {
		replicas = append(replicas, openURL(t, store.Options{URL: url}).Tenant("default"))
	}
	in, r := furnish(t, replicas[0])
	const groups = 40
	var won [groups]atomic.Int32
	var all sync.WaitGroup
	for h, s := range replicas {
		for i := range groups {
			all.Go(func() {
				_, _, err := s.Intend(t.Context(), plan.Entry{Run: r, Seq: i, Verb: plan.Create},
					issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprintf("%d-%d", h, i)})
				if err == nil {
					won[i].Add(1)
				} else if !errors.Is(err, store.ErrAlreadyIntended) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for i := range won {
		if n := won[i].Load(); n != 1 {
			t.Errorf("group %d was won %d times", i, n)
		}
	}
}

// TestOutage: while PostgreSQL is away everything says so, with a next step and
// without the password; when it is back everything works, over the connections
// that died meanwhile, and nothing is lost.
func TestOutage(t *testing.T) {
	server := pgtest.New(t)
	url := server.Database(t)
	s := openURL(t, store.Options{URL: url}).Tenant("default")
	in, r := furnish(t, s)
	intend := func(n int) error {
		_, _, err := s.Intend(t.Context(), plan.Entry{Run: r, Seq: n, Verb: plan.Create},
			issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint(n)), Nonce: fmt.Sprint(n)})
		return err
	}
	if err := intend(1); err != nil {
		t.Fatal(err)
	}
	password := strings.SplitN(strings.SplitN(url, "@", 2)[0], ":", 3)[2]
	for round, end := range []func() error{server.Stop, server.Kill} {
		busy(t, s) // leaves several connections behind
		if err := end(); err != nil {
			t.Fatal(err)
		}
		_, err := s.Unsettled(t.Context(), in)
		for what, err := range map[string]error{"writing": intend(2 + round), "reading": err} {
			if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), "see that it runs") || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s says %v", what, err)
			}
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := intend(2 + round); err != nil {
			t.Errorf("after the outage: %v", err)
		}
		if left, err := s.Unsettled(t.Context(), in); err != nil || len(left) != 2+round {
			t.Errorf("there are %d intents (%v)", len(left), err)
		}
	}
}

// busy reads in several places at once.
func busy(t *testing.T, s *store.Store) {
	t.Helper()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Summary(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestAnswerToACommitIsLost ends the server's process for a connection after it
// has committed and before it has answered: that is neither success nor failure,
// and who looks finds what was written.
func TestAnswerToACommitIsLost(t *testing.T) {
	server := postgres.Server(t)
	url := server.Database(t)
	proxied, cut := proxy(t, url)
	s := openURL(t, store.Options{URL: proxied, Failpoint: func(point string) {
		if point == "intend: before commit" {
			cut()
		}
	}}).Tenant("default")
	in, r := furnish(t, s)
	_, _, err := s.Intend(t.Context(), plan.Entry{Run: r, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("1"), Nonce: "n"})
	if !errors.Is(err, store.ErrUncertain) || errors.Is(err, store.ErrUnreachable) {
		t.Fatalf("the error is %v", err)
	}
	// The proxy passed the commit on, so that it was carried out soon after.
	for deadline := time.Now().Add(10 * time.Second); ; {
		left, err := s.Unsettled(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the intent was never seen")
		}
	}
}

// TestConnectionBreaksBeforeCommit: what certainly left nothing behind is done
// again, and callers never hear of it.
func TestConnectionBreaksBeforeCommit(t *testing.T) {
	url := postgres.Server(t).Database(t)
	var broke atomic.Bool
	s := openURL(t, store.Options{URL: url, Changed: func(ctx context.Context, tx store.Tx, _ string) error {
		if broke.Swap(true) {
			return nil
		}
		_, err := tx.PGX.Exec(ctx, "select pg_terminate_backend(pg_backend_pid())")
		return err
	}}).Tenant("default")
	in, _ := furnish(t, s)
	adopted, err := s.Adopt(t.Context(), issue.Tracked{Integration: in, Group: rule.NewGroupKey("1"), Nonce: "n", Observed: issue.Observed{ProjectID: 1, IID: 7}})
	if err != nil || adopted.ID == 0 || !broke.Load() {
		t.Errorf("the issue has row %d (%v)", adopted.ID, err)
	}
}

// TestPostgreSQLWaitsForItsDisk holds connections to what G1 rests on, whatever
// the server's default is.
func TestPostgreSQLWaitsForItsDisk(t *testing.T) {
	url := postgres.Server(t).Database(t)
	run(t, url, "alter role cxm in database "+url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")]+" set synchronous_commit = off")
	db := openURL(t, store.Options{URL: url})
	var setting string
	if err := db.Pool().QueryRow(t.Context(), "show synchronous_commit").Scan(&setting); err != nil || setting != "on" {
		t.Errorf("synchronous_commit is %s (%v)", setting, err)
	}
}

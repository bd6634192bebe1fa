package transfer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/rule"
	"cxm/internal/store"
	auditlog "cxm/internal/store/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/rules"
	"cxm/internal/store/transfer"
)

var postgres pgtest.Once

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// TestCopy goes from each kind of database to each, and on to the next: in the
// end all hold the same, and a store works on it as on the first.
func TestCopy(t *testing.T) {
	for name, ends := range map[string][2]place{
		"SQLite to SQLite":         {furnished.file, file},
		"SQLite to PostgreSQL":     {furnished.file, server},
		"PostgreSQL to SQLite":     {furnished.server, file},
		"PostgreSQL to PostgreSQL": {furnished.server, server},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := ends[0](t), ends[1](t)
			before := read(t, from)
			tables := copyAll(t, from, to, true)
			for _, table := range tables {
				if table.Rows == 0 {
					t.Errorf("table %s has no rows, so that nobody sees whether it is copied: store something in it in furnish", table.Name)
				}
			}
			same(t, before, read(t, to))
			provable(t, to)
			goesOn(t, to, before.Integrations[0].ID)
		})
	}
}

// TestCopyThereAndBack: the checksums of the first and the last are the same.
func TestCopyThereAndBack(t *testing.T) {
	first, between, last := furnished.file(t), server(t), file(t)
	out := copyAll(t, first, between, false)
	back := copyAll(t, between, last, false)
	if diff := cmp.Diff(out, back); diff != "" {
		t.Errorf("there and back differ:\n%s", diff)
	}
}

func copyAll(t *testing.T, from, to store.Options, mark bool) []transfer.Table {
	t.Helper()
	source, target := open(t, from), open(t, to)
	tables, err := transfer.Copy(t.Context(), source, target, mark)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func open(t *testing.T, o store.Options) *database.DB {
	t.Helper()
	d, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func tenant(t *testing.T, o store.Options) (*store.DB, *store.Store) {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, db.Tenant("default")
}

// provable says that the audit log is as it was written, and goes on.
func provable(t *testing.T, o store.Options) {
	t.Helper()
	log := auditlog.New(open(t, o), "default", noon)
	if err := log.Add(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
		t.Error(err)
	}
	if r, err := log.Verify(t.Context(), signers()); err != nil || len(r.Faults) > 0 || r.Anchors == 0 || r.Sealed == 0 || r.Lines < 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// content is what a store says that it holds.
type content struct {
	Installation string
	Integrations []integration.Integration
	Sealed       []byte
	Token        credential.Token
	Groups       []rule.Group
	Issues       [][]issue.Tracked
	Journal      []plan.Entry
	Summary      store.Summary
	Breakers     breaker.Set
	Delivery     store.Delivery
}

func same(t *testing.T, want, got content) {
	t.Helper()
	if reflect.DeepEqual(want, got) { // cmp takes seconds for as much
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the copy differs (-from +to):\n%s", diff)
	}
}

// read reads everything through the store; versions of groups are left out, as
// marking raises them.
func read(t *testing.T, o store.Options) content {
	t.Helper()
	db, s := tenant(t, o)
	defer db.Close()
	var c content
	var errs [8]error
	c.Installation, errs[0] = s.Installation(t.Context())
	c.Integrations, errs[1] = s.Integrations(t.Context())
	_, c.Sealed, c.Token, errs[2] = s.Integration(t.Context(), c.Integrations[0].ID)
	errs[3] = s.Groups(t.Context(), true, func(g rule.Group, issues []issue.Tracked) error {
		g.Version = 0
		c.Groups, c.Issues = append(c.Groups, g), append(c.Issues, issues)
		return nil
	})
	c.Summary, errs[4] = s.Summary(t.Context())
	c.Journal, errs[5] = s.Journal(t.Context(), 1)
	c.Summary.LastRun = plan.Run{} // a copy ends it
	c.Breakers, errs[6] = s.Breakers(t.Context(), c.Integrations[0].ID)
	c.Delivery, errs[7] = s.NextDelivery(t.Context(), "test", "one")
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// goesOn works with a copy: all is dirty, and new rows get ids of their own.
func goesOn(t *testing.T, o store.Options, in int64) {
	t.Helper()
	db, s := tenant(t, o)
	open, err := s.OpenRuns(t.Context(), in)
	if err != nil || len(open) != 0 {
		t.Errorf("runs are under way in the copy, whose jobs are not: %+v (%v)", open, err)
	}
	total, dirty, err := s.CountGroups(t.Context())
	if err != nil || total != dirty || total == 0 {
		t.Errorf("%d of %d groups are marked (%v)", dirty, total, err)
	}
	ruled := rules.New(db.Base(), "default", noon)
	if a, err := ruled.Assigned(t.Context()); err != nil || a.Done || a.Revision != 1 {
		t.Errorf("the findings of the copy are %+v (%v)", a, err)
	}
	if err := ruled.Reassign(t.Context(), 1, together, 100); err != nil {
		t.Error(err)
	}
	if g, _, err := s.Group(t.Context(), rule.NewGroupKey("too")); err != nil || len(g.Members) != 800 {
		t.Errorf("the group of all has %d members (%v)", len(g.Members), err)
	}
	r, _, err := s.BeginRun(t.Context(), plan.Run{StartedAt: noon()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("new"), Nonce: "new"}); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("1"), Nonce: "again"}); !errors.Is(err, store.ErrAlreadyIntended) {
		t.Errorf("a group that has an issue: %v", err)
	}
}

func TestCopyRefusesATargetThatHoldsSomething(t *testing.T) {
	for name, kind := range map[string]place{"SQLite": file, "PostgreSQL": server} {
		t.Run(name, func(t *testing.T) {
			from, to := furnished.file(t), kind(t)
			_, s := tenant(t, to)
			mine, err := s.Installation(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = transfer.Copy(t.Context(), open(t, from), open(t, to), true)
			if !errors.Is(err, transfer.ErrNotEmpty) || !strings.Contains(err.Error(), "installations") {
				t.Errorf("the error is %v", err)
			}
			if now, err := s.Installation(t.Context()); err != nil || now != mine {
				t.Errorf("the target changed (%v)", err)
			}
		})
	}
}

// TestCopyNoticesRowsThatArriveOtherwise has the target change what it is given:
// nothing is kept.
func TestCopyNoticesRowsThatArriveOtherwise(t *testing.T) {
	from, to := furnished.file(t), file(t)
	target := open(t, to)
	raw, err := sql.Open("sqlite", to.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("create trigger spoils after insert on runs begin update runs set why = 'spoilt' where id = new.id; end"); err != nil {
		t.Fatal(err)
	}
	_, err = transfer.Copy(t.Context(), open(t, from), target, true)
	if err == nil || !strings.Contains(err.Error(), "table runs") || !strings.Contains(err.Error(), "nothing was kept") {
		t.Errorf("the error is %v", err)
	}
	counts, err := transfer.Counts(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range counts {
		if table.Rows != 0 {
			t.Errorf("%d rows of %s were kept", table.Rows, table.Name)
		}
	}
}

// TestCopyIsOfOneMoment copies while somebody writes.
func TestCopyIsOfOneMoment(t *testing.T) {
	for name, kind := range map[string]place{"SQLite": furnished.file, "PostgreSQL": furnished.server} {
		t.Run(name, func(t *testing.T) {
			from, to := kind(t), file(t)
			db, s := tenant(t, from)
			in, err := s.Integrations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := rules.New(db.Base(), "default", noon).Reassign(t.Context(), 1, together, 100); err != nil {
				t.Fatal(err) // nothing is intended before
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan int)
			go func() {
				n := 0
				for ctx.Err() == nil {
					r, _, err := s.BeginRun(ctx, plan.Run{StartedAt: noon()}, nil)
					if err == nil {
						_, _, err = s.Intend(ctx, plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in[0].ID, Group: rule.NewGroupKey(fmt.Sprint("w", n)), Nonce: fmt.Sprint("w", n)})
					}
					if err == nil {
						n++
					}
				}
				ended <- n
			}()
			copyAll(t, from, to, false) // a journal's row without its run would be refused
			stop()
			if n := <-ended; n == 0 {
				t.Error("nothing was written meanwhile: the test proves nothing")
			}
		})
	}
}

func TestSnapshotLeavesTheSourceAlone(t *testing.T) {
	from := file(t)
	furnish(t, from) // it is still open, so that much is not in the file itself yet
	before, err := os.ReadFile(from.Path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "snapshot.db")
	if err := database.Snapshot(t.Context(), from.Path, to); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(from.Path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the source was written to (%v)", err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the snapshot has mode %v (%v)", info.Mode(), err)
	}
	same(t, read(t, from), read(t, store.Options{Path: to}))
	if err := database.Snapshot(t.Context(), filepath.Join(t.TempDir(), "absent.db"), to+"2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}

// TestCopyFromAnEarlierSchema: a backup that an earlier cxm made is brought up to
// date on its way, and stays as it is.
func TestCopyFromAnEarlierSchema(t *testing.T) {
	from := fresh(t)
	old, err := database.OpenAt(t.Context(), from, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"insert into installations (tenant, code) values ('default', '0123456789abcdef')",
		"insert into runs (tenant, steps, done, failed, in_doubt, skipped) values ('default', 1, 1, 0, 0, 0)",
		"insert into finding_groups (tenant, group_key, rule, version, dirty) values ('default', 'g', 'r', 1, 0)",
	} {
		if _, err := old.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "mine.db")
	if err := database.Snapshot(t.Context(), from.Path, mine); err != nil {
		t.Fatal(err)
	}
	to := server(t)
	copyAll(t, store.Options{Path: mine}, to, true)
	_, s := tenant(t, to)
	runs, err := s.Runs(t.Context(), 9)
	if err != nil || len(runs) != 1 || runs[0].Done != 1 {
		t.Errorf("the runs are %v (%v)", runs, err)
	}
	d, err := database.Connect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if v, err := d.Versions(t.Context()); err != nil || v.Has != 1 || v.Knows < 2 {
		t.Errorf("the source has version %d by now (%v)", v.Has, err)
	}
	if _, err := transfer.Copy(t.Context(), d, open(t, file(t)), true); err == nil || !strings.Contains(err.Error(), "different schemas") {
		t.Errorf("two schemas: %v", err)
	}
}

package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"modernc.org/sqlite"

	"cxm/internal/store/pgtest"
)

// patient bounds every wait of the tests; what they wait for takes far less.
const patient = 60 * time.Second

// server is the one PostgreSQL server of this test program.
type server struct {
	start func() (*pgtest.Server, error)
	used  bool
	mu    sync.Mutex
}

var postgres = &server{start: sync.OnceValues(pgtest.Start)}

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		os.Exit(child())
	}
	code := m.Run()
	if err := postgres.close(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func (s *server) database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.used = true
	s.mu.Unlock()
	running, err := s.start()
	if errors.Is(err, pgtest.ErrAbsent) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return running.Database(t)
}

func (s *server) close() error {
	if !s.used {
		return nil
	}
	running, err := s.start()
	if err != nil {
		return nil // every test that wanted it said so
	}
	return running.Close()
}

// bed is an empty, migrated database with a table of our own beside River's.
type bed struct {
	Handle
	url string
	sql *sql.DB // to look with; on SQLite the one connection
}

// onBoth runs the test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, newSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, newPostgres(t)) })
}

func newSQLite(t testing.TB) *bed {
	return newBed(t, "sqlite:"+filepath.Join(t.TempDir(), "queue.db"))
}

func newPostgres(t testing.TB) *bed { return newBed(t, postgres.database(t)) }

func newBed(t testing.TB, address string) *bed {
	t.Helper()
	b, closeAll, err := openBed(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeAll)
	if err := Migrate(t.Context(), b.Handle); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "create table ours (n integer not null, pid integer not null, what text not null)")
	return b
}

// openBed opens what newBed made, from another process too.
func openBed(address string) (*bed, func(), error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		db, err := openFile(path)
		return &bed{Handle: Handle{SQLite: db}, url: address, sql: db}, func() { _ = db.Close() }, err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, nil, err
	}
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	return &bed{Handle: Handle{Postgres: pool}, url: address, sql: db}, func() { _ = db.Close(); pool.Close() }, nil
}

// openFile opens a database as the store does.
func openFile(path string) (*sql.DB, error) {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_foreign_keys": {"on"}, "_busy_timeout": {"30000"}, "_dqs": {"0"},
	}.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

func (b *bed) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := b.sql.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func (b *bed) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := b.sql.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// begin opens a transaction with what writes in it and what ends it.
func (b *bed) begin(t testing.TB) (tx Tx, exec func(string, ...any) error, commit, rollback func() error) {
	t.Helper()
	ctx := context.Background()
	if b.SQLite != nil {
		tx, err := b.SQLite.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Tx{SQL: tx}, func(s string, args ...any) error { _, err := tx.Exec(s, args...); return err }, tx.Commit, tx.Rollback
	}
	ptx, err := b.Postgres.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return Tx{PGX: ptx}, func(s string, args ...any) error { _, err := ptx.Exec(ctx, s, args...); return err },
		func() error { return ptx.Commit(ctx) }, func() error { return ptx.Rollback(ctx) }
}

// open opens a queue that is stopped when the test ends.
func (b *bed) open(t testing.TB, o Options) *Queue {
	t.Helper()
	o.Handle, o.Prompt = b.Handle, true
	q, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

// task is the job of these tests.
type task struct {
	N    int    `json:"n"`
	Name string `json:"name,omitempty"`
}

func (task) Kind() string { return "task" }

// canary is a job of another kind.
type canary struct{}

func (canary) Kind() string { return "canary" }

// doing works tasks with f, and canaries by doing nothing.
func doing(f func(context.Context, *river.Job[task]) error) *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(f))
	river.AddWorker(w, river.WorkFunc(func(context.Context, *river.Job[canary]) error { return nil }))
	return w
}

func nothing() *river.Workers {
	return doing(func(context.Context, *river.Job[task]) error { return nil })
}

func job(args river.JobArgs) river.InsertManyParams { return river.InsertManyParams{Args: args} }

func withOpts(args river.JobArgs, opts river.InsertOpts) river.InsertManyParams {
	return river.InsertManyParams{Args: args, InsertOpts: &opts}
}

func unique(args river.JobArgs) river.InsertManyParams {
	return withOpts(args, river.InsertOpts{UniqueOpts: Unique()})
}

func insertOK(t testing.TB, q *Queue, jobs ...river.InsertManyParams) []*rivertype.JobInsertResult {
	t.Helper()
	results, err := q.Insert(t.Context(), jobs...)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(jobs) {
		t.Fatalf("%d jobs gave %d results", len(jobs), len(results))
	}
	for i, r := range results {
		if r == nil {
			t.Fatalf("job %d has no result", i)
		}
	}
	return results
}

func startOK(t testing.TB, q *Queue) {
	t.Helper()
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func drainOK(t testing.TB, q *Queue, horizon time.Duration) Drained {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	d, err := q.Drain(ctx, horizon)
	if err != nil {
		t.Fatalf("%v (%+v)", err, d)
	}
	return d
}

// recv waits for a value of a channel.
func recv[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patient):
		t.Fatalf("waited %s for %s", patient, what)
		panic("not reached")
	}
}

// until polls for what another goroutine or process brings about.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patient)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited %s for %s", patient, what)
		case <-tick.C:
		}
	}
}

// jobsIn counts the jobs in a state.
func (b *bed) jobsIn(t testing.TB, state rivertype.JobState) int {
	t.Helper()
	return b.count(t, "select count(*) from river_job where cast(state as text) = $1", string(state))
}

func taskOf(t testing.TB, args json.RawMessage) task {
	t.Helper()
	var a task
	if err := json.Unmarshal(args, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

package queue_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite"

	"cxm/internal/queue"
	"cxm/internal/queue/throughput"
	"cxm/internal/store/pgtest"
)

// BenchmarkQueue prints how the queue compares with plain rows; one iteration is
// one job.
//
//	go test -run '^$' -bench Queue -benchtime 20000x ./internal/queue
func BenchmarkQueue(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { measure(b, func() queue.Handle { return file(b) }) })
	b.Run("PostgreSQL", func(b *testing.B) { measure(b, func() queue.Handle { return server(b) }) })
}

// TestMeasure keeps what `make bench` calls alive.
func TestMeasure(t *testing.T) {
	t.Parallel()
	r, err := throughput.Measure(t.Context(), file(t), 100)
	if err != nil {
		t.Fatal(err)
	}
	if r.Jobs != 100 || r.Raw <= 0 || r.Insert <= 0 || r.Work <= 0 || r.InsertRatio() <= 0 || r.WorkRatio() <= 0 || r.PerSecond(r.Work) <= 0 {
		t.Errorf("%+v", r)
	}
}

func measure(b *testing.B, open func() queue.Handle) {
	h := open()
	b.ResetTimer()
	r, err := throughput.Measure(b.Context(), h, b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.PerSecond(r.Insert), "inserted/s")
	b.ReportMetric(r.PerSecond(r.Work), "worked/s")
	b.ReportMetric(r.InsertRatio(), "insert/raw")
	b.ReportMetric(r.WorkRatio(), "work/raw")
}

func file(t testing.TB) queue.Handle {
	t.Helper()
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(filepath.Join(t.TempDir(), "queue.db")), RawQuery: url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"30000"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return queue.Handle{SQLite: db}
}

func server(t testing.TB) queue.Handle {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return queue.Handle{Postgres: pool}
}

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"cxm/internal/queue"
	"cxm/internal/queue/throughput"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
)

// queueThroughput measures the queue on both databases, opened as cxm opens
// them, against plain inserts of the same rows.
func queueThroughput(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "cxm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // a scratch folder
	figures, err := throughputOn(ctx, "queue on SQLite: ", store.Options{Path: filepath.Join(dir, "cxm.db")})
	if err != nil {
		return nil, err
	}
	more, err := onPostgres("queue on PostgreSQL", func(url string) ([]figure, error) {
		return throughputOn(ctx, "queue on PostgreSQL: ", store.Options{URL: url})
	})
	return append(figures, more...), err
}

func throughputOn(ctx context.Context, name string, where store.Options) ([]figure, error) {
	const jobs = 10_000
	db, err := store.Open(ctx, where)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r, err := throughput.Measure(ctx, queue.Handle{SQLite: db.SQL(), Postgres: db.Pool()}, jobs)
	return []figure{
		told(name+"inserting 10,000 jobs / plain rows", round(r.InsertRatio()), "times"),
		told(name+"working 10,000 jobs / inserting plain rows", round(r.WorkRatio()), "times"),
		told(name+"plain rows inserted", whole(r.PerSecond(r.Raw)), "per second"),
		told(name+"jobs inserted", whole(r.PerSecond(r.Insert)), "per second"),
		told(name+"jobs worked", whole(r.PerSecond(r.Work)), "per second"),
	}, err
}

// onPostgres measures on an empty database of a server of its own, which, as the
// one of the tests, does not wait for the disk. Where PostgreSQL is not installed
// the one figure of that name says so.
func onPostgres(name string, f func(url string) ([]figure, error)) ([]figure, error) {
	server, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrAbsent) {
		return []figure{absent(name, err)}, nil
	}
	if err != nil {
		return nil, err
	}
	figures, err := onDatabase(server, f)
	return figures, errors.Join(err, server.Close())
}

func onDatabase(server *pgtest.Server, f func(url string) ([]figure, error)) ([]figure, error) {
	database, err := server.Create()
	if err != nil {
		return nil, err
	}
	return f(server.URL(database))
}

func whole(f float64) float64 { return float64(int64(f + 0.5)) }

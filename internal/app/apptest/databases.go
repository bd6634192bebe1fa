// Package apptest is what tests of cxm as a whole stand on: databases that have
// cxm's tables already, a clock that can be put forward, a sandbox GitLab with
// people in it, and the findings that they hear of.
//
// What always holds: nothing here stands in for a part of cxm; what tests start
// ends with them.
package apptest

import (
	"context"
	"path/filepath"
	"testing"

	"cxm/internal/queue"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

// Databases makes databases with cxm's tables, which are made once for all tests
// of a program and then copied. Its TestMain ends it:
//
//	var databases = apptest.NewDatabases()
//
//	func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }
type Databases struct {
	pgtest.Once // the one PostgreSQL server

	file *storetest.File
}

// NewDatabases makes nothing yet: what is needed is made when it is asked for.
func NewDatabases() *Databases { return &Databases{file: &storetest.File{Add: addQueue}} }

// addQueue makes the tables of the queue.
func addQueue(ctx context.Context, db *store.DB) error {
	return queue.Migrate(ctx, queue.Handle{SQLite: db.SQL(), Postgres: db.Pool()})
}

// SQLite makes a data directory with a database in it.
func (d *Databases) SQLite(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	d.file.Copy(t, filepath.Join(dir, "cxm.db"))
	return dir
}

// PostgreSQL makes a database on the server, and is its URL. As pgtest.New does,
// it skips or fails t where PostgreSQL is absent.
func (d *Databases) PostgreSQL(t testing.TB) (url string) {
	t.Helper()
	return d.Copy(t, func(url string) error { return storetest.Migrate(store.Options{URL: url}, addQueue) })
}

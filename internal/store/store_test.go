package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, open)
}

// tables are copied for every test that wants a database of its own.
var tables storetest.File

// open opens a new database file that is closed when the test ends.
func open(t *testing.T) *store.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cxm.db")
	tables.Copy(t, path)
	return openAt(t, path)
}

func openAt(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Path: path})
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

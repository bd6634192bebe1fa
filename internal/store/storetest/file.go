package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cxm/internal/store"
)

// File is a SQLite file with cxm's tables, made once for all tests of a program
// and copied for each: under the race detector making the tables takes seconds.
// The zero value is ready for use.
type File struct {
	// Add puts in what else every copy is to hold. Optional.
	Add func(context.Context, *store.DB) error

	once sync.Once
	text []byte
	err  error
}

// Copy writes a copy to a path that has no file yet.
func (f *File) Copy(t testing.TB, path string) {
	t.Helper()
	f.once.Do(func() { f.text, f.err = f.make() })
	err := f.err
	if err == nil {
		err = os.WriteFile(path, f.text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// New is where a copy is, in a folder of its own that is removed when t ends.
func (f *File) New(t testing.TB) store.Options {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "cxm.db")}
	f.Copy(t, o.Path)
	return o
}

// make makes the first one, which nobody uses.
func (f *File) make() ([]byte, error) {
	dir, err := os.MkdirTemp("", "cxm-storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cxm.db")
	if err := Migrate(store.Options{Path: path}, f.Add); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Migrated makes cxm's tables in an empty PostgreSQL database, for pgtest.Once.Copy.
func Migrated(url string) error { return Migrate(store.Options{URL: url}, nil) }

// Migrate makes cxm's tables in an empty database, and what add adds (nil:
// nothing). When it returns nobody is connected to it, so that it can be copied.
func Migrate(o store.Options, add func(context.Context, *store.DB) error) error {
	ctx := context.Background() // it is for all tests, whichever asked first
	db, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	if add != nil {
		err = add(ctx, db)
	}
	return errors.Join(err, db.Close())
}

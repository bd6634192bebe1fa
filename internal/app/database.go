package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cxm/internal/store/database"
	"cxm/internal/store/transfer"
)

// Names of the database that callers need.
type (
	// Versions are the schema a database has and the one this program knows.
	Versions = database.Versions
	// Table is what there is of one table.
	Table = transfer.Table
)

// DatabaseStatus is what a database is and holds.
type DatabaseStatus struct {
	Database string   `json:"database"` // without its password
	Present  bool     `json:"present"`
	Schema   Versions `json:"schema"`
	State    string   `json:"state"` // "absent", "current", "older" (cxm upgrades it when it opens it) or "newer" (this cxm refuses it)
	Tables   []Table  `json:"tables"`
}

// InspectDatabase says what the database is, without changing it.
func InspectDatabase(ctx context.Context, c Config) (DatabaseStatus, error) {
	s := DatabaseStatus{Database: c.where().Path, State: "absent", Tables: []Table{}}
	d, err := database.Connect(ctx, c.where())
	if errors.Is(err, database.ErrAbsent) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer d.Close()
	s.Database, s.Present = d.Name(), true
	if s.Schema, err = d.Versions(ctx); err != nil {
		return s, err
	}
	switch {
	case s.Schema.Has == 0:
		s.Present = false
		return s, nil
	case s.Schema.Has > s.Schema.Knows:
		s.State = "newer"
	case s.Schema.Has < s.Schema.Knows:
		s.State = "older"
	default:
		s.State = "current"
	}
	s.Tables, err = transfer.Counts(ctx, d)
	return s, err
}

// Migrated is what an upgrade of a schema did.
type Migrated struct {
	Database string `json:"database"`
	From     int64  `json:"from"` // 0: there was none
	To       int64  `json:"to"`
}

// MigrateDatabase makes the database or brings its schema up to date, as every
// other command does on its way.
func MigrateDatabase(ctx context.Context, c Config) (Migrated, error) {
	before, err := InspectDatabase(ctx, c)
	if err != nil {
		return Migrated{}, err
	}
	if err := c.makeDir(); err != nil {
		return Migrated{}, err
	}
	d, err := database.Open(ctx, c.where())
	if err != nil {
		return Migrated{}, err
	}
	defer d.Close()
	after, err := d.Versions(ctx)
	return Migrated{Database: d.Name(), From: before.Schema.Has, To: after.Has}, err
}

// Copied is a database that was copied into another, and found to be the same.
type Copied struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	Key    string  `json:"key"` // the file that opens the tokens, which is no part of the database
	Tables []Table `json:"tables"`
}

// BackupDatabase writes all that the database holds into a file that does not
// exist yet, as it is at one moment, also while others write. The file is a
// SQLite database with the schema that the database has.
func BackupDatabase(ctx context.Context, c Config, file string) (Copied, error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return Copied{}, fmt.Errorf("%s exists: name a file that does not, so that no backup is written over another", file)
	}
	from, err := database.Connect(ctx, c.where())
	if err != nil {
		return Copied{}, err
	}
	defer from.Close()
	v, err := from.Versions(ctx)
	if err != nil {
		return Copied{}, err
	}
	if v.Has == 0 || v.Has > v.Knows {
		return Copied{}, fmt.Errorf("%s has a schema of version %d, and this cxm knows %d: make the backup with the version of cxm that uses it", from.Name(), v.Has, v.Knows)
	}
	partial := file + ".partial"
	defer os.Remove(partial) // after the rename it is gone
	tables, err := backup(ctx, from, partial, v.Has)
	if err != nil {
		return Copied{}, err
	}
	if err := os.Rename(partial, file); err != nil {
		return Copied{}, err
	}
	return Copied{From: from.Name(), To: file, Key: c.key(), Tables: tables}, nil
}

// backup makes the file; one that an earlier attempt left behind is made again.
func backup(ctx context.Context, from *database.DB, file string, schema int64) ([]Table, error) {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	to, err := database.OpenAt(ctx, database.Options{Path: file}, schema)
	if err != nil {
		return nil, err
	}
	tables, err := transfer.Copy(ctx, from, to, false)
	if err == nil {
		err = to.Seal(ctx)
	}
	return tables, errors.Join(err, to.Close())
}

// CopyDatabase copies all that another database holds into the one that c names,
// which must be empty. from is a SQLite file, such as a backup, also of an
// earlier version of cxm, or the URL of a PostgreSQL database. All groups are
// then marked as changed, so that the next run looks at each.
func CopyDatabase(ctx context.Context, c Config, from string) (Copied, error) {
	if err := c.makeDir(); err != nil {
		return Copied{}, err
	}
	source, done, err := c.source(ctx, from)
	if err != nil {
		return Copied{}, err
	}
	defer done()
	to, err := database.Open(ctx, c.where())
	if err != nil {
		return Copied{}, err
	}
	defer to.Close()
	tables, err := transfer.Copy(ctx, source, to, true)
	if err != nil {
		return Copied{}, err
	}
	name := source.Name()
	if !isURL(from) {
		name = from
	}
	return Copied{From: name, To: to.Name(), Key: c.key(), Tables: tables}, nil
}

// source opens what is copied from. A file is not touched: what it holds goes
// into one of its own first, where its schema may be brought up to date.
func (c Config) source(ctx context.Context, from string) (*database.DB, func(), error) {
	if isURL(from) {
		d, err := database.Connect(ctx, database.Options{URL: from})
		if err != nil {
			return nil, nil, err
		}
		return d, closing(d), nil
	}
	dir, err := os.MkdirTemp(c.DataDir, "copy-")
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = os.RemoveAll(dir) } // it is in a folder of cxm's
	file := filepath.Join(dir, "cxm.db")
	if err := database.Snapshot(ctx, from, file); err != nil {
		done()
		return nil, nil, err
	}
	d, err := database.Open(ctx, database.Options{Path: file})
	if err != nil {
		done()
		return nil, nil, err
	}
	return d, func() { closing(d)(); done() }, nil
}

// closing closes a database that was only read.
func closing(d *database.DB) func() { return func() { _ = d.Close() } }

func isURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

func (c Config) key() string { return filepath.Join(c.DataDir, "key.json") }

func (c Config) makeDir() error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	return nil
}

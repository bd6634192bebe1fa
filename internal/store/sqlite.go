package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

// readers bounds how many reads run at once; more wait for their turn.
const readers = 4

func openSQLite(ctx context.Context, path string) (*DB, error) {
	doing := "opening the database " + path
	if err := touch(path); err != nil {
		return nil, wrap(doing, err)
	}
	write, err := pool(path, url.Values{
		"_txlock":       {"immediate"}, // a transaction that reads first must not find at its first write that it is too late
		"_journal_mode": {"WAL"},       // readers never wait for the writer
		"_synchronous":  {"FULL"},      // an intent must survive a power cut before its request is sent (G1): NORMAL may lose the last commits
		"_foreign_keys": {"on"},
	}, 1)
	if err != nil {
		return nil, wrap(doing, err)
	}
	if err := migrate(ctx, write, goose.DialectSQLite3, sqliteMigrations, "migrations/sqlite"); err != nil {
		return nil, wrap(doing, errors.Join(err, write.Close()))
	}
	read, err := pool(path, url.Values{"_query_only": {"on"}}, readers)
	if err != nil {
		return nil, wrap(doing, errors.Join(err, write.Close()))
	}
	return &DB{write: newWriter(write), read: newKept(read)}, nil
}

// touch makes the file with narrow rights: it holds sealed tokens and what
// things cost. SQLite gives its side files the same rights.
func touch(path string) error {
	if path == "" {
		return errors.New("the path is empty: name a file")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("its folder does not exist: make it first: %w", err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// pool opens up to size connections that live as long as the pool.
func pool(path string, params url.Values, size int) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	params.Set("_busy_timeout", "30000") // another process may be reading in a large file
	params.Set("_dqs", "0")
	params.Add("_pragma", "cache_size(-65536)") // KiB, used as needed: a large pull spills into the log without it
	params.Add("_pragma", "temp_store(memory)") // what undoes one statement: small, and written for every one
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(absolute), RawQuery: params.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

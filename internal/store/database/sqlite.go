package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"

	"cxm/internal/store/db"
)

// readers bounds how many reads run at once; more wait for their turn.
const readers = 4

// sqlite is a file: one connection writes, and readers never wait for it.
type sqlite struct {
	writer *writer
	reader *kept
}

func openSQLite(o Options) (*DB, error) {
	doing := "opening the database " + o.Path
	write, err := pool(o.Path, url.Values{
		"_txlock":       {"immediate"}, // a transaction that reads first must not find at its first write that it is too late
		"_journal_mode": {"WAL"},       // readers never wait for the writer
		"_synchronous":  {"FULL"},      // an intent must survive a power cut before its request is sent (G1): NORMAL may lose the last commits
		"_foreign_keys": {"on"},
	}, 1)
	if err != nil {
		return nil, wrap(doing, err)
	}
	read, err := pool(o.Path, url.Values{"_query_only": {"on"}}, readers)
	if err != nil {
		return nil, wrap(doing, errors.Join(err, write.Close()))
	}
	return &DB{kind: &sqlite{writer: newWriter(write, o.hooks()), reader: newKept(read)}, name: o.Path, sql: write}, nil
}

func (s *sqlite) read(ctx context.Context, f func(db.DBTX) error) error {
	s.reader.catchUp(ctx)
	tx, err := s.reader.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing was written
	return f(s.reader.in(tx))
}

func (s *sqlite) write(ctx context.Context, c Change) error { return s.writer.do(ctx, c) }

func (s *sqlite) alone(ctx context.Context, c Change) error { return s.writer.exclusive(ctx, c) }

func (s *sqlite) close() error { return errors.Join(s.reader.close(), s.writer.kept.close()) }

// touch makes the file with narrow rights: it holds sealed tokens and what
// things cost. SQLite gives its side files the same rights.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("its folder does not exist: make it first: %w", err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Snapshot writes what a SQLite file holds at one moment into a new file, with the
// schema it has, also while others write.
func Snapshot(ctx context.Context, from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	read, err := pool(from, url.Values{"mode": {"ro"}}, 1)
	if err != nil {
		return err
	}
	defer read.Close()
	if _, err := read.ExecContext(ctx, "vacuum into $1", to); err != nil {
		return fmt.Errorf("reading %s (is it a database of cxm?): %w", from, err)
	}
	return os.Chmod(to, 0o600)
}

// Seal makes a SQLite file one that can be read anywhere, and alone.
func (d *DB) Seal(ctx context.Context) error {
	if d.pool != nil {
		return nil
	}
	_, err := d.sql.ExecContext(ctx, "pragma journal_mode = delete")
	return err
}

// pool opens up to size connections that live as long as the pool.
func pool(path string, params url.Values, size int) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	params.Set("_busy_timeout", "30000") // another process may be reading in a large file
	params.Set("_dqs", "0")
	// KiB, used as needed, and the driver takes twice that. Four times as much makes
	// a first pull a tenth faster, and a re-sync of a million needs the room.
	params.Add("_pragma", "cache_size(-16384)")
	params.Add("_pragma", "temp_store(memory)") // what undoes one statement: small, and written for every one
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(absolute), RawQuery: params.Encode()}
	connector, err := driver.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	opened := sql.OpenDB(connector)
	opened.SetMaxOpenConns(size)
	opened.SetMaxIdleConns(size)
	return opened, nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cxm/internal/app"
	"cxm/internal/store/pgtest"
)

const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// databases are those every scenario runs on.
func databases() []string { return []string{sqlite, postgres} }

// server is the one PostgreSQL server of this test binary.
type server struct {
	start sync.Once
	*pgtest.Server
	empty string // a database with cxm's tables, to copy
	err   error
}

var only server

// running is the server, started when the first scenario asks for it.
func running() (*server, error) {
	only.start.Do(func() {
		if only.Server, only.err = pgtest.Start(); only.err == nil {
			only.empty, only.err = only.Create()
		}
		if only.err == nil {
			_, only.err = migrated(only.URL(only.empty))
		}
	})
	return &only, only.err
}

// migrated makes cxm's tables, once for all scenarios. Without a URL it makes a
// file, and returns what is in it.
func migrated(dsn string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "cxm-scenario-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	a, err := app.Open(context.Background(), app.Config{DataDir: dir, Database: dsn})
	if err == nil {
		err = a.Close()
	}
	if err != nil || dsn != "" {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "cxm.db"))
}

// file is a SQLite file with cxm's tables, to copy.
var file = sync.OnceValues(func() ([]byte, error) { return migrated("") })

// stop stops the server if there is one.
func stop() error {
	if only.Server == nil {
		return nil
	}
	return only.Close()
}

// newDatabase makes a data directory, and a database in it or, where it has a
// URL, on the server.
func newDatabase(t *testing.T, kind string) (dir, dsn string) {
	t.Helper()
	dir = t.TempDir()
	if kind == postgres {
		return dir, newPostgres(t)
	}
	text, err := file()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cxm.db"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, ""
}

func newPostgres(t *testing.T) string {
	t.Helper()
	s, err := running()
	if errors.Is(err, pgtest.ErrAbsent) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return duplicate(t, s.URL(s.empty))
}

// duplicate copies a PostgreSQL database that nobody uses, and says where the
// copy is.
func duplicate(t *testing.T, dsn string) string {
	t.Helper()
	at, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.TrimPrefix(at.Path, "/"), "copy_"+strings.ToLower(rand.Text())
	at.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create database "+to+" template "+from); err != nil {
		t.Fatal(err)
	}
	at.Path = "/" + to
	return at.String()
}

// saved is a backup of what cxm keeps.
type saved struct{ dir, dsn string }

// backup copies cxm's data, while cxm stands still, and says where it is.
func (b *bed) backup() saved {
	b.Helper()
	b.app.Close()
	to := saved{dir: b.TempDir()}
	if err := os.CopyFS(to.dir, os.DirFS(b.dir)); err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to.dir, "key.json"), 0o600); err != nil {
		b.Fatal(err)
	}
	if b.database == postgres {
		to.dsn = duplicate(b.T, b.dsn)
	}
	b.app = b.open()
	return to
}

// restore has cxm go on from a backup.
func (b *bed) restore(from saved) {
	b.Helper()
	b.app.Close()
	b.dir, b.dsn = from.dir, from.dsn
	b.app = b.open()
}

package app_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/app"
)

// TestMovesToPostgreSQL moves an installation with issues to PostgreSQL, in use
// there, and back by way of a backup: nobody in GitLab sees any of it.
func TestMovesToPostgreSQL(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	server := databases.Server(t)
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	if err := b.app.Close(); err != nil {
		t.Fatal(err)
	}
	config := func(dir, database string) app.Config {
		return app.Config{DataDir: dir, Database: database, Clock: b.clock.now, Settle: 200 * time.Millisecond, Observe: b.writes.observe}
	}

	there := config(t.TempDir(), server.Database(t))
	moved, err := app.CopyDatabase(t.Context(), there, filepath.Join(b.dir, "cxm.db"))
	if err != nil {
		t.Fatal(err)
	}
	b.use(there, filepath.Join(b.dir, "key.json"))
	b.want("")
	b.aws(disk(1, "100"), disk(2, "20"), disk(3, "30"))
	b.want("+~")
	if files, err := os.ReadDir(there.DataDir); err != nil || len(files) != 1 || files[0].Name() != "key.json" {
		t.Errorf("the data directory holds %v, not the key alone (%v)", files, err)
	}

	file := filepath.Join(t.TempDir(), "backup.db")
	kept, err := app.BackupDatabase(t.Context(), there, file)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Tables) != len(moved.Tables) || cmp.Equal(kept.Tables, moved.Tables) {
		t.Errorf("the backup holds %v, the move %v", kept.Tables, moved.Tables)
	}
	b.aws(disk(1, "100"), disk(2, "20"), disk(3, "30"), disk(4, "40"))
	b.want("+") // after the backup: it must not be made again
	back := config(t.TempDir(), "")
	if _, err := app.CopyDatabase(t.Context(), back, file); err != nil {
		t.Fatal(err)
	}
	b.use(back, filepath.Join(b.dir, "key.json"))
	b.aws(disk(1, "100"), disk(2, "20"), disk(3, "30"), disk(4, "40"))
	b.want("")
	if n := len(b.issues("acme%2Fplatform")); n != 4 {
		t.Errorf("there are %d issues about 4 disks", n)
	}
}

// use goes on with another configuration and the key that belongs to it.
func (b *bed) use(c app.Config, key string) {
	b.Helper()
	text, err := os.ReadFile(key)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.DataDir, "key.json"), text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	if b.app, err = app.Open(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { b.app.Close() })
}

func TestMigrateAndInspectPostgreSQL(t *testing.T) {
	t.Parallel()
	c := app.Config{DataDir: t.TempDir(), Database: databases.Server(t).Database(t)}
	before, err := app.InspectDatabase(t.Context(), c)
	if err != nil || before.Present || before.State != "absent" {
		t.Errorf("before: %+v (%v)", before, err)
	}
	m, err := app.MigrateDatabase(t.Context(), c)
	if err != nil || m.From != 0 || m.To == 0 {
		t.Errorf("migrated: %+v (%v)", m, err)
	}
	after, err := app.InspectDatabase(t.Context(), c)
	if err != nil || after.State != "current" || len(after.Tables) < 10 || after.Schema.Has != m.To {
		t.Errorf("after: %+v (%v)", after, err)
	}
}

package database

import (
	"path/filepath"
	"testing"
)

// TestConnections holds the connections to what guarantees rest on: the disk is
// waited for, references are checked, and readers cannot write.
func TestConnections(t *testing.T) {
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "cxm.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "30000"} {
		var got string
		if err := d.sql.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, not %s (%v)", pragma, got, want, err)
		}
	}
	if _, err := d.kind.(*sqlite).reader.db.ExecContext(t.Context(), "delete from issues"); err == nil {
		t.Error("a reader can write")
	}
	if n := d.sql.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections can write", n)
	}
}

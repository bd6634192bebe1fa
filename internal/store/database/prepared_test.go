package database

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"

	"cxm/internal/store/db"
)

// TestPreparingWaitsWithoutALock: a writer that prepares statements for itself
// waits for the connection, and the transaction that has it goes on to use
// statements that nobody has prepared yet.
func TestPreparingWaitsWithoutALock(t *testing.T) {
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "cxm.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Write(t.Context(), mark("first", nil)); err != nil { // leaves statements to be prepared
		t.Fatal(err)
	}
	second := make(chan error, 1)
	err = d.WriteAlone(t.Context(), Change{Do: func(ctx context.Context, tx db.DBTX) error {
		_, err := tx.ExecContext(ctx, "select 1") // more of them
		go func() { second <- d.Write(t.Context(), mark("second", nil)) }()
		for d.SQL().Stats().WaitCount == 0 {
			runtime.Gosched()
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "select 2")
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
}

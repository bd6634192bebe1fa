package database

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"cxm/internal/store/db"
)

// busy opens a database whose writer is held by someone else until release.
func busy(t *testing.T) (d *DB, w *writer, release func()) {
	t.Helper()
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "cxm.db")})
	if err != nil {
		t.Fatal(err)
	}
	w = d.kind.(*sqlite).writer
	held, free, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- d.WriteAlone(context.Background(), Change{Do: func(context.Context, db.DBTX) error {
			close(held)
			<-free
			return nil
		}})
	}()
	<-held
	t.Cleanup(func() { d.Close() })
	return d, w, func() {
		close(free)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// wait returns when n jobs wait for the writer.
func (w *writer) wait(n int) {
	for {
		w.mu.Lock()
		waiting := len(w.waiting)
		w.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

// mark writes a row whose presence shows that a job was kept.
func mark(name string, err error) Change {
	return Change{Do: func(ctx context.Context, tx db.DBTX) error {
		return errors.Join(db.New(tx).MakeInstallation(ctx, name, "mark"), err)
	}}
}

func (d *DB) marked(t *testing.T, name string) bool {
	t.Helper()
	var code string
	err := d.Read(t.Context(), func(tx db.DBTX) (err error) {
		code, err = db.New(tx).Installation(t.Context(), name)
		return err
	})
	return err == nil && code == "mark"
}

// TestWritersShareATransaction has one fail after it wrote: its row goes, those
// of the others stay.
func TestWritersShareATransaction(t *testing.T) {
	d, w, release := busy(t)
	sentinel := errors.New("refused")
	outcomes := map[string]chan error{"first": make(chan error, 1), "failing": make(chan error, 1), "last": make(chan error, 1)}
	for i, name := range []string{"first", "failing", "last"} {
		var fail error
		if name == "failing" {
			fail = sentinel
		}
		go func() { outcomes[name] <- d.Write(t.Context(), mark(name, fail)) }()
		w.wait(i + 1)
	}
	release()
	for name, outcome := range outcomes {
		err := <-outcome
		if failed := name == "failing"; errors.Is(err, sentinel) != failed || d.marked(t, name) == failed {
			t.Errorf("%s: the error is %v, and its row is there: %v", name, err, d.marked(t, name))
		}
	}
}

// TestMoreWritersThanShareATransaction must not leave the last ones waiting.
func TestMoreWritersThanShareATransaction(t *testing.T) {
	d, w, release := busy(t)
	const n = 3*shared + 1
	ended := make(chan error, n)
	for range n {
		go func() { ended <- d.Write(t.Context(), mark("many", nil)) }()
	}
	w.wait(n)
	release()
	for range n {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestWriterGivesUp ends the time of a writer while another has the database,
// and of one that waits behind it.
func TestWriterGivesUp(t *testing.T) {
	d, w, release := busy(t)
	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		go func() { ended <- d.Write(ctx, mark("late", nil)) }()
	}
	w.wait(2)
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}
	release()
	if err := d.Write(t.Context(), mark("next", nil)); err != nil || d.marked(t, "late") || !d.marked(t, "next") {
		t.Errorf("a write that was given up was made, or the next was not (%v)", err)
	}
}

// TestWriterSurvivesAPanic lets a job panic: those who share its transaction are
// told, and the next get their turn.
func TestWriterSurvivesAPanic(t *testing.T) {
	d, w, release := busy(t)
	caught, ended := make(chan any, 1), make(chan error, 1)
	go func() {
		defer func() { caught <- recover() }()
		d.Write(t.Context(), Change{Do: func(context.Context, db.DBTX) error { panic("a bug") }})
	}()
	w.wait(1) // it leads
	go func() { ended <- d.Write(t.Context(), mark("beside", nil)) }()
	w.wait(2)
	release()
	if got := <-caught; got != "a bug" {
		t.Errorf("the panic was %v", got)
	}
	if err := <-ended; !errors.Is(err, errAborted) || d.marked(t, "beside") {
		t.Errorf("beside a panic: %v", err)
	}
	if err := d.Write(t.Context(), mark("next", nil)); err != nil {
		t.Error(err)
	}
}

func TestWriterAfterClose(t *testing.T) {
	d, _, release := busy(t)
	release()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), mark("closed", nil)); err == nil {
		t.Error("there is no error")
	}
}

package errand

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func nothing(context.Context) (any, error) { return nil, nil }

// waits is an errand that ends with its context, or when it is let go.
func waits(let <-chan struct{}) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-let:
			return "done", nil
		}
	}
}

// TestErrand goes on when who asked for it goes away, once, and is found again.
func TestErrand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(time.Now)
		let := make(chan struct{})
		request, gone := context.WithCancel(t.Context())
		if err := d.Begin(request, "plan acme 1", Errand{What: "a plan", By: "engineer"}, waits(let)); err != nil {
			t.Fatal(err)
		}
		gone()
		synctest.Wait()
		if err := d.Begin(t.Context(), "plan acme 1", Errand{}, nothing); !errors.Is(err, ErrBusy) {
			t.Errorf("a second one: %v", err)
		}
		e, ended, ok := d.At("plan acme 1")
		if !ok || !e.Going() || e.By != "engineer" {
			t.Fatalf("%+v, %v", e, ok)
		}
		if d.Drop("plan acme 1"); !ok {
			t.Error("it was dropped while it was under way")
		}
		if _, _, other := d.At("plan other 1"); other {
			t.Error("another name finds it")
		}
		close(let)
		<-ended
		if e, _, _ = d.At("plan acme 1"); e.Going() || e.Result != "done" || e.Err != nil {
			t.Errorf("%+v", e)
		}
		time.Sleep(life + time.Second)
		if _, _, ok := d.At("plan acme 1"); ok {
			t.Error("it is remembered for ever")
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestBounds: so many are under way and remembered, and a panic ends one alone.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(time.Now)
		let := make(chan struct{})
		for i := range going {
			if err := d.Begin(t.Context(), fmt.Sprint(i), Errand{}, waits(let)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Begin(t.Context(), "more", Errand{}, nothing); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		close(let)
		synctest.Wait()
		for i := range 2 * kept {
			if err := d.Begin(t.Context(), fmt.Sprint("x", i), Errand{}, nothing); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if len(d.all) > kept {
			t.Errorf("%d are remembered", len(d.all))
		}
		if err := d.Begin(t.Context(), "broken", Errand{}, func(context.Context) (any, error) { panic("x") }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if e, _, _ := d.At("broken"); e.Err == nil || e.Going() {
			t.Errorf("%+v", e)
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestClose stops what is under way, and waits for it.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(time.Now)
		if err := d.Begin(t.Context(), "a", Errand{}, waits(nil)); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if e, _, _ := d.At("a"); !errors.Is(e.Err, context.Canceled) {
			t.Errorf("%+v", e)
		}
		if err := d.Begin(t.Context(), "b", Errand{}, nothing); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

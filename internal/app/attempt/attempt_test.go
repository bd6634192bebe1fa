package attempt

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOwners keep apart what they began.
func TestOwners(t *testing.T) {
	d := New[string](time.Hour, 3, nil)
	mine := Owner{Person: 1, Session: 2, Tenant: "acme"}
	id := d.Add(mine, "a")
	for _, other := range []Owner{{Person: 9, Session: 2, Tenant: "acme"}, {Person: 1, Session: 9, Tenant: "acme"}, {Person: 1, Session: 2, Tenant: "other"}} {
		if v, ok := d.Find(other, id); ok || len(d.All(other)) > 0 {
			t.Errorf("%+v finds %q", other, v)
		}
		if d.Drop(other, id); len(d.All(mine)) != 1 {
			t.Fatalf("%+v dropped it", other)
		}
	}
	if v, ok := d.Find(mine, id); !ok || v != "a" {
		t.Errorf("found %q, %v", v, ok)
	}
	if d.Drop(mine, id); len(d.All(mine)) != 0 {
		t.Error("it is still there")
	}
}

// TestBounds forget the oldest of one owner, and what is old.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var gone []string
		d := New(30*time.Minute, 2, func(v string) {
			mu.Lock()
			defer mu.Unlock()
			gone = append(gone, v)
		})
		mine, other := Owner{Person: 1}, Owner{Person: 2}
		d.Add(other, "x")
		first := d.Add(mine, "a")
		d.Add(mine, "b")
		last := d.Add(mine, "c")
		if _, ok := d.Find(mine, first); ok || len(d.All(mine)) != 2 || len(d.All(other)) != 1 || len(gone) != 1 {
			t.Errorf("kept %v and %v, forgot %v", d.All(mine), d.All(other), gone)
		}
		time.Sleep(29 * time.Minute)
		if _, ok := d.Find(mine, last); !ok {
			t.Error("it is forgotten too early")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if _, ok := d.Find(mine, last); ok || len(gone) != 4 {
			t.Errorf("after its time it is there, forgot %v", gone)
		}
	})
}

// TestWatched tells of every change.
func TestWatched(t *testing.T) {
	w := Watch(0)
	seen := make(chan int)
	go func() {
		defer close(seen)
		for {
			v, changed := w.Now()
			seen <- v
			if v == 3 {
				return
			}
			<-changed
		}
	}()
	for v := range seen {
		if v < 3 {
			w.Change(func(n *int) { *n++ })
		}
	}
}

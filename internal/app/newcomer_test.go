package app_test

import (
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/source"
)

// careful opens cxm with the usual brakes: nobody let any source go beforehand.
func (b *bed) careful() {
	b.Helper()
	b.reopened(func(c *app.Config) { brakes := plan.DefaultBrakes(); c.Brakes = &brakes })
}

// waits is the run that waits for a person.
func (b *bed) waits() plan.Run {
	b.Helper()
	s, err := b.app.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if len(s.Waiting) == 0 {
		return plan.Run{}
	}
	return s.Waiting[0]
}

// TestFirstRunWaits: unwatched, the first issues of a new source wait for a person;
// once these are let go, nothing of that source waits any more.
func TestFirstRunWaits(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.careful()
		b.aws(disk(1, "10"), disk(2, "20"))
		b.work()
		run := b.waits()
		if n := b.writes.take(); n != 0 || run.Steps != 2 {
			b.Fatalf("%d writes, and %+v waits", n, run)
		}
		if want := "aws-cost-optimization-hub is new, and a person looks at its first 2 issues"; run.Why != want {
			b.Errorf("it waits since %q, want %q", run.Why, want)
		}
		b.work()
		if again := b.waits(); again.ID != run.ID {
			b.Errorf("the same waits as run %d, and then as %d", run.ID, again.ID)
		}
		if _, err := b.app.Approve(b.Context(), run.ID, "platform-admin", nil); err != nil {
			b.Fatal(err)
		}
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		b.work()
		if open, _ := b.states(); open != 3 || b.waits().ID != 0 {
			b.Errorf("%d are open, and %+v waits", open, b.waits())
		}
		// Another source is new again, and holds up nothing of the first.
		b.ingest("alertmanager", alert("firing"))
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"), disk(4, "40"))
		b.work()
		if open, _ := b.states(); open != 4 || !strings.HasPrefix(b.waits().Why, "alertmanager is new, and a person looks at its first 1 issue") {
			b.Errorf("%d are open, and %+v waits", open, b.waits())
		}
	})
}

// A person who applies a plan has seen it.
func TestApplyLetsTheFirstRunGo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.careful()
	b.aws(disk(1, "10"))
	b.want("+")
	b.aws(disk(1, "10"), disk(2, "20"))
	b.work()
	if open, _ := b.states(); open != 2 || b.waits().ID != 0 {
		b.Errorf("%d are open, and %+v waits", open, b.waits())
	}
}

// What a new source says about an issue that is there does not wait: nobody is
// asked for more.
func TestNewSourceUpdatesUnasked(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	b.work()
	b.careful()
	d := app.Delivery{Type: source.CostOptimizationHub, Scope: "another", Inputs: []source.Input{{Name: "body", Reader: strings.NewReader(snapshot(disk(1, "20")))}}}
	if _, err := b.app.Accept(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	b.work()
	if n := b.writes.take(); n != 2 || b.waits().ID != 0 {
		b.Errorf("%d writes for a create and an update; %+v waits", n, b.waits())
	}
}

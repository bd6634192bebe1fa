package feed_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/source"
)

// project is where cxm works, as paths of GitLab have it.
const project = "acme%2Fplatform"

// deliver accepts a snapshot and works the queue.
func deliver(b *apptest.Bed, text string) {
	b.Helper()
	_, err := b.App.Accept(b.Context(), app.Delivery{Type: source.CostOptimizationHub, Scope: "payer", Inputs: []source.Input{{Name: "body", Reader: strings.NewReader(text)}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Work()
}

// own lists the issues that cxm made about itself: "opened: title".
func own(b *apptest.Bed) string {
	b.Helper()
	var out []string
	for _, i := range b.Issues(project) {
		if strings.Contains(i.Title, "aws-cost-optimization-hub") {
			out = append(out, i.State+": "+i.Title)
		}
	}
	return strings.Join(out, "\n")
}

// TestSourceFailed: a delivery that cannot be taken in, snapshots that are not
// complete, and silence become one issue, which closes when it delivers again.
func TestSourceFailed(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBedOn(t, database())
		deliver(b, apptest.Snapshot(apptest.Disk(1, "10")))
		if got := own(b); got != "" {
			t.Fatalf("nothing fails, and there is %s", got)
		}
		b.Clock.Forward(time.Hour)
		deliver(b, `{"items": 7}`)
		const refused = "opened: cxm cannot take in what aws-cost-optimization-hub (payer) delivers"
		if got := own(b); got != refused {
			t.Fatalf("there is %q, want %q", got, refused)
		}
		deliver(b, `{"items": 8}`)
		if got := own(b); got != refused {
			t.Fatalf("failing again makes %q", got)
		}
		if got := b.About(1).State; got != "opened" {
			t.Errorf("what it reported before is %s", got)
		}
		for range 4 {
			b.Clock.Forward(24 * time.Hour)
			deliver(b, apptest.Snapshot(apptest.Disk(1, "10")))
		}
		if got := own(b); !strings.HasPrefix(got, "closed: ") || strings.Contains(got, "\n") {
			t.Fatalf("it delivers again, and there is %q", got)
		}
		b.Clock.Forward(5 * 24 * time.Hour)
		b.Work()
		if got := own(b); got != "opened: Nothing comes from aws-cost-optimization-hub (payer) any more" {
			t.Errorf("it is silent, and there is %q", got)
		}
	})
}

// TestSourceFineStaysQuiet: a source that delivers well is nothing to speak of.
func TestSourceFineStaysQuiet(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for range 3 {
		deliver(b, apptest.Snapshot(apptest.Disk(1, "10")))
	}
	if err := b.App.WatchSources(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.Issues(project)); n != 1 {
		t.Errorf("%d issues for one finding", n)
	}
}

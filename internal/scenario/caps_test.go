package scenario

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
)

// TestScenario27_Caps: the first run finds thousands of opportunities, and a
// project may get fifty issues an hour, or have ten open.
//
// Expected: exactly as many issues as the caps allow, whatever runs at the same
// time and however often it is started again; the most valuable come first, and
// the plan says how many wait.
// Default: no caps; a run that would create more than 500 issues waits for a person.
// Setting: --cap-hour, --cap-open and --max-creates, or CXM_CAP_HOUR, CXM_CAP_OPEN and CXM_MAX_CREATES.
// Missing: what waits is shown by the plan, not by an issue of its own.
func TestScenario27_Caps(t *testing.T) {
	each(t, func(b *bed) {
		const found, hourly = 1500, 50
		capped := func(c *app.Config) { c.Caps, c.Workers = plan.Caps{PerHour: hourly}, 16 }
		b.app = b.open(capped)
		var items []string
		for i := range found {
			items = append(items, disk(i, fmt.Sprint(10*found-i)))
		}
		b.aws(items...)
		b.together(b.app, b.open(capped))
		if n := b.posts(); n != hourly {
			b.Fatalf("%d creates in the first hour, the cap is %d", n, hourly)
		}
		for _, i := range []int{0, hourly / 2, hourly - 1} {
			b.about(i)
		}
		b.app = b.open(capped) // a restart does not begin another hour
		b.want("")
		p, err := b.app.Plan(b.Context(), 0)
		if err != nil || p.Plan.Capped != found-hourly {
			b.Errorf("the plan says that %d wait, want %d (%v)", p.Plan.Capped, found-hourly, err)
		}
		b.clock.forward(61 * time.Minute)
		b.want(strings.Repeat("+", hourly))
		b.app = b.open(func(c *app.Config) { c.Caps = plan.Caps{Open: 2*hourly + 10} })
		b.clock.forward(61 * time.Minute)
		b.want(strings.Repeat("+", 10))
		b.want("")
	})
}

// together applies with several at once.
func (b *bed) together(apps ...*app.App) {
	b.Helper()
	var wait sync.WaitGroup
	for _, a := range apps {
		wait.Go(func() {
			if _, _, err := a.Apply(b.Context(), 0, func(app.Planned) (bool, error) { return true, nil }, nil); err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
}

package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/plan"
)

// shopRoute is another project.
const shopRoute = "/api/v4/projects/acme%2Fshop"

// openIn counts the open issues of a project.
func (b *bed) openIn(route string) int {
	b.Helper()
	status, got := b.call(http.MethodGet, route+"/issues?state=opened&per_page=100", nil)
	var list []struct{ ID int64 }
	if err := json.Unmarshal(got, &list); status != http.StatusOK || err != nil {
		b.Fatalf("listing answered %d: %s", status, got)
	}
	return len(list)
}

// member gives cxm's account a role in another project.
func (b *bed) member(route string, level int) {
	b.Helper()
	in, err := b.app.Integration(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.admin(http.MethodPost, route+"/members", map[string]any{"user_id": in.Account.ID, "access_level": level})
}

// TestRouteThroughTheQueue: a route that changes is a job by itself, its steps are
// shared like all others, the brakes hold them, and in the end every issue is where
// it belongs.
func TestRouteThroughTheQueue(t *testing.T) {
	t.Parallel()
	for _, onChange := range []string{"move", "close-and-link"} {
		t.Run(onChange, func(t *testing.T) {
			onBoth(t, func(b *bed) {
				const n = 8
				b.aws(disks(0, n)...)
				b.work()
				b.member(shopRoute, 40)
				if _, err := b.app.SetProject(b.Context(), 0, "acme/shop", onChange); err != nil {
					b.Fatal(err)
				}
				tight := plan.Brakes{CloseShare: 20, CloseFloor: 3, Creates: 500}
				b.app = b.open(b.dir, func(c *app.Config) { c.Brakes = &tight })
				b.work()
				if b.openIn(projectRoute) != n || b.openIn(shopRoute) != 0 {
					b.Fatalf("%d issues went there unasked", b.openIn(shopRoute))
				}
				runs, err := b.app.Runs(b.Context(), 1)
				if err != nil || runs[0].State != plan.Waiting || !strings.Contains(runs[0].Why, "it would move 8 of 8 open issues") {
					b.Fatalf("runs = %+v, %v", runs, err)
				}
				b.app = b.open(b.dir)
				b.work()
				if here, there := b.openIn(projectRoute), b.openIn(shopRoute); here != 0 || there != n {
					b.Errorf("%d open here, %d there", here, there)
				}
				b.work()
				b.writes.take()
				b.work()
				b.want("")
				if w := b.writes.take(); w != 0 {
					b.Errorf("%d writes once all is where it belongs", w)
				}
				runs, err = b.app.Runs(b.Context(), 10)
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range runs {
					if r.State == plan.Running || r.Failed+r.InDoubt > 0 {
						b.Errorf("run %+v", r)
					}
				}
				b.aws(disks(3, n)...)
				b.aws(disks(3, n)...)
				b.work()
				if there := b.openIn(shopRoute); there != n-3 {
					b.Errorf("%d open after three were gone", there)
				}
			})
		})
	}
}

// TestSetProjectRefuses: what takes no issues of the account is no project for
// them, and nothing changes.
func TestSetProjectRefuses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	refused := func(project, onChange, says string) {
		b.Helper()
		if _, err := b.app.SetProject(b.Context(), 0, project, onChange); err == nil || !strings.Contains(err.Error(), says) {
			b.Errorf("%s, %s: %v, want %q", project, onChange, err, says)
		}
		if in, err := b.app.Integration(b.Context(), 0); err != nil || in.Project.Path != "acme/platform" {
			b.Errorf("the integration became %+v, %v", in, err)
		}
	}
	refused("acme/nothing", "", "Check the spelling of the whole path")
	refused("acme/shop", "burn", "use move, close-and-link or stay")
	b.member(shopRoute, 10)
	refused("acme/shop", "", "Planner role")
	b.admin(http.MethodPost, shopRoute+"/archive", nil)
	refused("acme/shop", "", "archived")
	in, err := b.app.SetProject(b.Context(), 0, "", "stay")
	if err != nil || in.OnRoute != "stay" || in.Project.Path != "acme/platform" {
		b.Errorf("only what happens: %+v, %v", in, err)
	}
}

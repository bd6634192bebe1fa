package scenario

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/sandbox"
)

// TestScenario07_Moved: a person moves an issue to another project, which cxm's
// account can see or not.
//
// Expected: cxm follows the issue and keeps it up to date there; where it cannot
// see it, the issue is held as moved out of reach. There is never a second one.
func TestScenario07_Moved(t *testing.T) {
	variants(t, map[string]bool{"within reach": true, "out of reach": false}, func(b *bed, reach bool) {
		if reach {
			b.role(shop, 40)
		}
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		b.move(b.about(1).IID, shop)
		b.aws(disk(1, "300"), disk(2, "5"))
		moved := b.openAbout(shop, 1)
		if !reach {
			b.want("")
			b.held(1)
		} else {
			b.want("~")
			moved = b.openAbout(shop, 1)
			if len(moved) == 1 && !strings.Contains(moved[0].Description, "300.00 USD") {
				b.Errorf("the moved issue says %q", moved[0].Description)
			}
		}
		if here := b.openAbout(platform, 1); len(moved) != 1 || len(here) != 0 {
			b.Errorf("%d open there, %d open here: want 1 and 0", len(moved), len(here))
		}
		b.aws(disk(2, "5"))
		b.aws(disk(2, "5"))
		if reach {
			b.want("-")
		} else {
			b.want("")
		}
		b.cleanly()
	})
}

// move moves an issue of the project platform, as a person.
func (b *bed) move(iid int64, to string) {
	b.Helper()
	b.clock.forward(time.Second)
	target := b.admin(http.MethodGet, "/api/v4/projects/"+to, nil)
	b.admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%s/issues/%d/move", platform, iid), map[string]any{"to_project_id": target["id"]})
}

// clone clones an issue of the project platform, as a person.
func (b *bed) clone(iid int64) (copied int64) {
	b.Helper()
	b.clock.forward(time.Second)
	made := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%s/issues/%d/clone", platform, iid), map[string]any{"to_project_id": b.project})
	b.clock.forward(time.Second)
	return int64(made["iid"].(float64))
}

// held fails unless cxm knows of so many issues that it cannot see.
func (b *bed) held(n int) {
	b.Helper()
	status, err := b.app.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if status.Unseen != n {
		b.Errorf("cxm holds %d issues that it cannot see, want %d", status.Unseen, n)
	}
}

// present fails unless cxm holds so many cost opportunities to be there.
func (b *bed) present(n int) {
	b.Helper()
	status, err := b.app.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if status.Present[finding.Cost] != n || status.Absent != 0 {
		b.Errorf("%d findings are present and %d absent, want %d and 0", status.Present[finding.Cost], status.Absent, n)
	}
}

// TestScenario08_Cloned: a person clones an issue, hidden marker and all, and
// works on the copy; once even before cxm knows that its own create succeeded.
//
// Expected: the copy is the person's and is never written to, closed or taken
// for the original, which stays cxm's.
func TestScenario08_Cloned(t *testing.T) {
	bubbles(t, map[string]bool{"known": false, "while the create is in doubt": true}, func(b *bed, doubt bool) {
		b.aws(disk(1, "100"))
		if doubt {
			b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: b.route(), Times: 1, Cut: sandbox.CutAfter})
			down := b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: b.route(), After: 1, Cut: sandbox.CutBefore})
			b.apply()
			down()
		} else {
			b.want("+")
		}
		original := b.about(1)
		copied := b.one(b.clone(original.IID))
		copied = b.edit(copied.IID, map[string]any{"title": "Mine", "description": "See also:\n\n" + copied.Description})
		b.apply()
		b.aws(disk(1, "300"), disk(2, "5"))
		b.want("+~")
		if now := b.one(original.IID); !strings.Contains(now.Description, "300.00 USD") {
			b.Errorf("the original says %q", now.Description)
		}
		b.aws(disk(2, "5"))
		b.aws(disk(2, "5"))
		b.want("-")
		now := b.one(copied.IID)
		if now.Title != "Mine" || now.Description != copied.Description || now.State != "opened" {
			b.Errorf("the copy was written to: %+v", now)
		}
		b.cleanly()
	})
}

// TestScenario09_Deleted: a person deletes an issue in GitLab, which tells
// nobody.
//
// Expected: a look notices it within a day, and once a second one has confirmed it,
// it is counted as not seen; the finding stays what it is; other issues go on.
// Default: no issue is made again: GitLab says the same of what is hidden.
// Setting: policy.recreate of a rule makes a new one that names the old.
func TestScenario09_Deleted(t *testing.T) {
	variants(t, map[string]func(*bed){"looked for": lookedFor(false), "made again": lookedFor(true), "written to": writtenTo}, func(b *bed, f func(*bed)) { f(b) })
}

// lookedFor has nothing but looks find out that an issue was deleted.
func lookedFor(again bool) func(*bed) {
	return func(b *bed) {
		b.Helper()
		b.app = b.open(func(c *app.Config) { c.Recreate = again })
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		gone := b.about(1)
		b.admin(http.MethodDelete, fmt.Sprintf("/api/v4/projects/%s/issues/%d", platform, gone.IID), nil)
		for _, later := range []time.Duration{time.Hour, 24 * time.Hour} { // it is asked for once a day
			b.held(0)
			b.clock.forward(later)
			b.want("")
		}
		b.held(0)
		b.clock.forward(2 * time.Minute)
		if !again {
			b.want("")
			b.held(1)
			b.present(2)
			return
		}
		b.want("+")
		b.held(0)
		if now := b.openAbout(platform, 1); len(now) != 1 || !strings.Contains(now[0].Description, fmt.Sprintf("Takes the place of #%d", gone.IID)) {
			b.Errorf("the new issues: %+v", now)
		}
		b.once(2)
	}
}

// writtenTo has cxm write to an issue that was deleted.
func writtenTo(b *bed) {
	b.Helper()
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	b.admin(http.MethodDelete, fmt.Sprintf("/api/v4/projects/%s/issues/%d", platform, b.about(1).IID), nil)
	b.aws(disk(1, "300"), disk(2, "50"))
	b.apply()
	b.held(1)
	b.present(2)
	for range 3 {
		b.clock.forward(24 * time.Hour)
		b.aws(disk(1, "900"), disk(2, "50"))
		b.want("")
	}
	if issues := b.issues(platform); len(issues) != 1 || !strings.Contains(issues[0].Description, "50.00 USD") {
		b.Errorf("issues = %+v", issues)
	}
	if b.posts() != 2 {
		b.Errorf("%d creates were sent, want 2", b.posts())
	}
}

// TestScenario10_Renamed: the project gets another path, and then another
// group.
//
// Expected: cxm goes on without a hitch, because it uses the project's number, and
// shows the new path once GitLab has answered with it.
func TestScenario10_Renamed(t *testing.T) {
	each(t, func(b *bed) {
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		project := fmt.Sprintf("/api/v4/projects/%d", b.project)
		b.admin(http.MethodPut, project, map[string]any{"name": "Foundation", "path": "foundation"})
		b.aws(disk(1, "300"), disk(2, "5"), disk(3, "4"))
		b.want("+~")
		other := b.admin(http.MethodPost, "/api/v4/groups", map[string]any{"name": "Example", "path": "example"})
		b.admin(http.MethodPut, project+"/transfer", map[string]any{"namespace": other["id"]})
		b.aws(disk(2, "5"), disk(3, "4"), disk(4, "3"))
		b.aws(disk(2, "5"), disk(3, "4"), disk(4, "3"))
		b.want("-+")
		if n := len(b.issues("example%2Ffoundation")); n != 4 {
			b.Errorf("%d issues, want 4", n)
		}
		b.want("")
		if in, err := b.app.Integration(b.Context(), 0); err != nil || in.Project.Path != "example/foundation" || !strings.HasSuffix(in.Project.WebURL, "/example/foundation") {
			b.Errorf("cxm shows %+v, %v", in.Project, err)
		}
		b.want("")
		asked := b.sent(func(c sandbox.Call) bool { return c.Path == project })
		if len(asked) > 3 {
			b.Errorf("it was asked for %d times", len(asked))
		}
		b.cleanly()
	})
}

// TestScenario11_BrokenProject: a project is archived, or its issues are
// switched off, or it is marked for deletion; another project is well.
//
// Expected: what waits for the broken project is kept and cxm does not hammer
// it; the other project goes on; when the project is well again, everything is
// made up for by itself.
func TestScenario11_BrokenProject(t *testing.T) {
	type ways struct{ broken, mended func(*bed) }
	route := func(method, suffix string, body map[string]any) func(*bed) {
		return func(b *bed) { b.admin(method, "/api/v4/projects/"+platform+suffix, body) }
	}
	variants(t, map[string]ways{
		"archived": {route(http.MethodPost, "/archive", nil), route(http.MethodPost, "/unarchive", nil)},
		"issues switched off": {
			route(http.MethodPut, "", map[string]any{"issues_access_level": "disabled"}),
			route(http.MethodPut, "", map[string]any{"issues_access_level": "enabled"}),
		},
		"marked for deletion": {route(http.MethodDelete, "", nil), func(b *bed) {
			b.admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%d/restore", b.project), nil)
		}},
	}, func(b *bed, w ways) {
		b.app = b.open(func(c *app.Config) { c.Workers = 1 })
		b.role(shop, 40)
		one, two := int64(1), b.connect(b.app, b.token, "acme/shop")
		const made, wanted = 8, 40
		created, later := strings.Repeat("+", made), "-"+strings.Repeat("+", wanted-made)+"~"
		b.aws(disks(made)...)
		b.wantIn(one, created)
		b.wantIn(two, created)
		w.broken(b)
		b.writes.take()
		for range 2 {
			b.aws(append(disks(wanted)[2:], disk(1, "5000"))...)
		}
		for range 3 {
			if _, report, err := applyTo(b.Context(), b.app, one); err == nil && report.Whole() {
				b.Error("nothing was said about a project that takes no writes")
			}
		}
		if n := b.writes.take(); n > 3*8 {
			b.Errorf("%d writes were tried on a project that takes none", n)
		}
		b.wantIn(two, later)
		b.clock.forward(2 * time.Hour)
		w.mended(b)
		if verbs, report, err := applyTo(b.Context(), b.app, one); err != nil || verbs != later || !report.Whole() {
			b.Errorf("once the project is well: %q, %+v, %v", verbs, report, err)
		}
		b.cleanly()
	})
}

// wantIn is want for one of several integrations.
func (b *bed) wantIn(integration int64, verbs string) {
	b.Helper()
	if got, report, err := applyTo(b.Context(), b.app, integration); err != nil || got != verbs || !report.Whole() {
		b.Fatalf("integration %d: steps = %q, want %q; report %+v, %v", integration, got, verbs, report, err)
	}
}

// TestScenario12_RoleLost: the account loses its role in the project, so that
// GitLab answers 404 to everything.
//
// Expected: no issue is made, none is given up, no finding changes; every run
// says so in one sentence; when the role is back, everything goes on.
func TestScenario12_RoleLost(t *testing.T) {
	each(t, func(b *bed) {
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		b.role(platform, 0)
		for range 3 {
			b.aws(disk(1, "300"), disk(2, "5"), disk(3, "7"))
			if _, _, err := applyTo(b.Context(), b.app, 0); err == nil || !strings.Contains(err.Error(), "404") {
				b.Errorf("err = %v", err)
			}
			b.present(3)
			b.held(0)
			b.clock.forward(2 * time.Hour)
		}
		if n := b.posts(); n != 2 {
			b.Errorf("%d creates were sent, want 2", n)
		}
		b.role(platform, 40)
		b.want("+~")
		b.once(3)
	})
}

// TestScenario13_Confidential: a person makes an issue confidential, and later
// public again; then the account is changed for one that may not see
// confidential issues of others.
//
// Expected: cxm's updates keep what the person chose; an issue that cannot be
// seen any more is held, and no second one is made; when it can be seen again, it
// is taken up by itself.
func TestScenario13_Confidential(t *testing.T) {
	each(t, func(b *bed) {
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		one := b.about(1).IID
		for i, hidden := range []bool{true, false, true} {
			b.edit(one, map[string]any{"confidential": hidden})
			b.aws(disk(1, fmt.Sprint(300*(i+1))), disk(2, "5"))
			b.want("~")
			if got := b.one(one); got.Confidential != hidden {
				b.Errorf("confidential = %v, and a person chose %v", got.Confidential, hidden)
			}
		}
		guest, token := b.serviceAccount("cxm-guest", 10)
		b.connect(b.app, token, "acme/platform")
		b.aws(disk(1, "9000"), disk(2, "5"))
		b.apply()
		b.held(1)
		b.aws(disk(1, "10000"), disk(2, "5"))
		b.want("")
		b.present(2)
		b.once(2)
		b.account = guest
		b.role(platform, 20)
		b.want("~") // it can be seen again, and nobody had to touch it
	})
}

// TestScenario33_TwoTenants: two tenants of one installation report resources
// with the same ids into the same GitLab project.
//
// Expected: each has an issue of its own, and neither touches the other's.
func TestScenario33_TwoTenants(t *testing.T) {
	each(t, func(b *bed) {
		tenants := map[string]*app.App{"red": nil, "blue": nil}
		for name := range tenants {
			if err := b.app.AddTenant(b.Context(), name, ""); err != nil {
				b.Fatal(err)
			}
			a := b.open(func(c *app.Config) { c.Tenant = name })
			b.connect(a, b.token, "acme/platform")
			tenants[name] = a
		}
		step := func(tenant, want string, items ...string) {
			b.Helper()
			b.app = tenants[tenant]
			for range 2 {
				b.aws(items...)
			}
			b.want(want)
		}
		step("red", "++", disk(1, "100"), disk(2, "5"))
		step("blue", "++", disk(1, "100"), disk(2, "5"))
		if n := len(b.openAbout(platform, 1)); n != 2 {
			b.Errorf("%d issues about one disk of two tenants", n)
		}
		step("red", "-", disk(2, "5"))
		step("blue", "~", disk(1, "300"), disk(2, "5"))
		step("red", "", disk(2, "5"))
		open := b.openAbout(platform, 1)
		if len(open) != 1 || !strings.Contains(open[0].Description, "300.00 USD") {
			b.Errorf("open = %+v", open)
		}
	})
}

package scenario

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/sandbox"
)

// elsewhere is a project that only people know of.
const elsewhere = "acme%2Felsewhere"

// route sends cxm's issues to another project from now on.
func (b *bed) routeTo(project, onChange string) {
	b.Helper()
	if _, err := b.app.SetProject(b.Context(), 0, project, onChange); err != nil {
		b.Fatal(err)
	}
}

// rerouted is a bed with three issues, of which a person wrote in the first and
// moved the third away, and a new route.
func (b *bed) rerouted(onChange string) {
	b.Helper()
	acme := b.admin(http.MethodGet, "/api/v4/groups/acme", nil)
	b.admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": "elsewhere", "namespace_id": acme["id"]})
	b.role(elsewhere, 40)
	b.role(shop, 40)
	b.aws(disk(1, "100"), disk(2, "50"), disk(3, "5"))
	b.want("+++")
	one := b.about(1)
	b.edit(one.IID, map[string]any{"description": "We know.\n\n" + one.Description})
	b.move(b.about(3).IID, elsewhere)
	b.want("")
	b.routeTo("acme/shop", onChange)
}

// lone fails when more than one issue about a disk is open anywhere.
func (b *bed) lone(disks int) {
	b.Helper()
	for n := range disks {
		if open := len(b.openAbout(platform, n+1)) + len(b.openAbout(shop, n+1)) + len(b.openAbout(elsewhere, n+1)); open > 1 {
			b.Errorf("%d issues about disk %d are open", open, n+1)
		}
	}
}

// TestScenario32_Rerouted: the findings' route changes to another project, and the
// process that follows it is killed at any point, or GitLab's answer is lost.
//
// Expected: each open issue goes there, moved by GitLab with all that people wrote,
// or closed with a line that says so and a new one that names it; whatever is
// killed, the next run finishes it and two are never open; what a person moved
// stays where they want it.
// Default: issues are moved; a share of them that the brakes hold waits for a person.
// Setting: cxm integration edit --project, with --on-route-change move, close-and-link or stay.
func TestScenario32_Rerouted(t *testing.T) {
	type way struct {
		onChange string
		die      death
		cut      sandbox.Cut
	}
	cases := map[string]way{"move": {onChange: "move"}, "link": {onChange: "close-and-link"}, "stay": {onChange: "stay"}, "move, answer lost": {onChange: "move", cut: sandbox.CutAfter}, "move, never arrived": {onChange: "move", cut: sandbox.CutBefore}}
	for name, die := range map[string]death{
		"before the move": {Method: http.MethodPost, Nth: 1}, "after the move": {Method: http.MethodPost, Nth: 1, After: true},
		"before the intent": {Point: "intend: before commit", Nth: 1}, "after the intent": {Point: "intend: after commit", Nth: 1},
		"before the end": {Point: "record: before commit", Nth: 1}, "after the end": {Point: "record: after commit", Nth: 1},
		"after the labels": {Method: http.MethodPut, Nth: 1, After: true},
	} {
		cases["move, killed "+name] = way{onChange: "move", die: die}
	}
	for name, die := range map[string]death{
		"before the close": {Method: http.MethodPut, Nth: 1}, "after the close": {Method: http.MethodPut, Nth: 1, After: true},
		"between": {Point: "record: after commit", Nth: 1}, "before the new one": {Method: http.MethodPost, Nth: 1},
		"after the new one": {Method: http.MethodPost, Nth: 1, After: true}, "at the end": {Point: "record: after commit", Nth: 2},
	} {
		cases["link, killed "+name] = way{onChange: "close-and-link", die: die}
	}
	variants(t, cases, func(b *bed, w way) {
		b.rerouted(w.onChange)
		if w.cut != sandbox.CutNone {
			b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: b.route() + "/*/move", Times: 1, Cut: w.cut})
			b.apply()
			b.lone(3)
		}
		if w.die != (death{}) {
			b.dies(task{Apply: true, Die: w.die})
			b.lone(3)
		}
		for range 3 { // the look, what is left of the route, and nothing
			b.clock.forward(time.Second)
			b.apply()
			b.lone(3)
		}
		b.want("")
		home, away := 0, 1
		if w.onChange == "stay" {
			home, away = 1, 0
		}
		for n := 1; n <= 2; n++ {
			here, there := b.openAbout(platform, n), b.openAbout(shop, n)
			if len(here) != home || len(there) != away {
				b.Fatalf("disk %d: %d open here and %d there, want %d and %d", n, len(here), len(there), home, away)
			}
			if away == 1 && (len(there[0].Labels) != 3 || w.onChange == "move" && n == 1 && !strings.HasPrefix(there[0].Description, "We know.\n\n<!-- cxm")) {
				b.Errorf("what came to the other project: %q, %q", there[0].Labels, there[0].Description)
			}
		}
		if theirs := b.openAbout(elsewhere, 3); len(theirs) != 1 {
			b.Errorf("%d issues are where a person moved one", len(theirs))
		}
		if w.onChange == "close-and-link" {
			b.linked()
		}
		b.aws(disk(1, "100"), disk(3, "5"), disk(4, "3"))
		b.aws(disk(1, "300"), disk(3, "5"), disk(4, "3"))
		b.want("-+~")
		if came := b.openAbout(shop, 4); len(came) != 1 || len(b.openAbout(shop, 2))+len(b.openAbout(platform, 2)) != 0 {
			b.Errorf("what came later: %+v", came)
		}
		b.cleanly()
	})
}

// linked fails unless the closed issues say where they went, and the new ones
// whose place they took.
func (b *bed) linked() {
	b.Helper()
	for n := 1; n <= 2; n++ {
		old, now := b.about(n), b.openAbout(shop, n)[0]
		if old.State != "closed" || !strings.Contains(old.Description, "it belongs in acme/shop now, where a new issue takes its place") {
			b.Errorf("the old issue is %s and says %q", old.State, old.Description)
		}
		if !strings.Contains(now.Description, " "+old.WebURL) {
			b.Errorf("the new issue says %q", now.Description)
		}
	}
}

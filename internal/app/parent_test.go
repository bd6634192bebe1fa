package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxm/internal/app"
)

// underParent are rules whose issues have one parent, and what else a rule says.
func underParent(more string) string {
	return "version: 1\nrules:\n  - name: all\n    labels: [costs]\n    parent: {group_by: [account], labels: [overview]}\n" + more
}

// parent is the one issue that lists others.
func (b *bed) parent() issueView {
	b.Helper()
	var found []issueView
	for _, i := range b.issues("acme%2Fplatform") {
		if strings.Contains(i.Title, "issues done") || strings.Contains(i.Title, "issue done") {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		b.Fatalf("%d issues list others: %+v", len(found), found)
	}
	return found[0]
}

// lists says that the parent has these lines, in this order.
func (b *bed) lists(title string, lines ...string) {
	b.Helper()
	i := b.parent()
	if !strings.Contains(i.Title, title) {
		b.Errorf("the title is %q, not %q", i.Title, title)
	}
	at := 0
	for _, line := range lines {
		n := strings.Index(i.Description[at:], line)
		if n < 0 {
			b.Fatalf("there is no %q, or not in its order:\n%s", line, i.Description)
		}
		at += n
	}
}

func (b *bed) ref(n int) string { return fmt.Sprintf("#%d+", b.about(n).IID) }

// TestParent follows an issue that lists three others: two are made at once, one
// waits under a budget and comes later, one is closed, and at last all of it is gone.
func TestParent(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.rule(underParent("    budget: calm\nbudgets:\n  calm: {per: project, per_day: 2}\n"))
		b.aws(disk(1, "10"), disk(2, "30"), disk(3, "20"))
		b.want("+++")
		b.lists(": 0 of 3 issues done – saves 60.00 USD/month", "- [ ] "+b.ref(2)+", saves 30.00 USD", "- [ ] "+b.ref(3)+", saves 20.00 USD", "not made yet, saves 10.00 USD")
		if i := b.parent(); i.IID < b.about(2).IID || i.IID < b.about(3).IID || fmt.Sprint(i.Labels) != "[costs cxm cxm::cost cxm::severity::low overview]" {
			b.Errorf("the parent is %+v", i)
		}
		b.want("")
		_, waiting, err := b.app.Backlog(b.Context(), 0)
		if err != nil || len(waiting) != 1 || waiting[0].Savings.Show() != "10.00 USD" {
			b.Errorf("the backlog is %+v (%v)", waiting, err)
		}
		if s, err := b.app.Status(b.Context()); err != nil || s.Savings.Show() != "60.00 USD" {
			b.Errorf("status sums up %s (%v)", s.Savings.Show(), err)
		}
		ticked := b.parent()
		b.edit(ticked.IID, map[string]any{"description": "Ours.\n\n" + strings.Replace(ticked.Description, "[ ] "+b.ref(3), "[x] "+b.ref(3), 1)})
		b.want("")
		b.aws(disk(1, "10"), disk(3, "20"))
		b.aws(disk(1, "10"), disk(3, "20"))
		b.want("-~") // written after the issues that it lists, it knows that one is closed
		b.lists(": 1 of 3 issues done – saves 30.00 USD/month", "Ours.", "- [x] "+b.ref(3), "not made yet", "- [x] ~~"+b.ref(2)+"~~ closed")
		b.want("")
		b.clock.forward(24 * time.Hour)
		b.want("+")
		b.want("~")
		b.lists(": 1 of 3 issues done", "- [x] "+b.ref(3), "- [ ] "+b.ref(1), "- [x] ~~"+b.ref(2)+"~~ closed")
	})
}

// TestParentCloses: it closes when all of it is gone, not because boxes are ticked,
// and who closes it keeps it closed.
func TestParentCloses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule(underParent(""))
	all := []string{disk(1, "10"), disk(2, "20"), disk(3, "5")}
	b.aws(all...)
	b.want("++++")
	i := b.parent()
	b.edit(i.IID, map[string]any{"description": strings.ReplaceAll(i.Description, "- [ ] ", "- [x] ")})
	b.want("")
	if b.parent().State != "opened" {
		t.Error("it is closed")
	}
	b.edit(b.about(1).IID, map[string]any{"state_event": "close"}) // a person
	b.want("~")
	b.lists(": 1 of 3 issues done", "- [x] "+b.ref(2), "- [x] ~~"+b.ref(1)+"~~ closed")
	b.edit(i.IID, map[string]any{"state_event": "close"})
	b.aws(append(all, disk(4, "1"))...)
	b.want("+")
	b.want("")
	if b.parent().State != "closed" {
		t.Error("a person closed it, and it is open")
	}
	b.edit(i.IID, map[string]any{"state_event": "reopen"})
	b.want("~")
	b.lists(": 1 of 4 issues done", "- [ ] "+b.ref(4))
	none := disk(9, "7")
	b.rule("version: 1\nrules:\n  - name: all\n    when: '!resource.endsWith(\"9\")'\n    labels: [costs]\n    parent: {group_by: [account], labels: [overview]}\n  - name: rest\n    ignore: it is only there so that snapshots are not empty\n")
	b.aws(none)
	b.aws(none)
	for range 3 {
		b.apply()
	}
	if b.parent().State != "closed" {
		t.Errorf("all of it is gone: %+v", b.parent())
	}
	b.want("")
}

// TestParentAfterCrash: what ended between the issues and their parent is made good by
// the next run, with one parent.
func TestParentAfterCrash(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule(underParent(""))
	b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
	ctx, stop := context.WithCancel(b.Context())
	var made atomic.Int32
	b.reopened(func(c *app.Config) {
		was := c.Observe
		c.Observe = func(call app.Call) {
			if was(call); call.Method == http.MethodPost && strings.HasSuffix(call.Route, "/issues") {
				if made.Add(1) == 2 {
					stop()
				}
			}
		}
	})
	_, _, _ = applyWith(ctx, b.app)
	if n := b.posts(); n < 2 || n > 3 {
		t.Fatalf("%d issues were made", n)
	}
	for range 3 {
		b.apply()
	}
	b.want("")
	if n := b.posts(); n != 4 {
		t.Errorf("%d creates for three issues and their parent", n)
	}
	b.lists(": 0 of 3 issues done", b.ref(3), b.ref(2), b.ref(1))
}

// TestParentElsewhere: an issue that is moved is listed where it is.
func TestParentElsewhere(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.elsewhere("data")
	b.rule(underParent(""))
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("+++")
	there := b.admin(http.MethodGet, "/api/v4/projects/acme%2Fdata", nil)
	b.admin(http.MethodPost, fmt.Sprintf("%s/issues/%d/move", projectRoute, b.about(1).IID), map[string]any{"to_project_id": there["id"]})
	for range 3 {
		b.apply()
	}
	b.want("")
	b.lists(": 0 of 2 issues done", "- [ ] #", "- [ ] acme/data#1+, saves 10.00 USD")
}

// TestParentNotEarly: nothing lists what no issue was made of.
func TestParentNotEarly(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule(underParent("    budget: calm\nbudgets:\n  calm: {per: project, min_savings: 100 USD}\n"))
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("")
	b.aws(disk(1, "10"), disk(2, "200"))
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || len(p.Plan.Changes()) != 2 || p.Plan.Changes()[1].Beneath == nil {
		t.Fatalf("the plan is %+v (%v)", p.Plan.Changes(), err)
	}
	b.want("++")
	b.lists(": 0 of 2 issues done", b.ref(2), "not made yet, saves 10.00 USD")
}

// TestParentByWorkers: the queue makes the same, and each issue once.
func TestParentByWorkers(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.rule(underParent(""))
		b.aws(disks(0, 12)...)
		b.work()
		b.work()
		if n := b.posts(); n != 13 {
			b.Errorf("%d creates", n)
		}
		b.lists(": 0 of 12 issues done")
		if n := strings.Count(b.parent().Description, "+, saves"); n != 12 {
			b.Errorf("%d are listed", n)
		}
		writes := b.writes.take()
		if writes > 13+2 {
			b.Errorf("%d writes for 12 issues and their parent", writes)
		}
		b.want("")
	})
}

// TestParentRules: a rule that gets a parent, another one, and none any more leaves
// its issues alone, and one parent open at most.
func TestParentRules(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule("version: 1\nrules:\n  - {name: all, labels: [costs]}\n")
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	b.rule(underParent(""))
	b.want("+")
	was := b.parent()
	b.rule(strings.Replace(underParent(""), "[account]", "[region, action]", 1))
	for range 3 {
		b.apply()
	}
	if now := b.parent(); now.IID != was.IID || now.State != "opened" {
		t.Errorf("the parent is %+v", now)
	}
	b.rule("version: 1\nrules:\n  - {name: all, labels: [costs]}\n")
	b.want("-")
	if open, closed := b.states(); open != 2 || closed != 1 {
		t.Errorf("%d open, %d closed", open, closed)
	}
	b.rule(underParent(""))
	for range 3 {
		b.apply()
	}
	b.want("")
	if open, _ := b.states(); open != 3 {
		t.Errorf("%d open", open)
	}
	if verbs := b.planned(); verbs != "" {
		t.Errorf("left: %s", verbs)
	}
}

// planned is what a plan would do.
func (b *bed) planned() (verbs string) {
	b.Helper()
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range p.Plan.Changes() {
		verbs += string(s.Verb)
	}
	return verbs
}

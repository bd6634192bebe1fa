package pages

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/errand"
	"cxm/internal/plan"
	"cxm/internal/signin/role"
)

// shows opens a page and fails unless it has all of it.
func (b *bed) shows(session, path string, has ...string) string {
	b.Helper()
	r := b.get(session, path)
	if r.status != 200 {
		b.Fatalf("%s answers %d: %s", path, r.status, r.text)
	}
	for _, each := range has {
		if !strings.Contains(r.text, each) {
			b.Fatalf("%s does not say %q: %s", path, each, body(r.text))
		}
	}
	return r.text
}

// body is a page without what stands around it.
func body(text string) string {
	if _, after, ok := strings.Cut(text, "<main"); ok {
		return after
	}
	return text
}

// ended waits for what was begun under a name.
func (b *bed) ended(name string) {
	b.Helper()
	_, done, ok := b.App.Errands.At(name)
	if !ok {
		b.Fatalf("nothing was begun as %s", name)
	}
	<-done
}

// planned makes a plan on the page, and is its digest.
func (b *bed) planned(session string) string {
	b.Helper()
	if r := b.post(session, "/runs/plan?integration=1"); r.to != "/runs/plan?integration=1" {
		b.Fatalf("making a plan answers %d to %s: %s", r.status, r.to, body(r.text))
	}
	b.ended(planning(b.App.Tenant, 1))
	found := regexp.MustCompile(`digest=([0-9a-f]+)`).FindStringSubmatch(b.shows(session, "/runs/plan?integration=1"))
	if found == nil {
		return ""
	}
	return found[1]
}

// applied applies a plan on the page, which ends at an address.
func (b *bed) applied(session, digest, to string) {
	b.Helper()
	b.shows(session, "/runs/plan/apply?integration=1&digest="+digest, "Apply this plan?")
	if r := b.post(session, "/runs/plan/apply", "integration", "1", "digest", digest); r.to != "/runs/plan/progress?integration=1" {
		b.Fatalf("applying answers %d to %s: %s", r.status, r.to, body(r.text))
	}
	b.ended(planning(b.App.Tenant, 1))
	if r := b.get(session, "/runs/plan/progress?integration=1"); r.to != to {
		b.Fatalf("what was applied ends at %q, want %q: %d", r.to, to, r.status)
	}
}

// TestPlanAndRun: what a plan shows is carried out, once and by its digest; the run,
// its journal and its issues are shown, and it is taken back.
func TestPlanAndRun(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		engineer, viewer := b.admits(b.App, "engineer@example.com", role.Member), b.admits(b.App, "viewer@example.com", role.Viewer)
		b.shows(engineer, "/runs", "There was no run yet")
		b.shows(engineer, "/issues", "cxm has made no issue yet")
		b.AWS(apptest.Disks(0, 3)...)
		digest := b.planned(engineer)
		b.shows(viewer, "/runs/plan?integration=1", "3 issues would be created", "30.00", "The issue as it would be", "engineer@example.com")
		if r := b.post(viewer, "/runs/plan/apply", "integration", "1", "digest", digest); r.status != 403 || b.Writes.Take() != 0 {
			t.Fatalf("a viewer applies a plan: %d", r.status)
		}
		b.AWS(apptest.Disks(0, 4)...) // it is another plan now
		b.applied(engineer, digest, "/runs/plan?integration=1")
		b.shows(engineer, "/runs/plan?integration=1", "Something had changed since the plan was made", "4 issues would be created")
		if n := b.Writes.Take(); n != 0 {
			t.Fatalf("a plan that nobody saw was carried out: %d writes", n)
		}
		digest = b.planned(engineer)
		b.applied(engineer, digest, "/runs/1")
		if n := b.Writes.Take(); n != 4 {
			t.Errorf("%d writes for 4 issues", n)
		}
		run := b.last()
		b.shows(engineer, "/runs/plan?integration=1", "The plan was carried out", fmt.Sprintf("/runs/%d", run.ID))
		if r := b.post(engineer, "/runs/plan/apply", "integration", "1", "digest", digest); r.status != 303 || b.Writes.Take() != 0 {
			t.Errorf("the same plan was applied twice: %d", r.status)
		}
		at := fmt.Sprintf("/runs/%d", run.ID)
		b.shows(engineer, "/runs", at, "4 of 4 done", "acme/platform")
		text := b.shows(engineer, at, "All of it was done", at+"/undo", "done: 4")
		step := regexp.MustCompile(at + `/steps/\d+`).FindString(text)
		b.shows(viewer, step, "&#43; Title: ", "&#43; ", "Written down")
		if csv := b.get(viewer, at+"/journal.csv"); strings.Count(csv.text, "\n") != 5 || csv.status != 200 {
			t.Errorf("%d: %s", csv.status, csv.text)
		}
		b.shows(viewer, at+"/live", "event: next")
		b.remarked(viewer, run)
		b.listed(viewer)
		b.undone(engineer, run)
	})
}

// remarked looks at the page of a run of which there is more to say than its steps do:
// before that is known it is watched, and then it is said.
func (b *bed) remarked(session string, run plan.Run) {
	b.Helper()
	end, waits, at := make(chan struct{}), int64(77), fmt.Sprintf("/runs/%d", run.ID)
	err := b.App.Errands.Begin(b.Context(), planning(b.App.Tenant, 1), errand.Errand{Given: earlier{run.ID - 1}}, func(context.Context) (any, error) {
		<-end
		return done{api.Started{Run: &run.ID, Waits: &waits, Remarks: []string{"GitLab dropped a label."}}}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.shows(session, at, `data-live="`+at+`/live"`)
	close(end)
	b.ended(planning(b.App.Tenant, 1))
	if text := b.shows(session, at, "GitLab dropped a label.", "/runs/77", "waits for approval"); strings.Contains(text, "data-live") {
		b.Errorf("it is watched although it is over: %s", body(text))
	}
}

// last is the last run.
func (b *bed) last() plan.Run {
	b.Helper()
	all, err := b.App.Runs(b.Context(), 1)
	if err != nil || len(all) == 0 {
		b.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

// listed looks at the four issues that there are.
func (b *bed) listed(session string) {
	b.Helper()
	text := b.shows(session, "/issues", "4 issues; the open ones would save 40.00 USD a month", "acme/platform#1")
	for path, n := range map[string]int{
		"/issues?state=opened": 4, "/issues?state=closed": 0, "/issues?q=PLATFORM%231": 0, "/issues?q=%231+": 1, "/issues?q=%25": 0, "/issues?sort=-saving": 4,
		"/issues?sort=title&integration=1": 4, "/issues?phase=lost": 0, "/issues?team=nobody": 0, "/issues?integration=9": 0, "/issues?after=nonsense": 4,
	} {
		if got := strings.Count(b.shows(session, path), `href="/issues/`); got != n {
			b.Errorf("%s lists %d, want %d", path, got, n)
		}
	}
	one := regexp.MustCompile(`/issues/\d+`).FindString(text)
	b.shows(session, one, "cxm made the issue", "What it stands for", "/findings/", "Nothing that cxm has to leave to them", "10.00 USD a month", "Open in GitLab")
	b.Edit(1, map[string]any{"title": "Ours now", "state_event": "close"})
	if _, err := b.App.Plan(b.Context(), 0); err != nil {
		b.Fatal(err)
	}
	found := regexp.MustCompile(`href="(/issues/\d+)">Ours now`).FindStringSubmatch(b.shows(session, "/issues?q=ours+NOW", "closed by a person"))
	if found == nil {
		b.Fatal("the issue is not found by its new title")
	}
	b.shows(session, found[1], "They changed the title", "A person closed it", "Ours now")
	if r := b.get(session, "/issues/999"); r.status != 404 {
		b.Errorf("an issue that is not there: %d", r.status)
	}
}

// undone takes a run of four back, of which a person touched one.
func (b *bed) undone(session string, run plan.Run) {
	b.Helper()
	at := fmt.Sprintf("/runs/%d/undo", run.ID)
	b.shows(session, at, "See first what it would do")
	b.Writes.Take()
	b.post(session, at)
	b.ended(undoing(b.App.Tenant, run.ID))
	text := b.shows(session, at, "3 issues would be as before", "Somebody touched the issue since", "State: closed")
	digest := regexp.MustCompile(`digest=([0-9a-f]+)`).FindStringSubmatch(text)
	if digest == nil || b.Writes.Take() != 0 {
		b.Fatalf("%s", body(text))
	}
	if r := b.post(session, at+"/apply", "digest", "other"); r.status != 303 || b.Writes.Take() != 0 {
		b.Fatalf("another digest: %d", r.status)
	}
	b.shows(session, at+"/apply?digest="+digest[1], "remembered as what people chose")
	if r := b.post(session, at+"/apply", "digest", digest[1]); r.to != at+"/progress" {
		b.Fatalf("undoing answers %d: %s", r.status, body(r.text))
	}
	b.ended(undoing(b.App.Tenant, run.ID))
	undo := b.last()
	if r := b.get(session, at+"/progress"); r.to != fmt.Sprintf("/runs/%d", undo.ID) {
		b.Errorf("undoing ends at %q: %d", r.to, r.status)
	}
	if n := b.Writes.Take(); n != 3 || undo.Undoes != run.ID {
		b.Errorf("%d writes, and then %+v", n, undo)
	}
	b.shows(session, at, "was taken back", fmt.Sprintf("/runs/%d", undo.ID))
	b.shows(session, fmt.Sprintf("/runs/%d", run.ID), fmt.Sprintf("run %d</a>", undo.ID))
}

// TestHeld: what the brakes hold is rejected with a reason, does not wait again, and is
// approved after all; who did it is in the audit log.
func TestHeld(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 3} })
		b.serve(b.App)
		engineer, viewer := b.admits(b.App, "engineer@example.com", role.Member), b.admits(b.App, "viewer@example.com", role.Viewer)
		b.AWS(apptest.Disks(0, 8)...)
		digest := b.planned(engineer)
		b.shows(engineer, "/runs/plan", "8 steps are held", "Have it wait for approval", "It would create 8 issues, more than 3.")
		b.applied(engineer, digest, "/runs/1")
		held := b.last()
		at := fmt.Sprintf("/runs/%d", held.ID)
		if held.State != plan.Waiting {
			t.Fatalf("%+v", held)
		}
		b.shows(engineer, "/runs", "Waits for a person", at+"/approve")
		b.shows(viewer, at, "planned: 8", "It waits for a person")
		for _, path := range []string{at + "/approve", at + "/reject"} {
			if r := b.post(viewer, path, "reason", "x"); r.status != 403 {
				t.Errorf("a viewer sends %s: %d", path, r.status)
			}
		}
		if r := b.post(engineer, at+"/reject", "reason", " "); r.status != 422 || !strings.Contains(r.text, "say why") {
			t.Errorf("without a reason: %d", r.status)
		}
		if r := b.post(engineer, at+"/reject", "reason", "only a <b>test</b>"); r.to != at {
			t.Fatalf("rejecting answers %d: %s", r.status, body(r.text))
		}
		b.shows(engineer, at, "said no to it: Only a &lt;b&gt;test", "Approve after all")
		if r := b.post(engineer, at+"/reject", "reason", "again"); r.to != at || r.header.Get("Set-Cookie") == "" {
			t.Errorf("rejected twice: %d to %s", r.status, r.to)
		}
		if digest := b.planned(engineer); digest != "" {
			t.Errorf("what was rejected can be applied: %s", digest)
		}
		b.shows(engineer, "/runs/plan", "said no to it, as run", "Only a &lt;b&gt;test")
		if n := b.Writes.Take(); n != 0 {
			t.Fatalf("%d writes", n)
		}
		if r := b.post(engineer, at+"/approve"); r.to != at {
			t.Fatalf("approving answers %d: %s", r.status, body(r.text))
		}
		b.ended(approving(b.App.Tenant, held.ID))
		b.shows(viewer, at, "All of it was done", "engineer@example.com")
		if n := b.Writes.Take(); n != 8 {
			t.Errorf("%d writes for 8 issues", n)
		}
		b.inAudit("run.rejected", "engineer@example.com")
		b.inAudit("run.approved", "engineer@example.com")
	})
}

// inAudit fails unless the audit log has a line of the action by the person.
func (b *bed) inAudit(action, who string) {
	b.Helper()
	found := b.get(b.admits(b.App, "auditor@example.com", role.Admin), "/settings/audit?"+url.Values{"action": {action}}.Encode())
	if found.status != 200 || !strings.Contains(found.text, action) || !strings.Contains(found.text, who) {
		b.Errorf("the audit log has no %s by %s: %d %s", action, who, found.status, body(found.text))
	}
}

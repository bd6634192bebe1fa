package journey

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
)

// connected is an installation that is connected to acme/platform, with its admin
// signed in.
func connected(t *testing.T, prepare ...func(*bed)) *bed {
	t.Helper()
	b := open(t, append(prepare, func(b *bed) {
		b.GitLab.SetLimits(sandbox.Limits{TrimTexts: true})
		b.Connect(b.ServiceAccount("cxm-integration"))
	})...)
	b.setUp()
	return b
}

// braked holds the first run of a source, and those that make more than three issues.
func braked(b *bed) {
	b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 3} })
}

// idle has nothing done but what people ask for.
func idle(b *bed) { b.idle = true }

// gated has GitLab make no issue before it is let.
func gated(let <-chan struct{}) func(*bed) {
	return func(b *bed) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issues") {
				select {
				case <-let:
				case <-r.Context().Done():
				}
			}
			b.GitLab.ServeHTTP(w, r)
		}))
		b.Cleanup(server.Close)
		b.URL = server.URL
	}
}

// dialog clicks on what asks first, and waits for the question.
func (b *bed) dialog(text, title string) {
	b.Helper()
	b.click(text)
	b.until(fmt.Sprintf(`document.querySelector("dialog[open] h2")?.textContent === %q`, title))
}

// planned makes a plan from the list of runs, and waits until it can be read.
func (b *bed) planned() {
	b.Helper()
	b.visit("/runs")
	b.click("Make a plan")
	b.at("/runs/plan")
	b.see("Nothing of it has been done.")
}

// made fails unless GitLab has that many issues of cxm's, which are so.
func (b *bed) made(n int, state string) {
	b.Helper()
	all := b.Issues("acme%2Fplatform")
	found := 0
	for _, i := range all {
		if i.State == state {
			found++
		}
	}
	if found != n {
		b.Errorf("%d issues are %s, want %d: %+v", found, state, n, all)
	}
}

// TestPlanAndRun: a plan is made, read and applied; its run is watched to its end, its
// issues are in GitLab and lead to each other, and it is taken back.
func TestPlanAndRun(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	b := connected(t, idle, gated(let))
	b.visit("/runs")
	b.see("There was no run yet")
	b.AWS(apptest.Disks(1, 4)...)
	b.planned()
	b.see("3 issues would be created", "30.00")
	b.made(0, "opened")
	b.click("The issue as it would be")
	b.see("+ | Resource | `arn:aws:ec2:eu-west-1:123456789012:volume/vol-00000000000000003`")
	b.dialog("Apply this plan", "Apply this plan?")
	b.see("3 issues are created in acme/platform.")
	b.click("Cancel")
	b.until(`!document.querySelector("dialog")`)
	b.made(0, "opened")
	b.dialog("Apply this plan", "Apply this plan?")
	b.click("Apply")
	b.at("/runs/1") // to which the plan's page leads by itself
	b.see("0 of 3 steps done, 3 to go.")
	close(let)
	b.see("All of it was done.")
	b.made(3, "opened")
	b.see("done: 3")

	b.visit("/issues")
	b.see("3 issues", "acme/platform#1")
	b.click(b.About(1).Title)
	b.at("/issues/")
	b.see("cxm made the issue")
	if at := script[string](b, `[...document.querySelectorAll("a")].find(e => e.innerText === "Open in GitLab").href`); at != fmt.Sprintf("%s/acme/platform/-/work_items/%d", b.URL, b.About(1).IID) {
		t.Errorf("the issue is at %s", at)
	}
	b.planned()
	b.see("Nothing is to be done")

	b.visit("/runs/1")
	b.click("Undo")
	b.at("/runs/1/undo")
	b.see("See first what it would do")
	b.click("Show what it would do")
	b.see("3 issues would be as before")
	b.made(3, "opened")
	b.dialog("Undo", "Take run 1 back?")
	b.see("the next run does not do it again")
	b.click("Undo")
	b.at("/runs/2") // of what takes it back, also when that is over at once
	b.see("All of it was done.")
	b.made(3, "closed")
	b.visit("/runs/1")
	b.see("Taken back by")
	b.planned()
	b.see("Nothing is to be done") // people closed them, as it were
	b.quiet()
}

// TestHeld: the first run of a source waits; it is rejected with a reason, does not wait
// again, and is approved after all.
func TestHeld(t *testing.T) {
	t.Parallel()
	b := connected(t, braked, idle)
	b.AWS(apptest.Disks(1, 6)...)
	b.planned()
	b.see("5 steps are held")
	b.dialog("Have it wait for approval", "Apply this plan?")
	b.see("5 steps are held: they wait for approval as a run of their own.")
	b.click("Apply")
	b.at("/runs/1") // which waits
	b.see("It waits for a person")
	b.made(0, "opened")
	b.visit("/runs")
	b.see("Waits for a person")
	b.dialog("Reject", "Reject run 1?")
	b.click("Reject")
	b.at("/runs/1/reject") // without a reason it is asked again, on its page
	b.see("say why: whoever made it wait has to understand it")
	b.fill("Reason", "Only a test")
	b.click("Reject")
	b.at("/runs/1")
	b.see(adminAddress+" said no to it: Only a test", "Nothing of it was done.")
	b.planned()
	b.see("Only a test. It waits again when something about it changes.")
	b.unseen("Have it wait for approval")
	b.visit("/runs/1")
	b.dialog("Approve after all", "Approve run 1?")
	b.click("Approve")
	b.see("All of it was done.")
	b.made(5, "opened")
	b.see("Approved by")
	b.quiet()
}

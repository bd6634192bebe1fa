package journey

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/plan"
)

// calm is an installation as it is by itself, but for how few closes wait for a person:
// more than three, and a fifth of what is open.
func calm(b *bed) {
	b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 20, CloseFloor: 3, Creates: 500, Admit: true} })
}

// kept has GitLab change no issue before it is let.
func kept(let <-chan struct{}) func(*bed) {
	return func(b *bed) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
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

// eventually waits until what the queue does is so.
func (b *bed) eventually(what string, so func() bool) {
	b.Helper()
	for end := time.Now().Add(patience); !so(); {
		if time.Now().After(end) {
			b.Fatalf("it never was so: %s; the page: %s", what, b.text())
		}
		script[bool](b, `true`) // the browser takes a moment, and is still there
	}
}

// gone has the queue make six issues, and then a source say that five of what they are
// about is not there any more.
func (b *bed) gone() {
	b.Helper()
	b.AWS(apptest.Disks(1, 7)...)
	b.eventually("six issues are open", func() bool { return len(b.Issues("acme%2Fplatform")) == 6 })
	b.AWS(apptest.Disk(1, "10.00"))
	b.AWS(apptest.Disk(1, "10.00")) // what is absent once may have been missed
}

// overview opens the overview until it has a text: what waits is found out anew when it
// was looked at, and the next page shows it.
func (b *bed) overview(text string) {
	b.Helper()
	b.eventually("the overview says "+text, func() bool {
		b.visit("/")
		b.see("Waits for a person")
		return strings.Contains(b.text(), text)
	})
}

// waits looks at the overview until it says that a run waits, and goes there.
func (b *bed) waits() {
	b.Helper()
	why := "it would close 5 of 6 open issues, more than 20 %"
	b.eventually(why, func() bool {
		all, err := b.App.Runs(b.Context(), 1)
		b.must(err)
		return len(all) == 1 && all[0].State == plan.Waiting
	})
	b.overview(why)
	b.mark(`[...document.querySelectorAll("main a")].find(e => e.innerText.includes("waits for approval: it would close 5 of 6 open issues"))`)
	b.press()
	b.at("/runs/")
	b.see(why, "Nothing of it is done until somebody approves it.")
	b.made(6, "opened")
}

// TestMassClose: five of six issues would be closed at once. The served program holds
// them by itself; a person is told on the overview, approves, and watches to the end.
func TestMassClose(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	b := connected(t, calm, kept(let))
	b.gone()
	b.waits()
	b.dialog("Approve", "Approve run "+b.number()+"?")
	b.see("those of its 5 steps that are still to be done in acme/platform")
	b.click("Approve")
	b.see(adminAddress + " approved it.")
	b.see("0 of 5 steps done, 5 to go.")
	b.made(6, "opened")
	close(let)
	b.see("All of it was done.", "Approved by", "done: 5") // without anybody loading the page again
	b.made(5, "closed")
	b.made(1, "opened")
	b.overview("Nothing waits.")
	b.quiet()
}

// TestMassCloseRejected: somebody says no to it, and why; nothing is closed, it does not
// wait again, and whoever asks for a plan reads the reason.
func TestMassCloseRejected(t *testing.T) {
	t.Parallel()
	b := connected(t, calm)
	b.gone()
	b.waits()
	run := b.number()
	b.dialog("Reject", "Reject run "+run+"?")
	b.fill("Reason", "The scanner lost its access")
	b.click("Reject")
	b.see(adminAddress+" said no to it: The scanner lost its access", "Nothing of it was done.")
	b.made(6, "opened")
	b.overview("Nothing waits.")
	b.AWS(apptest.Disk(1, "10.00")) // it says so again
	b.planned()
	b.see("5 steps are held", "The scanner lost its access. It waits again when something about it changes.")
	b.made(6, "opened")
	b.AWS(apptest.Disks(1, 7)...) // and was wrong
	b.planned()
	b.see("Nothing is to be done")
	b.visit("/runs/" + run)
	b.see("The scanner lost its access")
	b.quiet()
}

// number is the number of the run that is shown.
func (b *bed) number() string {
	b.Helper()
	return script[string](b, `location.pathname.split("/").pop()`)
}

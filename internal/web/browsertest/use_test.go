package browsertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"cxm/internal/web/shots"
)

// TestDialog connects from the catalogue by keyboard: the form opens in a dialog
// with the focus in its first field, and closing it gives the focus back.
func TestDialog(t *testing.T) {
	b := open(t)
	b.visit("/dev/pages/catalogue/empty")
	b.do(chromedp.Focus(chromedp.CSS(`a[href$="gitlab-token"]`)))
	b.enter()
	b.see(`document.querySelector("dialog[open] h2")?.textContent.includes("GitLab AI Agent (Personal Access Token)")`)
	b.see(`document.activeElement.name === "url"`)
	if found := script[string](b, axe+";"+violations); found != "" {
		t.Errorf("axe found in the dialog: %s", found)
	}
	b.press(kb.Escape)
	b.see(`!document.querySelector("dialog") && document.activeElement.textContent === "Connect"`)
	b.enter()
	b.see(`document.activeElement.name === "url"`)
	b.do(chromedp.SendKeys(chromedp.CSS(`dialog input[name="url"]`), "gitlab.com"))
	b.enter()
	b.see(`location.pathname === "/dev/pages/checks/running"`)
	b.see(`document.querySelector(".notices").textContent.includes("was sent to")`)
	b.visit("/dev/pages/catalogue/empty")
	b.see(`document.querySelector(".notices").textContent.trim() === ""`) // said once
	b.quiet()
}

// TestLive watches a connection test: its checks come one by one, without the page
// being opened again, and the end is said.
func TestLive(t *testing.T) {
	b := open(t)
	b.visit("/dev/pages/checks/running")
	b.see(`document.getElementById("summary").textContent.includes("works, with 2 warnings")`)
	b.see(`document.getElementById("check-account.kind").textContent.includes("warning")`)
	b.see(`![...document.querySelectorAll(".check")].some(c => c.textContent.includes("waiting"))`)
	if found := script[string](b, axe+";"+violations); found != "" {
		t.Errorf("axe found: %s", found)
	}
	b.quiet()
}

// TestCombobox chooses a repository out of 800 by keyboard.
func TestCombobox(t *testing.T) {
	b := open(t)
	b.visit("/dev/pages/checks/huge")
	b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "project-79"))
	b.see(`document.getElementById("choose-project-list").children.length === 11`)
	b.press(kb.ArrowDown)
	b.press(kb.ArrowDown)
	b.see(`document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent === "acme-0/project-790"`)
	if found := script[string](b, axe+";"+violations); found != "" {
		t.Errorf("axe found in the open list: %s", found)
	}
	b.enter()
	b.see(`document.getElementById("choose-project").value === "790" && document.getElementById("choose-project-list").hidden`)
	b.do(chromedp.SendKeys(chromedp.CSS("#choose-project-text"), "xyz"))
	b.see(`document.getElementById("choose-project-list").textContent === "Nothing of that name"`)
	b.press(kb.Escape)
	b.see(`document.getElementById("choose-project-text").value === "acme-0/project-790"`)
	b.quiet()
}

// TestKeyboard goes around a page without a mouse.
func TestKeyboard(t *testing.T) {
	b := open(t)
	b.visit("/dev/pages/findings/many")
	b.press(kb.Tab)
	b.see(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	b.enter()
	b.see(`document.activeElement.id === "main"`)
	b.press("k", chromedp.KeyModifiers(kb.ModifierCtrl))
	b.see(`document.activeElement.id === "find"`)
	b.visit("/dev/pages/connect/faults")
	b.see(`document.activeElement.classList.contains("faults")`)
	b.quiet()
}

// TestMenu opens the navigation on a phone.
func TestMenu(t *testing.T) {
	b := open(t)
	b.must(shots.Looks()[2].As(b.ctx))
	b.visit("/dev/pages/findings/many")
	b.see(`getComputedStyle(document.getElementById("nav")).display === "none"`)
	b.do(chromedp.Click(chromedp.CSS(".menu")))
	b.see(`getComputedStyle(document.getElementById("nav")).display === "flex"`)
	if found := script[string](b, axe+";"+violations); found != "" {
		t.Errorf("axe found in the menu: %s", found)
	}
	b.press(kb.Escape)
	b.see(`getComputedStyle(document.getElementById("nav")).display === "none"`)
	b.quiet()
}

// follow clicks on what opens another page, and waits for that page.
func (b *bed) follow(selector string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	b.must(err)
}

// says fails when the page that is shown does not have the text.
func (b *bed) says(text string) {
	b.Helper()
	shown, err := chromedp.Run(b.ctx, chromedp.OuterHTML(chromedp.CSS("main")))
	b.must(err)
	if !strings.Contains(shown, text) {
		b.Errorf("the page does not say %q: %s", text, shown)
	}
}

// TestNoScript connects where no script runs: everything is there as links and forms.
func TestNoScript(t *testing.T) {
	b := open(t)
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	b.visit("/settings/integrations/connect/gitlab-token") // where the catalogue's link leads
	b.follow("main form button")
	b.says("was sent to /settings/integrations/connect/gitlab-token")
	b.says("This page does not change by itself")
	b.visit("/dev/pages/checks/many")
	b.do(chromedp.WaitVisible(chromedp.CSS("select#choose-project")))
	b.do(chromedp.WaitNotPresent(chromedp.CSS("#choose-project-text")))
	b.visit("/dev/pages/components/all")
	b.do(chromedp.WaitNotVisible(chromedp.CSS("[data-copy]")))
	b.quiet()
}

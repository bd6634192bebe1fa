package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestEditor writes a rules file by keyboard: lines are numbered, what can stand at a
// place is offered, Tab indents and can be left, and what is wrong leads to its line.
func TestEditor(t *testing.T) {
	b := open(t)
	b.visit("/dev/pages/ruling-editor/faults")
	b.see(`document.querySelectorAll(".editor-lines span").length === document.getElementById("rules-text").value.split("\n").length`)
	b.see(`[...document.querySelectorAll(".editor-lines .wrong")].map(l => l.textContent).join() === "✗ 12,✗ 24"`)
	b.do(chromedp.Click(chromedp.CSS(`a[data-line="24"]`)))
	b.see(`(a => document.activeElement === a && a.value.slice(a.selectionStart).startsWith("three"))(document.getElementById("rules-text"))`)

	// What can stand here: keys by the schema, values, and the words of conditions.
	b.visit("/dev/pages/ruling-editor/empty")
	b.do(chromedp.Focus(chromedp.CSS("#rules-text")))
	script[bool](b, `(a => { a.setSelectionRange(a.value.length, a.value.length); return Promise.resolve(true); })(document.getElementById("rules-text"))`)
	b.press(" ", chromedp.KeyModifiers(2))
	b.see(`[...document.querySelectorAll(".editor-choices:not([hidden]) strong")].some(c => c.textContent === "rules")`)
	if found := script[string](b, axe+";"+violations); found != "" {
		t.Errorf("axe found in what is offered: %s", found)
	}
	b.press("r")
	b.press("u")
	b.see(`document.querySelectorAll(".editor-choices:not([hidden]) li").length === 1`)
	b.enter()
	b.see(`document.getElementById("rules-text").value === "version: 1\nrules:"`)
	b.enter()
	for _, key := range "- name: x" {
		b.press(string(key))
	}
	b.press(kb.Escape)
	b.enter()
	for _, key := range "when: sav" {
		b.press(string(key))
	}
	b.see(`[...document.querySelectorAll(".editor-choices:not([hidden]) strong")].some(c => c.textContent === "saves")`)
	b.press(kb.Escape)
	b.see(`document.querySelector(".editor-choices").hidden && document.getElementById("rules-text").value === "version: 1\nrules:\n  - name: x\n    when: sav"`)

	// Tab and the way out.
	b.enter()
	b.press(kb.Tab)
	b.see(`document.getElementById("rules-text").value.endsWith("\n      ")`)
	b.press(kb.Tab, chromedp.KeyModifiers(8))
	b.see(`document.getElementById("rules-text").value.endsWith("\n    ")`)
	b.press(kb.Escape)
	b.press(kb.Tab)
	b.see(`document.activeElement.id !== "rules-text"`)
	b.visit("/dev/pages/ruling-editor/one#line-10")
	b.see(`(a => document.activeElement === a && a.value.slice(a.selectionStart).startsWith("  - name: worth it"))(document.getElementById("rules-text"))`)
	b.quiet()
}

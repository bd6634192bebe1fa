package journey

import (
	"fmt"
	"strings"
	"testing"

	"cxm/internal/app/apptest"
)

// write puts text in place of all that the editor has.
func (b *bed) write(text string) {
	b.Helper()
	b.until(`document.readyState === "complete" && document.querySelector("#rules-text")`)
	script[bool](b, fmt.Sprintf(`(() => {
		const e = document.querySelector("#rules-text");
		e.focus(); e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true}));
		return true;
	})()`, text))
}

// TestRulesBySwitches: what becomes an issue is chosen, previewed and applied with a
// note, and is in force.
func TestRulesBySwitches(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.AWS(apptest.Disk(1, "43.08"), apptest.Disk(2, "20.00"))
	b.Want("++")
	b.visit("/settings/rules")
	b.see("none: the built-in rules hold")
	b.click("Cost opportunities")
	b.fill("Labels (optional)", "finops")
	b.click("Preview")
	b.at("/settings/rules/choose")
	b.see("2 issues would go", "63.08 USD a month", "Nothing was changed so far.")
	if now, err := b.App.Rules(t.Context()); err != nil || now.Number != 0 {
		t.Errorf("a preview applied %+v, %v", now, err)
	}
	b.fill("Note (optional)", "only what breaks")
	b.click("Apply")
	b.see("Revision 1 is in force.", "only what breaks", adminName)
	b.until(`document.querySelector("[name=on-cost]").checked === false`)
	b.until(`document.querySelector("[name=labels]").value === "finops"`)
	b.planned()
	b.see("2 issues would be closed")
	b.quiet()
}

const ours = `version: 1
defaults:
  labels: [finops]
rules:
  - name: large
    when: saves("30 USD")
  - name: rest
    ignore: too small
`

// TestRulesInTheEditor: a fault is told at its place, and mended; the file is previewed
// with what would come, applied, shown in the history, and taken back.
func TestRulesInTheEditor(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.AWS(apptest.Disk(1, "43.08"), apptest.Disk(2, "20.00"))
	b.visit("/settings/rules/edit")
	b.write(strings.Replace(ours, "ignore:", "ignored:", 1))
	b.see("Line 8, column") // as it is typed
	b.click("Preview")
	b.at("/settings/rules/preview")
	b.see("Not done yet", "is not a known field")
	b.until(`[...document.querySelectorAll(".editor-lines .wrong")].map(e => e.textContent).join() === "✗ 8"`)
	b.write(ours)
	b.see("The file reads well. It has no tests.")
	b.click("Preview")
	b.see("1 issue would come", "43.08", "large")
	b.fill("Note (optional)", "the first")
	b.click("Apply")
	b.see("Revision 1 is in force.")

	b.visit("/settings/rules/edit")
	b.until(fmt.Sprintf(`document.querySelector("#rules-text")?.value === %q`, ours))
	b.write(strings.Replace(ours, "30 USD", "10 USD", 1))
	b.click("Preview")
	b.see("1 issue would come", "20.00", `-     when: saves("30 USD")`, `+     when: saves("10 USD")`)
	b.click("Apply")
	b.see("Revision 2 is in force.")
	b.click("History")
	b.at("/settings/rules/history")
	b.see("the first")
	b.click("2")
	b.at("/settings/rules/history/2")
	b.see(`+     when: saves("10 USD")`)
	b.visit("/settings/rules/history/1")
	b.click("Preview going back")
	b.see(`+     when: saves("30 USD")`, "Nothing was changed so far.")
	b.click("Apply")
	b.see("Revision 3 is in force.", "revision 1 again")
	if now, err := b.App.Rules(t.Context()); err != nil || now.Text != ours {
		t.Errorf("in force is %q, %v", now.Text, err)
	}
	b.quiet()
}

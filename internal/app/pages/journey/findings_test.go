package journey

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"cxm/internal/app/apptest"
)

// reads opens an address of the site as the tab would, and is its text.
func (b *bed) reads(address string) string {
	b.Helper()
	script[bool](b, `(() => {
		delete window.journey;
		fetch(`+quoted(address)+`).then(r => r.ok ? r.text() : r.status + "").then(text => { window.journey = text });
		return true;
	})()`)
	b.until(`window.journey !== undefined`)
	return script[string](b, `window.journey`)
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// TestFindings: a list is filtered, sorted and searched in, taken away as CSV, saved
// under a name and removed.
func TestFindings(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "30"), apptest.Disk(3, "20"))
	b.visit("/findings")
	b.see("3 findings, which would save 60.00 USD a month")
	sorted := `[...document.querySelectorAll("tbody .sub")].map(e => e.innerText.match(/vol-0+(\d)/)?.[1]).filter(e => e).join("")`
	b.until(sorted + ` === "231"`) // the largest first
	b.until(`document.querySelector("[aria-sort=descending]").innerText.includes("Saving a month")`)
	b.mark(`[...document.querySelectorAll("thead a")].find(e => e.innerText.includes("Saving a month"))`)
	b.press()
	b.at("/findings?sort=saving")
	b.until(sorted + ` === "132"`)
	b.fill("Title or resource", "vol-00000000000000003")
	b.choose("Status", "new")
	b.click("Show")
	b.at("/findings?")
	b.see("1 finding, which would save 20.00 USD a month")
	b.until(sorted + ` === "3"`)
	csv := script[string](b, `[...document.querySelectorAll("a")].find(e => e.innerText === "Export as CSV").href`)
	if text := b.reads(csv); strings.Count(text, "\n") != 2 || !strings.Contains(text, "vol-00000000000000003") || strings.Contains(text, "vol-00000000000000001") {
		t.Errorf("%s is %q", csv, text)
	}
	b.click("Save this view")
	b.fill("Name of the view", "The third disk")
	b.mark(`document.querySelector("details[open] form button")`) // it says what opened it, too
	b.press()
	b.at("/findings?")
	b.see("The view was saved.")
	b.visit("/findings")
	b.see("3 findings")
	b.click("The third disk")
	b.see("1 finding, which would save 20.00 USD a month")
	b.until(`document.querySelector(".views [aria-current]").innerText === "The third disk"`)
	b.visit("/findings?q=nothing+like+that")
	b.see("No finding is like that")
	b.click("Show all of them")
	b.see("3 findings")
	b.click("Remove a saved view")
	b.dialog("Remove The third disk", "Remove a saved view?")
	b.see("Nobody else has it.")
	b.click("Remove")
	b.see("The view was removed.")
	b.fill("Search findings", "vol-00000000000000002\r")
	b.at("/findings?q=vol-00000000000000002")
	b.see("1 finding")
	b.quiet()
}

// TestDecide: a finding is excepted for a reason, which its page and the plan then say;
// no issue is made of it until that is taken back.
func TestDecide(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "30"))
	b.visit("/findings")
	b.see("2 findings")
	b.first() // the one that saves 30
	b.at("/findings/")
	b.see("Why there is no issue", "vol-00000000000000002")
	finding := script[string](b, `location.pathname`)
	b.choose("Decision", "exception")
	b.click("Record the decision")
	b.at(finding + "/decision")
	b.see("Not done yet")
	b.fill("Reason (optional)", "needed for the migration")
	b.click("Record the decision")
	b.see("The decision was recorded.", "needed for the migration", "People set it aside")
	if at := script[string](b, `location.pathname`); at != finding {
		t.Errorf("the decision leads to %s", at)
	}
	b.visit("/findings/decisions")
	b.see("needed for the migration", adminName)
	b.planned()
	b.see("1 issue would be created", "needed for the migration")
	b.unseen("2 issues would be created")
	b.visit(finding)
	b.choose("Decision", "undecided")
	b.click("Record the decision")
	b.see("The decision was taken back.")
	b.planned()
	b.see("2 issues would be created")
	b.quiet()
}

// asks sends a request to the API with a token.
func (b *bed) asks(token, path string) (status int, text string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+path, http.NoBody)
	b.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	b.must(err)
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	b.must(err)
	return answer.StatusCode, string(all)
}

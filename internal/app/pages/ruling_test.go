package pages

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/app/apptest"
	"cxm/internal/signin/role"
)

// carried is what a page carries in a hidden field.
func carried(t *testing.T, text, name string) string {
	t.Helper()
	found := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)">`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s is carried: %.4000s", name, text)
	}
	return html.UnescapeString(found[1])
}

func (b *bed) has(r reply, status int, all ...string) {
	b.Helper()
	text := html.UnescapeString(r.text)
	for _, each := range all {
		if r.status != status || !strings.Contains(text, each) {
			_, main, _ := strings.Cut(text, "<main")
			b.Fatalf("%d, want %d with %q:\n%.6000s", r.status, status, each, main)
		}
	}
}

// TestRuling goes the way of an admin: chooses, previews, applies, edits, is overtaken,
// goes back, and sees what waits. GitLab is not written to by any of it.
func TestRuling(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	admin, member := b.admits(b.App, "admin@example.com", role.Admin), b.admits(b.App, "member@example.com", role.Member)
	b.AWS(apptest.Disk(1, "43.08"), apptest.Disk(2, "20.00"))
	b.Want("++")
	b.has(b.get(admin, "/settings/rules"), 200, "the built-in rules hold", `name="on-cost" value="yes" checked`)

	// Switched off: the issues would go, and are linked to.
	chosen := b.post(admin, "/settings/rules/choose", "from", "0", "on-system", "yes", "on-custom", "yes", "on-token-expiring", "yes", "on-review-due", "yes", "on-source-failed", "yes", "labels", "finops")
	b.has(chosen, 200, "2 issues would go", `<a href="`+b.URL+"/acme/platform/-/", `when: 'kind == "cost"'`, "43.08", "63.08 USD a month")
	text := carried(t, chosen.text, "text")
	b.has(b.post(member, "/settings/rules/preview", "text", text, "from", "0"), 200, "2 issues would go", "Only an admin")
	if r := b.post(member, "/settings/rules/apply", "text", text, "from", "0"); r.status != http.StatusForbidden {
		t.Errorf("a member applies: %d", r.status)
	}
	if r := b.post(admin, "/settings/rules/apply", "text", text, "from", "0", "note", "only what breaks"); r.status != http.StatusSeeOther || r.to != "/settings/rules" {
		t.Fatalf("applying: %d to %s: %s", r.status, r.to, r.text)
	}
	b.has(b.get(admin, "/settings/rules"), 200, "admin@example.com", "only what breaks", "no cost opportunities", `name="on-cost" value="yes" aria`)

	// Edited: comments stay, what is wrong is told at its place, who is late is told by whom.
	edited := strings.Replace(text, "version: 1\n", "version: 1\n# ours\n", 1)
	b.has(b.post(admin, "/settings/rules/preview", "text", strings.Replace(edited, "ignore:", "ignored:", 1), "from", "1"), 422, "Line ", "is not a known field")
	b.has(b.post(admin, "/settings/rules/preview", "text", edited, "from", "0"), 409, "You began with the built-in rules. Revision 1 is in force by now")
	b.has(b.post(admin, "/settings/rules/preview", "text", edited, "from", "1"), 200, "No issue would come", "+ # ours")
	if r := b.post(admin, "/settings/rules/apply", "text", strings.ReplaceAll(edited, "\n", "\r\n"), "from", "1"); r.status != http.StatusSeeOther {
		t.Fatalf("applying: %d: %s", r.status, r.text)
	}
	if now, err := b.App.Rules(t.Context()); err != nil || now.Text != edited {
		t.Errorf("in force is %q, want %q, %v", now.Text, edited, err)
	}
	lost := strings.Replace(edited, "finops", "other", 1)
	b.has(b.post(admin, "/settings/rules/apply", "text", lost, "from", "1"), 409, "Revision 2 is in force by now, which", "+ # ours")
	nowhere := strings.Replace(edited, "defaults:\n", "defaults:\n  route: {project: acme/nowhere}\n", 1)
	b.has(b.post(admin, "/settings/rules/apply", "text", nowhere, "from", "2"), 422, "It was not applied", "acme/nowhere")

	// Back again.
	b.has(b.get(admin, "/settings/rules/history"), 200, "only what breaks", `href="/settings/rules/history/1"`)
	b.has(b.get(admin, "/settings/rules/history/2"), 200, "+ # ours")
	back := b.post(admin, "/settings/rules/preview", "of", "1", "from", "2")
	b.has(back, 200, "- # ours")
	b.post(admin, "/settings/rules/apply", "text", carried(t, back.text, "text"), "of", "1", "from", "2")
	b.has(b.get(admin, "/settings/rules"), 200, "revision 1 again")
	if n := b.Writes.Take(); n > 0 {
		t.Errorf("%d writes to GitLab", n)
	}
}

// TestRulingTry: what becomes of a finding is told, under the rules in force and under
// others; and what waits.
func TestRulingTry(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	admin, viewer := b.admits(b.App, "admin@example.com", role.Admin), b.admits(b.App, "viewer@example.com", role.Viewer)
	var disks []string
	for i := range 4 {
		disks = append(disks, apptest.Disk(i+1, fmt.Sprintf("%d.00", 40+i)))
	}
	b.AWS(disks...)
	chosen := b.post(admin, "/settings/rules/choose", "from", "0", "on-cost", "y", "on-system", "y", "on-custom", "y", "on-token-expiring", "y", "on-review-due", "y", "on-source-failed", "y", "per_day", "1", "minimum", "41 USD", "digest", "y", "labels", "finops")
	b.has(chosen, 200, "per_day: 1", "3 issues would come", "126.00 USD", "Of what would come, 2 issues wait", "1 issue would not be made", "below the minimum: it saves 40.00 USD")
	if r := b.post(admin, "/settings/rules/apply", "text", carried(t, chosen.text, "text"), "from", "0"); r.status != http.StatusSeeOther {
		t.Fatalf("applying: %d: %s", r.status, r.text)
	}
	b.has(b.get(viewer, "/settings/rules"), 200, "Budget everything", "1 new issue a day", "41.00 USD a month")
	b.has(b.get(viewer, "/settings/rules/backlog"), 200, "vol-", "83.00")
	tenant, err := b.pages.tenants.Tenant(t.Context(), b.App.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := tenant.Findings.Findings(t.Context(), api.FindingFilter{}, api.Slice{Size: 10})
	if err != nil || len(found) != 4 {
		t.Fatalf("%d findings, %v", len(found), err)
	}
	b.has(b.get(admin, "/settings/rules/test?finding="+found[0].Key), 200, "becomes an issue", "<strong>default</strong>", "the integration's own project", "EbsVolume")
	b.has(b.get(admin, "/settings/rules/test"), 200, "Or choose one", "/settings/rules/test?finding=v1%3A"+strings.TrimPrefix(found[0].Key, "v1:"))
	b.has(b.post(admin, "/settings/rules/test", "finding", " https://cxm.example.com/findings/"+strings.Replace(found[0].Key, ":", "%3A", 1)+"?q=disk#top ", "sample", ""), 200, "<strong>default</strong>")
	b.has(b.get(admin, "/settings/rules/test?finding=v1:none"), 200, "there is no finding of this key here")
	other := "version: 1\nrules:\n  - name: big\n    when: saves(\"500 USD\")\n  - name: rest\n    ignore: too small\n"
	b.has(b.post(admin, "/settings/rules/test", "text", other, "from", "1", "finding", found[0].Key, "sample", ""), 200, "no issue", "rule rest ignores it: too small", `<code>saves("500 USD")</code> was false; savings is 42.00 USD`, "your file, which is not in force")
	pasted := `[{"Kind": "cost", "SourceSystem": "test", "Title": "<script>alert(1)</script> /close @all", "ResourceId": "vol-1"}]`
	tried := b.post(admin, "/settings/rules/test", "sample", pasted, "finding", "")
	b.has(tried, 200, "becomes an issue", "As Markdown")
	if strings.Contains(tried.text, "<script>alert") {
		t.Error("what a finding says runs")
	}
	for _, bad := range []string{"{", "[]", `{"Title": "x"}`} {
		b.has(b.post(admin, "/settings/rules/test", "sample", bad, "finding", ""), 422, "inspect --output json")
	}
	if r := b.get(viewer, "/settings/rules/test"); r.status != http.StatusForbidden {
		t.Errorf("a viewer tries findings: %d", r.status)
	}
	if r := b.get(admin, "/settings/rules/rules.yaml"); r.status != 200 || !strings.HasPrefix(r.text, "version: 1\n") {
		t.Errorf("the file: %d %q", r.status, r.text)
	}
	if r := b.get(admin, "/settings/rules/editor.json"); !strings.Contains(r.text, `"saves"`) || !strings.Contains(r.text, `"group_by"`) {
		t.Errorf("what completes a file: %d %.200q", r.status, r.text)
	}
}

// TestRulingUnconnected: without an integration there is nothing to compare, and rules
// can be applied all the same.
func TestRulingUnconnected(t *testing.T) {
	t.Parallel()
	b := &bed{Bed: databases.Bed(t, "")}
	b.serve(b.App)
	admin := b.admits(b.App, "admin@example.com", role.Admin)
	text := "version: 1\ndefaults: {labels: [finops]}\n"
	b.has(b.post(admin, "/settings/rules/preview", "text", text, "from", "0"), 200, "cxm is not connected to a GitLab yet", ">Apply<")
	if r := b.post(admin, "/settings/rules/apply", "text", text, "from", "0"); r.status != http.StatusSeeOther {
		t.Errorf("applying: %d: %s", r.status, r.text)
	}
	b.has(b.get(admin, "/settings/rules/backlog"), 200, "Nothing waits")
}

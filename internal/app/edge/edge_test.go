package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/app/apptest"
)

// all reads every page of a list, of a size; 0: of one that is not paged, or as it comes.
func all[T any](b *bed, path string, size int) []T {
	b.Helper()
	var out []T
	at := path
	if sign := "?"; size > 0 {
		if strings.Contains(path, "?") {
			sign = "&"
		}
		at = fmt.Sprintf("%s%slimit=%d", path, sign, size)
	}
	for range 100 {
		g := b.do(200, "GET", at, nil)
		p := into[api.Page[T]](b, g)
		out = append(out, p.Items...)
		link := g.header.Get("Link")
		if p.Next == nil {
			if link != "" {
				b.Errorf("%s: the last page has the link %q", at, link)
			}
			return out
		}
		at, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if !strings.HasPrefix(at, "/v1/") || !strings.HasSuffix(link, `; rel="next"`) {
			b.Fatalf("the link is %q", link)
		}
	}
	b.Fatal("the pages do not end")
	return nil
}

// TestReading reads all that there is, after cxm worked.
func TestReading(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(append(apptest.Disks(1, 8), apptest.Disk(9, "43.08"))...)
		b.Want("++++++++")
		found := all[api.Finding](b, "/v1/findings?order=worth", 3)
		if len(found) != 8 || found[0].Savings == nil || *found[0].Savings != (api.Money{Amount: "43.08", Currency: "USD"}) || found[1].Savings.Amount != "10.00" || found[0].Cost != nil {
			t.Fatalf("%d findings, the first %+v", len(found), found)
		}
		one := into[api.Finding](b, b.do(200, "GET", "/v1/findings/"+found[0].Key, nil))
		if one.Key != found[0].Key || one.Group == "" {
			t.Errorf("%+v", one)
		}
		why := all[api.Stand](b, "/v1/findings/"+found[0].Key+"/why", 0)
		if len(why) != 1 || why[0].Stage != "issue" || why[0].IssueURL == nil {
			t.Errorf("%+v", why)
		}
		issues := all[api.Issue](b, "/v1/issues?state=opened", 5)
		if len(issues) != 8 || issues[0].IID == nil {
			t.Fatalf("%d issues", len(issues))
		}
		b.do(200, "GET", fmt.Sprint("/v1/issues/", issues[0].ID), nil)
		runs := all[api.Run](b, "/v1/runs", 1)
		if len(runs) != 1 || runs[0].Done != 8 {
			t.Fatalf("%+v", runs)
		}
		entries := all[api.Entry](b, fmt.Sprintf("/v1/runs/%d/entries", runs[0].ID), 3)
		if len(entries) != 8 || entries[0].Verb != "create" || entries[0].Outcome != "done" {
			t.Errorf("%+v", entries)
		}
		if n := len(all[api.Entry](b, "/v1/journal?group="+issues[0].Group, 50)); n != 1 {
			t.Errorf("%d entries of a group", n)
		}
		if n := len(all[api.Group](b, "/v1/groups", 3)); n != 8 {
			t.Errorf("%d groups", n)
		}
		if got := all[api.Pull](b, "/v1/pulls", 50); len(got) != 1 || got[0].New != 8 {
			t.Errorf("%+v", got)
		}
		if got := all[api.Scope](b, "/v1/scopes", 0); len(got) != 1 || got[0].Health != "ok" {
			t.Errorf("%+v", got)
		}
		sum := into[api.Summary](b, b.do(200, "GET", "/v1/status", nil))
		if sum.Issues.Open != 8 || sum.Findings.Cost != 8 || len(sum.Savings) != 1 || sum.Savings[0].Amount != "113.08" {
			t.Errorf("%+v", sum)
		}
		in := all[api.Integration](b, "/v1/integrations", 0)
		if len(in) != 1 || in[0].OpenIssues != 8 || in[0].Project.Path != "acme/platform" {
			t.Fatalf("%+v", in)
		}
		for _, at := range []string{
			"/v1/me", "/v1/tenants", "/v1/decisions", "/v1/rules", "/v1/rules/revisions", "/v1/suggestions", "/v1/backlog", "/v1/campaigns", "/v1/webhooks", "/v1/credentials",
			"/v1/sources", "/v1/deliveries/refused", "/v1/people", "/v1/tokens", "/v1/sessions", "/v1/audit", "/v1/audit/verification",
			"/v1/integrations/1", "/v1/integrations/1/credential", "/v1/integrations/1/access", "/v1/integrations/1/reviews", "/v1/integrations/1/leaving", fmt.Sprintf("/v1/runs/%d/undo", runs[0].ID),
		} {
			g := b.do(200, "GET", at, nil)
			if strings.Contains(string(g.body), "glpat-") || strings.Contains(string(g.body), b.admin) {
				t.Errorf("%s shows a token", at)
			}
		}
		for _, at := range []string{"/v1/findings/v1:0", "/v1/findings/" + strings.Repeat("x", 80), "/v1/issues/99", "/v1/runs/99", "/v1/runs/99/entries", "/v1/integrations/99", "/v1/rules/revisions/9", "/v1/sources/none", "/v1/nothing"} {
			if g := b.ask(b.admin, "GET", at, nil); g.status != http.StatusNotFound {
				t.Errorf("%s answers %d: %s", at, g.status, g.body)
			}
		}
	})
}

package edge_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/app/apptest"
	"cxm/internal/finding"
	"cxm/internal/signin/role"
)

// TestFindingDecisions: people decide about findings, each wrong field is named, and
// what was decided is in the finding, in its history and in the list.
func TestFindingDecisions(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(apptest.Disks(1, 4)...)
		found := all[api.Finding](b, "/v1/findings", 3)
		if len(found) != 3 || found[0].Decided != nil {
			t.Fatalf("%+v", found)
		}
		at := "/v1/findings/" + found[0].Key + "/decision"
		end := b.Clock.Now().AddDate(0, 1, 0).UTC().Format(time.DateOnly)
		for where, body := range map[string]map[string]any{
			"body.reason":   {"decision": "exception", "until": end},
			"body.until":    {"decision": "snoozed"},
			"body.decision": {"decision": "maybe"},
		} {
			b.refuse(b.ask(b.admin, "POST", at, body), 422, where)
		}
		b.refuse(b.ask(b.admin, "POST", at, map[string]any{"decision": "snoozed", "until": "soon"}), 422, "body.until")
		b.refuse(b.ask(b.admin, "POST", at, map[string]any{"decision": "snoozed", "until": "2001-01-01"}), 422, "is past")
		b.refuse(b.ask(b.admin, "POST", at, map[string]any{"decision": "accepted", "by": "somebody else"}), 422, "body.by")
		viewer := b.token(b.App, "viewer@example.com", role.Viewer, role.ScopeAdmin)
		if g := b.ask(viewer, "POST", at, map[string]any{"decision": "accepted"}); g.status != 403 {
			t.Errorf("a viewer decides: %d", g.status)
		}
		b.refuse(b.ask(b.admin, "POST", "/v1/findings/"+strings.Replace(found[0].Key, found[0].Key[4:8], "zzzz", 1)+"/decision", map[string]any{"decision": "accepted"}), 404, "there is no finding")

		made := into[api.FindingDecision](b, b.do(200, "POST", at, map[string]any{"decision": "snoozed", "until": end}))
		if made.ID == 0 || made.Finding != found[0].Key || !made.Standing || !made.InEffect || !strings.HasSuffix(made.By, " of admin@example.com") || made.Until == nil || made.Reason != nil {
			t.Errorf("%+v", made)
		}
		once := into[api.FindingDecision](b, b.do(200, "POST", at, map[string]any{"decision": "exception", "reason": "a\ntest <b>system</b>"}, "Idempotency-Key: one"))
		if again := into[api.FindingDecision](b, b.do(200, "POST", at, map[string]any{"decision": "exception", "reason": "a\ntest <b>system</b>"}, "Idempotency-Key: one")); again.ID != once.ID {
			t.Errorf("the same request decides twice: %d and %d", once.ID, again.ID)
		}
		if got := all[api.FindingDecision](b, at+"s", 1); len(got) != 2 || got[0].ID != once.ID || !got[0].Standing || got[1].Standing || *got[0].Reason != "a test <b>system</b>" {
			t.Errorf("%+v", got)
		}
		one := into[api.Finding](b, b.do(200, "GET", "/v1/findings/"+found[0].Key, nil))
		if one.Decided == nil || one.Decided.Decision != "exception" || one.Decided.Review {
			t.Errorf("%+v", one.Decided)
		}
		b.Want("++")
		if why := all[api.Stand](b, "/v1/findings/"+found[0].Key+"/why", 0); why[0].Stage != "set aside" {
			t.Errorf("%+v", why)
		}
		b.do(200, "POST", "/v1/findings/"+found[1].Key+"/decision", map[string]any{"decision": "snoozed", "until": end})
		b.do(200, "POST", "/v1/findings/"+found[2].Key+"/decision", map[string]any{"decision": "accepted"})
		for query, want := range map[string]int{"": 3, "?decision=snoozed": 1, "?decision=accepted": 1, "?review_due=true": 0} {
			if got := all[api.StandingDecision](b, "/v1/findings/decisions"+query, 2); len(got) != want {
				t.Errorf("%q lists %d decisions, not %d: %+v", query, len(got), want, got)
			}
		}
		b.Clock.Forward(finding.Review)
		b.admin = b.token(b.App, "later@example.com", role.Admin, role.ScopeAdmin)
		got := all[api.StandingDecision](b, "/v1/findings/decisions?review_due=true", 2)
		if len(got) != 1 || got[0].Finding != found[0].Key || !got[0].Review || got[0].Title == "" || got[0].Savings.Amount != "10.00" {
			t.Errorf("to be reviewed: %+v", got)
		}
		if one := into[api.Finding](b, b.do(200, "GET", "/v1/findings/"+found[1].Key, nil)); one.Decided.InEffect || one.Decided.Decision != "snoozed" {
			t.Errorf("its time has passed: %+v", one.Decided)
		}
		if lines := b.do(200, "GET", "/v1/audit?action=finding.decided", nil); strings.Count(string(lines.body), `"finding.decided"`) != 4 {
			t.Errorf("the log says:\n%s", lines.body)
		}
	})
}

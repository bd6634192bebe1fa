package edge_test

import (
	"fmt"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/plan"
	"cxm/internal/signin/role"
)

// TestPlanAndRun: what somebody saw is carried out, and nothing else; it is taken
// back where nobody touched it.
func TestPlanAndRun(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(apptest.Disks(1, 4)...)
		p := into[api.Plan](b, b.do(200, "POST", "/v1/plans", map[string]any{}))
		if p.Counts["create"] != 3 || len(p.Steps) != 3 || p.Savings[0].Amount != "30.00" || p.Integration != 1 {
			t.Fatalf("%+v", p)
		}
		b.Writes.Take()
		start := map[string]any{"integration_id": 1, "plan": p.Digest}
		b.AWS(apptest.Disks(1, 5)...)
		b.refuse(b.ask(b.admin, "POST", "/v1/runs", start), 409, "body.plan")
		if n := b.Writes.Take(); n != 0 {
			t.Errorf("%d writes for a plan that nobody saw", n)
		}
		start["plan"] = into[api.Plan](b, b.do(200, "POST", "/v1/plans", map[string]any{})).Digest
		g := b.do(202, "POST", "/v1/runs", start, "Idempotency-Key: once")
		begun := into[api.Started](b, g)
		if begun.Run == nil || g.header.Get("Location") != fmt.Sprint("/v1/runs/", *begun.Run) {
			t.Fatalf("%+v, %v", begun, g.header)
		}
		done := into[api.Run](b, b.do(200, "GET", g.header.Get("Location"), nil))
		if done.Done != 4 || done.State != "finished" || b.Writes.Take() != 4 {
			t.Errorf("%+v", done)
		}
		if again := into[api.Started](b, b.do(202, "POST", "/v1/runs", start, "Idempotency-Key: once")); *again.Run != *begun.Run || b.Writes.Take() != 0 {
			t.Errorf("%+v", again)
		}
		b.Edit(b.About(1).IID, map[string]any{"title": "Mine"})
		at := g.header.Get("Location") + "/undo"
		undo := into[api.UndoPlan](b, b.do(200, "GET", at, nil))
		if len(undo.Steps) != 3 || len(undo.Kept) != 1 || b.Writes.Take() != 0 {
			t.Fatalf("%+v", undo)
		}
		b.refuse(b.ask(b.admin, "POST", at, map[string]any{"plan": "other"}), 409, "body.plan")
		if took := into[api.Started](b, b.do(200, "POST", at, map[string]any{"plan": undo.Digest})); took.Run == nil || b.Writes.Take() != 3 {
			t.Errorf("%+v", took)
		}
		b.Edit(b.About(1).IID, map[string]any{"state_event": "close"})
		b.Want("")
		if got := all[api.Decision](b, "/v1/decisions", 2); len(got) != 4 || got[0].Decision != "closed by a person" {
			t.Errorf("%+v", got)
		}
	})
}

// TestApprove: what the brakes hold waits for somebody, whose name is kept.
func TestApprove(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 2, Admit: true} })
		b.url = serve(t, b.App)
		b.AWS(apptest.Disks(1, 5)...)
		got := into[api.Started](b, b.do(202, "POST", "/v1/runs", map[string]any{}))
		if got.Waits == nil || got.Run != nil {
			t.Fatalf("%+v", got)
		}
		at := fmt.Sprint("/v1/runs/", *got.Waits)
		if p := into[api.Plan](b, b.do(200, "POST", "/v1/plans", map[string]any{})); p.Held.Steps != 4 || *p.Held.Run != *got.Waits {
			t.Errorf("%+v", p.Held)
		}
		b.refuse(b.ask(b.admin, "GET", at+"/undo", nil), 409, "waits")
		member := b.token(b.App, "engineer@example.com", role.Member, role.ScopeWrite)
		if g := b.ask(member, "POST", at+"/approve", nil); g.status != 200 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		run := into[api.Run](b, b.do(200, "GET", at, nil))
		if run.Done != 4 || run.ApprovedBy == nil || *run.ApprovedBy != "engineer@example.com" {
			t.Errorf("%+v", run)
		}
		b.refuse(b.ask(b.admin, "POST", at+"/approve", nil), 409, "waits for nobody")
		lines := all[api.AuditLine](b, "/v1/audit?action=run", 3)
		if len(lines) == 0 || lines[0].Actor.Kind != "token" || !strings.Contains(*lines[0].Actor.Name, "engineer@example.com") {
			t.Errorf("%+v", lines)
		}
	})
}

// TestReject: who may approve may say no, with a reason, once; it does not wait again as
// it is, and can be approved after all.
func TestReject(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 2, Admit: true} })
		b.url = serve(t, b.App)
		b.AWS(apptest.Disks(1, 5)...)
		got := into[api.Started](b, b.do(202, "POST", "/v1/runs", map[string]any{}))
		at := fmt.Sprint("/v1/runs/", *got.Waits)
		viewer := b.token(b.App, "viewer@example.com", role.Viewer, role.ScopeWrite)
		member := b.token(b.App, "engineer@example.com", role.Member, role.ScopeWrite)
		no := map[string]any{"reason": " not\n now "}
		b.refuse(b.ask(viewer, "POST", at+"/reject", no), 403, "")
		b.refuse(b.ask(member, "POST", at+"/reject", map[string]any{"reason": ""}), 422, "body.reason")
		b.refuse(b.ask(member, "POST", at+"/reject", map[string]any{"reason": " \n"}), 422, "body.reason")
		b.refuse(b.ask(member, "POST", at+"/reject", map[string]any{}), 422, "body")
		b.refuse(b.ask(member, "POST", "/v1/runs/999/reject", no), 404, "no run 999")
		g := b.ask(member, "POST", at+"/reject", no)
		if run := into[api.Run](b, g); g.status != 200 || run.State != "superseded" || *run.RejectedBy != "engineer@example.com" || *run.Rejection != "not now" || run.Done != 0 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		b.refuse(b.ask(member, "POST", at+"/reject", no), 409, "does not wait")
		b.do(202, "POST", "/v1/runs", map[string]any{})
		p := into[api.Plan](b, b.do(200, "POST", "/v1/plans", map[string]any{}))
		if p.Held.Run != nil || p.Held.No == nil || *p.Held.No != *got.Waits || b.Writes.Take() != 0 {
			t.Errorf("%+v", p.Held)
		}
		lines := all[api.AuditLine](b, "/v1/audit?action=run.rejected", 1)
		if len(lines) != 1 || !strings.Contains(*lines[0].Actor.Name, "engineer@example.com") || *lines[0].Why != "not now" {
			t.Errorf("%+v", lines)
		}
		if run := into[api.Run](b, b.do(200, "POST", at+"/approve", nil)); run.Done != 4 || run.State != "finished" {
			t.Errorf("after all: %+v", run)
		}
		b.refuse(b.ask(member, "POST", at+"/reject", no), 409, "does not wait")
	})
}

// TestQueue: without a plan the steps are left to the queue.
func TestQueue(t *testing.T) {
	b := newBed(t, "")
	b.AWS(apptest.Disks(1, 3)...)
	got := into[api.Started](b, b.do(202, "POST", "/v1/runs", map[string]any{}))
	if got.Run == nil {
		t.Fatalf("%+v", got)
	}
	if again := into[api.Started](b, b.do(202, "POST", "/v1/runs", map[string]any{})); !again.Busy {
		t.Errorf("%+v", again)
	}
	if _, err := b.App.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run := into[api.Run](b, b.do(200, "GET", fmt.Sprint("/v1/runs/", *got.Run), nil)); run.Done != 2 || run.State != "finished" || !run.Queued {
		t.Errorf("%+v", run)
	}
}

const rulesText = `version: 1
rules:
  - name: all
    when: kind == "cost"
`

// TestRules: rules are put in force over those that somebody saw.
func TestRules(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(apptest.Disks(1, 3)...)
		if v := into[api.Validation](b, b.do(200, "POST", "/v1/rules/validate", map[string]any{"text": rulesText})); !v.Valid {
			t.Fatalf("%+v", v)
		}
		if v := into[api.Validation](b, b.do(200, "POST", "/v1/rules/validate", map[string]any{"text": "version: 1\nrules:\n  - name: x\n    whenever: 1\n"})); v.Valid || len(v.Problems) == 0 || v.Problems[0].Line != 4 {
			t.Errorf("%+v", v)
		}
		b.do(200, "POST", "/v1/rules/preview", map[string]any{"text": rulesText})
		put := map[string]any{"text": rulesText, "note": "first"}
		first := b.do(200, "GET", "/v1/rules", nil)
		b.refuse(b.ask(b.admin, "PUT", "/v1/rules", put), 428, "header.If-Match")
		b.refuse(b.ask(b.admin, "PUT", "/v1/rules", put, `If-Match: "rules-7"`), 412, "revision 0")
		b.refuse(b.ask(b.admin, "PUT", "/v1/rules", map[string]any{"text": "rules: 1"}, "If-Match: "+first.header.Get("ETag")), 422, "body.text")
		now := b.do(200, "PUT", "/v1/rules", put, "If-Match: "+first.header.Get("ETag"))
		if r := into[api.Revision](b, now); r.Number != 1 || *r.Author != "admin@example.com" || *r.Note != "first" {
			t.Errorf("%+v", r)
		}
		b.refuse(b.ask(b.admin, "PUT", "/v1/rules", put, "If-Match: "+first.header.Get("ETag")), 412, "revision 1")
		if g := b.do(200, "GET", "/v1/rules", nil); g.header.Get("ETag") != now.header.Get("ETag") {
			t.Errorf("the ETag is %s, and then %s", now.header.Get("ETag"), g.header.Get("ETag"))
		}
		put["text"] = strings.Replace(rulesText, "all", "every", 1)
		second := b.do(200, "PUT", "/v1/rules", put, "If-Match: "+now.header.Get("ETag"))
		back := into[api.Revision](b, b.do(200, "POST", "/v1/rules/revisions/1/rollback", map[string]any{"note": "back"}, "If-Match: "+second.header.Get("ETag")))
		if back.Number != 3 || back.Of == nil || *back.Of != 1 {
			t.Errorf("%+v", back)
		}
		if got := all[api.Revision](b, "/v1/rules/revisions", 0); len(got) != 3 || got[0].Text != nil {
			t.Errorf("%+v", got)
		}
		if r := into[api.Revision](b, b.do(200, "GET", "/v1/rules/revisions/2", nil)); !strings.Contains(*r.Text, "every") {
			t.Errorf("%+v", r)
		}
		lines := all[api.AuditLine](b, "/v1/audit?action=rules", 3)
		if len(lines) != 3 || !strings.Contains(*lines[0].Actor.Name, "admin@example.com") {
			t.Errorf("%+v", lines)
		}
		b.refuse(b.ask(b.admin, "POST", "/v1/suggestions/1/accept", map[string]any{}), 404, "suggestion 1")
	})
}

// TestConnections: an integration is made, changed and ended; no token is ever shown.
func TestConnections(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		secret := b.ServiceAccount("other-account")
		connect := map[string]any{"url": b.URL, "token": "  " + secret + "  ", "project": "acme/platform"}
		b.refuse(b.ask(b.admin, "POST", "/v1/integrations", connect), 422, "body.token")
		connect["token"] = "glpat-" + strings.Repeat("x", 20)
		if g := b.ask(b.admin, "POST", "/v1/integrations", connect); g.status != 422 || strings.Contains(string(g.body), "xxxx") {
			t.Errorf("%d %s", g.status, g.body)
		}
		connect["token"] = secret
		g := b.do(201, "POST", "/v1/integrations", connect, "Idempotency-Key: connect")
		if got := into[api.Connected](b, g); got.Integration.Account.Username != "other-account" || g.header.Get("Location") != "/v1/integrations/1" {
			t.Errorf("%+v", got)
		}
		if c := into[api.Credential](b, b.do(200, "POST", "/v1/integrations/1/credential/schedule", map[string]any{"rotate_days": 30})); c.RotateDays == nil || *c.RotateDays != 30 {
			t.Errorf("%+v", c)
		}
		if g := b.ask(b.admin, "POST", "/v1/integrations/1/credential", map[string]any{"token": "nonsense"}); g.status != 422 {
			t.Errorf("%d %s", g.status, g.body)
		}
		b.do(200, "POST", "/v1/integrations/1/credential", map[string]any{"token": secret})
		checks := into[api.Page[api.Check]](b, b.do(200, "POST", "/v1/integrations/1/test", nil))
		if len(checks.Items) < 10 {
			t.Errorf("%+v", checks)
		}
		b.do(201, "POST", "/v1/integrations/1/reviews", map[string]any{"note": "looked"})
		if got := all[api.Review](b, "/v1/integrations/1/reviews", 0); len(got) != 1 || got[0].By != "admin@example.com" || *got[0].Note != "looked" {
			t.Errorf("%+v", got)
		}
		b.do(200, "GET", "/v1/integrations/1/access", nil)
		for _, at := range []string{"/v1/integrations", "/v1/credentials", "/v1/audit", "/v1/integrations/1/access"} {
			if g := b.do(200, "GET", at, nil); strings.Contains(string(g.body), secret) {
				t.Errorf("%s shows the token", at)
			}
		}
		b.do(200, "DELETE", "/v1/integrations/1", nil)
		b.refuse(b.ask(b.admin, "POST", "/v1/plans", map[string]any{}), 409, "connect")
	})
}

// TestPeople: people come and go, tokens are made within what their makers may.
func TestPeople(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		p := into[api.Person](b, b.do(201, "POST", "/v1/people", map[string]any{"email": "engineer@example.com", "role": "member"}))
		at := fmt.Sprintf("/v1/people/%d/role", p.ID)
		if p = into[api.Person](b, b.do(200, "PUT", at, map[string]any{"role": "viewer"})); *p.Role != role.Viewer {
			t.Errorf("%+v", p)
		}
		if got := all[api.Person](b, "/v1/people", 1); len(got) != 2 {
			t.Errorf("%+v", got)
		}
		b.refuse(b.ask(b.admin, "PUT", at, map[string]any{"role": "king"}), 422, "body.role")
		b.refuse(b.ask(b.admin, "PUT", "/v1/people/999/role", map[string]any{"role": "admin"}), 404, "nobody")
		if p = into[api.Person](b, b.do(200, "PUT", at, map[string]any{"role": nil})); p.Role != nil {
			t.Errorf("%+v", p)
		}
		made := into[api.MadeToken](b, b.do(201, "POST", "/v1/tokens", map[string]any{"name": "ci", "scopes": []string{"read"}, "days": 1}, "Idempotency-Key: ci"))
		if again := into[api.MadeToken](b, b.do(201, "POST", "/v1/tokens", map[string]any{"name": "ci", "scopes": []string{"read"}, "days": 1}, "Idempotency-Key: ci")); again.Value != nil || !again.Before || again.Token.ID != made.Token.ID {
			t.Errorf("%+v", again)
		}
		if g := b.ask(*made.Value, "GET", "/v1/me", nil); g.status != 200 {
			t.Errorf("%d %s", g.status, g.body)
		}
		b.refuse(b.ask(*made.Value, "POST", "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"admin"}}), 403, "scope")
		own := into[api.MadeToken](b, b.do(201, "POST", "/v1/tokens", map[string]any{"name": "tenant", "scopes": []string{"write"}, "role": "member", "days": 1}))
		if own.Token.PersonID != nil || *own.Token.Role != role.Member {
			t.Errorf("%+v", own)
		}
		if got := all[api.Token](b, "/v1/tokens", 1); len(got) != 3 || got[0].Hint == "" {
			t.Errorf("%+v", got)
		}
		b.do(204, "DELETE", fmt.Sprint("/v1/tokens/", own.Token.ID), nil)
		b.refuse(b.ask(*own.Value, "GET", "/v1/me", nil), 401, "revoked")
		b.refuse(b.ask(b.admin, "DELETE", "/v1/tokens/999", nil), 404, "999")
	})
}

// TestSources: a source is made, stopped, given another token, and forgotten.
func TestSources(t *testing.T) {
	b := newBed(t, "")
	made := into[api.MadeSource](b, b.do(201, "POST", "/v1/sources", map[string]any{"name": "events", "type": "cloudevents"}))
	g := b.do(200, "GET", "/v1/sources/events", nil)
	b.refuse(b.ask(b.admin, "PATCH", "/v1/sources/events", map[string]any{"enabled": false}), 428, "If-Match")
	if s := into[api.Source](b, b.do(200, "PATCH", "/v1/sources/events", map[string]any{"enabled": false}, "If-Match: "+g.header.Get("ETag"))); s.Enabled {
		t.Errorf("%+v", s)
	}
	turned := into[api.MadeSource](b, b.do(200, "POST", "/v1/sources/events/rotate", map[string]any{}))
	if *turned.Value == *made.Value || strings.Contains(string(b.do(200, "GET", "/v1/sources", nil).body), *turned.Value) {
		t.Error("the token is the old one, or shown")
	}
	b.do(204, "DELETE", "/v1/sources/events", nil)
	b.refuse(b.ask(b.admin, "DELETE", "/v1/sources/events", nil), 404, "no such source")
	b.refuse(b.ask(b.admin, "DELETE", "/v1/deliveries/refused/9", nil), 404, "delivery")
}

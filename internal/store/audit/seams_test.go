package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	kept "cxm/internal/store/audit"
	"cxm/internal/store/connections"
	"cxm/internal/store/hooks"
	"cxm/internal/store/reviews"
	"cxm/internal/store/route"
	"cxm/internal/store/rules"
	"cxm/internal/store/tokens"
)

// bed is a store, and what its log gained.
type bed struct {
	t    *testing.T
	ctx  context.Context
	db   *store.DB
	s    *store.Store
	in   integration.Integration
	log  *kept.Store
	seen int64
}

func newBed(t *testing.T) *bed {
	t.Helper()
	db, err := store.Open(t.Context(), tables.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &bed{
		t: t, db: db, s: db.Tenant("default"), log: kept.New(db.Base(), "default", noon),
		ctx: audit.With(t.Context(), audit.Actor{Kind: audit.Person, Name: "engineer"}),
	}
	in := integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: "acme/platform"}, CreatedAt: noon()}
	b.in, err = b.s.AddIntegration(b.ctx, in, credential.Token{ID: 4, Name: "cxm", Scopes: []string{"api"}}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	b.ok(err)
	return b
}

func (b *bed) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// gained holds the lines that the log gained since to what is wanted, each as its
// action and its object; and everybody to be known.
func (b *bed) gained(want ...string) []audit.Line {
	b.t.Helper()
	lines, err := b.log.List(b.ctx, kept.Filter{Most: 1000})
	b.ok(err)
	var out []audit.Line
	var got []string
	for i := range lines {
		if l := lines[len(lines)-1-i]; l.Sequence > b.seen {
			b.seen = l.Sequence
			out, got = append(out, l), append(got, strings.TrimSuffix(l.Action+" "+l.Object.Kind+"/"+l.Object.ID, "/"))
			if l.Actor.Name != "engineer" {
				b.t.Errorf("%s was done by %s", l.Action, l.Actor)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("lines (-want +got):\n%s", diff)
	}
	return out
}

// TestStepsAreLogged: GitLab hears of nothing that the log does not know before,
// and whatever becomes of it is a line too.
func TestStepsAreLogged(t *testing.T) {
	b := newBed(t)
	b.gained("integration.connected integration/1", "token.added token/1")
	r, _, err := b.s.BeginRun(b.ctx, plan.Run{Integration: b.in.ID, State: plan.Running, StartedAt: noon()}, nil)
	b.ok(err)
	b.gained()
	step := func(verb plan.Verb, row issue.Tracked) (plan.Entry, issue.Tracked) {
		e, row, err := b.s.Intend(b.ctx, plan.Entry{
			Run: r.ID, Verb: verb, Reason: "its saving doubled", Title: "The disk", WroteAt: noon(), Summary: "title, block",
			Before: plan.Before{Title: row.Observed.Title, Block: "a long text", AddedLabels: []string{"new"}},
		}, row)
		b.ok(err)
		return e, row
	}
	e, row := step(plan.Create, issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("one"), Nonce: "one", Observed: issue.Observed{ProjectID: 7}})
	l := b.gained("issue.create.begun issue/1")[0]
	if l.Run != r.ID || l.Why != "its saving doubled" || !strings.Contains(string(l.After), `"sends":"title, block"`) {
		t.Errorf("%+v", l)
	}
	row.Phase, row.Observed = issue.Live, issue.Observed{ProjectID: 7, IID: 12, Title: "The disk", State: issue.Opened, Labels: []string{"cxm"}, Description: "a long text", WebURL: "https://gitlab.example.com/acme/platform/-/issues/12"}
	e.Outcome, e.EndedAt = plan.Done, noon()
	b.ok(b.s.Record(b.ctx, e, row, 0))
	row.Rev++
	l = b.gained("issue.created issue/1")[0]
	if l.Object.Name != row.Observed.WebURL || string(l.After) != `{"iid":12,"labels":["cxm"],"labels_added":["new"],"project_id":7,"sent":"title, block","state":"opened","title":"The disk"}` {
		t.Errorf("%+v", l)
	}
	for _, c := range []struct {
		verb    plan.Verb
		outcome plan.Outcome
		want    []string
	}{
		{plan.Update, plan.Failed, []string{"issue.update.begun issue/1", "issue.update.failed issue/1"}},
		{plan.Close, plan.InDoubt, []string{"issue.close.begun issue/1", "issue.close.in_doubt issue/1"}},
		{plan.Reopen, plan.Done, []string{"issue.reopen.begun issue/1", "issue.reopened issue/1"}},
		{plan.Move, plan.Done, []string{"issue.move.begun issue/1", "issue.moved issue/1"}},
		{plan.Update, plan.Skipped, []string{"issue.update.begun issue/1"}},
		{plan.Close, plan.Dropped, []string{"issue.close.begun issue/1", "issue.close.dropped issue/1"}},
	} {
		e, row = step(c.verb, row)
		e.Outcome, e.Trouble = c.outcome, "GitLab said glpat-"+strings.Repeat("x1", 10)
		b.ok(b.s.Record(b.ctx, e, row, 0))
		row.Rev++
		for _, l := range b.gained(c.want...) {
			if text := string(l.After) + string(l.Before); strings.Contains(text, "glpat-x") || strings.Contains(text, "a long text") {
				t.Errorf("%s holds what it must not: %s", l.Action, text)
			}
		}
	}
}

// TestFoundLater: what became of a create whose end nobody recorded is a line once
// a look finds out.
func TestFoundLater(t *testing.T) {
	b := newBed(t)
	r, _, err := b.s.BeginRun(b.ctx, plan.Run{Integration: b.in.ID, State: plan.Running, StartedAt: noon()}, nil)
	b.ok(err)
	for i, phase := range []issue.Phase{issue.Live, issue.Dropped} {
		_, row, err := b.s.Intend(b.ctx, plan.Entry{Run: r.ID, Verb: plan.Create, WroteAt: noon()}, issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprint(i)})
		b.ok(err)
		b.ok(b.s.Observe(b.ctx, b.in.ID, 7, []issue.Tracked{row}, noon())) // still intended
		row.Rev++
		row.Phase = phase
		b.seen = int64(3 + 2*i)
		b.ok(b.s.Observe(b.ctx, b.in.ID, 7, []issue.Tracked{row}, noon()))
		b.gained([]string{"issue.created issue/1", "issue.create.dropped issue/2"}[i])
	}
}

// TestSettingsAreLogged goes through what people change.
func TestSettingsAreLogged(t *testing.T) {
	b := newBed(t)
	b.gained("integration.connected integration/1", "token.added token/1")

	in := b.in
	in.VerifiedAt = noon() // cxm finds out, and nobody decided anything
	b.ok(b.s.UpdateIntegration(b.ctx, in, nil, credential.Token{}))
	b.gained()
	in.Account.Username = "cxm-integration"
	b.ok(b.s.UpdateIntegration(b.ctx, in, []byte("sealed"), credential.Token{ID: 5, Name: "new"}))
	if l := b.gained("integration.edited integration/1", "token.replaced token/1", "token.added token/2")[0]; string(l.After) != `{"account":"cxm-integration"}` {
		t.Errorf("%s", l.After)
	}
	in.Project = integration.Project{ID: 8, Path: "acme/other"}
	b.ok(route.New(b.db.Base(), "default").Set(b.ctx, in))
	if l := b.gained("integration.rerouted integration/1")[0]; string(l.Before) != `{"project":"acme/platform","project_id":7}` || string(l.After) != `{"project":"acme/other","project_id":8}` {
		t.Errorf("%s -> %s", l.Before, l.After)
	}
	b.ok(route.New(b.db.Base(), "default").Rename(b.ctx, in.ID, integration.Project{ID: 8, Path: "acme/renamed"}))
	b.gained("integration.renamed integration/1")

	c := connections.New(b.db.Base(), "default")
	b.ok(c.Reach(b.ctx, in.URL, integration.Network{CA: "a certificate", Proxy: "http://proxy.example.com"}))
	b.ok(c.Reach(b.ctx, in.URL, integration.Network{CA: "a certificate", Proxy: "http://proxy.example.com"}))
	b.gained("instance.reach_changed instance/" + in.URL)
	b.ok(c.Connect(b.ctx, in.ID, integration.Defaults{Labels: []string{"finops"}}))
	b.gained("integration.edited integration/1")

	k := tokens.New(b.db.Base(), "default")
	b.ok(k.AddKeyset(b.ctx, tokens.Keyset{Sealed: []byte("keys"), Key: 1}, noon()))
	b.ok(k.Schedule(b.ctx, in.ID, 30))
	b.gained("keys.made keys", "token.rotation.scheduled integration/1")
	used, err := k.InUse(b.ctx, in.ID)
	b.ok(err)
	begun, err := k.Begin(b.ctx, in.URL, used, noon(), noon())
	b.ok(err)
	_, err = k.End(b.ctx, begun, tokens.NotDone, in.URL, used.ID, "GitLab refused", noon())
	b.ok(err)
	b.gained("token.rotation.begun token/2", "token.rotation.ended token/2")
	_, _, err = k.Met(b.ctx, used, credential.Refused, "401", noon())
	b.ok(err)
	b.gained("token.revoked token/2")

	h := hooks.New(b.db.Base(), "default", nil)
	hook, err := h.Add(b.ctx, hooks.Hook{Integration: in.ID, Endpoint: "secret-ish", Sealed: []byte("s"), Level: hooks.Project, Target: "acme/platform", CreatedAt: noon()})
	b.ok(err)
	hook.GitLabID = 9
	b.ok(h.Save(b.ctx, hook))
	b.ok(h.Check(b.ctx, hook))
	b.ok(h.Delete(b.ctx, hook.ID))
	b.gained("webhook.added webhook/1", "webhook.installed webhook/1", "webhook.removed webhook/1")

	r := rules.New(b.db.Base(), "default", noon)
	_, err = r.Apply(b.ctx, rules.Change{Text: "one", Author: "engineer", Note: "first"})
	b.ok(err)
	_, err = r.Apply(b.ctx, rules.Change{Text: "one", Author: "engineer", Expected: 1}) // the same again
	b.ok(err)
	_, err = r.Apply(b.ctx, rules.Change{Text: "two", Author: "engineer", Expected: 1})
	b.ok(err)
	_, err = r.Rollback(b.ctx, 1, rules.Change{Author: "engineer", Expected: 2})
	b.ok(err)
	b.gained("rules.applied rules/1", "rules.applied rules/2", "rules.rolled_back rules/3")

	looked := reviews.New(b.db.Base(), "default")
	account, err := looked.Begin(b.ctx, in.URL, "cxm-integration", noon())
	b.ok(err)
	account.Account = 17
	b.ok(looked.Save(b.ctx, account))
	_, err = looked.Add(b.ctx, reviews.Review{Integration: in.ID, At: noon(), By: "engineer", Note: "as it must be"})
	b.ok(err)
	b.ok(looked.SetOwners(b.ctx, in.ID, []string{"team@example.com"}, noon()))
	b.gained("account.setup.begun account/cxm-integration", "account.made account/cxm-integration", "access.reviewed integration/1", "access.owners_set integration/1")

	held, _, err := b.s.BeginRun(b.ctx, plan.Run{Integration: in.ID, State: plan.Waiting, StartedAt: noon()}, []plan.Entry{{Seq: 1, Verb: plan.Create}})
	b.ok(err)
	b.ok(b.s.ApproveRun(b.ctx, held, "engineer", noon()))
	_, _, err = b.s.BeginRun(b.ctx, plan.Run{Integration: in.ID, State: plan.Running, Undoes: held.ID, StartedAt: noon()}, nil)
	b.ok(err)
	b.gained("run.approved run/1", "run.undone run/1")

	_, err = c.Disconnect(b.ctx, in.ID, noon())
	b.ok(err)
	lines := b.gained("token.replaced token/2", "integration.disconnected integration/1")
	if why := lines[0].Why; !strings.Contains(why, "disconnected") {
		t.Errorf("%q", why)
	}
	if report, err := b.log.Verify(b.ctx, nil); err != nil || len(report.Faults) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

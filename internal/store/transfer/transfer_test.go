package transfer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	_ "modernc.org/sqlite"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/signin"
	"cxm/internal/store"
	auditlog "cxm/internal/store/audit"
	"cxm/internal/store/connections"
	"cxm/internal/store/database"
	storedb "cxm/internal/store/db"
	"cxm/internal/store/decisions"
	"cxm/internal/store/declared"
	"cxm/internal/store/digests"
	"cxm/internal/store/hooks"
	"cxm/internal/store/people"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/replies"
	"cxm/internal/store/reviews"
	"cxm/internal/store/rules"
	"cxm/internal/store/sources"
	"cxm/internal/store/storetest"
	"cxm/internal/store/suggestions"
	"cxm/internal/store/tenants"
	"cxm/internal/store/tokens"
	"cxm/internal/store/transfer"
	"cxm/internal/store/views"
)

var postgres pgtest.Once

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// place is a kind of database: a new one each time.
type place func(t *testing.T) store.Options

func file(t *testing.T) store.Options {
	return store.Options{Path: filepath.Join(t.TempDir(), "cxm.db")}
}

func server(t *testing.T) place {
	return func(t *testing.T) store.Options { return store.Options{URL: postgres.Copy(t, storetest.Migrated)} }
}

// TestCopy goes from each kind of database to each, and on to the next: in the
// end all hold the same, and a store works on it as on the first.
func TestCopy(t *testing.T) {
	pg := server(t)
	for name, ends := range map[string][2]place{
		"SQLite to SQLite":         {file, file},
		"SQLite to PostgreSQL":     {file, pg},
		"PostgreSQL to SQLite":     {pg, file},
		"PostgreSQL to PostgreSQL": {pg, pg},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := ends[0](t), ends[1](t)
			in := furnish(t, from)
			before := read(t, from)
			tables := copyAll(t, from, to, true)
			for _, table := range tables {
				if table.Rows == 0 {
					t.Errorf("table %s has no rows, so that nobody sees whether it is copied: store something in it in furnish", table.Name)
				}
			}
			same(t, before, read(t, to))
			provable(t, to)
			goesOn(t, to, in)
		})
	}
}

// TestCopyThereAndBack: the checksums of the first and the last are the same.
func TestCopyThereAndBack(t *testing.T) {
	first, between, last := file(t), server(t)(t), file(t)
	furnish(t, first)
	out := copyAll(t, first, between, false)
	back := copyAll(t, between, last, false)
	if diff := cmp.Diff(out, back); diff != "" {
		t.Errorf("there and back differ:\n%s", diff)
	}
}

func copyAll(t *testing.T, from, to store.Options, mark bool) []transfer.Table {
	t.Helper()
	source, target := open(t, from), open(t, to)
	tables, err := transfer.Copy(t.Context(), source, target, mark)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func open(t *testing.T, o store.Options) *database.DB {
	t.Helper()
	d, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func tenant(t *testing.T, o store.Options) (*store.DB, *store.Store) {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, db.Tenant("default")
}

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// texts are what breaks copies that take a detour through another form.
func texts() []string {
	return []string{"plain", "it's; drop table findings; --", "Größe, 大きさ, 🧊", "tab\t line\n \\N \\. \"", `{"a":"\u0000"}`, "", strings.Repeat("long ", 100_000)}
}

// furnish stores something of everything, and more findings than one statement
// takes.
func furnish(t *testing.T, o store.Options) (integrationID int64) {
	t.Helper()
	db, s := tenant(t, o)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Installation(t.Context())
	ok(err)
	in, err := s.AddIntegration(t.Context(), integration.Integration{URL: "https://gitlab.example.com", Account: integration.Account{Bot: true}, CreatedAt: noon()},
		credential.Token{ExpiresAt: noon(), Scopes: []string{"api"}}, func(int64) ([]byte, error) { return []byte{0, 1, 0xff, '\n', '\\'}, nil })
	ok(err)
	ok(tenants.New(db.Base()).Add(t.Context(), tenants.Tenant{Name: "acme", Title: "Acme", MadeAt: noon()}))
	kept := tokens.New(db.Base(), "default")
	used, err := kept.InUse(t.Context(), in.ID)
	ok(err)
	_, _, err = kept.Met(t.Context(), used, credential.Accepted, "", noon())
	ok(err)
	_, err = kept.Begin(t.Context(), in.URL, used, noon(), noon())
	ok(err)
	ok(kept.AddKeyset(t.Context(), tokens.Keyset{Sealed: []byte{1, 0, 0xff}, Key: 1 << 31}, noon()))
	ok(earlier(t, db, in.ID))
	ok(s.UpdateIntegration(t.Context(), in, []byte{0, 1, 0xff, '\n', '\\'}, credential.Token{ExpiresAt: noon(), Scopes: []string{"api"}})) // the value of the token before is dropped: an empty column
	saved := views.New(db.Base(), "default")
	ok(saved.Save(t.Context(), 1, "mine", "status=open", noon()))
	ok(saved.Record(t.Context(), views.Day{Day: "2026-03-14", Open: money.Totals{"USD": decimal.New(1, -2)}, At: noon()}))
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon(), Complete: true}
	short := texts()[:6]
	_, err = s.Ingest(t.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		for i := range 800 {
			f := finding.Finding{
				FindingKey: finding.NewKey("test", fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "test", Title: fmt.Sprint(i), Description: short[i%len(short)],
				ResourceID: fmt.Sprint(i), EstimatedMonthlySavings: money.Known(decimal.New(int64(i), -2)), BillingCurrency: "USD", Detection: finding.Present,
			}
			a := rule.Set{}.Assign(&f)[0]
			if err := door.Put(rule.Placed{Finding: &f, Group: a.Group, Rule: a.Rule, Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}}); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	ok(err)
	ok(s.Settle(t.Context(), in.ID+1, versions(t, s))) // of another integration, so that it is remembered of which
	ok(s.Settle(t.Context(), 0, versions(t, s)))
	r, _, err := s.BeginRun(t.Context(), plan.Run{StartedAt: noon()}, nil)
	ok(err)
	for i, text := range texts() {
		e, row, err := s.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create, Reason: text, WroteAt: noon()},
			issue.Tracked{Integration: in.ID, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprint(i)})
		ok(err)
		row.Phase, row.Trouble, row.Observed = issue.Live, text, issue.Observed{ProjectID: 1, IID: int64(i + 1), Description: text}
		e.Outcome = plan.Done
		ok(s.Record(t.Context(), e, row, 0))
	}
	ok(s.Observe(t.Context(), in.ID, 1, nil, noon()))
	_, _, err = s.BeginRun(t.Context(), plan.Run{Integration: in.ID, State: plan.Running, Shared: true, StartedAt: noon()}, []plan.Entry{{Seq: 1, Verb: plan.Create, Reason: "shared"}})
	ok(err)
	_, err = s.SaveBreaker(t.Context(), in.ID, breaker.Breaker{Target: "project 1", Class: "server", Failures: 3, Told: true, OpenedAt: noon()})
	ok(err)
	ok(db.Turn(t.Context(), "bucket", func(string, time.Time) string { return "state" }))
	_, err = s.Accept(t.Context(), store.Delivery{Source: "test", Scope: "one", ReceivedAt: noon(), Parts: []store.Part{{Name: "big", Body: []byte(strings.Repeat("body\x00\xff", 1<<18))}}})
	ok(err)
	connected := connections.New(db.Base(), "default")
	ok(connected.Reach(t.Context(), in.URL, integration.Network{CA: texts()[3], Proxy: "none"}))
	ok(connected.Connect(t.Context(), in.ID, integration.Defaults{Labels: []string{"finops", texts()[2]}, AssigneeID: 4, Assignee: "bot", Confidential: true}))
	code := declared.New(db.Base(), "default")
	ok(code.Put(t.Context(), declared.State{Name: texts()[2], Repository: "acme/infra", Folder: ".", Resources: 1, By: "platform-admin", At: noon()},
		[]declared.Entry{{Names: []string{texts()[1], texts()[2]}, Spot: declared.Spot{Address: texts()[3]}}}))
	ok(code.Want(t.Context(), noon(), declared.Subject{Integration: in.ID, Repository: "acme/infra", Name: texts()[2]}))
	ok(s.Settle(t.Context(), 0, versions(t, s)))
	looked := reviews.New(db.Base(), "default")
	_, err = looked.Begin(t.Context(), in.URL, "cxm-integration", noon())
	ok(err)
	_, err = looked.Add(t.Context(), reviews.Review{Integration: in.ID, At: noon(), By: "team@example.com", Note: texts()[2]})
	ok(err)
	ok(looked.SetOwners(t.Context(), in.ID, []string{"team@example.com"}, noon()))
	_, err = looked.Remind(t.Context(), in.ID, noon())
	ok(err)
	ok(digests.New(db.Base(), "default").Add(t.Context(), in.ID, map[int64]rule.GroupKey{1: rule.NewGroupKey("digest")}))
	capped := s.Capped(plan.Caps{PerHour: 100}, noon)
	_, _, err = capped.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create, WroteAt: noon()}, issue.Tracked{Integration: in.ID, Group: rule.NewGroupKey("capped"), Nonce: "capped"})
	ok(err)
	_, _, err = s.IntendNew(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create, WroteAt: noon()}, issue.Tracked{Integration: in.ID, Group: rule.NewGroupKey("asked"), Nonce: "asked", Team: texts()[2], SentAt: noon()},
		attention.Ask{Budgets: []attention.Budget{{Per: attention.Team, Open: 9}}})
	ok(err)
	heard := hooks.New(db.Base(), "default", func(context.Context, store.Tx, int64, int64) error { return nil })
	hook, err := heard.Add(t.Context(), hooks.Hook{Integration: in.ID, Endpoint: "endpoint", Base: "https://cxm.example.com", Sealed: []byte{0, 0xff}, Level: hooks.Group, CreatedAt: noon()})
	ok(err)
	hook.Trouble, hook.CheckedAt = texts()[1], noon()
	ok(heard.Check(t.Context(), hook))
	for i, changed := range []time.Time{noon(), {}} {
		_, err = heard.Accept(t.Context(), hooks.Delivery{Integration: in.ID, Keys: []string{changed.String()}, ReceivedAt: noon(), Project: 1, News: hooks.News{IID: int64(i + 1), ChangedAt: changed}})
		ok(err)
	}
	delivering := sources.New(db.Base(), "default", func(context.Context, store.Tx, string, string, string) error { return nil })
	from, err := delivering.Add(t.Context(), sources.Source{Name: "tool", Type: "cloudevents", Scope: "tool", Options: texts()[4], Token: []byte{0, 0xff}, TokenAt: noon(), CreatedAt: noon()})
	ok(err)
	ok(delivering.Rotate(t.Context(), "tool", []byte{1}, noon(), noon()))
	_, err = delivering.Accept(t.Context(), []sources.Delivery{{Source: from.ID, Name: "tool", ReceivedAt: noon(), Events: []sources.Event{{Digest: sources.Digest{0, 0xff}, Text: []byte(texts()[2])}}}})
	ok(err)
	decided := decisions.New(db.Base(), "default")
	for _, d := range []finding.Decided{{Decision: finding.Exception, Reason: texts()[2], By: texts()[3], At: noon()}, {Decision: finding.Snoozed, Until: noon(), At: noon()}} {
		_, err = decided.Decide(t.Context(), finding.NewKey("test", "1"), d)
		ok(err)
	}
	taught := suggestions.New(db.Base(), "default")
	_, err = taught.Number(t.Context(), []suggestions.Suggestion{{Identity: "one", Says: texts()[2]}})
	ok(err)
	ok(taught.Say(t.Context(), suggestions.Suggestion{Number: 1, Answer: suggestions.Dismissed, Reason: texts()[1], At: noon()}))
	answered := replies.New(db.Base())
	_, _, err = answered.Begin(t.Context(), replies.Claim{Tenant: "default", Holder: "token 1", Key: texts()[2], Digest: "digest", At: noon()}, noon().Add(time.Hour))
	ok(err)
	ok(regroup(t, db, s))
	ok(come(t, db))
	ok(audited(t, db))
	return in.ID
}

func signer() *audit.Signer { return audit.NewSigner([]byte(strings.Repeat("7", 32))) }

func signers() audit.Keys {
	return audit.Keys{signer().Key(): {Public: signer().Public, Proved: true}}
}

// audited signs the audit log that all before left, and shortens it.
func audited(t *testing.T, db *store.DB) error {
	log := auditlog.New(db.Base(), "default", noon)
	err := log.AddKey(t.Context(), auditlog.Key{ID: signer().Key(), Public: signer().Public, Sealed: []byte{0, 0xff}, MadeAt: noon()},
		func(context.Context, *storedb.Queries) error { return nil })
	if err != nil {
		return err
	}
	if _, err := log.Prune(t.Context(), time.Now().AddDate(1, 0, 0), texts()[2], signers(), signer()); err != nil {
		return err
	}
	_, _, err = log.Anchor(t.Context(), signer())
	return errors.Join(err, log.Add(t.Context(), audit.Line{Action: "signin.failed", Why: texts()[2], After: audit.Of(audit.Values{"text": texts()[1]})}))
}

// provable says that the audit log is as it was written, and goes on.
func provable(t *testing.T, o store.Options) {
	t.Helper()
	log := auditlog.New(open(t, o), "default", noon)
	if err := log.Add(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
		t.Error(err)
	}
	if r, err := log.Verify(t.Context(), signers()); err != nil || len(r.Faults) > 0 || r.Anchors == 0 || r.Sealed == 0 || r.Lines < 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// regroup applies rules, and stores what is left of a finding that leaves its group
// while findings are assigned under them.
func regroup(t *testing.T, db *store.DB, s *store.Store) error {
	if _, err := rules.New(db.Base(), "default", noon).Apply(t.Context(), rules.Change{Text: texts()[2], Author: "platform-admin", Note: texts()[1]}); err != nil {
		return err
	}
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon()}
	_, err := s.Ingest(t.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		f := finding.Finding{FindingKey: finding.NewKey("test", "7"), Kind: finding.Cost, SourceSystem: "test", Title: "7", ResourceID: "7", Detection: finding.Present}
		return p, door.Put(rule.Place(&f, finding.Sighting{Detection: finding.Present, Since: noon()}, together(&f), 1))
	})
	return err
}

// together is rules under which all findings are in one group, and in another too.
func together(*finding.Finding) []rule.Assignment {
	return []rule.Assignment{{Rule: "one", Group: rule.NewGroupKey("one")}, {Rule: "too", Group: rule.NewGroupKey("too")}}
}

// come stores somebody who uses cxm, and how they came in.
func come(t *testing.T, db *store.DB) error {
	s := people.New(db.Base())
	id := signin.Identity{Issuer: "https://id.example.com", Subject: texts()[2], Email: "engineer@example.com", Verified: true, Name: texts()[2], Grants: []signin.Grant{{Tenant: "default", Role: "member"}}}
	got, err := s.Federate(t.Context(), id, noon())
	if err != nil {
		return err
	}
	_, err = s.Begin(t.Context(), signin.Session{Person: got.Person.ID, Generation: got.Person.Generation, Address: "192.0.2.7", Agent: texts()[2], BegunAt: noon(), EndsAt: noon()}, "session")
	if err != nil {
		return err
	}
	if _, err = s.AddToken(t.Context(), signin.Token{Tenant: "default", Name: texts()[2], MadeAt: noon(), EndsAt: noon()}, "token"); err != nil {
		return err
	}
	if _, err = s.AddLink(t.Context(), signin.Link{Kind: signin.LinkSetup, MadeAt: noon(), EndsAt: noon()}, "link", false); err != nil {
		return err
	}
	_, err = s.Attempt(t.Context(), signin.Keys("engineer@example.com", "192.0.2.7", false), noon())
	return err
}

// earlier is a row of a table that only the version before writes.
func earlier(t *testing.T, d *store.DB, integration int64) error {
	return d.Base().Write(t.Context(), database.Change{Do: func(ctx context.Context, tx storedb.DBTX) error {
		_, err := tx.ExecContext(ctx, "insert into credentials (integration_id, tenant, sealed, scopes, token_id, token_name) values ($1, 'default', $2, 'null', 0, '')", integration, []byte{0})
		return err
	}})
}

func versions(t *testing.T, s *store.Store) map[rule.GroupKey]int64 {
	t.Helper()
	out := map[rule.GroupKey]int64{}
	if err := s.Groups(t.Context(), true, func(g rule.Group, _ []issue.Tracked) error { out[g.Key] = g.Version; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// content is what a store says that it holds.
type content struct {
	Installation string
	Integrations []integration.Integration
	Sealed       []byte
	Token        credential.Token
	Groups       []rule.Group
	Issues       [][]issue.Tracked
	Journal      []plan.Entry
	Summary      store.Summary
	Breakers     breaker.Set
	Delivery     store.Delivery
}

func same(t *testing.T, want, got content) {
	t.Helper()
	if reflect.DeepEqual(want, got) { // cmp takes seconds for as much
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the copy differs (-from +to):\n%s", diff)
	}
}

// read reads everything through the store; versions of groups are left out, as
// marking raises them.
func read(t *testing.T, o store.Options) content {
	t.Helper()
	db, s := tenant(t, o)
	defer db.Close()
	var c content
	var errs [8]error
	c.Installation, errs[0] = s.Installation(t.Context())
	c.Integrations, errs[1] = s.Integrations(t.Context())
	_, c.Sealed, c.Token, errs[2] = s.Integration(t.Context(), c.Integrations[0].ID)
	errs[3] = s.Groups(t.Context(), true, func(g rule.Group, issues []issue.Tracked) error {
		g.Version = 0
		c.Groups, c.Issues = append(c.Groups, g), append(c.Issues, issues)
		return nil
	})
	c.Summary, errs[4] = s.Summary(t.Context())
	c.Journal, errs[5] = s.Journal(t.Context(), 1)
	c.Summary.LastRun = plan.Run{} // a copy ends it
	c.Breakers, errs[6] = s.Breakers(t.Context(), c.Integrations[0].ID)
	c.Delivery, errs[7] = s.NextDelivery(t.Context(), "test", "one")
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// goesOn works with a copy: all is dirty, and new rows get ids of their own.
func goesOn(t *testing.T, o store.Options, in int64) {
	t.Helper()
	db, s := tenant(t, o)
	open, err := s.OpenRuns(t.Context(), in)
	if err != nil || len(open) != 0 {
		t.Errorf("runs are under way in the copy, whose jobs are not: %+v (%v)", open, err)
	}
	total, dirty, err := s.CountGroups(t.Context())
	if err != nil || total != dirty || total == 0 {
		t.Errorf("%d of %d groups are marked (%v)", dirty, total, err)
	}
	ruled := rules.New(db.Base(), "default", noon)
	if a, err := ruled.Assigned(t.Context()); err != nil || a.Done || a.Revision != 1 {
		t.Errorf("the findings of the copy are %+v (%v)", a, err)
	}
	if err := ruled.Reassign(t.Context(), 1, together, 100); err != nil {
		t.Error(err)
	}
	if g, _, err := s.Group(t.Context(), rule.NewGroupKey("too")); err != nil || len(g.Members) != 800 {
		t.Errorf("the group of all has %d members (%v)", len(g.Members), err)
	}
	r, _, err := s.BeginRun(t.Context(), plan.Run{StartedAt: noon()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("new"), Nonce: "new"}); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Intend(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("1"), Nonce: "again"}); !errors.Is(err, store.ErrAlreadyIntended) {
		t.Errorf("a group that has an issue: %v", err)
	}
}

func TestCopyRefusesATargetThatHoldsSomething(t *testing.T) {
	for name, kind := range map[string]func(t *testing.T) place{"SQLite": func(*testing.T) place { return file }, "PostgreSQL": server} {
		t.Run(name, func(t *testing.T) {
			from, to := file(t), kind(t)(t)
			furnish(t, from)
			_, s := tenant(t, to)
			mine, err := s.Installation(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = transfer.Copy(t.Context(), open(t, from), open(t, to), true)
			if !errors.Is(err, transfer.ErrNotEmpty) || !strings.Contains(err.Error(), "installations") {
				t.Errorf("the error is %v", err)
			}
			if now, err := s.Installation(t.Context()); err != nil || now != mine {
				t.Errorf("the target changed (%v)", err)
			}
		})
	}
}

// TestCopyNoticesRowsThatArriveOtherwise has the target change what it is given:
// nothing is kept.
func TestCopyNoticesRowsThatArriveOtherwise(t *testing.T) {
	from, to := file(t), file(t)
	furnish(t, from)
	target := open(t, to)
	raw, err := sql.Open("sqlite", to.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("create trigger spoils after insert on runs begin update runs set why = 'spoilt' where id = new.id; end"); err != nil {
		t.Fatal(err)
	}
	_, err = transfer.Copy(t.Context(), open(t, from), target, true)
	if err == nil || !strings.Contains(err.Error(), "table runs") || !strings.Contains(err.Error(), "nothing was kept") {
		t.Errorf("the error is %v", err)
	}
	counts, err := transfer.Counts(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range counts {
		if table.Rows != 0 {
			t.Errorf("%d rows of %s were kept", table.Rows, table.Name)
		}
	}
}

// TestCopyIsOfOneMoment copies while somebody writes.
func TestCopyIsOfOneMoment(t *testing.T) {
	for name, kind := range map[string]func(t *testing.T) place{"SQLite": func(*testing.T) place { return file }, "PostgreSQL": server} {
		t.Run(name, func(t *testing.T) {
			from, to := kind(t)(t), file(t)
			in := furnish(t, from)
			db, s := tenant(t, from)
			if err := rules.New(db.Base(), "default", noon).Reassign(t.Context(), 1, together, 100); err != nil {
				t.Fatal(err) // nothing is intended before
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan int)
			go func() {
				n := 0
				for ctx.Err() == nil {
					r, _, err := s.BeginRun(ctx, plan.Run{StartedAt: noon()}, nil)
					if err == nil {
						_, _, err = s.Intend(ctx, plan.Entry{Run: r.ID, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint("w", n)), Nonce: fmt.Sprint("w", n)})
					}
					if err == nil {
						n++
					}
				}
				ended <- n
			}()
			copyAll(t, from, to, false) // a journal's row without its run would be refused
			stop()
			if n := <-ended; n == 0 {
				t.Error("nothing was written meanwhile: the test proves nothing")
			}
		})
	}
}

func TestSnapshotLeavesTheSourceAlone(t *testing.T) {
	from := file(t)
	furnish(t, from)
	before, err := os.ReadFile(from.Path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "snapshot.db")
	if err := database.Snapshot(t.Context(), from.Path, to); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(from.Path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the source was written to (%v)", err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the snapshot has mode %v (%v)", info.Mode(), err)
	}
	same(t, read(t, from), read(t, store.Options{Path: to}))
	if err := database.Snapshot(t.Context(), filepath.Join(t.TempDir(), "absent.db"), to+"2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}

// TestCopyFromAnEarlierSchema: a backup that an earlier cxm made is brought up to
// date on its way, and stays as it is.
func TestCopyFromAnEarlierSchema(t *testing.T) {
	from := file(t)
	old, err := database.OpenAt(t.Context(), from, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"insert into installations (tenant, code) values ('default', '0123456789abcdef')",
		"insert into runs (tenant, steps, done, failed, in_doubt, skipped) values ('default', 1, 1, 0, 0, 0)",
		"insert into finding_groups (tenant, group_key, rule, version, dirty) values ('default', 'g', 'r', 1, 0)",
	} {
		if _, err := old.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "mine.db")
	if err := database.Snapshot(t.Context(), from.Path, mine); err != nil {
		t.Fatal(err)
	}
	to := server(t)(t)
	copyAll(t, store.Options{Path: mine}, to, true)
	_, s := tenant(t, to)
	runs, err := s.Runs(t.Context(), 9)
	if err != nil || len(runs) != 1 || runs[0].Done != 1 {
		t.Errorf("the runs are %v (%v)", runs, err)
	}
	d, err := database.Connect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if v, err := d.Versions(t.Context()); err != nil || v.Has != 1 || v.Knows < 2 {
		t.Errorf("the source has version %d by now (%v)", v.Has, err)
	}
	if _, err := transfer.Copy(t.Context(), d, open(t, file(t)), true); err == nil || !strings.Contains(err.Error(), "different schemas") {
		t.Errorf("two schemas: %v", err)
	}
}

package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	"cxm/internal/store/replies"
	"cxm/internal/store/reviews"
	"cxm/internal/store/rules"
	"cxm/internal/store/sources"
	"cxm/internal/store/storetest"
	"cxm/internal/store/suggestions"
	"cxm/internal/store/tenants"
	"cxm/internal/store/tokens"
	"cxm/internal/store/views"
)

// place is a new database of some kind, with cxm's tables or with something in all
// of them.
type place func(t *testing.T) store.Options

// tables are copied for every test: making them takes longer than most tests do.
var tables storetest.File

func file(t *testing.T) store.Options { return tables.New(t) }

// fresh is a file that is not there yet.
func fresh(t *testing.T) store.Options {
	return store.Options{Path: filepath.Join(t.TempDir(), "cxm.db")}
}

func server(t *testing.T) store.Options {
	return store.Options{URL: postgres.Copy(t, storetest.Migrated)}
}

// stock is a furnished database of each kind, made by the first test that wants it
// and copied for each.
type stock struct {
	inFile, onServer sync.Once
	text             []byte // the SQLite file
	url              string // of the PostgreSQL database
}

var furnished stock

const unfurnished = "no furnished database: see the test that was to make it"

// file is a copy of the SQLite file.
func (s *stock) file(t *testing.T) store.Options {
	s.inFile.Do(func() {
		o := file(t)
		shut(t, furnish(t, o))
		text, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		s.text = text
	})
	if s.text == nil {
		t.Fatal(unfurnished)
	}
	o := fresh(t)
	if err := os.WriteFile(o.Path, s.text, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// server is a copy of the PostgreSQL database, which outlives the test that made it.
func (s *stock) server(t *testing.T) store.Options {
	pg := postgres.Server(t)
	s.onServer.Do(func() {
		name, err := pg.Create()
		if err == nil {
			err = storetest.Migrated(pg.URL(name))
		}
		if err != nil {
			t.Fatal(err)
		}
		shut(t, furnish(t, store.Options{URL: pg.URL(name)}))
		s.url = pg.URL(name)
	})
	if s.url == "" {
		t.Fatal(unfurnished)
	}
	return store.Options{URL: pg.Clone(t, s.url)}
}

// shut closes a database that is to be copied as it lies there.
func shut(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// texts are what breaks copies that take a detour through another form.
func texts() []string {
	return []string{"plain", "it's; drop table findings; --", "Größe, 大きさ, 🧊", "tab\t line\n \\N \\. \"", `{"a":"\u0000"}`, "", strings.Repeat("long ", 100_000)}
}

// furnish stores something of everything, and more findings than one statement
// takes. The database is open until the test ends.
func furnish(t *testing.T, o store.Options) *store.DB {
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
	return db
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

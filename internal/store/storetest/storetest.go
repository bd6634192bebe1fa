// Package storetest says what a store does, whatever database it is on: one
// suite that runs on each.
//
// What always holds: it uses nothing but the store's exported names, so that a
// database passes or fails as a whole.
package storetest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// Run holds the databases that open makes to the behaviour of a store. open
// returns an empty one each time and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) *store.DB) {
	for _, part := range [][]scenario{ingests(), groupings(), tracking(), finds(), journals(), connections(), apart(), limits(), heldRuns(), budgets(), shared(), routes(), regroupings()} {
		for _, s := range part {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				db := open(t)
				s.run(&bench{T: t, ctx: t.Context(), db: db, Store: db.Tenant("default")})
			})
		}
	}
}

// scenario is one behaviour.
type scenario struct {
	name string
	run  func(*bench)
}

// bench is a test with a store on it.
type bench struct {
	*testing.T
	*store.Store
	ctx context.Context
	db  *store.DB
}

// ok ends the test when something that must work did not.
func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// same compares got with want.
func (b *bench) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// noon is when things happen here.
func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// disk is a finding about disk number i.
func disk(i int) finding.Finding {
	return finding.Finding{
		FindingKey: finding.NewKey("test", fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "test",
		Title: fmt.Sprintf("Delete disk %d", i), ResourceID: fmt.Sprintf("disk-%d", i), SubAccountID: fmt.Sprintf("account-%d", i%3),
		EstimatedMonthlySavings: money.Known(decimal.New(int64(i), -2)), BillingCurrency: "USD", Detection: finding.Present,
	}
}

// place puts a finding into the group it belongs to by default.
func place(f finding.Finding) rule.Placed {
	assigned := rule.Set{}.Assign(&f)[0]
	return rule.Placed{
		Finding: &f, Group: assigned.Group, Rule: assigned.Rule,
		Sighting: finding.Sighting{Detection: f.Detection, Digest: f.Digest(), Since: noon()},
	}
}

// groupOf is the group of disk number i.
func groupOf(i int) rule.GroupKey { return place(disk(i)).Group }

// pulled is a pull of the scope that tests use.
func pulled() finding.Pull { return finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon()} }

// put takes findings in.
func (b *bench) put(placed ...rule.Placed) finding.Pull {
	b.Helper()
	return b.putIn(pulled(), placed...)
}

func (b *bench) putIn(p finding.Pull, placed ...rule.Placed) finding.Pull {
	b.Helper()
	take := func() (finding.Pull, error) {
		return b.Ingest(b.ctx, p, func(in rule.Intake) (finding.Pull, error) {
			for _, one := range placed {
				if err := in.Put(one); err != nil {
					return p, err
				}
			}
			return p, nil
		})
	}
	done, err := take()
	if err != nil && strings.Contains(err.Error(), "SQLSTATE 40001") { // it was streamed, so only its sender can send it again
		done, err = take()
	}
	b.ok(err)
	return done
}

// known is what is remembered of a scope, without the times: see since.
func (b *bench) known(p finding.Pull) map[finding.Key]finding.Sighting {
	b.Helper()
	return maps.Collect(b.intake(p).Known.Missing())
}

// intake is what Ingest hands out for a scope.
func (b *bench) intake(p finding.Pull) rule.Intake {
	b.Helper()
	var got rule.Intake
	_, err := b.Ingest(b.ctx, p, func(in rule.Intake) (finding.Pull, error) {
		got = in
		return p, nil
	})
	b.ok(err)
	return got
}

// seen is one group as Groups yielded it.
type seen struct {
	Group  rule.Group
	Issues []issue.Tracked
}

// groups collects what Groups yields.
func (b *bench) groups(all bool) []seen {
	b.Helper()
	var out []seen
	b.ok(b.Groups(b.ctx, all, func(g rule.Group, issues []issue.Tracked) error {
		out = append(out, seen{g, issues})
		return nil
	}))
	return out
}

// settle settles everything as it is now.
func (b *bench) settle() {
	b.Helper()
	b.ok(b.Settle(b.ctx, 0, b.versions()))
}

// versions are the groups' versions as they are now.
func (b *bench) versions() map[rule.GroupKey]int64 {
	b.Helper()
	out := map[rule.GroupKey]int64{}
	for _, g := range b.groups(true) {
		out[g.Group.Key] = g.Group.Version
	}
	return out
}

// dirty lists the keys of the dirty groups.
func (b *bench) dirty() []rule.GroupKey {
	b.Helper()
	var out []rule.GroupKey
	for _, g := range b.groups(false) {
		out = append(out, g.Group.Key)
	}
	return out
}

// connect stores an integration with project number project.
func (b *bench) connect(project int64) integration.Integration {
	b.Helper()
	in := integration.Integration{
		Provider: integration.GitLab, URL: "https://gitlab.example.com",
		Project: integration.Project{ID: project, Path: fmt.Sprintf("acme/project-%d", project)}, CreatedAt: noon(),
	}
	in, err := b.AddIntegration(b.ctx, in, credential.Token{}, func(id int64) ([]byte, error) { return fmt.Appendf(nil, "sealed for %d", id), nil })
	b.ok(err)
	return in
}

// begin begins a run.
func (b *bench) begin() plan.Run {
	b.Helper()
	r, _, err := b.BeginRun(b.ctx, plan.Run{StartedAt: noon()}, nil)
	b.ok(err)
	return r
}

// nonce is number i in the form of a nonce.
func nonce(i int) string { return fmt.Sprintf("%026d", i) }

// intend intends to create the issue of disk number i.
func (b *bench) intend(in integration.Integration, r plan.Run, i int) (plan.Entry, issue.Tracked) {
	b.Helper()
	e, tracked, err := b.Intend(b.ctx, creation(r, i), toCreate(in, i))
	b.ok(err)
	return e, tracked
}

func creation(r plan.Run, i int) plan.Entry {
	return plan.Entry{Run: r.ID, Seq: i, Verb: plan.Create, Reason: "new", WroteAt: noon()}
}

func toCreate(in integration.Integration, i int) issue.Tracked {
	return issue.Tracked{Integration: in.ID, Group: groupOf(i), Nonce: nonce(i), SentAt: noon()}
}

// create makes the issue of disk number i, with i as its IID.
func (b *bench) create(in integration.Integration, r plan.Run, i int) issue.Tracked {
	b.Helper()
	e, tracked := b.intend(in, r, i)
	tracked.Phase = issue.Live
	tracked.Observed = issue.Observed{ID: int64(1000 + i), ProjectID: in.Project.ID, IID: int64(i), State: issue.Opened}
	e.Outcome = plan.Done
	b.ok(b.Record(b.ctx, e, tracked, 0))
	tracked.Rev++
	return tracked
}

// fill gives every exported field of the struct that v points to a value that is
// not its zero value, so that a field nobody stores is noticed.
func fill(v any) { fillValue(reflect.ValueOf(v).Elem(), 1) }

func fillValue(v reflect.Value, n int64) int64 {
	n++
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = noon().Add(time.Duration(n) * time.Hour)
		return n
	case *decimal.NullDecimal:
		*value = money.Known(decimal.New(n, -3))
		return n
	case *finding.Digest:
		*value = finding.Digest{byte(n), 0xff, 0x00}
		return n
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			n = fillValue(field, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		n = fillValue(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		n = fillValue(v.Index(0), n)
		n = fillValue(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": fmt.Sprint(n)}))
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", n))
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(n)
	}
	return n
}

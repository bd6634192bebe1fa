package storetest

import (
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func apart() []scenario {
	return []scenario{
		{"a tenant sees nothing of another", seesNothing},
		{"a tenant changes nothing of another", changesNothing},
		{"tenants may have the same findings", sameFindings},
	}
}

// furnished stores something of everything for a tenant.
func furnished(b *bench) (integration.Integration, plan.Entry, issue.Tracked) {
	b.Helper()
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)))
	b.create(in, r, 2)
	e, tracked := b.intend(in, r, 1)
	b.ok(b.Observe(b.ctx, in.ID, 1, nil, noon()))
	return in, e, tracked
}

// as is the bench of another tenant in the same database.
func (b *bench) as(tenant string) *bench {
	return &bench{T: b.T, ctx: b.ctx, db: b.db, Store: b.db.Tenant(tenant)}
}

func seesNothing(b *bench) {
	in, e, _ := furnished(b)
	other := b.as("other")
	b.same("known", 0, len(other.known(pulled())))
	b.same("accounts", 0, len(other.intake(pulled()).Accounts))
	b.same("groups", 0, len(other.groups(true))+len(other.groups(false)))
	total, dirty, err := other.CountGroups(b.ctx)
	b.ok(err)
	b.same("count", 0, total+dirty)
	all, err := other.Integrations(b.ctx)
	b.ok(err)
	b.same("integrations", 0, len(all))
	if _, _, _, err := other.Integration(b.ctx, in.ID); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("integration: %v", err)
	}
	b.same("unsettled", 0, len(other.unsettled(in.ID)))
	got, err := other.Find(b.ctx, in.ID, 1, []int64{2}, []string{nonce(1)})
	b.ok(err)
	b.same("found", 0, len(got))
	at, err := other.Watermark(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("watermark", true, at.IsZero())
	projects, err := other.Projects(b.ctx, in.ID)
	b.ok(err)
	b.same("projects", 0, len(projects))
	b.same("journal", 0, len(other.journal(e.Run)))
	runs, err := other.Runs(b.ctx, 9)
	b.ok(err)
	b.same("runs", 0, len(runs))
	mine, err := b.Installation(b.ctx)
	b.ok(err)
	theirs, err := other.Installation(b.ctx)
	b.ok(err)
	b.same("the same installation", false, mine == theirs)
	sum, err := b.as("third").Summary(b.ctx)
	b.ok(err)
	b.same("summary", 0, len(sum.Issues)+len(sum.Findings)+len(sum.Savings)+len(sum.Pulls)+int(sum.LastRun.ID))
}

func changesNothing(b *bench) {
	in, e, tracked := furnished(b)
	before, sum := b.groups(true), b.sum()
	other := b.as("other")
	attempts := map[string]func() error{
		"update an integration": func() error { return other.UpdateIntegration(b.ctx, in, []byte("theirs"), credential.Token{}) },
		"miss a finding": func() error {
			_, err := other.Ingest(b.ctx, pulled(), func(door rule.Intake) (finding.Pull, error) {
				return pulled(), door.Miss(disk(1).FindingKey, finding.Sighting{Detection: finding.Absent})
			})
			return err
		},
		"intend a create there": func() error {
			_, _, err := other.Intend(b.ctx, creation(other.begin(), 1), toCreate(in, 3))
			return err
		},
		"write into its journal": func() error {
			_, _, err := other.Intend(b.ctx, e, toCreate(other.connect(5), 3))
			return err
		},
		"intend a change": func() error {
			_, _, err := other.Intend(b.ctx, plan.Entry{Run: other.begin().ID, Verb: plan.Update}, tracked)
			return err
		},
		"record in its own journal": func() error {
			own, _, err := other.Intend(b.ctx, creation(other.begin(), 1), toCreate(other.connect(6), 4))
			b.ok(err)
			mine := tracked
			mine.Trouble = "written by another tenant"
			return other.Record(b.ctx, own, mine, 0)
		},
		"record":     func() error { return other.Record(b.ctx, e, tracked, 0) },
		"observe":    func() error { return other.Observe(b.ctx, in.ID, 1, []issue.Tracked{tracked}, noon()) },
		"watermark":  func() error { return other.Observe(b.ctx, in.ID, 1, nil, noon().Add(time.Hour)) },
		"adopt":      func() error { _, err := other.Adopt(b.ctx, found(in.ID, 4, 9)); return err },
		"finish run": func() error { return other.FinishRun(b.ctx, plan.Run{ID: e.Run, Done: 9}, "") },
	}
	for name, attempt := range attempts {
		if attempt() == nil {
			b.Errorf("%s: there is no error", name)
		}
	}
	b.ok(other.Touch(b.ctx, []rule.GroupKey{groupOf(1)}))
	b.ok(other.Settle(b.ctx, 0, b.versions()))
	b.same("groups", before, b.groups(true))
	b.same("unsettled", []issue.Tracked{tracked}, b.unsettled(in.ID))
	b.same("dirty", 1, len(b.dirty()))
	b.same("summary", sum, b.sum())
	b.same("journal", 2, len(b.journal(e.Run)))
	b.sameIntegration(in, fmt.Appendf(nil, "sealed for %d", in.ID), credential.Token{})
	at, err := b.Watermark(b.ctx, in.ID, 1)
	b.ok(err)
	b.same("watermark", noon(), at)
}

func (b *bench) sum() store.Summary {
	b.Helper()
	sum, err := b.Summary(b.ctx)
	b.ok(err)
	return sum
}

func sameFindings(b *bench) {
	other := b.as("other")
	b.put(place(disk(1)))
	theirs := disk(1)
	theirs.Title = "Theirs"
	other.put(place(theirs))
	b.same("mine", disk(1).Title, b.groups(true)[0].Group.Members[0].Finding.Title)
	b.same("theirs", "Theirs", other.groups(true)[0].Group.Members[0].Finding.Title)
	b.connect(1)
	other.connect(1)
}

// Package backlog tells of what waits under budgets: it takes in, as findings of
// cxm's own, one digest for each project, which goes the way of every finding to
// one issue in that project.
//
// What always holds: a digest is one finding for good, so it is one issue for good;
// which group it is, is kept before the finding is taken in, so that no budget
// counts its issue; what was told within a day is not told anew.
package backlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/backlog"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/digests"
)

// Teller tells of what waits in the projects of one integration. It is a
// reconcile.Backlogs, and safe for concurrent use.
type Teller struct {
	core         *core.Core
	digests      *digests.Store
	integration  int64
	installation string
}

// New makes the teller of an integration. Findings are taken in under the rules in
// force.
func New(c *core.Core, integration int64, installation string) *Teller {
	return &Teller{core: c, digests: digests.New(c.DB.Base(), c.Tenant), integration: integration, installation: installation}
}

// digest is what is to be told of one project.
type digest struct {
	about    finding.Backlog
	list     backlog.List
	resolved bool // nothing waits any more
}

// Take implements reconcile.Backlogs. Two who do so at once tell the same.
func (t *Teller) Take(ctx context.Context, p plan.Plan, l plan.Limits, now time.Time) ([]rule.GroupKey, error) {
	due, err := t.due(ctx, plan.Digests(p, l), now)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	groups := map[int64]rule.GroupKey{}
	for _, d := range due {
		groups[d.about.Project] = t.group(d.about)
	}
	if err := t.digests.Add(ctx, t.integration, groups); err != nil {
		return nil, err
	}
	events, err := t.events(due)
	if err != nil {
		return nil, err
	}
	in := reconcile.Delivery{
		Type: source.CloudEvents, Scope: fmt.Sprintf("cxm-backlog-%d", t.integration),
		Inputs: []source.Input{{Name: "cxm", Reader: bytes.NewReader(events)}}, Options: source.Options{Own: true},
	}
	if _, _, err := t.core.Ingest(ctx, in); err != nil {
		return nil, fmt.Errorf("taking in what waits: %w", err)
	}
	return slices.Sorted(maps.Values(groups)), nil
}

// group is the group of a digest.
func (t *Teller) group(of finding.Backlog) rule.GroupKey {
	a, _ := rule.BacklogAssignment(&finding.Finding{
		FindingKey: of.Key(t.installation), SourceSystem: finding.OwnSystem, SourceRuleID: finding.BacklogRule, ResourceID: of.Resource(t.installation),
	}, true)
	return a.Group
}

// due lists the digests that have to be told, ordered by project.
func (t *Teller) due(ctx context.Context, waits map[int64][]plan.Line, now time.Time) ([]digest, error) {
	known, err := t.digests.Known(ctx, t.integration)
	if err != nil {
		return nil, err
	}
	projects := slices.AppendSeq(slices.Collect(maps.Keys(known)), maps.Keys(waits))
	slices.Sort(projects)
	var out []digest
	for _, project := range slices.Compact(projects) {
		d := digest{about: finding.Backlog{Integration: t.integration, Project: project}, list: backlog.New(lines(waits[project]))}
		was, err := t.was(ctx, d.about, known[project] != "")
		if err != nil {
			return nil, err
		}
		if what := Due(d.list, was, now); what != Nothing {
			d.resolved = what == Resolve
			out = append(out, d)
		}
	}
	return out, nil
}

// lines are those of a plan as the issue shows them.
func lines(waits []plan.Line) []backlog.Line {
	out := make([]backlog.Line, len(waits))
	for i, l := range waits {
		out[i] = backlog.Line{Group: string(l.Group), Title: l.Title, Savings: l.Savings, Currency: l.Currency, Since: l.Since.UTC(), Why: l.Why, Next: l.Next.UTC()}
	}
	return out
}

// was is what was told before; the zero value: nothing.
func (t *Teller) was(ctx context.Context, of finding.Backlog, known bool) (Told, error) {
	if !known {
		return Told{}, nil
	}
	g, have, err := t.core.Store.Group(ctx, t.group(of))
	if errors.Is(err, store.ErrNotFound) { // written down, and not taken in before the process ended
		return Told{}, nil
	}
	if err != nil {
		return Told{}, fmt.Errorf("reading what was told of project %d: %w", of.Project, err)
	}
	told := Told{Present: g.Detection() == finding.Present}
	if told.List, err = backlog.Decode(g.Members[0].Finding.Description); err != nil {
		told.List = backlog.List{} // it is told anew
	}
	for _, i := range have {
		if i.Integration == t.integration && i.Phase != issue.Retired && i.Phase != issue.Duplicate {
			told.Closed = i.Observed.State == issue.Closed && i.Override == issue.Closed
			told.At = i.Written.At
		}
	}
	return told, nil
}

// events are the CloudEvents that carry digests.
func (t *Teller) events(due []digest) ([]byte, error) {
	var out []map[string]any
	now := t.core.Clock().UTC()
	for _, d := range due {
		text, err := d.list.Encode()
		if err != nil {
			return nil, err
		}
		how, title := "observed", d.list.Title()
		if d.resolved {
			how, title = "resolved", "Nothing waits for its turn any more"
		}
		out = append(out, map[string]any{
			"specversion": "1.0", "id": fmt.Sprintf("%s-%d-%d-%d", finding.BacklogRule, d.about.Integration, d.about.Project, now.UnixMicro()),
			"source": "/cxm/" + t.installation, "type": "cxm.backlog.finding." + how + ".v1",
			"subject": fmt.Sprintf("integration-%d-project-%d", d.about.Integration, d.about.Project), "time": now.Format(time.RFC3339Nano),
			"data": map[string]any{
				"FindingKey": d.about.Key(t.installation), "Kind": finding.Custom, "FindingClass": finding.CustomEvent,
				"SourceSystem": finding.OwnSystem, "SourceRuleId": finding.BacklogRule, "SeverityId": finding.SeverityUnknown,
				"Title": title, "Description": text, "ResourceId": d.about.Resource(t.installation),
			},
		})
	}
	return json.Marshal(out)
}

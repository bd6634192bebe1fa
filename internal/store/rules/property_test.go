package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/regroup"
	"cxm/internal/store/rules"
)

// groupings are rules to draw from.
func groupings() []grouping {
	small := func(f *finding.Finding) bool { return number(f)%4 == 0 }
	some := func(f *finding.Finding) string {
		if number(f)%3 == 0 {
			return ""
		}
		return team(f)
	}
	return []grouping{
		{name: "alone", by: alone},
		{name: "mod 2", by: mod(2)},
		{name: "mod 2 under all", by: mod(2), over: all},
		{name: "alone under some", by: alone, also: mod(3), over: some, ignore: small},
		{name: "mod 3 under teams", by: mod(3), over: team},
		{name: "mod 3", by: mod(3), also: all},
		{name: "all", by: all},
		{name: "team", by: team, also: mod(2)},
		{name: "team of few", by: team, ignore: small},
		{name: "mod 2 of few", by: mod(2), also: some, ignore: small},
		{name: "none", by: alone, ignore: func(*finding.Finding) bool { return true }},
	}
}

// TestProperty draws what happens: findings come, change and go; rules are applied,
// some before others came to their end, and processes crash; pulls come that were
// read under rules from before; issues are made and closed. Whenever the findings
// are assigned, all of what this package promises holds.
func TestProperty(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		var bomb mine
		o.Failpoint = bomb.step
		db := open(t, o)
		runs := 0
		rapid.Check(t, func(r *rapid.T) {
			runs++
			m := &model{T: r, bed: newBed(t, db, fmt.Sprint("tenant ", runs)), bomb: &bomb, findings: map[int]finding.Finding{}}
			m.old, m.oldAt = m.assign, 0
			r.Repeat(map[string]func(*rapid.T){
				"ingest":   m.ingest,
				"late":     m.late,
				"apply":    m.change,
				"crash":    m.crash,
				"reassign": func(*rapid.T) { m.reassign() },
				"create":   m.issue,
				"close":    m.close,
				"":         m.check,
			})
			m.reassign()
			m.holds(r, m.findings)
		})
	})
}

// model is what must be.
type model struct {
	*rapid.T
	*bed
	bomb     *mine
	findings map[int]finding.Finding
	old      func(*finding.Finding) []rule.Assignment // the rules before
	oldAt    int64
}

func (m *model) some(r *rapid.T) (out []finding.Finding) {
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(1, 9), 1, 5, rapid.ID[int]).Draw(r, "disks") {
		f := disk(i, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "team"))
		m.findings[i] = f
		out = append(out, f)
	}
	return out
}

func (m *model) ingest(r *rapid.T) { ok(r, m.put(m.some(r)...)) }

func (m *model) late(r *rapid.T) { ok(r, m.putUnder(m.oldAt, m.old, nil, m.some(r)...)) }

func (m *model) change(r *rapid.T) {
	g := rapid.SampledFrom(groupings()).Draw(r, "rules")
	m.old, m.oldAt = m.assign, m.at
	m.apply(g.name, g.assign)
}

func (m *model) crash(r *rapid.T) {
	m.bomb.set(rapid.IntRange(1, 20).Draw(r, "at"))
	crashing(m.reassign)
	m.bomb.set(0)
}

// issue makes one for a group that has none, or is refused while it must be.
func (m *model) issue(r *rapid.T) {
	groups := m.everything(r)
	var keys []rule.GroupKey
	for key, g := range groups {
		if g.active() == 0 && g.Left == nil && g.Ignored == "" {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	now, err := m.rules.Assigned(m.t.Context())
	ok(r, err)
	_, err = m.create(rapid.SampledFrom(keys).Draw(r, "group"))
	if refused := errors.Is(err, store.ErrStale); refused == now.Done || err != nil && !refused {
		r.Fatalf("with %+v a create is %v", now, err)
	}
}

// close closes an issue, or opens it, as a look sees it.
func (m *model) close(r *rapid.T) {
	var all []issue.Tracked
	for _, g := range m.everything(r) {
		all = append(all, g.issues...)
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b issue.Tracked) int { return int(a.ID - b.ID) })
	t := rapid.SampledFrom(all).Draw(r, "issue")
	t.Observed.State = rapid.SampledFrom([]issue.State{issue.Opened, issue.Closed}).Draw(r, "state")
	ok(r, m.Observe(m.t.Context(), m.in.ID, 7, []issue.Tracked{t}, noon()))
}

// check holds whatever happened, once the findings are assigned.
func (m *model) check(r *rapid.T) {
	now, err := m.rules.Assigned(m.t.Context())
	ok(r, err)
	switch {
	case now.Done:
		m.holds(r, m.findings)
	case now.Stage == regroup.Clean: // whose issue goes where is decided
		for key, g := range m.everything(r) {
			m.left[key] = g.Left != nil && g.active() != 0
		}
	}
}

// TestAtOnce lets several processes take findings in under the rules that they
// know, apply rules, assign findings and make issues, all at once.
func TestAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		all := groupings()
		b.assign = all[0].assign
		ok(t, b.put(disks(1, 60)...))
		b.make(disks(1, 60))
		known := []*store.DB{b.db, open(t, o)}
		var wait sync.WaitGroup
		var ended atomic.Bool
		under := func(r rules.Revision) func(*finding.Finding) []rule.Assignment {
			for _, g := range all {
				if fmt.Sprint(r.Number, " ", g.name) == r.Text {
					return g.assign
				}
			}
			return all[0].assign
		}
		for i, db := range known {
			mine := rules.New(db.Base(), "default", noon)
			puller := *b
			puller.Store = db.Tenant("default")
			wait.Go(func() { // takes findings in, under rules that may be others by the time they are stored
				for n := range 6 {
					now, err := mine.Current(t.Context())
					ok(t, err)
					changed := disks(1+30*i, 30+30*i)
					for j := range changed {
						changed[j].Title = fmt.Sprint(n)
					}
					ok(t, puller.putUnder(now.Number, under(now), func() {
						if i == 1 && b.db.SQL() == nil { // on SQLite nobody else writes meanwhile
							if _, err := mine.Apply(t.Context(), rules.Change{Text: "refused", Expected: -1}); err == nil {
								t.Error("rules were applied on top of what never was")
							}
						}
					}, changed...))
				}
			})
			wait.Go(func() { // assigns, until nothing more is applied
				for {
					last := ended.Load()
					now, err := mine.Current(t.Context())
					ok(t, err)
					err = mine.Reassign(t.Context(), now.Number, under(now), 7)
					if err != nil && !errors.Is(err, rules.ErrOtherRevision) {
						t.Error(err)
					}
					if last {
						return
					}
				}
			})
		}
		wait.Go(func() {
			defer ended.Store(true)
			for n := range 5 {
				_, err := b.rules.Apply(t.Context(), rules.Change{Text: fmt.Sprint(n+1, " ", all[n+1].name), Expected: int64(n)})
				ok(t, err)
			}
		})
		wait.Wait()
		b.at, b.assign, b.left = 5, all[5].assign, nil
		b.reassign()
		b.holds(t, byNumber(disks(1, 60)))
	})
}

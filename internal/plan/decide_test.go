package plan_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

var (
	day1 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	mark = issue.Marker{Installation: strings.Repeat("a", 16), Nonce: strings.Repeat("n", 26)}
)

// member is one finding about one disk.
func member(source, savings string, d finding.Detection, absences int) rule.Member {
	f := finding.Finding{
		FindingKey: finding.NewKey("test", source), Kind: finding.Cost, SourceSystem: source, Title: "Upgrade vol-0123456789abcdef0",
		ActionType: "Upgrade", ResourceID: "vol-0123456789abcdef0", ResourceType: "EbsVolume", SeverityID: finding.Low, Detection: finding.Present,
	}
	if savings != "" {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(decimal.RequireFromString(savings)), "USD"
	}
	return rule.Member{Finding: f, Sighting: finding.Sighting{Detection: d, Absences: absences, Since: day1}}
}

func group(members ...rule.Member) rule.Group {
	slices.SortFunc(members, func(a, b rule.Member) int {
		return strings.Compare(string(a.Finding.FindingKey), string(b.Finding.FindingKey))
	})
	return rule.Group{Key: rule.NewGroupKey("disk"), Version: 3, Members: members}
}

// existing is the issue that cxm made for the group, as GitLab shows it.
func existing(g rule.Group, edit ...func(*issue.Tracked)) issue.Tracked {
	want := issue.Render(g)
	marker := mark
	marker.Group = g.Key
	draft := issue.Compose(want, marker, "")
	t := issue.Intend(1, 7, marker.Nonce, want, "")
	t.ID, t.Rev = 11, 1
	t = t.Wrote(want, "", true, issue.Observed{
		ID: 101, ProjectID: 7, IID: 12, WebURL: "https://gitlab.example.com/12", Title: draft.Title, Description: draft.Description, Labels: draft.Labels,
		State: issue.Opened, CreatedAt: day1, UpdatedAt: day1,
	})
	for _, e := range edit {
		e(&t)
	}
	return t
}

// see lets a person change the issue.
func see(change func(*issue.Observed)) func(*issue.Tracked) {
	return func(t *issue.Tracked) {
		o := t.Observed
		change(&o)
		o.UpdatedAt = o.UpdatedAt.Add(time.Hour)
		*t = t.Seen(o)
	}
}

// reopenedByCxm is a reopening that cxm wrote, as its last write.
func reopenedByCxm(at time.Time) func(*issue.Tracked) {
	return func(t *issue.Tracked) {
		t.Written.Status, t.Written.At = "**Reopened by cxm** on 2026-02-28: back.", at
	}
}

// closedByCxm is a close that cxm wrote.
func closedByCxm(at time.Time) func(*issue.Tracked) {
	return func(t *issue.Tracked) {
		o := t.Observed
		o.State, o.ClosedAt, o.UpdatedAt = issue.Closed, at, at
		t.Written.State, t.Observed = issue.Closed, o
	}
}

func inPhase(p issue.Phase) func(*issue.Tracked) {
	return func(t *issue.Tracked) { t.Phase = p }
}

func closedByPerson(o *issue.Observed) { o.State, o.ClosedAt = issue.Closed, day1.Add(time.Hour) }
func reopenedByPerson(o *issue.Observed) {
	o.State, o.ClosedAt = issue.Opened, time.Time{}
}

// TestDecide has a case for every row of the table at plan.Decide.
func TestDecide(t *testing.T) {
	present := group(member("aws", "43.08", finding.Present, 0))
	missedOnce := group(member("aws", "43.08", finding.Present, 1))
	gone := group(member("aws", "43.08", finding.Absent, 2))
	resolved := group(member("aws", "43.08", finding.Absent, 0))
	unknown := group(member("aws", "43.08", finding.Unknown, 0))
	dearer := group(member("aws", "60", finding.Present, 0))
	much := group(member("aws", "90", finding.Present, 0))
	unpriced := group(member("aws", "", finding.Present, 0))
	worse := group(member("aws", "", finding.Present, 0))
	worse.Members[0].Finding.SeverityID = finding.High
	flapping := group(member("aws", "43.08", finding.Present, 0))
	flapping.Members[0].Finding.SeverityID = finding.High
	cases := map[string]struct {
		group  rule.Group
		have   []issue.Tracked
		verb   plan.Verb // "" : no step at all
		reason string    // a part of it
		check  func(*testing.T, plan.Step)
	}{
		"new": {group: present, verb: plan.Create, reason: "aws reports it, and no issue says so yet"},
		"two sources": {
			group: group(member("aws", "43.08", finding.Present, 0), member("acme", "", finding.Present, 0)),
			verb:  plan.Create, reason: "2 sources report it",
		},
		"new but missing since":   {group: missedOnce, verb: plan.Nothing, reason: "missing from 1 of 2 complete snapshots"},
		"create intended":         {group: present, have: []issue.Tracked{existing(present, inPhase(issue.Intended))}, verb: plan.Nothing, reason: "in doubt"},
		"create in doubt":         {group: present, have: []issue.Tracked{existing(present, inPhase(issue.InDoubt))}, verb: plan.Nothing, reason: "in doubt"},
		"create dropped":          {group: present, have: []issue.Tracked{existing(present, inPhase(issue.Dropped))}, verb: plan.Create, reason: "no issue says so yet"},
		"cannot be seen":          {group: present, have: []issue.Tracked{existing(present, inPhase(issue.Lost))}, verb: plan.Nothing, reason: "never made again"},
		"says the same":           {group: present, have: []issue.Tracked{existing(present)}, verb: plan.Nothing, reason: "says what it should"},
		"open and missed once":    {group: missedOnce, have: []issue.Tracked{existing(present)}, verb: plan.Nothing, reason: "missing from 1 of 2"},
		"a small change of money": {group: group(member("aws", "43.50", finding.Present, 0)), have: []issue.Tracked{existing(present)}, verb: plan.Nothing, reason: "says what it should"},
		"a large change of money": {group: dearer, have: []issue.Tracked{existing(present)}, verb: plan.Update, reason: "43.08 USD", check: func(t *testing.T, s plan.Step) {
			if s.Change.Title == nil || !strings.Contains(*s.Change.Title, "60.00 USD") || s.Change.State != "" {
				t.Errorf("change = %+v", s.Change)
			}
		}},
		"a severity that follows from the amount": {group: flapping, have: []issue.Tracked{existing(present)}, verb: plan.Nothing, reason: "says what it should"},
		"severity changed":                        {group: worse, have: []issue.Tracked{existing(unpriced)}, verb: plan.Update, reason: "severity is High, was Low"},
		"a person's title and text stay": {
			group: dearer,
			have: []issue.Tracked{existing(present, see(func(o *issue.Observed) {
				o.Title, o.Description = "our words", "above\r\n"+o.Description+"\r\nbelow  "
			}))},
			verb: plan.Update, reason: "43.08 USD", check: func(t *testing.T, s plan.Step) {
				if s.Change.Title != nil {
					t.Errorf("the person's title is overwritten with %q", *s.Change.Title)
				}
				if d := *s.Change.Description; !strings.HasPrefix(d, "above\r\n<!-- cxm:begin") || !strings.HasSuffix(d, "<!-- cxm:end -->\r\nbelow  ") {
					t.Errorf("text outside the block changed: %q", d)
				}
			},
		},
		"labels people removed stay removed": {
			group: dearer, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) { o.Labels = []string{"theirs"} }))},
			verb: plan.Update, check: func(t *testing.T, s plan.Step) {
				if len(s.Change.AddLabels)+len(s.Change.RemoveLabels) > 0 {
					t.Errorf("labels are fought over: %+v", s.Change)
				}
			},
		},
		"edited inside the block": {
			group: present, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) {
				o.Description = strings.Replace(o.Description, "<!-- cxm:end", "mine<!-- cxm:end", 1)
			}))},
			verb: plan.Update, reason: "inside cxm's block",
		},
		"edited inside the block again": {
			group: present, have: []issue.Tracked{existing(present, func(t *issue.Tracked) { t.Written.Repeats = 1 }, see(func(o *issue.Observed) {
				o.Description = strings.Replace(o.Description, "<!-- cxm:end", "mine<!-- cxm:end", 1)
			}))},
			verb: plan.Nothing, reason: "left alone",
		},
		"block removed": {
			group: dearer, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) { o.Description = "all mine" }))},
			verb: plan.Nothing, reason: "removed cxm's block",
		},
		"an answered update whose answer was lost": {
			group: dearer, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) {
				o.Description, o.Title = existing(dearer).Observed.Description, existing(dearer).Observed.Title
			}))},
			verb: plan.Nothing, reason: "nothing that the issue shows", check: func(t *testing.T, s plan.Step) {
				if s.Keep == nil || s.Keep.Written.Savings.Decimal.String() != "60" || s.Keep.Written.Block != existing(dearer).Written.Block {
					t.Errorf("keep = %+v", s.Keep)
				}
			},
		},
		"back inside the window": {
			group: present, have: []issue.Tracked{existing(present, closedByCxm(day1.Add(-29*24*time.Hour)))}, verb: plan.Reopen, reason: "aws reports it again, 29 days after",
			check: func(t *testing.T, s plan.Step) {
				if s.Change.State != issue.Opened || !strings.Contains(*s.Change.Description, "**Reopened by cxm**") {
					t.Errorf("change = %+v", s.Change)
				}
			},
		},
		"back at the very end of the window": {group: present, have: []issue.Tracked{existing(present, closedByCxm(day1.Add(-30*24*time.Hour)))}, verb: plan.Reopen},
		"back after the window": {
			group: present, have: []issue.Tracked{existing(present, closedByCxm(day1.Add(-30*24*time.Hour-time.Second)))}, verb: plan.Create, reason: "30 days after #12 was closed",
			check: func(t *testing.T, s plan.Step) {
				if !strings.Contains(s.Status, "#12") || s.Keep == nil || s.Keep.Phase != issue.Retired || s.Have != nil {
					t.Errorf("step = %+v", s)
				}
			},
		},
		"after a retired one":                  {group: present, have: []issue.Tracked{existing(present, inPhase(issue.Retired))}, verb: plan.Create, reason: "no issue says so yet"},
		"closed by a person":                   {group: present, have: []issue.Tracked{existing(present, see(closedByPerson))}, verb: plan.Nothing, reason: "a person closed #12"},
		"closed by a person, dearer, not much": {group: dearer, have: []issue.Tracked{existing(present, see(closedByPerson))}, verb: plan.Nothing, reason: "a person closed #12"},
		"closed by a person, money doubled":    {group: much, have: []issue.Tracked{existing(present, see(closedByPerson))}, verb: plan.Reopen, reason: "the saving grew from 43.08 USD to 90.00 USD"},
		"closed by a person, severity up":      {group: worse, have: []issue.Tracked{existing(unpriced, see(closedByPerson))}, verb: plan.Reopen, reason: "severity rose from Low to High"},
		"gone": {group: gone, have: []issue.Tracked{existing(present)}, verb: plan.Close, reason: "missing from 2 complete snapshots in a row", check: func(t *testing.T, s plan.Step) {
			if s.Change.State != issue.Closed || !strings.Contains(*s.Change.Description, "**Closed by cxm** on 2026-03-01") || s.Change.Title != nil {
				t.Errorf("change = %+v", s.Change)
			}
		}},
		"resolved by its source": {group: resolved, have: []issue.Tracked{existing(present)}, verb: plan.Close, reason: "its source says that it is resolved"},
		"gone, block removed":    {group: gone, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) { o.Description = "" }))}, verb: plan.Close},
		"gone, reopened by cxm an hour ago": {
			group: gone, have: []issue.Tracked{existing(present, reopenedByCxm(day1.Add(-time.Hour)))}, verb: plan.Close, reason: "missing from 2",
		},
		"gone, reopened by cxm just now": {
			group: gone, have: []issue.Tracked{existing(present, reopenedByCxm(day1.Add(-59*time.Minute)))}, verb: plan.Nothing, reason: "reopened lately",
			check: func(t *testing.T, s plan.Step) {
				if !s.Later {
					t.Errorf("the group counts as settled, and nobody looks when the hour is over")
				}
			},
		},
		"gone, people left no room": {
			group: gone, have: []issue.Tracked{existing(present, see(func(o *issue.Observed) {
				o.Description += strings.Repeat("x", 1<<20-len(o.Description))
			}))},
			verb: plan.Close, check: func(t *testing.T, s plan.Step) {
				if s.Change.Description == nil || !strings.Contains(*s.Change.Description, issue.Crowded) || len(*s.Change.Description) > 1<<20 || s.Change.State != issue.Closed {
					t.Errorf("change = %+v", s.Change)
				}
			},
		},
		"gone, reopened by a person": {
			group: gone, have: []issue.Tracked{existing(present, closedByCxm(day1), see(reopenedByPerson))}, verb: plan.Nothing, reason: "theirs to close",
		},
		"back, reopened by a person": {
			group: present, have: []issue.Tracked{existing(present, closedByCxm(day1), see(reopenedByPerson))}, verb: plan.Nothing, reason: "says what it should",
			check: func(t *testing.T, s plan.Step) {
				if s.Keep == nil || s.Keep.Written.State != issue.Opened || s.Keep.Override != "" {
					t.Errorf("the next absence would not close it: keep = %+v", s.Keep)
				}
			},
		},
		"closed by cxm, and missing once": {
			group: missedOnce, have: []issue.Tracked{existing(present, closedByCxm(day1))}, verb: plan.Nothing, reason: "not reopened while it is missing from 1 of 2",
		},
		"gone and closed":      {group: gone, have: []issue.Tracked{existing(present, closedByCxm(day1))}, verb: plan.Nothing, reason: "its issue is closed"},
		"gone, never reported": {group: gone, verb: ""},
		"unknown":              {group: unknown, have: []issue.Tracked{existing(present)}, verb: plan.Nothing, reason: "does not say"},
		"unknown, no issue":    {group: unknown, verb: plan.Nothing, reason: "does not say"},
		"one of two is gone": {
			group: group(member("aws", "43.08", finding.Absent, 2), member("acme", "", finding.Present, 0)), have: []issue.Tracked{existing(group(member("aws", "43.08", finding.Present, 0), member("acme", "", finding.Present, 0)))},
			verb: plan.Update,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			steps := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: c.group, Want: issue.Render(c.group), Have: c.have})
			if c.verb == "" {
				if len(steps) != 0 {
					t.Fatalf("steps = %+v, want none", steps)
				}
				return
			}
			if len(steps) != 1 {
				t.Fatalf("%d steps, want 1: %+v", len(steps), steps)
			}
			s := steps[0]
			if s.Verb != c.verb || !strings.Contains(s.Reason, c.reason) {
				t.Fatalf("step = %s %q, want %s …%q…", s.Verb, s.Reason, c.verb, c.reason)
			}
			if (s.Verb == plan.Nothing) != s.Change.Empty() && s.Verb != plan.Create {
				t.Errorf("%s sends %+v", s.Verb, s.Change)
			}
			if c.check != nil {
				c.check(t, s)
			}
		})
	}
}

func TestDecideClosesDuplicates(t *testing.T) {
	g := group(member("aws", "43.08", finding.Present, 0))
	late := existing(g, inPhase(issue.Duplicate), func(t *issue.Tracked) { t.ID, t.Observed.IID = 10, 11 })
	decide := func(have ...issue.Tracked) []plan.Step {
		return plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: issue.Render(g), Have: have})
	}
	steps := decide(late, existing(g))
	if len(steps) != 2 || steps[0].Verb != plan.Close || !strings.Contains(steps[0].Reason, "a duplicate of #12") || steps[1].Verb != plan.Nothing {
		t.Errorf("steps = %+v", steps)
	}
	if steps := decide(late); len(steps) != 1 || steps[0].Verb != plan.Nothing {
		t.Errorf("the only issue of the group is closed as a duplicate: %+v", steps)
	}
	closed := late
	closed.Observed.State = issue.Closed
	if steps := decide(closed, existing(g)); len(steps) != 1 {
		t.Errorf("a closed duplicate is closed again: %+v", steps)
	}
}

// TestPlanIsOrderIndependent holds G9: the same input in any order gives the
// same plan.
func TestPlanIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []plan.Step
		for i := range rapid.IntRange(0, 12).Draw(t, "groups") {
			m := member("aws", rapid.SampledFrom([]string{"", "0", "10", "10.5", "200"}).Draw(t, "savings"), rapid.SampledFrom([]finding.Detection{finding.Present, finding.Absent}).Draw(t, "detection"), 0)
			g := group(m)
			g.Key = rule.NewGroupKey("disk", string(rune('a'+i)))
			var have []issue.Tracked
			if rapid.Bool().Draw(t, "has an issue") {
				have = append(have, existing(g, func(t *issue.Tracked) { t.Observed.IID = int64(i + 1) }))
			}
			steps = append(steps, plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: issue.Render(g), Have: have})...)
		}
		want := plan.New(slices.Clone(steps), 0)
		rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		if diff := cmp.Diff(want, plan.New(steps, 0)); diff != "" {
			t.Fatalf("the order of the input shows (-sorted +shuffled):\n%s", diff)
		}
	})
}

func TestPlanOrder(t *testing.T) {
	value := func(v plan.Verb, savings string) plan.Step {
		s := plan.Step{Verb: v, Group: rule.NewGroupKey(savings)}
		if savings != "" {
			s.Savings = money.Known(decimal.RequireFromString(savings))
		}
		return s
	}
	p := plan.New([]plan.Step{value(plan.Update, "9"), value(plan.Create, ""), value(plan.Create, "5"), value(plan.Nothing, "99"), value(plan.Close, "1"), value(plan.Create, "70"), value(plan.Reopen, "")}, 4)
	var got []string
	for _, s := range p.Steps {
		got = append(got, string(s.Verb)+s.Savings.Decimal.String())
	}
	if want := "-1 ^0 +70 +5 +0 ~9 =99"; strings.Join(got, " ") != want {
		t.Errorf("order = %v, want %s", got, want)
	}
	if len(p.Changes()) != 6 || p.Count(plan.Create) != 3 {
		t.Errorf("%d changes, %d creates", len(p.Changes()), p.Count(plan.Create))
	}
}

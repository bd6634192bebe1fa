package backlog_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/plan"
	"cxm/internal/source"
)

const oneDay = 24 * time.Hour

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// twoADay sends the five largest of ten disks elsewhere, and makes two issues a day
// in each project.
const twoADay = `version: 1
rules:
  - {name: large, when: 'saves("60 USD")', route: {project: acme/data}, budget: calm}
  - {name: rest, budget: calm}
budgets:
  calm: {per: project, per_day: 2, digest: true}
`

// disks are opportunities that save 10 USD, 20 USD, and so on.
func disks(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, apptest.Disk(i, fmt.Sprint(10*i)))
	}
	return out
}

// TestDigest: what waits is told in one issue of each project, which shrinks day by
// day, is closed when nothing waits, and is the same when something waits again.
func TestDigest(t *testing.T) {
	onBoth(t, twoADay, func(b *bed) {
		b.AWS(disks(1, 11)...)
		b.Want("++++++")
		here, there := b.digest(platform), b.digest(data)
		if here.Title != "3 more findings wait for their turn, 60.00 USD a month" || there.Title != "3 more findings wait for their turn, 210.00 USD a month" || b.others(platform) != 2 || b.others(data) != 2 {
			b.Fatalf("the digests are %q and %q beside %d and %d issues", here.Title, there.Title, b.others(platform), b.others(data))
		}
		if rows := strings.Count(here.Description, "| at most 2 new issues a day in this project |"); rows != 3 || !slices.Contains(here.Labels, "cxm") || strings.Index(here.Description, "30.00 USD") > strings.Index(here.Description, "20.00 USD") {
			b.Errorf("%d rows, labels %v: %s", rows, here.Labels, here.Description)
		}
		b.Want("")
		if s := b.status(); s.Savings.Show() != "550.00 USD" || s.Unknown != 0 {
			b.Errorf("the status says %s, and %d unknown", s.Savings.Show(), s.Unknown)
		}
		b.Clock.Forward(oneDay)
		b.Want("++++~~")
		if now := b.digest(platform); now.Title != "1 more finding waits for its turn, 10.00 USD a month" || now.ID != here.ID {
			b.Errorf("the digest is %q", now.Title)
		}
		b.Clock.Forward(oneDay)
		b.Want("--++")
		if now := b.digest(data); now.State != "closed" || !strings.Contains(now.Description, "nothing waits for its turn here any more") || now.ID != there.ID {
			b.Errorf("the digest is %s: %s", now.State, now.Description)
		}
		b.AWS(slices.Concat(disks(1, 11), disks(21, 26))...)
		b.Want("+") // one is left for today, and the digest was written today
		b.Clock.Forward(40 * oneDay)
		b.Want("^++")
		if now := b.digest(data); now.State != "opened" || now.ID != there.ID || b.others(data) != 8 || !strings.HasPrefix(now.Title, "2 more findings") {
			b.Errorf("the digest is %s, %q, beside %d issues", now.State, now.Title, b.others(data))
		}
		b.Want("")
	})
}

// TestPlanShowsDigest: a person sees the digest in the plan, and what `cxm plan`
// says is what `cxm apply` does. No digest is in the backlog.
func TestPlanShowsDigest(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", twoADay)
	b.AWS(disks(1, 6)...)
	for range 2 {
		p, err := b.App.Plan(b.Context(), 0)
		if err != nil || p.Plan.Count(plan.Create) != 3 || p.Plan.Capped != 3 {
			t.Fatalf("%d creates, %d wait: %v", p.Plan.Count(plan.Create), p.Plan.Capped, err)
		}
		last := p.Plan.Changes()[2]
		if !strings.HasPrefix(last.Title, "3 more findings") || last.Reason != "findings wait for their turn, and no issue says so yet" {
			t.Errorf("the digest is planned as %q, since %s", last.Title, last.Reason)
		}
	}
	b.AWS(disks(1, 8)...) // two more in acme/data, which are made at once
	b.AWS(slices.Concat(disks(1, 8), []string{apptest.Disk(30, "5")})...)
	b.Want("+++++")
	if now := b.digest(platform); !strings.HasPrefix(now.Title, "4 more findings") {
		t.Errorf("it tells of an earlier plan: %q", now.Title)
	}
	_, waiting, err := b.App.Backlog(b.Context(), 0)
	if err != nil || len(waiting) != 1 || len(waiting[0].Lines) != 4 {
		t.Errorf("the backlog is %+v, %v", waiting, err)
	}
}

// TestQuiet: a digest is written once a day at most, and not at all when nothing
// but amounts jitter.
func TestQuiet(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", strings.Replace(twoADay, "per_day: 2", "open: 2", 1))
	b.AWS(disks(1, 6)...)
	b.Want("+++")
	for day := range 5 {
		for hour := range 4 {
			var jitter []string
			for i := 1; i < 6; i++ {
				jitter = append(jitter, apptest.Disk(i, fmt.Sprintf("%d.%d", 10*i, day+hour)))
			}
			b.Clock.Forward(6 * time.Hour)
			b.AWS(jitter...)
			b.Want("")
		}
	}
	edits := 0
	for i := range 12 {
		b.Clock.Forward(3 * time.Hour)
		b.AWS(slices.Concat(disks(1, 6), disks(40, 0), []string{apptest.Disk(50+i, "1"), apptest.Disk(70, "2")})...)
		verbs, _ := b.Apply()
		edits += strings.Count(verbs, "~")
	}
	if edits < 1 || edits > 2 {
		t.Errorf("%d edits in a day and a half", edits)
	}
}

// TestPeopleWin: who closes a digest does not see it again, until somebody reopens
// it; what people write into it is kept.
func TestPeopleWin(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", twoADay)
	b.AWS(disks(1, 6)...)
	b.Want("+++")
	was := b.digest(platform)
	b.put(was, map[string]any{"state_event": "close", "description": was.Description + "\n\nWe look at this on Fridays."})
	b.Want("")
	b.Clock.Forward(oneDay)
	b.Want("++")
	b.Clock.Forward(oneDay)
	b.Want("+")
	b.AWS(disks(1, 6)[0], apptest.Disk(2, "20"), apptest.Disk(3, "30"), apptest.Disk(4, "40"), apptest.Disk(5, "50"), apptest.Disk(51, "9"), apptest.Disk(52, "8"), apptest.Disk(53, "7"), apptest.Disk(54, "6"))
	b.Clock.Forward(oneDay)
	b.Want("++")
	if now := b.digest(platform); now.State != "closed" || now.Title != was.Title {
		t.Fatalf("the digest is %s: %q", now.State, now.Title)
	}
	b.put(was, map[string]any{"state_event": "reopen"})
	b.Want("~")
	if now := b.digest(platform); now.State != "opened" || !strings.HasPrefix(now.Title, "2 more findings") || !strings.Contains(now.Description, "We look at this on Fridays.") {
		t.Errorf("the digest is %s, %q: %s", now.State, now.Title, now.Description)
	}
}

// TestDigestCountsNowhere: no budget, cap or brake counts a digest.
func TestDigestCountsNowhere(t *testing.T) {
	onBoth(t, "version: 1\ndefaults: {budget: [ours, all]}\nbudgets:\n  ours: {open: 2, per_day: 3, digest: true}\n  all: {per: all, open: 2, per_day: 3}\n", func(b *bed) {
		b.Reopen(func(c *app.Config) {
			c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 2, Admit: true}
			c.Caps = plan.Caps{PerHour: 3, Open: 2}
		})
		b.AWS(disks(1, 6)...)
		b.Want("+++") // with the digest more than the brake lets go, and than may be open
		b.AWS(disks(1, 5)...)
		b.AWS(disks(1, 5)...)
		b.Want("-")
		b.Want("+") // the place of what was closed, the third of the day
		if got, open := b.others(platform), b.digest(platform).State; got != 3 || open != "opened" {
			b.Errorf("%d issues, and the digest is %s", got, open)
		}
	})
}

// TestDigestSwitchedOff: without a budget that asks for it the issue is closed, with
// that as its reason.
func TestDigestSwitchedOff(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", twoADay)
	b.AWS(disks(1, 6)...)
	b.Want("+++")
	b.rule(strings.Replace(twoADay, ", digest: true", "", 1))
	b.Want("-")
	if now := b.digest(platform); now.State != "closed" || !strings.Contains(now.Description, "no budget of the rules asks for a digest") {
		t.Errorf("it is %s: %s", now.State, now.Description)
	}
	b.Clock.Forward(oneDay)
	b.Want("++")
	b.rule(twoADay)
	b.Want("^")
	if now := b.digest(platform); !strings.HasPrefix(now.Title, "1 more finding") {
		t.Errorf("it says %q", now.Title)
	}
}

// TestRuleOfDigest: a rule that names the event gives digests labels and settings,
// and nothing else; no other rule does.
func TestRuleOfDigest(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", `version: 1
defaults: {budget: calm, labels: [everywhere], group_by: [account, resource]}
rules:
  - {name: rest, labels: [costs]}
  - {name: telling, events: digest, labels: [telling], confidential: true, route: {project: acme/data}, template: unattached, checklist: true}
budgets:
  calm: {per_day: 2, digest: true}
`)
	b.AWS(disks(1, 6)...)
	b.Want("+++")
	got := b.digest(platform)
	if !strings.HasPrefix(got.Title, "3 more findings wait") || !strings.Contains(got.Description, "| at most 2 new issues a day in this project |") {
		t.Errorf("it looks as the rule has it: %q, %s", got.Title, got.Description)
	}
	if !slices.Equal(got.Labels, []string{"cxm", "cxm::custom", "everywhere", "telling"}) || len(b.Issues(data)) > 0 {
		t.Errorf("labels %v, %d issues elsewhere: %s", got.Labels, len(b.Issues(data)), got.Description)
	}
	if seen := b.Admin(http.MethodGet, "/api/v4/projects/"+itoa(got.ProjectID)+"/issues/"+itoa(got.IID), nil); seen["confidential"] != true {
		t.Error("it is not confidential")
	}
}

// TestDigestInQueue: the queue makes the same issues.
func TestDigestInQueue(t *testing.T) {
	onBoth(t, twoADay, func(b *bed) {
		b.AWS(disks(1, 11)...)
		b.Work()
		if here, there := b.digest(platform), b.digest(data); !strings.HasPrefix(here.Title, "3 more") || !strings.HasPrefix(there.Title, "3 more") || b.others(platform) != 2 || b.others(data) != 2 {
			b.Fatalf("the digests are %q and %q beside %d and %d issues", here.Title, there.Title, b.others(platform), b.others(data))
		}
		b.Writes.Take()
		b.Work()
		if n := b.Writes.Take(); n != 0 {
			b.Errorf("%d writes for nothing", n)
		}
		for range 2 {
			b.Clock.Forward(oneDay)
			b.Work()
		}
		if here, there := b.digest(platform), b.digest(data); here.State != "closed" || there.State != "closed" || b.others(platform) != 5 || b.others(data) != 5 {
			b.Errorf("the digests are %s and %s beside %d and %d issues", here.State, there.State, b.others(platform), b.others(data))
		}
	})
}

// TestDigestThroughCrashes: wherever the process ends, there is one digest, and no
// budget counts it.
func TestDigestThroughCrashes(t *testing.T) {
	onBoth(t, twoADay, func(b *bed) {
		b.AWS(disks(1, 6)...)
		for _, end := range []string{"digests: before commit", "digests: after commit", "ingest: before commit", "ingest: after commit", "begin run: before commit", "begin run: after commit", "intend: before commit"} {
			ctx, cancel := context.WithCancel(b.Context())
			var once sync.Once
			reached := false
			b.Reopen(func(c *app.Config) {
				c.Failpoint = func(point string) {
					if point == end {
						once.Do(func() { reached = true; cancel() })
					}
				}
			})
			_, report, err := b.App.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
			cancel()
			if !reached || err == nil || report.Run.Done > 0 {
				b.Errorf("%s: reached %v, %d steps were done: %v", end, reached, report.Run.Done, err)
			}
			b.Clock.Forward(oneDay) // what was told of an earlier plan is not to be written
		}
		b.Reopen(func(c *app.Config) { c.Failpoint = nil })
		for range 3 {
			b.Apply()
			b.Clock.Forward(time.Second)
		}
		if got := b.digest(platform); !strings.HasPrefix(got.Title, "3 more findings") || b.others(platform) != 2 {
			b.Errorf("the digest is %q beside %d issues", got.Title, b.others(platform))
		}
	})
}

// TestNewSource: what a person has yet to look at is not told.
func TestNewSource(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", twoADay)
	b.Reopen(func(c *app.Config) { c.Brakes = nil })
	b.AWS(disks(1, 6)...)
	b.Work()
	if n, waiting := len(b.Issues(platform)), b.status().Waiting; n != 0 || len(waiting) != 1 {
		t.Fatalf("%d issues, and %d runs wait", n, len(waiting))
	}
	b.Want("+++")
}

// TestTwoIntegrations: each tells of its own, and none settles what the other has
// to do.
func TestTwoIntegrations(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", "version: 1\ndefaults: {budget: none}\nbudgets:\n  none: {calendar: frozen, digest: true}\ncalendars:\n  frozen: {freezes: {from: 2020-01-01, to: 2090-01-01}}\n")
	first, err := b.App.Integration(b.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := app.CleanToken(b.TokenFor(first.Account.ID))
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.App.ConnectGitLab(b.Context(), app.Connect{URL: b.URL, Token: secret, Project: "acme/data"})
	if err != nil {
		t.Fatal(err)
	}
	b.AWS(disks(1, 6)...)
	if _, err := b.App.Plan(b.Context(), second.Integration.ID); err != nil {
		t.Fatal(err)
	}
	if _, report, err := b.App.Apply(b.Context(), first.ID, func(app.Planned) (bool, error) { return true, nil }, nil); err != nil || report.Run.Done != 1 {
		t.Fatalf("%+v, %v", report.Run, err)
	}
	b.Work()
	for _, project := range []string{platform, data} {
		if got := b.digest(project); !strings.HasPrefix(got.Title, "5 more findings") || b.others(project) != 0 {
			t.Errorf("%s: the digest is %q beside %d issues", project, got.Title, b.others(project))
		}
	}
}

// TestNobodyElseTells: what comes from outside cannot pretend to be a digest, which
// would send an issue anywhere and past every budget.
func TestNobodyElseTells(t *testing.T) {
	t.Parallel()
	b := newBed(t, "", twoADay)
	text := `{"specversion":"1.0","id":"1","source":"/x","type":"x.finding.observed.v1","data":{"SourceSystem":"cxm","SourceRuleId":"cxm.backlog.digest","Title":"x","ResourceId":"cxm/x/integration/1/project/1"}}`
	_, _, err := b.App.Ingest(b.Context(), app.Delivery{Type: source.CloudEvents, Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}}})
	if err == nil || !strings.Contains(err.Error(), "data/SourceRuleId") {
		t.Errorf("err = %v", err)
	}
}

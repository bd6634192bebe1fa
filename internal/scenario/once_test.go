package scenario

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// TestScenario01_Crash: the process is killed between the request that creates
// an issue and the commit that remembers its answer.
//
// Expected: after the restart there is one issue, found by the nonce in its
// description; nothing is sent again before GitLab was asked for it.
func TestScenario01_Crash(t *testing.T) {
	variants(t, map[string]struct {
		die   death
		posts int // in all: a create that never left is sent once more
	}{
		"before the request leaves": {death{Method: http.MethodPost, Nth: 1}, 1},
		"after the answer came":     {death{Method: http.MethodPost, Nth: 1, After: true}, 1},
		"before a change leaves":    {death{Method: http.MethodPut, Nth: 1}, 1},
		"after a change":            {death{Method: http.MethodPut, Nth: 1, After: true}, 1},
		"before the intent is kept": {death{Point: "intend: before commit", Nth: 1}, 1},
		"after the intent is kept":  {death{Point: "intend: after commit", Nth: 1}, 1},
		"before the end is kept":    {death{Point: "record: before commit", Nth: 1}, 1},
		"after the end is kept":     {death{Point: "record: after commit", Nth: 1}, 1},
	}, func(b *bed, c struct {
		die   death
		posts int
	}) {
		if c.die.Method == http.MethodPut {
			b.aws(disk(1, "10"))
			b.want("+")
		}
		b.aws(disk(1, "20"))
		b.dies(task{Apply: true, Die: c.die})
		b.clock.forward(time.Second) // a start takes longer than GitLab may be silent here
		before := len(b.gitlab.Calls())
		if _, report := b.apply(); !report.Whole() {
			b.Errorf("report = %+v", report)
		}
		if calls := b.gitlab.Calls()[before:]; len(calls) == 0 || !listing(calls[0]) {
			b.Errorf("the restart did not begin with a look: %+v", calls)
		}
		if n := b.posts(); n != c.posts {
			b.Errorf("%d creates were sent, want %d", n, c.posts)
		}
		if about := b.openAbout(platform, 1); len(about) != 1 || !strings.Contains(about[0].Description, "20.00 USD") {
			b.Errorf("issues = %+v", about)
		}
		b.once(1)
	})
}

// TestScenario02_LostAnswers: the answer to a create never arrives, or a proxy
// answers in GitLab's place, whether or not GitLab carried the create out.
//
// Expected: one issue for each finding; a create is sent again only after a look
// at GitLab has proved that the first one was not carried out.
func TestScenario02_LostAnswers(t *testing.T) {
	variants(t, map[string]struct {
		fault sandbox.Fault
		posts int // for five findings, of which the last two are answered
	}{
		"answer cut":             {sandbox.Fault{Cut: sandbox.CutAfter}, 5},
		"502 after commit":       {sandbox.Fault{Status: 502, Body: "<html>bad gateway</html>", Commit: true}, 5},
		"504 after commit":       {sandbox.Fault{Status: 504, Body: "gateway timeout", Commit: true}, 5},
		"504, never carried out": {sandbox.Fault{Status: 504, Body: "gateway timeout"}, 8},
		"cut before it arrived":  {sandbox.Fault{Cut: sandbox.CutBefore}, 8},
		"500 before commit":      {sandbox.Fault{Status: 500, Body: `{"message":"500 Internal Server Error"}`}, 8},
	}, func(b *bed, c struct {
		fault sandbox.Fault
		posts int
	}) {
		c.fault.Method, c.fault.Path, c.fault.Times = http.MethodPost, b.route(), 3
		b.gitlab.Inject(c.fault)
		b.aws(disks(5)...)
		if _, report := b.apply(); report.InDoubt > 0 || report.Halted != "" {
			b.Errorf("report = %+v", report)
		}
		if n := b.posts(); n != c.posts {
			b.Errorf("%d creates were sent, want %d", n, c.posts)
		}
		b.lookedBetween()
		b.once(5)
	})
}

// lookedBetween fails when creates went out after one that was not answered
// well, and no look was in between.
func (b *bed) lookedBetween() {
	b.Helper()
	calls := b.sent(func(c sandbox.Call) bool { return creating(c) || listing(c) })
	first := slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, "POST") })
	posts := 0
	for i, call := range calls[first:] {
		switch {
		case strings.HasPrefix(call, "POST"):
			posts++
		case posts < 5:
			b.Errorf("calls = %v: a look in the middle of the first creates, at %d", calls, i)
		default:
			return // every later create follows this look
		}
	}
	b.Errorf("calls = %v: GitLab was never asked", calls)
}

// TestScenario03_ThreeAtOnce: three senders deliver the same findings at the
// same moment, to two replicas that then both write to GitLab, beside a third
// one in a process of its own.
//
// Expected: one issue for each finding, and no sender sees an error.
func TestScenario03_ThreeAtOnce(t *testing.T) {
	each(t, func(b *bed) {
		replicas := []*app.App{b.app, b.open(), b.open()}
		text := snapshot(disks(10)...)
		together(3, func(i int) {
			if err := ingest(b.Context(), replicas[i], source.CostOptimizationHub, text); err != nil {
				b.Error(err)
			}
		})
		child := b.start(task{Take: text, Kind: source.CostOptimizationHub, Apply: true})
		together(3, func(i int) {
			if _, _, err := applyTo(b.Context(), replicas[i], 0); err != nil {
				b.Error(err)
			}
		})
		if err := child.Wait(); err != nil {
			b.Error(err)
		}
		b.apply() // what one left to the other
		b.once(10)
		if n := b.posts(); n != 10 {
			b.Errorf("%d creates were sent, want 10", n)
		}
	})
}

// TestScenario04_LateIndex: GitLab's search and a lagging replica of its
// database do not show yet what was just created, and the sender delivers again
// at once.
//
// Expected: one issue.
// Default: what GitLab does not show within 30 seconds was not created.
// Setting: none yet (app.Config.Settle in the code).
func TestScenario04_LateIndex(t *testing.T) {
	bubbles(t, map[string]bool{"": true}, func(b *bed, _ bool) {
		b.app = b.open(func(c *app.Config) {
			if c.Settle = 0; !b.bubble {
				c.Settle = 3 * time.Second // the default is too long to wait for
			}
		})
		b.gitlab.SetLimits(sandbox.Limits{TrimTexts: true, SearchLag: 2 * time.Second})
		b.aws(disk(1, "10"))
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: b.route(), Times: 1, Cut: sandbox.CutAfter})
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: b.route(), After: 1, Times: 1, Status: http.StatusOK, Body: "[]"})
		_, report := b.apply()
		for range 3 {
			b.aws(disk(1, "10"))
			b.want("")
		}
		if report.Adopted != 1 || b.posts() != 1 {
			b.Errorf("report %+v, %d creates sent", report, b.posts())
		}
		b.once(1)
	})
}

// TestScenario30_Restore: yesterday's backup of the database is restored, and
// GitLab has issues that the backup knows nothing of.
//
// Expected: they are adopted by the marker in their description; none is closed,
// none made twice, and a person's copy of one is not taken for it. Where a day has
// passed since the backup, the day since when a finding is known is written anew.
func TestScenario30_Restore(t *testing.T) {
	variants(t, map[string]bool{"as the same account": false, "as another account": true}, func(b *bed, other bool) {
		b.clock.morning() // the day since when cxm knows of a finding is in the issue, and those of an older backup may be wrong
		older := b.admin(http.MethodPost, "/api/v4/projects/"+platform+"/issues", map[string]any{"title": "Notes"})
		b.clock.forward(time.Minute)
		b.aws(disk(1, "100"), disk(2, "50"))
		b.want("++")
		backup := b.backup()
		b.clock.forward(time.Hour)
		for range 2 {
			b.aws(disk(1, "100"), disk(3, "30"), disk(4, "20"))
		}
		b.want("-++")
		three := b.about(3)
		copied := b.clone(three.IID)
		b.edit(three.IID, map[string]any{"add_labels": "theirs"})
		if other { // then nothing but the order they were made in tells them apart
			_, b.token = b.serviceAccount("cxm-second", 40)
			b.edit(copied, map[string]any{"title": "Mine"})
		} else {
			b.edit(int64(older["iid"].(float64)), map[string]any{"description": "Look at this:\n\n" + three.Description})
		}
		b.restore(backup)
		b.connect(b.app, b.token, "acme/platform")
		b.clock.forward(time.Hour)
		b.aws(disk(1, "100"), disk(3, "30"), disk(4, "20"))
		if verbs, report := b.apply(); verbs != "" || !report.Whole() {
			b.Errorf("steps = %q, report = %+v", verbs, report)
		}
		if n := len(b.issues(platform)); n != 6 {
			b.Errorf("%d issues, want 6", n)
		}
		b.aws(disk(1, "100"), disk(3, "300"), disk(4, "200"))
		b.want("~~")
		got := b.one(three.IID)
		if !strings.Contains(got.Description, "300.00 USD") {
			b.Errorf("not the original, but its copy is kept up to date: %q", got.Description)
		}
		if !slices.Contains(got.Labels, "theirs") {
			b.Errorf("a person's label was taken away: %v", got.Labels)
		}
	})
}

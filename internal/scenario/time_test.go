package scenario

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

func unmarshal(text []byte, into any) error { return json.Unmarshal(text, into) }

// window is how long a finding that is back reopens its issue.
const window = 30 * 24 * time.Hour

// TestScenario16_Clocks: the clocks of cxm, of the source and of GitLab are ten
// minutes apart, and cxm's is set back while a create is in doubt.
//
// Expected: whatever is compared with GitLab's times is compared on GitLab's
// clock: no change by a person is missed or seen twice, the reopen window is as
// long as always, and nothing is created twice.
func TestScenario16_Clocks(t *testing.T) {
	bubbles(t, map[string]time.Duration{"cxm is ahead": 10 * time.Minute, "cxm is behind": -10 * time.Minute}, func(b *bed, skew time.Duration) {
		b.skew.Store(int64(skew))
		b.aws(disk(1, "100"), disk(2, "50"), disk(3, "25"))
		b.ingest(source.Alertmanager, strings.Replace(alert("firing", "warning"), "2026-03-02T05:41:07Z", b.clock.now().Add(-skew).UTC().Format(time.RFC3339), 1))
		b.want("++++")
		b.edit(b.about(3).IID, map[string]any{"state_event": "close"})
		b.want("")
		b.aws(disk(1, "101"), disk(2, "50"), disk(3, "26"))
		b.want("")
		b.aws(disk(3, "25"))
		b.aws(disk(3, "25"))
		b.want("--")
		b.clock.forward(window - time.Minute)
		b.aws(disk(1, "100"), disk(3, "25"))
		b.want("^")
		b.clock.forward(2 * time.Minute)
		b.aws(disk(1, "100"), disk(2, "50"), disk(3, "25"))
		b.want("+")
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: b.route(), Times: 1, Cut: sandbox.CutBefore})
		down := b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: b.route(), After: 1, Cut: sandbox.CutBefore})
		b.aws(disk(1, "100"), disk(2, "50"), disk(3, "25"), disk(4, "10"))
		b.apply()
		down()
		b.skew.Store(int64(skew - 20*time.Minute))
		if verbs, report := b.apply(); verbs != "" || report.InDoubt != 1 {
			b.Errorf("steps = %q, %d in doubt: the clock says that it was sent in the future, so it is still in doubt", verbs, report.InDoubt)
		}
		b.clock.forward(30 * time.Minute)
		b.want("+")
		if n := len(b.openAbout(platform, 4)); n != 1 {
			b.Errorf("%d issues about disk 4", n)
		}
	})
}

// TestScenario24_Window: what was fixed comes back, just inside the reopen
// window and just outside of it.
//
// Expected: inside, the same issue is reopened and says why; outside, there is
// a new one that names the one before. At the very end of the window it is
// still the same issue.
// Default: 30 days after GitLab's closed_at.
// Setting: policy.reopen_window of a rule.
// Missing: an issue linked to a merged merge request, which belongs to scenario 35.
func TestScenario24_Window(t *testing.T) {
	bubbles(t, map[string]time.Duration{"inside": -time.Second, "at its very end": 0, "outside": 2 * time.Second}, func(b *bed, past time.Duration) {
		if !b.bubble {
			past = 60*past - 20*time.Second // real time goes on meanwhile
		}
		b.aws(disk(1, "100"), disk(2, "5"))
		b.want("++")
		one := b.about(1)
		b.aws(disk(2, "5"))
		b.aws(disk(2, "5"))
		b.want("-")
		b.clock.forward(window + past)
		b.aws(disk(1, "100"), disk(2, "5"))
		if past <= 0 {
			b.want("^")
			if now := b.one(one.IID); now.State != "opened" || !strings.Contains(now.Description, "Reopened by cxm") {
				b.Errorf("issue %d is %s: %q", now.IID, now.State, now.Description)
			}
		} else {
			b.want("+")
			if open := b.openAbout(platform, 1); len(open) != 1 || !strings.Contains(open[0].Description, fmt.Sprintf("Reported before in #%d", one.IID)) {
				b.Errorf("open = %+v", open)
			}
		}
		b.want("")
		if n := len(b.openAbout(platform, 1)); n != 1 {
			b.Errorf("%d are open", n)
		}
		b.cleanly()
	})
}

// TestScenario25_Flapping: an alert fires and is resolved every minute for an
// hour.
//
// Expected: the issue changes its state at most twice in that hour, nobody gets
// a comment, and when the alert has calmed down the issue says what is true.
// Default: an issue that cxm reopened is closed again after an hour in which nothing was written to it.
// Setting: policy.calm of a rule.
func TestScenario25_Flapping(t *testing.T) {
	each(t, func(b *bed) {
		b.alert("firing", "critical")
		b.want("+")
		for minute := range 60 {
			b.clock.forward(time.Minute)
			b.alert([]string{"resolved", "firing"}[minute%2], "critical")
			if _, report := b.apply(); !report.Whole() {
				b.Errorf("report = %+v", report)
			}
		}
		if n := b.stateChanges(1); n > 2 {
			b.Errorf("the issue changed its state %d times in an hour", n)
		}
		if notes := b.comments(1); len(notes) > 2 {
			b.Errorf("%d comments", len(notes))
		}
		b.alert("resolved", "critical")
		b.clock.forward(2 * time.Hour)
		b.apply()
		if got := b.one(1); got.State != "closed" {
			b.Errorf("the alert is resolved for two hours, and the issue is %s", got.State)
		}
	})
}

// TestScenario26_HalfAnswer: a source answers with an empty list, with a first
// page only, with less than it knows, with another account's findings, or with
// half a file, and calls it a success.
//
// Expected: nothing is closed for it, and cxm says why absence did not count.
// Default: a finding is gone after two complete snapshots in a row without it.
// Setting: none yet (plan.Policy.Proof in the code).
func TestScenario26_HalfAnswer(t *testing.T) {
	each(t, func(b *bed) {
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		b.want("+++")
		b.aws(disk(1, "10"), disk(2, "20"))
		for _, text := range []string{
			snapshot(), // empty
			`{"items":[` + disk(2, "20") + `],"nextToken":"more"}`,
			`{"items":[` + disk(2, "20") + `],"errors":[{"message":"throttled"}]}`,
		} {
			for range 3 {
				pull, _, err := b.app.Ingest(b.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}}})
				if err != nil || len(pull.Reasons) == 0 {
					b.Errorf("%.40s: taken in without a word, %v", text, err)
				}
			}
			b.want("")
		}
		for _, text := range []string{
			strings.ReplaceAll(snapshot(disk(9, "1")), "123456789012", "210987654321"), // another account
			snapshot(disk(1, "10"), disk(2, "20"))[:400],                               // cut off
			"", "<html>sign in</html>",
		} {
			if err := ingest(b.Context(), b.app, source.CostOptimizationHub, text); err == nil {
				b.Errorf("%.40q was taken in", text)
			}
		}
		b.want("")
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		b.aws(disk(1, "10"), disk(2, "20"))
		b.want("") // missing again, but not twice in a row
		b.once(3)
		b.aws(disk(1, "10"), disk(2, "20"))
		b.want("-") // now it is proved
	})
}

package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/plan/stand"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// vol is the id of a disk.
func vol(n int) string { return fmt.Sprintf("vol-%017x", n) }

// why asks about a disk, and wants it at a stage.
func (w ward) why(asked string, want stand.Stage, says string) app.Why {
	w.Helper()
	got, err := w.app.Why(w.Context(), asked, 0)
	if err != nil {
		w.Fatal(err)
	}
	stage, text := got.Stage, got.Answer+" | "+got.Mend
	if len(got.Stands) > 0 {
		s := got.Stands[0]
		stage, text = s.Stage, strings.Join(s.Path, "; ")+" | "+s.Answer+" | "+s.Mend+" | "+s.URL
	}
	if stage != want || !strings.Contains(text, says) {
		w.Errorf("%s stands at %q: %s; want %q with %q", asked, stage, text, want, says)
	}
	return got
}

// on runs a test on both databases.
func on(t *testing.T, f func(ward)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); f(ward{newBed(t)}) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); f(ward{newBedOn(t, databases.PostgreSQL(t))}) })
}

// TestWhy leads a finding through every stage on its way to an issue.
func TestWhy(t *testing.T) {
	on(t, func(w ward) {
		w.why(vol(1), stand.NotReceived, "no source has delivered anything")
		if _, err := w.app.Accept(w.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "a.json", Reader: strings.NewReader(snapshot(disk(1, "10")))}}}); err != nil {
			w.Fatal(err)
		}
		w.why(vol(1), stand.Unread, "cxm run")
		if _, err := w.app.Run(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.why(vol(1), stand.HasIssue, "/acme/platform/-/")
		w.why(vol(2), stand.NotReceived, "cxm inspect")

		w.ingest(source.CostOptimizationHub, `{"items":[`+disk(1, "10")+`],"nextToken":"more"}`)
		w.why(vol(2), stand.NotReceived, "not complete")
		w.why(vol(1), stand.HasIssue, "not complete")

		w.aws(disk(1, "10"), disk(2, "20"))
		w.why(vol(2), stand.Planned, "creates its issue")
		w.aws(disk(1, "10"))
		w.why(vol(2), stand.Missing, "missing from the last 1")
		w.aws(disk(1, "10"))
		w.why(vol(2), stand.Absent, "it is gone")
	})
}

// TestWhyOfIssues: what became of the issue is told.
func TestWhyOfIssues(t *testing.T) {
	on(t, func(w ward) {
		w.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		w.want("+++")
		w.edit(w.about(1).IID, map[string]any{"state_event": "close"})
		w.edit(w.about(3).IID, map[string]any{"title": "Theirs now"})
		w.apply()
		w.why(vol(1), stand.Resting, "a person closed")
		w.why(vol(3), stand.HasIssue, "there is an issue")
		w.admin(http.MethodDelete, fmt.Sprintf("%s/issues/%d", projectRoute, w.about(2).IID), nil)
		for range 4 {
			w.clock.forward(time.Hour)
			w.apply()
		}
		for _, s := range w.whyAll(vol(2)) {
			if s.Stage != stand.Lost && s.Stage != stand.HasIssue { // a deleted issue shows only once a look misses it
				w.Errorf("a deleted issue is %q: %s", s.Stage, s.Answer)
			}
		}
		w.clock.forward(40 * 24 * time.Hour)
		w.why(vol(1), stand.Resting, "a person closed")
	})
}

func (w ward) whyAll(asked string) []app.Stand {
	w.Helper()
	got, err := w.app.Why(w.Context(), asked, 0)
	if err != nil {
		w.Fatal(err)
	}
	return got.Stands
}

// TestWhyItWaits: what holds a step back is named, whatever it is.
func TestWhyItWaits(t *testing.T) {
	on(t, func(w ward) {
		// refused by GitLab
		remove := w.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Times: 1, Status: 422, Header: jsonType(), Body: `{"message":"labels are odd"}`})
		w.aws(disk(1, "10"))
		w.apply()
		remove()
		w.why(vol(1), stand.Failed, "labels are odd")

		// the answer was lost
		w.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Times: 1, Cut: sandbox.CutAfter})
		blind := w.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: issuesRoute, After: 1, Status: 403, Header: jsonType(), Body: `{"message":"403 Forbidden"}`})
		_, _, err := applyWith(w.Context(), w.app)
		blind()
		w.why(vol(1), stand.InDoubt, "answer was lost")
		w.Log(err)
		w.clock.forward(time.Minute)
		w.apply()
		w.why(vol(1), stand.HasIssue, "")

		// no room under the caps
		w.app = w.open(w.dir, func(c *app.Config) { c.Caps = plan.Caps{Open: 1} })
		w.aws(disk(1, "10"), disk(2, "20"))
		w.apply()
		w.why(vol(2), stand.Capped, "at most 1 open")

		// a brake
		w.app = w.open(w.dir, func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 1} })
		w.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		w.apply()
		w.why(vol(2), stand.Held, "cxm approve")

		// a breaker
		w.app = w.open(w.dir)
		w.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Status: 403, Header: jsonType(), Body: `{"message":"403 Forbidden"}`})
		if _, err := w.app.Run(w.Context()); err != nil {
			w.Log(err) // the run says what failed
		}
		w.why(vol(3), stand.Broken, "403 Forbidden")
		w.gitlab.ClearFaults()

		// the token
		w.state("block")
		w.clock.forward(2 * time.Hour)
		w.admin(http.MethodDelete, fmt.Sprintf("/api/v4/users/%d", w.account()), nil)
		if _, _, err := applyWith(w.Context(), w.app); err == nil {
			w.Error("GitLab takes the token of an account that is gone")
		}
		w.why(vol(3), stand.NoAccess, "cxm token replace")
	})
}

// TestWhyIsAsked: keys, their beginnings, groups, ids and names are understood.
func TestWhyIsAsked(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	w.aws(disk(1, "10"))
	w.want("+")
	whole := w.whyAll(vol(1))
	if len(whole) != 1 {
		t.Fatalf("%d answers", len(whole))
	}
	key, group := string(whole[0].Finding.FindingKey), string(whole[0].Group)
	for _, asked := range []string{
		key, key[:12], strings.TrimPrefix(key, "v1:")[:8], strings.ToUpper(strings.TrimPrefix(key, "v1:")[:8]), group, group[:11],
		vol(1), strings.ToUpper(vol(1)), "arn:aws:ec2:eu-west-1:123456789012:volume/" + vol(1), " " + vol(1) + " ",
	} {
		if got := w.whyAll(asked); len(got) != 1 || string(got[0].Finding.FindingKey) != key {
			t.Errorf("%q has %d answers", asked, len(got))
		}
	}
	if _, err := w.app.Why(t.Context(), " ", 0); err == nil {
		t.Error("nothing was asked, and there is no error")
	}
	if _, err := w.app.Why(t.Context(), vol(1), 99); err == nil {
		t.Error("integration 99 does not exist, and there is no error")
	}
}

// TestWhyWithoutIntegration: what was taken in before cxm is connected waits for that.
func TestWhyWithoutIntegration(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	w.app = w.open(t.TempDir())
	w.aws(disk(1, "10"))
	w.why(vol(1), stand.NotConnected, "cxm connect gitlab")
}

package doctor_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
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
	got, err := w.App.Why(w.Context(), asked, 0)
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
		if _, err := w.App.Accept(w.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "a.json", Reader: strings.NewReader(apptest.Snapshot(apptest.Disk(1, "10")))}}}); err != nil {
			w.Fatal(err)
		}
		w.why(vol(1), stand.Unread, "cxm run")
		if _, err := w.App.Run(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.why(vol(1), stand.HasIssue, "/acme/platform/-/")
		w.why(vol(2), stand.NotReceived, "cxm inspect")

		w.Ingest(source.CostOptimizationHub, `{"items":[`+apptest.Disk(1, "10")+`],"nextToken":"more"}`)
		w.why(vol(2), stand.NotReceived, "not complete")
		w.why(vol(1), stand.HasIssue, "not complete")

		w.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"))
		w.why(vol(2), stand.Planned, "creates its issue")
		w.AWS(apptest.Disk(1, "10"))
		w.why(vol(2), stand.Missing, "missing from the last 1")
		w.AWS(apptest.Disk(1, "10"))
		w.why(vol(2), stand.Absent, "it is gone")
	})
}

// TestWhyOfIssues: what became of the issue is told.
func TestWhyOfIssues(t *testing.T) {
	on(t, func(w ward) {
		w.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"), apptest.Disk(3, "30"))
		w.Want("+++")
		w.Edit(w.About(1).IID, map[string]any{"state_event": "close"})
		w.Edit(w.About(3).IID, map[string]any{"title": "Theirs now"})
		w.Apply()
		w.why(vol(1), stand.Resting, "a person closed")
		w.why(vol(3), stand.HasIssue, "there is an issue")
		w.Admin(http.MethodDelete, fmt.Sprintf("%s/issues/%d", apptest.ProjectRoute, w.About(2).IID), nil)
		for range 4 {
			w.Clock.Forward(time.Hour)
			w.Apply()
		}
		for _, s := range w.whyAll(vol(2)) {
			if s.Stage != stand.Lost && s.Stage != stand.HasIssue { // a deleted issue shows only once a look misses it
				w.Errorf("a deleted issue is %q: %s", s.Stage, s.Answer)
			}
		}
		w.Clock.Forward(40 * 24 * time.Hour)
		w.why(vol(1), stand.Resting, "a person closed")
	})
}

func (w ward) whyAll(asked string) []app.Stand {
	w.Helper()
	got, err := w.App.Why(w.Context(), asked, 0)
	if err != nil {
		w.Fatal(err)
	}
	return got.Stands
}

// TestWhyItWaits: what holds a step back is named, whatever it is.
func agreed(app.Planned) (bool, error) { return true, nil }

func TestWhyItWaits(t *testing.T) {
	on(t, func(w ward) {
		// refused by GitLab
		remove := w.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: apptest.IssuesRoute, Times: 1, Status: 422, Header: jsonType(), Body: `{"message":"labels are odd"}`})
		w.AWS(apptest.Disk(1, "10"))
		w.Apply()
		remove()
		w.why(vol(1), stand.Failed, "labels are odd")

		// the answer was lost
		w.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: apptest.IssuesRoute, Times: 1, Cut: sandbox.CutAfter})
		blind := w.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: apptest.IssuesRoute, After: 1, Status: 403, Header: jsonType(), Body: `{"message":"403 Forbidden"}`})
		_, _, err := w.App.Apply(w.Context(), 0, agreed, nil)
		blind()
		w.why(vol(1), stand.InDoubt, "answer was lost")
		w.Log(err)
		w.Clock.Forward(time.Minute)
		w.Apply()
		w.why(vol(1), stand.HasIssue, "")

		// no room under the caps
		w.App = w.Open(w.Dir, func(c *app.Config) { c.Caps = plan.Caps{Open: 1} })
		w.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"))
		w.Apply()
		w.why(vol(2), stand.Capped, "at most 1 open")

		// a brake
		w.App = w.Open(w.Dir, func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 1} })
		w.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"), apptest.Disk(3, "30"))
		w.Apply()
		w.why(vol(2), stand.Held, "cxm approve")

		// a breaker
		w.App = w.Open(w.Dir)
		w.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: apptest.IssuesRoute, Status: 403, Header: jsonType(), Body: `{"message":"403 Forbidden"}`})
		if _, err := w.App.Run(w.Context()); err != nil {
			w.Log(err) // the run says what failed
		}
		w.why(vol(3), stand.Broken, "403 Forbidden")
		w.GitLab.ClearFaults()

		// the token
		w.state("block")
		w.Clock.Forward(2 * time.Hour)
		w.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/users/%d", w.account()), nil)
		if _, _, err := w.App.Apply(w.Context(), 0, agreed, nil); err == nil {
			w.Error("GitLab takes the token of an account that is gone")
		}
		w.why(vol(3), stand.NoAccess, "cxm token replace")
	})
}

// TestWhyIsAsked: keys, their beginnings, groups, ids and names are understood.
func TestWhyIsAsked(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	w.AWS(apptest.Disk(1, "10"))
	w.Want("+")
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
	if _, err := w.App.Why(t.Context(), " ", 0); err == nil {
		t.Error("nothing was asked, and there is no error")
	}
	if _, err := w.App.Why(t.Context(), vol(1), 99); err == nil {
		t.Error("integration 99 does not exist, and there is no error")
	}
}

// TestWhyWithoutIntegration: what was taken in before cxm is connected waits for that.
func TestWhyWithoutIntegration(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	w.App = w.Open(t.TempDir())
	w.AWS(apptest.Disk(1, "10"))
	w.why(vol(1), stand.NotConnected, "cxm connect gitlab")
}

package app_test

import (
	"net/http"
	"strings"
	"testing"

	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// What a person decides counts also when the state alone does not show that
// somebody decided anything. All of these were found by `make chaos`.

func TestClosedByAPersonAfterCxm(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "43.08"), disk(2, "9.50"))
	b.want("++")
	b.aws(disk(2, "9.50"))
	b.aws(disk(2, "9.50"))
	b.want("-")
	iid := b.about(1).IID
	b.edit(iid, map[string]any{"state_event": "reopen"})
	b.edit(iid, map[string]any{"state_event": "close"}) // before cxm looked: it sees what it left
	b.aws(disk(1, "43.08"), disk(2, "9.50"))
	b.want("")
	b.want("") // remembered, not only noticed
}

func TestReopenedBeforeCxmLearnedThatItHadClosed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.ingest(source.Alertmanager, alert("firing"))
	b.want("+")
	b.ingest(source.Alertmanager, alert("resolved"))
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPut, Times: 1, Cut: sandbox.CutAfter})
	if _, report := b.apply(); report.InDoubt != 1 {
		t.Fatalf("the close is not in doubt: %+v", report)
	}
	iid := b.issues("acme%2Fplatform")[0].IID
	b.edit(iid, map[string]any{"state_event": "reopen"})
	b.want("")
	if got := b.issues("acme%2Fplatform")[0].State; got != "opened" {
		t.Errorf("the issue is %s although a person reopened it", got)
	}
}

// A create whose answer was lost is found although a person quoted its block in
// an older issue of cxm.
func TestQuotedBeforeCxmFoundIt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "43.08"))
	b.want("+")
	b.aws(disk(1, "43.08"), disk(2, "9.50"))
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Times: 1, Cut: sandbox.CutAfter})
	down := b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: issuesRoute, After: 1, Cut: sandbox.CutBefore})
	b.apply()
	down()
	first, lost := b.about(1), b.about(2)
	b.edit(first.IID, map[string]any{"description": first.Description + "\n\nSee also:\n\n" + lost.Description})
	b.want("")
	if n := len(b.issues("acme%2Fplatform")); n != 2 {
		t.Errorf("%d issues, want 2", n)
	}
}

// News of an amount is no repeat of what a person undid, so what a person
// changes in the block later is still put right once.
func TestNewsIsNoRepeat(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "43.08"))
	b.want("+")
	b.aws(disk(1, "80.00"))
	b.want("~")
	b.aws(disk(1, "120.00"))
	b.want("~")
	was := b.about(1)
	b.edit(was.IID, map[string]any{"description": replaced(t, was.Description, "120.00 USD", "1.00 USD")})
	b.want("~")
	b.edit(was.IID, map[string]any{"description": replaced(t, was.Description, "120.00 USD", "1.00 USD")})
	b.want("") // theirs
}

// replaced fails when there is nothing to replace.
func replaced(t *testing.T, text, was, is string) string {
	t.Helper()
	out := strings.ReplaceAll(text, was, is)
	if out == text {
		t.Fatalf("%q is not in %s", was, text)
	}
	return out
}

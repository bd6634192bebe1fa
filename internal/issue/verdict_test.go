package issue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/issue"
	"cxm/internal/rule"
)

// lead, who and she are people.
func lead() issue.Person { return issue.Person{ID: 5, Username: "lead"} }
func who() issue.Person  { return issue.Person{ID: 7, Username: "who"} }
func she() issue.Person  { return issue.Person{ID: 8, Username: "she"} }

// given is an issue that cxm made for an owner in project 1, assigned to people.
func given(owner string, to ...issue.Person) issue.Tracked {
	d := issue.Desired{Owner: owner, Route: rule.Route{Project: 1}}
	t := issue.Intend(1, 1, "nonce", d, "")
	return t.Wrote(d, "", true, issue.Observed{ID: 1, IID: 1, ProjectID: 1, State: issue.Opened, Assignees: to})
}

// TestVerdict: what people made of what cxm gave an issue.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		was    issue.Tracked
		people func(*issue.Observed)
		want   issue.Verdict
		to     []issue.Person
	}{
		"nothing":                   {given("platform"), func(*issue.Observed) {}, "", nil},
		"nobody's, taken":           {given(""), func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, issue.Corrected, []issue.Person{who()}},
		"a team's, given":           {given("platform"), func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, issue.Corrected, []issue.Person{who()}},
		"the owner took it":         {given("@Who"), func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, "", nil},
		"another than the owner":    {given("@she"), func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, issue.Corrected, []issue.Person{who()}},
		"reassigned":                {given("", lead()), func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, issue.Corrected, []issue.Person{who()}},
		"reassigned to two":         {given("", lead()), func(o *issue.Observed) { o.Assignees = []issue.Person{who(), she()} }, issue.Corrected, []issue.Person{who(), she()}},
		"somebody came to it":       {given("", lead()), func(o *issue.Observed) { o.Assignees = []issue.Person{lead(), who()} }, "", nil},
		"taken away from everybody": {given("", lead()), func(o *issue.Observed) { o.Assignees = nil }, "", nil},
		"moved":                     {given("platform"), func(o *issue.Observed) { o.ProjectID = 2 }, issue.Corrected, nil},
		"moved out of sight":        {given("platform"), func(o *issue.Observed) { o.MovedToID = 99 }, "", nil},
		"closed":                    {given("platform", lead()), func(o *issue.Observed) { o.State = issue.Closed }, issue.Kept, nil},
		"closed by who was given it": {given("platform"), func(o *issue.Observed) { o.State, o.Assignees = issue.Closed, []issue.Person{who()} },
			issue.Corrected, []issue.Person{who()}},
		"closed by the owner": {given("@who"), func(o *issue.Observed) { o.State, o.Assignees = issue.Closed, []issue.Person{who()} }, issue.Kept, nil},
		"closed and nobody's": {given("platform", lead()), func(o *issue.Observed) { o.State, o.Assignees = issue.Closed, nil }, "", nil},
		"of before, reassigned": {issue.Tracked{Phase: issue.Live, Routed: 1, Observed: issue.Observed{ProjectID: 1, State: issue.Opened}, Written: issue.Written{State: issue.Opened}},
			func(o *issue.Observed) { o.Assignees = []issue.Person{who()} }, "", nil},
		"of before, closed": {issue.Tracked{Phase: issue.Live, Routed: 1, Observed: issue.Observed{ProjectID: 1, State: issue.Opened}, Written: issue.Written{State: issue.Opened}},
			func(o *issue.Observed) { o.State = issue.Closed }, "", nil},
	} {
		o := c.was.Observed
		c.people(&o)
		is := c.was.Seen(o)
		if got := is.Verdict(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if diff := cmp.Diff(c.to, is.Reassigned()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestOwnMoves: where cxm itself moved an issue, or may have, nobody corrected it.
func TestOwnMoves(t *testing.T) {
	was := given("platform").Moving(2, time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	o := was.Observed
	o.ProjectID = 2
	if got := was.Seen(o).Verdict(); got != "" {
		t.Errorf("under way: %q", got)
	}
	if got := was.Moved(o, true); got.Verdict() != "" || got.Routed != 2 {
		t.Errorf("carried out: %q", got.Verdict())
	}
	if got := given("platform").Moved(o, false); got.Verdict() != issue.Corrected || got.Relocated() != 2 {
		t.Errorf("by a person: %q to %d", got.Verdict(), got.Relocated())
	}
}

// TestGaveAgain: what cxm writes later is what it gives from then on, and people who
// chose so before were right.
func TestGaveAgain(t *testing.T) {
	is := given("platform")
	o := is.Observed
	o.Assignees = []issue.Person{who()}
	is = is.Seen(o)
	if is.Verdict() != issue.Corrected {
		t.Fatalf("%q", is.Verdict())
	}
	is = is.Wrote(issue.Desired{Owner: "@who"}, "", true, o)
	if is.Verdict() != "" || is.Gave.Owner != "@who" || len(is.Gave.Assignees) != 0 {
		t.Errorf("%q: %+v", is.Verdict(), is.Gave)
	}
	old := issue.Tracked{Phase: issue.Live, Routed: 1, Observed: o, Written: issue.Written{State: issue.Opened}}
	if got := old.Wrote(issue.Desired{Owner: "platform"}, "", true, o); got.Gave.Known {
		t.Errorf("people may have assigned it before: %+v", got.Gave)
	}
	o.Assignees = nil
	if got := old.Wrote(issue.Desired{Owner: "platform"}, "", true, o); !got.Gave.Known || got.Gave.Owner != "platform" {
		t.Errorf("nobody was assigned: %+v", got.Gave)
	}
}

// TestGaveInDoubt: of a create whose answer was lost it is known what it gave once
// it is found; of one that nobody remembers it is not.
func TestGaveInDoubt(t *testing.T) {
	d := issue.Desired{Owner: "platform", Route: rule.Route{Project: 1}}
	lost := issue.Intend(1, 1, "nonce", d, "")
	lost.Phase = issue.InDoubt
	o := issue.Observed{ID: 1, IID: 1, ProjectID: 1, State: issue.Opened, Assignees: []issue.Person{lead()}}
	if got := lost.Adopt(o).Gave; !got.Known || got.Owner != "platform" || !cmp.Equal(got.Assignees, []int64{5}) {
		t.Errorf("found: %+v", got)
	}
	if got := (issue.Tracked{Phase: issue.Live}).Adopt(o).Gave; got.Known {
		t.Errorf("forgotten: %+v", got)
	}
}

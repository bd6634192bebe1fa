package connecting

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/integration/check"
	"cxm/internal/web"
	"cxm/internal/web/ui"
)

// TestGroups shows what waits while a test goes on, and leaves out what was not
// checked once it is over.
func TestGroups(t *testing.T) {
	first := check.Result{Check: check.Checks()[0], Verdict: check.Verdict{Outcome: check.OK}}
	all := Testing{Results: []check.Result{first}, Running: true}.Groups()
	if len(all) != len(check.Groups()) || all[0].Checks[0].Outcome != "ok" || all[1].Checks[0].Outcome != "waiting" {
		t.Errorf("while it goes on: %+v", all)
	}
	if over := (Testing{Results: []check.Result{first}}).Groups(); len(over) != 1 || over[0].Name != string(check.Instance) {
		t.Errorf("when it is over: %+v", over)
	}
}

// TestWatch sends each result once, and then where to go on.
func TestWatch(t *testing.T) {
	render, err := web.New(files)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	result := func(n int) check.Result { return check.Result{Check: check.Checks()[n]} }
	closed := make(chan struct{})
	close(closed)
	states := []Testing{{Running: true, Changed: closed}, {Running: true, Changed: closed, Results: []check.Result{result(0)}}, {Results: []check.Result{result(0), result(1)}, Changed: closed}}
	err = watch(context.Background(), render.Stream(w), "/there", func() (Testing, error) {
		now := states[0]
		states = states[1:]
		return now, nil
	})
	text := w.Body.String()
	if err != nil || strings.Count(text, "check-"+check.Checks()[0].Name) != 1 || strings.Count(text, "check-"+check.Checks()[1].Name) != 1 || !strings.HasSuffix(text, "event: next\ndata: /there\n\n") {
		t.Errorf("%v: %s", err, text)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := watch(ctx, render.Stream(httptest.NewRecorder()), "/", func() (Testing, error) { return Testing{Running: true, Changed: make(chan struct{})}, nil }); err != nil {
		t.Errorf("when nobody looks any more: %v", err)
	}
}

func TestOrigin(t *testing.T) {
	for name, c := range map[string]struct{ public, origin, want string }{
		"as the browser says":   {"", "https://example.com", "https://example.com"},
		"another site's origin": {"", "https://evil.example.org", "http://example.com"},
		"none":                  {"", "", "http://example.com"},
		"as the operator says":  {"https://cxm.example.com/", "http://example.com", "https://cxm.example.com"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Origin", c.origin)
		if got := (&area{Parts{Public: c.public}}).origin(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestRefused tells what is for people from what is for the log.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
		is   bool
	}{
		{&door.Problem{Status: 502, Detail: "gitLab does not answer"}, "GitLab does not answer.", true},
		{&door.Problem{Status: 422, Detail: "cxm cannot"}, "cxm cannot.", true},
		{&door.Problem{Status: 404, Detail: "there is none"}, "", false},
		{&door.Problem{Status: 500, Detail: "secret table"}, "", false},
		{context.Canceled, "", false},
	} {
		if got, is := refused(c.err); got != c.says || is != c.is {
			t.Errorf("%v: %q, %v", c.err, got, is)
		}
	}
}

func TestFields(t *testing.T) {
	if got := strings.Join(Labels(" a, b::c ,,"), "|"); got != "a|b::c" {
		t.Errorf("labels %s", got)
	}
	if faults, rest := At(`Looking for the user "x": GitLab has no such user`); faults["assignee"] == "" || rest != "" {
		t.Errorf("%v, %q", faults, rest)
	}
	if faults, rest := At("something else"); faults != nil || rest != "something else" {
		t.Errorf("%v, %q", faults, rest)
	}
	all := selected([]ui.Option{{Value: "1", Text: "a", Selected: true}}, "2", "none")
	if len(all) != 3 || all[1].Selected || !all[2].Selected || all[0].Value != "" {
		t.Errorf("options %+v", all)
	}
}

// TestStates offers what can be done, and nothing else.
func TestStates(t *testing.T) {
	if p := NewTrial(Trial{Ready: true, Run: 3}, false); strings.Contains(texts(p.Actions), "End it") || p.Live != "" {
		t.Errorf("who may not end it: %+v", p)
	}
	if p := NewTrial(Trial{Barred: "no", Trouble: "bad"}, true); len(p.Actions) > 0 {
		t.Errorf("it cannot be tried again: %+v", p)
	}
	for state, does := range map[SetupState]string{Looking: "", Planned: "Do this in GitLab", Working: "", Made: "", Halted: ""} {
		p := NewSetup("x", Setup{State: state, Steps: []SetupStep{{Title: "a"}}, Integration: 1})
		if got := p.Do != nil; got != (does != "") || (p.Done != nil) != (state == Made) || (p.Live != "") != (state == Looking || state == Working) {
			t.Errorf("%s: %+v", state, p)
		}
	}
	if p := NewSetup("x", Setup{State: Planned, Steps: []SetupStep{{There: true}}}); p.Do.Text != "Go on" {
		t.Errorf("when nothing is to be done: %+v", p.Do)
	}
	r := NewReview(1, api.Reach{Remarks: []api.Remark{{Severity: "warning"}, {Severity: "error"}}, Places: make([]api.Place, 150)}, nil, "", "")
	if r.Summary.Tone != ui.Bad || len(r.Places.Rows) != shown || !strings.HasPrefix(r.More, "And 50 more") {
		t.Errorf("a review: %+v, %d rows, %s", r.Summary, len(r.Places.Rows), r.More)
	}
}

func texts(all []ui.Action) (out string) {
	for _, a := range all {
		out += a.Text + " "
	}
	return out
}

package gitlab_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// elsewhere makes a project in which the bot is nobody.
func (w *world) elsewhere() int64 {
	group := w.admin(http.MethodPost, "/groups", map[string]any{"name": "Example", "path": "example"})
	return id(w.admin(http.MethodPost, "/projects", map[string]any{"name": "shop", "namespace_id": group["id"]}))
}

// TestMove moves an issue as cxm needs it: with its text, told before it leaves,
// and found in the other project.
func TestMove(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	shop := w.elsewhere()
	c := w.client()
	made := must[issue.Observed](t)(c.Create(t.Context(), w.project, issue.Draft{Title: "Delete the disk", Description: "text", Labels: []string{"cxm"}}))

	refused := func(kind issue.TroubleKind) {
		t.Helper()
		_, err := c.Move(t.Context(), w.project, made.IID, shop, nil)
		if trouble := wantKind(t, err, kind); !strings.Contains(trouble.Mend, "Planner role or higher in both projects") {
			t.Errorf("%v does not say what to do", err)
		}
		if err := c.Takes(t.Context(), shop); err == nil {
			t.Error("the project is said to take issues")
		}
	}
	members := fmt.Sprintf("/projects/%d/members", shop)
	refused(issue.NotFound)
	w.admin(http.MethodPost, members, map[string]any{"user_id": w.bot, "access_level": 10})
	refused(issue.Invalid)
	w.admin(http.MethodPut, fmt.Sprintf("%s/%d", members, w.bot), map[string]any{"access_level": 15})
	if err := c.Takes(t.Context(), shop); err != nil {
		t.Errorf("as Planner: %v", err)
	}
	stopped := errors.New("stopped")
	before := w.wrote(http.MethodPost)
	if _, err := c.Move(t.Context(), w.project, made.IID, shop, func() error { return stopped }); !errors.Is(err, stopped) || w.wrote(http.MethodPost) != before {
		t.Errorf("it left though it was stopped: %v", err)
	}
	sent := 0
	moved := must[issue.Observed](t)(c.Move(t.Context(), w.project, made.IID, shop, func() error { sent++; return nil }))
	if sent != 1 || moved.ProjectID != shop || moved.Description != "text" || moved.State != issue.Opened {
		t.Errorf("told %d times, moved to %+v", sent, moved)
	}
	if old := must[issue.Observed](t)(c.One(t.Context(), w.project, made.IID)); old.MovedToID != moved.ID || old.State != issue.Closed {
		t.Errorf("the old issue is %+v", old)
	}
	if _, err := c.Move(t.Context(), w.project, made.IID, shop, nil); wantKind(t, err, issue.Invalid) == nil {
		t.Error("an issue is moved twice")
	}
}

// TestMoveIsSentOnce: a move whose answer is lost is in doubt, and not sent again.
func TestMoveIsSentOnce(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	shop := w.elsewhere()
	w.admin(http.MethodPost, fmt.Sprintf("/projects/%d/members", shop), map[string]any{"user_id": w.bot, "access_level": 20})
	c := w.client()
	made := must[issue.Observed](t)(c.Create(t.Context(), w.project, issue.Draft{Title: "Delete the disk", Description: "text"}))
	before := w.wrote(http.MethodPost)
	for _, fault := range []sandbox.Fault{{Cut: sandbox.CutBefore}, {Status: http.StatusBadGateway, Body: "bad gateway"}, {Cut: sandbox.CutAfter}} {
		fault.Method, fault.Path, fault.Times = http.MethodPost, "/api/v4/projects/*/issues/*/move", 1
		w.Inject(fault)
		_, err := c.Move(t.Context(), w.project, made.IID, shop, nil)
		wantKind(t, err, issue.Doubtful)
	}
	if n := w.wrote(http.MethodPost) - before; n != 3 {
		t.Errorf("%d requests for three moves", n)
	}
}

// TestTakes says which projects take no issue, and why.
func TestTakes(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c := w.client()
	refused := func(says string) {
		t.Helper()
		if err := c.Takes(t.Context(), w.project); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if err := c.Takes(t.Context(), w.project); err != nil {
		t.Error(err)
	}
	path := "/projects/acme%2Fplatform"
	w.admin(http.MethodPut, path, map[string]any{"issues_access_level": "disabled"})
	refused("issues are disabled")
	w.admin(http.MethodPut, path, map[string]any{"issues_access_level": "enabled"})
	w.admin(http.MethodPost, path+"/archive", nil)
	refused("archived")
	w.admin(http.MethodPost, path+"/unarchive", nil)
	guest := w.elsewhere()
	w.admin(http.MethodPost, fmt.Sprintf("/projects/%d/members", guest), map[string]any{"user_id": w.bot, "access_level": 10})
	if err := c.Takes(t.Context(), guest); err == nil || !strings.Contains(err.Error(), "Planner role") {
		t.Errorf("as guest: %v", err)
	}
}

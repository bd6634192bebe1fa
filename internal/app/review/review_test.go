package review_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/integration/access"
)

// said are the remarks of an access: "warning acme/shop".
func said(remarks []access.Remark) string {
	var out []string
	for _, r := range remarks {
		out = append(out, strings.TrimSpace(string(r.Severity)+" "+r.Place))
	}
	return strings.Join(out, ", ")
}

// TestAccess compares what the account reaches with what cxm needs, as its
// memberships change.
func TestAccess(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	in, err := b.App.Integration(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	user := in.Account.ID
	if _, weak, err := b.App.SetAccessOwners(t.Context(), 0, []string{"finops@example.com"}); err != nil || len(weak) != 0 {
		t.Fatalf("%q (%v)", weak, err)
	}
	look := func(want string) app.Access {
		t.Helper()
		got, err := b.App.Access(t.Context(), 0)
		if err != nil || said(got.Remarks) != want {
			t.Fatalf("remarks %+v (%v), want %s", got.Remarks, err, want)
		}
		return got
	}
	got := look("")
	if len(got.Reach.Projects) != 1 || got.Reach.Projects[0].Role != access.Maintainer || !got.Reach.Projects[0].Direct || len(got.Reach.Groups) != 0 {
		t.Errorf("it reaches %+v", got.Reach)
	}
	b.Admin(http.MethodPost, "/api/v4/projects/acme%2Fshop/members", map[string]any{"user_id": user, "access_level": 30})
	look("warning acme/shop")
	b.Admin(http.MethodPost, "/api/v4/groups/acme/members", map[string]any{"user_id": user, "access_level": 30})
	if got = look("warning acme, warning acme/shop"); got.Reach.Groups[0].Role != access.Developer || got.Reach.Groups[0].Path != "acme" {
		t.Errorf("the group is %+v", got.Reach.Groups)
	}
	b.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/groups/acme/members/%d", user), nil)
	b.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/projects/acme%%2Fshop/members/%d", user), nil)
	b.Admin(http.MethodPut, fmt.Sprintf("%s/members/%d", apptest.ProjectRoute, user), map[string]any{"access_level": 10})
	look("error acme/platform")
	b.Admin(http.MethodPut, fmt.Sprintf("%s/members/%d", apptest.ProjectRoute, user), map[string]any{"access_level": 50})
	look("warning acme/platform")
	b.Admin(http.MethodDelete, fmt.Sprintf("%s/members/%d", apptest.ProjectRoute, user), nil)
	look("error acme/platform")
}

// TestReviewIsDueEveryQuarter reminds once, in the log and by an issue that closes
// when the review is recorded.
func TestReviewIsDueEveryQuarter(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBedOn(t, database())
		var log bytes.Buffer
		a := b.Open(b.Dir, func(c *app.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		run := func() {
			t.Helper()
			for deadline := time.Now().Add(30 * time.Second); ; {
				w, err := a.Run(t.Context())
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("%+v (%v)", w, err)
				}
				if w.Left == 0 { // else a plan waits for one that was under way
					return
				}
			}
		}
		about := func() string {
			t.Helper()
			var states []string
			for _, i := range b.Issues("acme%2Fplatform") {
				if strings.Contains(i.Title, "Review what") {
					states = append(states, i.State)
				}
			}
			return strings.Join(states, ", ")
		}
		reminders := func() int { return strings.Count(log.String(), "a review of what cxm may do in GitLab is due") }
		due := func() int {
			t.Helper()
			s, err := a.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(s.Reviews)
		}
		b.Clock.Forward(70 * 24 * time.Hour)
		if run(); due() != 0 || reminders() != 0 || about() != "" {
			t.Fatal("a review is due too early")
		}
		b.Connect(b.renewed())
		b.Clock.Forward(30 * 24 * time.Hour)
		run()
		run()
		if due() != 1 || reminders() != 1 || about() != "opened" {
			t.Fatalf("due %d, reminded %d times, issue %q", due(), reminders(), about())
		}
		r, err := a.ReviewAccess(t.Context(), 0, "finops@example.com", "fine")
		if err != nil || r.By != "finops@example.com" || len(r.Reach.Projects) != 1 {
			t.Fatalf("%+v (%v)", r, err)
		}
		if run(); due() != 0 || reminders() != 1 || about() != "closed" {
			t.Errorf("due %d, reminded %d times, issue %q", due(), reminders(), about())
		}
		if all, err := a.AccessReviews(t.Context(), 0, 9); err != nil || len(all) != 1 || all[0].Note != "fine" {
			t.Errorf("history: %+v (%v)", all, err)
		}
	})
}

// renewed is another token of the bed's service account, which works for 90 days
// from now.
func (b *bed) renewed() string {
	b.Helper()
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", b.UserID("cxm-integration")),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.Clock.Now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return made["token"].(string)
}

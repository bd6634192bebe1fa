package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/sandbox"
)

// TestOfficialGoClientHooks makes a webhook with client-go and lets client-go
// read what it is told.
func TestOfficialGoClientHooks(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	t.Cleanup(s.Close)
	g, l := official(t, c), listen(t)
	h := must[*gitlab.ProjectHook](t)(g.Projects.AddProjectHook(1, &gitlab.AddProjectHookOptions{
		URL: &l.url, IssuesEvents: new(true), NoteEvents: new(true), EmojiEvents: new(true), PushEvents: new(false),
		SigningToken:  new("whsec_" + strings.Repeat("A", 43) + "="),
		CustomHeaders: &[]*gitlab.HookCustomHeader{{Key: "X-Team", Value: "finops"}},
	}))
	if !h.SigningTokenPresent || h.TokenPresent || h.ProjectID != 1 || !h.IssuesEvents || h.AlertStatus != "executable" {
		t.Errorf("%+v", h)
	}
	if all := must[[]*gitlab.ProjectHook](t)(g.Projects.ListProjectHooks(1, nil)); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	s.HoldHooks(true)
	c.api(201, "POST", "/projects/1/issues", `{"title":"a","assignee_ids":[3],"labels":"bug"}`)
	c.api(201, "POST", oneIssue+"/notes", `{"body":"hello"}`)
	c.api(201, "POST", oneIssue+"/award_emoji", `{"name":"tada"}`)
	for _, e := range l.told(t, s) {
		read, err := gitlab.ParseWebhook(gitlab.HookEventType(&http.Request{Header: e.header}), e.body)
		if err != nil {
			t.Fatalf("%s: %v\n%s", e.line(), err, e.body)
		}
		switch read := read.(type) {
		case *gitlab.IssueEvent:
			if read.ObjectAttributes.Action != "open" || read.ObjectAttributes.IID != 1 || read.Project.PathWithNamespace != "acme/platform" || len(read.Labels) != 1 {
				t.Errorf("%+v", read.ObjectAttributes)
			}
		case *gitlab.IssueCommentEvent:
			if read.ObjectAttributes.Note != "hello" || read.Issue.IID != 1 || read.ObjectAttributes.System {
				t.Errorf("%+v", read)
			}
		case *gitlab.EmojiEvent:
			if read.ObjectAttributes.Name != "tada" {
				t.Errorf("%+v", read)
			}
		default:
			t.Errorf("read as %T", read)
		}
	}
	if _, err := g.Projects.DeleteProjectHook(1, h.ID); err != nil {
		t.Error(err)
	}
}

package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/sandbox"
)

// official gives the official Go client, as its users make it.
func official(t *testing.T, c client) *gitlab.Client {
	t.Helper()
	g, err := gitlab.NewClient(c.token, gitlab.WithBaseURL(c.url))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// must fails the test on an error, and gives the value.
func must[T any](t *testing.T) func(v T, r *gitlab.Response, err error) T {
	t.Helper()
	return func(v T, _ *gitlab.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestOfficialGoClient does a bot's whole work with client-go, unchanged: a
// group, a service account with a token, then issues.
func TestOfficialGoClient(t *testing.T) {
	s, c := serve(t, sandbox.Options{})
	root := official(t, c)
	group := must[*gitlab.Group](t)(root.Groups.CreateGroup(&gitlab.CreateGroupOptions{Name: new("Acme"), Path: new("acme")}))
	project := must[*gitlab.Project](t)(root.Projects.CreateProject(&gitlab.CreateProjectOptions{
		Name: new("Platform"), NamespaceID: &group.ID, InitializeWithReadme: new(true)}))
	bot := goServiceAccount(t, root, group.ID)
	g := official(t, c.as(bot))
	if me := must[*gitlab.User](t)(g.Users.CurrentUser()); !me.Bot || me.Name != "cxm" {
		t.Errorf("bot %v, name %q", me.Bot, me.Name)
	}
	must[*gitlab.PersonalAccessToken](t)(g.PersonalAccessTokens.GetSinglePersonalAccessToken())
	must[*gitlab.Metadata](t)(g.Metadata.GetMetadata())
	goIssueLife(t, g, project.ID)
	goLists(t, g, project.ID)
	if got := s.Unknown(); len(got) != 0 {
		t.Errorf("unknown routes: %v", got)
	}
}

func goServiceAccount(t *testing.T, root *gitlab.Client, groupID int64) (token string) {
	t.Helper()
	sa := must[*gitlab.GroupServiceAccount](t)(root.Groups.CreateServiceAccount(groupID, &gitlab.CreateServiceAccountOptions{Name: new("cxm")}))
	must[*gitlab.GroupMember](t)(root.GroupMembers.AddGroupMember(groupID, &gitlab.AddGroupMemberOptions{
		UserID: &sa.ID, AccessLevel: gitlab.Ptr(gitlab.ReporterPermissions)}))
	expires := gitlab.ISOTime(time.Now().AddDate(0, 0, 30))
	made := must[*gitlab.PersonalAccessToken](t)(root.Groups.CreateServiceAccountPersonalAccessToken(groupID, sa.ID,
		&gitlab.CreateServiceAccountPersonalAccessTokenOptions{Name: new("t"), Scopes: &[]string{"api"}, ExpiresAt: &expires}))
	next := must[*gitlab.PersonalAccessToken](t)(root.Groups.RotateServiceAccountPersonalAccessToken(groupID, sa.ID, made.ID, nil))
	if next.Token == made.Token || next.Token == "" {
		t.Errorf("rotation gave %q", next.Token)
	}
	return next.Token
}

func goIssueLife(t *testing.T, g *gitlab.Client, pid int64) {
	t.Helper()
	i := must[*gitlab.Issue](t)(g.Issues.CreateIssue(pid, &gitlab.CreateIssueOptions{
		Title: new("Resize"), Description: new("marker f9k2x7q1"), Labels: &gitlab.LabelOptions{"cost", "aws"}}))
	i = must[*gitlab.Issue](t)(g.Issues.UpdateIssue(pid, i.IID, &gitlab.UpdateIssueOptions{
		AddLabels: &gitlab.LabelOptions{"seen"}, RemoveLabels: &gitlab.LabelOptions{"aws"}, Description: new("two")}))
	if got := []string(i.Labels); len(got) != 2 || got[0] != "cost" || got[1] != "seen" {
		t.Errorf("labels %v", got)
	}
	note := must[*gitlab.Note](t)(g.Notes.CreateIssueNote(pid, i.IID, &gitlab.CreateIssueNoteOptions{Body: new("still there")}))
	must[*gitlab.Note](t)(g.Notes.UpdateIssueNote(pid, i.IID, note.ID, &gitlab.UpdateIssueNoteOptions{Body: new("gone")}))
	i = must[*gitlab.Issue](t)(g.Issues.UpdateIssue(pid, i.IID, &gitlab.UpdateIssueOptions{StateEvent: new("close")}))
	if i.State != "closed" || i.ClosedAt == nil || i.ClosedBy == nil {
		t.Errorf("closed: %+v", i)
	}
	i = must[*gitlab.Issue](t)(g.Issues.UpdateIssue(pid, i.IID, &gitlab.UpdateIssueOptions{StateEvent: new("reopen")}))
	events := must[[]*gitlab.StateEvent](t)(g.ResourceStateEvents.ListIssueStateEvents(pid, i.IID, nil))
	if len(events) != 2 || events[0].State != gitlab.ClosedEventType {
		t.Errorf("events %v", events)
	}
	must[[]*gitlab.LabelEvent](t)(g.ResourceLabelEvents.ListIssueLabelEvents(pid, i.IID, nil))
	must[*gitlab.Discussion](t)(g.Discussions.CreateIssueDiscussion(pid, i.IID, &gitlab.CreateIssueDiscussionOptions{Body: new("thread")}))
	if ds := must[[]*gitlab.Discussion](t)(g.Discussions.ListIssueDiscussions(pid, i.IID, nil)); len(ds) == 0 {
		t.Error("no discussions")
	}
	must[*gitlab.AwardEmoji](t)(g.AwardEmoji.CreateIssueAwardEmoji(pid, i.IID, &gitlab.CreateAwardEmojiOptions{Name: "thumbsup"}))
	goMore(t, g, pid, i.IID)
}

func goMore(t *testing.T, g *gitlab.Client, pid, iid int64) {
	t.Helper()
	other := must[*gitlab.Issue](t)(g.Issues.CreateIssue(pid, &gitlab.CreateIssueOptions{Title: new("Other")}))
	must[*gitlab.IssueLink](t)(g.IssueLinks.CreateIssueLink(pid, iid, &gitlab.CreateIssueLinkOptions{
		TargetProjectID: new("1"), TargetIssueIID: new("2")}))
	related := must[[]*gitlab.IssueRelation](t)(g.IssueLinks.ListIssueRelations(pid, iid))
	if len(related) != 1 || related[0].ID != other.ID {
		t.Errorf("relations %v", related)
	}
	stats := must[*gitlab.TimeStats](t)(g.Issues.AddSpentTime(pid, iid, &gitlab.AddSpentTimeOptions{Duration: new("1h30m")}))
	if stats.TotalTimeSpent != 5400 {
		t.Errorf("spent %d", stats.TotalTimeSpent)
	}
	if who := must[[]*gitlab.BasicUser](t)(g.Issues.GetParticipants(pid, iid)); len(who) != 1 {
		t.Errorf("participants %v", who)
	}
	label := must[*gitlab.Label](t)(g.Labels.CreateLabel(pid, &gitlab.CreateLabelOptions{Name: new("risk"), Color: new("red")}))
	if label.Color != "#ff0000" {
		t.Errorf("color %s", label.Color)
	}
	if _, res, err := g.Labels.CreateLabel(pid, &gitlab.CreateLabelOptions{Name: new("risk"), Color: new("red")}); err == nil || res.StatusCode != http.StatusConflict {
		t.Errorf("duplicate label: %v", err)
	}
}

func goLists(t *testing.T, g *gitlab.Client, pid int64) {
	t.Helper()
	found := must[[]*gitlab.Issue](t)(g.Issues.ListProjectIssues(pid, &gitlab.ListProjectIssuesOptions{
		State: new("opened"), Search: new("two"), In: new("description"), Labels: &gitlab.LabelOptions{"cost"}}))
	if len(found) != 1 || found[0].Title != "Resize" {
		t.Errorf("search found %v", found)
	}
	for _, title := range []string{"three", "four", "five"} {
		must[*gitlab.Issue](t)(g.Issues.CreateIssue(pid, &gitlab.CreateIssueOptions{Title: &title}))
	}
	opt := &gitlab.ListIssuesOptions{Scope: new("all"), ListOptions: gitlab.ListOptions{PerPage: 2, Pagination: "keyset", OrderBy: "created_at"}}
	all, err := gitlab.ScanAndCollect(func(p gitlab.PaginationOptionFunc) ([]*gitlab.Issue, *gitlab.Response, error) {
		return g.Issues.ListIssues(opt, p)
	})
	if err != nil || len(all) != 5 {
		t.Errorf("keyset gave %d issues, %v", len(all), err)
	}
	projects := must[[]*gitlab.Project](t)(g.Projects.ListProjects(&gitlab.ListProjectsOptions{Membership: new(true), Simple: new(true)}))
	if len(projects) != 1 || projects[0].PathWithNamespace != "acme/platform" {
		t.Errorf("projects %v", projects)
	}
	must[[]*gitlab.Namespace](t)(g.Namespaces.ListNamespaces(nil))
	member := must[*gitlab.ProjectMember](t)(g.ProjectMembers.GetInheritedProjectMember(pid, must[*gitlab.User](t)(g.Users.CurrentUser()).ID))
	if member.AccessLevel != gitlab.ReporterPermissions {
		t.Errorf("access %d", member.AccessLevel)
	}
	file := must[*gitlab.File](t)(g.RepositoryFiles.GetFile(pid, "README.md", &gitlab.GetFileOptions{Ref: new("main")}))
	if file.FileName != "README.md" || file.Content == "" {
		t.Errorf("file %+v", file)
	}
	must[*gitlab.Branch](t)(g.Branches.GetBranch(pid, "main"))
	must[[]*gitlab.Commit](t)(g.Commits.ListCommits(pid, nil))
}

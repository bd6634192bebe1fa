package learning_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"cxm/internal/app/apptest"
	"cxm/internal/app/learning"
	"cxm/internal/store/rules"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is apptest's, with what people do.
type bed struct{ *apptest.Bed }

func newBed(t *testing.T, database string) bed { return bed{databases.Connected(t, database)} }

// disk is one of a team, in an account.
func disk(n int, account, team string) string {
	text := apptest.Disk(n, "10")
	tags := `"tags":[{"key":"team","value":"` + team + `"}],`
	return strings.Replace(strings.ReplaceAll(text, "123456789012", account), `"region"`, tags+`"region"`, 1)
}

// iid is the number of the issue about a disk.
func (b bed) iid(n int) int64 { b.Helper(); return b.About(n).IID }

// assign gives the issue about a disk to people.
func (b bed) assign(n int, to ...string) {
	b.Helper()
	ids := []int64{}
	for _, name := range to {
		ids = append(ids, b.UserID(name))
	}
	b.Edit(b.iid(n), map[string]any{"assignee_ids": ids})
}

// looks is a look at GitLab.
func (b bed) looks() {
	b.Helper()
	if _, err := b.App.Plan(b.Context(), 0); err != nil {
		b.Fatal(err)
	}
}

// wants fails unless exactly this is suggested after a look.
func (b bed) wants(says ...string) []learning.Suggestion {
	b.Helper()
	b.looks()
	all, err := b.App.Suggestions(b.Context(), false)
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Says())
	}
	if fmt.Sprint(got) != fmt.Sprint(says) {
		b.Fatalf("suggested is %q, want %q", got, says)
	}
	return all
}

// TestLearned: on both databases what people correct is suggested, accepted it
// holds for what comes, and the file of the rules is as it was but for that.
func TestLearned(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"), disk(3, "1", "web"))
		b.Want("+++")
		b.assign(1, "engineer")
		b.wants()
		b.assign(2, "engineer")
		s := b.wants("tag team=pay belongs to @engineer")[0]
		r, err := b.App.AcceptSuggestion(b.Context(), s, "platform-admin", "agreed")
		if err != nil || r.Number != 1 || r.Author != "platform-admin" || !strings.Contains(r.Note, "accepts suggestion 1") || !strings.Contains(r.Note, "agreed") {
			t.Fatalf("%+v, %v", r, err)
		}
		if want := "version: 1\nownership:\n  people:\n    pay: \"@engineer\"\n"; !strings.Contains(r.Text, want) {
			t.Errorf("the rules are\n%s", r.Text)
		}
		b.Apply()
		b.wants()
		b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"), disk(3, "1", "web"), disk(4, "1", "pay"))
		b.Want("+")
		if text := b.About(4).Description; !strings.Contains(text, "engineer; tag team on the resource") {
			t.Errorf("the issue names nobody:\n%s", text)
		}
		b.Want("")
	})
}

// TestKept: an issue that a person closed as it was speaks against, and so does
// another choice.
func TestKept(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"), disk(3, "1", "pay"), disk(4, "2", "web"), disk(5, "2", "web"), disk(6, "2", "web"))
	b.Want("++++++")
	b.assign(1, "engineer")
	b.assign(2, "engineer")
	b.assign(4, "engineer")
	b.assign(5, "engineer")
	b.wants("tag team=pay belongs to @engineer", "tag team=web belongs to @engineer")
	b.Edit(b.iid(3), map[string]any{"state_event": "close"})
	b.wants("tag team=web belongs to @engineer")
	b.assign(6, "platform-admin")
	b.wants()
}

// TestOvertaken: what was suggested under rules that are not in force any more is
// not put over those that are.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"))
	b.Want("++")
	b.assign(1, "engineer")
	b.assign(2, "engineer")
	s := b.wants("tag team=pay belongs to @engineer")[0]
	if _, err := b.App.ApplyRules(b.Context(), "rules.yaml", []byte("version: 1\nrules:\n  - {name: all}\n"), rules.Change{}); err != nil {
		t.Fatal(err)
	}
	var overtaken *rules.OvertakenError
	if _, err := b.App.AcceptSuggestion(b.Context(), s, "platform-admin", ""); !errors.As(err, &overtaken) {
		t.Fatalf("err = %v", err)
	}
	s = b.wants("tag team=pay belongs to @engineer")[0]
	if s.Number != 1 || s.Revision != 1 {
		t.Errorf("%+v", s)
	}
}

// TestMoved: where people moved issues is learned; where cxm moved them is not, nor
// that they gave one to whom it was for anyway.
func TestMoved(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	in, err := b.App.Integration(b.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.Admin(http.MethodPost, "/api/v4/projects/acme%2Fshop/members", map[string]any{"user_id": in.Account.ID, "access_level": 40})
	shop, ok := b.Admin(http.MethodGet, "/api/v4/projects/acme%2Fshop", nil)["id"].(float64)
	if !ok {
		t.Fatal("no project acme/shop")
	}
	b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"), disk(3, "1", "web"), disk(4, "1", "web"))
	b.Want("++++")
	route := "version: 1\nrules:\n  - {name: web, when: tag(\"team\") == \"web\", route: {project: acme/shop}}\n  - {name: all}\n"
	if _, err := b.App.ApplyRules(b.Context(), "rules.yaml", []byte(route), rules.Change{}); err != nil {
		t.Fatal(err)
	}
	if verbs, _ := b.Apply(); verbs != ">>" {
		t.Fatalf("steps = %q", verbs)
	}
	b.wants()
	for _, n := range []int{1, 2} {
		b.Admin(http.MethodPost, fmt.Sprintf("%s/issues/%d/move", apptest.ProjectRoute, b.iid(n)), map[string]any{"to_project_id": shop})
	}
	s := b.wants("tag team=pay goes to acme/shop")[0]
	if s.Project != int64(shop) || len(s.Issues) != 2 || !strings.Contains(s.Issues[0], "/acme/shop/-/") {
		t.Errorf("%+v", s)
	}
	if _, err := b.App.AcceptSuggestion(b.Context(), s, "platform-admin", ""); err != nil {
		t.Fatal(err)
	}
	b.Want("")
	b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"), disk(3, "1", "web"), disk(4, "1", "web"), disk(5, "1", "pay"))
	b.Want("+")
	if n := len(b.Issues("acme%2Fshop")); n != 5 {
		t.Errorf("%d issues in acme/shop, want 5", n)
	}
}

// TestDismissed: what was dismissed comes back when twice as many issues speak for
// it, and can be accepted all the same.
func TestDismissed(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	var disks []string
	for n := 1; n <= 4; n++ {
		disks = append(disks, disk(n, "1", "pay"))
	}
	b.AWS(disks...)
	b.Want("++++")
	b.assign(1, "engineer")
	b.assign(2, "engineer")
	b.wants("tag team=pay belongs to @engineer")
	if _, err := b.App.DismissSuggestion(b.Context(), 1, "platform-admin", "not now"); err != nil {
		t.Fatal(err)
	}
	b.wants()
	b.assign(3, "engineer")
	b.wants()
	s, err := b.App.Suggestion(b.Context(), 1)
	if err != nil || !s.Dismissed || s.Reason != "not now" || s.Author != "platform-admin" || s.At.IsZero() || s.Text == nil {
		t.Errorf("%+v, %v", s, err)
	}
	b.assign(4, "engineer")
	if s := b.wants("tag team=pay belongs to @engineer")[0]; s.Number != 1 || s.Seen != 4 {
		t.Errorf("%+v", s)
	}
	if _, err := b.App.DismissSuggestion(b.Context(), 7, "platform-admin", "none"); err == nil {
		t.Error("what is not suggested can be dismissed")
	}
}

// TestNoCalls: GitLab is not asked for suggestions.
func TestNoCalls(t *testing.T) {
	t.Parallel()
	b := newBed(t, "")
	b.AWS(disk(1, "1", "pay"), disk(2, "1", "pay"))
	b.Want("++")
	b.assign(1, "engineer")
	b.assign(2, "engineer")
	b.wants("tag team=pay belongs to @engineer")
	before := len(b.GitLab.Calls())
	if _, err := b.App.Suggestions(b.Context(), true); err != nil {
		t.Fatal(err)
	}
	if after := len(b.GitLab.Calls()); after != before {
		t.Errorf("%d calls", after-before)
	}
}

package backlog_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/store/rules"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is a sandbox GitLab with people, and cxm connected to its project
// acme/platform, beside which there is acme/data.
type bed struct{ *apptest.Bed }

// newBed is a bed with rules in force.
func newBed(t *testing.T, database, rules string) *bed {
	t.Helper()
	b := &bed{databases.Connected(t, database)}
	group := b.Admin(http.MethodGet, "/api/v4/groups/acme", nil)
	b.Admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": "data", "path": "data", "namespace_id": group["id"]})
	in, err := b.App.Integration(b.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.Admin(http.MethodPost, "/api/v4/projects/acme%2Fdata/members", map[string]any{"user_id": in.Account.ID, "access_level": 40})
	b.rule(rules)
	return b
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, rules string, f func(*bed)) {
	databases.Each(t, func(t *testing.T, database func() string) { f(newBed(t, database(), rules)) })
}

// rule puts rules in force.
func (b *bed) rule(text string) {
	b.Helper()
	now, err := b.App.Rules(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.App.ApplyRules(b.Context(), "rules.yaml", []byte(text), rules.Change{Author: "platform-admin", Expected: now.Number}); err != nil {
		b.Fatal(err)
	}
}

const (
	platform = "acme%2Fplatform"
	data     = "acme%2Fdata"
)

// digest is the digest issue of a project; the zero value: there is none. It fails
// when there are several.
func (b *bed) digest(project string) (found apptest.Issue) {
	b.Helper()
	for _, i := range b.Issues(project) {
		if !strings.Contains(i.Description, "wait") || !strings.Contains(i.Description, "its turn") && !strings.Contains(i.Description, "their turn") {
			continue
		}
		if found.ID != 0 {
			b.Fatalf("%s has two digests: %q and %q", project, found.Title, i.Title)
		}
		found = i
	}
	return found
}

// about counts the other issues of a project.
func (b *bed) others(project string) int {
	b.Helper()
	n := len(b.Issues(project))
	if b.digest(project).ID != 0 {
		n--
	}
	return n
}

// put writes to an issue as a person.
func (b *bed) put(i apptest.Issue, what map[string]any) {
	b.Helper()
	b.Admin(http.MethodPut, "/api/v4/projects/"+itoa(i.ProjectID)+"/issues/"+itoa(i.IID), what)
}

// status is what cxm says of itself.
func (b *bed) status() app.Status {
	b.Helper()
	s, err := b.App.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

package evidence_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/finding"
	"cxm/internal/store/rules"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is a sandbox GitLab with cxm connected to acme/platform, and the repository
// acme/infra that its account may read.
type bed struct {
	*apptest.Bed
	infra, account int64
}

func newBed(t *testing.T, database string) *bed {
	t.Helper()
	b := &bed{Bed: databases.Connected(t, database)}
	group := b.Admin(http.MethodGet, "/api/v4/groups/acme", nil)
	b.infra = int64(b.Admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": "infra", "path": "infra", "namespace_id": group["id"]})["id"].(float64))
	in, err := b.App.Integration(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.account = in.Account.ID
	b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%d/members", b.infra), map[string]any{"user_id": b.account, "access_level": 20})
	return b
}

// commit writes files to acme/infra as somebody; a nil one is deleted.
func (b *bed) commit(who string, files map[string]string) {
	b.Helper()
	var actions []any
	for path, text := range files {
		verb := "create"
		if status, _ := b.Call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%d/repository/files/%s?ref=main", b.infra, strings.ReplaceAll(path, "/", "%2F")), nil); status == http.StatusOK {
			verb = "update"
		}
		actions = append(actions, map[string]any{"action": verb, "file_path": path, "content": text})
	}
	b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%d/repository/commits", b.infra), map[string]any{
		"branch": "main", "commit_message": "changed", "author_name": who, "author_email": who + "@example.com", "actions": actions,
	})
}

// chain is a chain of owners that asks code, and what follows it in the rules.
func chain(links, rest string) string {
	return "version: 1\nownership:\n  chain: [" + links + "]\n" + rest + "rules:\n  - {name: all}\n"
}

// everything asks code alone, and sends nothing to triage.
func everything() string {
	return chain("{source: code}, {source: codeowners}, {source: authors}", "  bar: -1\n")
}

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

// tagged is a disk whose tags Yor put there.
func tagged(n int, repository, file string) string {
	org, repo, _ := strings.Cut(repository, "/")
	return strings.Replace(apptest.Disk(n, "10"), `{"accountId"`, fmt.Sprintf(
		`{"tags":[{"key":"git_org","value":%q},{"key":"git_repo","value":%q},{"key":"git_file","value":%q}],"accountId"`, org, repo, file), 1)
}

// state is a state file with disks: module → numbers.
func state(disks map[string]int) string {
	var out []string
	for name, n := range disks {
		out = append(out, fmt.Sprintf(`{"mode":"managed","type":"aws_ebs_volume","name":%q,"instances":[{"attributes":{
			"id":"vol-%017x","arn":"arn:aws:ec2:eu-west-1:123456789012:volume/vol-%017x","secret":"hush"}}]}`, name, n, n))
	}
	return `{"version":4,"resources":[` + strings.Join(out, ",") + `]}`
}

func (b *bed) add(g app.GivenCode, text string) app.AddedCode {
	b.Helper()
	added, err := b.App.AddCode(b.Context(), g, []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return added
}

// reads counts what GitLab is asked about code while something is done.
func (b *bed) reads(do func()) (n int) {
	b.Helper()
	before := len(b.GitLab.Calls())
	do()
	for _, c := range b.GitLab.Calls()[before:] {
		if c.Method == http.MethodGet && (strings.Contains(c.Path, "/repository/") || strings.HasSuffix(c.Path, "acme%2Finfra") || strings.HasSuffix(c.Path, "acme/infra")) {
			n++
		}
	}
	return n
}

// owner is what the issue about a disk says of its owner, and why.
func (b *bed) owner(n int) string {
	b.Helper()
	text := b.About(n).Description
	for line := range strings.Lines(text) {
		if strings.Contains(line, "Owner") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func (b *bed) says(n int, want string) {
	b.Helper()
	if got := b.owner(n); want == "" && got != "" || !strings.Contains(got, want) {
		b.Fatalf("the owner of disk %d is %q, want %q", n, got, want)
	}
}

// disk is the finding about a disk, with tags: name and value by turns.
func disk(n int, tags ...string) finding.Finding {
	f := finding.Finding{
		FindingKey: finding.NewKey("test", fmt.Sprint(n)), Kind: finding.Cost, SourceSystem: "test", Title: "a disk",
		ResourceID: fmt.Sprintf("vol-%017x", n), Detection: finding.Present, Tags: map[string]string{},
	}
	for i := 0; i < len(tags); i += 2 {
		f.Tags[tags[i]] = tags[i+1]
	}
	return f
}

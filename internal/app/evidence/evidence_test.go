package evidence_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/sandbox"
)

// TestTags: Yor's tags on a finding lead to the file, and its CODEOWNERS to the owner,
// whom the issue names with why and how sure.
func TestTags(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.commit("dba", map[string]string{"CODEOWNERS": "* @platform-admin\n/db/ @acme/storage\n", "db/main.tf": "1"})
		b.rule(everything())
		b.AWS(tagged(1, "acme/infra", "db/main.tf"), tagged(2, "ACME/infra", "other.tf"), tagged(3, "acme/none", "main.tf"))
		b.Want("+++")
		b.says(1, "acme/storage")
		b.says(1, "CODEOWNERS of db/main.tf line 2")
		b.says(1, "medium")
		b.says(2, "platform-admin")
		b.says(3, "")
		b.Want("")
	})
}

const storage = `# resource "aws_ebs_volume" "archive" {}
resource "aws_ebs_volume" "archive" {
  size = 1
}
`

// TestState: a state leads from the disk to the module's folder, the folder's files to
// the one that declares it, and that to the owner; nothing else of the state is kept.
func TestState(t *testing.T) {
	b := newBed(t, "")
	b.commit("dba", map[string]string{
		"CODEOWNERS":           "/envs/prod/storage.tf @acme/storage\n*.tf @platform-admin\n/envs/prod/storage.tf @acme/storage\n",
		"envs/prod/storage.tf": storage, "envs/prod/main.tf": `resource "aws_ebs_volume" "data" {}`, "envs/prod/broken.tf": `resource "x" {`, "main.tf": storage,
	})
	added := b.add(app.GivenCode{Repository: b.URL + "/acme/infra.git", Folder: "./envs/prod/", By: "platform-admin"}, state(map[string]int{"archive": 1, "data": 2, "gone": 3}))
	if added.Name != "acme/infra/envs/prod" || added.Resources != 3 || added.Unnamed != 0 || added.Host != strings.TrimPrefix(b.URL, "http://") {
		t.Errorf("added %+v", added)
	}
	b.rule(everything())
	b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"), apptest.Disk(3, "30"), apptest.Disk(4, "40"))
	n := b.reads(func() { b.Want("++++") })
	b.says(1, "acme/storage")
	b.says(1, "CODEOWNERS of envs/prod/storage.tf line 3")
	b.says(2, "platform-admin")
	b.says(3, "")
	b.says(4, "")
	if n > 20 {
		t.Errorf("%d calls for one folder with three files", n)
	}
	// Given again it counts as a whole, and nothing but what changed is written.
	b.add(app.GivenCode{Repository: "acme/infra", Folder: "envs/prod", By: "platform-admin"}, state(map[string]int{"archive": 4}))
	b.Want("~~~")
	b.says(1, "")
	b.says(4, "acme/storage")
	if err := b.App.RemoveCode(t.Context(), added.Name); err != nil {
		t.Fatal(err)
	}
	b.Want("~")
	if err := b.App.RemoveCode(t.Context(), added.Name); err == nil || !strings.Contains(err.Error(), "cxm code list") {
		t.Errorf("removed twice: %v", err)
	}
}

// TestGivenWrong: what cannot be a state, a repository or a folder is refused with
// what to do, and without anything of what was given.
func TestGivenWrong(t *testing.T) {
	b := newBed(t, "")
	for name, c := range map[string]struct {
		g    app.GivenCode
		text string
		want string
	}{
		"no repository":  {app.GivenCode{Repository: "infra"}, state(map[string]int{"a": 1}), "--repository"},
		"a password":     {app.GivenCode{Repository: "https://me:hush@/x"}, state(map[string]int{"a": 1}), "--repository"},
		"outside":        {app.GivenCode{Repository: "acme/infra", Folder: "../x"}, state(map[string]int{"a": 1}), "--folder"},
		"a name":         {app.GivenCode{Repository: "acme/infra", Name: "a\nb"}, state(map[string]int{"a": 1}), "--name"},
		"no state":       {app.GivenCode{Repository: "acme/infra"}, `{"hush":1}`, "terraform show -json"},
		"an empty state": {app.GivenCode{Repository: "acme/infra"}, state(nil), "terraform show -json"},
	} {
		_, err := b.App.AddCode(t.Context(), c.g, []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := b.App.Codes(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	for text, want := range map[string]string{
		"git@github.com:acme/infra.git": "github.com acme/infra", "ssh://git@gitlab.example.com:2222/acme/a/infra": "gitlab.example.com acme/a/infra",
		"https://gitlab.example.com:8443/acme/infra/-/tree/main": "gitlab.example.com:8443 acme/infra", " /acme/infra/ ": " acme/infra",
	} {
		got := b.add(app.GivenCode{Repository: text, Name: "x"}, state(map[string]int{"a": 1}))
		if got.Host+" "+got.Repository != want {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
}

// TestElsewhere: code on another host is not asked about, and the reason is told.
func TestElsewhere(t *testing.T) {
	b := newBed(t, "")
	b.add(app.GivenCode{Repository: "git@github.com:acme/infra.git", By: "platform-admin"}, state(map[string]int{"data": 1}))
	b.rule(chain(`{source: code, owners: {"acme/infra": "@acme/platform-team"}}, {source: codeowners}`, "  bar: -1\n"))
	b.AWS(apptest.Disk(1, "10"))
	if n := b.reads(func() { b.Want("+") }); n != 0 {
		t.Errorf("%d calls for what is elsewhere", n)
	}
	b.says(1, "acme/platform-team")
	if got := b.unused(1); !strings.Contains(got, "it is on github.com") {
		t.Errorf("unused: %s", got)
	}
}

// unused is what cxm rules test says was not made use of for a disk.
func (b *bed) unused(n int, tags ...string) string {
	b.Helper()
	book, err := b.App.Book(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	e, err := b.App.ExplainRules(b.Context(), 0, book, disk(n, tags...))
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(e.Owner.Unused, "\n")
}

// TestRefused: code that the account may not read names nobody, fails nothing, and is
// not asked for again and again; what was known before counts on.
func TestRefused(t *testing.T) {
	b := newBed(t, "")
	b.commit("dba", map[string]string{"CODEOWNERS": "* @acme/storage", "main.tf": "1"})
	member := fmt.Sprintf("/api/v4/projects/%d/members/%d", b.infra, b.account)
	b.Admin(http.MethodPut, member, map[string]any{"access_level": 10})
	b.rule(everything())
	b.AWS(tagged(1, "acme/infra", "main.tf"), tagged(2, "acme/infra", "db.tf"), tagged(3, "acme/infra", "net.tf"))
	n := b.reads(func() { b.Want("+++") })
	if n > 2 {
		t.Errorf("%d calls for a repository that may not be read", n)
	}
	b.says(1, "")
	if got := b.unused(1, "git_org", "acme", "git_repo", "infra", "git_file", "main.tf"); !strings.Contains(got, "forbidden") {
		t.Errorf("unused: %s", got)
	}
	if n := b.reads(func() { b.Want("") }); n != 0 {
		t.Errorf("%d calls to be refused again", n)
	}
	// Once it may, the next look that is due finds out, and every issue says so.
	b.Admin(http.MethodPut, member, map[string]any{"access_level": 20})
	b.Clock.Forward(7 * time.Hour)
	b.Want("~~~")
	b.says(2, "acme/storage")
	// It may not again: the owners stay.
	b.Admin(http.MethodPut, member, map[string]any{"access_level": 10})
	b.Clock.Forward(9 * 24 * time.Hour)
	b.Want("")
	if got := b.unused(2, "git_org", "acme", "git_repo", "infra", "git_file", "db.tf"); !strings.Contains(got, "what was known on") {
		t.Errorf("unused: %s", got)
	}
}

// TestQuiet: commits by the same people, a CODEOWNERS whose lines move, and GitLab out
// of reach change no issue; other owners do, once, whichever process learns of them.
func TestQuiet(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.commit("dba", map[string]string{"CODEOWNERS": "* @acme/storage", "main.tf": "1", "db.tf": "1"})
		b.commit("dba", map[string]string{"main.tf": "2"})
		b.rule(everything())
		b.AWS(tagged(1, "acme/infra", "main.tf"), tagged(2, "acme/infra", "main.tf"), tagged(3, "acme/infra", "db.tf"))
		if n := b.reads(func() { b.Want("+++") }); n > 7 {
			t.Errorf("%d calls for two files", n)
		}
		for range 3 { // another process knows the same, and asks nothing
			b.App = b.Open(b.Dir)
			if n := b.reads(func() { b.Want("") }); n != 0 {
				t.Errorf("%d calls for what is known", n)
			}
		}
		b.commit("dba", map[string]string{"CODEOWNERS": "\n# moved\n* @acme/storage", "main.tf": "3"})
		b.Clock.Forward(9 * 24 * time.Hour)
		if n := b.reads(func() { b.Want("") }); n == 0 {
			t.Error("nobody asked again")
		}
		b.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: "/api/v4/projects/*/repository/commits", Status: http.StatusBadGateway})
		b.Clock.Forward(9 * 24 * time.Hour)
		b.Want("")
		b.GitLab.ClearFaults()
		b.commit("other", map[string]string{"CODEOWNERS": "* @acme/storage\n/main.tf @acme/database"})
		b.Clock.Forward(9 * 24 * time.Hour)
		b.Work()
		b.says(1, "acme/database")
		b.says(2, "acme/database")
		b.says(3, "acme/storage")
		b.Want("")
	})
}

// TestBounded: of more files than one plan may ask about the rest is asked later, in
// any process; nothing that waits for it goes to triage, and all get there.
func TestBounded(t *testing.T) {
	b := newBed(t, "")
	files := map[string]string{"CODEOWNERS": "* @acme/storage"}
	var disks []string
	const many = 300
	for i := range many {
		files[fmt.Sprintf("f%d.tf", i)] = "1"
		disks = append(disks, tagged(i+1, "acme/infra", fmt.Sprintf("f%d.tf", i)))
	}
	b.commit("dba", files)
	b.elsewhere("triage")
	b.rule(chain("{source: code}, {source: codeowners}, {source: authors}", "  triage: {project: acme/triage}\n"))
	b.AWS(disks...)
	made := 0
	for round := range 6 {
		before := len(b.GitLab.Calls())
		var verbs string
		sent := b.reads(func() { verbs, _ = b.Apply() })
		if sent > 520 || strings.Trim(verbs, "+") != "" {
			t.Fatalf("round %d: %d calls (of %d), %q", round, sent, len(b.GitLab.Calls())-before, verbs)
		}
		made += len(verbs)
		if round == 0 && (made == 0 || made == many) {
			t.Fatalf("%d issues in the first plan", made)
		}
		b.Clock.Forward(11 * time.Minute)
		b.App = b.Open(b.Dir)
	}
	if made != many {
		t.Errorf("%d of %d issues", made, many)
	}
	if n := len(b.Issues("acme%2Ftriage")); n != 0 {
		t.Errorf("%d issues went to triage", n)
	}
}

// elsewhere makes another project that cxm may write to.
func (b *bed) elsewhere(name string) {
	b.Helper()
	group := b.Admin(http.MethodGet, "/api/v4/groups/acme", nil)
	b.Admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": name, "path": name, "namespace_id": group["id"]})
	b.Admin(http.MethodPost, "/api/v4/projects/acme%2F"+name+"/members", map[string]any{"user_id": b.account, "access_level": 40})
}

// TestOffline: without a connection rules are explained all the same.
func TestOffline(t *testing.T) {
	b := &bed{Bed: databases.Bed(t, "")}
	b.rule(everything())
	if got := b.unused(1, "git_org", "acme", "git_repo", "infra", "git_file", "main.tf"); !strings.Contains(got, "GitLab is not asked here") {
		t.Errorf("unused: %s", got)
	}
	if _, err := b.App.ExplainRules(t.Context(), 7, nil, disk(1)); !errors.Is(err, app.ErrNotConnected) {
		t.Errorf("a connection that is not there: %v", err)
	}
}

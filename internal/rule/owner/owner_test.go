package owner_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/codeowners"
	"cxm/internal/rule/owner/terraform"
)

const ownersFile = `* @platform
[Database]
/infra/db.tf @acme/database @dba
^[Docs] @acme/docs
*.tf
[Roles]
/infra/role.tf @@maintainer who@example.com
`

func match(t testing.TB, path string) []codeowners.Match {
	t.Helper()
	f, err := codeowners.Parse([]byte(ownersFile))
	if err != nil {
		t.Fatal(err)
	}
	return f.Match(path)
}

// told is a decision in lines: the owner, the others, what was not made use of.
func told(o owner.Owner) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %d, triage %v): %s\n", o.Name, o.Kind, o.Confidence, o.Triage, o.Why)
	for _, c := range o.Others {
		fmt.Fprintf(&b, "or %s (%s %d): %s\n", c.Name, c.Source, c.Confidence, c.Why)
	}
	for _, u := range o.Unused {
		fmt.Fprintf(&b, "not: %s\n", u)
	}
	return b.String()
}

func TestDecide(t *testing.T) {
	db := owner.Place{Repository: "acme/infra", File: "infra/db.tf"}
	for name, c := range map[string]struct {
		settings owner.Settings
		evidence owner.Evidence
		want     string
	}{
		"nothing is known": {
			want: " (, 0, triage true): nothing says who owns it; asked were tags, code, codeowners, authors\n",
		},
		"a tag": {
			evidence: owner.Evidence{Tags: map[string]string{"Team": "payments", "env": "prod"}},
			want:     "payments (team, 80, triage false): tag team=payments on the resource\n",
		},
		"a tag that says nothing": {
			evidence: owner.Evidence{Tags: map[string]string{"team": " N/A ", "owner": "@acme/web"}},
			want:     "@acme/web (group, 80, triage false): tag owner=@acme/web on the resource\n",
		},
		"two tags that differ, and a list": {
			evidence: owner.Evidence{Tags: map[string]string{"team": "payments; web", "owner": "@dba"}},
			want: "payments (team, 80, triage false): tag team=payments; web on the resource\n" +
				"or web (tags 70): tag team=payments; web on the resource\nor @dba (tags 60): tag owner=@dba on the resource\n",
		},
		"a tag and CODEOWNERS agree": {
			evidence: owner.Evidence{Tags: map[string]string{"team": "database"}, Place: db, CodeOwners: match(t, "infra/db.tf")},
			want: "@acme/database (group, 88, triage false): tag team=database on the resource; the same by: CODEOWNERS of infra/db.tf line 3, section [Database]\n" +
				"or @dba (codeowners 65): CODEOWNERS of infra/db.tf line 3, section [Database]\nor @acme/docs (codeowners 65): CODEOWNERS of infra/db.tf line 5, section [Docs]\n" +
				"or @platform (codeowners 55): CODEOWNERS of infra/db.tf line 1\n",
		},
		"a tag and CODEOWNERS differ": {
			settings: owner.Settings{Bar: 70},
			evidence: owner.Evidence{Tags: map[string]string{"team": "payments"}, Place: db, CodeOwners: match(t, "infra/db.tf")[1:2]},
			want: "payments (team, 65, triage true): tag team=payments on the resource\n" +
				"or @acme/database (codeowners 75): CODEOWNERS of infra/db.tf line 3, section [Database]\nor @dba (codeowners 65): CODEOWNERS of infra/db.tf line 3, section [Database]\n",
		},
		"CODEOWNERS for every file": {
			evidence: owner.Evidence{Place: db, CodeOwners: match(t, "README.md")},
			want:     "@platform (handle, 55, triage false): CODEOWNERS of infra/db.tf line 1\n",
		},
		"a role and an address": {
			settings: owner.Settings{Chain: []owner.Link{{Source: owner.CodeOwners}}},
			evidence: owner.Evidence{Place: owner.Place{File: "infra/role.tf"}, CodeOwners: match(t, "infra/role.tf")[2:]},
			want: " (, 0, triage true): nothing says who owns it; asked were codeowners\n" +
				"not: CODEOWNERS of infra/role.tf line 7, section [Roles]: a role (@@maintainer) is nobody by name\n" +
				"not: CODEOWNERS of infra/role.tf line 7, section [Roles]: an e-mail address is not copied into issues; the settings can map it to a name\n",
		},
		"the map, before all": {
			settings: owner.Settings{Chain: []owner.Link{
				{Source: owner.Map, Owners: []owner.Mapping{{"arn:aws:s3:::other-*", "web"}, {"ARN:aws:s3:::acme-*", "@acme/data"}}},
				{Source: owner.Accounts, Owners: []owner.Mapping{{"prod-?", "platform"}}}, {Source: owner.Default, Owner: "finops"},
			}},
			evidence: owner.Evidence{Resource: []string{"acme-logs", "arn:aws:s3:::acme-logs"}, Accounts: []string{"111122223333", "prod-1"}},
			want: "@acme/data (group, 80, triage false): the map of owners names arn:aws:s3:::acme-logs\n" +
				"or platform (accounts 60): it is in account prod-1\nor finops (default 30): nothing surer is known, and this is who is asked then\n",
		},
		"the account": {
			settings: owner.Settings{Chain: []owner.Link{{Source: owner.Accounts, Owners: []owner.Mapping{{"111122223333", "platform"}}}}},
			evidence: owner.Evidence{Accounts: []string{"111122223333"}},
			want:     "platform (team, 60, triage false): it is in account 111122223333\n",
		},
		"the default goes to triage": {
			settings: owner.Settings{Chain: []owner.Link{{Source: owner.Tags, Tags: []string{"team"}}, {Source: owner.Default, Owner: "@finops"}}},
			want:     "@finops (handle, 30, triage true): nothing surer is known, and this is who is asked then\n",
		},
		"no triage at all": {
			settings: owner.Settings{Bar: -1},
			want:     " (, 0, triage false): nothing says who owns it; asked were tags, code, codeowners, authors\n",
		},
		"the repository": {
			settings: owner.Settings{Chain: []owner.Link{{Source: owner.Code, Owners: []owner.Mapping{{"acme/infra/infra/d*", "database"}, {"acme/infra", "platform"}}}}},
			evidence: owner.Evidence{Place: db},
			want:     "database (team, 70, triage false): its code is in acme/infra/infra/db.tf\n",
		},
		"who changed it last": {
			settings: owner.Settings{People: map[string]string{"Who@example.com": "@who"}},
			evidence: owner.Evidence{Place: owner.Place{File: "a.tf", Modifier: "who@EXAMPLE.com"}},
			want:     "@who (handle, 45, triage true): they changed its block in a.tf last, as Yor's tags say\n",
		},
		"one of a team is no contradiction": {
			evidence: owner.Evidence{
				Tags: map[string]string{"team": "payments"}, Place: db,
				Authors: []owner.Author{{Username: "engineer", Commits: 12, Of: 20}, {Email: "x@y.z", Name: "X", Commits: 8, Of: 20}},
			},
			want: "payments (team, 80, triage false): tag team=payments on the resource\nor @engineer (authors 50): 12 of the newest 20 commits to infra/db.tf are theirs\n" +
				"or X (authors 35): 8 of the newest 20 commits to infra/db.tf are theirs\n",
		},
		"an author whom nobody knows": {
			evidence: owner.Evidence{Authors: []owner.Author{{Name: "An Engineer", Email: "x@example.com", Commits: 20, Of: 20}, {Name: "y@example.com", Email: "y@example.com", Commits: 1, Of: 20}}},
			want: "An Engineer (person, 35, triage true): 20 of the newest 20 commits to its file are theirs\n" +
				"not: an author of its file: neither GitLab nor the settings know a name for the e-mail address of the commits, and it is not copied into issues\n",
		},
		"an address in a tag": {
			evidence: owner.Evidence{Tags: map[string]string{"owner": "Who <who@example.com>"}},
			want: " (, 0, triage true): nothing says who owns it; asked were tags, code, codeowners, authors\n" +
				"not: the tag owner: an e-mail address is not copied into issues; the settings can map it to a name\n",
		},
		"an address in a tag that is mapped": {
			settings: owner.Settings{People: map[string]string{"who@example.com": "@acme/payments"}},
			evidence: owner.Evidence{Tags: map[string]string{"owner": "Who <WHO@example.com>"}},
			want:     "@acme/payments (group, 80, triage false): tag owner on the resource, which the settings map to @acme/payments\n",
		},
	} {
		if diff := cmp.Diff(c.want, told(owner.New(c.settings).Decide(c.evidence))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// addresses are many shapes of one.
func addresses() []string {
	return []string{
		"who@example.com", "WHO@EXAMPLE.COM", "first.last+tag@sub.example.co.uk", "who@localhost", "who@[192.0.2.1]", `"wh o"@example.com`,
		"Who <who@example.com>", "mailto:who@example.com", "<who@example.com>", "who@example.com, other@example.com", "payments who@example.com",
		"who%40example.com", "who＠example.com", "who﹫example.com", "who&#64;example.com", "who&#x40;example.com", "who&commat;example.com",
		"who(at)example.com", "who [at] example.com", "who {AT} example.com", "who at example.com", "who at example dot com", "who_at_example_com", "who-at-example-com",
		"who @ example.com", "who@ example.com", "who\u200b@example.com", "who@\u200bexample.com", "wh\u0301o@example.com", "üser@exämple.de", "用户@例子.cn",
		"xmpp:who@example.com/desk", "who@example.com\nteam", "x\twho@example.com", "https://who@example.com/", "who'o@example.com", "a@b",
	}
}

// No address gets out, whatever its shape and wherever it is.
func TestNoAddressGetsOut(t *testing.T) {
	for _, address := range addresses() {
		if !owner.HoldsAddress(address) {
			t.Errorf("%q is taken for none", address)
		}
		s := owner.Settings{Chain: append(owner.DefaultChain(),
			owner.Link{Source: owner.Map, Owners: []owner.Mapping{{"*", address}, {"*", "m"}}},
			owner.Link{Source: owner.Accounts, Owners: []owner.Mapping{{"*", "a"}}}, owner.Link{Source: owner.Default, Owner: address}),
			People: map[string]string{"mapped": address}}
		s.Chain[1].Owners = []owner.Mapping{{"*", "code"}}
		got := owner.New(s).Decide(owner.Evidence{
			Resource: []string{address}, Accounts: []string{address}, Tags: map[string]string{"team": address, "owner": "mapped", "squad": "ok"},
			Place:      owner.Place{Repository: "acme/infra", File: address, Modifier: address},
			CodeOwners: []codeowners.Match{{Section: address, Line: 1, Owners: []codeowners.Owner{{Kind: codeowners.Email, Name: address}, {Kind: codeowners.Handle, Name: "x"}}}},
			Authors:    []owner.Author{{Email: address, Name: address, Commits: 1, Of: 1}},
		})
		if text := told(got); strings.Contains(strings.ToLower(text), "example") || strings.Contains(text, address) || owner.HoldsAddress(strings.ReplaceAll(text, "(an e-mail address)", "")) {
			t.Errorf("%q gets out:\n%s", address, text)
		}
		if got.Name == "" {
			t.Errorf("%q hides who else is known", address)
		}
	}
	for _, text := range []string{"payments", "@who", "@acme/payments", "team @acme/x", "(@who)", "node_modules/@types/node", "owner=@who", "a @", "", "@", "chat at noon", "platform-at-scale"} {
		if owner.HoldsAddress(text) {
			t.Errorf("%q is taken for an address", text)
		}
	}
}

// Of two sources that agree the owner is surer, of two that differ less sure, and
// always within bounds; nobody is named twice.
func TestConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		team := rapid.SampledFrom([]string{"payments", "web", "@acme/payments", "@web", "@acme/ops", "", "who@example.com"})
		e := owner.Evidence{
			Accounts: []string{"1"}, Tags: map[string]string{"team": team.Draw(t, "tag"), "owner": team.Draw(t, "owner")},
			Place: owner.Place{Repository: "acme/infra", File: "a.tf", Modifier: team.Draw(t, "modifier")},
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "sections") {
			name := strings.TrimPrefix(team.Draw(t, "code owner"), "@")
			if name == "" || strings.Contains(name, "@") {
				continue
			}
			e.CodeOwners = append(e.CodeOwners, codeowners.Match{Line: i + 1, All: rapid.Bool().Draw(t, "all"), Owners: []codeowners.Owner{{Kind: codeowners.Handle, Name: name}}})
		}
		for range rapid.IntRange(0, 2).Draw(t, "authors") {
			e.Authors = append(e.Authors, owner.Author{Username: "web", Commits: rapid.IntRange(1, 20).Draw(t, "n"), Of: 20})
		}
		got := owner.New(owner.Settings{}).Decide(e)
		if got.Name == "" {
			if got.Confidence != 0 || !got.Triage || len(got.Others) != 0 {
				t.Fatalf("nobody: %+v", got)
			}
			return
		}
		if got.Confidence < 1 || got.Confidence > 99 || got.Why == "" || got.Triage != (got.Confidence < owner.DefaultBar) || len(got.Others) > 5 {
			t.Fatalf("%+v", got)
		}
		for _, c := range got.Others {
			if strings.TrimPrefix(c.Name, "@") == strings.TrimPrefix(got.Name, "@") {
				t.Fatalf("%s is named twice: %+v", c.Name, got)
			}
		}
		with := func(name string) int {
			chain := append(owner.DefaultChain(), owner.Link{Source: owner.Accounts, Owners: []owner.Mapping{{"1", name}}})
			return owner.New(owner.Settings{Chain: chain}).Decide(e).Confidence
		}
		if agree, differ := with(got.Name), with("nobody-else"); agree < got.Confidence || differ > got.Confidence {
			t.Fatalf("%d, with one that agrees %d, with one that differs %d: %+v", got.Confidence, agree, differ, got)
		}
	})
}

func TestCheck(t *testing.T) {
	bad := owner.Settings{
		Bar: 101, People: map[string]string{"a@b.c": "d@e.f"},
		Chain: []owner.Link{
			{Source: owner.Map}, {Source: owner.Accounts, Owners: []owner.Mapping{{"", "x"}, {"1", "who@example.com"}, {"2", " "}}},
			{Source: owner.Tags}, {Source: owner.Default}, {Source: "wishes"}, {Source: owner.Tags, Tags: []string{"team"}},
		},
	}
	var fields []string
	for _, f := range bad.Check() {
		fields = append(fields, f.Field)
		if f.Message == "" || strings.Contains(f.Message, "example.com") {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"bar", "chain[0].owners", "chain[1].owners[0].pattern", "chain[1].owners[1].owner", "chain[1].owners[2].owner", "chain[2].tags",
		"chain[3].owner", "chain[3].source", "chain[4].source", "chain[5].source", "people",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	good := owner.Settings{Bar: -1, Chain: append(owner.DefaultChain(), owner.Link{Source: owner.Default, Owner: "@acme/finops"}), People: map[string]string{"a@b.c": "@who"}}
	if faults := good.Check(); faults != nil {
		t.Error(faults)
	}
	if faults := (owner.Settings{}).Check(); faults != nil {
		t.Error(faults)
	}
}

func TestYor(t *testing.T) {
	tags := map[string]string{
		"git_org": "acme", "git_repo": "infra", "git_file": "live/db.tf", "GIT_COMMIT": "1F3A5c7", "git_last_modified_by": "who@example.com",
		"yor_trace": "8c60f755-243e-4a51-9034-342a6757605b", "git_modifiers": "who/other",
	}
	want := owner.Place{Repository: "acme/infra", File: "live/db.tf", Commit: "1f3a5c7", Trace: "8c60f755-243e-4a51-9034-342a6757605b", Modifier: "who@example.com"}
	if diff := cmp.Diff(want, owner.Yor(tags, "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	prefixed := map[string]string{"x_git_file": "a.tf", "git_file": "b.tf"}
	if got := owner.Yor(prefixed, "x_"); got.File != "a.tf" {
		t.Error(got)
	}
	declared := owner.Declared(terraform.Resource{Address: "module.x.y.z", Tags: map[string]string{"git_file": "a.tf"}}, "")
	if declared != (owner.Place{File: "a.tf", Address: "module.x.y.z"}) {
		t.Error(declared)
	}
	for name, bad := range map[string]map[string]string{
		"out of the repository": {"git_file": "../../etc/passwd.tf"}, "absolute": {"git_file": "/etc/x.tf"}, "not clean": {"git_file": "a/../b.tf"},
		"a line break": {"git_file": "a\n.tf"}, "Google's": {"git_file": "live__db_tf"}, "half a repository": {"git_org": "acme"},
		"a way up": {"git_org": "acme", "git_repo": ".."}, "an address": {"git_org": "https://x", "git_repo": "y"}, "no commit": {"git_commit": "HEAD; rm"}, "no trace": {"yor_trace": "<script>"},
		"too long": {"git_file": strings.Repeat("a/", 600) + "b.tf"},
	} {
		if got := owner.Yor(bad, ""); got != (owner.Place{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOf(t *testing.T) {
	f := &finding.Finding{
		ResourceID: "arn:aws:ec2:eu-west-1:1:volume/vol-0a1b2c3d4e5f67890", ResourceAliases: []string{"vol-0a1b2c3d4e5f67890"}, ResourceName: "data",
		SubAccountID: "1", SubAccountName: "prod", Tags: map[string]string{"team": "x"}, LastObservedAt: time.Now(),
	}
	want := owner.Evidence{Resource: []string{f.ResourceID, "vol-0a1b2c3d4e5f67890", "data"}, Accounts: []string{"1", "prod"}, Tags: f.Tags}
	if diff := cmp.Diff(want, owner.Of(f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

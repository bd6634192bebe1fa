package access_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/integration/access"
)

// project is one that is reached by a membership of its own.
func project(id int64, path string, role access.Role) access.Place {
	return access.Place{ID: id, Path: path, Role: role, Direct: true}
}

func group(path string, role access.Role) access.Place {
	return access.Place{Group: true, ID: 90, Path: path, Role: role}
}

// below is the project as it is reached through a group.
func below(p access.Place) access.Place {
	p.Direct = false
	return p
}

// TestJudge has a row for each of the table above Judge.
func TestJudge(t *testing.T) {
	need := access.Need{Projects: []access.Place{{ID: 1, Path: "acme/platform"}}, Also: []int64{2}}
	right := project(1, "acme/platform", access.Planner)
	api := []string{"api", "self_rotate"}
	for name, tt := range map[string]struct {
		reach access.Reach
		want  []string // "error PLACE: words"
	}{
		"as it should be":                {access.Reach{Scopes: api, Projects: []access.Place{right}}, nil},
		"maintainer":                     {access.Reach{Scopes: api, Projects: []access.Place{project(1, "acme/platform", access.Maintainer)}}, nil},
		"nothing":                        {access.Reach{Scopes: api}, []string{"error acme/platform: is not a member"}},
		"guest":                          {access.Reach{Projects: []access.Place{project(1, "acme/platform", access.Guest)}}, []string{"error acme/platform: raise it to planner"}},
		"role unknown":                   {access.Reach{Projects: []access.Place{project(1, "acme/platform", access.Unknown)}}, []string{"warning acme/platform: not known"}},
		"owner":                          {access.Reach{Projects: []access.Place{project(1, "acme/platform", access.Owner)}}, []string{"warning acme/platform: lower it to maintainer"}},
		"a project where issues are too": {access.Reach{Projects: []access.Place{right, project(2, "acme/shop", access.Planner)}}, nil},
		"another project":                {access.Reach{Projects: []access.Place{right, project(3, "acme/secret", access.Developer)}}, []string{"warning acme/secret: has the role developer, and no issue of cxm goes there"}},
		"a whole group": {access.Reach{Groups: []access.Place{group("acme", access.Maintainer), group("acme/sub", access.Maintainer)}, Projects: []access.Place{below(right), below(project(3, "acme/secret", access.Maintainer)), below(project(4, "acme/sub/more", access.Maintainer))}},
			[]string{"warning acme: role maintainer in the whole group, with 2 projects"}},
		"a group and a project of it by itself": {access.Reach{Groups: []access.Place{group("acme", access.Planner)}, Projects: []access.Place{below(right), project(3, "acme/secret", access.Owner)}},
			[]string{"warning acme: with 1 projects", "warning acme/secret: has the role owner"}},
		"a group whose name begins alike": {access.Reach{Groups: []access.Place{group("ac", access.Planner)}, Projects: []access.Place{right, below(project(3, "acme/secret", access.Planner))}},
			[]string{"warning ac: with 0 projects", "warning acme/secret"}},
		"an administrator": {access.Reach{Admin: true, Account: "root"}, []string{"warning : root is an administrator"}},
		"scopes":           {access.Reach{Scopes: []string{"read_api", "sudo", "admin_mode"}, Projects: []access.Place{right}}, []string{"error : lacks the scope api", "warning : scope sudo", "warning : scope admin_mode"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := access.Judge(tt.reach, need)
			if len(got) != len(tt.want) {
				t.Fatalf("%d remarks: %+v", len(got), got)
			}
			for i, r := range got {
				head, words, _ := strings.Cut(tt.want[i], ": ")
				if fmt.Sprintf("%s %s", r.Severity, r.Place) != head && head != string(r.Severity)+" " || !strings.Contains(r.Text, words) {
					t.Errorf("remark %d is %+v, want %q", i, r, tt.want[i])
				}
			}
		})
	}
}

func TestDue(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil && text != "" {
			t.Fatal(err)
		}
		return at
	}
	for _, tt := range []struct{ connected, last, want string }{
		{"2026-03-14", "", "2026-06-14"},
		{"2026-03-14", "2026-05-01", "2026-08-01"},
		{"2026-03-14", "2026-01-01", "2026-06-14"}, // reviewed before it was connected anew
		{"2025-11-30", "", "2026-02-28"},
		{"2026-08-31", "", "2026-11-30"},
		{"2026-12-01", "", "2027-03-01"},
	} {
		if got := access.Due(day(tt.connected), day(tt.last)); !got.Equal(day(tt.want)) {
			t.Errorf("%s, %s: due on %s, want %s", tt.connected, tt.last, got.Format(time.DateOnly), tt.want)
		}
	}
}

func TestParseOwner(t *testing.T) {
	for text, weak := range map[string]bool{
		"finops@example.com": false, "platform-team@example.com": false, "cxm-integration@example.com": false, "Team@Example.COM": false,
		"cloud.platform@example.com": false, "jane.doe@example.com": true, "j_doe@example.com": true, "somebody@gmail.com": true, "team@gmail.com": false,
		"devops@example.com": false, "bigteam@example.com": false,
	} {
		address, why, err := access.ParseOwner(" " + text + " ")
		if err != nil || (why != "") != weak || !strings.EqualFold(address, text) {
			t.Errorf("%s: %q, %q (%v)", text, address, why, err)
		}
	}
	for _, text := range []string{"", "team", "team@", "@example.com", "team@host", "Team <team@example.com>", "a@example.com, b@example.com", "two words@example.com"} {
		if _, _, err := access.ParseOwner(text); err == nil || !strings.Contains(err.Error(), "team@example.com") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

func TestRoles(t *testing.T) {
	for r := range access.Role(70) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back access.Role
		if err := json.Unmarshal(text, &back); err != nil || back != r {
			t.Errorf("%s became %v (%v)", text, back, err)
		}
	}
	for text, want := range map[string]access.Role{"Maintainer": access.Maintainer, "planner": access.Planner, " owner ": access.Owner, "Security Manager": access.SecurityManager} {
		if got, err := access.ParseRole(text); err != nil || got != want {
			t.Errorf("%q: %v (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "minimal", "king", "unknown", "40"} {
		if got, err := access.ParseRole(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	if diff := cmp.Diff("access level 60", access.Role(60).String()); diff != "" {
		t.Error(diff)
	}
}

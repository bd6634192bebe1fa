package role_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/signin/role"
)

var update = flag.Bool("update", false, "write docs/roles.md again")

// What the docs say is what the code does.
func TestDocument(t *testing.T) {
	const file = "../../../docs/roles.md"
	want := role.Document()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/roles.md is stale: run `go test ./internal/signin/role -update` (-table +docs):\n%s", diff)
	}
}

// The matrix as it was agreed, written a second time: a line that is changed by
// mistake in the table shows here.
func TestMatrix(t *testing.T) {
	want := map[role.Role]string{
		role.Viewer:       "read tokens.own",
		role.Member:       "read tokens.own plan apply approve undo decide events.send reviews.record",
		role.Admin:        "read tokens.own plan apply approve undo decide events.send reviews.record rules.write sources.write integrations.write credentials.write settings.write tokens.write people.write audit.read",
		role.Installation: "tenants.write installation.read installation.write",
	}
	for _, r := range role.Roles() {
		if diff := cmp.Diff(want[r], allowed([]role.Role{r}, role.Whole())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r, diff)
		}
	}
	both := []role.Role{role.Admin, role.Installation}
	for scope, want := range map[role.Scope]string{
		role.ScopeRead:         "read",
		role.ScopeWrite:        "read plan apply approve undo decide events.send reviews.record",
		role.ScopeIngest:       "events.send",
		role.ScopeAudit:        "audit.read",
		role.ScopeAdmin:        want[role.Admin],
		role.ScopeInstallation: want[role.Installation],
	} {
		if diff := cmp.Diff(want, allowed(both, role.Only(scope))); diff != "" {
			t.Errorf("scope %s (-want +got):\n%s", scope, diff)
		}
	}
}

func allowed(roles []role.Role, l role.Limit) string {
	var out []string
	for _, line := range role.Table() {
		if ok, _ := role.Allowed(roles, l, line.Permission); ok {
			out = append(out, string(line.Permission))
		}
	}
	return strings.Join(out, " ")
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		roles []role.Role
		limit role.Limit
		asked role.Permission
		want  string
	}{
		{nil, role.Whole(), role.Read, "you have no role in this tenant"},
		{[]role.Role{role.Viewer}, role.Whole(), role.Apply, "you are a viewer, and to have a plan carried out it takes the role member"},
		{[]role.Role{role.Admin}, role.Whole(), role.TenantsWrite, "only an admin of the installation"},
		{[]role.Role{role.Installation}, role.Whole(), role.Read, "you have no role in this tenant"},
		{[]role.Role{role.Admin}, role.Only(role.ScopeRead), role.RulesWrite, "use one with the scope admin"},
		{[]role.Role{role.Admin}, role.Limit{}, role.Read, "has not the scope"},
		{[]role.Role{role.Admin, role.Installation}, role.Whole(), "everything", "nothing that can be allowed"},
		{[]role.Role{"owner"}, role.Whole(), role.Read, "no role"},
	} {
		if ok, why := role.Allowed(c.roles, c.limit, c.asked); ok || !strings.Contains(why, c.want) {
			t.Errorf("%v, %s: %v, %q", c.roles, c.asked, ok, why)
		}
	}
}

// A limit never adds, more roles never take away, and who is within another limit
// has nothing beyond it.
func TestLimits(t *testing.T) {
	some := func(t *rapid.T, what string) []role.Scope {
		return rapid.SliceOfDistinct(rapid.SampledFrom(role.Scopes()), rapid.ID[role.Scope]).Draw(t, what)
	}
	rapid.Check(t, func(t *rapid.T) {
		roles := rapid.SliceOf(rapid.SampledFrom(role.Roles())).Draw(t, "roles")
		more := append(slices.Clone(roles), rapid.SampledFrom(role.Roles()).Draw(t, "more"))
		one, other := role.Only(some(t, "one")...), role.Only(some(t, "other")...)
		within := one.Within(other)
		for _, line := range role.Table() {
			ok, _ := role.Allowed(roles, one, line.Permission)
			whole, _ := role.Allowed(roles, role.Whole(), line.Permission)
			wider, _ := role.Allowed(more, one, line.Permission)
			inOther, _ := role.Allowed(roles, other, line.Permission)
			if ok && (!whole || !wider || within && !inOther) {
				t.Fatalf("%s: allowed; whole %v, with more roles %v, within %v and in the other %v", line.Permission, whole, wider, within, inOther)
			}
		}
		if !one.Within(role.Whole()) || role.Whole().Within(one) {
			t.Fatal("Whole is within a limit, or a limit not within Whole")
		}
	})
}

func TestParse(t *testing.T) {
	if r, err := role.Parse(" Admin "); err != nil || r != role.Admin {
		t.Error(r, err)
	}
	for _, text := range []string{"", "owner", "installation"} {
		if _, err := role.Parse(text); err == nil {
			t.Errorf("%q is a role in a tenant", text)
		}
	}
	got, err := role.ParseScopes([]string{"write", "read", "write"})
	if diff := cmp.Diff([]role.Scope{role.ScopeRead, role.ScopeWrite}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, names := range [][]string{nil, {"read", "everything"}, {""}} {
		if _, err := role.ParseScopes(names); err == nil {
			t.Errorf("%q are scopes", names)
		}
	}
}

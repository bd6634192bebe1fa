package check_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/integration/check"
)

// document is where the tables are.
const document = "../../../docs/troubleshooting.md"

// TestTroubleshootingPage holds docs/troubleshooting.md to the lists in the code.
func TestTroubleshootingPage(t *testing.T) {
	want := troubleshooting()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/troubleshooting.md is not what the code says (-code +page); run UPDATE=1 go test ./internal/integration/check -run Page:\n%s", diff)
	}
}

// TestEveryCheckHelps: advice names checks that exist, and every check helps
// somebody.
func TestEveryCheckHelps(t *testing.T) {
	helps := map[string]bool{}
	names := map[string]bool{}
	for _, a := range check.Troubleshooting() {
		if names[a.Name] || len(a.Checks) == 0 {
			t.Errorf("%s is there twice, or has no check", a.Name)
		}
		names[a.Name] = true
		for _, name := range a.Checks {
			helps[name] = true
		}
	}
	for _, c := range check.Checks() {
		if !helps[c.Name] {
			t.Errorf("no advice names %s", c.Name)
		}
		delete(helps, c.Name)
	}
	if len(helps) > 0 {
		t.Errorf("advice names checks that do not exist: %v", helps)
	}
}

func troubleshooting() string {
	var b strings.Builder
	b.WriteString(intro)
	part := ""
	for _, a := range check.Troubleshooting() {
		if a.Part != part {
			part = a.Part
			fmt.Fprintf(&b, "\n### %s\n\n| What it may be | Checks |\n| --- | --- |\n", part)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", a.Says, "`"+strings.Join(a.Checks, "`, `")+"`")
	}
	b.WriteString(list)
	for _, c := range check.Checks() {
		var can []string
		for _, o := range []check.Outcome{check.Failed, check.Warning} {
			if slices.Contains(c.Can, o) {
				can = append(can, string(o))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, c.Asks, strings.Join(can, ", "))
	}
	b.WriteString(missing)
	return b.String()
}

const intro = `# Troubleshooting

` + "`cxm doctor`" + ` looks at everything that a connection to GitLab needs, one check after the
other, and says of each what it saw, what that means, and what to do about it:

` + "```sh" + `
cxm doctor                                  # the connection that cxm has
cxm doctor --url gitlab.example.com --token-file token --project acme/platform
cxm doctor --output json                    # for programs; it ends with 1 when a check failed
` + "```" + `

It changes nothing. To see whether the account may create issues, it asks GitLab for an
issue with an empty title: GitLab looks at the permission first and then refuses the title,
so that the answer tells the one from the other and nothing is created. Who wants no such
request gives ` + "`--read-only`" + `; what the role allows is said instead, marked as *derived*.

A fault fails the one check that names it; where a connection worked before, ` + "`access.kept`" + `
says since when it does not. Checks that could not be made because of it are *not checked*,
with the reason. A *warning* is about what works now, but not well or not for long.

The token is sent only once something has answered that speaks like GitLab; a sign-in page
or another product at that address never sees it.

## What it may be

This is what people are told to look at when such an integration does not work, and what
good practice asks of it, with the checks that do the looking. A test produces each fault in
the sandbox and holds the first check of its line to naming it
(` + "`internal/app/doctor/table_test.go`" + `). The tables are made from the code:
` + "`UPDATE=1 go test ./internal/integration/check -run Page`" + ` writes them anew.
`

const list = `
## The checks

Names do not change from one version to the next.

| Check | Question | Can be |
| --- | --- | --- |
`

const missing = `
## There is no issue for something

` + "```sh" + `
cxm doctor --why vol-0a1b2c3d4e5f67890      # the id of a resource
cxm doctor --why v1:3f0c9a12                # the key of a finding, or how it begins
` + "```" + `

It follows the finding from the source to the issue and says where it stands: never
reported, reported in a delivery that was not complete, gone, in a group with others,
planned and waiting (for a run, for a person's approval, for room under the caps, for GitLab
to work again), in doubt, hidden, closed by a person; or where its issue is. Nothing is asked of
GitLab for it: what cxm knows is from its last look.
`

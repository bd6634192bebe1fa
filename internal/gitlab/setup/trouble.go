package setup

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cxm/internal/issue"
)

// ErrNoServiceAccounts says that there are none to be had: the instance is too
// old, the tier has none, or an administrator keeps them to administrators. A
// bot user serves instead.
var ErrNoServiceAccounts = errors.New("there are no service accounts to be had here")

// cause is one way in which GitLab says no, with its mend.
type cause struct {
	status int
	words  string // that its answer holds, in lower case; empty: any
	mend   string
}

// mended is err with the mend of the first cause that fits; what fits none keeps
// its own.
func mended(err error, causes ...cause) error {
	var t *issue.Trouble
	if !errors.As(err, &t) {
		return err
	}
	said := strings.ToLower(t.Said)
	for _, c := range causes {
		if t.Status == c.status && strings.Contains(said, c.words) {
			better := *t
			better.Mend = c.mend
			return &better
		}
	}
	return err
}

// without marks a trouble as one that no other name or role mends.
func without(err error, why string) error {
	var t *issue.Trouble
	if !errors.As(err, &t) {
		return err
	}
	better := *t
	better.Err, better.Mend = ErrNoServiceAccounts, why
	return &better
}

// memberCauses are about adding a member, and giving one another role.
func memberCauses(base string, p Place) []cause {
	return []cause{
		{http.StatusForbidden, "insufficient", "The Owner's token lacks the scope api: make one that has it"},
		{http.StatusForbidden, "", fmt.Sprintf("It takes an Owner of the group, or for a project a Maintainer, and nobody can give more than they have: use the token of an Owner of %s, or a lower --role (planner needs an Owner too)", p.Path)},
		{http.StatusMethodNotAllowed, "lock", fmt.Sprintf("The group keeps members out of its projects: add the account to the group instead (--add %s), or ask an Owner to lift it under Settings > General > Permissions and group features of %s/groups/%s/-/edit", group(p), base, group(p))},
		{http.StatusBadRequest, "inherited membership", "The account has a higher role there through a group above: leave the place out, or give that role with --role"},
		{http.StatusBadRequest, "service account", "A service account can be invited only where it belongs: the one of a project into that project, the one of a group into what lies below it. Make it at a level above both, with --level group --group " + top(p)},
		{http.StatusBadRequest, "seat", "The group has no seat left, or keeps to its seats: ask whoever looks after the subscription"},
		{http.StatusNotFound, "user not found", "GitLab does not know the account any more: run the same again, it looks first"},
	}
}

// group is the nearest group of a place, top the one above all.
func group(p Place) string {
	if at := strings.LastIndexByte(p.Path, '/'); p.Level == Project && at > 0 {
		return p.Path[:at]
	}
	return p.Path
}

func top(p Place) string {
	name, _, _ := strings.Cut(p.Path, "/")
	return name
}

// Page is the address of the page where people look after the service accounts of
// a home.
func (h Home) Page(base string) string {
	switch h.Level {
	case Instance:
		return base + "/admin/application_settings/service_accounts"
	case Group:
		return base + "/groups/" + h.Path + "/-/settings/service_accounts"
	}
	return base + "/" + h.Path + "/-/settings/service_accounts"
}

// Unsupported says why an instance of a version has no service accounts at a
// level, going by the version alone; empty: it may have. Before 18.11 groups
// below others and projects have none (before 18.9 not even as a trial).
func Unsupported(version string, h Home) string {
	major, minor, ok := parse(version)
	before := func(a, b int) bool { return ok && (major < a || major == a && minor < b) }
	switch {
	case before(16, 1):
		return "GitLab " + version + " has no service accounts: they came with 16.1"
	case before(18, 9) && h.Level == Project:
		return "GitLab " + version + " has no service accounts of projects: they came with 18.11. Make one of the top-level group, with --level group --group " + top(h.Place)
	case before(18, 10) && h.Level == Group && h.Nested:
		return "GitLab " + version + " has no service accounts of groups below others: they came with 18.11. Make one of the top-level group, with --group " + top(h.Place)
	}
	return ""
}

// parse reads the first two numbers of a version.
func parse(version string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	second, _, _ = strings.Cut(second, "-")
	major, err := strconv.Atoi(first)
	minor, worse := strconv.Atoi(second)
	return major, minor, err == nil && worse == nil
}

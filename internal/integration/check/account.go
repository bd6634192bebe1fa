package check

import (
	"regexp"
	"slices"
	"strings"

	"cxm/internal/issue"
)

func accountChecks() []Check {
	return []Check{
		{"account.state", Account, Known, "Is the account active?", []Outcome{Failed, OK, NotChecked}, judgeState},
		{"account.kind", Account, Known, "Is it an account made for this?", []Outcome{Warning, OK, NotChecked}, judgeAccountKind},
		{"account.address", Account, Known, "Does its mail go to a team?", []Outcome{Warning, OK, NotChecked}, judgeAddress},
		{"account.admin", Account, Known, "Is it no administrator?", []Outcome{Warning, OK, NotChecked}, judgeAdmin},
		{"account.extent", Account, Known, "Does it reach only what it needs?", []Outcome{Warning, OK, NotChecked}, judgeExtent},
		{"account.owners", Account, Placed, "Can more than one person look after it?", []Outcome{Warning, OK, NotChecked}, judgeOwners},
	}
}

func judgeState(e *Evidence) Verdict {
	if why := e.unheard(); why != "" {
		return skip(why)
	}
	at, users := e.User.String(), e.page("/admin/users")
	if name := e.account(); name != "the account" {
		users += "/" + name
	}
	switch said := e.User.Said(); {
	case e.User.OK() && (e.Who.State == "" || e.Who.State == "active"):
		return ok(at, "")
	case e.User.OK():
		return fail("state: "+e.Who.State, "The account is not active", "An administrator can activate it at "+users)
	case !e.User.Is(issue.Forbidden):
		return skip(e.Barred())
	case strings.Contains(said, "insufficient"):
		return skip(e.Barred())
	case strings.Contains(said, "pending approval"):
		return fail(at, "The account waits for an administrator's approval", "An administrator can approve it at "+users)
	case strings.Contains(said, "deactivated"):
		return fail(at, "The account was deactivated, as GitLab does with those that are not used for long", "An administrator can activate it at "+users+"; then cxm goes on by itself")
	case strings.Contains(said, "terms"):
		return fail(at, "The account has not accepted the instance's terms", "Sign in as the account once and accept them")
	case strings.Contains(said, "confirm"):
		return fail(at, "The account's e-mail address is not confirmed", "Confirm it, or have an administrator confirm it at "+users)
	case strings.Contains(said, "password"):
		return fail(at, "The account's password has expired", "Sign in as the account and choose a new one")
	case strings.Contains(said, "blocked"), strings.Contains(said, "banned"):
		return fail(at, "The account is blocked", "An administrator can unblock it at "+users+"; then cxm goes on by itself. Else create a new service account").then(e.reconnect())
	}
	return fail(at, "GitLab lets the account do nothing", "Ask an administrator, who sees it at "+users)
}

// tokenBot is what GitLab calls the account behind a project's or a group's
// access token.
var tokenBot = regexp.MustCompile(`^(project|group)_\d+_bot`)

// botWords are parts of a name that people give accounts of machines.
func botWords() []string {
	return []string{"bot", "cxm", "ci", "svc", "service", "robot", "automation", "integration", "machine", "system", "api", "noreply"}
}

// looksLikeBot says that a name was given to an account of a machine.
func looksLikeBot(name string) bool {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(botWords(), p) })
}

func judgeAccountKind(e *Evidence) Verdict {
	if why := e.Barred(); why != "" {
		return skip(why)
	}
	who := e.Who
	switch {
	case !e.User.OK():
		return unasked(e.User)
	case who.Bot && tokenBot.MatchString(who.Username):
		return warn(who.Username, "It is the account of a project's or group's access token: it ends with that token, and a new token is a new author", "A service account keeps its name: create one at "+e.tokenPage())
	case who.Bot:
		return ok(who.Username+", a service account", "")
	case looksLikeBot(who.Username) || looksLikeBot(who.Name):
		return ok(who.Username+", by its name a bot user", "GitLab does not know it as a bot: it takes a seat and can sign in, so keep its password away. A service account would not")
	}
	return warn(who.Username, "It is a person's own account: all issues and comments bear that name, and when the person leaves or the account is closed, the token ends at once and issues stop unnoticed",
		"Create a service account at "+e.serviceAccounts()+", or where there are none a bot user with a team's address,").then(e.reconnect())
}

func (e *Evidence) serviceAccounts() string {
	if e.top() == "" {
		return "Settings > Service accounts of your top-level group"
	}
	return e.Base + "/groups/" + e.top() + "/-/settings/service_accounts"
}

func judgeAddress(e *Evidence) Verdict {
	if why := e.Barred(); why != "" {
		return skip(why)
	}
	local, _, found := strings.Cut(e.Who.Email, "@")
	switch {
	case !e.User.OK() || !found:
		return skip("GitLab does not tell the account's address")
	case e.Who.Bot:
		return ok(e.Who.Email, "A service account gets no mail: cxm watches its token itself")
	case looksLikeBot(local) || teamAddress(local):
		return ok(e.Who.Email, "")
	}
	return warn(e.Who.Email, "The account's address looks like a person's: GitLab's warnings about its token go to that person alone", "Give the account a team's address at "+e.page("/-/user_settings/profile"))
}

// teamAddress says that the part before the @ names a team.
func teamAddress(local string) bool {
	for _, word := range []string{"team", "platform", "finops", "devops", "ops", "admin", "infra", "cloud", "group", "list", "dl-", "support", "sre", "root"} {
		if strings.Contains(strings.ToLower(local), word) {
			return true
		}
	}
	return false
}

func judgeAdmin(e *Evidence) Verdict {
	if why := e.Barred(); why != "" {
		return skip(why)
	}
	switch {
	case !e.User.OK():
		return unasked(e.User)
	case e.Who.Admin:
		return warn("is_admin: true", e.Who.Username+" is an administrator of the instance: whoever gets its token gets everything", "Use an account without: the role Maintainer in the project is enough")
	}
	return ok("", "")
}

// wide is how many projects an account reaches before it is told.
const wide = 20

func judgeExtent(e *Evidence) Verdict {
	if why := e.Barred(); why != "" {
		return skip(why)
	}
	if !e.Reach.OK() {
		return unasked(e.Reach)
	}
	groups, projects := len(e.Extent.Groups), len(e.Extent.Projects)
	at := count(groups, "group") + ", " + count(projects, "project")
	if e.Extent.More {
		at = "more than " + at
	}
	if e.Extent.More || projects > wide {
		return warn(at, "The account reaches far more than one project; cxm needs only those where it keeps issues", "Take its membership out of what it does not need: "+names(e.Extent.Groups[:min(groups, 5)]))
	}
	return ok(at, "Look over it every quarter: "+names(append(slices.Clone(e.Extent.Groups[:min(groups, 5)]), e.Extent.Projects[:min(projects, 5)]...)))
}

func judgeOwners(e *Evidence) Verdict {
	if why := e.Placeless(); why != "" {
		return skip(why)
	}
	switch {
	case len(e.Before.Owners) > 0:
		return ok("recorded: "+names(e.Before.Owners), "")
	case !e.People.OK():
		return unasked(e.People)
	case len(e.Managers) == 0:
		return warn("no Maintainer or Owner besides it", "Nobody but the account itself manages the project's members: if it loses its role, nobody can give it back", "Make at least two people Maintainer or Owner at "+e.projectPage("/-/project_members"))
	case len(e.Managers) == 1:
		return warn(e.Managers[0], "One person alone can manage the account's role: when that person is away, nobody can", "Make another person Maintainer or Owner at "+e.projectPage("/-/project_members")+",").then(do(NameOwners))
	}
	return ok(names(e.Managers[:min(5, len(e.Managers))]), "")
}

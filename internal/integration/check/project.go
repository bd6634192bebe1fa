package check

import (
	"fmt"
	"strings"

	"cxm/internal/issue"
)

func projectChecks() []Check {
	return []Check{
		{"project.path", Project, Placed, "Is the project there, as it is named?", []Outcome{Failed, OK, NotChecked}, judgePath},
		{"project.moved", Project, Placed, "Is it where it was?", []Outcome{Warning, OK, NotChecked}, judgeMoved},
		{"project.archived", Project, Placed, "Can it be written to, not archived?", []Outcome{Failed, OK, NotChecked}, judgeArchived},
		{"project.deletion", Project, Placed, "Does it stay, not marked for deletion?", []Outcome{Failed, OK, NotChecked}, judgeDeletion},
		{"project.issues", Project, Placed, "Are issues enabled?", []Outcome{Failed, OK, NotChecked}, judgeIssues},
		{"project.role", Project, Placed, "Is the account's role in the project enough?", []Outcome{Failed, Warning, OK, NotChecked}, judgeRole},
		{"namespace.role", Project, Placed, "What is its role in the group?", []Outcome{Warning, OK, NotChecked}, judgeSpace},
		{"project.labels", Project, Placed, "May it create labels?", []Outcome{Warning, OK, NotChecked}, judgeLabels},
		{"project.create", Project, Placed, "May it create an issue?", []Outcome{Failed, Warning, OK, NotChecked}, judgeCreate},
		{"project.webhooks", Project, Placed, "Do the project's webhooks reach their ends?", []Outcome{Warning, OK, NotChecked}, judgeHooks},
	}
}

func judgePath(e *Evidence) Verdict {
	why := e.Barred()
	if why == "" && e.Wanted == "" {
		why = e.Placeless()
	}
	if why != "" {
		return skip(why)
	}
	at := e.Find.String()
	switch {
	case e.Find.OK() && e.Place.Path != e.Wanted && strings.EqualFold(e.Place.Path, e.Wanted):
		return ok(at, "GitLab spells it "+e.Place.Path+"; it takes other letter case too, and cxm keeps the number "+fmt.Sprint(e.Place.ID))
	case e.Find.OK():
		return ok(at, e.Place.Path+fmt.Sprintf(", number %d", e.Place.ID))
	case e.Find.Is(issue.Invalid) && !strings.Contains(e.Wanted, "/"):
		return fail(e.Wanted, "A project is named with its group", "").then(do(NameProject))
	case e.Find.Is(issue.NotFound) && e.Find.Said() == "404 not found" && strings.Contains(e.Wanted, "/"):
		return fail(at, "GitLab does not know the address, rather than the project: a proxy before it turns the %2F in it into a slash", "Give the project's number instead of its path, or have the proxy pass %2F on (docs.gitlab.com/api/rest/troubleshooting)")
	case e.Find.Is(issue.NotFound) && len(e.Near) > 0:
		return fail(at, "There is no project "+e.named()+" that "+e.account()+" may see. Did you mean "+strings.Join(e.Near, " or ")+"?", "").then(about(NameProject, e.Near[0]))
	case e.Find.Is(issue.NotFound):
		return fail(at, "There is no project "+e.named()+", or it is hidden from "+e.account()+": GitLab answers the same for both", "Check the whole path, groups included, and add "+e.account()+" at "+e.projectPage("/-/project_members")+" with the role Maintainer")
	}
	return unasked(e.Find)
}

// placed says why nothing is known of the project; nil: it is.
func (e *Evidence) placed() *Verdict {
	v := Verdict{}
	switch why := e.Placeless(); {
	case why != "":
		v = skip(why)
	case !e.Find.OK():
		v = unasked(e.Find)
	default:
		return nil
	}
	return &v
}

func judgeMoved(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	was := e.Before.Project
	if was == "" && strings.Contains(e.Wanted, "/") {
		was = e.Wanted
	}
	if was != "" && !strings.EqualFold(was, e.Place.Path) {
		return warn(was+" is now "+e.Place.Path, "The project was renamed or moved; cxm goes by its number, so nothing breaks", "Use the new path from now on: GitLab answers the old one only until somebody else takes it")
	}
	return ok("", "")
}

func judgeArchived(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	if e.Place.Archived {
		return fail("archived: true", e.Place.Path+" is archived: nothing in it can be changed", "Unarchive it at "+e.projectPage("/edit#js-project-advanced-settings")+", or choose another project")
	}
	return ok("", "")
}

func judgeDeletion(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	if e.Place.Deletion != "" {
		return fail("marked for deletion, "+e.Place.Deletion, e.Place.Path+" is going to be deleted, with its issues", "Restore it at "+e.projectPage("/edit#js-project-advanced-settings")+", or choose another project")
	}
	return ok("", "")
}

func judgeIssues(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	switch e.Place.Issues {
	case "disabled":
		return fail("issues_access_level: disabled", "Issues are switched off in "+e.Place.Path, "Switch them on at "+e.projectPage("/edit#js-shared-permissions")+", or choose another project")
	case "":
		return skip("GitLab does not tell an account without a role")
	}
	return ok("issues_access_level: "+e.Place.Issues, "")
}

// GitLab's access levels (docs.gitlab.com/user/permissions).
const (
	guest, planner, reporter, developer, maintainer, owner = 10, 15, 20, 30, 40, 50
)

// RoleName is what GitLab calls an access level.
func RoleName(level int) string {
	switch {
	case level >= owner:
		return "Owner"
	case level >= maintainer:
		return "Maintainer"
	case level >= developer:
		return "Developer"
	case level == 25:
		return "Security Manager"
	case level >= reporter:
		return "Reporter"
	case level >= planner:
		return "Planner"
	case level >= guest:
		return "Guest"
	case level > 0:
		return "Minimal access"
	}
	return "no role"
}

// role is the account's in the project, as far as it is known.
func (e *Evidence) role() int { return max(e.Role, e.Place.Level) }

func judgeRole(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	if e.Who.Admin && e.role() == 0 {
		return ok("administrator", "An administrator may do everything, without a role")
	}
	if e.role() == 0 && e.Member.Sent && !e.Member.OK() && !e.Member.Is(issue.NotFound) {
		return unasked(e.Member)
	}
	level, at := e.role(), fmt.Sprintf("%s (access level %d)", RoleName(e.role()), e.role())
	mend := "Give " + e.account() + " the role Maintainer at " + e.projectPage("/-/project_members")
	switch {
	case level >= owner:
		return ok(at, "Maintainer would be enough")
	case level >= maintainer:
		return ok(at, "")
	case level >= developer:
		return warn(at, "Issues, labels, comments, branches and merge requests work; webhooks need Maintainer, and so the guide asks for it", mend+", unless cxm shall go without webhooks")
	case level >= reporter:
		return warn(at, "Issues, labels and comments work, and code can be read; merge requests need Developer, webhooks Maintainer", mend+", unless cxm shall only keep issues")
	case level >= planner:
		return warn(at, "Issues, labels and comments work; reading code needs Reporter, merge requests Developer, webhooks Maintainer", mend+", unless cxm shall only keep issues")
	case level >= guest:
		return warn(at, "A Guest can create issues and close its own, but not set labels later, create labels or see confidential issues", mend+"; Planner is the least with which issues stay true")
	}
	return fail(at, e.account()+" has no role in "+e.Place.Path+": it can see a public project, but not keep issues in it", mend)
}

func judgeSpace(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	at := RoleName(e.Space) + " in " + e.Place.Group
	switch {
	case e.Place.Personal:
		return skip("the project is in a user's own namespace")
	case e.Group.Sent && !e.Group.OK() && !e.Group.Is(issue.NotFound):
		return unasked(e.Group)
	case !e.Group.Sent:
		return skip("nobody asked GitLab")
	case e.Space >= guest:
		return ok(at, "")
	case e.role() >= planner:
		return ok(at, "Its role in the project is enough for this project; webhooks of the whole group need Owner, other projects a role in them")
	}
	return warn(at, e.account()+" has neither a role in the group nor one in the project with which issues stay true", "Add it at "+e.groupPage("/-/group_members")+", or to the project at "+e.projectPage("/-/project_members"))
}

func judgeLabels(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	switch level := e.role(); {
	case level == 0 && e.Who.Admin:
		return ok("administrator, derived", "")
	case level == 0:
		return skip("the account's role is not known")
	case level >= planner:
		return ok(RoleName(level)+", derived", "")
	default:
		return warn(RoleName(level)+", derived", "Labels that do not exist yet are silently left out of new issues", "Create them at "+e.projectPage("/-/labels")+", or give the role Planner or higher")
	}
}

// closed says that the project itself keeps issues out, which other checks name.
func (e *Evidence) closed() string {
	switch {
	case e.Place.Archived:
		return "the project is archived"
	case e.Place.Deletion != "":
		return "the project is marked for deletion"
	case e.Place.Issues == "disabled":
		return "issues are disabled"
	}
	return ""
}

func judgeCreate(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	at := e.Dry.String()
	blank := e.Dry.Is(issue.Invalid) && strings.Contains(e.Dry.Said(), "title") && !strings.Contains(e.Dry.Said(), "missing")
	switch {
	case e.closed() != "":
		return skip(e.closed())
	case e.Created != "":
		return warn(at, "GitLab made an issue without a title, which it should refuse", "Delete "+e.Created)
	case blank:
		return ok(at, "GitLab checked the permission and then refused the empty title: nothing was created")
	case e.Dry.Is(issue.Forbidden):
		return fail(at, e.account()+" may not create issues in "+e.Place.Path, "Give it the role Planner or higher (the guide asks for Maintainer) at "+e.projectPage("/-/project_members"))
	case e.Dry.Is(issue.NotFound):
		return fail(at, "GitLab hides the project from writing", "Give "+e.account()+" a role at "+e.projectPage("/-/project_members"))
	case e.role() >= guest:
		return ok(RoleName(e.role())+", derived", "Not tried: the role allows it")
	}
	return unasked(e.Dry)
}

func judgeHooks(e *Evidence) Verdict {
	if v := e.placed(); v != nil {
		return *v
	}
	page := e.projectPage("/-/hooks")
	switch {
	case e.Hooked.Is(issue.Forbidden):
		return skip("only a Maintainer may list the project's webhooks")
	case !e.Hooked.OK():
		return unasked(e.Hooked)
	case len(e.Hooks) == 0:
		return ok("no webhooks", "cxm then asks GitLab at intervals what changed")
	}
	for _, h := range e.Hooks {
		switch h.Status {
		case "disabled":
			return warn(h.URL+": disabled", "GitLab has given up sending to it after 40 failures in a row", "See why at "+page+"; a test that goes well there switches it on again")
		case "temporarily_disabled":
			return warn(h.URL+": disabled until "+h.Until, "Its last deliveries failed, so GitLab waits before the next", "See why at "+page+": the address must be reachable from GitLab")
		}
	}
	return ok(count(len(e.Hooks), "webhook"), "")
}

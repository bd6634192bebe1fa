package track

import (
	"slices"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
)

// role gives a user's effective role in an issue's project.
func (t *Tracker) role(u *people.User, projectID int64) place.Role {
	p := t.places.Project(projectID)
	if p == nil {
		return place.None
	}
	return t.places.Role(u, p)
}

// CanRead says whether a user (nil: nobody signed in) may see an issue.
// Confidential ones are for Planners and above, the author and the assignees.
func (t *Tracker) CanRead(u *people.User, i *Issue) bool {
	p := t.places.Project(i.ProjectID)
	if p == nil || !t.places.CanReadIssues(u, p) {
		return false
	}
	if !i.Confidential {
		return true
	}
	if u == nil {
		return false
	}
	return t.role(u, i.ProjectID) >= place.Planner || t.concerns(u, i)
}

// concerns says whether a user wrote the issue or is assigned to it.
func (t *Tracker) concerns(u *people.User, i *Issue) bool {
	return i.AuthorID == u.ID || slices.Contains(i.AssigneeIDs, u.ID)
}

// CanCreate says whether a user may file an issue in a project.
func (t *Tracker) CanCreate(u *people.User, p *place.Project) bool {
	if u == nil || !p.Writable() || !t.places.CanReadIssues(u, p) {
		return false
	}
	return t.places.Role(u, p) >= place.Guest || p.Visibility != place.Private
}

// CanUpdate says whether a user may edit an issue's text and state.
func (t *Tracker) CanUpdate(u *people.User, i *Issue) bool {
	if u == nil || !t.writable(i) || !t.CanRead(u, i) {
		return false
	}
	return t.role(u, i.ProjectID) >= place.Planner || t.concerns(u, i)
}

func (t *Tracker) writable(i *Issue) bool {
	p := t.places.Project(i.ProjectID)
	return p != nil && p.Writable() && p.IssuesEnabled()
}

// CanAdminister says whether a user may set labels, assignees, milestone,
// dates and the like (admin_issue, set_issue_metadata).
func (t *Tracker) CanAdminister(u *people.User, projectID int64) bool {
	return t.role(u, projectID) >= place.Planner
}

// canSetAtCreation says whether metadata given with a new issue is kept: it is
// from Guest upward; strangers in a public project lose it.
func (t *Tracker) canSetAtCreation(u *people.User, projectID int64) bool {
	return t.role(u, projectID) >= place.Guest
}

// CanComment says whether a user may write a note on an issue.
func (t *Tracker) CanComment(u *people.User, i *Issue) bool {
	if u == nil || !t.writable(i) || !t.CanRead(u, i) {
		return false
	}
	locked := i.DiscussionLocked != nil && *i.DiscussionLocked
	return !locked || t.role(u, i.ProjectID) >= place.Guest
}

// CanReadInternal says whether a user may see and write internal notes.
func (t *Tracker) CanReadInternal(u *people.User, i *Issue) bool {
	return t.role(u, i.ProjectID) >= place.Planner
}

// CanDelete says whether a user may delete an issue: Planners, Owners, and
// members who wrote it.
func (t *Tracker) CanDelete(u *people.User, i *Issue) bool {
	role := t.role(u, i.ProjectID)
	return role >= place.Owner || role == place.Planner || role >= place.Guest && i.AuthorID == u.ID
}

// CanBackdate says whether a user may choose an issue's iid and times.
func (t *Tracker) CanBackdate(u *people.User, p *place.Project) bool {
	return t.places.Role(u, p) >= place.Owner
}

// tier gives the plan that holds in an issue's project.
func (t *Tracker) tier(projectID int64) place.Plan {
	p := t.places.Project(projectID)
	return t.places.PlanOf(t.places.Namespace(p.NamespaceID))
}

// Licensed says whether the project's tier has GitLab Premium's issue features.
func (t *Tracker) Licensed(projectID int64) bool { return t.tier(projectID).Paid() }

package entity

import (
	"net/url"
	"strconv"

	"cxm/internal/sandbox/world/place"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// NamespaceBasic is a namespace as named in a project.
type NamespaceBasic struct {
	ID        int64   `json:"id"`
	Name      string  `json:"name"`
	Path      string  `json:"path"`
	Kind      string  `json:"kind"`
	FullPath  string  `json:"full_path"`
	ParentID  *int64  `json:"parent_id"`
	AvatarURL *string `json:"avatar_url"`
	WebURL    string  `json:"web_url"`
}

// Namespace is a namespace in its own endpoints.
type Namespace struct {
	NamespaceBasic
	MembersCount  *int    `json:"members_count_with_descendants,omitempty"`
	ProjectsCount *int    `json:"projects_count,omitempty"`
	BillableCount *int    `json:"billable_members_count,omitempty"`
	RootSize      *int    `json:"root_repository_size,omitempty"`
	Plan          *string `json:"plan,omitempty"`
	TrialEndsOn   *string `json:"trial_ends_on"`
	Trial         bool    `json:"trial"`
}

// Group is a group.
type Group struct {
	ID                    int64   `json:"id"`
	WebURL                string  `json:"web_url"`
	Name                  string  `json:"name"`
	Path                  string  `json:"path"`
	Description           string  `json:"description"`
	Visibility            string  `json:"visibility"`
	ShareWithGroupLock    bool    `json:"share_with_group_lock"`
	RequireTwoFactor      bool    `json:"require_two_factor_authentication"`
	TwoFactorGracePeriod  int     `json:"two_factor_grace_period"`
	ProjectCreationLevel  string  `json:"project_creation_level"`
	AutoDevOpsEnabled     *bool   `json:"auto_devops_enabled"`
	SubgroupCreationLevel string  `json:"subgroup_creation_level"`
	EmailsDisabled        bool    `json:"emails_disabled"`
	EmailsEnabled         bool    `json:"emails_enabled"`
	MentionsDisabled      *bool   `json:"mentions_disabled"`
	LFSEnabled            bool    `json:"lfs_enabled"`
	Archived              bool    `json:"archived"`
	DefaultBranch         *string `json:"default_branch"`
	BranchProtection      int     `json:"default_branch_protection"`
	AvatarURL             *string `json:"avatar_url"`
	RequestAccess         bool    `json:"request_access_enabled"`
	FullName              string  `json:"full_name"`
	FullPath              string  `json:"full_path"`
	CreatedAt             string  `json:"created_at"`
	ParentID              *int64  `json:"parent_id"`
	OrganizationID        int     `json:"organization_id"`
	SharedRunnersSetting  string  `json:"shared_runners_setting"`
	LDAPCN                *string `json:"ldap_cn"`
	LDAPAccess            *int    `json:"ldap_access"`
	DeletionOn            *string `json:"marked_for_deletion_on"`
	WikiAccess            string  `json:"wiki_access_level"`
}

// GroupDetail is a single group.
type GroupDetail struct {
	Group
	SharedWithGroups []string   `json:"shared_with_groups"`
	RunnersToken     *string    `json:"runners_token"`
	Projects         *[]Project `json:"projects,omitempty"`
	SharedProjects   *[]Project `json:"shared_projects,omitempty"`
	SharedMinutes    *int       `json:"shared_runners_minutes_limit"`
	ExtraMinutes     *int       `json:"extra_shared_runners_minutes_limit"`
	PreventForking   *bool      `json:"prevent_forking_outside_group"`
	MembershipLock   bool       `json:"membership_lock"`
	ServiceExpiry    bool       `json:"service_access_tokens_expiration_enforced"`
}

// Member is a user's membership of a group or project.
type Member struct {
	UserBasic
	AccessLevel     int        `json:"access_level"`
	CreatedAt       string     `json:"created_at"`
	CreatedBy       *UserBasic `json:"created_by,omitempty"`
	ExpiresAt       *string    `json:"expires_at"`
	GroupSAML       *string    `json:"group_saml_identity"`
	Email           string     `json:"email,omitempty"`
	MembershipState string     `json:"membership_state"`
	MemberRole      *string    `json:"member_role"`
	UsingSeat       bool       `json:"is_using_seat"`
}

// NamespaceBasic shows a namespace as projects name it.
func (v Views) NamespaceBasic(n *place.Namespace) NamespaceBasic {
	out := NamespaceBasic{
		ID: n.ID, Name: n.Name, Path: n.Path, Kind: "group", FullPath: v.W.Places.FullPath(n),
		WebURL: v.Base + "/groups/" + v.W.Places.FullPath(n),
	}
	if n.ParentID != 0 {
		out.ParentID = &n.ParentID
	}
	if u := v.W.People.User(n.UserID); u != nil {
		out.Kind, out.WebURL = "user", v.Base+"/"+n.Path
		out.AvatarURL = new(v.UserBasic(u).AvatarURL)
	}
	return out
}

// Namespace shows a namespace; owners see its plan and counts.
func (v Views) Namespace(n *place.Namespace) Namespace {
	out := Namespace{NamespaceBasic: v.NamespaceBasic(n)}
	if v.W.Places.RoleIn(v.Viewer, n) < place.Owner {
		return out
	}
	plan := string(v.W.Places.PlanOf(n))
	members := len(v.W.Places.AllMembers(place.Site{Group: n}))
	projects := len(v.W.Places.Projects(func(p *place.Project) bool {
		return v.W.Places.Within(v.W.Places.Namespace(p.NamespaceID), n)
	}))
	out.Plan, out.RootSize, out.ProjectsCount, out.BillableCount = &plan, new(0), &projects, &members
	if n.Group() {
		out.MembersCount = &members
	}
	return out
}

// Group shows a group in a list.
func (v Views) Group(n *place.Namespace) Group {
	out := Group{
		ID: n.ID, WebURL: v.Base + "/groups/" + v.W.Places.FullPath(n), Name: n.Name, Path: n.Path,
		Description: n.Description, Visibility: string(n.Visibility), TwoFactorGracePeriod: 48,
		ProjectCreationLevel: "developer", SubgroupCreationLevel: "maintainer", EmailsEnabled: true, LFSEnabled: true,
		Archived: n.Archived, BranchProtection: 2, RequestAccess: true, FullName: v.W.Places.FullName(n),
		FullPath: v.W.Places.FullPath(n), CreatedAt: Stamp(n.CreatedAt), OrganizationID: 1,
		SharedRunnersSetting: "enabled", DeletionOn: Day(n.DeletionOn), WikiAccess: "enabled",
	}
	if n.ParentID != 0 {
		out.ParentID = &n.ParentID
	}
	return out
}

// GroupDetail shows a single group, with its projects when asked.
func (v Views) GroupDetail(n *place.Namespace, projects bool) GroupDetail {
	out := GroupDetail{Group: v.Group(n), SharedWithGroups: []string{}, ServiceExpiry: n.RequireServiceExpiry}
	if !projects {
		return out
	}
	list := []Project{}
	for _, p := range v.W.Places.Projects(func(p *place.Project) bool { return p.NamespaceID == n.ID }) {
		if v.W.Places.CanRead(v.Viewer, p) {
			list = append(list, v.Project(p))
		}
	}
	out.Projects, out.SharedProjects = &list, &[]Project{}
	return out
}

// Member shows a membership.
func (v Views) Member(m *place.Member) Member {
	out := Member{
		UserBasic: *v.UserID(m.UserID), AccessLevel: int(m.Role), CreatedAt: Stamp(m.CreatedAt),
		CreatedBy: v.UserID(m.CreatedBy), ExpiresAt: Day(m.ExpiresAt), MembershipState: "active", UsingSeat: true,
	}
	u := v.W.People.User(m.UserID)
	if u != nil {
		out.UsingSeat = !u.Bot()
		if v.Viewer != nil && v.Viewer.Admin {
			out.Email = u.Email
		}
	}
	return out
}

// host gives the instance's host name without a port.
func (v Views) host() string {
	u, err := url.Parse(v.Base)
	if err != nil {
		return "localhost"
	}
	return u.Hostname()
}

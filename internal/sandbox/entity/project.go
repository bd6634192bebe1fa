package entity

import (
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// ProjectBasic is a project in short (simple=true).
type ProjectBasic struct {
	ID                int64          `json:"id"`
	Description       *string        `json:"description"`
	Name              string         `json:"name"`
	NameWithNamespace string         `json:"name_with_namespace"`
	Path              string         `json:"path"`
	PathWithNamespace string         `json:"path_with_namespace"`
	CreatedAt         string         `json:"created_at"`
	DefaultBranch     *string        `json:"default_branch"`
	TagList           []string       `json:"tag_list"`
	Topics            []string       `json:"topics"`
	SSHURL            string         `json:"ssh_url_to_repo"`
	HTTPURL           string         `json:"http_url_to_repo"`
	WebURL            string         `json:"web_url"`
	ReadmeURL         *string        `json:"readme_url"`
	ForksCount        int            `json:"forks_count"`
	AvatarURL         *string        `json:"avatar_url"`
	StarCount         int            `json:"star_count"`
	LastActivityAt    string         `json:"last_activity_at"`
	Visibility        string         `json:"visibility"`
	Namespace         NamespaceBasic `json:"namespace"`
}

// Access is the role a user has in a project or group.
type Access struct {
	AccessLevel       int `json:"access_level"`
	NotificationLevel int `json:"notification_level"`
}

// Permissions is the viewer's access to a project.
type Permissions struct {
	ProjectAccess *Access `json:"project_access"`
	GroupAccess   *Access `json:"group_access"`
}

// ProjectLinks are the addresses of what belongs to a project.
type ProjectLinks struct {
	Self          string `json:"self"`
	Issues        string `json:"issues,omitempty"`
	MergeRequests string `json:"merge_requests,omitempty"`
	RepoBranches  string `json:"repo_branches"`
	Labels        string `json:"labels"`
	Events        string `json:"events"`
	Members       string `json:"members"`
	ClusterAgents string `json:"cluster_agents"`
}

// Project is a project with all that its settings page shows.
type Project struct {
	ProjectBasic
	ContainerRegistryPrefix string       `json:"container_registry_image_prefix"`
	Links                   ProjectLinks `json:"_links"`
	MarkedForDeletionAt     *string      `json:"marked_for_deletion_at"`
	MarkedForDeletionOn     *string      `json:"marked_for_deletion_on"`
	PackagesEnabled         bool         `json:"packages_enabled"`
	EmptyRepo               bool         `json:"empty_repo"`
	Archived                bool         `json:"archived"`
	Owner                   *UserBasic   `json:"owner,omitempty"`
	ResolveOutdated         bool         `json:"resolve_outdated_diff_discussions"`
	IssuesEnabled           bool         `json:"issues_enabled"`
	MergeRequestsEnabled    bool         `json:"merge_requests_enabled"`
	WikiEnabled             bool         `json:"wiki_enabled"`
	JobsEnabled             bool         `json:"jobs_enabled"`
	SnippetsEnabled         bool         `json:"snippets_enabled"`
	ContainerRegistry       bool         `json:"container_registry_enabled"`
	ServiceDeskEnabled      bool         `json:"service_desk_enabled"`
	CanCreateMR             bool         `json:"can_create_merge_request_in"`
	IssuesAccess            string       `json:"issues_access_level"`
	RepositoryAccess        string       `json:"repository_access_level"`
	MergeRequestsAccess     string       `json:"merge_requests_access_level"`
	ForkingAccess           string       `json:"forking_access_level"`
	WikiAccess              string       `json:"wiki_access_level"`
	BuildsAccess            string       `json:"builds_access_level"`
	SnippetsAccess          string       `json:"snippets_access_level"`
	PagesAccess             string       `json:"pages_access_level"`
	AnalyticsAccess         string       `json:"analytics_access_level"`
	EmailsDisabled          bool         `json:"emails_disabled"`
	EmailsEnabled           bool         `json:"emails_enabled"`
	SharedRunnersEnabled    bool         `json:"shared_runners_enabled"`
	LFSEnabled              bool         `json:"lfs_enabled"`
	CreatorID               int64        `json:"creator_id"`
	ImportStatus            string       `json:"import_status"`
	OpenIssuesCount         *int         `json:"open_issues_count,omitempty"`
	DescriptionHTML         string       `json:"description_html"`
	UpdatedAt               string       `json:"updated_at"`
	CIDefaultGitDepth       int          `json:"ci_default_git_depth"`
	CIForwardDeployment     bool         `json:"ci_forward_deployment_enabled"`
	PublicJobs              bool         `json:"public_jobs"`
	SharedWithGroups        []string     `json:"shared_with_groups"`
	OnlyPipeline            bool         `json:"only_allow_merge_if_pipeline_succeeds"`
	RequestAccess           bool         `json:"request_access_enabled"`
	OnlyDiscussions         bool         `json:"only_allow_merge_if_all_discussions_are_resolved"`
	RemoveSource            bool         `json:"remove_source_branch_after_merge"`
	PrintingMRLink          bool         `json:"printing_merge_request_link_enabled"`
	MergeMethod             string       `json:"merge_method"`
	SquashOption            string       `json:"squash_option"`
	SuggestionMessage       *string      `json:"suggestion_commit_message"`
	AutocloseIssues         bool         `json:"autoclose_referenced_issues"`
	ApprovalsBeforeMerge    int          `json:"approvals_before_merge"`
	Mirror                  bool         `json:"mirror"`
	IssuesTemplate          *string      `json:"issues_template"`
	Permissions             *Permissions `json:"permissions,omitempty"`
}

// ProjectBasic shows a project in short.
func (v Views) ProjectBasic(p *place.Project) ProjectBasic {
	path := v.W.Places.ProjectPath(p)
	web := v.Base + "/" + path
	out := ProjectBasic{
		ID: p.ID, Description: p.Description, Name: p.Name, NameWithNamespace: v.W.Places.ProjectName(p),
		Path: p.Path, PathWithNamespace: path, CreatedAt: Stamp(p.CreatedAt),
		TagList: topics(p), Topics: topics(p), SSHURL: "git@" + v.host() + ":" + path + ".git", HTTPURL: web + ".git",
		WebURL: web, LastActivityAt: Stamp(p.LastActivityAt), Visibility: string(p.Visibility),
		Namespace: v.NamespaceBasic(v.W.Places.Namespace(p.NamespaceID)),
	}
	if p.DefaultBranch != "" {
		out.DefaultBranch = &p.DefaultBranch
	}
	if p.HasReadme {
		out.ReadmeURL = new(web + "/-/blob/" + p.DefaultBranch + "/README.md")
	}
	return out
}

func topics(p *place.Project) []string {
	return append([]string{}, p.Topics...)
}

// Project shows a project in full.
func (v Views) Project(p *place.Project) Project {
	out := v.settings(p)
	ns := v.W.Places.Namespace(p.NamespaceID)
	out.Links = v.projectLinks(p)
	out.MarkedForDeletionAt, out.MarkedForDeletionOn = Day(p.DeletionOn), Day(p.DeletionOn)
	if !ns.Group() {
		out.Owner = v.UserID(ns.UserID)
	}
	if p.IssuesEnabled() {
		out.OpenIssuesCount = new(v.openIssues(p))
	}
	if v.Viewer != nil {
		out.Permissions = v.permissions(p)
		out.CanCreateMR = v.W.Places.Role(v.Viewer, p) >= place.Developer && p.Writable()
	}
	return out
}

// settings fills what GitLab's defaults and the project's own fields say.
func (v Views) settings(p *place.Project) Project {
	return Project{
		ProjectBasic:            v.ProjectBasic(p),
		ContainerRegistryPrefix: v.host() + ":5050/" + v.W.Places.ProjectPath(p),
		PackagesEnabled:         true, EmptyRepo: p.DefaultBranch == "", Archived: p.Archived,
		IssuesEnabled: p.IssuesEnabled(), MergeRequestsEnabled: true, WikiEnabled: true, JobsEnabled: true,
		SnippetsEnabled: true, ContainerRegistry: true, IssuesAccess: p.IssuesAccess, RepositoryAccess: "enabled",
		MergeRequestsAccess: "enabled", ForkingAccess: "enabled", WikiAccess: "enabled", BuildsAccess: "enabled",
		SnippetsAccess: "enabled", PagesAccess: "private", AnalyticsAccess: "enabled", EmailsEnabled: true,
		SharedRunnersEnabled: true, LFSEnabled: true, CreatorID: p.CreatorID, ImportStatus: "none",
		UpdatedAt: Stamp(p.UpdatedAt), CIDefaultGitDepth: 20, CIForwardDeployment: true, PublicJobs: true,
		SharedWithGroups: []string{}, RequestAccess: true, RemoveSource: true, PrintingMRLink: true,
		MergeMethod: "merge", SquashOption: "default_off", AutocloseIssues: true,
	}
}

func (v Views) projectLinks(p *place.Project) ProjectLinks {
	self := v.Base + "/api/v4/projects/" + itoa(p.ID)
	out := ProjectLinks{
		Self: self, MergeRequests: self + "/merge_requests", RepoBranches: self + "/repository/branches",
		Labels: self + "/labels", Events: self + "/events", Members: self + "/members", ClusterAgents: self + "/cluster_agents",
	}
	if p.IssuesEnabled() {
		out.Issues = self + "/issues"
	}
	return out
}

func (v Views) openIssues(p *place.Project) int {
	count := 0
	for _, i := range v.W.Track.InProject(p.ID) {
		if i.State == track.Opened && v.W.Track.CanRead(v.Viewer, i) {
			count++
		}
	}
	return count
}

func (v Views) permissions(p *place.Project) *Permissions {
	out := &Permissions{}
	if m := p.Members[v.Viewer.ID]; m != nil {
		out.ProjectAccess = &Access{AccessLevel: int(m.Role), NotificationLevel: 3}
	}
	best := place.None
	for _, up := range v.W.Places.Lineage(v.W.Places.Namespace(p.NamespaceID)) {
		if m := up.Members[v.Viewer.ID]; m != nil {
			best = max(best, m.Role)
		}
	}
	if best > place.None {
		out.GroupAccess = &Access{AccessLevel: int(best), NotificationLevel: 3}
	}
	return out
}

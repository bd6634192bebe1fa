package hooks

import (
	"encoding/json"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/hook"
)

// key is a URL variable or a header without its value.
type key struct {
	Key string `json:"key"`
}

// view is a hook as GitLab shows it: without its secrets.
type view struct {
	ID               int64   `json:"id"`
	URL              string  `json:"url"`
	Name             *string `json:"name"`
	Description      *string `json:"description"`
	CreatedAt        string  `json:"created_at"`
	Push             bool    `json:"push_events"`
	TagPush          bool    `json:"tag_push_events"`
	MergeRequests    bool    `json:"merge_requests_events"`
	RepositoryUpdate bool    `json:"repository_update_events"`
	VerifyTLS        bool    `json:"enable_ssl_verification"`
	AlertStatus      string  `json:"alert_status"`
	DisabledUntil    *string `json:"disabled_until"`
	Variables        []key   `json:"url_variables"`
	BranchFilter     *string `json:"push_events_branch_filter"`
	BranchStrategy   string  `json:"branch_filter_strategy"`
	Template         *string `json:"custom_webhook_template"`
	Headers          []key   `json:"custom_headers"`
	TokenPresent     bool    `json:"token_present"`
	SigningPresent   bool    `json:"signing_token_present"`
	ProjectID        *int64  `json:"project_id,omitempty"`
	GroupID          *int64  `json:"group_id,omitempty"`
	Issues           bool    `json:"issues_events"`
	Confidential     bool    `json:"confidential_issues_events"`
	Note             bool    `json:"note_events"`
	ConfidentialNote bool    `json:"confidential_note_events"`
	Pipeline         bool    `json:"pipeline_events"`
	WikiPage         bool    `json:"wiki_page_events"`
	Deployment       bool    `json:"deployment_events"`
	FeatureFlag      bool    `json:"feature_flag_events"`
	Job              bool    `json:"job_events"`
	Releases         bool    `json:"releases_events"`
	Milestone        bool    `json:"milestone_events"`
	Emoji            bool    `json:"emoji_events"`
	AccessToken      bool    `json:"resource_access_token_events"`
	DeployToken      *bool   `json:"resource_deploy_token_events,omitempty"`
	Vulnerability    bool    `json:"vulnerability_events"`
	Project          *bool   `json:"project_events,omitempty"`
	Subgroup         *bool   `json:"subgroup_events,omitempty"`
	Member           *bool   `json:"member_events,omitempty"`
}

func (a api) view(h hook.Hook) view {
	on := h.Events
	out := view{
		ID: h.ID, URL: h.URL, Name: text(h.Name), Description: text(h.Description), CreatedAt: entity.Stamp(h.CreatedAt),
		Push: on["push_events"], TagPush: on["tag_push_events"], MergeRequests: on["merge_requests_events"], VerifyTLS: h.VerifyTLS,
		AlertStatus: a.desk.Status(h), Variables: keys(h.Variables), BranchFilter: h.BranchFilter, BranchStrategy: h.BranchStrategy,
		Template: text(h.Template), Headers: keys(h.Headers), TokenPresent: h.Token != "", SigningPresent: h.SigningToken != "",
		Issues: on["issues_events"], Confidential: on["confidential_issues_events"], Note: on["note_events"],
		ConfidentialNote: on["confidential_note_events"], Pipeline: on["pipeline_events"], WikiPage: on["wiki_page_events"],
		Deployment: on["deployment_events"], FeatureFlag: on["feature_flag_events"], Job: on["job_events"], Releases: on["releases_events"],
		Milestone: on["milestone_events"], Emoji: on["emoji_events"], AccessToken: on["resource_access_token_events"],
		Vulnerability: on["vulnerability_events"],
	}
	if !h.DisabledUntil.IsZero() {
		out.DisabledUntil = new(entity.Stamp(h.DisabledUntil))
	}
	if h.Owner.ProjectID != 0 {
		out.ProjectID, out.DeployToken = &h.Owner.ProjectID, new(on["resource_deploy_token_events"])
		return out
	}
	out.GroupID, out.Project, out.Subgroup, out.Member = &h.Owner.GroupID, new(on["project_events"]), new(on["subgroup_events"]), new(on["member_events"])
	return out
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func keys(pairs []hook.Pair) []key {
	out := []key{}
	for _, p := range pairs {
		out = append(out, key{p.Key})
	}
	return out
}

// logView is a delivery as the history shows it.
type logView struct {
	ID              int64             `json:"id"`
	URL             string            `json:"url"`
	Trigger         string            `json:"trigger"`
	RequestHeaders  map[string]string `json:"request_headers"`
	RequestData     json.RawMessage   `json:"request_data"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body"`
	Duration        float64           `json:"execution_duration"`
	ResponseStatus  string            `json:"response_status"`
	CreatedAt       string            `json:"created_at"`
}

func viewOf(l hook.Log) logView {
	out := logView{
		ID: l.ID, URL: l.URL, Trigger: l.Kind.Trigger(), RequestHeaders: l.RequestHeaders, RequestData: l.Data,
		ResponseHeaders: l.ResponseHeaders, ResponseBody: l.ResponseBody, Duration: l.Duration.Seconds(),
		ResponseStatus: l.Status, CreatedAt: entity.Stamp(l.At),
	}
	if l.Data == nil {
		out.RequestData = json.RawMessage("{}")
	}
	return out
}

package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Findings are what sources said, and where it is. An error about one that is not
// there is a *door.Problem.
type Findings interface {
	Findings(context.Context, FindingFilter, Slice) ([]Finding, Cursor, error)
	Finding(ctx context.Context, key string) (Finding, error)
	// Why says where a finding stands on its way to an issue, in each integration.
	Why(ctx context.Context, key string) ([]Stand, error)
	Groups(ctx context.Context, rule string, s Slice) ([]Group, Cursor, error)
}

// FindingFilter says which findings; what is empty lets everything through.
type FindingFilter struct {
	Kind      string `query:"kind" enum:"cost,system,custom"`
	Detection string `query:"detection" enum:"present,absent,unknown"`
	Account   string `query:"account" maxLength:"500" doc:"The id of the account, subscription or project."`
	Source    string `query:"source" maxLength:"200" doc:"The type of the source."`
	Scope     string `query:"scope" maxLength:"500"`
	Rule      string `query:"rule" maxLength:"200" doc:"The name of the rule that put it where it is."`
	Q         string `query:"q" maxLength:"200" doc:"In its title, resource, account, service and region, letter case aside."`
	Order     string `query:"order" enum:"age,worth" default:"age" doc:"The oldest first, or the largest saving."`
}

// Finding is one claim of one source about one resource.
type Finding struct {
	Key         string            `json:"key"`
	Kind        string            `json:"kind" enum:"cost,system,custom"`
	Class       *string           `json:"class"`
	Detection   string            `json:"detection" enum:"present,absent,unknown"`
	Since       *time.Time        `json:"since" doc:"When the detection took its value."`
	Absences    int               `json:"absences" doc:"Complete snapshots in a row that it was not in."`
	Title       string            `json:"title" doc:"Plain text, as the source said it."`
	Description *string           `json:"description"`
	Remediation *string           `json:"remediation"`
	References  []string          `json:"references"`
	Severity    string            `json:"severity"`
	Action      *string           `json:"action"`
	Savings     *Money            `json:"savings" doc:"Per month, estimated by the source. Null: unknown."`
	Cost        *Money            `json:"cost" doc:"Per month. Null: unknown."`
	Basis       *string           `json:"savings_basis"`
	Provider    *string           `json:"provider"`
	BillingID   *string           `json:"billing_account_id"`
	AccountID   *string           `json:"account_id"`
	Account     *string           `json:"account_name"`
	Region      *string           `json:"region"`
	Service     *string           `json:"service"`
	Resource    Resource          `json:"resource"`
	Tags        map[string]string `json:"tags"`
	Effort      *string           `json:"effort"`
	Restart     *bool             `json:"restart_needed"`
	Rollback    *bool             `json:"rollback_possible"`
	ObservedAt  *time.Time        `json:"first_observed_at"`
	Source      Origin            `json:"source"`
	Group       string            `json:"group" doc:"The key of what its issue is about."`
	Rule        *string           `json:"rule" doc:"That put it there. Null: none makes an issue of it."`
	Ignored     *string           `json:"ignored" doc:"Why no rule makes an issue of it. Null: one does."`
	Decided     *Decided          `json:"decided" doc:"What people decided about it. Null: nothing ever."`
}

// Resource is what a finding is about.
type Resource struct {
	ID      *string  `json:"id"`
	Name    *string  `json:"name"`
	Type    *string  `json:"type"`
	Aliases []string `json:"aliases"`
}

// Origin is where a finding comes from.
type Origin struct {
	Type      string  `json:"type"`
	Scope     string  `json:"scope"`
	System    string  `json:"system"`
	Instance  *string `json:"instance"`
	FindingID *string `json:"finding_id"`
	RuleID    *string `json:"rule_id"`
	URL       *string `json:"url"`
}

// Stand is where a finding stands on its way to an issue.
type Stand struct {
	Finding     string   `json:"finding" doc:"Its key."`
	Title       string   `json:"title" doc:"Of the finding."`
	Resource    *string  `json:"resource_id"`
	Group       string   `json:"group"`
	Integration *int64   `json:"integration_id" doc:"Null: there is none."`
	Path        []string `json:"path" doc:"What it came through, in order."`
	Stage       string   `json:"stage"`
	Answer      string   `json:"answer"`
	Mend        *string  `json:"mend" doc:"Null: nothing is to be done."`
	IssueURL    *string  `json:"issue_url"`
}

// Group is the findings that share an issue.
type Group struct {
	Key      string  `json:"key"`
	Rule     *string `json:"rule"`
	Ignored  *string `json:"ignored"`
	Findings int     `json:"findings"`
	Changed  bool    `json:"changed" doc:"Something about it changed since it was last brought in line."`
}

// ByKey names one thing by its key.
type ByKey struct {
	Key string `path:"key" maxLength:"100"`
}

func addFindings(a *API) {
	add(a, operation{id: "findings", at: "GET /v1/findings", tag: "findings", summary: "Findings", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		FindingFilter
		Paging
	}) (*listed[Finding], error) {
		s, err := in.slice(ctx, in.FindingFilter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Findings.Findings(ctx, in.FindingFilter, s)
		return page(ctx, in.Paging, in.FindingFilter, items, next), err
	})
	add(a, operation{id: "finding", at: "GET /v1/findings/{key}", tag: "findings", summary: "One finding", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByKey) (*one[Finding], error) {
			out, err := t.Findings.Finding(ctx, in.Key)
			return &one[Finding]{out}, err
		})
	add(a, operation{id: "finding-why", at: "GET /v1/findings/{key}/why", tag: "findings", summary: "Why a finding has an issue, or none",
		details: "What is known from the last look at GitLab, in each integration.", needs: role.Read}, func(ctx context.Context, t *Tenant, in *ByKey) (*listed[Stand], error) {
		out, err := t.Findings.Why(ctx, in.Key)
		return whole(out), err
	})
}

func addGroups(a *API) {
	type Filter struct {
		Rule string `query:"rule" maxLength:"200"`
	}
	add(a, operation{id: "groups", at: "GET /v1/groups", tag: "findings", summary: "Groups: what issues are about", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		Filter
		Paging
	}) (*listed[Group], error) {
		s, err := in.slice(ctx, in.Filter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Findings.Groups(ctx, in.Rule, s)
		return page(ctx, in.Paging, in.Filter, items, next), err
	})
}

// Explains says why there is an issue, or none.
type Explains interface {
	// Explain is about the key of a finding or how it begins, the key of a group, or
	// the id or name of a resource. Integration 0 is all of them.
	Explain(ctx context.Context, about string, integration int64) (Explanation, error)
}

// Explanation is where what somebody asked about stands.
type Explanation struct {
	Asked  string  `json:"asked"`
	Stands []Stand `json:"stands" doc:"Of each finding that is meant, in each integration. Empty: nobody reported it."`
	Stage  *string `json:"stage" doc:"Where there is none."`
	Answer *string `json:"answer"`
	Mend   *string `json:"mend"`
}

func addWhy(a *API) {
	add(a, operation{id: "why", at: "GET /v1/why", tag: "findings", summary: "Why a finding or a resource has an issue, or none", details: "What is known from the last look at GitLab.", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			About       string `query:"about" required:"true" minLength:"1" maxLength:"500" doc:"The key of a finding or how it begins, the key of a group, or the id or name of a resource."`
			Integration int64  `query:"integration" minimum:"0" doc:"Its id; 0: every one."`
		}) (*one[Explanation], error) {
			out, err := t.Explains.Explain(ctx, in.About, in.Integration)
			return &one[Explanation]{out}, err
		})
}

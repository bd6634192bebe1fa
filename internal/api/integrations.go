package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin/role"
)

// Integrations are connections to trackers.
type Integrations interface {
	Integrations(context.Context) ([]Integration, error)
	Integration(ctx context.Context, id int64) (Integration, error)
	Test(ctx context.Context, id int64) ([]Check, error)
	Webhooks(context.Context) ([]Webhook, error)
}

// Changes make, change and end integrations.
type Changes interface {
	Connect(context.Context, ConnectToken) (Connected, error)
	Edit(ctx context.Context, id int64, e EditIntegration) (Integration, error)
	Leaving(ctx context.Context, id int64) (Leaving, error)
	Disconnect(ctx context.Context, id int64, revoke bool) (Disconnected, error)
}

// Integration is one connection.
type Integration struct {
	ID         int64      `json:"id"`
	Provider   string     `json:"provider"`
	URL        string     `json:"url"`
	Version    *string    `json:"version" doc:"Of the instance. Null: it does not say."`
	Account    Account    `json:"account"`
	Project    Project    `json:"project" doc:"Where issues are made by default."`
	OnRoute    string     `json:"on_route_change" enum:"move,close-and-link,stay" doc:"What happens to issues when the project changes."`
	Proxy      *string    `json:"proxy"`
	OwnCA      bool       `json:"own_ca" doc:"Certificates are trusted for it beside the system's."`
	CA         *string    `json:"ca" doc:"These certificates, in PEM. Null: none."`
	Given      Given      `json:"issues" doc:"What issues are given when they are made."`
	OpenIssues int        `json:"open_issues"`
	CreatedAt  *time.Time `json:"created_at"`
	VerifiedAt *time.Time `json:"verified_at" doc:"When GitLab last confirmed token and project."`
}

// Account is whom cxm acts as.
type Account struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Bot      bool   `json:"bot"`
}

// Project is where issues go.
type Project struct {
	ID   int64  `json:"id"`
	Path string `json:"path"`
	URL  string `json:"url"`
	Role *int   `json:"access_level" doc:"GitLab's number of the account's role there. Null: not known."`
}

// Given is what issues are given when they are made.
type Given struct {
	Labels       []string `json:"labels" maxItems:"50"`
	Assignee     *string  `json:"assignee" maxLength:"255" doc:"A user name. Null: nobody."`
	Confidential bool     `json:"confidential"`
}

// Check is one check of a connection, and how it ended.
type Check struct {
	Name     string  `json:"name"`
	Group    string  `json:"group"`
	Asks     string  `json:"asks"`
	Outcome  string  `json:"outcome" enum:"ok,warning,failed,not checked"`
	Evidence *string `json:"evidence"`
	Cause    *string `json:"cause"`
	Mend     *string `json:"mend"`
}

// Webhook is a webhook through which GitLab tells cxm where to look.
type Webhook struct {
	ID          int64      `json:"id"`
	Integration int64      `json:"integration_id"`
	URL         string     `json:"url" doc:"To which GitLab delivers."`
	Level       string     `json:"level" enum:"project,group"`
	TargetID    int64      `json:"target_id" doc:"GitLab's id of the project or group."`
	Target      string     `json:"target"`
	GitLabID    *int64     `json:"gitlab_id" doc:"Of the webhook. Null: GitLab has not said that there is one."`
	Signing     bool       `json:"signing" doc:"It signs what it delivers; else its secret is sent along."`
	Alert       *string    `json:"alert_status" doc:"As GitLab says. Null: not known."`
	AlertUntil  *time.Time `json:"disabled_until"`
	Trouble     *string    `json:"trouble"`
	CheckedAt   *time.Time `json:"checked_at"`
	SeenAt      *time.Time `json:"last_delivery_at"`
	Accepted    int64      `json:"accepted"`
	Repeated    int64      `json:"repeated"`
	Ignored     int64      `json:"ignored"`
	Refused     int64      `json:"refused"`
}

// ConnectToken connects a GitLab with a personal access token.
type ConnectToken struct {
	URL     string  `json:"url" minLength:"1" maxLength:"2000" doc:"GitLab Instance URL: gitlab.com, or a self-hosted host, with or without scheme."`
	Token   string  `json:"token" minLength:"1" maxLength:"2000" writeOnly:"true" doc:"Personal Access Token. It is sealed, and never shown."`
	Project string  `json:"project" minLength:"1" maxLength:"2000" doc:"Path with namespace, number or address."`
	CA      *string `json:"ca,omitempty" maxLength:"200000" doc:"Certificates in PEM to trust beside the system's."`
	Proxy   *string `json:"proxy,omitempty" maxLength:"2000" doc:"URL of a proxy, or none."`
	Given   *Given  `json:"issues,omitempty"`
}

// Secret is the token as it was given.
func (c ConnectToken) Secret() credential.Secret { return credential.NewSecret(c.Token) }

// Connected is a connection that was made.
type Connected struct {
	Integration Integration `json:"integration"`
	Credential  Credential  `json:"credential"`
	Private     *string     `json:"private_host" doc:"That is no address of the internet, and that CXM_ALLOW_PRIVATE has to name. Null: no need."`
	Warnings    []string    `json:"warnings" doc:"What works, but not well."`
}

// EditIntegration changes an integration; what is left out stays.
type EditIntegration struct {
	URL     *string `json:"url,omitempty" minLength:"1" maxLength:"2000" doc:"The same instance at a new address."`
	Project *string `json:"project,omitempty" minLength:"1" maxLength:"2000"`
	OnRoute *string `json:"on_route_change,omitempty" enum:"move,close-and-link,stay"`
	CA      *string `json:"ca,omitempty" maxLength:"200000" doc:"Empty: none beside the system's."`
	Proxy   *string `json:"proxy,omitempty" maxLength:"2000" doc:"Empty: the environment's."`
	Given   *Given  `json:"issues,omitempty"`
}

// Leaving is what disconnecting an integration would do.
type Leaving struct {
	OpenIssues int     `json:"open_issues" doc:"That stay open, and that nobody looks after any more."`
	Runs       int     `json:"runs" doc:"That end."`
	Webhooks   int     `json:"webhooks" doc:"That are deleted in GitLab."`
	Sharing    []int64 `json:"sharing" doc:"Integrations that use the same token."`
}

// Disconnected is what disconnecting did.
type Disconnected struct {
	Revoked bool     `json:"revoked" doc:"GitLab revoked the token."`
	Runs    int64    `json:"runs" doc:"That ended."`
	Steps   int64    `json:"steps" doc:"That are not taken any more."`
	Remarks []string `json:"remarks"`
}

func addIntegrations(a *API) {
	add(a, operation{id: "integrations", at: "GET /v1/integrations", tag: "integrations", summary: "Integrations, the oldest first", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Integration], error) {
			out, err := t.Integrations.Integrations(ctx)
			return whole(out), err
		})
	add(a, operation{id: "integration", at: "GET /v1/integrations/{id}", tag: "integrations", summary: "One integration", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Integration], error) {
			out, err := t.Integrations.Integration(ctx, in.ID)
			return &one[Integration]{out}, err
		})
	add(a, operation{id: "test-integration", at: "POST /v1/integrations/{id}/test", tag: "integrations", summary: "Test a connection", needs: role.Plan,
		details: "Every check of `cxm doctor`, with its cause and its mend. Nothing is changed."},
		func(ctx context.Context, t *Tenant, in *ByID) (*listed[Check], error) {
			out, err := t.Integrations.Test(ctx, in.ID)
			return whole(out), err
		})
	add(a, operation{id: "webhooks", at: "GET /v1/webhooks", tag: "integrations", summary: "GitLab's webhooks to cxm", details: "As they were last checked.", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Webhook], error) {
			out, err := t.Integrations.Webhooks(ctx)
			return whole(out), err
		})
}

type made[T any] struct {
	Location string `header:"Location"`
	Body     T
}

func addChanges(a *API) {
	add(a, operation{id: "connect", at: "POST /v1/integrations", tag: "integrations", summary: "Connect a GitLab with a token", needs: role.IntegrationsWrite, status: http.StatusCreated,
		details: "Token and project are verified before anything is kept. What is connected already, or was once, gets the new token."},
		func(ctx context.Context, t *Tenant, in *struct{ Body ConnectToken }) (*made[Connected], error) {
			out, err := t.Changes.Connect(ctx, in.Body)
			return &made[Connected]{"/v1/integrations/" + strconv.FormatInt(out.Integration.ID, 10), out}, err
		})
	add(a, operation{id: "edit-integration", at: "PATCH /v1/integrations/{id}", tag: "integrations", summary: "Change an integration", needs: role.IntegrationsWrite,
		details: "Each change is verified with GitLab before it is kept."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Matching
			Body EditIntegration
		}) (*one[Integration], error) {
			now, err := t.Integrations.Integration(ctx, in.ID)
			if err == nil {
				err = unchanged(in.IfMatch, now)
			}
			if err != nil {
				return nil, err
			}
			out, err := t.Changes.Edit(ctx, in.ID, in.Body)
			return &one[Integration]{out}, err
		})
	add(a, operation{id: "leaving", at: "GET /v1/integrations/{id}/leaving", tag: "integrations", summary: "What disconnecting would do", details: "It asks nothing of GitLab.", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Leaving], error) {
			out, err := t.Changes.Leaving(ctx, in.ID)
			return &one[Leaving]{out}, err
		})
	add(a, operation{id: "disconnect", at: "DELETE /v1/integrations/{id}", tag: "integrations", summary: "Disconnect an integration", needs: role.IntegrationsWrite,
		details: "Its token is forgotten; issues stay as they are, and the journal is kept."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Revoke bool `query:"revoke" doc:"GitLab is asked to revoke the token first; if that fails, nothing is done."`
		}) (*one[Disconnected], error) {
			out, err := t.Changes.Disconnect(ctx, in.ID, in.Revoke)
			return &one[Disconnected]{out}, err
		})
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/credential"
	"cxm/internal/signin/role"
)

// Sources are those that deliver over HTTP.
type Sources interface {
	Sources(context.Context) ([]Source, error)
	Add(context.Context, AddSource) (Source, credential.Secret, error)
	Rotate(ctx context.Context, name string, overlap time.Duration) (Source, credential.Secret, error)
	Enable(ctx context.Context, name string, enabled bool) error
	Remove(ctx context.Context, name string) error
}

// Deliveries are what came in.
type Deliveries interface {
	Scopes(context.Context) ([]Scope, error)
	Pulls(ctx context.Context, source, scope string, s Slice) ([]Pull, Cursor, error)
	Refused(ctx context.Context, most int) ([]RefusedDelivery, error)
	Discard(ctx context.Context, id int64) error
}

// Source is a place that may deliver.
type Source struct {
	Name      string     `json:"name"`
	Type      string     `json:"type" doc:"The format."`
	Scope     string     `json:"scope"`
	Path      string     `json:"path" doc:"Where it delivers, behind the address of cxm."`
	Currency  *string    `json:"currency" doc:"Of amounts that name none. Null: USD."`
	Instance  *string    `json:"instance" doc:"What names the tool. Null: what it says of itself."`
	Enabled   bool       `json:"enabled"`
	Rate      *int64     `json:"rate" doc:"Events or webhooks a second. Null: what cxm allows."`
	TokenAt   *time.Time `json:"token_at" doc:"When its token was made."`
	Former    *time.Time `json:"former_token_until" doc:"So long the token before works too. Null: there is none."`
	CreatedAt *time.Time `json:"created_at"`
	UsedAt    *time.Time `json:"used_at" doc:"Null: it has not delivered yet."`
	Accepted  int64      `json:"accepted"`
	Events    int64      `json:"events"`
	Repeated  int64      `json:"repeated"`
	Refused   int64      `json:"refused"`
}

// AddSource makes a source.
type AddSource struct {
	Name     string `json:"name" minLength:"1" maxLength:"100" doc:"The last part of its address."`
	Type     string `json:"type" minLength:"1" maxLength:"100" doc:"The format."`
	Scope    string `json:"scope,omitempty" maxLength:"200" doc:"That it delivers into. Empty: its name."`
	Currency string `json:"currency,omitempty" maxLength:"3" doc:"Of amounts that name none."`
	Instance string `json:"instance,omitempty" maxLength:"500" doc:"What names the tool, where what it delivers does not."`
	All      bool   `json:"include_all,omitempty" doc:"aws-cost-optimization-hub: what it delivers was listed with --include-all-recommendations."`
	Rate     int    `json:"rate,omitempty" minimum:"0" maximum:"100000" doc:"Events or webhooks a second. 0: what cxm allows."`
}

// MadeSource is a source with its token.
type MadeSource struct {
	Source Source  `json:"source"`
	Value  *string `json:"value" doc:"Its token, which is shown this once. Null: it was shown before."`
	Before bool    `json:"shown_before"`
}

// EnableSource lets a source deliver, or not.
type EnableSource struct {
	Enabled bool `json:"enabled"`
}

// RotateSource gives a source another token.
type RotateSource struct {
	Overlap int `json:"overlap_minutes,omitempty" minimum:"0" maximum:"10080" doc:"So long the one before works beside it."`
}

// Scope is a part of the world that a source covers, and how it fares.
type Scope struct {
	Source  string      `json:"source" doc:"The type of the source."`
	Scope   string      `json:"scope"`
	Health  string      `json:"health" doc:"ok, refused, incomplete or silent."`
	Why     *string     `json:"why"`
	Pulls   []ScopePull `json:"pulls" doc:"The last ones, the latest first."`
	Refused *time.Time  `json:"refused_at" doc:"When a delivery could not be taken in, after the last one that could."`
}

// ScopePull is a pull in brief.
type ScopePull struct {
	At       *time.Time `json:"at"`
	Complete bool       `json:"complete"`
	Reasons  []string   `json:"reasons" doc:"Why it was not complete."`
}

// Pull is one delivery of findings that was taken in.
type Pull struct {
	ID         int64      `json:"id"`
	Source     string     `json:"source"`
	Scope      string     `json:"scope"`
	ReceivedAt *time.Time `json:"received_at"`
	Complete   bool       `json:"complete"`
	Reasons    []string   `json:"reasons"`
	Files      []string   `json:"files"`
	New        int        `json:"new"`
	Changed    int        `json:"changed"`
	Unchanged  int        `json:"unchanged"`
	Absent     int        `json:"absent"`
	Missing    int        `json:"missing"`
	Skipped    int        `json:"skipped"`
}

// RefusedDelivery is a delivery that could not be taken in.
type RefusedDelivery struct {
	ID         int64      `json:"id"`
	Source     string     `json:"source"`
	Scope      string     `json:"scope"`
	ReceivedAt *time.Time `json:"received_at"`
	Why        string     `json:"why"`
}

// ByName names one source.
type ByName struct {
	Name string `path:"name" maxLength:"100"`
}

// source is the one of a name.
func source(ctx context.Context, t *Tenant, name string) (Source, error) {
	all, err := t.Sources.Sources(ctx)
	if err != nil {
		return Source{}, err
	}
	i := slices.IndexFunc(all, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, &door.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no source %.80q: GET /v1/sources lists them", name)}
	}
	return all[i], nil
}

func shown(s Source, value credential.Secret) MadeSource {
	text := value.Reveal()
	return MadeSource{Source: s, Value: &text}
}

func addSources(a *API) {
	add(a, operation{id: "sources", at: "GET /v1/sources", tag: "sources", summary: "Sources that deliver over HTTP, by name", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Source], error) {
			out, err := t.Sources.Sources(ctx)
			return whole(out), err
		})
	add(a, operation{id: "source", at: "GET /v1/sources/{name}", tag: "sources", summary: "One source", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByName) (*one[Source], error) {
			out, err := source(ctx, t, in.Name)
			return &one[Source]{out}, err
		})
	add(a, operation{id: "add-source", at: "POST /v1/sources", tag: "sources", summary: "Add a source", needs: role.SourcesWrite, status: http.StatusCreated, once: true,
		details: "The answer shows its token, once."},
		func(ctx context.Context, t *Tenant, in *struct{ Body AddSource }) (*made[MadeSource], error) {
			s, value, err := t.Sources.Add(ctx, in.Body)
			return &made[MadeSource]{"/v1/sources/" + s.Name, shown(s, value)}, err
		})
	add(a, operation{id: "edit-source", at: "PATCH /v1/sources/{name}", tag: "sources", summary: "Let a source deliver, or not", needs: role.SourcesWrite},
		func(ctx context.Context, t *Tenant, in *struct {
			ByName
			Matching
			Body EnableSource
		}) (*one[Source], error) {
			now, err := source(ctx, t, in.Name)
			if err == nil {
				err = unchanged(in.IfMatch, now)
			}
			if err == nil {
				err = t.Sources.Enable(ctx, in.Name, in.Body.Enabled)
			}
			if err != nil {
				return nil, err
			}
			now, err = source(ctx, t, in.Name)
			return &one[Source]{now}, err
		})
	add(a, operation{id: "rotate-source", at: "POST /v1/sources/{name}/rotate", tag: "sources", summary: "Give a source another token", needs: role.SourcesWrite, once: true,
		details: "The answer shows it, once."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByName
			Body RotateSource
		}) (*one[MadeSource], error) {
			s, value, err := t.Sources.Rotate(ctx, in.Name, time.Duration(in.Body.Overlap)*time.Minute)
			return &one[MadeSource]{shown(s, value)}, err
		})
	add(a, operation{id: "remove-source", at: "DELETE /v1/sources/{name}", tag: "sources", summary: "Forget a source", needs: role.SourcesWrite, status: http.StatusNoContent,
		details: "What it delivered stays."},
		func(ctx context.Context, t *Tenant, in *ByName) (*struct{}, error) {
			return nil, t.Sources.Remove(ctx, in.Name)
		})
}

func addDeliveries(a *API) {
	add(a, operation{id: "scopes", at: "GET /v1/scopes", tag: "sources", summary: "What sources cover, and how they fare", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Scope], error) {
			out, err := t.Deliveries.Scopes(ctx)
			return whole(out), err
		})
	type Filter struct {
		Source string `query:"source" maxLength:"200" doc:"The type."`
		Scope  string `query:"scope" maxLength:"500"`
	}
	add(a, operation{id: "pulls", at: "GET /v1/pulls", tag: "sources", summary: "What was taken in, the latest first", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		Filter
		Paging
	}) (*listed[Pull], error) {
		s, err := in.slice(ctx, in.Filter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Deliveries.Pulls(ctx, in.Source, in.Scope, s)
		return page(ctx, in.Paging, in.Filter, items, next), err
	})
	add(a, operation{id: "refused-deliveries", at: "GET /v1/deliveries/refused", tag: "sources", summary: "Deliveries that could not be taken in, the latest first", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
		}) (*listed[RefusedDelivery], error) {
			out, err := t.Deliveries.Refused(ctx, in.Limit)
			return whole(out), err
		})
	add(a, operation{id: "discard-delivery", at: "DELETE /v1/deliveries/refused/{id}", tag: "sources", summary: "Forget a delivery that could not be taken in", needs: role.SourcesWrite, status: http.StatusNoContent},
		func(ctx context.Context, t *Tenant, in *ByID) (*struct{}, error) {
			return nil, t.Deliveries.Discard(ctx, in.ID)
		})
}

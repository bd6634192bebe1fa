package api

import (
	"context"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

// Suggestions are changes of the rules that people's corrections speak for.
type Suggestions interface {
	Suggestions(ctx context.Context, all bool) ([]Suggestion, error)
	Accept(ctx context.Context, number int64, by, note string) (Revision, error)
	Dismiss(ctx context.Context, number int64, by, reason string) (Suggestion, error)
}

// Suggestion is one of them.
type Suggestion struct {
	Number      int64      `json:"number"`
	Integration int64      `json:"integration_id"`
	Says        string     `json:"says"`
	Why         string     `json:"why"`
	Seen        int        `json:"seen" doc:"How many issues people corrected so."`
	Confidence  int        `json:"confidence" doc:"Of 100."`
	Issues      []string   `json:"issues" doc:"Addresses of some of them."`
	Adds        *string    `json:"adds" doc:"What accepting adds to the rules, as YAML."`
	Trouble     *string    `json:"trouble" doc:"Why it cannot be accepted. Null: it can."`
	Tag         *string    `json:"tag" doc:"What its findings have in common: a tag,"`
	Value       *string    `json:"value" doc:"with this value,"`
	Account     *string    `json:"account" doc:"or an account."`
	Owner       *string    `json:"owner" doc:"Whose they are. Null: the project is meant."`
	Project     *int64     `json:"project_id" doc:"Where they go. Null: the owner is meant."`
	Path        *string    `json:"path" doc:"Of that project. Null: it is not known."`
	Text        *string    `json:"text" doc:"The rules that accepting makes. Null: it cannot be accepted."`
	Dismissed   bool       `json:"dismissed"`
	Reason      *string    `json:"reason"`
	Author      *string    `json:"author"`
	At          *time.Time `json:"at" doc:"When it was dismissed."`
}

func addSuggestions(a *API) {
	add(a, operation{id: "suggestions", at: "GET /v1/suggestions", tag: "rules", summary: "Changes of the rules that people's corrections speak for", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			All bool `query:"all" doc:"Dismissed ones too."`
		}) (*listed[Suggestion], error) {
			out, err := t.Suggestions.Suggestions(ctx, in.All)
			return whole(out), err
		})
	type answer struct {
		ByNumber
		Body Note
	}
	add(a, operation{id: "accept-suggestion", at: "POST /v1/suggestions/{number}/accept", tag: "rules", summary: "Put a suggestion into the rules", needs: role.RulesWrite},
		func(ctx context.Context, t *Tenant, in *answer) (*tagged[Revision], error) {
			out, err := t.Suggestions.Accept(ctx, in.Number, door.From(ctx).Who.Label(), in.Body.Note)
			return ruled(out), err
		})
	add(a, operation{id: "dismiss-suggestion", at: "POST /v1/suggestions/{number}/dismiss", tag: "rules", summary: "Say that a suggestion is not wanted", needs: role.RulesWrite},
		func(ctx context.Context, t *Tenant, in *answer) (*one[Suggestion], error) {
			out, err := t.Suggestions.Dismiss(ctx, in.Number, door.From(ctx).Who.Label(), in.Body.Note)
			return &one[Suggestion]{out}, err
		})
}

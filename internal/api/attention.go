package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Attention is what waits under budgets, and campaigns.
type Attention interface {
	Backlog(ctx context.Context, integration int64) ([]Backlog, error)
	Campaigns(context.Context) ([]Campaign, error)
}

// Backlog is what waits for its turn in one project for one team.
type Backlog struct {
	Project int64         `json:"project_id"`
	Team    *string       `json:"team" doc:"Null: no team's."`
	Savings []Money       `json:"savings" doc:"Per month, of all of it."`
	Unknown int           `json:"unknown_savings" doc:"Of how many no saving is known."`
	Oldest  *time.Time    `json:"oldest"`
	Next    *time.Time    `json:"next_at" doc:"When the next can go at the earliest."`
	Reasons []WaitReason  `json:"reasons"`
	Lines   []BacklogLine `json:"lines" doc:"Whose turn comes first, first; the first 500."`
	More    int           `json:"more" doc:"How many lines are not shown."`
}

// WaitReason is why so many wait.
type WaitReason struct {
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// BacklogLine is one issue that waits.
type BacklogLine struct {
	Group   string     `json:"group"`
	Title   string     `json:"title"`
	Savings *Money     `json:"savings"`
	Since   *time.Time `json:"since"`
	Why     string     `json:"why"`
	Next    *time.Time `json:"next_at"`
}

// Campaign is how far a campaign of the rules has come.
type Campaign struct {
	Name        string   `json:"name"`
	From        string   `json:"from" format:"date"`
	To          string   `json:"to" format:"date"`
	Rules       []string `json:"rules"`
	State       string   `json:"state"`
	Done        int      `json:"done"`
	Left        int      `json:"left"`
	DoneSavings []Money  `json:"done_savings"`
	LeftSavings []Money  `json:"left_savings"`
	Percent     int      `json:"percent" doc:"Of the goal."`
	Reached     bool     `json:"reached"`
	OnTrack     bool     `json:"on_track"`
	Words       string   `json:"words"`
}

func addAttention(a *API) {
	add(a, operation{id: "backlog", at: "GET /v1/backlog", tag: "attention", summary: "What waits for its turn under budgets", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			Integration int64 `query:"integration" minimum:"0" doc:"0: the only one there is."`
		}) (*listed[Backlog], error) {
			out, err := t.Attention.Backlog(ctx, in.Integration)
			return whole(out), err
		})
	add(a, operation{id: "campaigns", at: "GET /v1/campaigns", tag: "attention", summary: "How far the campaigns of the rules have come", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Campaign], error) {
			out, err := t.Attention.Campaigns(ctx)
			return whole(out), err
		})
}

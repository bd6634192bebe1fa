package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Status says how cxm is.
type Status interface {
	Status(context.Context) (Summary, error)
}

// Summary is what there is, in numbers.
type Summary struct {
	Issues         IssueCounts   `json:"issues"`
	Findings       FindingCounts `json:"findings"`
	Savings        []Money       `json:"savings" doc:"Per month, of what is present; a resource counts once. One sum for each currency."`
	UnknownSavings int           `json:"unknown_savings" doc:"Groups of which no saving is known."`
	Deliveries     int           `json:"deliveries_waiting" doc:"Accepted, and not taken in yet."`
	Refused        int           `json:"deliveries_refused" doc:"That could not be taken in, and wait for a person."`
	Waiting        []Run         `json:"runs_waiting" doc:"That the brakes hold until somebody approves them."`
	LastRun        *int64        `json:"last_run_id" doc:"Null: there was none."`
	Pulls          []Pull        `json:"last_pulls" doc:"The last of each scope."`
	Reviews        []DueReview   `json:"reviews_due" doc:"Of what accounts reach."`
	Broken         []string      `json:"broken" doc:"What only fails, and is left alone for a while."`
	Troubles       []string      `json:"troubles" doc:"What needs somebody, in words."`
}

// DueReview is a review of access that is due.
type DueReview struct {
	Integration int64      `json:"integration_id"`
	Since       *time.Time `json:"since"`
}

// IssueCounts are numbers of issues.
type IssueCounts struct {
	Open    int `json:"open"`
	Closed  int `json:"closed"`
	InDoubt int `json:"in_doubt" doc:"Whose making was sent, and the answer lost."`
	Unseen  int `json:"unseen" doc:"That GitLab does not show any more."`
}

// FindingCounts are numbers of findings.
type FindingCounts struct {
	Cost   int `json:"cost"`
	System int `json:"system"`
	Custom int `json:"custom"`
	Absent int `json:"absent" doc:"Proved gone, and still remembered."`
}

func addStatus(a *API) {
	add(a, operation{id: "status", at: "GET /v1/status", tag: "status", summary: "How cxm is, in numbers", details: "It asks nothing of GitLab.", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*one[Summary], error) {
			out, err := t.Status.Status(ctx)
			return &one[Summary]{out}, err
		})
}

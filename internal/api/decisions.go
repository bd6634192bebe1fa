package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Deciding is what people decide about findings, which is not what they decide about
// issues (Issues.Decisions).
type Deciding interface {
	// Decide records what the one who asks decides.
	Decide(ctx context.Context, key string, d NewFindingDecision) (FindingDecision, error)
	// Of lists what was decided about a finding, the latest first.
	Of(ctx context.Context, key string, s Slice) ([]FindingDecision, Cursor, error)
	// Standing lists what stands; of an empty decision: all.
	Standing(ctx context.Context, f StandingFilter, s Slice) ([]StandingDecision, Cursor, error)
}

// Decided is what stands of what people decided about a finding.
type Decided struct {
	_        struct{}   `nullable:"true"`
	Decision string     `json:"decision" enum:"undecided,accepted,snoozed,exception"`
	InEffect bool       `json:"in_effect" doc:"False: its time has passed, and the finding is as if nothing had been decided."`
	Reason   *string    `json:"reason" doc:"Plain text, as people wrote it."`
	By       string     `json:"by"`
	At       *time.Time `json:"at"`
	Until    *time.Time `json:"until" doc:"It holds before that. Null: it has no end."`
	Review   bool       `json:"review_due" doc:"It is an exception without an end, and so old that somebody should look whether it still holds; to decide the same again says that it does."`
}

// FindingDecision is one decision about a finding.
type FindingDecision struct {
	ID       int64  `json:"id" doc:"0: there was nothing to take back."`
	Finding  string `json:"finding" doc:"The key."`
	Standing bool   `json:"standing" doc:"It was the last about its finding."`
	Decided
}

// StandingDecision is one that stands, with what it is about.
type StandingDecision struct {
	FindingDecision
	Title     string `json:"title" doc:"Plain text, as the source said it."`
	Savings   *Money `json:"savings" doc:"Per month, estimated by the source. Null: unknown."`
	Detection string `json:"detection" enum:"present,absent,unknown"`
}

// StandingFilter says which decisions; what is empty lets everything through.
type StandingFilter struct {
	Decision string `query:"decision" enum:"accepted,snoozed,exception"`
	Review   bool   `query:"review_due" doc:"Only exceptions without an end that somebody should look at again. A page may hold fewer than limit then, and still have a next one."`
}

// NewFindingDecision is what somebody decides.
type NewFindingDecision struct {
	_        struct{} `additionalProperties:"false"`
	Decision string   `json:"decision" enum:"undecided,accepted,snoozed,exception" doc:"undecided takes back what was decided. snoozed: no issue is made until a day. exception: none is made, for a reason."`
	Reason   string   `json:"reason,omitempty" maxLength:"2000" doc:"Plain text, in one line of at most 500 characters. An exception needs one. Whoever sees the issue can read it."`
	Until    string   `json:"until,omitempty" maxLength:"40" doc:"A day, which means its beginning in UTC, or a moment. A snooze needs one; an exception without one is to be reviewed." example:"2026-06-01"`
}

func addDecisions(a *API) {
	add(a, operation{id: "decide-finding", at: "POST /v1/findings/{key}/decision", tag: "findings", summary: "Decide about a finding", needs: role.Decide,
		details: "Nothing is sent to GitLab: the next plan acts on it. What is snoozed or excepted gets no issue; an open issue says so and stays open."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByKey
			Body NewFindingDecision
		}) (*one[FindingDecision], error) {
			out, err := t.Deciding.Decide(ctx, in.Key, in.Body)
			return &one[FindingDecision]{out}, err
		})
	add(a, operation{id: "finding-decisions", at: "GET /v1/findings/{key}/decisions", tag: "findings", summary: "What was decided about a finding, the latest first", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			ByKey
			Paging
		}) (*listed[FindingDecision], error) {
			s, err := in.slice(ctx, in.Key)
			if err != nil {
				return nil, err
			}
			items, next, err := t.Deciding.Of(ctx, in.Key, s)
			return page(ctx, in.Paging, in.Key, items, next), err
		})
	add(a, operation{id: "standing-decisions", at: "GET /v1/findings/decisions", tag: "findings", summary: "What people decided about findings, as it stands, the latest first", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			StandingFilter
			Paging
		}) (*listed[StandingDecision], error) {
			s, err := in.slice(ctx, in.StandingFilter)
			if err != nil {
				return nil, err
			}
			items, next, err := t.Deciding.Standing(ctx, in.StandingFilter, s)
			return page(ctx, in.Paging, in.StandingFilter, items, next), err
		})
}

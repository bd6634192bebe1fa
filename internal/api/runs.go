package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

// Journal is what cxm did.
type Journal interface {
	Runs(context.Context, RunFilter, Slice) ([]Run, Cursor, error)
	Run(ctx context.Context, id int64) (Run, error)
	Entries(context.Context, EntryFilter, Slice) ([]Entry, Cursor, error)
}

// Runs has cxm plan and act. Nothing that began stops because its caller goes away.
type Runs interface {
	Plan(ctx context.Context, integration int64) (Plan, error)
	// Start carries out the plan with the digest, if that is still the plan. Without a
	// digest it plans, and leaves the steps to the queue.
	Start(ctx context.Context, integration int64, digest string) (Started, error)
	Approve(ctx context.Context, run int64, by string) (Run, error)
	PlanUndo(ctx context.Context, run int64) (UndoPlan, error)
	Undo(ctx context.Context, run int64, digest string) (Started, error)
}

// Rejections says no to what waits.
type Rejections interface {
	// Reject ends a run that waits: nothing of it is done.
	Reject(ctx context.Context, run int64, by, why string) (Run, error)
}

// RunFilter says which runs; what is zero lets everything through.
type RunFilter struct {
	Integration int64  `query:"integration" minimum:"0" doc:"Its id; 0: every one."`
	State       string `query:"state" enum:"running,waiting,finished,superseded"`
}

// Run is one pass of the loop, and what became of it.
type Run struct {
	ID          int64      `json:"id"`
	Integration *int64     `json:"integration_id" doc:"Null: it is of an early version of cxm, which did not keep it."`
	State       string     `json:"state" enum:"running,waiting,finished,superseded"`
	Why         *string    `json:"why" doc:"Why it waits, or waited, for a person. Null: no brake held it."`
	Queued      bool       `json:"queued" doc:"Its steps are taken one by one by the queue."`
	Undoes      *int64     `json:"undoes" doc:"The run that it takes back."`
	ApprovedBy  *string    `json:"approved_by"`
	ApprovedAt  *time.Time `json:"approved_at"`
	RejectedBy  *string    `json:"rejected_by" doc:"Who said no to it while it waited. With the state superseded nothing of it was done; it can be approved after all until something else has waited."`
	Rejection   *string    `json:"rejection" doc:"Why they did, in their words: plain text."`
	StartedAt   *time.Time `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	Steps       int        `json:"steps"`
	Done        int        `json:"done"`
	Failed      int        `json:"failed"`
	InDoubt     int        `json:"in_doubt"`
	Skipped     int        `json:"skipped"`
}

// EntryFilter says which entries of the journal; what is zero lets everything through.
type EntryFilter struct {
	Group   string `query:"group" maxLength:"100" doc:"Goes before the others."`
	Run     int64  `query:"run" minimum:"0"`
	Outcome string `query:"outcome" enum:"planned,intended,done,failed,in doubt,skipped,adopted,dropped"`
}

// Entry is one line of the journal: a step, why, and what became of it.
type Entry struct {
	ID      int64      `json:"id"`
	Run     int64      `json:"run_id"`
	Seq     int        `json:"seq" doc:"In the plan's order."`
	Verb    string     `json:"verb" enum:"create,update,close,reopen,move,nothing"`
	Reason  string     `json:"reason"`
	Group   string     `json:"group"`
	Issue   *int64     `json:"issue_id" doc:"cxm's own."`
	Outcome string     `json:"outcome"`
	Trouble *string    `json:"trouble"`
	Calls   int        `json:"calls" doc:"Requests to GitLab that it took."`
	WroteAt *time.Time `json:"wrote_at"`
	EndedAt *time.Time `json:"ended_at"`
	Summary string     `json:"summary" doc:"What was sent, short."`
	Title   string     `json:"title"`
	URL     *string    `json:"url"`
}

func addJournal(a *API) {
	add(a, operation{id: "journal", at: "GET /v1/journal", tag: "runs", summary: "The journal, the latest entry first", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		EntryFilter
		Paging
	}) (*listed[Entry], error) {
		s, err := in.slice(ctx, in.EntryFilter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Journal.Entries(ctx, in.EntryFilter, s)
		return page(ctx, in.Paging, in.EntryFilter, items, next), err
	})
	add(a, operation{id: "run-entries", at: "GET /v1/runs/{id}/entries", tag: "runs", summary: "What a run did, the latest entry first", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		ByID
		Paging
	}) (*listed[Entry], error) {
		f := EntryFilter{Run: in.ID}
		s, err := in.slice(ctx, f)
		if err == nil {
			_, err = t.Journal.Run(ctx, in.ID)
		}
		if err != nil {
			return nil, err
		}
		items, next, err := t.Journal.Entries(ctx, f, s)
		return page(ctx, in.Paging, f, items, next), err
	})
}

// begun is the answer to what makes a run.
type begun[T any] struct {
	Location string `header:"Location" doc:"Of the run."`
	Body     T
}

func at(run *int64) string {
	if run == nil {
		return ""
	}
	return fmt.Sprintf("/v1/runs/%d", *run)
}

func addRuns(a *API) {
	add(a, operation{id: "runs", at: "GET /v1/runs", tag: "runs", summary: "Runs, the latest first", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		RunFilter
		Paging
	}) (*listed[Run], error) {
		s, err := in.slice(ctx, in.RunFilter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Journal.Runs(ctx, in.RunFilter, s)
		return page(ctx, in.Paging, in.RunFilter, items, next), err
	})
	add(a, operation{id: "run", at: "GET /v1/runs/{id}", tag: "runs", summary: "One run", needs: role.Read}, func(ctx context.Context, t *Tenant, in *ByID) (*one[Run], error) {
		out, err := t.Journal.Run(ctx, in.ID)
		return &one[Run]{out}, err
	})
	add(a, operation{id: "start-run", at: "POST /v1/runs", tag: "runs", needs: role.Apply, status: http.StatusAccepted, summary: "Have a plan carried out",
		details: "With the digest of a plan, that plan is carried out, and the answer comes when it is; if GitLab or the findings say something else by now, nothing is done (409). Without a digest cxm plans anew and leaves the steps to the queue of `cxm serve`. What the brakes hold becomes a run that waits for approval."},
		func(ctx context.Context, t *Tenant, in *struct{ Body StartRun }) (*begun[Started], error) {
			out, err := t.Runs.Start(ctx, in.Body.Integration, in.Body.Plan)
			return &begun[Started]{at(out.Run), out}, err
		})
	add(a, operation{id: "approve-run", at: "POST /v1/runs/{id}/approve", tag: "runs", needs: role.Approve, summary: "Let a run go that the brakes hold",
		details: "The steps that are still to be done are carried out, and the answer comes when they are."},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Run], error) {
			out, err := t.Runs.Approve(ctx, in.ID, door.From(ctx).Who.Label())
			return &one[Run]{out}, err
		})
	add(a, operation{id: "reject-run", at: "POST /v1/runs/{id}/reject", tag: "runs", needs: role.Approve, summary: "Say no to a run that the brakes hold",
		details: "Nothing of it is done, and the same steps for the same issues do not wait again until something about them changes. Until something else has waited it can be approved after all."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body RejectRun
		}) (*one[Run], error) {
			out, err := t.Rejections.Reject(ctx, in.ID, door.From(ctx).Who.Label(), in.Body.Reason)
			return &one[Run]{out}, err
		})
	add(a, operation{id: "plan-undo", at: "GET /v1/runs/{id}/undo", tag: "runs", needs: role.Plan, summary: "What taking a run back would do",
		details: "It looks at GitLab, and writes nothing. What people changed since is left as it is."},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[UndoPlan], error) {
			out, err := t.Runs.PlanUndo(ctx, in.ID)
			return &one[UndoPlan]{out}, err
		})
	add(a, operation{id: "undo-run", at: "POST /v1/runs/{id}/undo", tag: "runs", needs: role.Undo, summary: "Take back what a run did",
		details: "With the digest of what its GET showed; if it would do something else by now, nothing is done (409)."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body UndoRun
		}) (*begun[Started], error) {
			out, err := t.Runs.Undo(ctx, in.ID, in.Body.Plan)
			return &begun[Started]{at(out.Run), out}, err
		})
}

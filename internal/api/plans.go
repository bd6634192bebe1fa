package api

import (
	"context"

	"cxm/internal/signin/role"
)

// Plan is what the next run would do.
type Plan struct {
	Integration int64          `json:"integration_id"`
	Digest      string         `json:"digest" doc:"Names the steps: POST /v1/runs with it carries out this plan and no other."`
	Counts      map[string]int `json:"counts" doc:"Steps by verb."`
	Savings     []Money        `json:"savings" doc:"Per month, of the issues that would be made."`
	Steps       []Step         `json:"steps" doc:"In the order in which they would be taken, the first 1000."`
	More        int            `json:"more" doc:"How many steps are not shown."`
	Unchanged   int            `json:"unchanged" doc:"Groups about which nothing changed."`
	Capped      int            `json:"capped" doc:"Steps that wait for their turn under a budget."`
	Below       int            `json:"below" doc:"Issues that are worth less than the rules ask for."`
	Idle        []Step         `json:"idle" doc:"Groups of which nothing is to be done now, each with the reason; the first 1000."`
	MoreIdle    int            `json:"more_idle" doc:"How many of them are not shown."`
	Held        Held           `json:"held"`
}

// Held is what waits for a person.
type Held struct {
	Why   []string `json:"why"`
	Steps int      `json:"steps"`
	Items []Step   `json:"items" doc:"These steps, the first 1000."`
	Run   *int64   `json:"run_id" doc:"The run in which it waits already: approve that one, or reject it."`
	No    *int64   `json:"rejected_run_id" doc:"The run in which somebody said no to exactly this: it does not wait again, and can be approved there after all."`
}

// Step is one change to GitLab, with its reason.
type Step struct {
	Verb    string  `json:"verb" enum:"create,update,close,reopen,move,nothing"`
	Reason  string  `json:"reason"`
	Group   string  `json:"group"`
	Kind    string  `json:"kind"`
	Title   string  `json:"title"`
	Savings *Money  `json:"savings"`
	Project int64   `json:"project_id" doc:"GitLab's id of the project that it writes to."`
	To      *int64  `json:"to_project_id" doc:"Where a move goes."`
	Issue   *int64  `json:"issue_id" doc:"cxm's own. Null: it is made."`
	IID     *int64  `json:"iid" doc:"GitLab's number of the issue in its project. Null: it is made."`
	URL     *string `json:"url"`
	Sends   string  `json:"sends" doc:"What it sends, short."`
	Team    *string `json:"team"`
	Rule    *string `json:"rule"`
}

// Started is what became of a run that was asked for.
type Started struct {
	Run     *int64   `json:"run_id" doc:"Null: nothing was to be done."`
	Waits   *int64   `json:"waits_run_id" doc:"The run that holds what a person has to approve. Null: nothing waits."`
	Busy    bool     `json:"busy" doc:"Nothing was begun, since an earlier run is under way."`
	Remarks []string `json:"remarks" doc:"What did not go well, in words."`
	Report  *Report  `json:"report" doc:"What became of the steps. Null: the queue takes them, or nothing was begun."`
}

// Report is what became of the steps of a run that was carried out.
type Report struct {
	_        struct{}      `nullable:"true"`
	Failures []StepFailure `json:"failures" doc:"Steps that failed, are in doubt or were skipped; the first 1000."`
	Missing  []string      `json:"missing_labels" doc:"That GitLab dropped, since the account may not make them."`
	Halted   *string       `json:"halted" doc:"Why the run stopped before its end. Null: it did not."`
	Held     []WaitReason  `json:"held_back" doc:"Steps that were not taken since their target is broken."`
	Adopted  int           `json:"adopted" doc:"Unanswered creates that were found carried out."`
	Dropped  int           `json:"dropped" doc:"Unanswered creates that were proved never carried out, and tried again."`
	InDoubt  int           `json:"in_doubt" doc:"Writes of which nothing is known yet."`
}

// StepFailure is a step that was not carried out, or perhaps not.
type StepFailure struct {
	Step    Step   `json:"step"`
	Outcome string `json:"outcome"`
	Trouble string `json:"trouble"`
}

// UndoPlan is what taking a run back would do.
type UndoPlan struct {
	Run    int64  `json:"run_id"`
	Digest string `json:"digest"`
	Steps  []Step `json:"steps"`
	Kept   []Kept `json:"kept" doc:"What is left as it is, and why."`
}

// Kept is a step that is not taken back.
type Kept struct {
	Entry int64   `json:"entry_id"`
	Verb  string  `json:"verb" enum:"create,update,close,reopen,move,nothing"`
	Title string  `json:"title"`
	URL   *string `json:"url"`
	Why   string  `json:"why"`
}

// MakePlan asks for a plan.
type MakePlan struct {
	Integration int64 `json:"integration_id,omitempty" minimum:"0" doc:"0: the only one there is."`
}

// StartRun asks for a run.
type StartRun struct {
	Integration int64  `json:"integration_id,omitempty" minimum:"0" doc:"0: the only one there is."`
	Plan        string `json:"plan,omitempty" maxLength:"100" doc:"The digest of the plan that is to be carried out. Empty: whatever is to be done now, by the queue."`
}

// RejectRun says no to a run.
type RejectRun struct {
	_      struct{} `additionalProperties:"false"`
	Reason string   `json:"reason" minLength:"1" maxLength:"1000" doc:"Plain text, kept in one line. Whoever sees the run can read it, and it is in the audit log."`
}

// UndoRun asks for a run to be taken back.
type UndoRun struct {
	Plan string `json:"plan" minLength:"1" maxLength:"100" doc:"The digest of what GET showed."`
}

func addPlans(a *API) {
	add(a, operation{id: "make-plan", at: "POST /v1/plans", tag: "runs", needs: role.Plan, summary: "What the next run would do",
		details: "It looks at GitLab, and writes nothing there. The plan is not kept: carrying it out is a run."},
		func(ctx context.Context, t *Tenant, in *struct{ Body MakePlan }) (*one[Plan], error) {
			out, err := t.Runs.Plan(ctx, in.Body.Integration)
			return &one[Plan]{out}, err
		})
}

package work

import (
	"github.com/shopspring/decimal"

	"cxm/internal/app"
	"cxm/internal/money"
	"cxm/internal/plan"
)

// stepJSON is one step as --output json prints it.
type stepJSON struct {
	Verb     string              `json:"verb"`   // + ~ - ^ > =
	Action   string              `json:"action"` // its English name
	Reason   string              `json:"reason"`
	Title    string              `json:"title"`
	Kind     string              `json:"kind"`
	Group    string              `json:"group"`
	Savings  decimal.NullDecimal `json:"savings"` // per month; null: unknown
	Currency string              `json:"currency,omitempty"`
	Project  int64               `json:"project"`
	Issue    int64               `json:"issue,omitempty"` // its number in the project
	URL      string              `json:"url,omitempty"`
	Sends    string              `json:"sends,omitempty"` // which parts of the issue are written
	To       int64               `json:"to,omitempty"`    // move: the project it goes to
}

func newStepJSON(s plan.Step, project int64) stepJSON {
	out := stepJSON{
		Verb: string(s.Verb), Action: s.Verb.Word(), Reason: s.Reason, Title: s.Title, Kind: string(s.Kind),
		Group: string(s.Group), Savings: s.Savings, Currency: s.Currency, Project: project, Sends: s.Sends(), To: s.To,
	}
	if s.Project != 0 {
		out.Project = s.Project
	}
	if s.Have != nil {
		out.Issue, out.URL = s.Have.Observed.IID, s.Have.Observed.WebURL
	}
	return out
}

// countsJSON counts the steps of a plan by action.
type countsJSON struct {
	Create    int `json:"create"`
	Update    int `json:"update"`
	Close     int `json:"close"`
	Reopen    int `json:"reopen"`
	Move      int `json:"move"`
	Nothing   int `json:"nothing"`
	Unchanged int `json:"unchanged"` // groups that were not looked at, since nothing about them changed
}

// planDocument is what `cxm plan --output json` prints.
type planDocument struct {
	Integration int64        `json:"integration"`
	Project     string       `json:"project"`
	Steps       []stepJSON   `json:"steps"`
	Summary     countsJSON   `json:"summary"`
	Creates     money.Totals `json:"creates"` // what the issues to be created would save a month
	Held        []stepJSON   `json:"held"`    // what waits for a person
	HeldWhy     string       `json:"held_why,omitempty"`
	WaitsAs     int64        `json:"waits_as,omitempty"`    // the run to approve
	Rejected    int64        `json:"rejected_as,omitempty"` // the run in which somebody said no to what is held
	Capped      int          `json:"capped"`                // creates that wait for room under the caps
}

func planJSON(p app.Planned) planDocument {
	out := planDocument{
		Integration: p.Integration.ID, Project: p.Integration.Project.Path, Steps: []stepJSON{}, Creates: worth(p.Plan),
		Summary: countsJSON{
			p.Plan.Count(plan.Create), p.Plan.Count(plan.Update), p.Plan.Count(plan.Close),
			p.Plan.Count(plan.Reopen), p.Plan.Count(plan.Move), p.Plan.Count(plan.Nothing), p.Plan.Unchanged,
		},
	}
	out.Held, out.HeldWhy, out.WaitsAs, out.Capped = []stepJSON{}, p.Plan.Held.Reason(), p.Waits.ID, p.Plan.Capped
	out.Rejected = p.Rejected.ID
	for _, s := range p.Plan.Held.Steps {
		out.Held = append(out.Held, newStepJSON(s, p.Integration.Project.ID))
	}
	for _, s := range p.Plan.Steps {
		out.Steps = append(out.Steps, newStepJSON(s, p.Integration.Project.ID))
	}
	return out
}

// failureJSON is a step that was not carried out, or perhaps not.
type failureJSON struct {
	stepJSON
	Outcome string `json:"outcome"`
	Trouble string `json:"trouble"`
}

// applyDocument is what `cxm apply --output json` prints.
type applyDocument struct {
	planDocument
	Run           int64          `json:"run"` // 0: there was nothing to do
	Done          int            `json:"done"`
	Failed        int            `json:"failed"`
	Skipped       int            `json:"skipped"`
	InDoubt       int            `json:"in_doubt"` // nothing is known yet: the next run looks first
	Adopted       int            `json:"adopted"`  // unanswered, and found carried out
	Failures      []failureJSON  `json:"failures"`
	MissingLabels []string       `json:"missing_labels"` // dropped by GitLab, since the account may not create them
	Halted        string         `json:"halted,omitempty"`
	HeldBack      map[string]int `json:"held_back,omitempty"` // steps not taken since their target is broken, by the reason
}

func applyJSON(p app.Planned, r app.Report) applyDocument {
	out := applyDocument{
		planDocument: planJSON(p), Run: r.Run.ID, Done: r.Run.Done, Failed: r.Run.Failed, Skipped: r.Run.Skipped,
		InDoubt: r.InDoubt, Adopted: r.Adopted, Failures: []failureJSON{}, MissingLabels: append([]string{}, r.Missing...), Halted: r.Halted, HeldBack: r.Held,
	}
	if r.Waits.ID != 0 {
		out.WaitsAs = r.Waits.ID
	}
	for _, f := range r.Failures {
		out.Failures = append(out.Failures, failureJSON{newStepJSON(f.Step, p.Integration.Project.ID), string(f.Outcome), f.Trouble.Error()})
	}
	return out
}

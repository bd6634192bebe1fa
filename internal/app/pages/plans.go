package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/web/running"
	"cxm/internal/web/site"
)

// textsKept bounds of how many steps of one kind the texts are kept.
const textsKept = 500

type plans struct{ *pages }

// seen is a plan that was made, as its page shows it.
type seen struct {
	running.PlanData
}

// done is what became of a plan that was carried out.
type done struct{ api.Started }

// earlier is which runs there were when a plan was to be carried out.
type earlier struct{ last int64 }

func planning(tenant string, integration int64) string {
	return fmt.Sprintf("plan %q %d", tenant, integration)
}

// chosen is the integration that is meant: 0 is the only one there is.
func (p plans) chosen(r *http.Request, g site.Guest, id int64) ([]running.Integration, int64, error) {
	all, names, err := projects(r, g)
	if err != nil {
		return nil, 0, err
	}
	if id == 0 && len(all) == 1 {
		id = all[0].ID
	}
	if _, ok := names[id]; !ok && id != 0 {
		return nil, 0, site.ErrMissing
	}
	return all, id, nil
}

func (p plans) Plan(r *http.Request, g site.Guest, integration int64) (running.PlanData, error) {
	all, id, err := p.chosen(r, g, integration)
	if err != nil || id == 0 {
		return running.PlanData{Integrations: all}, err
	}
	d := running.PlanData{}
	e, _, ok := p.app.Errands.At(planning(g.Tenant, id))
	before, applying := e.Given.(earlier)
	switch result := e.Result.(type) {
	case *seen:
		d = result.PlanData
		d.State, d.Since = running.Made, e.Ended
	case done:
		d.State, d.Since, d.Run, d.Waits, d.Remarks = running.Applied, e.Ended, some(result.Run), some(result.Waits), result.Remarks
	default:
		switch {
		case !ok:
		case e.Going() && applying:
			d.State, d.Since = running.Applying, e.Began
			d.Run, err = p.begun(r, g, id, before.last)
		case e.Going():
			d.State, d.Since = running.Making, e.Began
		case e.Err != nil:
			d.State, d.Since, d.Trouble = running.Broken, e.Ended, p.told("making or carrying out a plan", e.Err)
		}
	}
	d.Integrations, d.Chosen, d.By = all, id, e.By
	return d, err
}

func some(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

// begun is the run that carries out a plan; 0: it has not begun.
func (p *pages) begun(r *http.Request, g site.Guest, integration, last int64) (int64, error) {
	a, err := p.of(r, g)
	if err != nil {
		return 0, err
	}
	runs, err := a.Runs(r.Context(), 20)
	for _, one := range runs {
		if one.ID > last && one.Integration == integration && !one.Shared && one.Undoes == 0 && (one.State == plan.Running || one.State == plan.Finished) {
			return one.ID, nil
		}
	}
	return 0, err
}

func (p plans) Make(r *http.Request, g site.Guest, integration int64) error {
	_, id, err := p.chosen(r, g, integration)
	if err != nil {
		return err
	}
	if id == 0 {
		return &site.Refusal{Text: "Choose the integration that a plan is to be made for, or connect GitLab first."}
	}
	a, err := p.of(r, g)
	if err != nil {
		return err
	}
	return p.begin(r, g, planning(g.Tenant, id), nil, func(ctx context.Context) (any, error) { return shown(ctx, a, id) })
}

func (p plans) Apply(r *http.Request, g site.Guest, integration int64, digest string) error {
	d, err := p.Plan(r, g, integration)
	if err != nil {
		return err
	}
	if d.State == running.Making || d.State == running.Applying {
		return nil // its page says what is under way
	}
	if d.State != running.Made || digest == "" || d.Digest != digest {
		return &site.Refusal{Text: "Nothing was done: there is another plan by now, or none. Look at the plan again, and apply that one."}
	}
	a, err := p.of(r, g)
	if err != nil {
		return err
	}
	last, err := a.Runs(r.Context(), 1)
	if err != nil {
		return err
	}
	before := earlier{}
	if len(last) > 0 {
		before.last = last[0].ID
	}
	return p.begin(r, g, planning(g.Tenant, d.Chosen), before, func(ctx context.Context) (any, error) {
		started, err := g.API.Runs.Start(ctx, d.Chosen, digest)
		if !edge.Overtaken(err) {
			return done{started}, err
		}
		now, err := shown(ctx, a, d.Chosen)
		if err != nil {
			return nil, errors.Join(errors.New("something had changed since the plan was made, so nothing was done; and the new one could not be made"), err)
		}
		now.Changed = true
		return now, nil
	})
}

// shown makes a plan, for its page.
func shown(ctx context.Context, a *app.App, integration int64) (*seen, error) {
	p, err := a.Plan(ctx, integration)
	if err != nil {
		return nil, err
	}
	return view(p, naming(ctx, a)), nil
}

// naming says what a project is called.
func naming(ctx context.Context, a *app.App) func(int64) string {
	names := map[int64]string{}
	if all, err := a.Store.Integrations(ctx); err == nil { // else numbers have to do
		for _, in := range all {
			names[in.Project.ID] = in.Project.Path
		}
	}
	return func(id int64) string { return cmp.Or(names[id], fmt.Sprintf("project %d", id)) }
}

// view is a plan as its page shows it.
func view(p app.Planned, name func(int64) string) *seen {
	changes := p.Plan.Changes()
	out := &seen{running.PlanData{
		Digest: edge.Digest(changes), Changes: map[string][]running.Change{}, Savings: money.Totals{}, Why: p.Plan.Held.Why, Waits: p.Waits.ID,
		Rejected: toRun(p.Rejected, nil), Unchanged: p.Plan.Unchanged, Capped: p.Plan.Capped, Below: p.Plan.Below,
	}}
	home := p.Integration.Project.ID
	for _, s := range changes {
		verb := s.Verb.Word()
		out.Changes[verb] = append(out.Changes[verb], toChange(s, home, name, len(out.Changes[verb]) < textsKept))
		if s.Verb == plan.Create {
			out.Savings.Add(s.Counts())
		}
	}
	for i, s := range p.Plan.Held.Steps {
		out.Held = append(out.Held, toChange(s, home, name, i < textsKept))
	}
	out.Resting = resting(p.Plan.Steps)
	return out
}

// resting counts why nothing is done about issues, the most frequent reasons first.
func resting(steps []plan.Step) []running.Reason {
	count := map[string]int{}
	for _, s := range steps {
		if s.Verb == plan.Nothing {
			count[s.Reason]++
		}
	}
	var out []running.Reason
	for _, text := range slices.Sorted(maps.Keys(count)) {
		out = append(out, running.Reason{Text: text, N: count[text]})
	}
	slices.SortStableFunc(out, func(a, b running.Reason) int { return b.N - a.N })
	const most = 12
	if len(out) <= most {
		return out
	}
	rest := running.Reason{Text: "other reasons: `cxm plan` names each"}
	for _, r := range out[most:] {
		rest.N += r.N
	}
	return append(out[:most], rest)
}

func toChange(s plan.Step, home int64, name func(int64) string, texts bool) running.Change {
	c := running.Change{
		Verb: s.Verb.Word(), Reason: s.Reason, Title: s.Title, Saving: s.Savings, Currency: s.Currency, Where: name(s.At(home)), Rule: s.Rule, Team: s.Team, Sends: s.Sends(),
	}
	if s.Verb == plan.Move {
		c.Where, c.Sends = "from "+name(s.At(home))+" to "+name(s.To), ""
	}
	if s.Have != nil {
		c.Issue, c.URL = s.Have.ID, s.Have.Observed.WebURL
		if s.Have.Observed.IID != 0 {
			c.Ref = fmt.Sprintf("#%d", s.Have.Observed.IID)
		}
	}
	if texts {
		c.Before, c.After = texted(s)
	}
	return c
}

// texted is what the issue says, and what it would say, as far as cxm writes it.
func texted(s plan.Step) (before, after string) {
	if s.Have == nil {
		if s.Want == nil {
			return "", ""
		}
		return "", headed(issue.Opened, s.Want.Labels) + said(s.Want.Title, s.Want.Body)
	}
	o := s.Have.Observed
	labels, state := slices.Clone(o.Labels), o.State
	title, description := o.Title, o.Description
	if s.Change.Title != nil {
		title = *s.Change.Title
	}
	if s.Change.Description != nil {
		description = *s.Change.Description
	}
	if s.Change.State != "" {
		state = s.Change.State
	}
	labels = slices.DeleteFunc(labels, func(l string) bool { return slices.Contains(s.Change.RemoveLabels, l) })
	labels = append(labels, s.Change.AddLabels...)
	slices.Sort(labels)
	labels = slices.Compact(labels)
	return headed(o.State, o.Labels) + said(o.Title, own(s.Have, o.Description)), headed(state, labels) + said(title, own(s.Have, description))
}

// headed is the state and the labels of an issue as lines of text.
func headed(state issue.State, labels []string) string {
	word := map[issue.State]string{issue.Opened: "open", issue.Closed: "closed"}[state]
	return "State: " + word + "\nLabels: " + strings.Join(labels, ", ") + "\n"
}

type undos struct{ *pages }

// regretted is what taking a run back would do.
type regretted struct{ running.UndoData }

func undoing(tenant string, run int64) string { return fmt.Sprintf("undo %q %d", tenant, run) }

func (p undos) Undo(r *http.Request, g site.Guest, id int64) (running.UndoData, error) {
	a, l, err := p.tenant(r, g)
	if err != nil {
		return running.UndoData{}, err
	}
	now, err := found(l.Run(r.Context(), id))
	if err != nil {
		return running.UndoData{}, err
	}
	d := running.UndoData{}
	e, _, ok := p.app.Errands.At(undoing(g.Tenant, id))
	switch result := e.Result.(type) {
	case *regretted:
		d = result.UndoData
		d.State, d.Since = running.Made, e.Ended
	case done:
		d.State, d.Since, d.Undoing, d.Remarks = running.Applied, e.Ended, some(result.Run), result.Remarks
	default:
		_, applying := e.Given.(earlier)
		switch {
		case !ok:
		case e.Going() && applying:
			d.State, d.Since = running.Applying, e.Began
			given, _ := e.Given.(earlier) // applying is given one
			d.Undoing, err = taken(r.Context(), a, id, given.last)
		case e.Going():
			d.State, d.Since = running.Making, e.Began
		case e.Err != nil:
			d.State, d.Since, d.Trouble = running.Broken, e.Ended, p.told("taking a run back", e.Err)
		}
	}
	d.Run, d.By, d.Refused = id, e.By, refused(now)
	return d, err
}

// refused is why a run cannot be taken back; empty: it can.
func refused(r plan.Run) string {
	switch {
	case r.State == plan.Waiting || r.State == plan.Superseded:
		return "it has done nothing"
	case r.State == plan.Running:
		return "it is still under way: wait for its end"
	case r.Integration == 0:
		return "it was made by an early version of cxm, which did not write down what undoing needs"
	}
	return ""
}

// taken is the run that takes another back; 0: it has not begun.
func taken(ctx context.Context, a *app.App, run, last int64) (int64, error) {
	all, err := a.Runs(ctx, 20)
	for _, one := range all {
		if one.ID > last && one.Undoes == run {
			return one.ID, nil
		}
	}
	return 0, err
}

func (p undos) Look(r *http.Request, g site.Guest, id int64) error {
	a, err := p.able(r, g, id)
	if err != nil {
		return err
	}
	return p.begin(r, g, undoing(g.Tenant, id), nil, func(ctx context.Context) (any, error) { return regret(ctx, a, id) })
}

// able is the program when the run can be taken back.
func (p undos) able(r *http.Request, g site.Guest, id int64) (*app.App, error) {
	d, err := p.Undo(r, g, id)
	if err != nil {
		return nil, err
	}
	if d.Refused != "" {
		return nil, &site.Refusal{Text: fmt.Sprintf("Run %d cannot be taken back: %s.", id, d.Refused)}
	}
	return p.of(r, g)
}

func regret(ctx context.Context, a *app.App, id int64) (*regretted, error) {
	u, _, err := a.Undo(ctx, id, func(app.Undo) (bool, error) { return false, nil }, nil)
	if err != nil {
		return nil, err
	}
	out, name := &regretted{running.UndoData{Digest: edge.Digest(u.Plan.Steps)}}, naming(ctx, a)
	for i, s := range u.Plan.Steps {
		out.Steps = append(out.Steps, toChange(s, u.Integration.Project.ID, name, i < textsKept))
	}
	for _, k := range u.Kept {
		out.Kept = append(out.Kept, running.Kept{Title: k.Entry.Title, URL: k.Entry.WebURL, Why: k.Why})
	}
	return out, nil
}

func (p undos) Carry(r *http.Request, g site.Guest, id int64, digest string) error {
	a, err := p.able(r, g, id)
	if err != nil {
		return err
	}
	d, err := p.Undo(r, g, id)
	if err != nil {
		return err
	}
	if d.State == running.Making || d.State == running.Applying {
		return nil // its page says what is under way
	}
	if d.State != running.Made || digest == "" || d.Digest != digest {
		return &site.Refusal{Text: "Nothing was done: it would do something else by now. Look again first."}
	}
	last, err := a.Runs(r.Context(), 1)
	if err != nil || len(last) == 0 {
		return err
	}
	return p.begin(r, g, undoing(g.Tenant, id), earlier{last[0].ID}, func(ctx context.Context) (any, error) {
		started, err := g.API.Runs.Undo(ctx, id, digest)
		if !edge.Overtaken(err) {
			return done{started}, err
		}
		now, err := regret(ctx, a, id)
		if err != nil {
			return nil, err
		}
		now.Changed = true
		return now, nil
	})
}

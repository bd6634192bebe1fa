package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/app/errand"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/store"
	"cxm/internal/store/lists"
	"cxm/internal/web/running"
	"cxm/internal/web/site"
)

// running is the area of plans and runs.
func (p *pages) running() site.Area {
	r := runs{p}
	return running.New(running.Parts{Runs: r, Steps: r, Plans: plans{p}, Undos: undos{p}, Clock: p.app.Clock})
}

// tenant is the program for the guest's tenant, and its lists.
func (p *pages) tenant(r *http.Request, g site.Guest) (*app.App, *lists.Store, error) {
	a, err := p.of(r, g)
	if err != nil {
		return nil, nil, err
	}
	return a, lists.New(a.DB.Base(), a.Tenant), nil
}

// begin has something done that goes on when nobody looks. That the same is under way
// already is no fault: who asked sees how far it is.
func (p *pages) begin(r *http.Request, g site.Guest, name string, given any, do func(context.Context) (any, error)) error {
	err := p.app.Errands.Begin(r.Context(), name, errand.Errand{By: g.Who.Label(), Given: given}, do)
	switch {
	case errors.Is(err, errand.ErrBusy):
		return nil
	case err != nil:
		return &site.Refusal{Text: "Nothing was begun: " + err.Error() + "."}
	}
	return nil
}

// told is why something did not work, for people. What is a fault within cxm is logged.
func (p *pages) told(doing string, err error) string {
	if text, ok := edge.Told(err); ok {
		return text
	}
	if errors.Is(err, context.Canceled) {
		return "cxm was stopped meanwhile: look how far it came, and try again"
	}
	p.log.Error("what was begun on a page failed", "doing", doing, "error", err)
	return "something went wrong inside cxm, and the log says what"
}

type runs struct{ *pages }

// projects are the paths of the integrations' projects.
func projects(r *http.Request, g site.Guest) ([]running.Integration, map[int64]string, error) {
	all, err := g.API.Integrations.Integrations(r.Context())
	names := map[int64]string{}
	var out []running.Integration
	for _, in := range all {
		out = append(out, running.Integration{ID: in.ID, Text: in.Project.Path})
		names[in.ID] = in.Project.Path
	}
	return out, names, err
}

func toRun(r plan.Run, names map[int64]string) running.Run {
	return running.Run{
		ID: r.ID, Integration: names[r.Integration], State: string(r.State), Why: r.Why, Queued: r.Shared, Undoes: r.Undoes,
		ApprovedBy: r.ApprovedBy, ApprovedAt: r.ApprovedAt, RejectedBy: r.RejectedBy, Rejection: r.Rejection, Started: r.StartedAt, Finished: r.FinishedAt,
		Steps: r.Steps, Done: r.Done, Failed: r.Failed, InDoubt: r.InDoubt, Skipped: r.Skipped,
	}
}

func (p runs) Runs(r *http.Request, g site.Guest, f running.Filter) (running.RunsData, error) {
	a, l, err := p.tenant(r, g)
	if err != nil {
		return running.RunsData{}, err
	}
	all, names, err := projects(r, g)
	if err != nil {
		return running.RunsData{}, err
	}
	d := running.RunsData{Integrations: all}
	for _, in := range all {
		open, err := a.Store.OpenRuns(r.Context(), in.ID)
		if err != nil {
			return d, err
		}
		for _, one := range open {
			if one.State == plan.Waiting {
				d.Waiting = append(d.Waiting, toRun(one, names))
			}
		}
	}
	page := lists.Page{Size: pageOfRuns}
	if n, err := strconv.ParseInt(f.After, 10, 64); err == nil && n > 0 {
		page.After.ID = n
	}
	rows, next, err := l.Runs(r.Context(), lists.RunFilter{Integration: f.Integration, State: plan.RunState(f.State)}, page)
	for _, one := range rows {
		d.Rows = append(d.Rows, toRun(one, names))
	}
	if !next.Zero() {
		d.Next = strconv.FormatInt(next.ID, 10)
	}
	return d, err
}

// pageOfRuns is how many runs, and steps of one, are on a page.
const pageOfRuns = 50

func (p runs) Run(r *http.Request, g site.Guest, id int64) (running.RunData, error) {
	a, l, err := p.tenant(r, g)
	if err != nil {
		return running.RunData{}, err
	}
	now, err := found(l.Run(r.Context(), id))
	if err != nil {
		return running.RunData{}, err
	}
	_, names, err := projects(r, g)
	if err != nil {
		return running.RunData{}, err
	}
	outcomes, err := l.Outcomes(r.Context(), id)
	if err != nil {
		return running.RunData{}, err
	}
	d := running.RunData{Run: toRun(now, names), Outcomes: running.Tally{}}
	for o, n := range outcomes {
		d.Outcomes[string(o)] = n
	}
	if d.Tally = d.Outcomes; now.State == plan.Finished { // what was never sent is not in the journal
		d.Tally = running.Tally{running.Done: now.Done, running.Failed: now.Failed, running.InDoubt: now.InDoubt, running.Skipped: now.Skipped}
	}
	if err := p.more(r, g, a, l, now, &d); err != nil {
		return d, err
	}
	return d, nil
}

// more adds what is known of a run beside its row.
func (p runs) more(r *http.Request, g site.Guest, a *app.App, l *lists.Store, now plan.Run, d *running.RunData) error {
	ctx := r.Context()
	switch now.State {
	case plan.Running:
		latest, err := l.Latest(ctx, now.ID, 5)
		if err != nil {
			return err
		}
		d.Latest = entries(latest)
		broken, err := a.Store.Breakers(ctx, now.Integration)
		if err != nil {
			return err
		}
		for _, b := range broken {
			if b.Open() {
				_, _, why := b.Allow(a.Clock())
				d.Waits = append(d.Waits, why)
			}
		}
	case plan.Superseded:
		last, err := a.Store.LastHeld(ctx, now.Integration)
		if err != nil {
			return err
		}
		d.After = now.Rejected() && last.ID == now.ID
	}
	for _, o := range []plan.Outcome{plan.Failed, plan.InDoubt} {
		if d.Outcomes[string(o)] == 0 {
			continue
		}
		wrong, _, err := l.Steps(ctx, now.ID, o, lists.Page{Size: 10})
		if err != nil {
			return err
		}
		d.Wrong = append(d.Wrong, entries(wrong)...)
	}
	latest, err := a.Runs(ctx, 200)
	for _, other := range latest {
		if other.Undoes == now.ID {
			d.Undone = other.ID
		}
	}
	p.said(g, now, d)
	if e, _, ok := p.app.Errands.At(approving(g.Tenant, now.ID)); ok {
		switch {
		case e.Going():
			d.Begun = e.By + " approved it. cxm looks again at what is still to be done, and then takes the steps."
		case e.Err != nil && now.State != plan.Finished:
			d.Trouble = "it was not approved: " + p.told("approving a run", e.Err)
		}
	}
	return err
}

// said adds what who had the run begun is told of it, for as long as that is remembered.
func (p runs) said(g site.Guest, now plan.Run, d *running.RunData) {
	name := planning(g.Tenant, now.Integration)
	if now.Undoes != 0 {
		name = undoing(g.Tenant, now.Undoes)
	}
	e, _, _ := p.app.Errands.At(name)
	before, carries := e.Given.(earlier)
	switch result, ended := e.Result.(done); {
	case ended && some(result.Run) == now.ID:
		d.Remarks, d.Beside = result.Remarks, some(result.Waits)
	case e.Going() && carries && now.ID > before.last && now.State == plan.Finished:
		d.Ending = true
	}
}

func approving(tenant string, run int64) string { return fmt.Sprintf("approve %q %d", tenant, run) }

// found is a row, or that there is none.
func found[T any](v T, err error) (T, error) {
	if errors.Is(err, store.ErrNotFound) {
		err = site.ErrMissing
	}
	return v, err
}

func entries(all []plan.Entry) []running.Entry {
	var out []running.Entry
	for _, e := range all {
		out = append(out, toEntry(e))
	}
	return out
}

func toEntry(e plan.Entry) running.Entry {
	return running.Entry{
		ID: e.ID, Run: e.Run, Seq: e.Seq, Verb: e.Verb.Word(), Reason: e.Reason, Title: e.Title, Group: string(e.Group), Issue: e.Issue, URL: e.WebURL,
		Outcome: string(e.Outcome), Trouble: e.Trouble, Sent: e.Summary, Calls: e.Calls, Wrote: e.WroteAt, Ended: e.EndedAt,
	}
}

// Approve begins to carry out what waits: the run's page shows how far it is.
func (p runs) Approve(r *http.Request, g site.Guest, id int64) error {
	d, err := p.Run(r, g, id)
	if err != nil {
		return err
	}
	if d.Run.State != running.Waiting && !d.After {
		return &site.Refusal{Text: fmt.Sprintf("Run %d does not wait for anybody: it was approved or rejected, or a later plan took its place. Nothing was done.", id)}
	}
	by := g.Who.Label()
	return p.begin(r, g, approving(g.Tenant, id), nil, func(ctx context.Context) (any, error) { return g.API.Runs.Approve(ctx, id, by) })
}

func (p runs) Reject(r *http.Request, g site.Guest, id int64, why string) error {
	why, err := plan.ReadRejection(why)
	if err != nil {
		return &running.BadReason{Text: err.Error()}
	}
	a, err := p.of(r, g)
	if err != nil {
		return err
	}
	if e, _, ok := p.app.Errands.At(approving(g.Tenant, id)); ok && e.Going() {
		return &site.Refusal{Text: fmt.Sprintf("%s approved run %d just now: it is being carried out. It can be undone when it has ended.", e.By, id)}
	}
	_, err = found(0, a.Reject(r.Context(), id, g.Who.Label(), why))
	if errors.Is(err, store.ErrNotWaiting) {
		return &site.Refusal{Text: fmt.Sprintf("Run %d does not wait for anybody any more: it was approved or rejected, or a later plan took its place. Nothing was changed.", id)}
	}
	return err
}

func (p runs) Steps(r *http.Request, g site.Guest, run int64, outcome, after string) ([]running.Entry, string, error) {
	_, l, err := p.tenant(r, g)
	if err != nil {
		return nil, "", err
	}
	all, next, err := l.Steps(r.Context(), run, plan.Outcome(outcome), lists.Page{Size: pageOfRuns, After: placed(after)})
	if next.Zero() {
		return entries(all), "", err
	}
	return entries(all), fmt.Sprintf("%d-%d", next.Worth, next.ID), err
}

// placed reads where a page of steps begins. What is no place is the beginning.
func placed(text string) lists.Cursor {
	seq, id, _ := strings.Cut(text, "-")
	n, err := strconv.ParseInt(seq, 10, 64)
	m, bad := strconv.ParseInt(id, 10, 64)
	if err != nil || bad != nil || n < 0 || m < 0 {
		return lists.Cursor{}
	}
	return lists.Cursor{Worth: n, ID: m}
}

func (p runs) Each(r *http.Request, g site.Guest, run int64, keep func(running.Entry) error) error {
	_, l, err := p.tenant(r, g)
	page := lists.Page{Size: lists.Most}
	for err == nil {
		var all []plan.Entry
		if all, page.After, err = l.Steps(r.Context(), run, "", page); err != nil {
			return err
		}
		for _, e := range all {
			if err := keep(toEntry(e)); err != nil {
				return err
			}
		}
		if page.After.Zero() {
			return nil
		}
	}
	return err
}

// Step is one step, with what the issue said before and after it.
func (p runs) Step(r *http.Request, g site.Guest, run, id int64) (running.StepData, error) {
	a, l, err := p.tenant(r, g)
	if err != nil {
		return running.StepData{}, err
	}
	e, err := found(a.Store.Entry(r.Context(), id))
	if err == nil && e.Run != run {
		err = site.ErrMissing
	}
	if err != nil {
		return running.StepData{}, err
	}
	d := running.StepData{Entry: toEntry(e)}
	if e.Verb != plan.Create {
		d.Before = said(e.Before.Title, e.Before.Block)
	}
	d.After, d.Known, err = afterwards(r.Context(), a, l, e)
	return d, err
}

// afterwards is what the issue said after a step: what the next one found, or what cxm
// wrote last.
func afterwards(ctx context.Context, a *app.App, l *lists.Store, e plan.Entry) (text string, known bool, err error) {
	if e.Issue == 0 {
		return "", false, nil
	}
	later, err := l.Behind(ctx, e.Group, e.ID, 50)
	if err != nil {
		return "", false, err
	}
	for _, next := range later {
		if next.Issue == e.Issue && next.Verb != plan.Create && next.Before.Title != "" {
			return said(next.Before.Title, next.Before.Block), true, nil
		}
	}
	have, err := a.Store.Issues(ctx, []int64{e.Issue})
	t, ok := have[e.Issue]
	if !ok || err != nil || t.Written.Title == "" || len(later) == 50 {
		return "", false, err
	}
	return said(t.Observed.Title, t.Written.Block), true, nil
}

// said is what cxm writes in an issue, as text: the title and its block, without the
// hidden lines.
func said(title, block string) string {
	var out []string
	if title != "" {
		out = append(out, "Title: "+title, "")
	}
	for line := range strings.SplitSeq(block, "\n") {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "<!--") && strings.HasSuffix(trimmed, "-->") {
			continue
		}
		out = append(out, line)
	}
	return strings.Replace(strings.Join(out, "\n"), "\n\n\n", "\n\n", 1)
}

// own is cxm's block in a description.
func own(t *issue.Tracked, description string) string {
	b, _ := issue.Own(description, t.Nonce)
	return b.Text
}

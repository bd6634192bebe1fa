package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/plan/stand"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/rule"
	"cxm/internal/store/lists"
	"cxm/internal/store/route"
	"cxm/internal/store/why"
)

// Why is the answer to "why is there no issue for this?".
type Why struct {
	Asked  string
	Stands []Stand // one for each finding that is meant and each integration; none: nobody reported it
	Stage  stand.Stage
	Answer string // when there are none
	Mend   string
}

// Stand is where one finding stands.
type Stand struct {
	Finding     finding.Finding
	Group       rule.GroupKey
	Integration integration.Integration // ID 0: there is none
	stand.Stand
}

// mostStands is how many findings one question may mean.
const mostStands = 20

// Why says where findings stand on their way to an issue. Asked is the key of a
// finding or how it begins, the key of a group, or the id or name of a resource;
// integrationID 0 is all integrations. GitLab is not asked: what is known is from
// the last look.
func (d *Doctor) Why(ctx context.Context, asked string, integrationID int64) (Why, error) {
	asked = strings.TrimSpace(asked)
	if asked == "" {
		return Why{}, errors.New("say which finding or resource: give its key, how that begins, or the resource's id")
	}
	integrations, err := d.Store.Integrations(ctx)
	if err != nil {
		return Why{}, fmt.Errorf("reading the integrations: %w", err)
	}
	if integrationID != 0 {
		in, err := d.Integration(ctx, integrationID)
		if err != nil {
			return Why{}, err
		}
		integrations = []integration.Integration{in}
	}
	found, err := d.meant(ctx, asked)
	if err != nil {
		return Why{}, err
	}
	out := Why{Asked: asked}
	if len(found) == 0 {
		return out, d.unreported(ctx, &out)
	}
	w := asker{Doctor: d, now: d.Clock()}
	if err := w.load(ctx); err != nil {
		return Why{}, err
	}
	for _, f := range found {
		stands, err := w.stands(ctx, f, integrations)
		if err != nil {
			return Why{}, err
		}
		out.Stands = append(out.Stands, stands...)
	}
	return out, nil
}

var (
	keyStart   = regexp.MustCompile(`^(v1:)?[0-9a-f]{4,64}$`)
	groupStart = regexp.MustCompile(`^g1:[0-9a-f]{4,32}$`)
)

// meant finds the findings that a question is about: by key, else by resource.
func (d *Doctor) meant(ctx context.Context, asked string) ([]why.Found, error) {
	store := why.New(d.DB.Base(), d.Tenant)
	if keyStart.MatchString(strings.ToLower(asked)) {
		found, err := store.From(ctx, "v1:"+strings.TrimPrefix(strings.ToLower(asked), "v1:"), mostStands)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	keys, err := d.about(ctx, asked)
	if err != nil {
		return nil, err
	}
	var out []why.Found
	for _, key := range keys {
		found, err := store.From(ctx, string(key), 1)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// about lists the findings of a group, or about a resource, by reading through
// all groups.
func (d *Doctor) about(ctx context.Context, asked string) ([]finding.Key, error) {
	var out []finding.Key
	enough := errors.New("enough")
	err := d.Store.Groups(ctx, true, func(g rule.Group, _ []issue.Tracked) error {
		whole := groupStart.MatchString(asked) && strings.HasPrefix(string(g.Key), asked)
		for _, m := range g.Members {
			if (whole || names(&m.Finding, asked)) && !slices.Contains(out, m.Finding.FindingKey) {
				out = append(out, m.Finding.FindingKey)
			}
		}
		if len(out) >= mostStands {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return out[:mostStands], nil
	}
	return out, err
}

// names says whether a finding is about a resource that goes by that name: one of
// its ids or aliases, the last part of one, or its name.
func names(f *finding.Finding, asked string) bool {
	for _, id := range append([]string{f.ResourceID, f.ResourceName}, f.ResourceAliases...) {
		last := id[strings.LastIndexAny(id, "/:|")+1:]
		if id != "" && (strings.EqualFold(id, asked) || strings.EqualFold(last, asked)) {
			return true
		}
	}
	return false
}

// unreported says why nothing is known of what was asked.
func (d *Doctor) unreported(ctx context.Context, w *Why) error {
	f, err := d.flow(ctx, 0)
	if err != nil {
		return err
	}
	w.Stage = stand.NotReceived
	w.Answer, w.Mend = "no source has ever reported it", "Look whether it is in the export (`cxm inspect --source TYPE FILE`), and take that in"
	switch partial := partly(f.Sources); {
	case f.Waiting > 0:
		w.Stage = stand.Unread
		w.Answer, w.Mend = fmt.Sprintf("no source has reported it so far, but deliveries wait to be taken in: %d", f.Waiting), "Run `cxm run`, and ask again"
	case f.Refused > 0:
		w.Stage = stand.Unread
		w.Answer, w.Mend = fmt.Sprintf("no source has reported it, but deliveries could not be taken in: %d", f.Refused), "`cxm inspect` with the same file says why; mend the export and take it in again"
	case len(f.Sources) == 0:
		w.Answer, w.Mend = "no source has delivered anything yet", "Take in what your sources report: `cxm ingest --source TYPE FILE`"
	case partial != "":
		w.Answer += ", but " + partial
	}
	return nil
}

// partly names a delivery that may have held what was asked; empty: all were whole.
func partly(sources []check.Source) string {
	for _, s := range sources {
		switch {
		case !s.Complete:
			return fmt.Sprintf("the last delivery of %s, scope %s, was not complete: %s", s.Name, s.Scope, strings.Join(s.Reasons, "; "))
		case s.Skipped > 0:
			return fmt.Sprintf("the last delivery of %s, scope %s, had %d records that could not be used", s.Name, s.Scope, s.Skipped)
		}
	}
	return ""
}

// asker answers about several findings with what it read once.
type asker struct {
	*Doctor
	now      time.Time
	pulls    []finding.Pull
	complete map[why.Scope]time.Time
}

func (w *asker) load(ctx context.Context) error {
	var err error
	if w.pulls, err = w.Store.LastPulls(ctx); err != nil {
		return err
	}
	w.complete, err = why.New(w.DB.Base(), w.Tenant).Complete(ctx)
	return err
}

// stands says where one finding stands in each integration.
func (w *asker) stands(ctx context.Context, f why.Found, all []integration.Integration) ([]Stand, error) {
	c, have, err := w.known(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []Stand{{Finding: f.Finding, Group: f.Group, Stand: stand.Of(c)}}, nil
	}
	var out []Stand
	for _, in := range all {
		at, err := w.within(ctx, c, in, have)
		if err != nil {
			return nil, err
		}
		out = append(out, Stand{Finding: f.Finding, Group: f.Group, Integration: in, Stand: stand.Of(at)})
	}
	return out, nil
}

// known is what holds whatever the integration, with the group's issues.
func (w *asker) known(ctx context.Context, f why.Found) (stand.Case, []issue.Tracked, error) {
	c := stand.Case{Now: w.now, Finding: f.Finding, Sighting: f.Sighting, Decided: f.Decided, Source: f.Source, Scope: f.Scope, Complete: w.complete[why.Scope{Source: f.Source, Scope: f.Scope}]}
	if i := slices.IndexFunc(w.pulls, func(p finding.Pull) bool { return p.Source == f.Source && p.Scope == f.Scope }); i >= 0 {
		c.Last = w.pulls[i]
	}
	state, err := why.New(w.DB.Base(), w.Tenant).Group(ctx, f.Group)
	if err != nil {
		return c, nil, err
	}
	c.Rule, c.Changed = state.Rule, state.Dirty
	var have []issue.Tracked
	c.Group, have, err = w.Store.Group(ctx, f.Group)
	return c, have, err
}

// within adds what holds in one integration.
func (w *asker) within(ctx context.Context, c stand.Case, in integration.Integration, have []issue.Tracked) (stand.Case, error) {
	c.Connected = true
	mine := slices.DeleteFunc(slices.Clone(have), func(t issue.Tracked) bool { return t.Integration != in.ID })
	w.decide(ctx, &c, in, mine)
	if t, err := w.Tokens.InUse(ctx, in.ID); err != nil {
		return c, err
	} else if t.State.Held() {
		c.NoAccess = t.Reason
	}
	breakers, err := w.Store.Breakers(ctx, in.ID)
	if err != nil {
		return c, err
	}
	call := breaker.Call{Project: in.Project.ID}
	if c.Current != nil && c.Current.Observed.ProjectID != 0 {
		call = breaker.Call{Project: c.Current.Observed.ProjectID, Issue: true}
	}
	if ok, _, reason := breakers.Allow(call, w.now); !ok {
		c.Broken = reason
	}
	room, err := w.Store.Room(ctx, in.ID, in.Project.ID, w.now.Add(-time.Hour))
	if err != nil {
		return c, err
	}
	if left, why := w.o.Caps.Left(room); left == 0 {
		c.Capped = why
	}
	return c, w.runs(ctx, &c, in)
}

// decide asks the loop's own decision what is to be done about the group.
func (w *asker) decide(ctx context.Context, c *stand.Case, in integration.Integration, have []issue.Tracked) {
	for _, s := range w.steps(ctx, c.Group, in, have) {
		if c.Step.Verb == "" || s.Have == nil || s.Have.Phase != issue.Duplicate {
			c.Step = s
		}
	}
	for i := range have {
		switch have[i].Phase {
		case issue.Intended, issue.InDoubt, issue.Live, issue.Lost:
			c.Current = &have[i]
		}
	}
}

// steps are those under the rules in force, else under the built-in ones.
func (w *asker) steps(ctx context.Context, g rule.Group, in integration.Integration, have []issue.Tracked) []plan.Step {
	if w.o.Ruled != nil {
		if steps, ok := w.o.Ruled(ctx, in, g, have); ok {
			return steps
		}
	}
	g = g.AsOf(w.now)
	p := w.Policy()
	p.OnRoute, p.Recreate = route.Changes(in), w.o.Recreate
	want := issue.Render(g)
	want.Route = rule.Set{}.Route(g, rule.Route{Project: in.Project.ID, Path: in.Project.Path, Reason: "the integration's project"})
	return plan.Decide(p, plan.Case{Now: w.now, Group: g, Want: want, Have: have})
}

// lately is how many of the last runs are looked through for the group.
const lately = 10

// runs finds the runs in which the group has a step.
func (w *asker) runs(ctx context.Context, c *stand.Case, in integration.Integration) error {
	last, err := w.Store.Runs(ctx, lately)
	if err != nil {
		return err
	}
	open, err := w.Store.OpenRuns(ctx, in.ID)
	if err != nil {
		return err
	}
	entries, _, err := lists.New(w.DB.Base(), w.Tenant).Entries(ctx, lists.EntryFilter{Group: c.Group.Key}, lists.Page{Size: lists.Most})
	if err != nil {
		return err
	}
	slices.Reverse(entries) // the oldest first, as a run has them
	for _, r := range append(open, last...) {
		if r.Integration != in.ID {
			continue
		}
		for i, e := range entries {
			if e.Run == r.ID {
				noteEntry(c, r, &entries[i])
			}
		}
	}
	return nil
}

// noteEntry takes in what a run holds of the group; the latest run comes first.
func noteEntry(c *stand.Case, r plan.Run, e *plan.Entry) {
	switch {
	case r.State == plan.Waiting:
		c.HeldBy, c.HeldWhy = r.ID, r.Why
	case r.State == plan.Running && (e.Outcome == plan.Planned || e.Outcome == plan.Intended):
		c.RunsIn = r.ID
	case c.Past == nil && !e.EndedAt.IsZero():
		c.Past = e
	}
}

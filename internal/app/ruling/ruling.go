// Package ruling applies the rules in force to the issues of one integration: it
// finds out which project a route means, compiles templates, and says of each group
// what its issue should be.
//
// What always holds: without a rules file nothing is as if there were rules; a
// route that leads nowhere holds the work, and never sends it elsewhere by guess;
// the same revision rules the same.
package ruling

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/rulebook"
	"cxm/internal/rule/rulebook/pattern"
)

// Projects finds projects.
type Projects interface {
	// Project is that of a path or a number. Errors are *issue.Trouble.
	Project(ctx context.Context, pathOrID string) (integration.Project, error)
}

// Evidence finds out what code says of whose findings are.
type Evidence interface {
	// Gather adds it to what a finding says itself: where its code is, and with owners
	// whom CODEOWNERS and the commits of its file name. Prefix is Yor's. Unused is what
	// could not be made use of, and why; pending says that GitLab is still to be asked.
	Gather(ctx context.Context, f *finding.Finding, prefix string, owners bool) (e owner.Evidence, unused []string, pending bool)
}

// Ruler rules for one integration. It is safe for concurrent use.
type Ruler struct {
	book      *Compiled
	evidence  Evidence // nil: nobody can be asked what code says
	in        integration.Integration
	others    []integration.Integration // all of the installation
	projects  Projects
	clock     func() time.Time
	mu        sync.Mutex
	places    map[string]found // by path or number; guarded by mu
	deciders  *owner.Decider
	campaigns []attention.Campaign
}

// found is what is known of a project for a while.
type found struct {
	project integration.Project
	trouble string
	at      time.Time
}

// How long an answer of GitLab about a project counts: one that was not there may
// be made at any time.
const (
	fresh   = time.Hour
	missing = 2 * time.Minute
)

// New makes a ruler of the rules for an integration.
func New(book *Compiled, in integration.Integration, all []integration.Integration, projects Projects, clock func() time.Time) *Ruler {
	return &Ruler{
		book: book, in: in, others: all, projects: projects, clock: clock, places: map[string]found{},
		deciders: owner.New(book.Ownership().Settings), campaigns: book.Campaigns(),
	}
}

// Asking has the ruler ask what code says of owners, where the rules want to know.
func (r *Ruler) Asking(e Evidence) *Ruler {
	r.evidence = e
	return r
}

// Campaigns are those of the rules.
func (r *Ruler) Campaigns() []attention.Campaign { return r.campaigns }

// Rule implements reconcile.Ruler.
func (r *Ruler) Rule(ctx context.Context, g rule.Group, base reconcile.Ruling) reconcile.Ruling {
	of, known := r.book.Rule(g.Rule)
	if !known {
		return base // ignored, or of rules that are gone: the store assigns it anew
	}
	out := base
	whose, pending := r.owner(ctx, of, g)
	r.route(ctx, &out, of, g, unsure{whose.Triage, pending})
	out.Look = r.book.look(of, g, whose)
	out.Team = out.Look.Team
	_, currency := g.Savings()
	onRoute := out.Policy.OnRoute
	out.Policy = policy(base.Policy, of, currency)
	out.Policy.OnRoute = onRoute
	for _, name := range of.Budget {
		if b, ok := r.book.Budget(name); ok {
			out.Budgets = append(out.Budgets, b)
		}
	}
	out.Given = given(of)
	out.Deaf = deaf(of)
	if g.Parent {
		out = parental(out)
	}
	return out
}

// parental is what holds for an issue that lists others: it asks for no budget, is
// given nothing but that it is confidential, and its list is kept whatever events the
// rule is about.
func parental(r reconcile.Ruling) reconcile.Ruling {
	r.Budgets, r.Given = nil, issue.Given{Confidential: r.Given.Confidential}
	delete(r.Deaf, plan.Update)
	return r
}

// owner is whose the group is: as the rule says, else as the chain finds out.
// Pending says that GitLab is still to be asked, and may say otherwise.
func (r *Ruler) owner(ctx context.Context, of *rulebook.Rule, g rule.Group) (whose owner.Owner, pending bool) {
	if name := of.OwnerOf(g); name != "" {
		return owner.Owner{Candidate: owner.Candidate{Name: name, Kind: owner.Team, Why: "rule " + of.Name + " says so", Confidence: 100}}, false
	}
	if len(r.book.Ownership().Chain) == 0 {
		return owner.Owner{}, false
	}
	lead := g.Lead().Finding
	known, unused, pending := r.gather(ctx, &lead)
	whose = r.deciders.Decide(known)
	whose.Unused = append(whose.Unused, unused...)
	return whose, pending
}

// gather is what is known of a finding: what it says itself, and where the chain asks
// for it, what its code says.
func (r *Ruler) gather(ctx context.Context, f *finding.Finding) (known owner.Evidence, unused []string, pending bool) {
	prefix, code, owners := r.book.code()
	switch {
	case !code:
		return owner.Of(f), nil, false
	case r.evidence != nil:
		return r.evidence.Gather(ctx, f, prefix, owners)
	}
	known = owner.Of(f)
	if known.Place = owner.Yor(f.Tags, prefix); owners {
		unused = []string{"CODEOWNERS and authors: GitLab is not asked here"}
	}
	return known, unused, false
}

// unsure says that nobody is sure enough whose a group is.
type unsure struct {
	triage  bool // it is so
	pending bool // and GitLab is still to be asked what the code says
}

// route fills in where the issue belongs.
func (r *Ruler) route(ctx context.Context, out *reconcile.Ruling, of *rulebook.Rule, g rule.Group, whose unsure) {
	place, err := of.Place(g)
	if err != nil {
		out.Astray = err.Error()
		return
	}
	triage := false
	if whose.triage {
		lead := g.Lead().Finding
		place, triage = r.book.triage(place, &lead)
	}
	if place.Integration != "" && !r.here(place.Integration) {
		out.Away = fmt.Sprintf("rule %s sends it to the integration %s", of.Name, place.Integration)
		return
	}
	if triage && whose.pending {
		out.Astray = "GitLab is still to be asked what its code says of its owner, before somebody has to find out: a later plan does so"
		out.Route = rule.Route{Reason: out.Astray}
		return
	}
	if on := of.Route.OnChange; on != "" {
		out.Policy.OnRoute = on
	}
	if place.Project == 0 && place.Path == "" {
		out.Route.Reason = place.Reason
		return
	}
	name := place.Path
	if place.Project != 0 {
		name = strconv.FormatInt(place.Project, 10)
	}
	p := r.find(ctx, name)
	if p.trouble != "" {
		out.Astray = fmt.Sprintf("rule %s sends it to the project %s, which cannot be used: %s", of.Name, name, p.trouble)
		out.Route = rule.Route{Reason: out.Astray} // an issue there is stays where it is
		return
	}
	out.Route = rule.Route{Project: p.project.ID, Path: p.project.Path, Reason: place.Reason}
}

// here says that the name or number is this integration's. A name is the address
// of an instance or the path of a home project.
func (r *Ruler) here(name string) bool { return Names(r.in, name) }

// Names says that a person means the integration by a name: its number, the
// address of its instance, or the path of its project.
func Names(in integration.Integration, name string) bool {
	bare := func(url string) string { return strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/") }
	return name == strconv.FormatInt(in.ID, 10) || strings.EqualFold(name, in.Project.Path) || strings.EqualFold(bare(name), bare(in.URL))
}

// find asks GitLab for a project, and remembers the answer for a while.
func (r *Ruler) find(ctx context.Context, name string) found {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	if was, ok := r.places[name]; ok {
		lasts := fresh
		if was.trouble != "" {
			lasts = missing
		}
		if now.Sub(was.at).Abs() < lasts {
			return was
		}
	}
	f := found{at: now}
	var err error
	if f.project, err = r.projects.Project(ctx, name); err != nil {
		f.trouble = err.Error()
	}
	r.places[name] = f
	return f
}

// Check lists the projects that the rules name as they are, and that cannot be
// used, with the reason.
func (r *Ruler) Check(ctx context.Context) []string {
	var out []string
	for _, of := range r.book.Rules() {
		for _, name := range []string{literal(of.Route.Project), literal(of.Route.Fallback)} {
			if name == "" || of.Route.Integration != "" && !r.here(of.Route.Integration) {
				continue
			}
			if f := r.find(ctx, name); f.trouble != "" {
				out = append(out, fmt.Sprintf("rule %s (line %d): the project %s cannot be used: %s", of.Name, of.Line, name, f.trouble))
			}
		}
		if name := of.Route.Integration; name != "" && !slices.ContainsFunc(r.others, func(in integration.Integration) bool { return Names(in, name) }) {
			out = append(out, fmt.Sprintf("rule %s (line %d): there is no integration %s: `cxm integration list` shows those there are", of.Name, of.Line, name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// literal is a pattern that is the same for every finding; empty: it is not.
func literal(p pattern.Pattern) string {
	if p.Empty() || !p.Fixed() {
		return ""
	}
	text, err := p.Path(&finding.Finding{})
	if err != nil {
		return ""
	}
	return text
}

// policy is the engine's, where the rule says nothing else.
func policy(p plan.Policy, of *rulebook.Rule, currency string) plan.Policy {
	w := of.Policy
	p.Manual = w.Close == rulebook.Manual
	set(&p.ReopenWindow, w.ReopenWindow)
	set(&p.Growth, w.Growth)
	set(&p.Calm, w.Calm)
	set(&p.Recreate, w.Recreate)
	set(&p.MaxRepeats, w.MaxRepeats)
	p.Thresholds = thresholds(p.Thresholds, of.Thresholds, currency)
	return p
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// given is what the rule gives an issue when it is made.
func given(of *rulebook.Rule) issue.Given {
	out := issue.Given{Assignees: of.Assignees, Milestone: of.Milestone, Due: of.Due, Confidential: of.Confidential, Type: issue.Type(of.IssueType)}
	if of.Weight != nil {
		out.Weight = int64(*of.Weight)
	}
	return out
}

// deaf is what the rule does not act on.
func deaf(of *rulebook.Rule) map[plan.Verb]bool {
	out := map[plan.Verb]bool{}
	for verb, event := range map[plan.Verb]rulebook.Event{
		plan.Create: rulebook.Opened, plan.Update: rulebook.Changed, plan.Close: rulebook.Resolved, plan.Reopen: rulebook.Reopened,
	} {
		if !of.On(event) {
			out[verb] = true
		}
	}
	return out
}

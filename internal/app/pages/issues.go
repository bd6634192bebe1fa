package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/lists"
	"cxm/internal/web/issues"
	"cxm/internal/web/running"
	"cxm/internal/web/site"
)

// issues is the area of the issues.
func (p *pages) issues() site.Area { return issues.New(tracked{p}) }

type tracked struct{ *pages }

// orders are what the list can be ordered by, as its address says it.
func orders(text string) lists.Order {
	switch text {
	case "-saving":
		return lists.ByWorth
	case "title":
		return lists.ByTitle
	}
	return lists.Newest
}

func (p tracked) Issues(r *http.Request, g site.Guest, f issues.Filter) (issues.ListData, error) {
	_, l, err := p.tenant(r, g)
	if err != nil {
		return issues.ListData{}, err
	}
	rows, next, err := l.SearchIssues(r.Context(), lists.IssueSearch{
		IssueFilter: lists.IssueFilter{Integration: f.Integration, Project: f.Project, State: issue.State(f.State), Phase: issue.Phase(f.Phase), Team: f.Team},
		Text:        f.Q, Order: orders(f.Order),
	}, lists.Page{Size: pageOfRuns, After: pointed(f.After)})
	if err != nil {
		return issues.ListData{}, err
	}
	d := issues.ListData{}
	for _, t := range rows {
		d.Rows = append(d.Rows, toIssue(t))
	}
	if !next.Zero() {
		d.Next = fmt.Sprintf("%d~%d~%s", next.ID, next.Worth, next.Key)
	}
	return d, p.choices(r, g, l, &d)
}

// choices fills in what the list can be filtered by.
func (p tracked) choices(r *http.Request, g site.Guest, l *lists.Store, d *issues.ListData) error {
	integrations, _, err := projects(r, g)
	if err != nil {
		return err
	}
	a, err := p.of(r, g)
	if err != nil {
		return err
	}
	for _, in := range integrations {
		d.Integrations = append(d.Integrations, issues.Choice{Value: strconv.FormatInt(in.ID, 10), Text: in.Text})
	}
	teams, places, err := l.Choices(r.Context())
	for _, t := range teams {
		d.Teams = append(d.Teams, issues.Choice{Value: t, Text: t})
	}
	name := naming(r.Context(), a)
	for _, place := range places {
		c := issues.Choice{Value: strconv.FormatInt(place.Project, 10), Text: name(place.Project)}
		if place.Project != 0 && !slices.Contains(d.Projects, c) {
			d.Projects = append(d.Projects, c)
		}
	}
	return err
}

// pointed reads where a page of issues begins. What is no place is the beginning.
func pointed(text string) lists.Cursor {
	parts := strings.SplitN(text, "~", 3)
	if len(parts) != 3 {
		return lists.Cursor{}
	}
	id, err := strconv.ParseInt(parts[0], 10, 64)
	worth, bad := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || bad != nil || id <= 0 {
		return lists.Cursor{}
	}
	return lists.Cursor{ID: id, Worth: worth, Key: strings.ToValidUTF8(strings.ReplaceAll(parts[2], "\x00", ""), "")}
}

func toIssue(t issue.Tracked) issues.Row {
	o := t.Observed
	row := issues.Row{
		ID: t.ID, Title: cmp.Or(o.Title, t.Written.Title), Ref: ref(o), URL: o.WebURL, State: string(o.State), Phase: string(t.Phase), Team: t.Team,
		Saving: t.Written.Savings, Currency: t.Written.Currency, Changed: o.UpdatedAt,
	}
	switch t.Override {
	case issue.Closed:
		row.Decision = "closed by a person"
	case issue.Opened:
		row.Decision = "reopened by a person"
	}
	return row
}

// place is the path of the project that an issue is in, by its address; empty: it has
// none.
func place(o issue.Observed) string {
	u, err := url.Parse(o.WebURL)
	if err != nil || o.WebURL == "" {
		return ""
	}
	path, _, _ := strings.Cut(u.Path, "/-/")
	return strings.Trim(path, "/")
}

func ref(o issue.Observed) string {
	if o.IID == 0 {
		return ""
	}
	return fmt.Sprintf("%s#%d", place(o), o.IID)
}

// shownFindings is how many findings of an issue its page shows.
const shownFindings = 50

func (p tracked) Issue(r *http.Request, g site.Guest, id int64, after string) (issues.IssueData, error) {
	a, l, err := p.tenant(r, g)
	if err != nil {
		return issues.IssueData{}, err
	}
	have, err := a.Store.Issues(r.Context(), []int64{id})
	if err != nil {
		return issues.IssueData{}, err
	}
	t, ok := have[id]
	if !ok {
		return issues.IssueData{}, site.ErrMissing
	}
	_, names, err := projects(r, g)
	if err != nil {
		return issues.IssueData{}, err
	}
	d := issues.IssueData{
		Row: toIssue(t), Integration: cmp.Or(names[t.Integration], "not known any more"), Project: cmp.Or(place(t.Observed), naming(r.Context(), a)(t.Observed.ProjectID)),
		Labels: t.Observed.Labels, Created: t.Observed.CreatedAt, Closed: t.Observed.ClosedAt, Trouble: t.Trouble, First: after == "",
		Theirs: theirs(t, naming(r.Context(), a)),
	}
	for _, who := range t.Observed.Assignees {
		d.Assignees = append(d.Assignees, "@"+who.Username)
	}
	switch t.Override {
	case issue.Closed:
		d.Means = "A person closed it. cxm leaves it closed, until its saving doubles or its severity rises."
	case issue.Opened:
		d.Means = "A person reopened it. cxm leaves it open: it is theirs to close."
	}
	if err := grouped(r.Context(), a, l, t, &d); err != nil {
		return d, err
	}
	return d, history(r.Context(), l, t, after, &d)
}

// theirs is what people changed and cxm leaves to them.
func theirs(t issue.Tracked, name func(int64) string) []string {
	var out []string
	o, w := t.Observed, t.Written
	if t.Phase != issue.Live {
		return nil
	}
	if project := t.Relocated(); project != 0 {
		out = append(out, "They moved it to "+name(project)+". It stays there, whatever the rules say.")
	}
	if who := t.Reassigned(); len(who) > 0 {
		var names []string
		for _, each := range who {
			names = append(names, "@"+each.Username)
		}
		out = append(out, "They gave it to "+strings.Join(names, ", ")+". cxm sets an assignee once, and leaves it to them.")
	}
	if w.Title != "" && o.Title != w.Title {
		out = append(out, fmt.Sprintf("They changed the title. cxm had written %q, and leaves theirs.", w.Title))
	}
	var gone []string
	for _, label := range w.Labels {
		if !slices.Contains(o.Labels, label) {
			gone = append(gone, label)
		}
	}
	if len(gone) > 0 {
		out = append(out, "They took labels away that cxm had set: "+strings.Join(gone, ", ")+". They are not put back.")
	}
	if own(&t, o.Description) == "" && w.Block != "" {
		out = append(out, "They removed cxm's block from the description. cxm leaves the description to them.")
	}
	return out
}

// grouped adds the findings that an issue stands for, and the issues that belong to it.
func grouped(ctx context.Context, a *app.App, l *lists.Store, t issue.Tracked, d *issues.IssueData) error {
	g, have, err := a.Store.Group(ctx, t.Group)
	if errors.Is(err, store.ErrNotFound) {
		return nil // its group is gone
	}
	if err != nil {
		return err
	}
	d.Why, d.All = g.Ignored, len(g.Members)+len(g.Aside)
	d.Findings = append(members(g.Members, false), members(g.Aside, true)...)
	if g.Shelved { // they are among the members then
		d.All, d.Findings = len(g.Members), members(g.Members, true)
	}
	d.Findings = d.Findings[:min(len(d.Findings), shownFindings)]
	for _, other := range have {
		if other.ID != t.ID && other.Integration == t.Integration && other.Phase != issue.Dropped {
			d.Others = append(d.Others, toIssue(other))
		}
	}
	for _, c := range g.Children[:min(len(g.Children), shownFindings)] {
		if err := speak(ctx, a, t.Integration, c.Group, &d.Children); err != nil {
			return err
		}
	}
	over, err := l.Parents(ctx, t.Group)
	for _, key := range over {
		if err := speak(ctx, a, t.Integration, key, &d.Parents); err != nil {
			return err
		}
	}
	return err
}

// speak adds the issue that speaks for a group.
func speak(ctx context.Context, a *app.App, integration int64, group rule.GroupKey, to *[]issues.Row) error {
	_, have, err := a.Store.Group(ctx, group)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	for _, t := range have {
		if t.Integration == integration && (t.Phase == issue.Live || t.Phase == issue.Lost) {
			*to = append(*to, toIssue(t))
			return nil
		}
	}
	return err
}

func members(all []rule.Member, aside bool) []issues.Finding {
	var out []issues.Finding
	for _, m := range all {
		f := m.Finding
		out = append(out, issues.Finding{
			Key: string(f.FindingKey), Title: f.Title, Resource: cmp.Or(f.ResourceName, f.ResourceID), Detection: string(cmp.Or(m.Sighting.Detection, finding.Unknown)),
			Saving: f.EstimatedMonthlySavings, Currency: f.BillingCurrency, Aside: aside,
		})
	}
	return out
}

// history adds a page of what cxm did about the issue, in words.
func history(ctx context.Context, l *lists.Store, t issue.Tracked, after string, d *issues.IssueData) error {
	page := lists.Page{Size: pageOfRuns}
	if n, err := strconv.ParseInt(after, 10, 64); err == nil && n > 0 {
		page.After.ID = n
	}
	all, next, err := l.Entries(ctx, lists.EntryFilter{Group: t.Group}, page)
	if err != nil {
		return err
	}
	approved := map[int64]string{}
	for _, e := range all {
		if e.Issue != t.ID && e.Issue != 0 { // it is about an earlier one of the group
			continue
		}
		if _, known := approved[e.Run]; !known {
			run, err := l.Run(ctx, e.Run)
			if err != nil {
				return err
			}
			approved[e.Run] = run.ApprovedBy
		}
		w := running.NewRow(toEntry(e))
		d.History = append(d.History, issues.Wrote{
			Run: e.Run, Step: e.ID, Verb: e.Verb.Word(), Reason: w.Reason, Outcome: string(e.Outcome), Trouble: e.Trouble, Sent: e.Summary, At: w.At, ApprovedBy: approved[e.Run],
		})
	}
	if !next.Zero() {
		d.Next = strconv.FormatInt(next.ID, 10)
	}
	return nil
}

package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/board"
	"cxm/internal/store/lists"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Bounds of what the page of a finding shows.
const (
	mostClaims  = 20 // of its resource
	mostMembers = 20 // of its group
	mostEntries = 40 // of the journal
	mostEvents  = 30
	mostPulls   = 3
	mostSaid    = 10 // decisions
)

// absent is an error as the site knows it.
func absent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return site.ErrMissing
	}
	return err
}

func issueLink(id, iid int64) ui.Link {
	text := "made soon"
	if iid != 0 {
		text = "#" + strconv.FormatInt(iid, 10)
	}
	return ui.Link{Text: text, URL: "/issues/" + strconv.FormatInt(id, 10)}
}

// about is what is read of one finding.
type about struct {
	app    *app.App
	lists  *lists.Store
	found  lists.Finding
	survey *board.Snapshot
	group  rule.Group
	issues []issue.Tracked
	said   []finding.Decided // the latest first
}

// Finding implements site.Findings.
func (p *Pages) Finding(ctx context.Context, g site.Guest, key string) (page.FindingData, error) {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return page.FindingData{}, err
	}
	k, err := finding.ParseKey(key)
	if err != nil {
		return page.FindingData{}, site.ErrMissing
	}
	of := about{app: a, lists: lists.New(a.DB.Base(), a.Tenant)}
	if of.found, err = of.lists.Finding(ctx, k); err != nil {
		return page.FindingData{}, absent(err)
	}
	if of.survey, err = a.Survey(ctx); err != nil {
		return page.FindingData{}, err
	}
	if of.group, of.issues, err = a.Store.Group(ctx, of.found.Group); err != nil {
		return page.FindingData{}, err
	}
	said, err := a.FindingDecisions(ctx, k, 0, mostSaid)
	for _, d := range said {
		of.said = append(of.said, d.Decided)
	}
	if err != nil {
		return page.FindingData{}, err
	}
	return of.data(ctx, g)
}

func (a *about) data(ctx context.Context, g site.Guest) (page.FindingData, error) {
	f := a.found.Finding
	r, at := a.row()
	d := page.FindingData{Row: row(a.found.Member, r, at), Text: strings.TrimSpace(f.Description + "\n" + f.Remediation), Resource: facts(a.found, r)}
	if len(a.said) > 0 && r.State.Decision != finding.Undecided {
		d.Reason, d.Expires = a.said[0].Reason, a.said[0].Until
	}
	stands, err := g.API.Findings.Why(ctx, string(f.FindingKey))
	if err != nil {
		return d, err
	}
	entries, _, err := a.lists.Entries(ctx, lists.EntryFilter{Group: a.found.Group}, lists.Page{Size: mostEntries})
	if err != nil {
		return d, err
	}
	d.Stand = standing(stands, d.Row, ways{string(f.FindingKey), holding(entries), g.May})
	if d.Claims, err = a.claims(ctx); err != nil {
		return d, err
	}
	d.Group, d.Others = a.members(), max(0, len(a.group.Members)-1)
	d.History, err = a.history(ctx, entries)
	d.Events = len(d.History)
	d.History = d.History[:min(len(d.History), mostEvents)]
	return d, err
}

// row is the finding as it is now, which the survey may not know yet.
func (a *about) row() (board.Row, lists.Brief) {
	f := a.found.Finding
	r, known := a.survey.Row(a.found.ID)
	if !known {
		r = board.Row{ID: a.found.ID, Account: cmp.Or(f.SubAccountName, f.SubAccountID), AccountID: f.SubAccountID, Service: f.ServiceName, Seen: f.LastObservedAt}
	}
	r.State = finding.State{Detection: a.found.Sighting.Detection, Decision: finding.Undecided, Work: cmp.Or(r.State.Work, finding.NoWork), Savings: finding.Estimated}
	if len(a.said) > 0 {
		r.State.Decision = a.said[0].Now(a.app.Clock())
	}
	if t, work := speaks(a.issues); t != nil {
		r.State.Work = work
		return r, lists.Brief{ID: t.ID, IID: t.Observed.IID, URL: t.Observed.WebURL}
	}
	return r, lists.Brief{}
}

// speaks is the issue that speaks for a group, and how far the work on it has come.
func speaks(all []issue.Tracked) (of *issue.Tracked, work finding.Work) {
	for i := range all {
		switch t := &all[i]; t.Phase {
		case issue.Live, issue.Lost:
			of = t
		case issue.Retired:
			if of == nil {
				of = t
			}
		}
	}
	switch {
	case of == nil || of.Phase == issue.Retired:
		return of, finding.NoWork
	case of.Observed.State == issue.Opened:
		return of, finding.IssueOpen
	case of.Override == issue.Closed:
		return of, finding.ClosedByPerson
	}
	return of, finding.NoWork
}

func facts(l lists.Finding, r board.Row) []ui.Fact {
	f := l.Finding
	out := []ui.Fact{}
	add := func(name, text string) {
		if text != "" {
			out = append(out, ui.Fact{Name: name, Text: text})
		}
	}
	if r.AccountID != r.Account {
		add("Account number", r.AccountID)
	}
	add("Region", f.RegionID)
	add("Service", f.ServiceName)
	add("Type", f.ResourceType)
	if f.ResourceName != "" {
		add("Resource number", f.ResourceID)
	}
	add("Severity", severity(f.SeverityID))
	add("Action", f.ActionType)
	add("Effort", f.ImplementationEffort)
	add("Restart needed", yes(f.RestartNeeded))
	add("Can be undone", yes(f.RollbackPossible))
	for _, key := range sortedTags(f.Tags) {
		add("Tag "+key, f.Tags[key])
	}
	if strings.HasPrefix(f.SourceURL, "https://") || strings.HasPrefix(f.SourceURL, "http://") {
		out = append(out, ui.Fact{Name: "At the source", Text: "Read more there", URL: f.SourceURL})
	}
	return out
}

// mostTags is how many tags of a resource are shown.
const mostTags = 12

func sortedTags(tags map[string]string) []string {
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys[:min(len(keys), mostTags)]
}

func severity(s finding.Severity) string {
	if s == finding.SeverityUnknown {
		return ""
	}
	return s.String()
}

func yes(is *bool) string {
	switch {
	case is == nil:
		return ""
	case *is:
		return "yes"
	}
	return "no"
}

// standing is where it stands in the integration that has an issue of it, or else in
// the first.
func standing(all []api.Stand, r page.FindingRow, w ways) page.Stand {
	if len(all) == 0 {
		return page.Stand{Answer: "Nothing is known of its way to an issue.", Mend: "Run `cxm doctor`.", Way: ui.Link{Text: "See how cxm is", URL: "/settings/status"}}
	}
	s := all[0]
	if i := slices.IndexFunc(all, func(s api.Stand) bool { return s.IssueURL != nil }); i >= 0 {
		s = all[i]
	}
	out := page.Stand{Path: s.Path, Answer: sentence(s.Answer), Settled: s.Mend == nil, Page: r.Issue.URL, Way: w.of(s)}
	if s.Mend != nil {
		out.Mend = sentence(*s.Mend)
	}
	if s.IssueURL != nil {
		out.URL = *s.IssueURL
	}
	return out
}

// sentence is a text as a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// claims is what each source says about the resource.
func (a *about) claims(ctx context.Context) ([]page.Claim, error) {
	rows := a.survey.Claims(a.found.ID, mostClaims)
	if len(rows) == 0 {
		rows = []board.Row{{ID: a.found.ID, Source: a.found.Source, Seen: a.found.Finding.LastObservedAt}}
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	found, err := a.lists.Named(ctx, ids)
	var out []page.Claim
	for _, r := range rows {
		l, ok := found[r.ID]
		if !ok {
			continue
		}
		c := page.Claim{Source: r.Source, Text: l.Finding.Title, Saving: l.Finding.EstimatedMonthlySavings, Currency: l.Finding.BillingCurrency, Seen: r.Seen, Detection: l.Sighting.Detection}
		if r.ID != a.found.ID {
			c.Key = string(l.Finding.FindingKey)
		}
		out = append(out, c)
	}
	return out, err
}

// members are the others of its group.
func (a *about) members() []page.FindingRow {
	var out []page.FindingRow
	_, work := speaks(a.issues)
	for _, m := range a.group.Members {
		if m.Finding.FindingKey == a.found.Finding.FindingKey || len(out) == mostMembers {
			continue
		}
		f := m.Finding
		out = append(out, page.FindingRow{
			Key: string(f.FindingKey), Title: f.Title, Resource: cmp.Or(f.ResourceName, f.ResourceID), Saving: f.EstimatedMonthlySavings, Currency: f.BillingCurrency,
			State: finding.State{Detection: m.Sighting.Detection, Decision: m.Decided.Now(a.app.Clock()), Work: work, Savings: finding.Estimated},
		})
	}
	return out
}

// history is everything that happened, the latest first. The entries are those of the
// journal about its group.
func (a *about) history(ctx context.Context, entries []plan.Entry) ([]ui.Event, error) {
	var out []ui.Event
	if s := a.found.Sighting; !s.Since.IsZero() {
		out = append(out, detected(s))
	}
	if at := a.found.Finding.FirstObservedAt; !at.IsZero() {
		out = append(out, ui.Event{At: at, Text: "It began", Detail: "as its source says", Who: a.found.Source, Tone: ui.Neutral})
	}
	for _, d := range a.said {
		out = append(out, decision(d))
	}
	for i := range a.issues {
		out = append(out, people(&a.issues[i])...)
	}
	for _, e := range entries {
		out = append(out, entry(e))
	}
	pulls, _, err := a.lists.Pulls(ctx, a.found.Source, a.found.Scope, lists.Page{Size: mostPulls})
	for _, p := range pulls {
		out = append(out, delivered(p))
	}
	slices.SortStableFunc(out, func(x, y ui.Event) int { return y.At.Compare(x.At) })
	return out, err
}

func detected(s finding.Sighting) ui.Event {
	e := ui.Event{At: s.Since, Tone: ui.Neutral}
	switch s.Detection {
	case finding.Present:
		e.Text, e.Detail = "Reported", "since then it is there"
	case finding.Absent:
		e.Text, e.Detail, e.Tone = "Proved gone", "its source does not report it any more", ui.Good
	default:
		e.Text, e.Detail, e.Tone = "Not known any more", "its source does not say whether it is there", ui.Warn
	}
	return e
}

func decision(d finding.Decided) ui.Event {
	text := sentence(d.Word())
	text = text[:len(text)-1]
	if !d.Until.IsZero() {
		text += " until " + finding.Day(d.Until)
	}
	if d.Decision == finding.Undecided {
		text = "The decision was taken back"
	}
	return ui.Event{At: d.At, Text: text, Detail: d.Reason, Who: d.By, Tone: ui.Info}
}

// people is what they did with an issue against what cxm wrote.
func people(t *issue.Tracked) []ui.Event {
	name := "issue " + strconv.FormatInt(t.Observed.IID, 10)
	if t.Observed.IID != 0 {
		name = "issue #" + strconv.FormatInt(t.Observed.IID, 10)
	}
	page := issueLink(t.ID, t.Observed.IID).URL
	switch {
	case t.Override == issue.Closed && !t.Observed.ClosedAt.IsZero():
		return []ui.Event{{At: t.Observed.ClosedAt, Text: "A person closed " + name, Detail: "it stays closed until the saving doubles or the severity rises", URL: page, Tone: ui.Info}}
	case t.Override == issue.Opened:
		return []ui.Event{{At: t.Observed.UpdatedAt, Text: "A person reopened " + name, Detail: "it stays open, and is theirs to close", URL: page, Tone: ui.Info}}
	}
	return nil
}

// said is what a step does, as it is told when it is to be done and when it was.
func said(v plan.Verb) (todo, done string) {
	switch v {
	case plan.Create:
		return "make the issue", "The issue was made"
	case plan.Close:
		return "close the issue", "The issue was closed"
	case plan.Reopen:
		return "reopen the issue", "The issue was reopened"
	case plan.Move:
		return "move the issue", "The issue was moved"
	}
	return "update the issue", "The issue was updated"
}

// entry is an entry of the journal in words.
func entry(e plan.Entry) ui.Event {
	at := e.EndedAt
	if at.IsZero() {
		at = e.WroteAt
	}
	todo, done := said(e.Verb)
	out := ui.Event{At: at, Who: fmt.Sprintf("cxm, run %d", e.Run), URL: fmt.Sprintf("/runs/%d", e.Run), Detail: e.Reason, Tone: ui.Neutral}
	switch e.Outcome {
	case plan.Done:
		out.Text, out.Tone = done, ui.Good
	case plan.Adopted:
		out.Text, out.Detail = done, "its answer was lost, and it was found to have been done"
	case plan.Failed:
		out.Text, out.Detail, out.Tone = "GitLab refused to "+todo, e.Trouble, ui.Bad
	case plan.Skipped:
		out.Text, out.Detail, out.Tone = "cxm did not "+todo, cmp.Or(e.Trouble, e.Reason), ui.Warn
	case plan.Dropped:
		out.Text, out.Detail, out.Tone = "It was proved that GitLab did not "+todo, "cxm tries again", ui.Warn
	case plan.InDoubt:
		out.Text, out.Detail, out.Tone = "It is not known whether GitLab did "+todo, e.Trouble, ui.Warn
	default:
		out.Text = "cxm is to " + todo
	}
	return out
}

// delivered is what its source delivered, in words.
func delivered(p finding.Pull) ui.Event {
	out := ui.Event{At: p.ReceivedAt, Text: "Delivered complete", Who: p.Source, Tone: ui.Neutral}
	if !p.Complete {
		out.Text, out.Tone = "Delivered, and not complete", ui.Warn
	}
	var parts []string
	for _, n := range []struct {
		n    int
		what string
	}{{p.New, "new"}, {p.Changed, "changed"}, {p.Unchanged, "as before"}, {p.Absent, "gone"}, {p.Missing, "missing"}, {p.Skipped, "left out"}} {
		if n.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.n, n.what))
		}
	}
	out.Detail = "scope " + p.Scope + ": " + cmp.Or(strings.Join(parts, ", "), "nothing")
	if len(p.Reasons) > 0 {
		out.Detail += "; " + p.Reasons[0]
	}
	return out
}

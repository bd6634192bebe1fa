package issues

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Finding is one of those that an issue stands for.
type Finding struct {
	Key, Title, Resource, Detection string
	Saving                          decimal.NullDecimal
	Currency                        string
	Aside                           bool // people set it aside
}

// Wrote is something that cxm did to the issue.
type Wrote struct {
	Run, Step  int64
	Verb       string
	Reason     string
	Outcome    string
	Trouble    string
	Sent       string
	At         time.Time
	ApprovedBy string
}

// IssueData is what the page of an issue is made from.
type IssueData struct {
	Row         Row
	Integration string
	Project     string // where it is
	Labels      []string
	Assignees   []string
	Created     time.Time
	Closed      time.Time
	Trouble     string // why the last step on it failed
	Means       string // what cxm does because of what people decided
	Theirs      []string
	Findings    []Finding
	All         int    // findings that it stands for
	Why         string // no rule makes an issue of it any more; empty: one does
	Others      []Row  // of the same group: earlier ones, duplicates
	Parents     []Row
	Children    []Row
	History     []Wrote // the latest first
	Next        string
	First       bool // the history begins at its latest line
}

// Issue is one issue and everything that is known of it.
type Issue struct {
	Facts    []ui.Fact
	Notices  []ui.Notice
	Means    string
	Theirs   []string
	Findings ui.Table
	More     string
	Related  []Related
	History  []ui.Event
	Older    string
	Latest   string
}

// Related are issues that belong to it.
type Related struct {
	ID, Title string
	Table     ui.Table
}

// Template is the template's name.
func (Issue) Template() string { return "issues-issue" }

// NewIssue is the page.
func NewIssue(d IssueData) Issue {
	base := fmt.Sprintf("%s/%d", listAt, d.Row.ID)
	out := Issue{Facts: facts(d), Theirs: d.Theirs, Means: d.Means, Findings: findings(d.Findings)}
	if d.Trouble != "" {
		out.Notices = append(out.Notices, ui.Notice{Text: "The last step on it failed: " + d.Trouble, Tone: ui.Bad})
	}
	switch d.Row.Phase {
	case "lost":
		out.Notices = append(out.Notices, ui.Notice{Text: "GitLab does not show it to cxm any more: it was deleted or moved out of sight, or the account lost its role. cxm keeps its place and makes no second one.", Tone: ui.Warn})
	case "in doubt":
		out.Notices = append(out.Notices, ui.Notice{Text: "GitLab's answer was lost when it was made. cxm looks for it before it does anything else.", Tone: ui.Warn})
	case "duplicate":
		out.Notices = append(out.Notices, ui.Notice{Text: "Another issue speaks for the same findings. cxm closes this one.", Tone: ui.Warn})
	}
	if d.Why != "" {
		out.Notices = append(out.Notices, ui.Notice{Text: "No rule makes an issue of it now: " + d.Why + ".", Tone: ui.Neutral})
	}
	if n := d.All - len(d.Findings); n > 0 {
		out.More = "And " + counted(n, "more finding.", "more findings.")
	}
	for _, r := range []struct {
		id, title string
		rows      []Row
	}{{"parents", "Is listed in", d.Parents}, {"children", "Lists", d.Children}, {"others", "Earlier issues and duplicates", d.Others}} {
		if len(r.rows) > 0 {
			out.Related = append(out.Related, Related{ID: r.id, Title: r.title, Table: related(r.title, r.rows)})
		}
	}
	for _, w := range d.History {
		out.History = append(out.History, event(w))
	}
	if d.Next != "" {
		out.Older = base + "?" + url.Values{"after": {d.Next}}.Encode()
	}
	if !d.First {
		out.Latest = base
	}
	return out
}

func facts(d IssueData) []ui.Fact {
	r := d.Row
	saving := ui.Money(r.Saving, r.Currency)
	text := saving.Number
	if r.Saving.Valid {
		text += " " + saving.Unit + " a month"
	}
	out := []ui.Fact{{Name: "Estimated saving", Text: text}}
	if r.URL != "" {
		out = append(out, ui.Fact{Name: "In GitLab", Text: r.Ref, URL: r.URL})
	} else {
		out = append(out, ui.Fact{Name: "In GitLab", Text: "not there yet"})
	}
	out = append(out, ui.Fact{Name: "Project", Text: d.Project}, ui.Fact{Name: "Integration", Text: d.Integration}, ui.Fact{Name: "Team", Text: first(r.Team, "no team")},
		ui.Fact{Name: "Labels", Text: first(strings.Join(d.Labels, ", "), "none")}, ui.Fact{Name: "Assigned to", Text: first(strings.Join(d.Assignees, ", "), "nobody")})
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"Created", d.Created}, {"Last changed", r.Changed}, {"Closed", d.Closed}} {
		if !t.at.IsZero() {
			out = append(out, ui.Fact{Name: t.name, Time: t.at})
		}
	}
	return out
}

func findings(all []Finding) ui.Table {
	t := ui.Table{Caption: "Findings that the issue stands for", Columns: []ui.Column{{Label: "Finding"}, {Label: "Detection"}, {Label: "Saving a month", Number: true}}}
	for _, f := range all {
		saving := ui.Money(f.Saving, f.Currency)
		badge := ui.Badge{Text: f.Detection, Tone: ui.Neutral}
		if f.Aside {
			badge = ui.Badge{Text: "set aside", Tone: ui.Info}
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: f.Title, Sub: f.Resource, URL: "/findings/" + url.PathEscape(f.Key)}, {Badges: []ui.Badge{badge}}, {Text: saving.Number, Unit: saving.Unit}})
	}
	return t
}

func related(caption string, all []Row) ui.Table {
	t := ui.Table{Caption: caption, Columns: []ui.Column{{Label: "Issue"}, {Label: "State"}, {Label: "In GitLab"}}}
	for _, r := range all {
		t.Rows = append(t.Rows, []ui.Cell{{Text: first(r.Title, "not made yet"), URL: fmt.Sprintf("%s/%d", listAt, r.ID)}, {Badges: Badges(r)}, {Text: first(r.Ref, "not there yet"), URL: r.URL}})
	}
	return t
}

// event is a line of the journal in words.
func event(w Wrote) ui.Event {
	e := ui.Event{At: w.At, Who: fmt.Sprintf("cxm, run %d", w.Run), URL: fmt.Sprintf("/runs/%d/steps/%d", w.Run, w.Step), Detail: w.Reason, Tone: ui.Good}
	if w.ApprovedBy != "" {
		e.Who += ", approved by " + w.ApprovedBy
	}
	deed := map[string]string{"create": "made the issue", "update": "changed the issue", "close": "closed the issue", "reopen": "reopened the issue", "move": "moved the issue"}[w.Verb]
	if deed == "" {
		deed = w.Verb
	}
	switch w.Outcome {
	case "done", "adopted":
		e.Text = "cxm " + deed
		if w.Sent != "" && w.Verb == "update" {
			e.Text += ": " + w.Sent
		}
	case "failed":
		e.Text, e.Tone, e.Detail = "It failed that cxm "+deed, ui.Bad, w.Trouble
	case "in doubt":
		e.Text, e.Tone, e.Detail = "It is in doubt whether cxm "+deed, ui.Warn, w.Trouble
	case "planned":
		e.Text, e.Tone = "It is planned that cxm "+strings.NewReplacer("made", "makes", "changed", "changes", "closed", "closes", "reopened", "reopens", "moved", "moves").Replace(deed), ui.Info
	case "intended":
		e.Text, e.Tone = "It is being sent that cxm "+deed, ui.Info
	default:
		e.Text, e.Tone = "It was left out that cxm "+deed, ui.Neutral
		if w.Trouble != "" {
			e.Detail = w.Trouble
		}
	}
	return e
}

// IssueShell is what stands around the page of an issue.
func IssueShell(shell *ui.Shell, d IssueData) {
	badge := Badges(d.Row)[0]
	shell.Title, shell.Badge = first(d.Row.Title, "An issue that is not made yet"), &badge
	if d.Row.URL != "" {
		shell.Actions = []ui.Action{{Text: "Open in GitLab", URL: d.Row.URL}}
	}
}

func (a *area) issue(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	id, ok := parse(r.PathValue("id"))
	if !ok {
		return nil, site.ErrMissing
	}
	d, err := a.all.Issue(r, g, id, r.URL.Query().Get("after"))
	if err != nil {
		return nil, err
	}
	IssueShell(shell, d)
	return NewIssue(d), nil
}

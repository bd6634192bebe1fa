package log

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/integration/check"
	"cxm/internal/money"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Health is how cxm is for a tenant.
type Health struct {
	At          time.Time
	Troubles    []Trouble
	Deliveries  int    // accepted, and not taken in yet
	Refused     int    // that could not be taken in
	Approvals   int    // runs that a brake holds
	Jobs        []Wait // kinds of jobs of which one waits, those of the whole installation
	LastRun     Ended  // ID 0: there was none
	Connections []Connection
	Scopes      []Scope
	Limits      []ui.Fact
	Versions    []ui.Fact
}

// Trouble is what needs somebody, and what to do about it.
type Trouble struct {
	Text string
	Tone ui.Tone
	Next ui.Link // empty: Text says it
}

// Wait is a kind of job, and how long the oldest of them has waited.
type Wait struct {
	Kind  string
	Since time.Duration
}

// Ended is a run that is over.
type Ended struct {
	ID                           int64
	At                           time.Time
	Steps, Done, Failed, Skipped int
}

// Connection is an integration and its token.
type Connection struct {
	ID        int64
	Name      string // its repository
	URL       string
	State     string    // of the token: active, or why it cannot be used
	ExpiresAt time.Time // zero: never
}

// Scope is what was delivered last into a scope.
type Scope struct {
	Source, Name string
	At           time.Time
	Complete     bool
	WholeAt      time.Time // the last complete one; zero: there was none
}

// Status is the page.
type Status struct {
	Summary     page.Summary
	Troubles    []Trouble
	Figures     []ui.Figure
	Jobs        []ui.Fact
	Connections ui.Table
	Scopes      ui.Table
	Limits      []ui.Fact
	Versions    []ui.Fact
	At          time.Time
	Run         *ui.Action // runs the checks; nil: the role does not allow it, or there is nothing to check
	Checked     []Checked
}

// Template is the template's name.
func (Status) Template() string { return "log-status" }

// Checked are the checks of one connection.
type Checked struct {
	Name    string
	ID      int64
	Summary page.Summary
	Wrong   []ui.Check
	Fine    int // that ended well
	Skipped int // that could not be run
}

// NewStatus is the page. May says that the guest may run the checks.
func NewStatus(h Health, may bool, checked []Checked) Status {
	p := Status{At: h.At, Troubles: h.Troubles, Limits: h.Limits, Versions: h.Versions, Checked: checked}
	slices.SortStableFunc(p.Troubles, func(a, b Trouble) int { return gravity(a.Tone) - gravity(b.Tone) })
	switch n := len(h.Troubles); {
	case n == 0:
		p.Summary = page.Summary{Text: "Nothing needs anybody.", Tone: ui.Good}
	case h.Troubles[0].Tone == ui.Bad:
		p.Summary = page.Summary{Text: counted(n, "thing needs", "things need") + " somebody.", Tone: ui.Bad}
	default:
		p.Summary = page.Summary{Text: counted(n, "thing needs", "things need") + " somebody.", Tone: ui.Warn}
	}
	p.Figures = figures(h)
	for _, j := range h.Jobs {
		p.Jobs = append(p.Jobs, ui.Fact{Name: j.Kind, Text: "the oldest has waited " + length(j.Since)})
	}
	p.Connections, p.Scopes = connections(h), scopes(h)
	if may && len(h.Connections) > 0 {
		p.Run = &ui.Action{Text: "Run the checks", URL: statusAt, Post: true, Kind: "primary"}
		if checked != nil {
			p.Run.Text, p.Run.Kind = "Run the checks again", ""
		}
	}
	return p
}

func gravity(t ui.Tone) int {
	return slices.Index([]ui.Tone{ui.Bad, ui.Warn, ui.Info, ui.Neutral, ui.Good}, t)
}

func figures(h Health) []ui.Figure {
	figure := func(label, url string, n int, tone ui.Tone) ui.Figure {
		f := ui.Figure{Label: label, URL: url, Quantities: []ui.Quantity{{Number: grouped(int64(n))}}}
		if n > 0 {
			f.Tone = tone
		}
		return f
	}
	oldest := time.Duration(0)
	for _, j := range h.Jobs {
		oldest = max(oldest, j.Since)
	}
	waited := ui.Figure{Label: "Oldest job waits", Quantities: []ui.Quantity{{Number: "none waits"}}}
	if len(h.Jobs) > 0 {
		waited.Quantities = []ui.Quantity{{Number: length(oldest)}}
		if oldest > 10*time.Minute {
			waited.Tone, waited.Note = ui.Warn, "Is cxm serve, or cxm run, at work?"
		}
	}
	return []ui.Figure{
		figure("Deliveries waiting", sourcesAt, h.Deliveries, ui.Neutral), figure("Deliveries refused", sourcesAt, h.Refused, ui.Bad),
		figure("Runs to approve", "/runs", h.Approvals, ui.Warn), waited,
	}
}

const sourcesAt = "/settings/sources"

func connections(h Health) ui.Table {
	t := ui.Table{Caption: "Connections", Columns: []ui.Column{{Label: "Repository"}, {Label: "Token"}, {Label: "Expires"}}}
	for _, c := range h.Connections {
		state := ui.Badge{Text: c.State, Tone: ui.Good}
		if c.State != "active" {
			state.Tone = ui.Bad
		}
		expires := ui.Cell{Text: "never"}
		if !c.ExpiresAt.IsZero() {
			expires = ui.Cell{Time: c.ExpiresAt}
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: c.Name, URL: fmt.Sprintf("/settings/integrations/%d", c.ID), Sub: c.URL}, {Badges: []ui.Badge{state}}, expires})
	}
	return t
}

func scopes(h Health) ui.Table {
	t := ui.Table{Caption: "What was delivered last", Columns: []ui.Column{{Label: "Source"}, {Label: "Last delivery"}, {Label: "Last complete one"}}}
	for _, s := range h.Scopes {
		last, whole := ui.Cell{Time: s.At}, ui.Cell{Text: "none yet"}
		if !s.Complete {
			last.Sub = "not complete"
		}
		if !s.WholeAt.IsZero() {
			whole = ui.Cell{Time: s.WholeAt}
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: s.Source, Sub: "scope " + s.Name}, last, whole})
	}
	return t
}

// grouped is a number with its thousands grouped.
func grouped(n int64) string {
	number, _, _ := strings.Cut(money.Show(decimal.NewFromInt(n), ""), ".")
	return number
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(int64(n)) + " " + many
}

// length is a length of time in words.
func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func (a *area) status(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	h, err := a.Healths.Health(r.Context(), g)
	return NewStatus(h, g.May(role.Plan), nil), err
}

// longest bounds how long the checks may take together.
const longest = 90 * time.Second

// check runs the checks of all connections, and shows them.
func (a *area) check(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	h, err := a.Healths.Health(r.Context(), g)
	if err != nil {
		return site.Answer{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	checked := []Checked{}
	for _, c := range h.Connections {
		results, err := a.Healths.Test(ctx, g, c.ID)
		checked = append(checked, NewChecked(c, results, err))
	}
	return site.Answer{Status: http.StatusOK, Page: NewStatus(h, true, checked)}, nil
}

// NewChecked is how the checks of a connection ended. The error says that they could
// not be run.
func NewChecked(c Connection, results []check.Result, err error) Checked {
	out := Checked{Name: c.Name, ID: c.ID}
	if err != nil {
		out.Summary = page.Summary{Text: "The checks did not come to an end: the log says why.", Tone: ui.Bad}
		return out
	}
	failed := 0
	for _, r := range results {
		shown := ui.Check{Name: fmt.Sprintf("%d-%s", c.ID, r.Name), Asks: r.Asks, Outcome: string(r.Outcome), Evidence: r.Evidence, Cause: r.Cause, Mend: page.Mended(r.Mend, c.ID)}
		switch r.Outcome {
		case check.OK:
			out.Fine++
		case check.NotChecked:
			out.Skipped++
		case check.Failed:
			out.Wrong = slices.Insert(out.Wrong, failed, shown)
			failed++
		default:
			out.Wrong = append(out.Wrong, shown)
		}
	}
	switch warned := len(out.Wrong) - failed; {
	case failed > 0:
		out.Summary = page.Summary{Text: counted(failed, "check failed", "checks failed") + ": cxm cannot do its work until that is mended.", Tone: ui.Bad}
	case warned > 0:
		out.Summary = page.Summary{Text: "The connection works, with " + counted(warned, "warning", "warnings") + ".", Tone: ui.Warn}
	default:
		out.Summary = page.Summary{Text: "The connection works.", Tone: ui.Good}
	}
	return out
}

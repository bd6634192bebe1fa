package running

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// The states of a plan that is looked at.
const (
	NoPlan   = ""
	Making   = "making"
	Made     = "made"
	Applying = "applying"
	Applied  = "applied"
	Broken   = "broken" // it could not be made, or carried out
)

// pageSize is how many steps of one kind are shown at once.
const pageSize = 50

// Change is a step of a plan.
type Change struct {
	Verb     string // create, update, close, reopen or move
	Reason   string
	Title    string
	Saving   decimal.NullDecimal
	Currency string
	Issue    int64  // cxm's own number; 0: it is made
	Ref      string // of the issue in GitLab: "#12"; empty: there is none yet
	URL      string
	Where    string // the project it writes to, and for a move where it goes
	Rule     string
	Team     string
	Sends    string
	Before   string // what the issue says, as far as cxm writes it; both empty: it is not kept
	After    string
}

// Reason is why nothing is done, and for how many issues.
type Reason struct {
	Text string
	N    int
}

// PlanData is how far a plan is, and what is in it.
type PlanData struct {
	Integrations []Integration
	Chosen       int64 // 0: there are several, and none was named; or none at all
	State        string
	By           string
	Since        time.Time // when it was begun, or made
	Trouble      string    // of Broken
	Changed      bool      // it was made since another one was not the plan any more

	Digest    string
	Changes   map[string][]Change // by verb
	Savings   money.Totals        // a month, of what would be created
	Held      []Change
	Why       []string // it is held
	Waits     int64    // the run in which what is held waits already; 0: it does not
	Rejected  Run      // in which somebody said no to what is held; ID 0: nobody did
	Unchanged int      // groups about which nothing changed
	Resting   []Reason // why nothing is done about others, the most frequent first
	Capped    int
	Below     int

	Run     int64 // that carries it out, or did; 0: not known yet, or there was nothing
	Remarks []string
	May     func(role.Permission) bool
}

// verbs are those of a plan, in the order in which steps are taken.
func verbs() []string { return []string{"close", "reopen", "move", "create", "update"} }

// n is how many steps the plan has.
func (d PlanData) n() int {
	n := 0
	for _, all := range d.Changes {
		n += len(all)
	}
	return n
}

// name is the project of the integration that is chosen.
func (d PlanData) name() string {
	for _, i := range d.Integrations {
		if i.ID == d.Chosen {
			return i.Text
		}
	}
	return "the project"
}

// Plan is a plan as people read it, or how far the making of it is.
type Plan struct {
	Choices  []View // of integrations
	Live     string // where its parts come from while it is made; empty: nothing goes on
	Again    string // the page itself
	Notices  []ui.Notice
	Figures  []ui.Figure
	Held     *Held
	Sections []Section
	Nothing  string // why nothing is to be done; empty: something is
	Resting  []ui.Fact
	Empty    *ui.Empty
	Next     *ui.Link
	Back     *ui.Link // to the whole plan
	Pager    *ui.Pager
}

// Template is the template's name.
func (Plan) Template() string { return "running-plan" }

// Held is what the brakes keep for a person.
type Held struct {
	Why     []string
	Text    string
	Actions []ui.Action
	Section Section
}

// Section is the steps of one kind.
type Section struct {
	ID, Title, Text string
	Steps           []PlanStep
	More            *ui.Link
}

// PlanStep is one step of a plan.
type PlanStep struct {
	Title, URL  string
	Ref, RefURL string
	Money       ui.Quantity
	Known       bool // the amount is
	Reason      string
	About       string
	Details     string // what the lines below are
	Diff        ui.Diff
}

// NewPlan is the page at a place: "kind" shows one kind of steps alone, in pages.
func NewPlan(at ui.Place, d PlanData) Plan {
	out := Plan{Again: planOf(d.Chosen)}
	if len(d.Integrations) > 1 {
		for _, i := range d.Integrations {
			out.Choices = append(out.Choices, View{ui.Link{Text: i.Text, URL: planOf(i.ID)}, i.ID == d.Chosen})
		}
	}
	switch {
	case len(d.Integrations) == 0:
		out.Empty = unconnected(d.May)
		return out
	case d.Chosen == 0:
		out.Empty = &ui.Empty{Title: "For which integration?", Text: "There are several. Choose one above: a plan is about the project of one."}
		return out
	}
	out.Notices = planNotices(d)
	switch d.State {
	case Making, Applying:
		out.Live = planAt + "/live?integration=" + strconv.FormatInt(d.Chosen, 10)
		if d.State == Applying {
			out.Again = planProgress(d.Chosen)
		}
	case Made:
		out.made(at, d)
	case Applied:
		if d.Run != 0 {
			out.Next = &ui.Link{Text: fmt.Sprintf("See run %d", d.Run), URL: runAt(d.Run)}
		}
	case NoPlan:
		out.Empty = &ui.Empty{Title: "There is no plan to look at", Text: "A plan says what the next run would do in " + d.name() + ", and why. cxm looks at GitLab for it and writes nothing there. It is kept for half an hour."}
		if d.May(role.Plan) {
			out.Empty.Action = &ui.Action{Text: "Make a plan", URL: planOf(d.Chosen), Kind: "primary", Post: true}
		}
	}
	return out
}

func planNotices(d PlanData) []ui.Notice {
	since := d.Since.UTC().Format("15:04 UTC")
	switch d.State {
	case Making:
		return []ui.Notice{{Text: "cxm looks at " + d.name() + " and compares, since " + since + ". Nothing is written to GitLab. This page goes on by itself when the plan is made.", Tone: ui.Info}}
	case Applying:
		return []ui.Notice{{Text: "cxm looks whether the plan is still the same, and then carries it out. " + d.By + " asked for it at " + since + ". It goes on when this page is closed.", Tone: ui.Info}}
	case Broken:
		return []ui.Notice{{Text: sentence(d.Trouble), Tone: ui.Bad}}
	case Applied:
		return applied(d)
	}
	if d.Changed {
		return []ui.Notice{{Text: "Something had changed since the plan was made, so nothing was done. This is the plan as it is now.", Tone: ui.Warn}}
	}
	return nil
}

func applied(d PlanData) []ui.Notice {
	out := []ui.Notice{{Text: "The plan was carried out.", Tone: ui.Good}}
	if d.Run == 0 {
		out[0] = ui.Notice{Text: "Nothing was to be done.", Tone: ui.Neutral}
	}
	if d.Waits != 0 {
		out = append(out, ui.Notice{Text: fmt.Sprintf("What the brakes hold waits for a person, as run %d.", d.Waits), Tone: ui.Warn})
	}
	for _, r := range d.Remarks {
		out = append(out, ui.Notice{Text: sentence(r), Tone: ui.Warn})
	}
	return out
}

// made shows what is in the plan.
func (p *Plan) made(at ui.Place, d PlanData) {
	kind := at.Values.Get("kind")
	if kind == "held" && len(d.Held) > 0 || len(d.Changes[kind]) > 0 {
		p.one(at, d, kind)
		return
	}
	if d.n() > 0 { // else a sentence says it
		p.Figures = planFigures(d)
	}
	p.Held = held(d)
	for _, v := range verbs() {
		if len(d.Changes[v]) > 0 {
			p.Sections = append(p.Sections, section(v, d.Changes[v], planOf(d.Chosen)))
		}
	}
	p.Nothing, p.Resting = nothing(d)
}

// one shows one kind of steps alone, all of them in pages.
func (p *Plan) one(at ui.Place, d PlanData, kind string) {
	all := d.Changes[kind]
	if kind == "held" {
		all = d.Held
	}
	pager := at.Pager(len(all), pageSize)
	s := section(kind, all, "")
	s.Steps, s.More = planSteps(all[max(pager.From-1, 0):pager.To]), nil
	p.Sections, p.Pager, p.Back = []Section{s}, &pager, &ui.Link{Text: "Show the whole plan", URL: planOf(d.Chosen)}
}

func planFigures(d PlanData) []ui.Figure {
	var out []ui.Figure
	for _, v := range []struct{ verb, label string }{{"create", "To create"}, {"update", "To update"}, {"close", "To close"}, {"reopen", "To reopen"}, {"move", "To move"}} {
		if n := len(d.Changes[v.verb]); n > 0 || v.verb != "move" {
			out = append(out, ui.Figure{Label: v.label, Quantities: []ui.Quantity{{Number: plain(n)}}})
		}
	}
	f := ui.Figure{Label: "New issues would save", Per: "a month"}
	for _, code := range slices.Sorted(maps.Keys(d.Savings)) {
		f.Quantities = append(f.Quantities, ui.Money(money.Known(d.Savings[code]), code))
	}
	if len(f.Quantities) == 0 {
		return out
	}
	return append(out, f)
}

func section(verb string, all []Change, more string) Section {
	n := len(all)
	s := Section{ID: verb, Steps: planSteps(all[:min(n, pageSize)])}
	switch verb {
	case "create":
		s.Title = counted(n, "issue would be created", "issues would be created")
	case "update":
		s.Title = counted(n, "issue would be changed", "issues would be changed")
		s.Text = "In each, only cxm's own block, title and labels: what people wrote stays."
	case "close":
		s.Title = counted(n, "issue would be closed", "issues would be closed")
	case "reopen":
		s.Title = counted(n, "issue would be reopened", "issues would be reopened")
	case "move":
		s.Title = counted(n, "issue would go to another project", "issues would go to another project")
	case "held":
		s.Title = counted(n, "step is held", "steps are held")
	}
	if n > pageSize && more != "" {
		s.More = &ui.Link{Text: fmt.Sprintf("Show all %s", plain(n)), URL: more + "&kind=" + verb}
	}
	return s
}

func planSteps(all []Change) []PlanStep {
	var out []PlanStep
	for _, c := range all {
		s := PlanStep{
			Title: c.Title, Ref: c.Ref, RefURL: c.URL, Money: ui.Money(c.Saving, c.Currency), Known: c.Saving.Valid,
			Reason: sentence(c.Reason), Details: "What would change",
		}
		if c.Issue != 0 {
			s.URL = "/issues/" + strconv.FormatInt(c.Issue, 10)
		}
		s.About = strings.Join(said(c), ", ")
		if c.Before == "" && c.After != "" {
			s.Details = "The issue as it would be"
		}
		if c.Before != c.After {
			s.Diff = ui.Compare(s.Details, c.Before, c.After)
		}
		out = append(out, s)
	}
	return out
}

// said is what else there is to know of a step.
func said(c Change) []string {
	var out []string
	for _, each := range []struct{ before, text string }{{"", c.Where}, {"rule ", c.Rule}, {"for ", c.Team}, {"sends ", c.Sends}} {
		if each.text != "" {
			out = append(out, each.before+each.text)
		}
	}
	return out
}

func held(d PlanData) *Held {
	if len(d.Held) == 0 {
		return nil
	}
	h := &Held{Section: section("held", d.Held, planOf(d.Chosen)), Text: "Applying the plan keeps this as a run that waits for approval."}
	for _, why := range d.Why {
		h.Why = append(h.Why, sentence(why))
	}
	switch {
	case d.Waits != 0:
		h.Text = fmt.Sprintf("It waits as run %d already.", d.Waits)
		h.Actions = waitActions(Run{ID: d.Waits}, d.May)
	case d.Rejected.ID != 0:
		h.Text = fmt.Sprintf("%s said no to it, as run %d: %s It waits again when something about it changes.", d.Rejected.RejectedBy, d.Rejected.ID, sentence(d.Rejected.Rejection))
		h.Actions = []ui.Action{{Text: "Look at it", URL: runAt(d.Rejected.ID)}}
	}
	return h
}

// nothing is why nothing is to be done, or nothing about the rest.
func nothing(d PlanData) (text string, resting []ui.Fact) {
	rest := 0
	for _, r := range d.Resting {
		resting = append(resting, ui.Fact{Name: counted(r.N, "group", "groups"), Text: sentence(r.Text)})
		rest += r.N
	}
	if d.Unchanged > 0 {
		resting = append(resting, ui.Fact{Name: counted(d.Unchanged, "group", "groups"), Text: "Nothing about them changed."})
		rest += d.Unchanged
	}
	if d.Capped > 0 {
		resting = append(resting, ui.Fact{Name: counted(d.Capped, "step", "steps"), Text: "They wait for their turn under a budget.", Detail: "They are among the above."})
	}
	if d.Below > 0 {
		resting = append(resting, ui.Fact{Name: counted(d.Below, "issue", "issues"), Text: "They are worth less than the rules ask for.", Detail: "They are among the above."})
	}
	switch {
	case d.n() > 0:
		return "", resting
	case len(d.Held) > 0:
		return "Nothing is to be done but what is held.", resting
	case rest == 0:
		return "Nothing is to be done, since no source has delivered a finding that makes an issue.", nil
	}
	return "Nothing is to be done: every issue says what it should, or waits for what is named below.", resting
}

func (a *area) plan(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	d, err := a.Plans.Plan(r, g, chosen(r))
	if err != nil {
		return nil, err
	}
	d.May = g.May
	PlanShell(shell, d)
	return NewPlan(ui.Place{Path: planAt, Values: r.URL.Query()}, d), nil
}

// PlanShell is what stands around a plan.
func PlanShell(shell *ui.Shell, d PlanData) {
	if d.Chosen != 0 {
		shell.Title = "The plan for " + d.name()
	}
	again := ui.Action{Text: "Make it anew", URL: planOf(d.Chosen), Post: true}
	switch d.State {
	case Made:
		shell.Lead = "Made " + d.Since.UTC().Format("2006-01-02 15:04 UTC") + " by " + d.By + ". Nothing of it has been done."
		if d.n() > 0 && d.May(role.Apply) {
			shell.Actions = append(shell.Actions, ui.Action{Text: "Apply this plan", URL: planAt + "/apply?digest=" + d.Digest + "&integration=" + strconv.FormatInt(d.Chosen, 10), Kind: "primary", Dialog: true})
		} else if len(d.Held) > 0 && d.Waits == 0 && d.Rejected.ID == 0 && d.May(role.Apply) {
			shell.Actions = append(shell.Actions, ui.Action{Text: "Have it wait for approval", URL: planAt + "/apply?digest=" + d.Digest + "&integration=" + strconv.FormatInt(d.Chosen, 10), Kind: "primary", Dialog: true})
		}
	case Applied, Broken:
		again.Text = "Make a plan"
	default:
		return
	}
	if d.May(role.Plan) {
		shell.Actions = append(shell.Actions, again)
	}
}

func (a *area) makePlan(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	in := chosen(r)
	return site.Answer{To: planOf(in)}, a.Plans.Make(r, g, in)
}

func (a *area) askApply(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.Plans.Plan(r, g, chosen(r))
	if err != nil {
		return site.Answer{}, err
	}
	if d.State != Made || d.Digest != r.FormValue("digest") {
		return late(planOf(d.Chosen), "There is another plan by now, or none. Look at the plan again, and apply that one."), nil
	}
	shell.Title = "Apply this plan?"
	shell.Trail = []ui.Link{runsLink(), {Text: "The plan", URL: planOf(d.Chosen)}}
	return site.Answer{Page: NewApply(d)}, nil
}

// NewApply asks before a plan is carried out.
func NewApply(d PlanData) page.Confirm {
	var what []string
	for _, v := range []struct{ verb, one, many string }{
		{"close", "issue is closed", "issues are closed"}, {"reopen", "issue is reopened", "issues are reopened"}, {"move", "issue goes to another project", "issues go to another project"},
		{"create", "issue is created", "issues are created"}, {"update", "issue is changed", "issues are changed"},
	} {
		if n := len(d.Changes[v.verb]); n > 0 {
			what = append(what, counted(n, v.one, v.many)+" in "+d.name()+".")
		}
	}
	if n := len(d.Held); n > 0 && d.Waits == 0 && d.Rejected.ID == 0 {
		what = append(what, counted(n, "step is held: it waits for approval as a run of its own.", "steps are held: they wait for approval as a run of their own."))
	}
	what = append(what, "cxm looks again first: if anything in the plan has changed, nothing is done and you see the plan as it is then.", "It can be undone, where nobody has touched an issue since.")
	return page.Confirm{What: what, Form: ui.Form{ID: "apply", Action: planAt + "/apply", Submit: "Apply", Cancel: planOf(d.Chosen), Fields: []ui.Field{
		{Name: "integration", Type: "hidden", Value: strconv.FormatInt(d.Chosen, 10)}, {Name: "digest", Type: "hidden", Value: d.Digest},
	}}}
}

func (a *area) applyPlan(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	in := chosen(r)
	return led(planProgress(in), planOf(in), a.Plans.Apply(r, g, in, r.PostFormValue("digest")))
}

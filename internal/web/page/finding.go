package page

import (
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/web/ui"
)

// Finding is one finding and everything that is known of it.
type Finding struct {
	Stand   Stand
	Next    string // what to do where no command does it; empty: nothing, or as Command says
	Command []Said // the same on the command line
	Facts   []ui.Fact
	Axes    []ui.Fact
	Claims  ui.Table
	Group   ui.Table // the other findings of its group
	Beside  string   // how many more these are; empty: none
	Decide  ui.Form
	May     bool // decide
	History []ui.Event
	More    string // the whole timeline; empty: it is all here
}

// Template is the template's name.
func (Finding) Template() string { return "finding" }

// Stand is where a finding is on its way to an issue (internal/plan/stand).
type Stand struct {
	Path    []string
	Answer  string
	Mend    string  // a sentence, in which commands stand between backticks; empty: nothing is to be done
	Way     ui.Link // to the page where that is done; zero: none
	URL     string  // of its issue in GitLab; empty: none
	Page    string  // of its issue here; empty: none
	Settled bool    // it has an issue, or needs none
}

// Claim is what one source says about the resource.
type Claim struct {
	Source, Text string
	Saving       decimal.NullDecimal
	Currency     string
	Seen         time.Time
	Detection    finding.Detection
	Key          string // of another finding; empty: of this one
}

// FindingData is what the page is made from.
type FindingData struct {
	Row      FindingRow
	Text     string // what to do and why
	Resource []ui.Fact
	Reason   string    // of the decision; empty: none was given
	Expires  time.Time // of the decision; zero: it does not
	Stand    Stand
	Claims   []Claim
	Group    []FindingRow
	Others   int // in the group, whether they are in Group or not
	History  []ui.Event
	Events   int // of the whole timeline
	May      bool
}

// NewFinding is the page. The group holds the other findings that share its issue.
func NewFinding(d FindingData) Finding {
	saving := ui.Money(d.Row.Saving, d.Row.Currency)
	page := Finding{Stand: d.Stand, Axes: axes(d), Claims: claims(d.Claims), Group: group(d.Group), History: d.History, May: d.May}
	page.Next, page.Command = mend(d.Stand.Mend)
	page.Facts = append([]ui.Fact{
		{Name: "Estimated saving", Text: saving.Number + space(saving.Unit) + space(per(d.Row.Saving))},
		{Name: "Resource", Text: d.Row.Resource},
		{Name: "Account", Text: d.Row.Account},
		{Name: "Owner", Text: first(d.Row.Owner, "nobody known")},
	}, d.Resource...)
	page.Facts = append(page.Facts, ui.Fact{Name: "Last seen", Time: d.Row.Seen})
	if d.Text != "" {
		page.Facts = append([]ui.Fact{{Name: "What it says", Text: d.Text}}, page.Facts...)
	}
	if d.Events > len(d.History) {
		page.More = "Older: " + counted(d.Events-len(d.History), "event", "events")
	}
	if more := d.Others - len(d.Group); more > 0 {
		page.Beside = "And " + counted(more, "more", "more") + "."
	}
	page.Decide = decide(d)
	return page
}

// Said is a part of a sentence.
type Said struct {
	Text string
	Code bool // it is a command
}

// mend is what to do as a sentence of its own, or as parts when it names commands.
func mend(text string) (plain string, command []Said) {
	parts := strings.Split(text, "`")
	if len(parts) == 1 {
		return text, nil
	}
	for i, part := range parts {
		if part != "" {
			command = append(command, Said{Text: part, Code: i%2 == 1})
		}
	}
	return "", command
}

func space(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

func per(amount decimal.NullDecimal) string {
	if amount.Valid {
		return "a month"
	}
	return ""
}

func axes(d FindingData) []ui.Fact {
	s := d.Row.State
	decision := ui.Fact{Name: "Decision", Text: first(string(s.Decision), string(finding.Undecided)), Detail: d.Reason}
	if !d.Expires.IsZero() {
		decision.Detail = first(d.Reason, "no reason was given") + ", until " + d.Expires.UTC().Format(time.DateOnly)
	}
	return []ui.Fact{
		{Name: "Detection", Text: string(s.Detection)}, decision,
		{Name: "Work", Text: first(string(s.Work), string(finding.NoWork))},
		{Name: "Savings", Text: first(string(s.Savings), string(finding.Estimated))},
	}
}

func claims(all []Claim) ui.Table {
	t := ui.Table{Caption: "Claims of the sources", Columns: []ui.Column{{Label: "Source, and what it says"}, {Label: "Detection"}, {Label: "Saving a month", Number: true}, {Label: "Last seen"}}}
	for _, c := range all {
		saving := ui.Money(c.Saving, c.Currency)
		source := ui.Cell{Text: c.Source, Sub: c.Text}
		if c.Key != "" {
			source.URL = "/findings/" + url.PathEscape(c.Key)
		}
		t.Rows = append(t.Rows, []ui.Cell{source, {Text: string(c.Detection)}, {Text: saving.Number, Unit: saving.Unit}, {Time: c.Seen}})
	}
	return t
}

func group(all []FindingRow) ui.Table {
	t := ui.Table{Caption: "Findings that share the issue", Columns: []ui.Column{{Label: "Finding"}, {Label: "Status"}, {Label: "Saving a month", Number: true}}}
	for _, f := range all {
		saving := ui.Money(f.Saving, f.Currency)
		t.Rows = append(t.Rows, []ui.Cell{{Text: f.Title, Sub: f.Resource, URL: "/findings/" + url.PathEscape(f.Key)}, {Badges: []ui.Badge{Status(f.State)}}, {Text: saving.Number, Unit: saving.Unit}})
	}
	return t
}

func decide(d FindingData) ui.Form {
	return DecisionForm(d.Row.Key, finding.Decided{Decision: d.Row.State.Decision, Reason: d.Reason, Until: d.Expires})
}

// DecisionForm asks what is decided about a finding, of which something may stand.
func DecisionForm(key string, stands finding.Decided) ui.Form {
	field := ui.Field{Name: "decision", Label: "Decision", Type: "select", Required: true}
	for _, o := range []finding.Decision{finding.Undecided, finding.Accepted, finding.Snoozed, finding.Exception} {
		field.Options = append(field.Options, ui.Option{Value: string(o), Text: string(o), Selected: o == stands.Decision})
	}
	until := ""
	if !stands.Until.IsZero() {
		until = stands.Until.UTC().Format(time.DateOnly)
	}
	return ui.Form{ID: "decide", Action: "/findings/" + url.PathEscape(key) + "/decision", Submit: "Record the decision", Fields: []ui.Field{
		field,
		{Name: "until", Label: "Until", Type: "date", Value: until, Hint: "A snooze and an exception end as this day begins (UTC). A snooze needs it."},
		{Name: "reason", Label: "Reason", Type: "textarea", Value: stands.Reason, Hint: "An exception needs one. Everybody who sees the issue can read it."},
	}}
}

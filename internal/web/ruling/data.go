// Package ruling is the pages about events and rules: what becomes an issue, where and
// for whom, in words and as a file; what other rules would do, before they hold; how
// they were; and what waits under them.
//
// What always holds: nothing comes into force that was not previewed; what a form
// changes is one value in the file, and every other byte of it stays; who loses the
// race against somebody else is shown what they changed, and nothing of theirs is
// undone unseen; what a finding or an issue says is shown and never run.
package ruling

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/api"
	"cxm/internal/money"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Desk reads rules files, changes and tries them. What is wrong with a text is an
// *api/door.Problem below 500.
type Desk interface {
	// Book is what a rules file says.
	Book(ctx context.Context, g site.Guest, text string) (Book, error)
	// Choose is the file with other choices, and everything else as it is.
	Choose(ctx context.Context, g site.Guest, text string, c Choices) (string, error)
	// Preview compares the file with the rules in force, for each integration; none:
	// cxm is not connected. It reads GitLab, and may take minutes.
	Preview(ctx context.Context, g site.Guest, text string) ([]Preview, error)
	// Try says what rules do with a finding; an empty text is the rules in force.
	Try(ctx context.Context, g site.Guest, text string, f Specimen) ([]Tried, error)
}

// Choices are the most usual things that a rules file says, as a form asks for them.
type Choices struct {
	Off     []string // of Switches: what becomes no issue
	Project string
	GroupBy []string
	Labels  []string
	Minimum string // what saves less a month becomes no issue: "10 USD"
	PerDay  int
	Digest  bool
}

// Book is what a rules file says.
type Book struct {
	Rules     []Rule
	Budgets   []Budget
	Campaigns []string // names
	Templates []string // names
	Chain     []string // where owners are looked for, in order
	Tests     int
	Choices   Choices
	Budget    string // that the choices are of; empty: none is there yet
}

// Rule is one rule of a file. What is empty is not said.
type Rule struct {
	Name, Description string
	Line              int // 0: built in
	Events            []string
	When              string
	Ignore            string
	Continue          bool

	Project, Fallback, Integration string
	GroupBy, Parent                []string
	Owner, Template, Milestone     string
	Labels, Assignees, Budgets     []string
	Due, Type, Close               string
	Weight                         string
	Confidential, Checklist        bool
}

// Budget is one of a file.
type Budget struct {
	Name, Per                     string
	PerHour, PerDay, PerWeek, Top int // Top: open at once
	Minimum                       string
	UnknownFails                  bool
	Calendar                      []string // in words, one a line
	Digest                        bool
	Except                        string
}

// Preview is what a file would do otherwise in one integration.
type Preview struct {
	Project string // the integration's own
	Totals  []Total
	Come    Steps // created or reopened
	Change  Steps
	Move    Steps
	Go      Steps // closed
	Below   Steps // would come, but for what a budget asks them to be worth
	Spared  Steps // that the rules in force would write, and are not written
	Waits   int   // of what would come: for its turn under a budget
}

// Total is the same for one project.
type Total struct {
	Project string
	Counts  map[string]int // by verb: create, update, close, reopen, move
	Savings money.Totals   // a month, of what is created
}

// Steps are issues to which the same would happen.
type Steps struct {
	All     int
	Savings money.Totals // a month
	First   []Step       // of them
}

// Step is one issue.
type Step struct {
	Title, URL, Reason, Rule string
	Saving                   decimal.NullDecimal
	Currency                 string
}

// Specimen is what rules are tried on: the key of a finding that is stored, or findings
// as cxm inspect prints them.
type Specimen struct{ Key, Text string }

// Tried is what rules do with one finding.
type Tried struct {
	Title, Key string
	Verdicts   []Verdict
	Ignored    bool
	Reason     string // of the group, or of why there is no issue
	Project    string // empty: the integration's own
	Where      string // why it goes there
	Owner      string
	Why        []string // it is theirs
	Issue      string   // its title
	Body       string   // its text, as Markdown
	Labels     []string
	Left       []string // what could not be filled in, and why
	Also       []string // rules that make an issue, too
	Trouble    string   // of the template
}

// Verdict is what became of one rule.
type Verdict struct {
	Rule    string
	Line    int
	Asked   bool
	Matched bool
	Reason  string
	Failing []Failing // the parts of its condition that kept it from matching
}

// Failing is a part of a condition that was not true.
type Failing struct{ Part, Was, Seen string }

// Sheet is a rules file on its way: what it says, and what it was made from.
type Sheet struct {
	Text       string
	From       int64 // the revision; 0: the built-in rules
	Of         int64 // the revision that it goes back to; 0: to none
	Suggestion int64 // that it accepts; 0: none
	Note       string
}

// State is what every page of the area is made with.
type State struct {
	Now   api.Revision // in force
	May   bool         // put rules in force
	Plan  bool         // preview them
	Today time.Time
}

// Hidden carries the sheet through a page.
func (s Sheet) Hidden() []ui.Field {
	hide := func(name, value string) ui.Field { return ui.Field{Name: name, Type: "hidden", Value: value} }
	out := []ui.Field{hide("text", s.Text), hide("from", strconv.FormatInt(s.From, 10))}
	if strings.Contains(s.Text, "\r\n") {
		out = append(out, hide("lines", "crlf"))
	}
	if s.Of != 0 {
		out = append(out, hide("of", strconv.FormatInt(s.Of, 10)))
	}
	if s.Suggestion != 0 {
		out = append(out, hide("suggestion", strconv.FormatInt(s.Suggestion, 10)))
	}
	return out
}

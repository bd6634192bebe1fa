package ruling

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/api"
	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// History is the revisions.
type History struct {
	Tabs  []Tab
	Table ui.Table
	Note  string
	Empty *ui.Empty
}

// Template is the template's name.
func (History) Template() string { return "ruling-history" }

// mostRevisions is how many are listed.
const mostRevisions = 200

// NewHistory is the list, the latest first.
func NewHistory(s State, all []api.Revision) History {
	page := History{Tabs: tabs("/history", s.Plan)}
	if len(all) == 0 {
		page.Empty = &ui.Empty{Title: "No rules were ever applied", Text: "The built-in rules hold: every finding becomes an issue in the integration's own project."}
		if s.Plan {
			page.Empty.Action = &ui.Action{Text: "Write rules", URL: base + "/edit", Kind: "primary"}
		}
		return page
	}
	page.Table = ui.Table{Caption: "Revisions", Columns: []ui.Column{{Label: "Revision"}, {Label: "Applied"}, {Label: "By"}, {Label: "Note"}}}
	for _, r := range all {
		first := ui.Cell{Text: strconv.FormatInt(r.Number, 10), URL: revisionURL(r.Number)}
		if r.Number == s.Now.Number {
			first.Badges = []ui.Badge{{Text: "in force", Tone: ui.Good}}
		}
		if r.Of != nil {
			first.Sub = fmt.Sprintf("revision %d again", *r.Of)
		}
		page.Table.Rows = append(page.Table.Rows, []ui.Cell{first, {Time: deref(r.At)}, {Text: or(deref(r.Author), "not known")}, {Text: or(deref(r.Note), "none")}})
	}
	if len(all) == mostRevisions {
		page.Note = fmt.Sprintf("These are the last %d. Earlier ones: cxm rules history.", mostRevisions)
	}
	return page
}

// Revision is one of them.
type Revision struct {
	Tabs     []Tab
	Facts    []ui.Fact
	Diff     ui.Diff
	Same     string // instead of a difference
	Text     ui.Code
	Download string
	Back     *Sheet // to put it in force again, previewed first; nil: it is in force, or they may not
}

// Template is the template's name.
func (Revision) Template() string { return "ruling-revision" }

// NewRevision is the page; before is the text of the one before it.
func NewRevision(s State, r api.Revision, before string) Revision {
	text := deref(r.Text)
	page := Revision{
		Tabs: tabs("/history", s.Plan), Facts: revisionFacts(r), Download: revisionURL(r.Number) + "/rules.yaml", Text: ui.Code{ID: "text", Label: "The whole file", Text: text},
		Diff: ui.Compare(fmt.Sprintf("What changed from %s", begun(r.Number-1)), before, text),
	}
	if before == text {
		page.Same = fmt.Sprintf("The file is the same as that of %s.", begun(r.Number-1))
	}
	page.Facts = append(page.Facts, ui.Fact{Name: "Digest", Text: or(deref(r.Digest), "not known"), Detail: "SHA-256 of the file"})
	if s.May && r.Number != s.Now.Number {
		page.Back = &Sheet{From: s.Now.Number, Of: r.Number}
	}
	return page
}

// Suggestions are changes of the rules that people's corrections speak for.
type Suggestions struct {
	Tabs  []Tab
	All   []SuggestionView
	Gone  []SuggestionView // dismissed
	Empty *ui.Empty
}

// Template is the template's name.
func (Suggestions) Template() string { return "ruling-suggestions" }

// SuggestionView is one of them.
type SuggestionView struct {
	Number  int64
	Says    string
	Why     string
	Facts   []ui.Fact
	Issues  []ui.Link
	Adds    *ui.Code
	Trouble string
	From    int64
	Accept  bool
	Dismiss string // where; empty: they may not
}

// NewSuggestions is the page.
func NewSuggestions(s State, all []api.Suggestion) Suggestions {
	page := Suggestions{Tabs: tabs("/suggestions", s.Plan)}
	for _, each := range all {
		v := SuggestionView{Number: each.Number, Says: each.Says, Why: each.Why, Trouble: deref(each.Trouble), From: s.Now.Number}
		v.Facts = []ui.Fact{{Name: "Seen", Text: counted(each.Seen, "issue", "issues")}, {Name: "How sure", Text: fmt.Sprintf("%d of 100", each.Confidence)}}
		for _, url := range each.Issues {
			v.Issues = append(v.Issues, ui.Link{Text: shortened(url), URL: url})
		}
		if adds := deref(each.Adds); adds != "" {
			v.Adds = &ui.Code{ID: fmt.Sprintf("adds-%d", each.Number), Label: "Accepting adds this to the rules", Text: adds}
		}
		if each.Dismissed {
			v.Facts = append(v.Facts, ui.Fact{Name: "Dismissed by", Text: or(deref(each.Author), "not known"), Detail: deref(each.Reason)}, ui.Fact{Name: "On", Time: deref(each.At)})
			page.Gone = append(page.Gone, v)
			continue
		}
		if s.May {
			v.Accept, v.Dismiss = each.Text != nil, fmt.Sprintf("%s/suggestions/%d/dismiss", base, each.Number)
		}
		page.All = append(page.All, v)
	}
	if len(page.All) == 0 {
		page.Empty = &ui.Empty{Title: "Nothing is suggested", Text: "When people give issues to somebody else than cxm did, or move them, twice or more in the same way, the change of the rules that they speak for appears here."}
	}
	return page
}

// shortened is the address of an issue without its beginning.
func shortened(url string) string {
	if _, path, ok := strings.Cut(url, "://"); ok {
		if _, path, ok = strings.Cut(path, "/"); ok {
			return strings.NewReplacer("/-/issues/", "#", "/-/work_items/", "#").Replace(path)
		}
	}
	return url
}

// NewDismiss asks why a suggestion is not wanted.
func NewDismiss(number int64, says string) (what []string, form ui.Form) {
	return []string{
			says,
			"The rules stay as they are.",
			"It comes back when twice as many issues speak for it.",
		}, ui.Form{
			ID: "dismiss", Action: fmt.Sprintf("%s/suggestions/%d/dismiss", base, number), Submit: "Dismiss", Cancel: base + "/suggestions",
			Fields: []ui.Field{{Name: "reason", Label: "Reason", Autocomplete: "off", Focus: true}},
		}
}

// Backlog is what waits, and how far campaigns have come.
type Backlog struct {
	Tabs      []Tab
	Figures   []ui.Figure
	Waits     []Waiting
	Empty     *ui.Empty
	Campaigns []CampaignView
	Trouble   string // why it is not known what waits; empty: it is
}

// Template is the template's name.
func (Backlog) Template() string { return "ruling-backlog" }

// Waiting is what waits in one project for one team.
type Waiting struct {
	ID, Title string
	Facts     []ui.Fact
	Table     ui.Table
	More      string
}

// CampaignView is how far a campaign has come.
type CampaignView struct {
	Name    string
	Badge   ui.Badge
	Words   string
	Percent int
	Facts   []ui.Fact
}

// Queued is what waits in one integration.
type Queued struct {
	Project string // the integration's own
	ID      int64  // of that project
	Waits   []api.Backlog
}

// mostLinesWaiting is how many issues of each project are listed.
const mostLinesWaiting = 100

// NewBacklog is the page.
func NewBacklog(s State, all []Queued, campaigns []api.Campaign, trouble string) Backlog {
	page := Backlog{Tabs: tabs("/backlog", s.Plan), Trouble: trouble}
	n, savings, unknown := 0, money.Totals{}, 0
	for _, q := range all {
		for _, b := range q.Waits {
			page.Waits = append(page.Waits, waiting(len(page.Waits), q, b))
			n += len(b.Lines) + b.More
			unknown += b.Unknown
			for _, m := range b.Savings {
				savings.Add(known(m), m.Currency)
			}
		}
	}
	switch {
	case trouble != "":
	case n == 0:
		page.Empty = &ui.Empty{Title: "Nothing waits", Text: "No budget or calendar keeps an issue back. What a budget keeps waits here for its turn, and is not lost."}
	default:
		page.Figures = []ui.Figure{{Label: "Waiting", Quantities: []ui.Quantity{{Number: strings.TrimSpace(counted(n, "", "")), Unit: "issues"}}}, moneyFigure("Would save", savings, unknown)}
	}
	for _, c := range campaigns {
		page.Campaigns = append(page.Campaigns, campaign(c))
	}
	return page
}

func moneyFigure(label string, t money.Totals, unknown int) ui.Figure {
	f := ui.Figure{Label: label, Per: "a month"}
	for _, currency := range slices.Sorted(maps.Keys(t)) {
		f.Quantities = append(f.Quantities, ui.Money(money.Known(t[currency]), currency))
	}
	if len(f.Quantities) == 0 {
		f.Quantities, f.Per = []ui.Quantity{{Number: "not known"}}, ""
	}
	if unknown > 0 {
		f.Note = "of " + counted(unknown, "issue", "issues") + " it is not known"
	}
	return f
}

func waiting(i int, q Queued, b api.Backlog) Waiting {
	title := fmt.Sprintf("Project %d", b.Project)
	if b.Project == q.ID {
		title = q.Project
	}
	if b.Team != nil {
		title += ", team " + *b.Team
	}
	out := Waiting{ID: fmt.Sprintf("waits-%d", i+1), Title: title}
	for _, r := range b.Reasons {
		out.Facts = append(out.Facts, ui.Fact{Name: counted(r.Count, "issue waits", "issues wait"), Text: sentence(strings.TrimPrefix(r.Why, "waits its turn: "))})
	}
	if b.Next != nil {
		out.Facts = append(out.Facts, ui.Fact{Name: "The next can go", Time: *b.Next})
	}
	if b.Oldest != nil {
		out.Facts = append(out.Facts, ui.Fact{Name: "The oldest waits since", Time: *b.Oldest})
	}
	out.Table = ui.Table{Caption: "What waits in " + title + ", in its order", Columns: []ui.Column{{Label: "Issue"}, {Label: "Saving a month", Number: true}, {Label: "Since"}, {Label: "Earliest"}}}
	shown := b.Lines[:min(len(b.Lines), mostLinesWaiting)]
	for _, l := range shown {
		saving := ui.Quantity{Number: "not known"}
		if l.Savings != nil {
			saving = ui.Money(known(*l.Savings), l.Savings.Currency)
		}
		row := []ui.Cell{{Text: l.Title, Sub: l.Why}, {Text: saving.Number, Unit: saving.Unit}, when(l.Since), when(l.Next)}
		if len(b.Reasons) == 1 {
			row[0].Sub = "" // it stands above
		}
		out.Table.Rows = append(out.Table.Rows, row)
	}
	if left := len(b.Lines) + b.More - len(shown); left > 0 {
		out.More = "and " + counted(left, "issue more", "issues more") + ": cxm backlog lists them."
	}
	return out
}

func when(t *time.Time) ui.Cell {
	if t == nil {
		return ui.Cell{Text: "not known"}
	}
	return ui.Cell{Time: *t}
}

func campaign(c api.Campaign) CampaignView {
	out := CampaignView{Name: c.Name, Words: c.Words, Percent: min(max(c.Percent, 0), 100), Badge: ui.Badge{Text: c.State, Tone: ui.Neutral}}
	switch {
	case c.Reached:
		out.Badge = ui.Badge{Text: "reached", Tone: ui.Good}
	case c.State == "running" && c.OnTrack:
		out.Badge = ui.Badge{Text: "on track", Tone: ui.Info}
	case c.State == "running":
		out.Badge = ui.Badge{Text: "behind", Tone: ui.Warn}
	}
	out.Facts = []ui.Fact{
		{Name: "From", Text: c.From + " to " + c.To}, {Name: "Rules", Text: strings.Join(c.Rules, ", ")},
		{Name: "Done", Text: counted(c.Done, "issue", "issues"), Detail: amounts(c.DoneSavings)}, {Name: "Left", Text: counted(c.Left, "issue", "issues"), Detail: amounts(c.LeftSavings)},
	}
	return out
}

// amounts are sums a month; empty: none is known.
func amounts(all []api.Money) string {
	t := money.Totals{}
	for _, m := range all {
		t.Add(known(m), m.Currency)
	}
	if len(t) == 0 {
		return ""
	}
	return t.Show() + " a month"
}

package page

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/web/ui"
)

// Overview is what was found, what became of it, and what waits for a person.
type Overview struct {
	Figures []ui.Figure
	Waiting []ui.Link  // what waits for a person
	More    []ui.Link  // what waits beside the first few
	Trends  []ui.Trend // one for each currency
	By      []ui.Bars
	Empty   *ui.Empty
}

// Template is the template's name.
func (Overview) Template() string { return "overview" }

// OverviewData is what the overview is made from. All amounts are a month's.
type OverviewData struct {
	Findings int // present ones, all kinds
	Sums     []Sum
	Waiting  []Waiting
	Trend    []TrendDay // the oldest first
	By       []Breakdown
}

// Sum is the savings of the findings that have come so far.
type Sum struct {
	Label    string // such as "Can be saved"
	Note     string
	Of       money.Totals
	Findings int
	Unknown  int // of the findings, how many save an amount that is not known
	URL      string
	Tone     ui.Tone
}

// Waiting is something that needs a person.
type Waiting struct {
	Text string
	URL  string
}

// TrendDay is a day with what could be saved then, what of that was being worked on,
// and what is saved, by currency.
type TrendDay struct {
	Day                    string
	Open, Working, Realise money.Totals
}

// Breakdown is what can be saved in one currency, by team, account or service.
type Breakdown struct {
	ID, Title, Of, Currency string
	Rows                    []ui.Bar
	More                    int // rows that are not shown
}

// fewWaiting is how many things that wait are shown at once.
const fewWaiting = 6

// NewOverview is the page.
func NewOverview(d OverviewData) Overview {
	if d.Findings == 0 && len(d.Sums) == 0 {
		return Overview{Empty: &ui.Empty{
			Title: "Nothing was delivered yet", Text: "The numbers appear here with the first findings: run cxm ingest, or have a source deliver them.",
			Action: &ui.Action{Text: "See the first steps", URL: "/welcome", Kind: "primary"},
		}}
	}
	page := Overview{}
	for _, s := range d.Sums {
		page.Figures = append(page.Figures, s.figure())
	}
	for _, w := range d.Waiting {
		page.Waiting = append(page.Waiting, ui.Link(w))
	}
	if len(page.Waiting) > fewWaiting+1 {
		page.Waiting, page.More = page.Waiting[:fewWaiting], page.Waiting[fewWaiting:]
	}
	for _, code := range currencies(d.Trend) {
		page.Trends = append(page.Trends, trend(d.Trend, code))
	}
	for _, b := range d.By {
		bars := ui.Bars{ID: b.ID, Title: b.Title, Of: b.Of, Unit: b.Currency + " a month that can be saved", Rows: b.Rows}
		if b.More > 0 {
			bars.Note = counted(b.More, "more is not shown here", "more are not shown here")
		}
		page.By = append(page.By, bars)
	}
	return page
}

func (s Sum) figure() ui.Figure {
	f := ui.Figure{Label: s.Label, URL: s.URL, Tone: s.Tone, Note: counted(s.Findings, "finding", "findings")}
	if s.Note != "" {
		f.Note += ", " + s.Note
	}
	if s.Findings == 0 { // the number says so already
		f.Note, f.Tone = capital(s.Note), ""
	}
	if s.Unknown > 0 {
		f.Note += ", of which " + counted(s.Unknown, "saves", "save") + " an amount that is not known"
	}
	for _, code := range slices.Sorted(maps.Keys(s.Of)) {
		f.Quantities = append(f.Quantities, ui.Money(money.Known(s.Of[code]), code))
	}
	if f.Per = "a month"; len(s.Of) == 0 {
		f.Quantities, f.Per = []ui.Quantity{{Number: "none yet"}}, ""
	}
	if len(s.Of) == 0 && s.Unknown > 0 {
		f.Quantities = []ui.Quantity{{Number: "not known"}}
	}
	return f
}

// currencies lists those of a trend, ordered.
func currencies(days []TrendDay) []string {
	all := money.Totals{}
	for _, d := range days {
		maps.Copy(all, d.Open)
		maps.Copy(all, d.Working)
		maps.Copy(all, d.Realise)
	}
	return slices.Sorted(maps.Keys(all))
}

func trend(days []TrendDay, code string) ui.Trend {
	t := ui.Trend{ID: "trend-" + code, Title: "How it developed", Unit: code + " a month", Of: "Day"}
	open, working, saved := ui.Series{Name: "Can be saved"}, ui.Series{Name: "Being worked on"}, ui.Series{Name: "Really saved"}
	for _, d := range days {
		t.Labels = append(t.Labels, d.Day)
		open.Amounts = append(open.Amounts, known(d.Open, code))
		working.Amounts = append(working.Amounts, known(d.Working, code))
		saved.Amounts = append(saved.Amounts, known(d.Realise, code))
	}
	for _, s := range []ui.Series{open, working, saved} {
		if slices.ContainsFunc(s.Amounts, func(a decimal.NullDecimal) bool { return a.Valid }) { // what was never known is no line
			t.Series = append(t.Series, s)
		}
	}
	return t
}

func known(t money.Totals, code string) decimal.NullDecimal {
	amount, ok := t[code]
	return decimal.NullDecimal{Decimal: amount, Valid: ok}
}

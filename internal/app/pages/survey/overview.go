package survey

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/store/board"
	"cxm/internal/store/views"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Bounds of what the overview shows.
const (
	mostParts      = 8 // of a breakdown
	mostCurrencies = 2 // with breakdowns of their own
	trendDays      = 90
)

// Overview implements site.Overviews.
func (p *Pages) Overview(ctx context.Context, g site.Guest) (page.OverviewData, error) {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return page.OverviewData{}, err
	}
	s, err := a.Survey(ctx)
	if err != nil {
		return page.OverviewData{}, err
	}
	d := p.told(g.Tenant, s)
	if d.Trend, err = trend(ctx, a, d.Sums); err != nil {
		return d, err
	}
	d.Waiting, err = p.waits(ctx, a)
	return d, err
}

// known is what an overview tells of a survey.
type known struct {
	of   *board.Snapshot
	data page.OverviewData
}

// told is what a survey says, which is summed up once.
func (p *Pages) told(tenant string, s *board.Snapshot) page.OverviewData {
	p.mu.Lock()
	last := p.known[tenant]
	p.mu.Unlock()
	if last.of == s {
		return last.data
	}
	d := page.OverviewData{Findings: s.Total(), Sums: sums(s), By: breakdowns(s)}
	p.mu.Lock()
	p.known[tenant] = known{s, d}
	p.mu.Unlock()
	return d
}

// sums are the key figures, each with the list that it is of.
func sums(s *board.Snapshot) []page.Sum {
	if s.Total() == 0 {
		return nil
	}
	called := map[string]page.Sum{
		"open":     {Label: "Can be saved"},
		"working":  {Label: "Being worked on", Note: "part of what can be saved"},
		"merged":   {Label: "Merged"},
		"applied":  {Label: "Applied", Note: "gone after an issue, and not measured yet"},
		"realised": {Label: "Really saved", Tone: ui.Good},
	}
	var out []page.Sum
	for _, f := range board.Figures() {
		each, sum := called[f.Name], s.Sum(f.Filter)
		each.Of, each.Findings, each.Unknown, each.URL = sum.Of, sum.Findings, sum.Unknown, address(f.Filter)
		if sum.Findings == 0 {
			each.Note = ""
		}
		out = append(out, each)
	}
	return out
}

// address is the list that a filter leaves.
func address(f board.Filter) string {
	at := ui.Place{Path: "/findings", Values: url.Values{}}
	for name, value := range map[string]string{
		"q": f.Search, "kind": string(f.Kind), "status": f.Status, "account": f.Account, "owner": f.Owner, "service": f.Service, "source": f.Source, "issue": f.Issue,
	} {
		if value != "" {
			at.Values.Set(name, value)
		}
	}
	return at.With("page", "")
}

// breakdowns tell what can be saved apart, in the currencies of which there is most.
func breakdowns(s *board.Snapshot) []page.Breakdown {
	open := board.Filter{Kind: finding.Cost, Status: board.Open}
	codes := board.Currencies(s.Sum(open).Of)
	several := len(codes) > 1
	var out []page.Breakdown
	for _, by := range []struct {
		board.By
		title, of, none string
	}{{board.Owner, "By team", "Team", "nobody known"}, {board.Account, "By account", "Account", "not said"}, {board.Service, "By service", "Service", "not said"}} {
		parts := s.Parts(open, by.By)
		for _, code := range codes[:min(len(codes), mostCurrencies)] {
			b := page.Breakdown{ID: "by-" + string(by.By) + "-" + code, Title: by.title, Of: by.of, Currency: code}
			if several {
				b.Title += ", " + code
			}
			var largest []board.Part
			largest, b.More = board.Largest(parts, code, mostParts)
			for _, part := range largest {
				b.Rows = append(b.Rows, ui.Bar{Label: cmp.Or(part.Text, by.none), URL: address(within(open, by.By, part.Value)), Amount: part.Of[code]})
			}
			out = append(out, b)
		}
	}
	return out
}

// within is a filter that leaves one part alone.
func within(f board.Filter, by board.By, value string) board.Filter {
	switch by {
	case board.Owner:
		f.Owner = value
	case board.Account:
		f.Account = value
	case board.Service:
		f.Service = value
	case board.Source:
		f.Source = value
	}
	return f
}

// trend is how it developed: what was kept of the days before, and what is now.
func trend(ctx context.Context, a *app.App, sums []page.Sum) ([]page.TrendDay, error) {
	if len(sums) == 0 {
		return nil, nil
	}
	now := a.Clock().UTC()
	days, err := a.Views().Days(ctx, now.AddDate(0, 0, -trendDays))
	if err != nil {
		return nil, err
	}
	today := views.Day{Day: now.Format(time.DateOnly), Open: sums[0].Of, Working: sums[1].Of}
	if n := len(days); n > 0 && days[n-1].Day == today.Day {
		days = days[:n-1]
	}
	if len(days) == 0 {
		return nil, nil // one day is no trend
	}
	return filled(append(days, today)), nil
}

// filled has a place for every day: of those that nothing was kept of, nothing is
// known.
func filled(days []views.Day) []page.TrendDay {
	first, err := time.Parse(time.DateOnly, days[0].Day)
	if err != nil {
		return nil
	}
	kept := map[string]views.Day{}
	for _, d := range days {
		kept[d.Day] = d
	}
	var out []page.TrendDay
	for at := first; ; at = at.AddDate(0, 0, 1) {
		day := at.Format(time.DateOnly)
		d := kept[day]
		out = append(out, page.TrendDay{Day: at.Format("01-02"), Open: totals(d.Open), Working: totals(d.Working)})
		if day >= days[len(days)-1].Day {
			return out
		}
	}
}

func totals(t money.Totals) money.Totals {
	if t == nil {
		return money.Totals{}
	}
	return t
}

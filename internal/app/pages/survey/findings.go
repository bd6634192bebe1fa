package survey

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/board"
	"cxm/internal/store/lists"
	"cxm/internal/store/views"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// choices is how many values a filter offers: what is not among them is found by the
// search.
const choices = 200

// many is how many findings an export reads at once.
const many = 250

// Findings implements site.Findings.
func (p *Pages) Findings(ctx context.Context, g site.Guest, at ui.Place) (page.FindingsData, error) {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return page.FindingsData{}, err
	}
	s, err := a.Survey(ctx)
	if err != nil {
		return page.FindingsData{}, err
	}
	rows, sum := s.List(filter(at), at.Values.Get("sort"), (at.Number()-1)*page.PageSize, page.PageSize)
	d := page.FindingsData{
		All: sum.Findings, Total: s.Total(), Unknown: sum.Unknown, Gone: sum.Gone, Savings: sum.Of,
		Accounts: options(s, board.Account, "not said"), Owners: options(s, board.Owner, "nobody known"),
		Services: options(s, board.Service, "not said"), Sources: options(s, board.Source, ""),
	}
	if d.Rows, err = shown(ctx, a, rows); err != nil {
		return d, err
	}
	d.Saved, err = saved(ctx, a, g)
	return d, err
}

// filter is what the address of a list asks for.
func filter(at ui.Place) board.Filter {
	v := at.Values
	return board.Filter{
		Search: v.Get("q"), Kind: finding.Kind(v.Get("kind")), Status: v.Get("status"), Account: v.Get("account"), Owner: v.Get("owner"),
		Service: v.Get("service"), Source: v.Get("source"), Issue: v.Get("issue"),
	}
}

// options are the values of a filter; none is what to call it where there is none.
func options(s *board.Snapshot, by board.By, none string) []ui.Option {
	all := s.Choices(by)
	all = all[:min(len(all), choices)]
	var out []ui.Option
	for _, c := range all {
		text := cmp.Or(c.Text, none)
		if by == board.Account && c.Text != c.Value && c.Text != "" {
			text += " (" + c.Value + ")"
		}
		out = append(out, ui.Option{Value: c.Value, Text: text})
	}
	slices.SortStableFunc(out, func(a, b ui.Option) int {
		return cmp.Or(cmp.Compare(boolean(a.Value == board.None), boolean(b.Value == board.None)), cmp.Compare(a.Text, b.Text))
	})
	return out
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func saved(ctx context.Context, a *app.App, g site.Guest) ([]page.SavedView, error) {
	all, err := a.Views().Views(ctx, g.Who.Person.ID)
	var out []page.SavedView
	for _, v := range all {
		out = append(out, page.SavedView{ID: v.ID, Name: v.Name, URL: "/findings?" + v.Query})
	}
	return out, err
}

// shown reads what a list shows of its findings.
func shown(ctx context.Context, a *app.App, rows []board.Row) ([]page.FindingRow, error) {
	l := lists.New(a.DB.Base(), a.Tenant)
	ids, issues := make([]int64, 0, len(rows)), []int64(nil)
	for _, r := range rows {
		if ids = append(ids, r.ID); r.Issue != 0 {
			issues = append(issues, r.Issue)
		}
	}
	found, err := l.Named(ctx, ids)
	if err != nil {
		return nil, err
	}
	slices.Sort(issues)
	where, err := l.Briefs(ctx, slices.Compact(issues))
	if err != nil {
		return nil, err
	}
	out := make([]page.FindingRow, 0, len(rows))
	for _, r := range rows {
		if f, ok := found[r.ID]; ok {
			out = append(out, row(f, r, where[r.Issue]))
		}
	}
	return out, nil
}

func row(m rule.Member, r board.Row, at lists.Brief) page.FindingRow {
	f := m.Finding
	out := page.FindingRow{
		Key: string(f.FindingKey), Title: f.Title, Resource: cmp.Or(f.ResourceName, f.ResourceID), Kind: f.Kind, Account: r.Account, Owner: r.Owner,
		Saving: f.EstimatedMonthlySavings, Currency: f.BillingCurrency, State: r.State, Tracker: at.URL, Seen: r.Seen,
	}
	if at.ID != 0 {
		out.Issue = issueLink(at.ID, at.IID)
	}
	return out
}

// Export implements site.Findings: findings are read in small lots, so that a list of
// any length takes the same memory.
func (p *Pages) Export(ctx context.Context, g site.Guest, at ui.Place, keep func(page.FindingRow) error) error {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return err
	}
	s, err := a.Survey(ctx)
	if err != nil {
		return err
	}
	lot := make([]board.Row, 0, many)
	hand := func() error {
		rows, err := shown(ctx, a, lot)
		lot = lot[:0]
		for _, r := range rows {
			if err = cmp.Or(err, keep(r)); err != nil {
				return err
			}
		}
		return err
	}
	for r := range s.Walk(filter(at), at.Values.Get("sort")) {
		if lot = append(lot, r); len(lot) < many {
			continue
		}
		if err := hand(); err != nil {
			return err
		}
	}
	return hand()
}

// SaveView implements viewing.Views.
func (p *Pages) SaveView(ctx context.Context, g site.Guest, name, query string) error {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return err
	}
	err = a.Views().Save(ctx, g.Who.Person.ID, name, query, a.Clock())
	if fault, ok := errors.AsType[*views.Fault](err); ok {
		return &site.Refusal{Text: sentence(fault.Text)}
	}
	return err
}

// View implements viewing.Views.
func (p *Pages) View(ctx context.Context, g site.Guest, id int64) (page.SavedView, error) {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return page.SavedView{}, err
	}
	all, err := saved(ctx, a, g)
	for _, v := range all {
		if v.ID == id {
			return v, nil
		}
	}
	return page.SavedView{}, cmp.Or(err, site.ErrMissing)
}

// DropView implements viewing.Views.
func (p *Pages) DropView(ctx context.Context, g site.Guest, id int64) error {
	a, err := p.of(ctx, g.Tenant)
	if err != nil {
		return err
	}
	return absent(a.Views().Drop(ctx, g.Who.Person.ID, id))
}

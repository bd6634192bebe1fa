package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

// Resource is one thing that a group is about, with every claim about it.
type Resource struct {
	Name    string    // finding.Canonical of it; empty: of the claims that name no resource
	Members []*Member // of the group, in its order; at least one
}

// Resources lists what a group is about, ordered by name. Claims that name no
// resource stand together: nothing says that they are not about the same thing.
func (g Group) Resources() []Resource {
	members := make([]*Member, len(g.Members))
	for i := range g.Members {
		members[i] = &g.Members[i]
	}
	return resources(members)
}

func resources(members []*Member) []Resource {
	at := make(map[string]int, len(members))
	var out []Resource
	for i, name := range names(members) {
		n, known := at[name]
		if !known {
			n = len(out)
			at[name], out = n, append(out, Resource{Name: name})
		}
		out[n].Members = append(out[n].Members, members[i])
	}
	slices.SortFunc(out, func(a, b Resource) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// names is the resource of each member. A spelling that means something only in
// its account (a database's short name) is that of the resource there which has
// it for an alias, when there is just one.
func names(members []*Member) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = m.Finding.Canonical()
	}
	spelled := map[string]string{}
	for i, m := range members {
		if !everywhere(out[i]) {
			continue
		}
		for _, alias := range m.Finding.ResourceAliases {
			alias = within(&m.Finding, alias)
			if other, taken := spelled[alias]; taken && other != out[i] {
				spelled[alias] = "" // two have it: it tells nothing
				continue
			}
			spelled[alias] = out[i]
		}
	}
	for i, m := range members {
		if out[i] == "" || everywhere(out[i]) {
			continue
		}
		for _, name := range append([]string{m.Finding.ResourceID}, m.Finding.ResourceAliases...) {
			if meant := spelled[within(&m.Finding, name)]; meant != "" {
				out[i] = meant
				break
			}
		}
	}
	return out
}

// everywhere says that a canonical name means the same wherever it is said:
// finding.Canonical puts bars around where the others are from.
func everywhere(name string) bool { return name != "" && !strings.Contains(name, "|") }

func within(f *finding.Finding, name string) string { return f.SubAccountID + "\x1f" + name }

// Savings is what the resource saves per month: its claims count once, the
// largest. It is unknown when none knows it, or when they are in different
// currencies, which cannot be compared.
func (r Resource) Savings() (amount decimal.NullDecimal, currency string) { return largest(r.Members) }

func largest(members []*Member) (amount decimal.NullDecimal, currency string) {
	for _, m := range members {
		claim := m.Finding.EstimatedMonthlySavings
		switch {
		case !claim.Valid:
		case !amount.Valid:
			amount, currency = claim, m.Finding.BillingCurrency
		case currency != m.Finding.BillingCurrency:
			return money.Unknown(), ""
		case claim.Decimal.GreaterThan(amount.Decimal):
			amount = claim
		}
	}
	return amount, currency
}

// Totals is what the group saves per month in each currency, each resource
// counted once (see Savings), and of how many resources no saving is known.
func (g Group) Totals() (totals money.Totals, unknown int) {
	totals = money.Totals{}
	for _, r := range resources(g.speaking()) {
		amount, currency := r.Savings()
		if !amount.Valid {
			unknown++
			continue
		}
		totals.Add(amount, currency)
	}
	return totals, unknown
}

// speaking lists the members that count: those that are present, or all when
// none is (what the closed issue had promised).
func (g Group) speaking() []*Member {
	var out, all []*Member
	for i := range g.Members {
		all = append(all, &g.Members[i])
		if g.Members[i].Sighting.Detection == finding.Present {
			out = append(out, &g.Members[i])
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

package board

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Snapshot is how the findings of a tenant were at one moment.
type Snapshot struct {
	mark  mark
	took  time.Duration // to read what had changed
	until time.Time     // from then on some decision does not hold any more; zero: all hold
	rows  []row
	ids   []int32 // rows by id
	wide  map[int64]decimal.Decimal

	titles, accounts, services, owners, sources, currencies []string
	names                                                   map[int32]string
	orders                                                  map[string][]int32
	resources                                               []int32 // rows of one resource stand together
}

// Holds says whether it is still so at a time, as far as time alone changes it.
func (s *Snapshot) Holds(now time.Time) bool { return s.until.IsZero() || now.Before(s.until) }

// The orders of a list, and what is before them for the other way round.
const (
	ByTitle   = "title"
	ByAccount = "account"
	ByOwner   = "owner"
	BySaving  = "saving"
	BySeen    = "seen"
)

// snapshot makes a snapshot of what is held.
func (h *held) snapshot(issues map[uint64]brief, said map[int64]decided, now time.Time) *Snapshot {
	s := &Snapshot{mark: h.mark, rows: slices.Clone(h.rows), wide: maps.Clone(h.wide), names: maps.Clone(h.names)}
	for i := range s.rows {
		h.settle(&s.rows[i], issues, said, now, s)
	}
	s.titles, s.accounts, s.services = h.titles.names, h.accounts.names, h.services.names
	s.owners, s.sources, s.currencies = h.owners.names, h.sources.names, h.currencies.names
	s.order(len(h.resources))
	return s
}

// settle finds out what a row's state is, whose it is, and when it was last seen.
func (h *held) settle(r *row, issues map[uint64]brief, said map[int64]decided, now time.Time, s *Snapshot) {
	from := h.scopes[r.scope]
	r.source, r.seen = from.source, r.observed
	if r.detection == present && from.complete && r.absences == 0 {
		r.seen = max(r.seen, unix(from.last))
	}
	b, has := issues[r.group]
	for _, group := range h.also[r.id] {
		if other, ok := issues[group]; ok && (!has || other.rank > b.rank) {
			b, has = other, true
		}
	}
	if r.issue, r.owner = b.id, r.whose; has && b.team != "" {
		r.owner = h.owners.number(b.team)
	}
	var decision uint8
	if d, ok := said[r.id]; ok && (d.until.IsZero() || now.Before(d.until)) {
		if decision = d.decision; !d.until.IsZero() && (s.until.IsZero() || d.until.Before(s.until)) {
			s.until = d.until
		}
	}
	r.gone = r.detection == absent
	r.state = code(r.detection, decision, b.work)
}

// order puts the rows in every order that lists have.
func (s *Snapshot) order(resources int) {
	all := make([]int32, len(s.rows))
	for i := range all {
		all[i] = int32(i)
	}
	slices.SortFunc(all, func(a, b int32) int { return cmp.Compare(s.rows[a].id, s.rows[b].id) })
	s.ids = all
	accounts := make([]string, len(s.accounts))
	for i := range accounts {
		accounts[i] = s.account(int32(i))
	}
	s.orders = map[string][]int32{
		ByTitle:   counted(all, ranks(s.titles), func(i int32) int32 { return s.rows[i].title }),
		ByAccount: counted(all, ranks(accounts), func(i int32) int32 { return s.rows[i].account }),
		ByOwner:   counted(all, ranks(s.owners), func(i int32) int32 { return s.rows[i].owner }),
		BySaving:  slices.Clone(all),
		BySeen:    slices.Clone(all),
	}
	slices.SortStableFunc(s.orders[BySaving], func(a, b int32) int { return s.compare(a, b) })
	slices.SortStableFunc(s.orders[BySeen], func(a, b int32) int { return cmp.Compare(s.rows[a].seen, s.rows[b].seen) })
	same := make([]int32, resources)
	for i := range same {
		same[i] = int32(i)
	}
	s.resources = counted(all, same, func(i int32) int32 { return s.rows[i].resource })
}

// compare orders by saving, those that are not known first.
func (s *Snapshot) compare(a, b int32) int {
	x, y := &s.rows[a].money, &s.rows[b].money
	if x.wide || y.wide {
		return cmp.Or(compareBool(x.known, y.known), s.amount(a).Cmp(s.amount(b)))
	}
	return cmp.Or(cmp.Compare(x.micros, y.micros), cmp.Compare(x.rest, y.rest))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// amount is the exact saving of a row; zero where it is not known.
func (s *Snapshot) amount(i int32) decimal.Decimal {
	r := &s.rows[i]
	switch {
	case !r.money.known:
		return decimal.Zero
	case r.money.wide:
		return s.wide[r.id]
	}
	return decimal.New(r.money.micros, -6).Add(decimal.New(r.money.rest, -18))
}

// account is an account as people know it.
func (s *Snapshot) account(n int32) string { return cmp.Or(s.names[n], s.accounts[n]) }

// ranks says of each name where it stands in alphabetical order, letter case aside;
// an empty one is last.
func ranks(names []string) []int32 {
	lower := make([]string, len(names))
	order := make([]int32, len(names))
	for i, name := range names {
		lower[i], order[i] = strings.ToLower(name), int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(compareBool(lower[a] == "", lower[b] == ""), cmp.Compare(lower[a], lower[b]), cmp.Compare(names[a], names[b]))
	})
	out := make([]int32, len(names))
	for rank, i := range order {
		out[i] = int32(rank)
	}
	return out
}

// counted orders rows by the rank of one of their values, and keeps the order of
// those of the same.
func counted(rows, ranks []int32, value func(int32) int32) []int32 {
	starts := make([]int32, len(ranks)+1)
	for _, i := range rows {
		starts[ranks[value(i)]+1]++
	}
	for i := range len(ranks) {
		starts[i+1] += starts[i]
	}
	out := make([]int32, len(rows))
	for _, i := range rows {
		at := &starts[ranks[value(i)]]
		out[*at] = i
		*at++
	}
	return out
}

package board

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/money"
)

// Figure is a sum that the overview and the metrics tell.
type Figure struct {
	Name   string // as metrics have it
	Filter Filter
}

// Figures are what can be saved and what became of it, as the overview has them. What
// is being worked on is part of what can be saved.
func Figures() []Figure {
	return []Figure{
		{"open", Filter{Kind: finding.Cost, Status: Open}},
		{"working", Filter{Kind: finding.Cost, Status: Working}},
		{"merged", Filter{Kind: finding.Cost, Status: string(finding.Merged)}},
		{"applied", Filter{Kind: finding.Cost, Status: gone, Issue: "yes"}},
		{"realised", Filter{Kind: finding.Cost, Status: string(finding.Realised)}},
	}
}

// None is the value of a filter for what has none: no owner, no account, no service.
const None = "-"

// Open and Working are statuses that stand for several: of what can be saved, and of
// what is being worked on.
const (
	Open    = "open"
	Working = "being worked on"
)

// gone is the status of what is not there any more.
const gone = "gone"

// Filter says which findings; what is empty lets everything through.
type Filter struct {
	Search  string // in title, resource, account, service and region, letter case aside
	Kind    finding.Kind
	Status  string // a word of finding.State.Status, Open or Working
	Account string // its id
	Owner   string
	Service string
	Source  string // its type
	Issue   string // "yes": it has one, or had; "no"
}

// Sum is what findings save a month, each resource counted once.
type Sum struct {
	Findings int
	Unknown  int // of them, how many save an amount that is not known
	Gone     int // of them, how many are not there any more and not counted among the savings
	Of       money.Totals
}

// Row is a finding as lists have it.
type Row struct {
	ID        int64
	State     finding.State
	Owner     string
	Account   string // as people know it
	AccountID string
	Service   string
	Source    string
	Issue     int64 // cxm's row; 0: none
	Seen      time.Time
}

// sieve is a filter with everything looked up.
type sieve struct {
	Filter
	never                           bool // nothing is like that
	kind                            uint8
	account, owner, service, source int32
	states                          [256]bool
}

func (s *Snapshot) sieve(f Filter) sieve {
	v := sieve{Filter: f, kind: place(kinds(), f.Kind)}
	v.Search = strings.ToLower(strings.TrimSpace(f.Search))
	find := func(names []string, name string) int32 {
		if name == "" {
			return -1
		}
		if name == None {
			name = ""
		}
		n := slices.Index(names, name)
		v.never = v.never || n < 0
		return int32(n)
	}
	v.account, v.owner = find(s.accounts, f.Account), find(s.owners, f.Owner)
	v.service, v.source = find(s.services, f.Service), find(s.sources, f.Source)
	for i := range v.states {
		v.states[i] = f.Status == "" || i < int(code(3, 0, 0)) && i&7 < len(works()) && is(axes(uint8(i)), f.Status)
	}
	return v
}

// is says whether a state is one of a status.
func is(state finding.State, status string) bool {
	word := state.Status()
	switch status {
	case Open:
		return word == "new" || word == string(finding.Accepted) || is(state, Working)
	case Working:
		return word == string(finding.IssueOpen) || word == string(finding.MergeRequestOpen)
	}
	return word == status
}

func (v *sieve) lets(r *row) bool {
	switch {
	case v.never, !v.states[r.state], v.Kind != "" && r.kind != v.kind,
		v.account >= 0 && r.account != v.account, v.owner >= 0 && r.owner != v.owner,
		v.service >= 0 && r.service != v.service, v.source >= 0 && r.source != v.source,
		v.Issue == "yes" && r.issue == 0, v.Issue == "no" && r.issue != 0:
		return false
	}
	return v.Search == "" || strings.Contains(r.search, v.Search)
}

// counts says that the saving of a row is one: it is still there, or it is asked for
// what is not.
func (v *sieve) counts(r *row) bool { return !r.gone || v.Status == gone }

// chosen marks the rows that a filter leaves.
func (s *Snapshot) chosen(v *sieve) []bool {
	out := make([]bool, len(s.rows))
	for i := range s.rows {
		out[i] = v.lets(&s.rows[i])
	}
	return out
}

// Total is how many findings there are.
func (s *Snapshot) Total() int { return len(s.rows) }

// Sum sums up what a filter leaves.
func (s *Snapshot) Sum(f Filter) Sum {
	v := s.sieve(f)
	return s.sum(&v, s.chosen(&v))
}

func (s *Snapshot) sum(v *sieve, chosen []bool) Sum {
	out := Sum{}
	for i, is := range chosen {
		if !is {
			continue
		}
		out.Findings++
		switch r := &s.rows[i]; {
		case !v.counts(r):
			out.Gone++
		case !r.money.known:
			out.Unknown++
		}
	}
	sums := make([]sum, len(s.currencies))
	for best, mixed := range s.claims(v, chosen) {
		if mixed > 0 {
			out.Unknown += mixed
			continue
		}
		r := &s.rows[best]
		sums[r.currency].add(r.money, s.wide, r.id)
	}
	out.Of = s.totals(sums)
	return out
}

func (s *Snapshot) totals(sums []sum) money.Totals {
	out := money.Totals{}
	for i := range sums {
		if sums[i].some {
			out[s.currencies[i]] = sums[i].total()
		}
	}
	return out
}

// claims yields of each resource the row with the largest saving among those that
// are chosen; none where nothing is known. Mixed is how many there are where the
// amounts are in different currencies, and cannot be compared.
func (s *Snapshot) claims(v *sieve, chosen []bool) iter.Seq2[int32, int] {
	return func(yield func(best int32, mixed int) bool) {
		for rest := s.resources; len(rest) > 0; {
			var c claim
			n, some, resource := 0, 0, s.rows[rest[0]].resource
			for ; n < len(rest) && s.rows[rest[n]].resource == resource; n++ {
				if r := &s.rows[rest[n]]; chosen[rest[n]] && r.money.known && v.counts(r) {
					c, some = s.larger(c, rest[n]), some+1
				}
			}
			rest = rest[n:]
			if !c.mixed {
				some = 0
			}
			if c.some && !yield(c.row, some) {
				return
			}
		}
	}
}

// List is a page of what a filter leaves, and what all of that is. From is the number
// of the first row, counted from 0; where there are not so many, it is the last page.
func (s *Snapshot) List(f Filter, order string, from, most int) ([]Row, Sum) {
	v := s.sieve(f)
	chosen := s.chosen(&v)
	sum := s.sum(&v, chosen)
	from = max(0, min(from, (sum.Findings-1)/most*most))
	var out []Row
	n := 0
	for i := range s.ordered(order) {
		if !chosen[i] {
			continue
		}
		if n++; n <= from {
			continue
		}
		if out = append(out, s.row(i)); len(out) == most {
			break
		}
	}
	return out, sum
}

// Walk yields everything that a filter leaves, in its order.
func (s *Snapshot) Walk(f Filter, order string) iter.Seq[Row] {
	v := s.sieve(f)
	return func(yield func(Row) bool) {
		for i := range s.ordered(order) {
			if v.lets(&s.rows[i]) && !yield(s.row(i)) {
				return
			}
		}
	}
}

// ordered yields all rows in an order; a "-" before it turns it round, but what is
// not known is last in any case. Of an order that is none: the largest saving first.
func (s *Snapshot) ordered(order string) iter.Seq[int32] {
	by, down := strings.CutPrefix(order, "-")
	list, known := s.orders[by]
	if !known {
		by, down, list = BySaving, true, s.orders[BySaving]
	}
	empty := 0 // how many stand at the beginning whose saving is not known
	for by == BySaving && empty < len(list) && !s.rows[list[empty]].money.known {
		empty++
	}
	return func(yield func(int32) bool) {
		for n := range len(list) - empty {
			i := list[empty+n]
			if down {
				i = list[len(list)-1-n]
			}
			if !yield(i) {
				return
			}
		}
		for _, i := range list[:empty] {
			if !yield(i) {
				return
			}
		}
	}
}

func (s *Snapshot) row(i int32) Row {
	r := &s.rows[i]
	return Row{
		ID: r.id, State: axes(r.state), Owner: s.owners[r.owner], Account: s.account(r.account), AccountID: s.accounts[r.account],
		Service: s.services[r.service], Source: s.sources[r.source], Issue: r.issue, Seen: moment(r.seen),
	}
}

func (s *Snapshot) find(id int64) (int32, bool) {
	n, ok := slices.BinarySearchFunc(s.ids, id, func(i int32, want int64) int { return cmp.Compare(s.rows[i].id, want) })
	if !ok {
		return 0, false
	}
	return s.ids[n], true
}

// Row is one finding; false: it came later.
func (s *Snapshot) Row(id int64) (Row, bool) {
	i, ok := s.find(id)
	if !ok {
		return Row{}, false
	}
	return s.row(i), true
}

// Claims are the findings about the resource of one, itself among them, the largest
// saving first; at most so many.
func (s *Snapshot) Claims(id int64, most int) []Row {
	i, ok := s.find(id)
	if !ok {
		return nil
	}
	resource := s.rows[i].resource
	at, _ := slices.BinarySearchFunc(s.resources, resource, func(n, want int32) int { return cmp.Compare(s.rows[n].resource, want) })
	var all []int32
	for ; at < len(s.resources) && s.rows[s.resources[at]].resource == resource; at++ {
		all = append(all, s.resources[at])
	}
	slices.SortStableFunc(all, func(a, b int32) int { return s.compare(b, a) })
	var out []Row
	for _, n := range all[:min(len(all), most)] {
		out = append(out, s.row(n))
	}
	return out
}

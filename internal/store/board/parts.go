package board

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// By is what findings are told apart by.
type By string

// What findings are told apart by.
const (
	Owner   By = "owner"
	Account By = "account"
	Service By = "service"
	Source  By = "source"
)

// Part is the findings of one value.
type Part struct {
	Value    string // for a filter; None: they have none
	Text     string // for people; empty: they have none
	Findings int
	Of       money.Totals
}

func (s *Snapshot) value(by By) (names []string, of func(*row) int32) {
	switch by {
	case Owner:
		return s.owners, func(r *row) int32 { return r.owner }
	case Account:
		return s.accounts, func(r *row) int32 { return r.account }
	case Service:
		return s.services, func(r *row) int32 { return r.service }
	}
	return s.sources, func(r *row) int32 { return r.source }
}

func (s *Snapshot) part(by By, names []string, n int32) Part {
	p := Part{Value: cmp.Or(names[n], None), Text: names[n]}
	if by == Account {
		p.Text = s.account(n)
	}
	return p
}

// Choices are the values that findings have, those with the most findings first.
func (s *Snapshot) Choices(by By) []Part {
	names, of := s.value(by)
	counts := make([]int, len(names))
	for i := range s.rows {
		counts[of(&s.rows[i])]++
	}
	var out []Part
	for n, count := range counts {
		if count > 0 {
			p := s.part(by, names, int32(n))
			p.Findings = count
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Part) int { return cmp.Compare(b.Findings, a.Findings) })
	return out
}

// Parts is what a filter leaves, told apart: of each value the sum that the list of
// it has.
func (s *Snapshot) Parts(f Filter, by By) []Part {
	v := s.sieve(f)
	chosen := s.chosen(&v)
	names, of := s.value(by)
	counts := make([]int, len(names))
	sums := make([][]sum, len(names))
	for i, is := range chosen {
		if is {
			counts[of(&s.rows[i])]++
		}
	}
	best := map[int32]claim{}
	for rest := s.resources; len(rest) > 0; {
		n := 1
		for n < len(rest) && s.rows[rest[n]].resource == s.rows[rest[0]].resource {
			n++
		}
		clear(best)
		for _, i := range rest[:n] {
			if r := &s.rows[i]; chosen[i] && r.money.known && v.counts(r) {
				best[of(r)] = s.larger(best[of(r)], i)
			}
		}
		for value, c := range best {
			if c.mixed {
				continue
			}
			if sums[value] == nil {
				sums[value] = make([]sum, len(s.currencies))
			}
			r := &s.rows[c.row]
			sums[value][r.currency].add(r.money, s.wide, r.id)
		}
		rest = rest[n:]
	}
	var out []Part
	for n, count := range counts {
		if count == 0 {
			continue
		}
		p := s.part(by, names, int32(n))
		p.Findings, p.Of = count, s.totals(sums[n])
		out = append(out, p)
	}
	return out
}

// claim is the largest saving of a resource so far.
type claim struct {
	row         int32
	some, mixed bool
}

func (s *Snapshot) larger(c claim, i int32) claim {
	switch {
	case !c.some:
		return claim{row: i, some: true}
	case c.mixed || s.rows[c.row].currency != s.rows[i].currency:
		c.mixed = true
	case s.compare(i, c.row) > 0:
		c.row = i
	}
	return c
}

// Largest are the parts that save most in a currency, at most so many, and how many
// more save something in it.
func Largest(parts []Part, currency string, most int) (out []Part, more int) {
	for _, p := range parts {
		if _, saves := p.Of[currency]; saves {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Part) int { return b.Of[currency].Cmp(a.Of[currency]) })
	if len(out) > most {
		return out[:most], len(out) - most
	}
	return out, 0
}

// Currencies are those of totals, that of the largest amount first.
func Currencies(of money.Totals) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(decimal.Decimal.Cmp(of[b], of[a]), cmp.Compare(a, b)) })
}

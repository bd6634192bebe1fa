package api

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Money is an amount with its currency, per month unless a name says otherwise.
type Money struct {
	_        struct{} `nullable:"true"`
	Amount   string   `json:"amount" pattern:"^-?[0-9]+(\\.[0-9]+)?$" doc:"A decimal number, with every digit that is known." example:"12.30"`
	Currency string   `json:"currency" doc:"ISO 4217." example:"USD"`
}

// NewMoney is an amount; nil: it is unknown, which is not 0. It has the digits that it
// was given with, and at least two behind the point.
func NewMoney(d decimal.NullDecimal, currency string) *Money {
	if !d.Valid {
		return nil
	}
	text := d.Decimal.String()
	if d.Decimal.Exponent() > -2 {
		text = d.Decimal.StringFixed(2)
	} else if places := -d.Decimal.Exponent(); places <= 36 {
		text = d.Decimal.StringFixed(places)
	}
	return &Money{Amount: text, Currency: currency}
}

// NewTotals are sums by currency, in its order.
func NewTotals(all map[string]decimal.Decimal) []Money {
	out := []Money{}
	for currency, amount := range all {
		out = append(out, *NewMoney(decimal.NewNullDecimal(amount), currency))
	}
	slices.SortFunc(out, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return out
}

// At is a time in UTC; nil for the zero one.
func At(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Some is a pointer to what is known; nil for the zero value.
func Some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// List is never null.
func List[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

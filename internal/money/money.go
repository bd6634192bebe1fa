// Package money keeps exact decimal amounts with their currency.
//
// What always holds: an amount is never a float and never loses a digit its
// source gave; unknown is not zero (use decimal.NullDecimal for "maybe
// unknown"); amounts in different currencies are never added. Amounts are
// rounded only when they are shown to a person. Unless a name says otherwise,
// amounts are per month.
package money

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// The widest number Parse accepts: far beyond any bill, and small enough that
// "1e1000000000" cannot be used to exhaust memory when amounts are added.
const (
	maxIntegerDigits  = 24
	maxFractionDigits = 36
)

// Parse reads a decimal number as JSON and cloud exports spell it: an optional
// sign, digits, an optional fraction, an optional exponent ("2.988E-04").
// Currency signs, grouping commas, NaN, infinities and numbers wider than 24
// digits before or 36 after the point are errors that quote the text.
func Parse(text string) (decimal.Decimal, error) {
	d, err := decimal.NewFromString(text)
	if err != nil || text != strings.TrimSpace(text) {
		return decimal.Decimal{}, fmt.Errorf("%.40q is not a decimal number: write it like 43.08", text)
	}
	if d.IsZero() {
		return decimal.Decimal{}, nil
	}
	exp := int(d.Exponent())
	if -exp > maxFractionDigits || exp > maxIntegerDigits || d.NumDigits()+exp > maxIntegerDigits {
		return decimal.Decimal{}, fmt.Errorf("%.40q is out of range: at most %d digits before the point and %d after it", text, maxIntegerDigits, maxFractionDigits)
	}
	return d, nil
}

// Known makes a decimal that is known out of d.
func Known(d decimal.Decimal) decimal.NullDecimal { return decimal.NewNullDecimal(d) }

// Unknown is the amount nobody stated. It is not zero.
func Unknown() decimal.NullDecimal { return decimal.NullDecimal{} }

// ParseCurrency checks an ISO 4217 code (FOCUS BillingCurrency) and returns it
// in upper case. Codes that ISO 4217 does not list are errors.
func ParseCurrency(code string) (string, error) {
	unit, err := currency.ParseISO(code)
	if err != nil || len(code) != 3 {
		return "", fmt.Errorf("%.20q is not a currency: use an ISO 4217 code such as USD or EUR", code)
	}
	return unit.String(), nil
}

// Micros is d in millionths of the currency's unit, rounded half away from
// zero, for sorting and sums in SQL; the exact text stands beside it. Amounts
// that do not fit are clamped to the ends of int64, which keeps their order.
func Micros(d decimal.Decimal) int64 {
	if exponent := int(d.Exponent()); exponent <= 0 && exponent >= -6 && d.NumDigits() <= 12 { // as most are: no big numbers
		micros := d.CoefficientInt64()
		for range 6 + exponent {
			micros *= 10
		}
		return micros
	}
	m := d.Shift(6).Round(0)
	switch {
	case m.GreaterThan(decimal.NewFromInt(math.MaxInt64)):
		return math.MaxInt64
	case m.LessThan(decimal.NewFromInt(math.MinInt64)):
		return math.MinInt64
	}
	return m.IntPart()
}

// Show writes an amount for a person: rounded to the currency's usual number
// of decimals, thousands grouped, code behind: "1,204.50 USD". An empty
// currency leaves the code out and shows two decimals.
func Show(d decimal.Decimal, code string) string {
	scale := 2
	if unit, err := currency.ParseISO(code); err == nil {
		scale, _ = currency.Standard.Rounding(unit)
	}
	text := group(d.StringFixed(int32(scale)))
	if code == "" {
		return text
	}
	return text + " " + code
}

// group puts a comma between the thousands of a plain decimal text.
func group(text string) string {
	sign, rest := "", text
	if strings.HasPrefix(text, "-") {
		sign, rest = "-", text[1:]
	}
	whole, fraction, found := strings.Cut(rest, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if found {
		return sign + b.String() + "." + fraction
	}
	return sign + b.String()
}

// Totals sums amounts per currency. The zero value is not usable: make one
// with Totals{}. It encodes to JSON as {"USD":"43.08"}.
type Totals map[string]decimal.Decimal

// Add adds a known amount to its currency's sum; unknown amounts add nothing.
func (t Totals) Add(d decimal.NullDecimal, code string) {
	if d.Valid {
		t[code] = t[code].Add(d.Decimal)
	}
}

// Show lists the sums for a person, ordered by currency code: "12.00 EUR, 43.08 USD".
// Without any sum it is "nothing known".
func (t Totals) Show() string {
	if len(t) == 0 {
		return "nothing known"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(t)) {
		parts = append(parts, Show(t[code], code))
	}
	return strings.Join(parts, ", ")
}

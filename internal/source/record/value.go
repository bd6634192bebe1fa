package record

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// Amount is an exact decimal that may be unknown, beside the source's digits.
type Amount struct {
	Text  string // as written; "" when unknown
	Value decimal.NullDecimal
}

// Parse reads the source's digits; "" is unknown.
func (a *Amount) Parse(digits string) error {
	if digits == "" {
		return nil
	}
	value, err := money.Parse(digits)
	if err != nil {
		return err
	}
	*a = Amount{Text: digits, Value: money.Known(value)}
	return nil
}

// Days reads a whole number of days, as sources write it: 14, 14.0 or nothing.
func Days(digits string) (int, error) {
	if digits == "" {
		return 0, nil
	}
	d, err := money.Parse(digits)
	if err != nil || !d.IsInteger() || d.IsNegative() || d.GreaterThan(decimal.NewFromInt(36500)) {
		return 0, fmt.Errorf("%.40q is not a number of days: write a whole number such as 14", digits)
	}
	return int(d.IntPart()), nil
}

// Time reads a time as sources write it: RFC 3339, the same with a space or
// without a zone (which is UTC), a date, or seconds since 1970. "" is no time.
func Time(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
			return t.UTC(), nil
		}
	}
	if d, err := money.Parse(text); err == nil && d.IsPositive() && d.LessThan(decimal.NewFromInt(1e11)) {
		whole := d.Truncate(0)
		nanos := d.Sub(whole).Shift(9)
		return time.Unix(whole.IntPart(), nanos.IntPart()).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time: write it like 2026-01-31T12:00:00Z", text)
}

// Flag reads a boolean of a table; "" is unknown.
func Flag(text string) (*bool, error) {
	if text == "" {
		return nil, nil
	}
	value, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return nil, fmt.Errorf("%.40q is not true or false", text)
	}
	return &value, nil
}

// OneLine is text without line breaks and runs of space.
func OneLine(text string) string {
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(text)-1 || text[i+1] == ' ') {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return text
}

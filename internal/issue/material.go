package issue

import (
	"fmt"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// Thresholds are how far a saving must move before an issue is edited for it.
type Thresholds struct {
	Share  decimal.Decimal // of the amount the issue shows: 0.1 is 10 %
	Amount decimal.Decimal // in units of the currency, per month
}

// DefaultThresholds is 10 % and at least one unit of the currency.
func DefaultThresholds() Thresholds {
	return Thresholds{Share: decimal.New(1, -1), Amount: decimal.New(1, 0)}
}

// Significant says whether a saving moved so far from what the issue shows that
// a person should see the new amount, and why or why not. Amounts are per
// month; null is unknown. Both thresholds must be reached; a saving that was
// zero has only the amount to reach. Becoming known or unknown is significant,
// and so is another currency. Small moves in one direction add up: what counts
// is the amount that was last written.
func Significant(was, is decimal.NullDecimal, wasCurrency, isCurrency string, p Thresholds) (significant bool, reason string) {
	switch {
	case !was.Valid && !is.Valid:
		return false, "the saving is still not known"
	case !was.Valid:
		return true, "the saving is known now: " + money.Show(is.Decimal, isCurrency) + " a month"
	case !is.Valid:
		return true, "the saving is not known any more"
	case wasCurrency != isCurrency:
		return true, fmt.Sprintf("the currency changed from %s to %s", wasCurrency, isCurrency)
	case was.Decimal.Equal(is.Decimal):
		return false, "the saving is the same"
	}
	moved := is.Decimal.Sub(was.Decimal).Abs()
	change := fmt.Sprintf("from %s to %s a month", money.Show(was.Decimal, wasCurrency), money.Show(is.Decimal, isCurrency))
	if moved.LessThan(p.Amount) || moved.LessThan(was.Decimal.Abs().Mul(p.Share)) {
		return false, "the saving moved too little to say so: " + change
	}
	return true, "the saving changed " + change
}

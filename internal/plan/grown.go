package plan

import (
	"fmt"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
)

// shown is what an issue said when a person last looked at it: what cxm wrote last
// as far as it knows, or what it had tried to write, where the block is another.
func shown(t *issue.Tracked) issue.Shown {
	w := t.Written
	if own, ok := issue.Own(t.Observed.Description, t.Nonce); ok && w.Tried != nil && own.Text != w.Block {
		return *w.Tried
	}
	return issue.Shown{Savings: w.Savings, Currency: w.Currency, Severity: w.Severity}
}

// known says that the saving is known now as when it was shown.
func (d *decider) known(was issue.Shown) bool {
	return d.Want.Savings.Valid && was.Savings.Valid && d.Want.Currency == was.Currency
}

// grown says in which way the group is worse than when last written, "" when
// it is not.
func (d *decider) grown(was issue.Shown) string {
	if d.Want.Severity > was.Severity && was.Severity != finding.SeverityUnknown && !d.known(was) {
		return fmt.Sprintf("its severity rose from %s to %s", was.Severity, d.Want.Severity)
	}
	is, before := d.Want.Savings, was.Savings
	if d.known(was) && before.Decimal.IsPositive() && is.Decimal.GreaterThanOrEqual(before.Decimal.Mul(d.Growth)) {
		return fmt.Sprintf("the saving grew from %s to %s a month", money.Show(before.Decimal, was.Currency), money.Show(is.Decimal, d.Want.Currency))
	}
	return ""
}

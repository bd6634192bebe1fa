// Package hub reads AWS Cost Optimization Hub, API 2022-07-26: the answer of
// ListRecommendations as the API and the AWS CLI write it, and the Data Export
// table COST_OPTIMIZATION_RECOMMENDATIONS as CSV.
//
// What always holds: a finding's key is coh, account, resource, resource type
// (and action type when everything was listed), never recommendationId, which
// lives for 24 hours. The resource is its ARN without a qualifier, else its id;
// a purchase has none, so its key is coh, account, resource type, region.
// Savings come from the field of that name alone, with all their digits.
package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/source/record"
)

// Reader makes findings of the records of files. All its fields are required
// but Instance.
type Reader struct {
	Instance   string // SourceInstance of the findings
	IncludeAll bool   // listed with include-all-recommendations: several actions for one resource

	// Money sets the currency of a finding's amounts, from the source's code.
	Money func(f *finding.Finding, code string) error
	// Emit takes a finding, which is valid only during the call. rank is its
	// savings in millionths, -1 when unknown; index is the record's place in
	// its list, or its line.
	Emit func(f *finding.Finding, rank int64, index int, at record.Walker) error
}

// Page is what is known of a file that was read.
type Page struct {
	Listing bool // a page of list-recommendations, else a Data Export
	Last    bool // a listing's page without a token for the next
	Errors  int  // how many errors the answer names beside its records
}

// recommendation is one record of either form.
type recommendation struct {
	id, account, accountName, region     string
	resourceID, arn                      string
	resourceType, actionType, currency   string
	current, recommended, effort, origin string
	percent, lookback                    string // digits
	savings, other, cost                 record.Amount
	basis, suffix                        string // of a Data Export's amounts
	table                                bool   // from a Data Export
	restart, rollback                    *bool
	refreshed                            time.Time
	tags                                 map[string]string
}

// Read reads a file of either form to its end.
func (r *Reader) Read(f *record.File) (Page, error) {
	if f.Form == record.Table {
		return Page{}, r.export(f)
	}
	d := record.Walk(f, 2)
	page, err := r.listing(d)
	if err != nil {
		return page, err
	}
	switch _, err := d.Next(); {
	case errors.Is(err, io.EOF):
		return page, nil
	case err != nil:
		return page, err
	}
	return page, d.Fail("", errors.New("something follows the end of the list: put every page into a file of its own"))
}

// listing reads a page: {"items":[…],"nextToken":"…"}. The AWS CLI spells its
// own token NextToken (--max-items).
func (r *Reader) listing(d *record.Document) (Page, error) {
	page := Page{Listing: true}
	kind, err := d.Next()
	if err != nil {
		return page, err
	}
	if kind == '[' {
		return page, d.Fail("", errors.New(`a bare list: keep the whole answer {"items": …} (no --query), because its nextToken says whether more pages follow`))
	}
	var token string
	items := false
	err = d.Object(func(name string) (err error) {
		switch name {
		case "items":
			items = true
			return r.items(d)
		case "nextToken", "NextToken":
			return d.Text(&token)
		case "errors":
			if d.Kind() != '[' {
				return d.Skip()
			}
			return d.Array(func(int) error { page.Errors++; return d.Skip() })
		}
		return d.Skip()
	})
	if err == nil && !items {
		err = d.Fail("items", errors.New(`missing: the answer of list-recommendations has a list "items", even when it is empty`))
	}
	page.Last = token == ""
	return page, err
}

// items reads the records of a page, one at a time.
func (r *Reader) items(d *record.Document) error {
	var rec recommendation
	var f finding.Finding
	return d.Array(func(i int) error {
		rec = recommendation{}
		d.Begin()
		if err := d.Object(func(name string) error { return rec.member(d, name) }); err != nil {
			return err
		}
		if err := d.End(); err != nil {
			return err
		}
		return r.recommend(&rec, &f, i, d)
	})
}

// member reads one member of a record; unknown ones are skipped, as AWS adds
// some from time to time.
func (rec *recommendation) member(d *record.Document, name string) (err error) {
	switch name {
	case "accountId":
		return d.Shared(&rec.account)
	case "actionType":
		return d.Shared(&rec.actionType)
	case "currencyCode":
		return d.Shared(&rec.currency)
	case "currentResourceSummary":
		return d.Shared(&rec.current)
	case "currentResourceType":
		return d.Shared(&rec.resourceType)
	case "estimatedMonthlyCost":
		return d.Amount(&rec.cost)
	case "estimatedMonthlySavings":
		return d.Amount(&rec.savings)
	case "estimatedSavingsPercentage":
		return d.Number(&rec.percent)
	case "implementationEffort":
		return d.Shared(&rec.effort)
	case "lastRefreshTimestamp":
		return d.Time(&rec.refreshed)
	case "recommendationId":
		return d.Text(&rec.id)
	case "recommendationLookbackPeriodInDays":
		return d.Number(&rec.lookback)
	case "recommendedResourceSummary":
		return d.Shared(&rec.recommended)
	case "region":
		return d.Shared(&rec.region)
	case "resourceArn":
		return d.Text(&rec.arn)
	case "resourceId":
		return d.Text(&rec.resourceID)
	case "restartNeeded":
		return d.Flag(&rec.restart)
	case "rollbackPossible":
		return d.Flag(&rec.rollback)
	case "source":
		return d.Shared(&rec.origin)
	case "tags":
		rec.tags, err = pairs(d)
		return err
	}
	return d.Skip()
}

// pairs reads tags: a list of {"key","value"}, or an object.
func pairs(d *record.Document) (map[string]string, error) {
	if d.Kind() != '[' {
		return d.Texts()
	}
	var tags map[string]string
	err := d.Array(func(int) error {
		var key, value string
		err := d.Object(func(name string) error {
			switch name {
			case "key", "Key":
				return d.Shared(&key)
			case "value", "Value":
				return d.Shared(&value)
			}
			return d.Skip()
		})
		if tags == nil {
			tags = make(map[string]string)
		}
		tags[key] = value
		return err
	})
	return tags, err
}

// export reads a Data Export. Every row is a record; a file is not a page, so
// it has no token: all files of the export must be given.
func (r *Reader) export(f *record.File) error {
	rows, err := record.Columns(f, "account_id", "action_type", "current_resource_type", "estimated_monthly_savings_before_discount", "region", "resource_arn")
	if err != nil {
		return err
	}
	var out finding.Finding
	for {
		if err := rows.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var rec recommendation
		if column, err := rec.row(rows); err != nil {
			return rows.Fail(column, err)
		}
		if err := r.recommend(&rec, &out, rows.Line(), rows); err != nil {
			return err
		}
	}
}

// row reads a row; the error comes with its column.
func (rec *recommendation) row(t *record.Rows) (column string, err error) {
	*rec = recommendation{
		table: true,
		id:    t.Cell("recommendation_id"), account: t.Cell("account_id"), accountName: t.Cell("account_name"), region: t.Cell("region"),
		arn: t.Cell("resource_arn"), resourceType: t.Cell("current_resource_type"), actionType: t.Cell("action_type"), currency: t.Cell("currency_code"),
		current: t.Cell("current_resource_summary"), recommended: t.Cell("recommended_resource_summary"),
		effort: t.Cell("implementation_effort"), origin: t.Cell("recommendation_source"), lookback: t.Cell("recommendation_lookback_period_in_days"),
	}
	rec.discounts(t)
	rec.percent = t.Cell("estimated_savings_percentage" + rec.suffix)
	for _, cell := range [...]struct {
		column string
		read   func(text string) error
	}{
		{"estimated_monthly_savings" + rec.suffix, rec.savings.Parse},
		{"estimated_monthly_cost" + rec.suffix, rec.cost.Parse},
		{"last_refresh_timestamp", func(text string) (err error) { rec.refreshed, err = record.Time(text); return err }},
		{"restart_needed", func(text string) (err error) { rec.restart, err = record.Flag(text); return err }},
		{"rollback_possible", func(text string) (err error) { rec.rollback, err = record.Flag(text); return err }},
		{"tags", func(text string) (err error) { rec.tags, err = tags(text); return err }},
	} {
		if err := cell.read(t.Cell(cell.column)); err != nil {
			return cell.column, err
		}
	}
	if rec.basis == afterDiscounts {
		return "estimated_monthly_savings" + before, rec.other.Parse(t.Cell("estimated_monthly_savings" + before))
	}
	return "", nil
}

// The two bases of a Data Export's amounts: ends of column names, and FOCUS'
// words for them.
const (
	after, before                   = "_after_discount", "_before_discount"
	afterDiscounts, beforeDiscounts = "AfterDiscounts", "BeforeDiscounts"
)

// discounts chooses the amounts after discounts, unless they are blank.
func (rec *recommendation) discounts(t *record.Rows) {
	rec.suffix = before
	switch {
	case t.Cell("estimated_monthly_savings"+after) != "":
		rec.suffix, rec.basis = after, afterDiscounts
	case t.Cell("estimated_monthly_savings"+before) != "":
		rec.basis = beforeDiscounts
	}
}

// tags reads the tags column: JSON in a cell, of either shape.
func tags(text string) (map[string]string, error) {
	if text == "" || text == "{}" || text == "[]" {
		return nil, nil
	}
	d := record.Text("tags", text)
	tags, err := pairs(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the tags: fetch the file again")
	}
	return tags, nil
}

// recommend makes the finding of a record.
func (r *Reader) recommend(rec *recommendation, f *finding.Finding, index int, at record.Walker) error {
	if member, err := rec.check(); err != nil {
		return at.Fail(rec.spelling(member), err)
	}
	rec.normalise()
	lookback, err := record.Days(rec.lookback)
	if err != nil {
		return at.Fail(rec.spelling("recommendationLookbackPeriodInDays"), err)
	}
	rank := int64(-1)
	if rec.savings.Value.Valid {
		rank = money.Micros(rec.savings.Value.Decimal)
	}
	rec.fill(f, lookback, rank)
	f.SourceInstance, f.FindingKey = r.Instance, rec.key(r.IncludeAll)
	if err := r.Money(f, rec.currency); err != nil {
		return at.Fail(rec.spelling("currencyCode"), err)
	}
	return r.Emit(f, rank, index, at)
}

// check refuses a record that cannot be one, naming the member.
func (rec *recommendation) check() (member string, err error) {
	switch {
	case rec.account == "":
		return "accountId", errors.New("missing: the finding's identity needs the account")
	case rec.resourceType == "":
		return "currentResourceType", errors.New("missing: the finding's identity needs the type of the resource")
	case rec.savings.Value.Valid && rec.savings.Value.Decimal.IsNegative():
		return "estimatedMonthlySavings" + rec.suffix, negative(rec.savings)
	case rec.other.Value.Valid && rec.other.Value.Decimal.IsNegative():
		return "estimatedMonthlySavings" + before, negative(rec.other)
	}
	return "", nil
}

func negative(a record.Amount) error {
	return fmt.Errorf("%.40s is negative: a saving is zero or more, and left out when it is unknown", a.Text)
}

// spelling is a member's name as the form of the record spells it:
// currencyCode in JSON, currency_code in CSV.
func (rec *recommendation) spelling(member string) string {
	if !rec.table {
		return member
	}
	var b strings.Builder
	for _, c := range member {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// normalise empties what says that there is no resource, and takes the
// qualifier off an ARN.
func (rec *recommendation) normalise() {
	for _, id := range []*string{&rec.resourceID, &rec.arn} {
		switch strings.ToLower(*id) {
		case "n/a", "na", "none", "null", "-":
			*id = ""
		}
	}
	rec.arn = finding.WithoutQualifier(rec.arn)
}

// purchase says that the record recommends to buy a commitment, which is about
// an account and not about a resource.
func (rec *recommendation) purchase() bool {
	for _, suffix := range [...]string{"SavingsPlans", "ReservedInstances", "ReservedCapacity", "ReservedNodes"} {
		if strings.HasSuffix(rec.resourceType, suffix) {
			return true
		}
	}
	return strings.HasPrefix(rec.actionType, "Purchase")
}

// resource is the canonical name of the resource, "" when there is none.
func (rec *recommendation) resource() string {
	if rec.purchase() {
		return ""
	}
	return cmp.Or(rec.arn, rec.resourceID)
}

// key is the identity of the record's claim.
func (rec *recommendation) key(all bool) finding.Key {
	parts := [...]string{"coh", rec.account, rec.resource(), rec.resourceType, rec.actionType}
	if parts[2] == "" {
		parts[2], parts[3] = rec.resourceType, rec.region
	}
	if all {
		return finding.NewKey(parts[:]...)
	}
	return finding.NewKey(parts[:4]...)
}

package template

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// View is what a template is told: the group its issue is about. The fields of
// the finding that leads stand in it directly, under the names they have in a
// finding. Everything that is not known is empty.
type View struct {
	Claim // of the finding that leads: the largest saving, the highest severity

	Headline string // the title that an issue has without a template
	Group    string // a short form of the group's key
	Rule     string // the name of the rule
	Team     string // whose issue it is
	Gone     bool   // nothing of it is reported any more
	Severity string // the highest of all claims: Low, Medium, ...

	Savings Money   // of the whole group per month, each resource counted once
	Totals  []Money // the same in each currency, never added up across them

	Owner   Owner
	Sources []string // who reports it, in words
	Links   []Link   // where to see it and to read more

	Members       []Claim // the claims that count, the leading one first; at most 200
	MembersLeft   int     // how many more there are
	Resources     []Resource
	ResourcesLeft int
	ResourceCount int // of those that are not gone; of all when all are

	Parts Parts `template:"-"` // what cxm itself writes, for the functions of those names
}

// Claim is one finding.
type Claim struct {
	Kind             string // cost, system or custom
	SourceSystem     string // aws.cost-optimization-hub
	SourceName       string // AWS Cost Optimization Hub
	SourceInstance   string
	SourceRuleID     string
	SourceURL        string
	FindingKey       string // its first 8 digits
	Title            string
	Description      string
	Remediation      string
	References       []string
	ClaimSeverity    string // of this claim alone
	ActionType       string
	ProviderName     string
	BillingAccountID string
	SubAccountID     string
	SubAccountName   string
	RegionID         string
	AvailabilityZone string
	ServiceName      string
	ResourceID       string
	ResourceName     string
	ResourceType     string
	Tags             map[string]string

	EstimatedMonthlySavings Money // of this claim alone
	EstimatedMonthlyCost    Money
	SavingsBasis            string

	ImplementationEffort string // very low, low, medium, high, very high
	RestartNeeded        string // yes, no or empty
	RollbackPossible     string // yes, no or empty
	LookbackDays         int

	SourceUpdatedAt *time.Time
	FirstObservedAt *time.Time
	LastObservedAt  *time.Time
}

// Money is an amount per month. The zero value is unknown.
type Money struct {
	Known    bool
	AtLeast  bool   // of some resources it is not known
	Amount   string // a plain number: 43.08
	Currency string

	amount decimal.Decimal
}

// NewMoney makes an amount; null is unknown.
func NewMoney(amount decimal.NullDecimal, currency string, atLeast bool) Money {
	if !amount.Valid {
		return Money{}
	}
	return Money{Known: true, AtLeast: atLeast, Amount: amount.Decimal.String(), Currency: currency, amount: amount.Decimal}
}

// show writes an amount of some months for a person; nothing when unknown.
func (m Money) show(months int64) string {
	if !m.Known {
		return ""
	}
	text := money.Show(m.amount.Mul(decimal.NewFromInt(months)), m.Currency)
	if m.AtLeast {
		return "at least " + text
	}
	return text
}

// Owner is who an issue is for.
type Owner struct {
	Name       string
	Why        string
	Confidence string
	Others     []string
}

// Resource is one thing the group is about.
type Resource struct {
	ID             string
	Name           string
	Type           string
	SubAccountID   string
	SubAccountName string
	RegionID       string
	Title          string // of the first claim about it
	Savings        Money  // its largest claim
	Gone           bool
}

// Link is an address with what is there.
type Link struct {
	Words string
	URL   string
}

// Parts are the parts of an issue that cxm writes itself: inert Markdown, made for
// as much room as each long text has. Nil writes nothing.
type Parts struct {
	Summary   func(room int) string // what to do and why, in a paragraph
	Facts     func(room int) string // the table of facts
	Evidence  func(room int) string // what each claim says for itself
	HowTo     func(room int) string // what to do, and where to read more
	Checklist func(room int) string // a line for each resource
	Next      func(room int) string // what cxm will do next
}

// Tag is the value of a tag, by its name as it is spelled, else whatever its
// case; among several of those the first in the alphabet. Empty: there is none.
func Tag(tags map[string]string, name string) string {
	if value, ok := tags[name]; ok {
		return value
	}
	var found []string
	for each := range tags {
		if strings.EqualFold(each, name) {
			found = append(found, each)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return tags[slices.MinFunc(found, cmp.Compare[string])]
}

// Package finding is one claim by one source about one resource: its
// normalised form, its identity and its state.
//
// What always holds: a finding's Key depends only on a tuple its source
// declares (never on amounts, times, rotating ids, recommended targets or line
// numbers), so the same claim has the same key for ever; amounts are exact
// decimals per month and unknown is not zero; state is four axes, never one
// field. Field names follow FOCUS, the FinOps Framework and OCSF.
package finding

import (
	"time"

	"github.com/shopspring/decimal"
)

// Kind says what sort of thing a finding is about.
type Kind string

// The three kinds of findings.
const (
	Cost   Kind = "cost"   // an opportunity to save
	System Kind = "system" // something is broken or at risk
	Custom Kind = "custom" // an event of the user's own
)

// Finding is the normalised claim. Empty strings and nil mean the source did
// not say. It encodes to JSON under its field names.
type Finding struct {
	// Identity.
	FindingKey      Key    // set by the source's reader; required
	Kind            Kind   // required
	SourceSystem    string // such as "aws.cost-optimization-hub"; required
	SourceInstance  string `json:",omitzero"`                // payer account, cluster, external URL of the tool
	SourceFindingID string `json:"SourceFindingId,omitzero"` // the source's own id; may change daily (OCSF finding_info.uid)
	SourceRuleID    string `json:"SourceRuleId,omitzero"`    // check, recommendation type, alert name (OCSF metadata.event_code)
	SourceURL       string `json:"SourceUrl,omitzero"`       // where a person reads more at the source
	FindingClass    Class  `json:",omitzero"`

	// FormerKeys are the keys this claim had under earlier definitions of its
	// source's tuple, the newest first; none is ever left out again (G14). They
	// say how to find what is stored, not what the finding says: they are neither
	// stored nor part of the digest.
	FormerKeys []Key `json:"-"`

	// What it says. Plain text, never markup: it is escaped when shown.
	Title       string
	Description string   `json:",omitzero"`
	Remediation string   `json:",omitzero"`
	References  []string `json:",omitzero"`
	SeverityID  Severity `json:"SeverityId"`
	ActionType  string   `json:",omitzero"` // Rightsize, Stop, Delete, Upgrade, PurchaseSavingsPlans, ...

	// Where it is (FOCUS columns).
	ProviderName     string            `json:",omitzero"`
	BillingAccountID string            `json:"BillingAccountId,omitzero"`
	SubAccountID     string            `json:"SubAccountId,omitzero"`
	SubAccountName   string            `json:",omitzero"`
	RegionID         string            `json:"RegionId,omitzero"`
	AvailabilityZone string            `json:",omitzero"`
	ServiceName      string            `json:",omitzero"`
	ResourceID       string            `json:"ResourceId,omitzero"` // canonical: ARN, //service/full/name, lower-case ARM id, cluster/ns/kind/name
	ResourceName     string            `json:",omitzero"`
	ResourceType     string            `json:",omitzero"`
	ResourceAliases  []string          `json:",omitzero"` // every other spelling of the same resource, sorted
	Tags             map[string]string `json:",omitzero"`

	// Money, per month in BillingCurrency unless a name says otherwise.
	EstimatedMonthlySavings    decimal.NullDecimal // null: unknown; never negative
	EstimatedMonthlySavingsAlt decimal.NullDecimal `json:",omitzero"` // the other discount basis
	EstimatedMonthlyCost       decimal.NullDecimal `json:",omitzero"` // informative; savings are never derived from it
	SavingsBasis               string              `json:",omitzero"` // AfterDiscounts, BeforeDiscounts or empty
	BillingCurrency            string              `json:",omitzero"` // ISO 4217; required when an amount is known
	CurrencyAssumed            bool                `json:",omitzero"` // true: the source named no currency and the configured one was taken
	SourceAmount               *SourceAmount       `json:",omitzero"`

	// How hard it is.
	ImplementationEffort string `json:",omitzero"` // VeryLow, Low, Medium, High, VeryHigh
	RestartNeeded        *bool  `json:",omitzero"` // nil: unknown
	RollbackPossible     *bool  `json:",omitzero"` // nil: unknown
	LookbackDays         int    `json:",omitzero"` // 0: unknown

	// When. UTC.
	SourceUpdatedAt time.Time `json:",omitzero"` // when the source last computed it
	FirstObservedAt time.Time `json:",omitzero"` // when the source says it began
	LastObservedAt  time.Time `json:",omitzero"` // when it was read

	// Detection is Present, or Absent when the source says so explicitly.
	Detection Detection
}

// SourceAmount is the amount as the source wrote it, for the audit trail.
type SourceAmount struct {
	Value string `json:"value"` // the source's digits
	Unit  string `json:"unit"`  // "per month", "per 30d", "per day", "per year" or "total"
}

// Class is the sort of claim in OCSF's sense.
type Class string

// The classes of findings.
const (
	CostOptimization Class = "CostOptimization"
	SystemAlert      Class = "SystemAlert"
	PolicyViolation  Class = "PolicyViolation"
	CustomEvent      Class = "CustomEvent"
)

// Severity is OCSF's severity_id.
type Severity int

// The severities, in rising order.
const (
	SeverityUnknown Severity = iota
	Informational
	Low
	Medium
	High
	Critical
	Fatal
)

// String is the severity's OCSF caption.
func (s Severity) String() string {
	names := [...]string{"Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal"}
	if s < 0 || int(s) >= len(names) {
		return "Unknown"
	}
	return names[s]
}

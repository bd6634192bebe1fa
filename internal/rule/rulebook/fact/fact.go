// Package fact is what a rules file may call the parts of a finding: in
// conditions, in group_by, in templates and in the findings of its tests.
//
// What always holds: a name means the same wherever it stands, and so does the
// field name of finding.Finding that stands beside it; a fact that changes from
// scan to scan is not steady, and nothing is grouped by it.
package fact

import (
	"strings"

	"cxm/internal/finding"
)

// Fact is one part of a finding that is text. What is not known is empty.
type Fact struct {
	Name   string // in rules files
	Field  string // of finding.Finding in JSON
	Doc    string // for people, after "It is"
	Steady bool   // it does not change while the finding is the same

	Text func(*finding.Finding) string
	put  func(*finding.Finding, string) // nil: Put refuses
}

// All lists every fact, ordered as a finding is told: identity, words, place, work.
func All() []Fact {
	facts := []Fact{
		{Name: "kind", Field: "Kind", Steady: true, Doc: "cost, system or custom",
			Text: func(f *finding.Finding) string { return string(f.Kind) }, put: func(f *finding.Finding, s string) { f.Kind = finding.Kind(s) }},
		of("source", "SourceSystem", "the system that reported it, such as aws.cost-optimization-hub", func(f *finding.Finding) *string { return &f.SourceSystem }),
		of("source_instance", "SourceInstance", "which one of them: the payer account, cluster or address", func(f *finding.Finding) *string { return &f.SourceInstance }),
		of("source_rule", "SourceRuleId", "what the source calls this sort of finding: a check, a recommendation, an alert's name", func(f *finding.Finding) *string { return &f.SourceRuleID }),
		{Name: "class", Field: "FindingClass", Steady: true, Doc: "CostOptimization, SystemAlert, PolicyViolation or CustomEvent",
			Text: func(f *finding.Finding) string { return string(f.FindingClass) }, put: func(f *finding.Finding, s string) { f.FindingClass = finding.Class(s) }},
		{Name: "finding", Field: "FindingKey", Steady: true, Doc: "the key of the finding itself", Text: func(f *finding.Finding) string { return string(f.FirstKey()) }},
		moving(of("source_id", "SourceFindingId", "the source's own id, which may change daily", func(f *finding.Finding) *string { return &f.SourceFindingID })),
		moving(of("title", "Title", "the title that the source gave", func(f *finding.Finding) *string { return &f.Title })),
		moving(of("description", "Description", "what the source says at length", func(f *finding.Finding) *string { return &f.Description })),
		moving(of("remediation", "Remediation", "what the source says is to be done", func(f *finding.Finding) *string { return &f.Remediation })),
		moving(Fact{Name: "severity", Field: "SeverityId", Doc: "Unknown, Informational, Low, Medium, High, Critical or Fatal",
			Text: func(f *finding.Finding) string { return f.SeverityID.String() }}),
		of("action", "ActionType", "what is to be done, such as Rightsize, Stop or Delete", func(f *finding.Finding) *string { return &f.ActionType }),
		of("provider", "ProviderName", "the cloud or the vendor", func(f *finding.Finding) *string { return &f.ProviderName }),
		of("billing_account", "BillingAccountId", "the account that pays", func(f *finding.Finding) *string { return &f.BillingAccountID }),
		of("account", "SubAccountId", "the account, subscription or project that it is in", func(f *finding.Finding) *string { return &f.SubAccountID }),
		of("account_name", "SubAccountName", "the name of that account", func(f *finding.Finding) *string { return &f.SubAccountName }),
		of("region", "RegionId", "the region", func(f *finding.Finding) *string { return &f.RegionID }),
		of("zone", "AvailabilityZone", "the availability zone", func(f *finding.Finding) *string { return &f.AvailabilityZone }),
		of("service", "ServiceName", "the cloud's service", func(f *finding.Finding) *string { return &f.ServiceName }),
		of("resource", "ResourceId", "the id of the resource; in group_by every spelling of it is the same", func(f *finding.Finding) *string { return &f.ResourceID }),
		of("resource_name", "ResourceName", "the name of the resource", func(f *finding.Finding) *string { return &f.ResourceName }),
		of("resource_type", "ResourceType", "the type of the resource", func(f *finding.Finding) *string { return &f.ResourceType }),
		moving(of("currency", "BillingCurrency", "the currency of its amounts", func(f *finding.Finding) *string { return &f.BillingCurrency })),
		of("effort", "ImplementationEffort", "VeryLow, Low, Medium, High or VeryHigh", func(f *finding.Finding) *string { return &f.ImplementationEffort }),
		yesNo("restart", "RestartNeeded", "whether a restart is needed: yes, no or nothing", func(f *finding.Finding) **bool { return &f.RestartNeeded }),
		yesNo("rollback", "RollbackPossible", "whether it can be undone: yes, no or nothing", func(f *finding.Finding) **bool { return &f.RollbackPossible }),
	}
	return facts
}

func of(name, field, doc string, at func(*finding.Finding) *string) Fact {
	return Fact{
		Name: name, Field: field, Doc: doc, Steady: true,
		Text: func(f *finding.Finding) string { return *at(f) },
		put:  func(f *finding.Finding, s string) { *at(f) = s },
	}
}

func moving(f Fact) Fact {
	f.Steady = false
	return f
}

func yesNo(name, field, doc string, at func(*finding.Finding) **bool) Fact {
	return Fact{
		Name: name, Field: field, Doc: doc, Steady: true,
		Text: func(f *finding.Finding) string {
			switch said := *at(f); {
			case said == nil:
				return ""
			case *said:
				return "yes"
			}
			return "no"
		},
		put: func(f *finding.Finding, s string) { *at(f) = new(strings.EqualFold(s, "yes")) },
	}
}

// Settable says whether Put can set it.
func (f Fact) Settable() bool { return f.put != nil }

// Put sets the fact of a finding. It does nothing to a fact that is not settable.
func (f Fact) Put(to *finding.Finding, text string) {
	if f.put != nil {
		f.put(to, text)
	}
}

// Find is the fact of a name, or of the field name beside it.
func Find(name string) (Fact, bool) {
	for _, f := range All() {
		if f.Name == name || f.Field == name {
			return f, true
		}
	}
	return Fact{}, false
}

// Names lists the names that rules files use.
func Names() []string {
	var out []string
	for _, f := range All() {
		out = append(out, f.Name)
	}
	return out
}

// ParseSeverity reads the name of a severity in any case.
func ParseSeverity(text string) (finding.Severity, bool) {
	for s := finding.SeverityUnknown; s <= finding.Fatal; s++ {
		if strings.EqualFold(s.String(), text) {
			return s, true
		}
	}
	return finding.SeverityUnknown, false
}

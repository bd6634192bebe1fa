package issue

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// maxFact is how many characters of one value the table of facts shows.
const maxFact = 500

// writeFacts writes the table of what is known; what is not is left out, but
// for the saving of a cost opportunity, which is said to be unknown.
func (v view) writeFacts(b *strings.Builder) {
	b.WriteString(factsHead)
	row := rows{b}.add
	row("Resource", v.resource())
	row("Account", named(v.first(func(f *finding.Finding) string { return f.SubAccountID }), v.first(func(f *finding.Finding) string { return f.SubAccountName })))
	row("Region", named(v.first(func(f *finding.Finding) string { return f.RegionID }), v.first(func(f *finding.Finding) string { return f.AvailabilityZone })))
	row("Service", inlineFact(v.first(func(f *finding.Finding) string { return f.ServiceName })))
	row("Team", inlineFact(v.as.Team))
	row("Owner", v.owner())
	if v.lead.Kind == finding.Cost || v.savings.Valid {
		row("Estimated saving", v.saving())
	}
	row("Effort", effort(v.lead.ImplementationEffort))
	row("Restart needed", yesNo(v.lead.RestartNeeded))
	row("Can be rolled back", yesNo(v.lead.RollbackPossible))
	row("Severity", v.severityShown())
	row("Reported by", v.reporters())
	row("Rule", factCode(v.lead.SourceRuleID))
	b.WriteByte('\n')
}

const factsHead = "| Fact | Value |\n| --- | --- |\n"

// rows writes the rows of a table of facts; those without a value are left out.
type rows struct{ b *strings.Builder }

func (r rows) add(name, value string) {
	if value != "" {
		r.b.WriteString("| " + name + " | " + value + " |\n")
	}
}

// severityShown is the severity, or nothing when it is not known.
func (v view) severityShown() string {
	if v.severity == finding.SeverityUnknown {
		return ""
	}
	return v.severity.String()
}

// named is an id in code with its name behind, when it has another.
func named(id, name string) string {
	id, name = factCode(id), inlineFact(name)
	switch {
	case id == "":
		return name
	case name == "" || len(id) == len(name)+2 && id[1:len(id)-1] == name:
		return id
	}
	return id + " (" + name + ")"
}

// factCode is an id as the table shows it.
func factCode(text string) string { return inert.Cell(text, maxFact) }

// inlineFact is a name as the table shows it.
func inlineFact(text string) string { return inert.Inline(text, maxFact) }

func (v view) resource() string {
	return named(v.first(func(f *finding.Finding) string { return f.ResourceID }), v.first(func(f *finding.Finding) string { return f.ResourceName }))
}

func (v view) owner() string {
	if !v.as.Owner.zero() {
		return v.as.Owner.shown()
	}
	if owner, tag := v.tagged(); owner != "" {
		return factCode(owner) + ", from the tag " + factCode(tag)
	}
	return ""
}

// tagged is the owner that a tag of a claim names, and the tag.
func (v view) tagged() (owner, tag string) {
	for i := range v.claims {
		if owner, tag = ownerOf(v.claims[i].Finding.Tags); owner != "" {
			break
		}
	}
	return owner, tag
}

// ownerName is whom the text names as the owner.
func (v view) ownerName() string {
	if !v.as.Owner.zero() {
		return v.as.Owner.Name
	}
	owner, _ := v.tagged()
	return owner
}

// shown is an owner as the table of facts has it.
func (o Owner) shown() string {
	text := inlineFact(o.Name)
	if text == "" {
		text = "not known"
	}
	for _, more := range []string{inlineFact(o.Why), labelledFact("confidence", o.Confidence), labelledFact("else likely", strings.Join(o.Others, ", "))} {
		if more != "" {
			text += "; " + more
		}
	}
	return text
}

func labelledFact(label, text string) string {
	if text = inlineFact(text); text == "" {
		return ""
	}
	return label + ": " + text
}

// ownerOf is the value of the tag that names who owns a resource, and the tag.
// Both are empty without one. An owner comes before a team, a team before other
// people, and among equals the tag first in the alphabet.
func ownerOf(tags map[string]string) (owner, tag string) {
	best := 0
	for name, value := range tags {
		rank := ownership(name)
		if rank == 0 || strings.TrimSpace(value) == "" || best != 0 && (rank > best || rank == best && name > tag) {
			continue
		}
		owner, tag, best = value, name, rank
	}
	return owner, tag
}

// ownership ranks what a tag says about who owns a resource, 1 before 2; 0 is
// nothing.
func ownership(tag string) int {
	switch bare(tag) {
	case "owner", "owners", "ownedby", "owneremail", "resourceowner", "serviceowner":
		return 1
	case "team", "teamname", "owningteam", "squad":
		return 2
	case "maintainer", "contact":
		return 3
	}
	return 0
}

// bare is a tag's name without prefix, case and separators: "acme:Service-Owner"
// is "serviceowner".
func bare(name string) string {
	if len(name) > 128 {
		return ""
	}
	name = name[strings.LastIndexAny(name, ":/.")+1:]
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' {
			return -1
		}
		return r
	}, name))
}

// saving is the money, per month and per year, and what stands behind it.
func (v view) saving() string {
	if !v.savings.Valid {
		if len(v.claimed()) > 1 {
			if saved := v.saved(); saved != "" && len(v.resources) > 1 {
				return saved + " per month"
			}
			return "not known: it is stated in different currencies"
		}
		return "not known"
	}
	text := v.atLeast() + "**" + money.Show(v.savings.Decimal, v.currency) + "** per month, " + v.yearly() + " per year"
	switch v.lead.SavingsBasis {
	case "AfterDiscounts":
		text += ", after discounts"
	case "BeforeDiscounts":
		text += ", before discounts"
	}
	if v.lead.CurrencyAssumed {
		text += "; the source named no currency, " + v.currency + " is assumed"
	}
	return text + v.asOf()
}

// atLeast says that the saving of some of the resources is not known.
func (v view) atLeast() string {
	if v.unknown > 0 && len(v.resources) > 1 {
		return "at least "
	}
	return ""
}

// yearly is twelve months of the saving.
func (v view) yearly() string {
	return money.Show(v.savings.Decimal.Mul(decimal.NewFromInt(12)), v.currency)
}

// claimed lists the currencies that claims state a saving in.
func (v view) claimed() []string {
	var out []string
	for i := range v.claims {
		if f := &v.claims[i].Finding; f.EstimatedMonthlySavings.Valid && !slices.Contains(out, f.BillingCurrency) {
			out = append(out, f.BillingCurrency)
		}
	}
	return out
}

// asOf says when the lead's amounts were computed, else read.
func (v view) asOf() string {
	at := v.lead.SourceUpdatedAt
	if at.IsZero() {
		at = v.lead.LastObservedAt
	}
	return dated("; as of ", at)
}

// dated is a day behind some words; nothing when the day is not known.
func dated(words string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return words + at.UTC().Format(time.DateOnly)
}

// effort is an ImplementationEffort in words, inert.
func effort(text string) string { return inlineFact(plainEffort(text)) }

func plainEffort(text string) string {
	switch text {
	case "VeryLow":
		return "very low"
	case "VeryHigh":
		return "very high"
	case "Low", "Medium", "High":
		return strings.ToLower(text)
	}
	return text
}

func yesNo(flag *bool) string {
	switch {
	case flag == nil:
		return ""
	case *flag:
		return "yes"
	}
	return "no"
}

// reporters lists each source once, with the first day it spoke of.
func (v view) reporters() string {
	if len(v.claims) == 1 {
		return reporter(v.lead) + dated(", since ", firstSeen(v.claims[0]))
	}
	since := make(map[string]time.Time, 1)
	for _, m := range v.claims {
		at, name := firstSeen(m), reporter(&m.Finding)
		if known, ok := since[name]; !ok || known.IsZero() || !at.IsZero() && at.Before(known) {
			since[name] = at
		}
	}
	names := slices.Sorted(maps.Keys(since))
	left := max(0, len(names)-maxListed)
	var b strings.Builder
	for i, name := range names[:len(names)-left] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + dated(", since ", since[name]))
	}
	b.WriteString(more(left, "; and %d more"))
	return b.String()
}

// firstSeen is when a claim began; zero when that is not known.
func firstSeen(m *rule.Member) time.Time {
	if m.Finding.FirstObservedAt.IsZero() && m.Sighting.Detection == finding.Present {
		return m.Sighting.Since
	}
	return m.Finding.FirstObservedAt
}

// reporter is a source with the installation of it that spoke, when it says so.
func reporter(f *finding.Finding) string {
	if f.SourceInstance == "" || f.SourceInstance == f.SubAccountID || f.SourceInstance == f.BillingAccountID {
		return sourceName(f.SourceSystem)
	}
	return sourceName(f.SourceSystem) + " (" + factCode(f.SourceInstance) + ")"
}

// sourceName is what people call a source, inert; one without a name of ours is
// shown as its system is spelled.
func sourceName(system string) string {
	if name := plainSource(system); name != system {
		return name
	}
	return factCode(system)
}

func plainSource(system string) string {
	switch system {
	case "aws.cost-optimization-hub":
		return "AWS Cost Optimization Hub"
	case "prometheus.alertmanager":
		return "Prometheus Alertmanager"
	case "grafana.alerting":
		return "Grafana Alerting"
	case "cloudevents":
		return "CloudEvents"
	}
	return system
}

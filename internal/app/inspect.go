package app

import (
	"time"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/source"
)

// Inspected is what cxm understands of a delivery. It encodes to JSON as
// `cxm inspect --output json` prints it.
type Inspected struct {
	Complete bool              `json:"complete"`
	Reasons  []string          `json:"reasons,omitempty"` // why it is not complete
	Findings []finding.Finding `json:"findings"`
	Totals   money.Totals      `json:"totals"` // savings of what is present, per currency
	Skipped  []source.Skip     `json:"skipped"`
}

// Inspect reads a delivery without storing anything.
func Inspect(d Delivery) (Inspected, error) {
	out := Inspected{Findings: []finding.Finding{}, Totals: money.Totals{}, Skipped: []source.Skip{}}
	at := map[finding.Key]int{}
	d.Options.Now = time.Now().UTC()
	summary, err := source.Read(d.Type, d.Inputs, d.Options, func(f *finding.Finding) error {
		if i, again := at[f.FindingKey]; again {
			out.Findings[i] = *f
			return nil
		}
		at[f.FindingKey] = len(out.Findings)
		out.Findings = append(out.Findings, *f)
		return nil
	})
	if err != nil {
		return Inspected{}, err
	}
	for _, f := range out.Findings {
		if f.Detection == finding.Present {
			out.Totals.Add(f.EstimatedMonthlySavings, f.BillingCurrency)
		}
	}
	out.Complete, out.Reasons = summary.Complete, summary.Reasons
	out.Skipped = append(out.Skipped, summary.Skipped...)
	return out, nil
}

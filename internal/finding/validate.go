package finding

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// FieldError says which field of a finding is wrong, what it holds, and how to
// mend it. Readers add the file and the record.
type FieldError struct {
	Field string // the finding's or the source's field
	Value string // what it holds, cut to 80 characters
	Mend  string // what it should be
}

// Error names the field, its value and the mend.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field %s: %.80q: %s", e.Field, e.Value, e.Mend)
}

// Validate checks what holds for every finding, whatever its source. The error
// is a *FieldError.
func (f *Finding) Validate() error {
	if _, err := ParseKey(string(f.FindingKey)); err != nil {
		return &FieldError{"FindingKey", string(f.FindingKey), "must be v1: and 64 hex digits"}
	}
	for _, key := range f.FormerKeys {
		if _, err := ParseKey(string(key)); err != nil {
			return &FieldError{"FormerKeys", string(key), "must be v1: and 64 hex digits"}
		}
	}
	switch f.Kind {
	case Cost, System, Custom:
	default:
		return &FieldError{"Kind", string(f.Kind), "must be cost, system or custom"}
	}
	switch {
	case f.SourceSystem == "":
		return &FieldError{"SourceSystem", "", "must say which system made the finding"}
	case strings.TrimSpace(f.Title) == "":
		return &FieldError{"Title", f.Title, "must not be empty"}
	case f.SeverityID < SeverityUnknown || f.SeverityID > Fatal:
		return &FieldError{"SeverityId", fmt.Sprint(int(f.SeverityID)), "must be 0 (Unknown) to 6 (Fatal)"}
	case f.Detection != Present && f.Detection != Absent:
		return &FieldError{"Detection", string(f.Detection), "must be present or absent"}
	}
	if err := f.validateMoney(); err != nil {
		return err
	}
	return f.validateText()
}

func (f *Finding) validateMoney() error {
	savings := f.EstimatedMonthlySavings
	switch {
	case savings.Valid && savings.Decimal.IsNegative():
		return &FieldError{"EstimatedMonthlySavings", savings.Decimal.String(), "must not be negative: a saving is zero or more, and null when unknown"}
	case savings.Valid && f.BillingCurrency == "":
		return &FieldError{"BillingCurrency", "", "must be an ISO 4217 code when savings are known"}
	case savings.Valid && f.Kind == System:
		return &FieldError{"EstimatedMonthlySavings", savings.Decimal.String(), "a system issue has no savings: leave it out"}
	}
	return nil
}

// validateText refuses what no database and no page can hold.
func (f *Finding) validateText() error {
	for _, field := range [...]struct{ name, text string }{
		{"Title", f.Title}, {"Description", f.Description}, {"Remediation", f.Remediation}, {"ResourceId", f.ResourceID},
		{"ResourceName", f.ResourceName}, {"SubAccountId", f.SubAccountID}, {"RegionId", f.RegionID}, {"SourceRuleId", f.SourceRuleID},
	} {
		if !utf8.ValidString(field.text) || strings.ContainsRune(field.text, 0) {
			return &FieldError{field.name, strings.ToValidUTF8(field.text, "\ufffd"), "must be UTF-8 text without NUL characters"}
		}
	}
	return nil
}

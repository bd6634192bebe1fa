package fact_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/rule/rulebook/fact"
)

// TestAll: each name stands once, each field is one of a finding, and what is put
// into a fact is read out of it.
func TestAll(t *testing.T) {
	fields := map[string]bool{}
	for field := range reflect.TypeFor[finding.Finding]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		fields[name] = true
	}
	seen := map[string]bool{}
	for _, f := range fact.All() {
		if seen[f.Name] || seen[f.Field] || !fields[f.Field] || f.Doc == "" {
			t.Errorf("%s, %s: twice, or no field of a finding", f.Name, f.Field)
		}
		seen[f.Name], seen[f.Field] = true, true
		for _, name := range []string{f.Name, f.Field} {
			if found, ok := fact.Find(name); !ok || found.Name != f.Name {
				t.Errorf("%s is not found", name)
			}
		}
		var to finding.Finding
		if f.Put(&to, "yes"); f.Settable() && f.Text(&to) != "yes" {
			t.Errorf("%s is %q", f.Name, f.Text(&to))
		}
		text, err := json.Marshal(to)
		if err != nil || f.Settable() && !strings.Contains(string(text), `"`+f.Field+`":`) {
			t.Errorf("%s is not %s: %s", f.Name, f.Field, text)
		}
	}
	for _, name := range []string{"severity", "title", "source_id", "currency", "description"} {
		if f, ok := fact.Find(name); !ok || f.Steady {
			t.Errorf("%s does not change", name)
		}
	}
	if !slices.Contains(fact.Names(), "account") {
		t.Error(fact.Names())
	}
	no := finding.Finding{RestartNeeded: new(false)}
	if f, _ := fact.Find("restart"); f.Text(&no) != "no" || f.Text(&finding.Finding{}) != "" {
		t.Error("a restart that is not needed, or not known")
	}
}

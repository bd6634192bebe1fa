package rulebook

import (
	"iter"
	"maps"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/condition"
	"cxm/internal/rule/rulebook/form"
)

// Cases are the findings of the book's tests.
func Cases(b *Book) iter.Seq2[string, *finding.Finding] {
	return func(yield func(string, *finding.Finding) bool) {
		for i := range b.cases {
			if !yield(b.cases[i].name, &b.cases[i].finding) {
				return
			}
		}
	}
}

// Alone is a group of one finding.
func Alone(key rule.GroupKey, f *finding.Finding) rule.Group {
	return rule.Group{Key: key, Members: []rule.Member{{Finding: *f, Sighting: finding.Sighting{Detection: finding.Present}}}}
}

// FieldNames lists what a file, its defaults and its rules may say.
func FieldNames() []string {
	lang, err := condition.NewLanguage()
	if err != nil {
		panic(err)
	}
	var out []string
	for _, schema := range []form.Schema{sheets(lang).Schema, rules(lang).Schema, policies().Schema, routes().Schema, thresholds().Schema, expectations().Schema} {
		properties, _ := schema["properties"].(form.Schema)
		out = slices.AppendSeq(out, maps.Keys(properties))
	}
	return out
}

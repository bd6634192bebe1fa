package rulebook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
)

const tagPrefix = "tag:"

// groupable checks and normalises what a rule groups by. The error says what is
// wrong with which name.
func groupable(name string) (string, error) {
	if tag, ok := strings.CutPrefix(name, tagPrefix); ok {
		if strings.TrimSpace(tag) == "" {
			return "", fmt.Errorf("%q names no tag: write it like tag:team", name)
		}
		return name, nil
	}
	if name == "rule" {
		return name, nil
	}
	f, known := fact.Find(name)
	switch {
	case !known:
		names := append(steady(), "rule", "tag:NAME")
		if near := form.Near(name, names); near != "" {
			return "", fmt.Errorf("%.60q is nothing to group by: did you mean %s?", name, near)
		}
		return "", fmt.Errorf("%.60q is nothing to group by: use %s", name, form.Or(names))
	case !f.Steady:
		return "", fmt.Errorf("%s changes while the finding stays the same, and its issue would be made anew: group by one of %s", name, form.Or(steady()))
	}
	return f.Name, nil
}

func steady() []string {
	var out []string
	for _, f := range fact.All() {
		if f.Steady {
			out = append(out, f.Name)
		}
	}
	return out
}

// alone is the group of a finding that shares its issue with no other.
func alone(f *finding.Finding) rule.GroupKey {
	return rule.NewGroupKey("finding", string(f.FirstKey()))
}

// assign says which group of the rule a finding belongs to. The key depends on
// what the rule groups by and on nothing else.
func (r *Rule) assign(f *finding.Finding) rule.Assignment {
	if a, ok := rule.BacklogAssignment(f, true); ok {
		a.Rule = r.Name
		return a
	}
	if len(r.GroupBy) == 0 {
		a := rule.Set{}.Assign(f)[0]
		a.Rule = r.Name
		return a
	}
	if slices.Equal(r.GroupBy, []string{"finding"}) {
		return rule.Assignment{Rule: r.Name, Group: alone(f), Reason: "one issue for each finding"}
	}
	key, told, whole := r.grouped("by", r.GroupBy, f)
	if !whole {
		return rule.Assignment{Rule: r.Name, Group: alone(f), Reason: "it names no resource, so it stands alone"}
	}
	return rule.Assignment{Rule: r.Name, Group: key, Reason: "grouped by " + told}
}

// grouped is the key of what a finding says to the names, and that in words. It is
// not whole when a resource is among them and the finding names none.
func (r *Rule) grouped(word string, names []string, f *finding.Finding) (key rule.GroupKey, told string, whole bool) {
	parts := append(make([]string, 0, 1+len(names)), word)
	var words []string
	for _, name := range names {
		value := r.value(name, f)
		if name == "resource" && value == "" {
			return "", "", false
		}
		parts = append(parts, name+"="+strconv.Itoa(len(value))+":"+value)
		words = append(words, tell(name, value))
	}
	return rule.NewGroupKey(parts...), strings.Join(words, ", "), true
}

func (r *Rule) value(name string, f *finding.Finding) string {
	if tag, ok := strings.CutPrefix(name, tagPrefix); ok {
		return f.Tags[tag]
	}
	switch name {
	case "rule":
		return r.Name
	case "resource":
		return f.Canonical()
	}
	found, _ := fact.Find(name)
	return found.Text(f)
}

func tell(name, value string) string {
	name = strings.Replace(name, tagPrefix, "tag ", 1)
	if value == "" {
		return "no " + name
	}
	return name + " " + strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, cut(value))
}

func cut(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

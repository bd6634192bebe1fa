package amend

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"
)

// Switch is a sort of event that becomes issues, or does not.
type Switch string

// The switches: the kinds of findings, and what happens to cxm itself.
const (
	Cost          Switch = "cost"
	System        Switch = "system"
	Custom        Switch = "custom"
	TokenExpiring Switch = "token-expiring"
	ReviewDue     Switch = "review-due"
	SourceFailed  Switch = "source-failed"
)

// Switches are all of them, in the order in which people see them.
func Switches() []Switch {
	return []Switch{Cost, System, Custom, TokenExpiring, ReviewDue, SourceFailed}
}

// Basics are the most usual things that a rules file says. They hold for every rule
// that says nothing else, and a switch that is off for all of them.
type Basics struct {
	Off     []Switch // what becomes no issue, in the order of Switches
	Project string   // a path, a number or a pattern; empty: the integration's own
	GroupBy []string // none: as the built-in rules group
	Labels  []string
	Budget  string // that every rule stands under which names no other; empty: there is none
	Minimum string // of the budget: what saves less a month becomes no issue; empty: none
	PerDay  int    // of the budget: new issues in one day; 0: no bound
	Digest  bool   // of the budget
}

// Basic reads them. A file that says one of them in a way that has more to it, such as
// a rule of its own for it, keeps that: see Put.
func Basic(text []byte) (Basics, error) {
	a, err := begin(text)
	if err != nil {
		return Basics{}, err
	}
	return a.basics(), nil
}

func (a *amending) basics() Basics {
	var b Basics
	for _, s := range Switches() {
		if a.switched(s) >= 0 {
			b.Off = append(b.Off, s)
		}
	}
	defaults, _ := value(a.tree, "defaults").(yaml.MapSlice)
	route, _ := value(defaults, "route").(yaml.MapSlice)
	b.Project = said(value(route, "project"))
	b.GroupBy, b.Labels = some(value(defaults, "group_by")), some(value(defaults, "labels"))
	budgets, _ := value(a.tree, "budgets").(yaml.MapSlice)
	for _, name := range some(value(defaults, "budget")) {
		budget, there := value(budgets, name).(yaml.MapSlice)
		if !there {
			continue
		}
		b.Budget, b.Minimum = name, said(value(budget, "min_savings"))
		b.PerDay = whole(value(budget, "per_day"))
		b.Digest, _ = value(budget, "digest").(bool)
		break
	}
	return b
}

// Put is the file with these basics: what says them already stays as it is written, and
// everything else of the file does in any case.
func (b Basics) Put(text []byte) (Amended, error) {
	a, err := begin(text)
	if err != nil {
		return Amended{}, err
	}
	was := a.basics()
	for _, s := range slices.Backward(Switches()) { // each is put in front of the others
		a.turn(s, slices.Contains(b.Off, s))
	}
	a.say(was.Project != b.Project, b.Project, "defaults", "route", "project")
	a.say(!slices.Equal(was.GroupBy, b.GroupBy), list(b.GroupBy), "defaults", "group_by")
	a.say(!slices.Equal(was.Labels, b.Labels), list(b.Labels), "defaults", "labels")
	if was.Minimum != b.Minimum || was.PerDay != b.PerDay || was.Digest != b.Digest {
		name := was.Budget
		if name == "" {
			name = a.budget()
		}
		a.say(was.Minimum != b.Minimum, b.Minimum, "budgets", name, "min_savings")
		a.say(was.PerDay != b.PerDay, uint64(max(b.PerDay, 0)), "budgets", name, "per_day") // as a file is read
		a.say(was.Digest != b.Digest, b.Digest, "budgets", name, "digest")
	}
	return a.done()
}

// say sets what changed. What is empty is taken out, unless it is of a budget, which
// rules may name.
func (a *amending) say(changed bool, to any, path ...string) {
	if !changed {
		return
	}
	if v := reflect.ValueOf(to); v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		to = a.nothing(to, path)
	}
	a.set(path, to)
	if to != nil {
		a.shown = put(a.shown, path, to)
	}
}

// nothing is what an empty value is written as; nil: it is taken out. A budget that
// rules name has to say something.
func (a *amending) nothing(empty any, path []string) any {
	if path[0] != "budgets" {
		return nil
	}
	budgets, _ := value(a.tree, path[0]).(yaml.MapSlice)
	budget, _ := value(budgets, path[1]).(yaml.MapSlice)
	switch {
	case len(budget) > 1:
		return nil
	case empty == "":
		return "0 USD"
	}
	return empty
}

// budget names one that every rule stands under which names no other.
func (a *amending) budget() string {
	budgets, _ := value(a.tree, "budgets").(yaml.MapSlice)
	name := "everything"
	for i := 2; value(budgets, name) != nil; i++ {
		name = fmt.Sprintf("everything %d", i)
	}
	defaults, _ := value(a.tree, "defaults").(yaml.MapSlice)
	named := some(value(defaults, "budget"))
	var to any = name
	if len(named) > 0 {
		to = list(append(slices.Clone(named), name))
	}
	a.say(true, to, "defaults", "budget")
	return name
}

// rule is the rule that a switch is when it is off.
func (s Switch) rule() yaml.MapSlice {
	const why = "switched off under Events and rules"
	switch s {
	case Cost:
		return yaml.MapSlice{pair("name", "no cost opportunities"), pair("when", `kind == "cost"`), pair("ignore", why)}
	case System:
		return yaml.MapSlice{pair("name", "no system issues"), pair("when", `kind == "system" && source != "cxm"`), pair("ignore", why)}
	case Custom:
		return yaml.MapSlice{pair("name", "no events of your own"), pair("when", `kind == "custom" && source != "cxm"`), pair("ignore", why)}
	}
	return yaml.MapSlice{pair("name", "nothing about "+string(s)), pair("events", []any{string(s)}), pair("ignore", why)}
}

// switched is where the rule stands that switches something off: among those at the
// beginning that ignore what they take. -1: it is on.
func (a *amending) switched(s Switch) int {
	want := s.rule()
	all, _ := value(a.tree, "rules").([]any)
	for i, each := range all {
		r, _ := each.(yaml.MapSlice)
		if said(value(r, "ignore")) == "" {
			break
		}
		if said(value(r, "when")) == said(value(want, "when")) && slices.Equal(some(value(r, "events")), some(value(want, "events"))) {
			return i
		}
	}
	return -1
}

// turn switches something off, or on again.
func (a *amending) turn(s Switch, off bool) {
	at := a.switched(s)
	switch {
	case off == (at >= 0):
	case off:
		a.front(a.named(s.rule()))
	default:
		a.drop("rules", at)
	}
}

// named is a rule with a name that no other has.
func (a *amending) named(rule yaml.MapSlice) yaml.MapSlice {
	all, _ := value(a.tree, "rules").([]any)
	taken := func(name string) bool {
		return slices.ContainsFunc(all, func(each any) bool { r, _ := each.(yaml.MapSlice); return said(value(r, "name")) == name })
	}
	name := said(value(rule, "name"))
	for i := 2; taken(said(value(rule, "name"))); i++ {
		rule = set(rule, "name", fmt.Sprintf("%s %d", name, i))
	}
	return rule
}

// front puts a rule in front of all. A file without rules keeps its only one.
func (a *amending) front(rule yaml.MapSlice) {
	a.shown = within(a.shown, "rules", func(all []any) []any { return append(all, rule) })
	if _, there := value(a.tree, "rules").([]any); !there {
		a.set([]string{"rules"}, []any{rule, yaml.MapSlice{pair("name", "default")}})
		return
	}
	a.step(func(d *draft) {
		rules, _ := d.root.at("rules")
		d.before(rules, 0, rule)
	}, func(tree yaml.MapSlice) yaml.MapSlice {
		return within(tree, "rules", func(all []any) []any { return slices.Insert(all, 0, any(rule)) })
	})
}

// said is a scalar as text; empty: it is none.
func said(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int, int64, uint64, bool, float64:
		return fmt.Sprint(v)
	}
	return ""
}

// some is a text, or a list of them.
func some(v any) []string {
	if all, ok := v.([]any); ok {
		var out []string
		for _, each := range all {
			out = append(out, said(each))
		}
		return out
	}
	if one := said(v); one != "" {
		return []string{one}
	}
	return nil
}

func list(all []string) []any {
	out := make([]any, len(all))
	for i, each := range all {
		out[i] = each
	}
	return out
}

func whole(v any) int {
	switch v := v.(type) {
	case int:
		return v
	case int64:
		return int(v)
	case uint64:
		return int(v)
	}
	return 0
}

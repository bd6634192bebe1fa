package rulebook

import (
	"strings"

	"cxm/internal/rule/owner"
	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/pattern"
	"cxm/internal/rule/rulebook/setting"
)

// Ownership is how owners are found, and where findings go whose owner is not sure.
type Ownership struct {
	owner.Settings
	Triage Route // Project empty: they go where the rule says
}

func ownerships() form.Value[Ownership] {
	return form.Object(
		form.At("chain", form.Some(setting.Links()), func(o *Ownership) *[]owner.Link { return &o.Chain }, "Where owners are looked for, in this order: the first that knows one names it, the others make it more or less sure."),
		form.At("people", setting.People(), func(o *Ownership) *map[string]string { return &o.People }, "What tags, commits and files call people and teams, and what they are called in GitLab: a team, @user or @group/subgroup."),
		form.At("bar", form.Whole(-1, 100), func(o *Ownership) *int { return &o.Bar }, "How sure an owner has to be, of 100; below it the issue goes to triage. -1: no triage."),
		form.At("triage", triages(), func(o *Ownership) *Route { return &o.Triage }, "Where issues go whose owner is not sure enough; left out, where the rule says."),
	).Then(func(n *form.Node, o *Ownership) {
		for _, f := range o.Check() {
			message, mend, _ := strings.Cut(f.Message, ": ")
			n.Under(f.Field).Wrong(mend, "%s", message)
		}
	})
}

func triages() form.Value[Route] {
	return form.Object(
		form.At("integration", form.Label(), func(r *Route) *string { return &r.Integration }, "The name or number of the integration; left out, the default one."),
		form.At("project", paths(), func(r *Route) *pattern.Pattern { return &r.Project }, "The project: its path, its number, or a pattern.").Required(),
	)
}

package rulebook

import (
	"slices"
	"strings"

	"cxm/internal/rule/attention"
	"cxm/internal/rule/rulebook/setting"
)

// link puts calendars into budgets, and names into both, and checks what they say
// together.
func (s *sheet) link() {
	known := make([]string, len(s.calendars))
	for i, c := range s.calendars {
		known[i] = c.Name
	}
	for i := range s.budgets {
		b := &s.budgets[i]
		b.Value.Settings.Name = b.Name
		switch at := slices.Index(known, b.Value.Calendar); {
		case b.Value.Calendar == "":
		case at < 0:
			unknown(b.Value.Node.Under("calendar"), "calendar", "calendars", b.Value.Calendar, known)
		default:
			b.Value.Settings.Calendar = s.calendars[at].Value
		}
	}
	var rules []string
	for i := range s.rules {
		rules = append(rules, s.rules[i].Name)
	}
	if len(rules) == 0 {
		rules = []string{builtin().Name}
	}
	for i := range s.campaigns {
		c := &s.campaigns[i]
		c.Value.Settings.Name = c.Name
		checkCampaign(c.Value, rules)
	}
}

func checkCampaign(c setting.Campaign, rules []string) {
	for _, name := range c.Settings.Rules {
		if !slices.Contains(rules, name) {
			unknown(c.Node.Under("rules"), "rule", "rules", name, rules)
		}
	}
	if c.Settings.From == (attention.Date{}) || c.Settings.To == (attention.Date{}) || len(c.Settings.Rules) == 0 {
		return // which is told already
	}
	for _, f := range c.Settings.Faults() {
		c.Node.Under(strings.ToLower(f.Field)).Wrong(f.Mend, "%s", f.Message)
	}
}

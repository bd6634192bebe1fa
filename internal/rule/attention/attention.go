// Package attention says how much cxm asks of people: how many issues are new or
// open at once in a project, for a team and in all, what is worth one, and when
// none is made.
//
// What always holds: a decision is a pure function of settings, counts and the
// time, and comes with a reason for people; nothing is refused for good but what
// is worth less than the minimum, everything else waits; amounts in different
// currencies are never compared.
package attention

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones are known on machines that have no list of them

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
)

// Per is whose attention a budget bounds.
type Per string

// Whose it may be. The empty one is Project.
const (
	Project Per = "project" // each project has its own room
	Team    Per = "team"    // each team has, over all its projects; issues of no team are not counted and not bounded by number
	All     Per = "all"     // everybody shares it
)

// Scope is one project, one team or everybody. It can be compared.
type Scope struct {
	Per     Per    // never empty
	Project int64  // of Project; else 0
	Team    string // of Team; else empty
}

// Words says where, for people: "in this project", "for team payments", "in all".
func (s Scope) Words() string {
	switch s.Per {
	case Team:
		return "for team " + s.Team
	case All:
		return "in all"
	}
	return "in this project"
}

// Amount is money per month. The zero value is nothing in no currency.
type Amount struct {
	Value    decimal.Decimal
	Currency string // ISO 4217
}

// Budget bounds how many issues are made. The numbers count every issue of cxm
// in the scope, whichever rule made it and whether or not it stands under this
// budget: they are about people. 0: no bound. The zero value bounds nothing.
type Budget struct {
	Name    string
	Per     Per // empty: Project
	PerHour int // new within any 60 minutes
	PerDay  int // new in one day of the calendar's time zone
	PerWeek int // new in one week of it, which begins on Monday
	Open    int // open at once, when another would be made

	MinSavings   Amount // what saves less becomes no issue; zero: no minimum
	UnknownFails bool   // what has no saving that can be compared with the minimum becomes no issue either

	Calendar Calendar
	Digest   bool             // what waits under it is told of in one issue of its project
	Except   finding.Severity // findings as severe as that are not bounded, but counted; SeverityUnknown: none are
}

// per is Per with its default.
func (b *Budget) per() Per {
	if b.Per == "" {
		return Project
	}
	return b.Per
}

// exempts says that the budget does not bound findings of the severity.
func (b *Budget) exempts(s finding.Severity) bool {
	return b.Except != finding.SeverityUnknown && s >= b.Except
}

// Fault is what is wrong with a setting.
type Fault struct {
	Field   string // the field's Go name, such as PerDay or Calendar.Quiet[0]
	Message string
	Mend    string
}

// Faults lists what is wrong with a budget; none: it can be used.
func (b Budget) Faults() []Fault {
	var out []Fault
	if p := b.per(); p != Project && p != Team && p != All {
		out = append(out, Fault{"Per", fmt.Sprintf("%.40q is nobody's attention", b.Per), "use project, team or all"})
	}
	for _, n := range []struct {
		field string
		value int
	}{{"PerHour", b.PerHour}, {"PerDay", b.PerDay}, {"PerWeek", b.PerWeek}, {"Open", b.Open}} {
		if n.value < 0 {
			out = append(out, Fault{n.field, fmt.Sprintf("%d is below zero", n.value), "use a number of issues, or leave it out for no bound"})
		}
	}
	switch m := b.MinSavings; {
	case m.Value.IsNegative():
		out = append(out, Fault{"MinSavings", m.Value.String() + " is below zero", "use an amount per month, or leave it out for no minimum"})
	case m.Value.IsPositive() && m.Currency == "":
		out = append(out, Fault{"MinSavings", "the minimum has no currency, and amounts in different ones are never compared", "add an ISO 4217 code such as USD"})
	}
	if b.Except < finding.SeverityUnknown || b.Except > finding.Fatal {
		out = append(out, Fault{"Except", fmt.Sprintf("%d is no severity", b.Except), "use one from informational to fatal"})
	}
	return append(out, b.Calendar.faults("Calendar.")...)
}

// ParseZone reads the name of a time zone as IANA lists them: Europe/Berlin, UTC.
func ParseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if name == "" || name == "Local" || err != nil {
		return nil, fmt.Errorf("%.60q is not a time zone: use a name of the IANA list such as Europe/Berlin, or UTC", name)
	}
	return zone, nil
}

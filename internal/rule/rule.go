// Package rule decides which findings become issues, where, and together with
// which others.
//
// What always holds: a decision is a pure function of the finding and the rule
// set, and comes with its reason; the group key depends only on what the rule
// groups by, so a group keeps its issue while its members come and go.
package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

// GroupKey identifies what one issue is about: "g1:" and 32 hex digits. At most
// one open issue exists for a group key in one integration.
type GroupKey string

// NewGroupKey makes the key of the tuple a rule groups by.
func NewGroupKey(parts ...string) GroupKey {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return GroupKey("g1:" + hex.EncodeToString(sum[:16]))
}

// ParseGroupKey checks the form of a group key that came from outside.
func ParseGroupKey(text string) (GroupKey, error) {
	hexed, ok := strings.CutPrefix(text, "g1:")
	if _, err := hex.DecodeString(hexed); !ok || err != nil || len(hexed) != 32 || hexed != strings.ToLower(hexed) {
		return "", fmt.Errorf("%.80q is not a group key: it looks like g1: and 32 hex digits", text)
	}
	return GroupKey(text), nil
}

// Short is enough of the key for a person to tell groups apart: 8 digits.
func (k GroupKey) Short() string {
	return strings.TrimPrefix(string(k), "g1:")[:min(8, max(0, len(k)-3))]
}

// Assignment is where a finding goes, and why.
type Assignment struct {
	Rule   string   // the name of the rule that matched
	Group  GroupKey // what its issue is about
	Reason string   // for people

	Ignored bool     // no issue is made of it, and Reason says why; the group is its own
	Child   GroupKey // the group of the finding that this one stands over, as a parent; empty: it is no parent's
}

// Set is the rules in force. The zero value is the built-in set: every finding
// becomes an issue in the integration's project; cost opportunities about one
// resource share an issue, so that several sources that mean the same resource
// meet there; alerts and custom events share one per resource and rule, since
// two things wrong with one resource are two pieces of work.
type Set struct{}

// Assign decides about one finding. It is one assignment, always.
func (s Set) Assign(f *finding.Finding) []Assignment { return []Assignment{s.assign(f)} }

func (Set) assign(f *finding.Finding) Assignment {
	if a, ok := BacklogAssignment(f, false); ok {
		return a
	}
	resource := f.Canonical()
	switch {
	case resource == "":
		return Assignment{Rule: "default", Group: NewGroupKey("finding", string(f.FirstKey())), Reason: "it names no resource, so it stands alone"}
	case f.Kind == finding.Cost:
		return Assignment{Rule: "default", Group: NewGroupKey("cost", resource), Reason: "grouped with the other opportunities of its resource"}
	}
	return Assignment{
		Rule:   "default",
		Group:  NewGroupKey(string(f.Kind), resource, f.SourceSystem, f.SourceRuleID),
		Reason: "grouped by its resource and the rule that reported it",
	}
}

// Member is one finding of a group with what is remembered of it.
type Member struct {
	Finding  finding.Finding
	Sighting finding.Sighting
	Decided  finding.Decided
}

// Group is everything known about what one issue is about.
type Group struct {
	Key     GroupKey
	Version int64    // rises whenever something about the group changes
	Members []Member // ordered by finding key; at least one

	Rule    string     // the name of the rule that put its findings together; empty: none makes an issue of it
	Ignored string     // why no rule makes an issue of it; empty: one does
	Left    *Elsewhere // where its findings are now, all of which left it; nil: it has findings

	Aside   []Member // which people set aside, at the moment of AsOf; Members holds them only when Shelved
	Shelved bool     // whatever is left of it is set aside

	Parent   bool    // it stands over other groups, whose issues its own lists
	Children []Child // these, ordered by key; nil: it is no parent's, or its findings all left it
}

// Elsewhere is where the findings of a group are that all of them left.
type Elsewhere struct {
	Group  GroupKey         // of the one of them that an issue would be told by
	Issues map[int64]string // the address of that group's issue, by the number of the integration; none: it has none
}

// Present lists the members whose finding is present.
func (g Group) Present() []Member {
	var out []Member
	for _, m := range g.Members {
		if m.Sighting.Detection == finding.Present {
			out = append(out, m)
		}
	}
	return out
}

// Lead is the member an issue is told by: present before absent, then the
// largest saving, the highest severity, and last the smallest key.
func (g Group) Lead() Member {
	lead := g.Members[0]
	for _, m := range g.Members[1:] {
		if outranks(m, lead) {
			lead = m
		}
	}
	return lead
}

func outranks(a, b Member) bool {
	if pa, pb := a.Sighting.Detection == finding.Present, b.Sighting.Detection == finding.Present; pa != pb {
		return pa
	}
	if d := a.Finding.EstimatedMonthlySavings.Decimal.Cmp(b.Finding.EstimatedMonthlySavings.Decimal); d != 0 {
		return d > 0
	}
	if a.Finding.SeverityID != b.Finding.SeverityID {
		return a.Finding.SeverityID > b.Finding.SeverityID
	}
	return a.Finding.FindingKey < b.Finding.FindingKey
}

// Savings is what the group saves per month. Several claims about one resource
// count once, the largest; those of several resources are added up. Absent
// members count only when none is present (what the closed issue had promised).
// It is unknown when no claim knows it, or when claims are in different
// currencies, which can neither be compared nor added: see Totals, which also
// tells of how many resources nothing is known.
func (g Group) Savings() (amount decimal.NullDecimal, currency string) {
	members := g.speaking()
	if len(members) == 1 {
		f := &members[0].Finding
		if !f.EstimatedMonthlySavings.Valid {
			return money.Unknown(), ""
		}
		return f.EstimatedMonthlySavings, f.BillingCurrency
	}
	list := resources(members)
	if len(list) == 1 {
		return list[0].Savings()
	}
	for _, r := range list {
		claim, in := r.Savings()
		switch {
		case !claim.Valid:
		case !amount.Valid:
			amount, currency = claim, in
		case currency != in:
			return money.Unknown(), ""
		default:
			amount.Decimal = amount.Decimal.Add(claim.Decimal)
		}
	}
	return amount, currency
}

// Severity is the highest severity among the members that count (see Savings).
func (g Group) Severity() finding.Severity {
	members := g.Present()
	if len(members) == 0 {
		members = g.Members
	}
	highest := finding.SeverityUnknown
	for _, m := range members {
		highest = max(highest, m.Finding.SeverityID)
	}
	return highest
}

// Detection is the group's: present while any member is, absent once every
// member is proved absent.
func (g Group) Detection() finding.Detection {
	for _, m := range g.Members {
		if m.Sighting.Detection != finding.Absent {
			return m.Sighting.Detection
		}
	}
	return finding.Absent
}

// Placed is a finding on its way into the store, with where it goes.
type Placed struct {
	Finding  *finding.Finding // valid only during the call it is passed to
	Sighting finding.Sighting
	Rule     string
	Group    GroupKey
	Ignored  string       // why no issue is made of it; empty: one is
	Also     []Assignment // its other groups, where rules let later ones match too
	Revision int64        // of the rules that say so; 0: the built-in ones
}

// Place says where a finding goes. Assigned is not empty; of two that name the
// same group the first counts.
func Place(f *finding.Finding, s finding.Sighting, assigned []Assignment, revision int64) Placed {
	first := assigned[0]
	p := Placed{Finding: f, Sighting: s, Rule: first.Rule, Group: first.Group, Ignored: first.Excuse(), Revision: revision}
	if p.Ignored != "" {
		p.Rule = ""
	}
	p.Also = Others(assigned)
	return p
}

// Others are the assignments behind the first that name groups of their own. What
// is ignored has none.
func Others(assigned []Assignment) []Assignment {
	if len(assigned) < 2 {
		return nil
	}
	seen := map[GroupKey]bool{assigned[0].Group: true}
	var out []Assignment
	for _, a := range assigned[1:] {
		if !seen[a.Group] && !a.Ignored {
			out = append(out, a)
		}
		seen[a.Group] = true
	}
	return out
}

// Excuse says in one line why no issue is made of what is ignored; empty: one is.
func (a Assignment) Excuse() string {
	if !a.Ignored {
		return ""
	}
	return cmp.Or(strings.Join(strings.Fields(a.Reason), " "), "no rule matches it")
}

// Intake is the open door of the store during one pull. Everything that goes
// through it is kept together or not at all.
type Intake struct {
	// Known is what is remembered of the pulled scope's findings, proved absent
	// ones included. The pull calls its findings on it.
	Known *finding.Roll
	// Accounts holds the SubAccountIds of the scope's present findings.
	Accounts map[string]bool
	// Put stores a finding that is new or says something else than before. A
	// zero Since of its sighting is as it was.
	Put func(Placed) error
	// Miss stores a changed sighting of a finding that was not in the pull. A
	// zero Since is as it was.
	Miss func(finding.Key, finding.Sighting) error
	// Rekey puts what is stored under a former key of a finding under its key,
	// with its group and its sighting, on the roll too. It says whether it could:
	// not when the scope does not hold the former key, or the pull has called it,
	// or the key is stored already, in whatever scope.
	Rekey func(former, key finding.Key) (bool, error)
}

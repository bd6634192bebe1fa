package issue

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// How long a checklist is; the rest is counted.
const (
	maxLines = 200
	maxGone  = 50
	maxWhat  = 120 // characters of each name in a line
	minLines = 10  // in a block that has hardly any room
)

// goneWords begin what a line says of a thing that is gone.
const goneWords = "~~"

// item is one line of a checklist: a resource, or an issue.
type item struct {
	key      string // what its line is known by: 10 hex digits of its name
	gone     bool   // every claim about it is proved absent
	members  []*rule.Member
	savings  decimal.NullDecimal
	currency string
	child    *beneath // the issue that it is, in a parent's; nil: it is a resource
}

// items are the lines of a checklist in their order: what is still there before
// what is gone, then by currency, the largest saving first, those of unknown
// saving last, and among equals by key.
func items(resources []rule.Resource) []item {
	var out []item
	for _, r := range resources {
		if r.Name == "" { // each is a thing to do of its own
			for _, m := range r.Members {
				out = append(out, newItem("finding "+string(m.Finding.FirstKey()), []*rule.Member{m}))
			}
			continue
		}
		out = append(out, newItem(r.Name, r.Members))
	}
	sortItems(out)
	return out
}

func sortItems(list []item) {
	slices.SortFunc(list, func(a, b item) int {
		return cmp.Or(
			first(b.gone, a.gone), first(a.savings.Valid, b.savings.Valid), cmp.Compare(a.currency, b.currency),
			b.savings.Decimal.Cmp(a.savings.Decimal), cmp.Compare(a.key, b.key),
		)
	})
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func newItem(name string, members []*rule.Member) item {
	sum := sha256.Sum256([]byte(name))
	i := item{key: hex.EncodeToString(sum[:5]), gone: true}
	for _, m := range members {
		if m.Sighting.Detection != finding.Absent {
			i.gone, i.members = false, append(i.members, m)
		}
	}
	if i.gone {
		i.members = members
	}
	i.savings, i.currency = rule.Resource{Members: i.members}.Savings()
	return i
}

// say is the first value that a claim about the resource states.
func (i item) say(value func(*finding.Finding) string) string {
	for _, m := range i.members {
		if text := value(&m.Finding); text != "" {
			return text
		}
	}
	return ""
}

// line is what a checklist says of the resource. Alike says that all its claims
// ask for the same, which is told once above the list.
func (i item) line(alike bool) string {
	if i.child != nil {
		return i.issueLine()
	}
	var b strings.Builder
	b.WriteString("- [ ] ")
	if i.gone {
		b.Reset()
		b.WriteString("- [x] " + goneWords)
	}
	what := brief(lastPart(strings.TrimSpace(i.say(func(f *finding.Finding) string { return f.ResourceID }))), i.say(func(f *finding.Finding) string { return f.ResourceName }))
	if what == "" || !alike {
		what = strings.TrimSpace(what + " " + inert.Inline(i.say(func(f *finding.Finding) string { return f.Title }), maxWhat))
	}
	if what == "" {
		what = "unnamed"
	}
	b.WriteString(what)
	if account := brief(i.say(func(f *finding.Finding) string { return f.SubAccountID }), i.say(func(f *finding.Finding) string { return f.SubAccountName })); account != "" {
		b.WriteString(" in " + account)
	}
	if i.gone {
		b.WriteString(goneWords + " gone")
	} else {
		b.WriteString(i.worth())
	}
	return b.String() + " `" + i.key + "`\n"
}

// brief is an id in code with its name behind, each of at most maxWhat characters.
func brief(id, name string) string {
	id, name = inert.Cell(id, maxWhat), inert.Inline(name, maxWhat)
	switch {
	case id == "":
		return name
	case name == "" || id == "`"+name+"`":
		return id
	}
	return id + " (" + name + ")"
}

// checklist is the list of a group's resources, one line each, with as many lines
// as the room for long texts allows.
func (v view) checklist(room int) string {
	gone := slices.IndexFunc(v.list, func(i item) bool { return i.gone })
	if gone < 0 {
		gone = len(v.list)
	}
	open, over := v.list[:gone], v.list[gone:]
	lines := max(minLines, maxLines*min(room, inert.MaxFenced)/inert.MaxFenced)
	var b strings.Builder
	alike := v.alike()
	for _, i := range open[:min(len(open), lines)] {
		b.WriteString(i.line(alike))
	}
	if left := open[min(len(open), lines):]; len(left) > 0 {
		b.WriteString(restOf(left))
	}
	shown := min(len(over), maxGone, lines)
	for _, i := range over[:shown] {
		b.WriteString(i.line(alike))
	}
	b.WriteString(more(len(over)-shown, "- Gone as well: %d more\n"))
	return b.String() + "\n"
}

// restOf counts what a list leaves out.
func restOf(left []item) string {
	totals := money.Totals{}
	for _, i := range left {
		totals.Add(i.savings, i.currency)
	}
	text := fmt.Sprintf("- And %d more", len(left))
	if len(totals) > 0 {
		text += ", which save " + totals.Show() + " a month"
	}
	return text + ".\n"
}

// alike says that all claims ask for the same thing of the same sort of resource.
func (v view) alike() bool {
	return !slices.ContainsFunc(v.claims, func(m *rule.Member) bool {
		f := &m.Finding
		return f.ActionType != v.lead.ActionType || f.ResourceType != v.lead.ResourceType || f.SourceRuleID != v.lead.SourceRuleID && f.ActionType == ""
	})
}

// left counts the resources that are not gone, or all when all are.
func (v view) left() int {
	n := len(v.list)
	if gone := slices.IndexFunc(v.list, func(i item) bool { return i.gone }); gone > 0 {
		n = gone
	}
	return n
}

// listTitle is the title of an issue with a checklist: "Upgrade 300 EbsVolume
// resources of payments – saves at least 4,304.00 USD/month".
func (v view) listTitle() string {
	text := counted(v.left(), "thing", "things") + " to do"
	switch {
	case v.alike() && inert.Prose(v.lead.ActionType) != "":
		text = inert.Prose(v.lead.ActionType) + " " + v.resourcesInWords()
	case v.alike() && inert.Prose(v.lead.SourceRuleID) != "":
		text = inert.Prose(v.lead.SourceRuleID) + ": " + v.resourcesInWords()
	case v.lead.Kind == finding.Cost:
		text = "Savings on " + v.resourcesInWords()
	}
	if team := inert.Prose(v.as.Team); team != "" {
		text += " of " + team
	}
	suffix := ""
	if saved := v.saved(); saved != "" {
		suffix = " – saves " + saved + "/month"
	}
	return ellipsis(inert.Title(text), maxTitle-utf8.RuneCountInString(suffix)) + suffix
}

// resourcesInWords counts the resources, with their type where all have one.
func (v view) resourcesInWords() string {
	if kind, _ := inert.Cut(inert.Prose(v.lead.ResourceType), 40); kind != "" && v.alike() {
		return counted(v.left(), kind+" resource", kind+" resources")
	}
	return counted(v.left(), "resource", "resources")
}

func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// saved is what all resources save together, per currency: "at least 10.00 EUR,
// 43.08 USD". Empty when nothing is known, or nothing is saved.
func (v view) saved() string {
	totals := money.Totals{}
	for currency, amount := range v.totals {
		if amount.IsPositive() {
			totals[currency] = amount
		}
	}
	switch {
	case len(totals) == 0:
		return ""
	case v.unknown > 0:
		return "at least " + totals.Show()
	}
	return totals.Show()
}

// writeList writes the body of an issue with a checklist, but for what stands
// under all issues.
func (v view) writeList(b *strings.Builder, room int) {
	v.writeListSummary(b)
	b.WriteString(factsHead)
	v.writeListFacts(b)
	b.WriteString("\n### To do\n\n" + v.checklist(room))
	if !v.gone {
		v.told().writeWhy(b, room)
		v.told().writeHow(b, room)
	}
}

// told is the group as it is told at length: of a checklist the claim that leads
// is the example for all.
func (v view) told() view {
	if v.as.Checklist {
		v.claims = v.claims[:1]
	}
	return v
}

func (v view) writeListSummary(b *strings.Builder) {
	n := v.left()
	switch {
	case v.gone:
		fmt.Fprintf(b, "**Gone.** No source reports any of these any more, so there is nothing left to do: %s.", counted(n, "resource", "resources"))
	case v.alike() && v.lead.ActionType != "":
		fmt.Fprintf(b, "The same is to be done to %s: %s. For example: %s", counted(n, "resource", "resources"), inert.Inline(v.lead.ActionType, maxWhat), sentence(v.lead))
	default:
		fmt.Fprintf(b, "There is something to do about %s.", counted(n, "resource", "resources"))
	}
	if !v.gone {
		v.writeWorth(b)
	}
	b.WriteString("\n\n")
}

// writeWorth says what all of it would save together; nothing when that is not known.
func (v view) writeWorth(b *strings.Builder) {
	if saved := v.saved(); saved != "" {
		fmt.Fprintf(b, " Together that would save %s **%s a month**", map[bool]string{true: "at least", false: "about"}[v.unknown > 0], strings.TrimPrefix(saved, "at least "))
		if v.savings.Valid {
			b.WriteString(" (" + v.yearly() + " a year)")
		}
		b.WriteString(". Each resource counts once")
		if v.unknown > 0 {
			fmt.Fprintf(b, "; of %d the saving is not known", v.unknown)
		}
		b.WriteByte('.')
	}
}

func (v view) writeListFacts(b *strings.Builder) {
	row := rows{b}
	row.add("Team", inlineFact(v.as.Team))
	row.add("Owner", v.owner())
	row.add("Resources", strconv.Itoa(v.left()))
	v.addSaving(row)
	row.add("Severity", v.severityShown())
	row.add("Reported by", v.reporters())
	if v.alike() {
		row.add("Rule", factCode(v.lead.SourceRuleID))
	}
}

// addSaving adds what all of it saves, where it is about savings.
func (v view) addSaving(row rows) {
	if v.lead.Kind != finding.Cost && len(v.totals) == 0 {
		return
	}
	saving := v.saved()
	if saving == "" {
		saving = "not known"
	}
	row.add("Estimated saving", saving+" per month"+v.asOf())
}

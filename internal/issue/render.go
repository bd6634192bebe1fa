package issue

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue/backlog"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// Render is what the issue of a group should say in the built-in look. It is a
// pure function: the same group gives the same bytes. The group has at least one
// member.
func Render(g rule.Group) Desired {
	d, _ := RenderAs(g, Look{}) // only a template fails
	return d
}

// RenderAs is Render with a look of a rule's own. The error is that of a template
// which came to nothing for this group (it ran too long, wrote too much, or failed
// at what it was given); the Desired says the same in the built-in words then, and
// may be used.
func RenderAs(g rule.Group, look Look) (Desired, error) {
	v := see(g, look)
	d, trouble := v.outline(g.Key)
	var err error
	if d.Body, err = v.body(); err != nil && trouble == nil {
		trouble = err
	}
	if v.as.Checklist {
		d.Unlisted = v.unlisted(d.Body)
	}
	return d, trouble
}

// Unwritten is the body of an Outline. No issue says it, since GitLab holds no
// NUL characters: whoever compares it with what an issue says finds a difference.
const Unwritten = "\x00"

// Outline is Render without the body, which is most of the work: all that tells
// whether an issue has to be written. It is not to be written itself.
func Outline(g rule.Group) Desired { return OutlineAs(g, Look{}) }

// OutlineAs is Outline with a look of a rule's own. It says what RenderAs says,
// its error apart.
func OutlineAs(g rule.Group, look Look) Desired {
	d, _ := see(g, look).outline(g.Key)
	return d
}

func (v view) outline(key rule.GroupKey) (Desired, error) {
	title, err := v.titled()
	return Desired{
		Group: key, Kind: v.lead.Kind,
		Title: title, Body: Unwritten, Labels: v.as.labelled(labels(v.lead.Kind, v.severity)),
		Savings: v.savings, Currency: v.currency, Severity: v.severity,
		Digest: digest(v), Owner: v.ownerName(),
	}, err
}

// titled is the title as the look has it.
func (v view) titled() (string, error) {
	if v.as.Template == nil {
		return v.headline(), nil
	}
	text, err := v.as.Template.Title(v.data())
	if err != nil || text == "" {
		return v.headline(), err
	}
	return ellipsis(text, maxTitle), nil
}

// headline is the title without a template.
func (v view) headline() string {
	if v.waits != nil {
		return ellipsis(v.waits.Title(), maxTitle)
	}
	if v.as.Parent != nil {
		return v.parentTitle()
	}
	if v.as.Checklist {
		return v.listTitle()
	}
	return v.title()
}

// view is a group as its issue speaks of it.
type view struct {
	lead     *finding.Finding
	claims   []*rule.Member // that count, the lead first, then by key
	gone     bool           // every member is proved absent
	savings  decimal.NullDecimal
	currency string
	severity finding.Severity

	as        Look
	group     rule.GroupKey
	resources []rule.Resource // of all members; nil for a group of one member in the built-in look
	list      []item          // a line for each, or for each issue beneath a parent; nil likewise
	totals    money.Totals    // the saving per currency; nil likewise
	unknown   int             // resources whose saving is not known

	aside   []rule.Member // that people set aside
	shelved bool          // they set aside all that is left of the group

	waits *backlog.List // the group tells of what waits in a project: what does; nil: it does not
}

func see(g rule.Group, as Look) view {
	claims, gone := counting(g)
	as.Rule = cmp.Or(as.Rule, g.Rule)
	if as.Parent != nil {
		as.Checklist, as.Template = true, nil
	}
	v := view{claims: claims, gone: gone, severity: g.Severity(), as: as, group: g.Key, aside: g.Aside, shelved: g.Shelved}
	v.savings, v.currency = g.Savings()
	if as.Checklist || as.Template != nil || len(g.Members) > 1 {
		v.resources = g.Resources()
		if v.list = items(v.resources); as.Parent != nil {
			v.list = as.Parent.children(g)
		}
		v.totals, v.unknown = g.Totals()
	}
	lead := g.Lead().Finding.FindingKey
	slices.SortFunc(claims, func(a, b *rule.Member) int {
		if a, b := a.Finding.FindingKey == lead, b.Finding.FindingKey == lead; a != b {
			if a {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Finding.FindingKey, b.Finding.FindingKey)
	})
	v.lead = &claims[0].Finding
	v.waits = waiting(g)
	return v
}

// counting lists the members an issue speaks of: all that are not proved
// absent, or every member when all of them are gone.
func counting(g rule.Group) (claims []*rule.Member, gone bool) {
	claims = make([]*rule.Member, 0, len(g.Members))
	for i := range g.Members {
		if g.Members[i].Sighting.Detection != finding.Absent {
			claims = append(claims, &g.Members[i])
		}
	}
	if len(claims) > 0 {
		return claims, false
	}
	for i := range g.Members {
		claims = append(claims, &g.Members[i])
	}
	return claims, true
}

// first is the first value that a claim states, the lead asked first.
func (v view) first(value func(*finding.Finding) string) string {
	for i := range v.claims {
		if text := value(&v.claims[i].Finding); text != "" {
			return text
		}
	}
	return ""
}

// labels are fixed words: nothing of a finding gets into a label. The scoped
// ones have keys of their own ("cxm" and "cxm::severity"), so that neither
// displaces the other or a label of the team's.
func labels(kind finding.Kind, severity finding.Severity) []string {
	out := []string{"cxm", "cxm::" + string(kind)}
	if severity != finding.SeverityUnknown {
		out = append(out, "cxm::severity::"+strings.ToLower(severity.String()))
	}
	slices.Sort(out)
	return out
}

// body is the block without its markers and status. What a finding says at
// length gets less room until all of it fits. On an error it is the built-in one.
func (v view) body() (string, error) {
	var trouble error
	if v.as.Template != nil {
		body, err := v.templated()
		if err == nil {
			return body, nil
		}
		trouble = err
	}
	for room := inert.MaxFenced; ; room /= 4 {
		body := v.bodyWithin(room)
		if len(body) <= maxBody || room == 0 {
			return body, trouble
		}
	}
}

// bodyWithin is body with at most room bytes of each long text.
func (v view) bodyWithin(room int) string {
	var b strings.Builder
	b.Grow(5 << 10)
	if v.waits != nil {
		v.waits.Write(&b, v.gone)
		v.writeAside(&b)
		v.writeSignature(&b)
		return strings.TrimSuffix(b.String(), "\n")
	}
	switch {
	case v.as.Parent != nil:
		v.writeParent(&b, room)
	case v.as.Checklist:
		v.writeList(&b, room)
	default:
		v.writeSummary(&b)
		v.writeFacts(&b)
		v.writeWhy(&b, room)
		if !v.gone {
			v.writeHow(&b, room)
		}
	}
	v.writeAside(&b)
	v.writeNext(&b)
	v.writeSignature(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

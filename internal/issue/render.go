package issue

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/rule"
)

// Render is what the issue of a group should say. It is a pure function: the
// same group gives the same bytes. The group has at least one member.
func Render(g rule.Group) Desired {
	v := look(g)
	d := v.outline(g.Key)
	d.Body = v.body()
	return d
}

// Unwritten is the body of an Outline. No issue says it, since GitLab holds no
// NUL characters: whoever compares it with what an issue says finds a difference.
const Unwritten = "\x00"

// Outline is Render without the body, which is most of the work: all that tells
// whether an issue has to be written. It is not to be written itself.
func Outline(g rule.Group) Desired { return look(g).outline(g.Key) }

func (v view) outline(key rule.GroupKey) Desired {
	return Desired{
		Group: key, Kind: v.lead.Kind,
		Title: v.title(), Body: Unwritten, Labels: labels(v.lead.Kind, v.severity),
		Savings: v.savings, Currency: v.currency, Severity: v.severity,
		Digest: digest(v),
	}
}

// view is a group as its issue speaks of it.
type view struct {
	lead     *finding.Finding
	claims   []*rule.Member // that count, the lead first, then by key
	gone     bool           // every member is proved absent
	savings  decimal.NullDecimal
	currency string
	severity finding.Severity
}

func look(g rule.Group) view {
	claims, gone := counting(g)
	v := view{claims: claims, gone: gone, severity: g.Severity()}
	v.savings, v.currency = g.Savings()
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
// length gets less room until all of it fits.
func (v view) body() string {
	for room := inert.MaxFenced; ; room /= 4 {
		body := v.bodyWithin(room)
		if len(body) <= maxBody || room == 0 {
			return body
		}
	}
}

// bodyWithin is body with at most room bytes of each long text.
func (v view) bodyWithin(room int) string {
	var b strings.Builder
	b.Grow(5 << 10)
	v.writeSummary(&b)
	v.writeFacts(&b)
	v.writeWhy(&b, room)
	if !v.gone {
		v.writeHow(&b, room)
	}
	v.writeNext(&b)
	v.writeSignature(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

package issue

import (
	"fmt"
	"slices"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/rule"
)

// maxReason is how many characters of a reason of people's are shown, and maxBy of
// their name.
const (
	maxReason = finding.LongestReason
	maxBy     = 60
)

// writeAside tells what people set aside, who, until when and why; nothing when that
// is nothing. A parent's issue does not: those beneath it do.
func (v view) writeAside(b *strings.Builder) {
	if len(v.aside) == 0 || v.as.Parent != nil || v.gone {
		return
	}
	b.WriteString("### Set aside\n\n")
	if v.shelved {
		b.WriteString("Nothing is to be done about this now, by a decision recorded in cxm. cxm keeps this issue and does not close it: close it if it is in the way.\n\n")
	} else {
		b.WriteString("Nothing is to be done about these now, by decisions recorded in cxm, and they count in no sum above.\n\n")
	}
	left := max(0, len(v.aside)-maxListed)
	for i := range v.aside[:len(v.aside)-left] {
		b.WriteString(asideLine(&v.aside[i]))
	}
	b.WriteString(more(left, "- Set aside as well: %d more\n") + "\n")
}

// asideLine is what is told of one finding that is set aside.
func asideLine(m *rule.Member) string {
	f, d := &m.Finding, m.Decided
	what := brief(lastPart(strings.TrimSpace(f.ResourceID)), f.ResourceName)
	if what == "" {
		what = claimTitle(f)
	}
	line := fmt.Sprintf("- %s (finding `%s`): %s", what, f.FindingKey.Short(), d.Word())
	switch {
	case !d.Until.IsZero():
		line += " until " + finding.Day(d.Until)
	case d.Decision == finding.Exception:
		line += " without an end"
	}
	if by := inert.Inline(signed(d.By), maxBy); by != "" {
		line += " by " + by
	}
	if reason := inert.Inline(d.Reason, maxReason); reason != "" {
		line += ": " + reason
	}
	return line + "\n"
}

// signed is who decided, as an issue may say it: of an address only what stands
// before the host, since whoever reads the issue need not have it.
func signed(by string) string {
	name, _, _ := strings.Cut(by, "@")
	return name
}

// asideFacts adds what is set aside to a digest: nothing for nothing.
func (v view) asideFacts(w *factHash) {
	if len(v.aside) == 0 || v.as.Parent != nil {
		return
	}
	w.text("aside")
	w.flag(&v.shelved)
	for _, m := range v.aside {
		w.text(string(m.Finding.FindingKey), string(m.Decided.Decision), signed(m.Decided.By), m.Decided.Reason, finding.Day(m.Decided.Until))
	}
}

// shelf tells which findings of a parent's group are set aside.
func shelf(g rule.Group) map[finding.Key]*rule.Member {
	out := make(map[finding.Key]*rule.Member, len(g.Aside))
	for i := range g.Aside {
		out[g.Aside[i].Finding.FindingKey] = &g.Aside[i]
	}
	return out
}

// shelved says that all that is not gone of what a line of a parent's issue is about
// is set aside.
func shelved(in []*rule.Member, aside map[finding.Key]*rule.Member) bool {
	there := 0
	for _, m := range in {
		if m.Sighting.Detection != finding.Absent {
			there++
		}
	}
	return there > 0 && !slices.ContainsFunc(in, func(m *rule.Member) bool {
		return m.Sighting.Detection != finding.Absent && aside[m.Finding.FindingKey] == nil
	})
}

package rule

import (
	"time"

	"cxm/internal/finding"
)

// AsOf is the group as its issue is about it at a moment: what people set aside
// until later, or for good, is no part of it. Where that is all that is left of the
// group, its members stay, so that the issue can say what was set aside, and the
// group is Shelved. What is proved gone is in no way set aside. A group that this
// was asked of before stays as it is.
func (g Group) AsOf(now time.Time) Group {
	if g.Aside != nil || g.Left != nil {
		return g
	}
	n, gone := 0, 0
	for i := range g.Members {
		switch m := &g.Members[i]; {
		case m.Sighting.Detection == finding.Absent:
			gone++
		case m.Decided.Aside(now):
			n++
		}
	}
	if n == 0 {
		return g
	}
	rest := make([]Member, 0, len(g.Members)-n)
	for _, m := range g.Members {
		if m.Sighting.Detection != finding.Absent && m.Decided.Aside(now) {
			g.Aside = append(g.Aside, m)
		} else {
			rest = append(rest, m)
		}
	}
	if g.Shelved = n+gone == len(g.Members); !g.Shelved {
		g.Members = rest
	}
	return g
}

// Until is when the first of what is set aside is not any more; not ok: nothing of
// it has an end.
func (g Group) Until() (first time.Time, ok bool) {
	for _, m := range g.Aside {
		if end := m.Decided.Until; !end.IsZero() && (!ok || end.Before(first)) {
			first, ok = end, true
		}
	}
	return first, ok
}

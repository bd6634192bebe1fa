package rulebook

import (
	"fmt"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Digests says whether a budget asks for an issue that tells of what waits under it.
func (b *Book) Digests() bool {
	return slices.ContainsFunc(b.budgets, func(each attention.Budget) bool { return each.Digest })
}

// backlog is where a finding goes that tells of what waits in a project; not ok: it
// is about something else. The first rule that names the event digest and matches
// has its say; no other rule does, and without one cxm's own takes it.
func (b *Book) backlog(f *finding.Finding) (rule.Assignment, bool) {
	a, ok := rule.BacklogAssignment(f, b.Digests())
	if !ok || a.Ignored {
		return a, ok
	}
	s, done := b.subject(f)
	defer done()
	for _, r := range b.rules {
		if matched, _ := r.matches(s, f); !matched {
			continue
		}
		a.Rule = r.Name
		if r.Ignore != "" {
			a.Ignored, a.Reason = true, fmt.Sprintf("rule %s ignores it: %s", r.Name, r.Ignore)
		}
		break
	}
	return a, true
}

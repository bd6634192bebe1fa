package rule

import "cxm/internal/finding"

// BacklogRule is the name of the rule that makes the issue which tells of what
// waits in a project, where no rule of the file asks for that. No rule of a file
// can have the name.
const BacklogRule = "cxm:digest"

// BacklogAssignment is where a finding goes that tells of what waits in a project;
// not ok: it is about something else. It stands alone, whatever rules group by.
// Wanted says that the rules ask for digests at all.
func BacklogAssignment(f *finding.Finding, wanted bool) (a Assignment, ok bool) {
	if _, ok := finding.BacklogOf(f); !ok {
		return a, false
	}
	a = Assignment{Rule: BacklogRule, Group: NewGroupKey("finding", string(f.FirstKey())), Reason: "it tells of what waits in one project"}
	if !wanted {
		a.Ignored, a.Reason = true, "no budget of the rules asks for a digest of what waits"
	}
	return a, true
}

// Backlog says whose backlog the group tells of; not ok: it is about something else.
func (g Group) Backlog() (finding.Backlog, bool) {
	if len(g.Members) != 1 {
		return finding.Backlog{}, false
	}
	return finding.BacklogOf(&g.Members[0].Finding)
}

package rulebook

import (
	"fmt"
	"slices"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/pattern"
)

// Parent is an issue that lists the issues of a rule, those whose findings are the
// same in what it groups by.
type Parent struct {
	GroupBy []string          // normalised and sorted; at least one
	Labels  []pattern.Pattern // of its issue, the rule's among them
}

func parents() form.Value[Parent] {
	return form.Object(
		form.At("group_by", groupings(), func(p *Parent) *[]string { return &p.GroupBy }, "Issues whose findings are the same in all of these have one parent: facts, tag:NAME, or rule.").Required(),
		form.At("labels", form.Some(patterns(checkLabel)), func(p *Parent) *[]pattern.Pattern { return &p.Labels }, "Labels of the parent in addition to those of the rule."),
	)
}

// checkParent finds parents that would list one issue each, or none.
func (s *sheet) checkParent(w *written) {
	if w.Parent == nil || len(w.Parent.GroupBy) == 0 {
		return // which is told already
	}
	by := w.node.Under("parent.group_by")
	covers := len(w.GroupBy) > 0 && !slices.ContainsFunc(w.GroupBy, func(name string) bool { return !slices.Contains(w.Parent.GroupBy, name) })
	switch {
	case w.Ignore != "":
		w.node.Under("parent").Wrong("remove one of them", "lists nothing, as the rule ignores its findings")
	case slices.Contains(w.Parent.GroupBy, "finding"):
		by.Wrong("group by what several findings share, such as tag:team", "names finding, so that each parent would list one issue")
	case covers:
		by.Wrong("leave out some of it", "names all that the rule groups by (%s), so that each parent would list one issue", strings.Join(w.GroupBy, ", "))
	}
	s.checkScoped(w.node.Under("parent.labels"), w.Parent.Labels)
	w.Parent.Labels = merged(w.Labels, w.Parent.Labels)
}

// over is the group of the parent of an issue that a finding is in; not ok: it has
// none. Its key begins with another word than those of all other groups, so that
// none is ever both, and with the rule's name: a parent goes where one rule sends it.
func (r *Rule) over(f *finding.Finding, child rule.GroupKey) (a rule.Assignment, ok bool) {
	if r.Parent == nil {
		return rule.Assignment{}, false
	}
	key, told, whole := r.grouped(fmt.Sprintf("parent of %d:%s", len(r.Name), r.Name), r.Parent.GroupBy, f)
	return rule.Assignment{Rule: r.Name, Group: key, Child: child, Reason: "its parent is grouped by " + told}, whole
}

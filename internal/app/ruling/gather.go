package ruling

import (
	"cmp"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
)

// gathered is a group as its findings come together.
type gathered struct {
	group rule.Group
	in    map[finding.Key]bool
}

// add puts a finding into the group once, as a parent's beneath the child named.
func (g *gathered) add(child rule.GroupKey, m rule.Member) {
	key := m.Finding.FindingKey
	if g.in[key] {
		return
	}
	g.in[key] = true
	g.group.Members = append(g.group.Members, m)
	if child == "" {
		return
	}
	at, found := slices.BinarySearchFunc(g.group.Children, child, func(c rule.Child, key rule.GroupKey) int { return cmp.Compare(c.Group, key) })
	if !found {
		g.group.Children = slices.Insert(g.group.Children, at, rule.Child{Group: child})
	}
	g.group.Children[at].Members = append(g.group.Children[at].Members, key)
}

// whole is the group as the store would have it; made are the issues there are.
func (g *gathered) whole(made map[rule.GroupKey]map[int64]rule.ChildIssue) rule.Group {
	out := g.group
	slices.SortFunc(out.Members, func(a, b rule.Member) int { return cmp.Compare(a.Finding.FindingKey, b.Finding.FindingKey) })
	for i := range out.Children {
		slices.Sort(out.Children[i].Members)
		out.Children[i].Issues = made[out.Children[i].Group]
	}
	return out
}

// list remembers what a parent lists of a group's issues.
func (p *previewing) list(group rule.GroupKey, have []issue.Tracked) {
	delete(p.made, group)
	for _, t := range have {
		if t.Phase != issue.Live && t.Phase != issue.Lost {
			continue
		}
		if p.made[group] == nil {
			p.made[group] = map[int64]rule.ChildIssue{}
		}
		p.made[group][t.Integration] = rule.ChildIssue{
			Project: t.Observed.ProjectID, IID: t.Observed.IID, URL: t.Observed.WebURL,
			Closed: t.Observed.State == issue.Closed, Lost: t.Phase == issue.Lost,
		}
	}
}

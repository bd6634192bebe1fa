package store

import (
	"context"
	"maps"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
)

// children are the groups beneath a parent's, with their issues as they were last
// seen, in the order of their keys.
func (r groupReader) children(ctx context.Context, parent string) ([]rule.Child, error) {
	members, err := r.q.ChildMembers(ctx, r.tenant, parent)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	at := map[string]*rule.Child{}
	for _, m := range members {
		if at[m.Child] == nil {
			at[m.Child] = &rule.Child{Group: rule.GroupKey(m.Child), Issues: map[int64]rule.ChildIssue{}}
		}
		at[m.Child].Members = append(at[m.Child].Members, finding.Key(m.FindingKey))
	}
	rows, err := r.q.ChildIssues(ctx, r.tenant, parent)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		var seen issue.Observed
		if err := db.Decode(row.Observed, &seen, "observed state of the issue of group", row.GroupKey); err != nil {
			return nil, err
		}
		at[row.GroupKey].Issues[row.IntegrationID] = rule.ChildIssue{
			Project: row.ProjectID, IID: row.IID, URL: seen.WebURL,
			Closed: issue.State(row.State) == issue.Closed, Lost: issue.Phase(row.Phase) == issue.Lost,
		}
	}
	out := make([]rule.Child, 0, len(at))
	for _, key := range slices.Sorted(maps.Keys(at)) {
		slices.Sort(at[key].Members)
		out = append(out, *at[key])
	}
	return out, nil
}

// over adds to groups those that stand over them: something about an issue beneath
// them changed.
func (s *Store) over(ctx context.Context, q *db.Queries, groups ...rule.GroupKey) ([]rule.GroupKey, error) {
	out := slices.Clone(groups)
	for _, group := range slices.Compact(slices.Sorted(slices.Values(groups))) {
		parents, err := q.ParentsOf(ctx, s.tenant, string(group))
		if err != nil {
			return nil, err
		}
		for _, parent := range parents {
			out = append(out, rule.GroupKey(parent))
		}
	}
	return out, nil
}

// settleBeneath settles a group whose step was recorded, unless the version is 0,
// and marks those that stand over it. Rows of groups are held in the order of their
// keys.
func (s *Store) settleBeneath(ctx context.Context, q *db.Queries, integration int64, group rule.GroupKey, version int64, parents []rule.GroupKey) error {
	at, _ := slices.BinarySearch(parents, group)
	if err := s.touch(ctx, q, parents[:at]); err != nil {
		return err
	}
	if version != 0 {
		if err := s.settle(ctx, q, integration, group, version); err != nil {
			return err
		}
	}
	return s.touch(ctx, q, parents[at:])
}

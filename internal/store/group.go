package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// page is how many groups are read at a time.
const page = 256

// grouped is one group as Groups yields it.
type grouped struct {
	group  rule.Group
	issues []issue.Tracked
}

// Groups yields the groups that are dirty, or all of them, ordered by key, each
// with its members and with all its tracked issues that were not dropped,
// ordered by ID. Each group is consistent in itself and read shortly before it
// is yielded: at most a page of groups is read ahead. yield may use the store.
// An error of yield ends it and is returned as it is.
//
// A group whose findings have all moved to other groups has one member, the
// last that moved, as absent since then, and tells where it is now: its issue has
// lost its subject.
func (s *Store) Groups(ctx context.Context, all bool, yield func(rule.Group, []issue.Tracked) error) error {
	ctx, stop := context.WithCancel(ctx)
	ahead := s.readAhead(ctx, all, "")
	defer func() { stop(); <-ahead }()
	for {
		read := <-ahead
		if read.err != nil || len(read.groups) == 0 {
			return read.err
		}
		if n := len(read.groups); n == page {
			ahead = s.readAhead(ctx, all, string(read.groups[n-1].group.Key))
		}
		for _, g := range read.groups {
			if err := yield(g.group, g.issues); err != nil {
				return err
			}
		}
		if len(read.groups) < page {
			return nil
		}
	}
}

// readPage is a page of groups, or why there is none.
type readPage struct {
	groups []grouped
	err    error
}

// readAhead reads the groups behind the key after while others work. The channel
// is closed when that is done.
func (s *Store) readAhead(ctx context.Context, all bool, after string) <-chan readPage {
	read := make(chan readPage, 1)
	go func() {
		defer close(read)
		groups, err := s.groupPage(ctx, all, after)
		read <- readPage{groups, err}
	}()
	return read
}

// groupPage reads the next groups behind the key after.
func (s *Store) groupPage(ctx context.Context, all bool, after string) ([]grouped, error) {
	var out []grouped
	err := s.query(ctx, "reading the groups", func(q *db.Queries) error {
		reader := groupReader{q: q, tenant: s.tenant, all: all}
		heads, err := reader.heads(ctx, after)
		if err != nil || len(heads) == 0 {
			return err
		}
		out, err = reader.fill(ctx, heads)
		return err
	})
	return out, err
}

// groupReader reads one page of groups, dirty ones or all.
type groupReader struct {
	q      *db.Queries
	tenant string
	all    bool
}

func (r groupReader) heads(ctx context.Context, after string) ([]db.GroupsAfterRow, error) {
	if r.all {
		return r.q.GroupsAfter(ctx, r.tenant, after, page)
	}
	rows, err := r.q.DirtyGroupsAfter(ctx, r.tenant, after, page)
	out := make([]db.GroupsAfterRow, len(rows))
	for i, row := range rows {
		out[i] = db.GroupsAfterRow(row)
	}
	return out, err
}

func (r groupReader) members(ctx context.Context, first, last string) ([]db.MembersRow, error) {
	if r.all {
		return r.q.Members(ctx, r.tenant, first, last)
	}
	rows, err := r.q.DirtyMembers(ctx, r.tenant, first, last)
	out := make([]db.MembersRow, len(rows))
	for i, row := range rows {
		out[i] = db.MembersRow(row)
	}
	return out, err
}

// also reads the findings that are in a group besides their first one.
func (r groupReader) also(ctx context.Context, first, last string) (out []db.MembersRow, err error) {
	if r.all {
		rows, err := r.q.AlsoMembers(ctx, r.tenant, first, last)
		for _, row := range rows {
			out = append(out, db.MembersRow(row))
		}
		return out, err
	}
	rows, err := r.q.DirtyAlsoMembers(ctx, r.tenant, first, last)
	for _, row := range rows {
		out = append(out, db.MembersRow(row))
	}
	return out, err
}

// everyone reads all members of groups.
func (r groupReader) everyone(ctx context.Context, first, last string) ([]db.MembersRow, error) {
	members, err := r.members(ctx, first, last)
	if err != nil {
		return nil, err
	}
	also, err := r.also(ctx, first, last)
	if len(also) > 0 {
		members = append(members, also...)
		slices.SortStableFunc(members, func(a, b db.MembersRow) int { return cmp.Compare(a.GroupKey, b.GroupKey) })
	}
	return members, err
}

func (r groupReader) issues(ctx context.Context, first, last string) ([]db.Issue, error) {
	if r.all {
		return r.q.GroupIssues(ctx, r.tenant, first, last)
	}
	rows, err := r.q.DirtyGroupIssues(ctx, r.tenant, first, last)
	out := make([]db.Issue, len(rows))
	for i, row := range rows {
		out[i] = row.Issue
	}
	return out, err
}

// fill adds members and issues to the heads of groups. All three are ordered by
// group key.
func (r groupReader) fill(ctx context.Context, heads []db.GroupsAfterRow) ([]grouped, error) {
	first, last := heads[0].GroupKey, heads[len(heads)-1].GroupKey
	members, err := r.everyone(ctx, first, last)
	if err != nil {
		return nil, err
	}
	issues, err := r.issues(ctx, first, last)
	if err != nil {
		return nil, err
	}
	out := make([]grouped, 0, len(heads))
	for _, head := range heads {
		g := grouped{group: rule.Group{Key: rule.GroupKey(head.GroupKey), Version: head.Version, Rule: head.Rule, Ignored: head.Ignored, Parent: head.Parent}}
		for ; len(members) > 0 && members[0].GroupKey <= head.GroupKey; members = members[1:] {
			m, err := value.Member(members[0])
			if err != nil {
				return nil, err
			}
			g.group.Members = append(g.group.Members, m)
		}
		slices.SortFunc(g.group.Members, func(a, b rule.Member) int { return cmp.Compare(a.Finding.FindingKey, b.Finding.FindingKey) })
		if len(g.group.Members) == 0 {
			if err = r.departed(ctx, head, &g.group); err != nil {
				return nil, err
			}
		}
		if head.Parent {
			if g.group.Children, err = r.children(ctx, head.GroupKey); err != nil {
				return nil, err
			}
		}
		n := 0
		for n < len(issues) && issues[n].GroupKey <= head.GroupKey {
			n++
		}
		if g.issues, err = value.AllTracked(issues[:n]); err != nil {
			return nil, err
		}
		issues = issues[n:]
		out = append(out, g)
	}
	return out, nil
}

// departed makes the finding that left the group last its member, as gone.
func (r groupReader) departed(ctx context.Context, head db.GroupsAfterRow, g *rule.Group) error {
	row, err := r.q.Departed(ctx, r.tenant, head.LeftFinding.Int64)
	if err != nil {
		return err
	}
	m, err := value.Member(db.MembersRow(row))
	if err != nil {
		return err
	}
	m.Finding.Detection = finding.Absent
	m.Sighting.Detection, m.Sighting.Since = finding.Absent, head.LeftAt.Time
	g.Members = []rule.Member{m}
	g.Left, err = r.elsewhere(ctx, row.GroupKey)
	return err
}

// elsewhere is a group that findings went to, with its issues.
func (r groupReader) elsewhere(ctx context.Context, key string) (*rule.Elsewhere, error) {
	there := rule.Elsewhere{Group: rule.GroupKey(key), Issues: map[int64]string{}}
	rows, err := r.q.GroupIssues(ctx, r.tenant, key, key)
	if err != nil {
		return nil, err
	}
	issues, err := value.AllTracked(rows)
	for _, t := range issues {
		if t.Phase == issue.Live {
			there.Issues[t.Integration] = t.Observed.WebURL
		}
	}
	return &there, err
}

// CountGroups says how many groups there are and how many of them are dirty:
// something about them changed since they were last settled.
func (s *Store) CountGroups(ctx context.Context) (total, dirty int, err error) {
	err = s.query(ctx, "counting the groups", func(q *db.Queries) error {
		all, err := q.CountGroups(ctx, s.tenant)
		if err != nil {
			return err
		}
		changed, err := q.CountDirtyGroups(ctx, s.tenant)
		total, dirty = int(all), int(changed)
		return err
	})
	return total, dirty, err
}

// Settle says that an integration decided on the groups and has nothing left to do;
// 0: no integration has. Each stops being dirty once every integration said so, but
// for those whose version is no longer the one given: they changed after they were
// read.
func (s *Store) Settle(ctx context.Context, integrationID int64, versions map[rule.GroupKey]int64) error {
	return s.saveAs(ctx, "settle", "settling the groups", func(ctx context.Context, q *db.Queries) error {
		for _, key := range slices.Sorted(maps.Keys(versions)) {
			if err := s.settle(ctx, q, integrationID, key, versions[key]); err != nil {
				return err
			}
		}
		return nil
	})
}

// settle is Settle of one group.
func (s *Store) settle(ctx context.Context, q *db.Queries, integration int64, key rule.GroupKey, version int64) error {
	if integration != 0 {
		err := q.SettleFor(ctx, db.SettleForParams{IntegrationID: integration, Tenant: s.tenant, GroupKey: string(key), Version: version})
		if err != nil {
			return err
		}
	}
	return q.SettleGroup(ctx, db.SettleGroupParams{IntegrationID: integration, Tenant: s.tenant, GroupKey: string(key), Version: version})
}

// Touch makes groups dirty and raises their versions. Keys of groups that do
// not exist are left out.
func (s *Store) Touch(ctx context.Context, keys []rule.GroupKey) error {
	return s.saveAs(ctx, "touch", "marking groups as changed", func(ctx context.Context, q *db.Queries) error {
		return s.touch(ctx, q, keys)
	})
}

func (s *Store) touch(ctx context.Context, q *db.Queries, keys []rule.GroupKey) error {
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		if err := q.TouchGroup(ctx, s.tenant, string(key)); err != nil {
			return err
		}
	}
	return nil
}

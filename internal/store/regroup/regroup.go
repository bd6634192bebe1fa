// Package regroup moves findings between groups within a transaction, and hands
// the issue of a group that all findings left to the group that they are in now.
//
// What always holds: a finding is in each of its groups once; every group that it
// is in, came to or left is marked as changed; rows of groups that are there
// already are held only by Mark, in the order of their keys, and rows of issues
// only before that, in the order of their numbers; no group gets a second issue.
package regroup

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
)

// Place is one group that a finding is in.
type Place struct {
	Group   string
	Rule    string
	Ignored string // why no issue is made of it; empty: one is
	Child   string // which of the finding's groups it stands over, as a parent's; empty: it is no parent's
}

// Places are where a finding goes, its first group first.
func Places(p rule.Placed) []Place {
	out := []Place{{Group: string(p.Group), Rule: p.Rule, Ignored: p.Ignored}}
	for _, a := range p.Also {
		out = append(out, Place{Group: string(a.Group), Rule: a.Rule, Child: string(a.Child)})
	}
	return out
}

// Mover moves findings within one transaction.
type Mover struct {
	q       *db.Queries
	tenant  string
	touched map[string]change
	left    map[string]bool // groups that findings left
}

// change is what became of a group.
type change struct {
	rule, ignored sql.NullString // of the finding that came last; null: as it was
	left          int64          // the finding that left; 0: none
}

// New is a mover on an open transaction.
func New(q *db.Queries, tenant string) *Mover {
	return &Mover{q: q, tenant: tenant, touched: map[string]change{}, left: map[string]bool{}}
}

// Open sees to it that the groups are there that findings go to, in the order in
// which they go there.
func (m *Mover) Open(ctx context.Context, places []Place) error {
	var wanted []db.AddGroupParams
	seen := map[string]bool{}
	for _, p := range places {
		if !seen[p.Group] {
			seen[p.Group] = true
			wanted = append(wanted, db.AddGroupParams{Tenant: m.tenant, GroupKey: p.Group, Rule: p.Rule, Ignored: p.Ignored, Parent: p.Child != ""})
		}
	}
	added, err := m.q.AddGroups(ctx, wanted)
	if err != nil {
		return err
	}
	for _, p := range places {
		if added[p.Group] {
			delete(added, p.Group) // it was made with what this one says
			continue
		}
		m.touch(p.Group, change{rule: sql.NullString{String: p.Rule, Valid: true}, ignored: sql.NullString{String: p.Ignored, Valid: true}})
	}
	return nil
}

// Was are the groups that a finding is in, as its row says; also is how many it
// has besides the first.
func (m *Mover) Was(ctx context.Context, id int64, first Place, also int64) ([]Place, error) {
	out := []Place{first}
	if also == 0 {
		return out, nil
	}
	rows, err := m.q.MembershipsOf(ctx, m.tenant, id)
	for _, r := range rows {
		out = append(out, Place{Group: r.GroupKey, Rule: r.Rule, Child: r.Child})
	}
	return out, err
}

// Move writes the groups of a finding besides its first, and what it left. The
// first is in its row, which the caller writes.
func (m *Mover) Move(ctx context.Context, id int64, was, now []Place) error {
	if err := m.others(ctx, id, was, now); err != nil {
		return err
	}
	for i, p := range was {
		rank := rank(was[:i], p.Child != "")
		if slices.ContainsFunc(now, func(n Place) bool { return n.Group == p.Group }) {
			continue
		}
		m.touch(p.Group, change{left: id})
		m.left[p.Group] = true
		if err := m.q.AddRegrouping(ctx, db.AddRegroupingParams{Tenant: m.tenant, FindingID: id, Was: p.Group, Place: int64(rank)}); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mover) others(ctx context.Context, id int64, was, now []Place) error {
	if len(was) < 2 && len(now) < 2 || len(was) > 0 && slices.Equal(was[1:], now[1:]) {
		return nil
	}
	if len(was) > 1 {
		if err := m.q.DropMemberships(ctx, m.tenant, id); err != nil {
			return err
		}
	}
	for i, p := range now[1:] {
		err := m.q.AddMembership(ctx, db.AddMembershipParams{Tenant: m.tenant, FindingID: id, Place: int64(i + 1), GroupKey: p.Group, Rule: p.Rule, Child: p.Child})
		if err != nil {
			return err
		}
	}
	return nil
}

// Touch remembers that something about a finding of the groups changed.
func (m *Mover) Touch(places []Place) {
	for _, p := range places {
		m.touch(p.Group, change{})
	}
}

func (m *Mover) touch(group string, t change) {
	was := m.touched[group]
	if !t.rule.Valid {
		t.rule, t.ignored = was.rule, was.ignored
	}
	t.left = cmp.Or(t.left, was.left)
	m.touched[group] = t
}

// Settle says what becomes of the issues of those groups that findings left
// through this mover: they are handed on at once, or by whoever assigns findings
// now. It returns how far that has come.
func (m *Mover) Settle(ctx context.Context, s State) (State, error) {
	switch {
	case len(m.left) == 0, s.Stage == Assign:
		return s, nil
	case s.Stage == Open, s.Stage == Closed:
		s.Stage, s.Position = Open, 0
		return s, nil
	}
	if err := m.hand(ctx); err != nil || s.Stage != Done {
		return s, err
	}
	return s, m.q.DropRegroupings(ctx, m.tenant, 1<<62)
}

// hand hands on the issues of what was left, open ones before closed ones and
// older ones before younger ones.
func (m *Mover) hand(ctx context.Context) error {
	var issues []db.ActiveIssuesOfRow
	for group := range m.left {
		rows, err := m.q.ActiveIssuesOf(ctx, m.tenant, group)
		if err != nil {
			return err
		}
		issues = append(issues, rows...)
	}
	slices.SortFunc(issues, func(a, b db.ActiveIssuesOfRow) int {
		return cmp.Or(cmp.Compare(closed(a.State), closed(b.State)), cmp.Compare(a.ID, b.ID))
	})
	for _, each := range issues {
		if err := m.Inherit(ctx, Handed{Row: each.ID, Integration: each.IntegrationID, Group: each.GroupKey}); err != nil {
			return err
		}
	}
	return nil
}

func closed(state string) int {
	if state == string(issue.Closed) {
		return 1
	}
	return 0
}

// Handed is an issue that may go to another group.
type Handed struct {
	Row, Integration int64
	Group            string
}

// Inherit hands an issue on if all findings left its group: to the group of the
// one that an issue of them would be told by, of those whose groups have none. Of
// several issues that could go to one group the first that is handed on does. It
// changes nothing the second time.
func (m *Mover) Inherit(ctx context.Context, i Handed) error {
	has, err := m.q.HasFindings(ctx, m.tenant, i.Group)
	if err != nil || has.Bool {
		return err
	}
	lead, err := m.q.LeadOfLeavers(ctx, m.tenant, i.Group, i.Integration)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	m.touch(i.Group, change{left: lead.ID})
	heir, err := m.heir(ctx, lead)
	if err != nil {
		return err
	}
	if heir == "" {
		return nil
	}
	rows, err := m.q.Inherit(ctx, db.InheritParams{Tenant: m.tenant, ID: i.Row, Was: i.Group, Heir: heir})
	if err != nil || rows == 0 {
		return err
	}
	m.touch(heir, change{})
	return m.touchParents(ctx, heir)
}

// touchParents remembers that the issue beneath them is another one.
func (m *Mover) touchParents(ctx context.Context, group string) error {
	parents, err := m.q.ParentsOf(ctx, m.tenant, group)
	for _, parent := range parents {
		m.touch(parent, change{})
	}
	return err
}

// heir is the group that took the place of the one that the finding left: that of
// the same rank among its groups, else its first. A parent's issue lists others, so
// only a parent's group takes it, and none may ("").
func (m *Mover) heir(ctx context.Context, lead db.LeadOfLeaversRow) (string, error) {
	also := lead.Also
	if lead.Place == 0 && !lead.Parent {
		also = 0 // it is its first
	}
	all, err := m.Was(ctx, lead.ID, Place{Group: lead.GroupKey}, also)
	now := slices.DeleteFunc(all, func(p Place) bool { return (p.Child != "") != lead.Parent })
	switch {
	case err != nil || len(now) == 0:
		return "", err
	case int(lead.Place) < len(now):
		return now[lead.Place].Group, nil
	}
	return now[0].Group, nil
}

// rank is the place of a group among those of a finding that are parents', or that
// are not: how many of them stand before it.
func rank(before []Place, parent bool) int {
	n := 0
	for _, p := range before {
		if (p.Child != "") == parent {
			n++
		}
	}
	return n
}

// Mark tells the groups that they changed; those that were left, since when.
func (m *Mover) Mark(ctx context.Context, at time.Time) error {
	for _, key := range slices.Sorted(maps.Keys(m.touched)) {
		t := m.touched[key]
		params := db.MarkGroupParams{Tenant: m.tenant, GroupKey: key, Rule: t.rule, Ignored: t.ignored}
		if t.left != 0 {
			params.LeftFinding, params.LeftAt = sql.NullInt64{Int64: t.left, Valid: true}, db.Time{Time: at}
		}
		if err := m.q.MarkGroup(ctx, params); err != nil {
			return err
		}
	}
	return nil
}

package catalog

import (
	"slices"
	"sort"
	"strings"

	"cxm/internal/sandbox/world/refuse"
)

// Milestones gives a home's milestones, with its ancestor groups' when asked.
func (c *Catalog) Milestones(h Home, ancestors bool) []*Milestone {
	groups := c.groups(h)
	var out []*Milestone
	for _, m := range c.milestones {
		own := h.Project != nil && m.ProjectID == h.Project.ID || h.Group != nil && m.GroupID == h.Group.ID
		if own || ancestors && m.GroupID != 0 && slices.Contains(groups, m.GroupID) {
			out = append(out, m)
		}
	}
	sort.Slice(out, func(a, b int) bool { return out[a].ID > out[b].ID })
	return out
}

// Milestone gives the milestone with an id, or nil.
func (c *Catalog) Milestone(id int64) *Milestone { return c.milestones[id] }

// AddMilestone makes a milestone in a project or group.
func (c *Catalog) AddMilestone(h Home, m Milestone) (*Milestone, error) {
	if err := c.checkMilestone(h, &m, nil); err != nil {
		return nil, err
	}
	c.milestoneID++
	m.ID, m.State, m.CreatedAt, m.UpdatedAt = c.milestoneID, "active", c.now(), c.now()
	if h.Project != nil {
		m.ProjectID = h.Project.ID
	} else {
		m.GroupID = h.Group.ID
	}
	for _, other := range c.Milestones(h, false) {
		m.IID = max(m.IID, other.IID)
	}
	m.IID++
	c.milestones[m.ID] = &m
	return &m, nil
}

func (c *Catalog) checkMilestone(h Home, m *Milestone, self *Milestone) error {
	if strings.TrimSpace(m.Title) == "" {
		return refuse.Invalidly("title", "can't be blank")
	}
	for _, other := range c.Milestones(h, true) {
		if other.Title == m.Title && other != self {
			return refuse.Invalidly("title", "has already been taken")
		}
	}
	if m.DueDate != nil && m.StartDate != nil && m.DueDate.Before(*m.StartDate) {
		return refuse.Invalidly("due_date", "must be greater than start date")
	}
	return nil
}

// ChangeMilestone applies a change to a milestone if the result is valid.
func (c *Catalog) ChangeMilestone(h Home, m *Milestone, change func(*Milestone)) error {
	next := *m
	change(&next)
	if err := c.checkMilestone(h, &next, m); err != nil {
		return err
	}
	next.UpdatedAt = c.now()
	*m = next
	return nil
}

// DeleteMilestone removes a milestone; whoever holds its id then finds none.
func (c *Catalog) DeleteMilestone(m *Milestone) { delete(c.milestones, m.ID) }

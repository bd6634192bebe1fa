// Package catalog holds the labels and milestones of projects and groups: what
// issues are sorted by. A title is unique among those a project or group can
// use; a scoped label ("key::value") excludes others of its key.
//
// Nothing here locks: whoever calls holds the world's lock.
package catalog

import (
	"time"

	"cxm/internal/sandbox/world/place"
)

// Label belongs to a project or to a group, never to both.
type Label struct {
	ID                   int64
	ProjectID, GroupID   int64
	Title, Color         string // Color is "#rrggbb"
	Description          *string
	Priority             *int64
	Archived             bool
	CreatedAt, UpdatedAt time.Time
	subscribers          map[int64]bool
}

// Milestone belongs to a project or to a group, never to both.
type Milestone struct {
	ID, IID              int64
	ProjectID, GroupID   int64
	Title, Description   string
	State                string // "active" or "closed"
	DueDate, StartDate   *time.Time
	CreatedAt, UpdatedAt time.Time
}

// Catalog is every label and milestone of the instance.
type Catalog struct {
	clock       func() time.Time
	places      *place.Tree
	labels      map[int64]*Label
	milestones  map[int64]*Milestone
	labelID     int64
	milestoneID int64
}

// New makes an empty catalog over the places it refers to.
func New(clock func() time.Time, places *place.Tree) *Catalog {
	return &Catalog{clock: clock, places: places, labels: map[int64]*Label{}, milestones: map[int64]*Milestone{}}
}

func (c *Catalog) now() time.Time { return c.clock().UTC().Truncate(time.Millisecond) }

// DropProject removes the labels and milestones of a project that is gone.
func (c *Catalog) DropProject(projectID int64) {
	for id, l := range c.labels {
		if l.ProjectID == projectID {
			delete(c.labels, id)
		}
	}
	for id, m := range c.milestones {
		if m.ProjectID == projectID {
			delete(c.milestones, id)
		}
	}
}

package sandbox

import (
	"time"

	"cxm/internal/sandbox/world/track"
)

// IssueRecord is one issue as it stands, with every change of its state.
type IssueRecord struct {
	ID, IID, ProjectID int64
	Project            string // full path
	Title, Description string
	State              string // "opened" or "closed"
	Author             string // user name
	Labels             []string
	MovedToID          int64 // 0: not moved
	CreatedAt          time.Time
	States             []StateChange
}

// StateChange is one time an issue was closed or reopened.
type StateChange struct {
	Action string // "closed" or "reopened"
	User   string // user name
	At     time.Time
}

// Issues gives every issue of the instance, whoever may see it, by id.
func (s *Server) Issues() []IssueRecord {
	var out []IssueRecord
	s.world.Do(func() {
		for _, i := range s.world.Track.Issues(func(*track.Issue) bool { return true }) {
			out = append(out, s.recordOf(i))
		}
	})
	return out
}

func (s *Server) recordOf(i *track.Issue) IssueRecord {
	r := IssueRecord{
		ID: i.ID, IID: i.IID, ProjectID: i.ProjectID, Project: s.world.Places.ProjectPath(s.world.Places.Project(i.ProjectID)),
		Title: i.Title, State: i.State, Author: s.username(i.AuthorID), MovedToID: i.MovedToID, CreatedAt: i.CreatedAt,
	}
	if i.Description != nil {
		r.Description = *i.Description
	}
	for _, l := range s.world.Track.LabelsOf(i) {
		r.Labels = append(r.Labels, l.Title)
	}
	for _, e := range s.world.Track.Events(i, "state") {
		r.States = append(r.States, StateChange{Action: e.Action, User: s.username(e.UserID), At: e.CreatedAt})
	}
	return r
}

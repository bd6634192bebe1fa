package plan

import (
	"fmt"

	"cxm/internal/issue"
)

// Caps bound how much attention cxm asks of people. 0: no bound.
type Caps struct {
	PerHour int // issues created in one project within any 60 minutes
	Open    int // issues open in one project at once, when another would be created
}

// Room is what a project has had of its caps.
type Room struct {
	Created int // within the last 60 minutes, those whose outcome is not known included
	Open    int
}

// Left is how many more issues may be created, and which cap says so; -1: any
// number.
func (c Caps) Left(r Room) (left int, why string) {
	left = -1
	if c.PerHour > 0 {
		left, why = max(0, c.PerHour-r.Created), fmt.Sprintf("at most %d new ones an hour", c.PerHour)
	}
	if c.Open > 0 {
		if most := max(0, c.Open-r.Open); left < 0 || most < left {
			left, why = most, fmt.Sprintf("at most %d open at once", c.Open)
		}
	}
	return left, why
}

// Cap leaves for later what the caps have no room for: the creates of most value
// go first, which is the plan's order. A move is one more issue for the project it
// goes to. Rooms tells what each project has had; home is the project of steps that
// name none.
func Cap(p Plan, c Caps, home int64, rooms map[int64]Room) Plan {
	if c == (Caps{}) {
		return p
	}
	taken := map[int64]int{}
	var steps []Step
	capped := 0
	for _, s := range p.Steps {
		if s.Verb == Create || s.Verb == Move {
			project := s.Into(home)
			left, why := c.Left(rooms[project])
			if left >= 0 && taken[project] >= left {
				s = s.wait("waits its turn: " + why + " in this project")
				capped++
			}
			taken[project]++
		}
		steps = append(steps, s)
	}
	out := New(steps, p.Unchanged)
	out.Capped = capped
	return out
}

// At is the project a step writes to; home when it names none.
func (s Step) At(home int64) int64 {
	if s.Project == 0 {
		return home
	}
	return s.Project
}

// Into is the project in which the step makes an issue: that of a Create, or
// where a Move goes.
func (s Step) Into(home int64) int64 {
	if s.Verb == Move {
		return s.To
	}
	return s.At(home)
}

// wait is the step that is not taken now. Its group stays as it is, to be looked
// at again.
func (s Step) wait(why string) Step {
	s.Verb, s.Reason, s.Keep, s.Later = Nothing, why, nil, true
	s.Want, s.Status, s.To, s.Change = nil, "", 0, issue.Change{}
	return s
}

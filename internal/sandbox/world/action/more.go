package action

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

var labelRef = regexp.MustCompile(`~(?:"([^"]+)"|([^\s,~"]+))|"([^"]+)"|([^\s,~"]+)`)

// labels reads "~bug ~\"two words\" plain" into the titles of known labels.
func (c on) labels() []string {
	h := catalog.Home{Project: c.places.Project(c.i.ProjectID)}
	var out []string
	for _, m := range labelRef.FindAllStringSubmatch(c.args, -1) {
		name := m[1] + m[2] + m[3] + m[4]
		if id, err := strconv.ParseInt(m[2], 10, 64); err == nil {
			if l := c.catalog.LabelByID(h, id); l != nil {
				name = l.Title
			}
		}
		if c.catalog.LabelNamed(h, name) != nil {
			out = append(out, name)
		}
	}
	return out
}

func label(set func(*track.Change, []string), summary string) action {
	return func(c on) (string, bool) {
		names := c.labels()
		if len(names) == 0 {
			return "", false
		}
		var what track.Change
		set(&what, names)
		return fmt.Sprintf(summary, strings.Join(names, " ")), c.t.Apply(c.u, c.i, what)
	}
}

func unlabel(c on) (string, bool) {
	if c.args == "" {
		return "Removed all labels.", c.t.Apply(c.u, c.i, track.Change{Labels: track.Some[[]string](nil)})
	}
	names := c.labels()
	return "Removed " + strings.Join(names, " ") + " label(s).", c.t.Apply(c.u, c.i, track.Change{RemoveLabels: names})
}

// users reads "@a @b me" into user ids.
func (c on) users() []int64 {
	var out []int64
	for _, word := range strings.FieldsFunc(c.args, func(r rune) bool { return r == ' ' || r == ',' }) {
		name := strings.TrimPrefix(word, "@")
		if name == "me" {
			name = c.u.Username
		}
		if who := c.people.ByUsername(name); who != nil {
			out = append(out, who.ID)
		}
	}
	return out
}

// assign adds assignees where the tier allows several, else replaces them.
func assign(add bool) action {
	return func(c on) (string, bool) {
		named := c.users()
		if len(named) == 0 {
			return "", false
		}
		next := named
		if add && c.t.Licensed(c.i.ProjectID) {
			next = append(slices.Clone(c.i.AssigneeIDs), named...)
		}
		return "Assigned " + c.args + ".", c.t.Apply(c.u, c.i, track.Change{Assignees: track.Some(next)})
	}
}

func unassign(c on) (string, bool) {
	gone := c.users()
	if c.args == "" {
		gone = c.i.AssigneeIDs
	}
	left := slices.DeleteFunc(slices.Clone(c.i.AssigneeIDs), func(id int64) bool { return slices.Contains(gone, id) })
	return "Removed assignee " + c.args + ".", c.t.Apply(c.u, c.i, track.Change{Assignees: track.Some(left)})
}

func estimate(c on) (string, bool) {
	seconds, ok := duration.Seconds(c.args)
	if !ok || seconds <= 0 {
		return "", false
	}
	c.t.Estimate(c.u, c.i, seconds)
	return "Set time estimate to " + duration.Human(seconds) + ".", true
}

func removeEstimate(c on) (string, bool) {
	had := c.i.TimeEstimate != 0
	if had {
		c.t.Estimate(c.u, c.i, 0)
	}
	return "Removed time estimate.", had
}

// spend reads "1h 2026-01-02": the day it was spent on is not kept.
func spend(c on) (string, bool) {
	amount := slices.DeleteFunc(strings.Fields(c.args), func(w string) bool { return strings.Count(w, "-") == 2 })
	seconds, ok := duration.Seconds(strings.Join(amount, " "))
	if !ok || c.t.Spend(c.u, c.i, seconds) != nil {
		return "", false
	}
	return "Added " + duration.Human(seconds) + " spent time.", true
}

func removeSpent(c on) (string, bool) {
	had := c.i.TimeSpent != 0
	if had {
		c.t.ResetSpent(c.u, c.i)
	}
	return "Removed spent time.", had
}

func weight(c on) (string, bool) {
	n, err := strconv.ParseInt(c.args, 10, 64)
	if err != nil || n < 0 {
		return "", false
	}
	return "Set weight to " + c.args + ".", c.t.Apply(c.u, c.i, track.Change{Weight: track.Some(&n)})
}

func severity(c on) (string, bool) {
	level := strings.ToLower(c.args)
	if !slices.Contains([]string{"unknown", "low", "medium", "high", "critical"}, level) {
		return "", false
	}
	return "Severity updated to " + capital(level) + ".", c.t.Apply(c.u, c.i, track.Change{Severity: track.Some(level)})
}

func kind(c on) (string, bool) {
	name := strings.ToLower(c.args)
	if !slices.Contains([]string{"issue", "incident", "task", "ticket"}, name) {
		return "", false
	}
	return "Type changed successfully.", c.t.Apply(c.u, c.i, track.Change{Type: track.Some(name)})
}

// target finds the project a /move or /clone names.
func (c on) target(path string) *place.Project {
	p, moved := c.places.ProjectAt(path)
	if p == nil || moved || !c.places.CanRead(c.u, p) {
		return nil
	}
	return p
}

func move(c on) (string, bool) {
	to := c.target(c.args)
	if to == nil {
		return "", false
	}
	_, err := c.t.Move(c.u, c.i, to)
	return "Moved this issue to " + c.args + ".", err == nil
}

func clone(c on) (string, bool) {
	to := c.places.Project(c.i.ProjectID)
	if path := strings.TrimSpace(strings.ReplaceAll(c.args, "--with_notes", "")); path != "" {
		to = c.target(path)
	}
	if to == nil {
		return "", false
	}
	_, err := c.t.Clone(c.u, c.i, to, strings.Contains(c.args, "--with_notes"))
	return "Cloned this issue to " + c.places.ProjectPath(to) + ".", err == nil
}

func duplicate(c on) (string, bool) {
	of := c.t.Refer(c.i.ProjectID, c.args)
	if of == nil || of == c.i || !c.t.CanRead(c.u, of) {
		return "", false
	}
	c.t.MarkDuplicate(c.u, c.i, of)
	return "Closed this issue. Marked as related to, and a duplicate of, " + c.args + ".", true
}

func relate(kind string) action {
	return func(c on) (string, bool) {
		linked := false
		for ref := range strings.FieldsSeq(c.args) {
			other := c.t.Refer(c.i.ProjectID, ref)
			if other == nil || !c.t.CanRead(c.u, other) {
				continue
			}
			_, err := c.t.Join(c.u, c.i, other, kind)
			linked = linked || err == nil
		}
		return "Added " + c.args + " as a linked item.", linked
	}
}

func unlink(c on) (string, bool) {
	other := c.t.Refer(c.i.ProjectID, c.args)
	for _, seen := range c.t.Links(c.u, c.i) {
		if seen.Issue == other {
			return "Removed link with " + c.args + ".", c.t.Unjoin(c.u, seen.Link) == nil
		}
	}
	return "", false
}

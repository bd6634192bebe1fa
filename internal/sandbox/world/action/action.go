// Package action carries out GitLab's quick actions on issues: what "/close"
// or "/label ~bug" in a text does. A command that the user may not use, or
// that makes no sense, has no effect; it was taken out of the text all the same.
//
// Nothing here locks: whoever calls holds the world's lock.
package action

import (
	"fmt"
	"strings"
	"time"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// Runner carries out quick actions.
type Runner struct {
	clock   func() time.Time
	people  *people.Directory
	places  *place.Tree
	catalog *catalog.Catalog
}

// New makes a runner over the users, places and labels that commands name.
func New(clock func() time.Time, who *people.Directory, where *place.Tree, shelf *catalog.Catalog) *Runner {
	return &Runner{clock: clock, people: who, places: where, catalog: shelf}
}

// on is one command at work.
type on struct {
	*Runner
	t    *track.Tracker
	u    *people.User
	i    *track.Issue
	args string
}

// action does its work and gives a sentence about it.
type action func(on) (summary string, ok bool)

// Run carries out one command for a user.
func (r *Runner) Run(t *track.Tracker, u *people.User, i *track.Issue, c track.Command) (track.Done, bool) {
	run := open()[c.Name]
	if run == nil && t.CanAdminister(u, i.ProjectID) && r.places.Project(i.ProjectID).Writable() {
		run = metadata()[c.Name]
	}
	if run == nil {
		return track.Done{}, false
	}
	summary, ok := run(on{r, t, u, i, strings.TrimSpace(c.Args)})
	key, value := keyOf(c)
	return track.Done{Key: key, Value: value, Summary: summary}, ok
}

// keyOf names a command in commands_changes, as near as GitLab's keys go.
func keyOf(c track.Command) (string, any) {
	switch c.Name {
	case "close", "reopen":
		return "state_event", c.Name
	case "confidential":
		return "confidential", true
	case "title":
		return "title", c.Args
	case "due":
		return "due_date", c.Args
	}
	return c.Name, c.Args
}

// open are the actions for whoever may comment or edit.
func open() map[string]action {
	return map[string]action{
		"close":       state("close", "Closed this issue."),
		"reopen":      state("reopen", "Reopened this issue."),
		"title":       title,
		"subscribe":   subscribe(true, "Subscribed to notifications."),
		"unsubscribe": subscribe(false, "Unsubscribed from notifications."),
		"todo": func(c on) (string, bool) {
			return "Added a to-do item.", c.t.Inbox().Mark(c.u.ID, c.i.ID, c.i.Title) != nil
		},
		"done":      func(c on) (string, bool) { return "Marked to-do item as done.", c.t.Inbox().Finish(c.u.ID, c.i.ID) },
		"react":     react,
		"shrug":     func(on) (string, bool) { return "", true },
		"tableflip": func(on) (string, bool) { return "", true },
	}
}

// metadata are the actions that need Planner or more.
func metadata() map[string]action {
	return map[string]action{
		"label":             label(func(c *track.Change, l []string) { c.AddLabels = l }, "Added %s label(s)."),
		"relabel":           label(func(c *track.Change, l []string) { c.Labels = track.Some(l) }, "Replaced all labels with %s label(s)."),
		"unlabel":           unlabel,
		"assign":            assign(true),
		"reassign":          assign(false),
		"unassign":          unassign,
		"milestone":         milestone,
		"remove_milestone":  change(track.Change{Milestone: track.Some[int64](0)}, "Removed milestone."),
		"due":               due,
		"remove_due_date":   change(track.Change{DueDate: track.Some[*time.Time](nil)}, "Removed the due date."),
		"confidential":      change(track.Change{Confidential: track.Some(true)}, "Made this issue confidential."),
		"unconfidential":    change(track.Change{Confidential: track.Some(false)}, "Made this issue visible to everyone."),
		"lock":              change(track.Change{DiscussionLocked: track.Some(true)}, "Locked the discussion."),
		"unlock":            change(track.Change{DiscussionLocked: track.Some(false)}, "Unlocked the discussion."),
		"estimate":          estimate,
		"remove_estimate":   removeEstimate,
		"spend":             spend,
		"remove_time_spent": removeSpent,
		"weight":            weight,
		"clear_weight":      change(track.Change{Weight: track.Some[*int64](nil)}, "Cleared weight."),
		"severity":          severity,
		"type":              kind,
		"move":              move,
		"clone":             clone,
		"duplicate":         duplicate,
		"relate":            relate("relates_to"),
		"link":              relate("relates_to"),
		"blocks":            relate("blocks"),
		"blocked_by":        relate("is_blocked_by"),
		"unlink":            unlink,
	}
}

// change is an action that always makes the same change.
func change(what track.Change, summary string) action {
	return func(c on) (string, bool) { return summary, c.t.Apply(c.u, c.i, what) }
}

func state(event, summary string) action {
	return func(c on) (string, bool) {
		return summary, c.t.CanUpdate(c.u, c.i) && c.t.Apply(c.u, c.i, track.Change{State: event})
	}
}

func title(c on) (string, bool) {
	if !c.t.CanUpdate(c.u, c.i) || c.args == "" || len([]rune(c.args)) > 255 {
		return "", false
	}
	return fmt.Sprintf("Changed the title to %q.", c.args), c.t.Apply(c.u, c.i, track.Change{Title: track.Some(c.args)})
}

func subscribe(want bool, summary string) action {
	return func(c on) (string, bool) { return summary, c.t.Subscribe(c.u, c.i, want) }
}

func react(c on) (string, bool) {
	name := strings.Trim(c.args, ":")
	if name == "" {
		return "", false
	}
	_, err := c.t.Award(c.u, c.i, 0, name)
	return "Toggled :" + name + ": emoji award.", err == nil
}

func milestone(c on) (string, bool) {
	name := strings.Trim(strings.TrimPrefix(c.args, "%"), `"`)
	if name == "" {
		return "", false
	}
	return "Set the milestone to %" + name + ".", c.t.Apply(c.u, c.i, track.Change{MilestoneTitle: track.Some(name)})
}

func due(c on) (string, bool) {
	day, ok := c.day(c.args)
	if !ok {
		return "", false
	}
	return "Set the due date to " + day.Format("January 2, 2006") + ".", c.t.Apply(c.u, c.i, track.Change{DueDate: track.Some(&day)})
}

// day reads a day as people write it after /due.
func (r *Runner) day(text string) (time.Time, bool) {
	today := r.clock().UTC().Truncate(24 * time.Hour)
	text = strings.ToLower(text)
	switch text {
	case "today":
		return today, true
	case "tomorrow":
		return today.AddDate(0, 0, 1), true
	}
	var n int
	var unit string
	if got, _ := fmt.Sscanf(text, "in %d %s", &n, &unit); got == 2 {
		days := map[string]int{"day": 1, "week": 7, "month": 30}[strings.TrimSuffix(unit, "s")]
		return today.AddDate(0, 0, n*days), days > 0
	}
	for _, layout := range []string{time.DateOnly, "January 2 2006", "January 2, 2006", "January 2"} {
		if day, err := time.Parse(layout, capital(text)); err == nil {
			if day.Year() == 0 {
				day = day.AddDate(today.Year(), 0, 0)
			}
			return day, true
		}
	}
	return time.Time{}, false
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

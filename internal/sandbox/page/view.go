package page

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// User is a person or a bot, as pages show them.
type User struct {
	Username, Name string
	// Bot marks service accounts and other bots.
	Bot bool
}

// Initials are for the picture: up to two letters.
func (u User) Initials() string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(u.Display(), func(r rune) bool { return strings.ContainsRune(" -_.", r) }) {
		if out.WriteString(strings.ToUpper(string([]rune(word)[:1]))); len([]rune(out.String())) == 2 {
			break
		}
	}
	return out.String()
}

// Display is the name, or the user name of one who has none.
func (u User) Display() string {
	if u.Name == "" {
		return u.Username
	}
	return u.Name
}

// Hue picks one of the eight colours for the picture.
func (u User) Hue() int {
	sum := 0
	for _, b := range []byte(u.Username) {
		sum = sum*31 + int(b)
	}
	return (sum%8 + 8) % 8
}

// Label is a label with its colour.
type Label struct {
	Name, Description string
	// Color is "#rrggbb"; anything else is shown in GitLab's default,
	// #6699cc.
	Color string
	// URL leads to the issues that have the label; "" for no link.
	URL string
	// Open counts the open issues that have it; shown where labels are listed.
	Open int
}

// Paint is the colour to show.
func (l Label) Paint() string {
	if regexp.MustCompile(`^#[0-9a-fA-F]{6}$`).MatchString(l.Color) {
		return l.Color
	}
	return "#6699cc"
}

// Ink is the colour that can be read on Paint, white or near black, by the
// contrast formula of WCAG 2.
func (l Label) Ink() string {
	n, err := strconv.ParseUint(l.Paint()[1:], 16, 32)
	if err != nil {
		return "#1f1e24"
	}
	linear := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	lum := 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
	if 1.05/(lum+0.05) >= 4.5 {
		return "#ffffff"
	}
	return "#1f1e24"
}

// Parts splits a scoped label at its last "::"; others have one part.
func (l Label) Parts() []string {
	if i := strings.LastIndex(l.Name, "::"); i > 0 && i+2 < len(l.Name) {
		return []string{l.Name[:i], l.Name[i+2:]}
	}
	return []string{l.Name}
}

func (l Label) scopedClass() string {
	if len(l.Parts()) == 2 {
		return " scoped"
	}
	return ""
}

// Bare is the label without its link, to stand inside another.
func (l Label) Bare() Label {
	l.URL = ""
	return l
}

// Class is the label's CSS class.
func (l Label) Class() string { return "label" + l.scopedClass() }

// ProjectItem is a project in a list, or the one a page stands in.
type ProjectItem struct {
	// Path is the full path, "group/project"; Name the readable one.
	Path, Name, Description string
	// Visibility is "private", "internal" or "public".
	Visibility     string
	Archived       bool
	IssuesDisabled bool
	// Opened and Closed count its issues.
	Opened, Closed int
}

// URL is the project's page on this server.
func (p ProjectItem) URL() string { return "/" + p.Path }

// HomeView is the first page: what is on this server.
type HomeView struct {
	// URL is where the server is reached, for people to copy.
	URL string
	// Version of GitLab the server speaks as.
	Version string
	// Projects in the order to show them.
	Projects []ProjectItem
}

// ProjectView is a project's list of issues.
type ProjectView struct {
	Project ProjectItem
	// State is "opened", "closed" or "all"; "" is "opened".
	State string
	// Search and LabelName are the filters in force; "" for none.
	Search, LabelName string
	// Issues of this page, in the order to show them.
	Issues []IssueItem
	// Labels of the project with their counts.
	Labels []Label
	// Hooks are the webhooks that are told what happens here.
	Hooks []Hook
	// Page counts from 1; Pages 0 or 1 shows no pager.
	Page, Pages int
	// Readme is Markdown, "" for none.
	Readme string
	// Resolver links what Readme refers to; nil links nothing.
	Resolver Resolver
	// Now is what "3 days ago" is counted from; zero shows dates alone.
	Now time.Time
}

// Hook is a webhook with its last calls, newest first.
type Hook struct {
	// Of is "project", or the path of the group it belongs to.
	Of, Name, URL string
	Events        []string
	// Status is "executable", "temporarily disabled" or "disabled".
	Status string
	Calls  []HookCall
}

// Off reports whether nothing is delivered to the webhook now.
func (h Hook) Off() bool { return h.Status != "executable" }

// EventList is the events in one line.
func (h Hook) EventList() string { return strings.Join(h.Events, ", ") }

// HookCall is one delivery to a webhook. Status is that of the answer.
type HookCall struct {
	Event, Status string
	OK            bool
	At            time.Time
}

// IssueItem is an issue in a list.
type IssueItem struct {
	IID   int
	Title string
	// State is "opened" or "closed".
	State                          string
	Confidential                   bool
	Author                         User
	Assignees                      []User
	Labels                         []Label
	CreatedAt, UpdatedAt, ClosedAt time.Time
	// Milestone is its title; DueDate is YYYY-MM-DD; "" for none.
	Milestone, DueDate string
	// Comments counts what people and bots wrote, without system notes.
	Comments int
	// Tasks counts the check boxes of the description, Done the ticked ones.
	Tasks, Done int
}

// Closed reports whether the issue is closed.
func (i IssueItem) Closed() bool { return i.State == "closed" }

// IssueView is one issue with all that was said.
type IssueView struct {
	Project ProjectItem
	IssueItem
	// ClosedBy is nil for an open issue, and where nobody is known.
	ClosedBy *User
	// Description is Markdown, "" for none.
	Description string
	// Activity in order of time.
	Activity []Activity
	// Links are linked issues.
	Links []Link
	// MovedTo is the reference of the issue this one was moved to, and its
	// URL; "" if it was not.
	MovedTo, MovedToURL string
	// Weight is nil for none.
	Weight *int
	// Locked discussions take comments of members only.
	Locked   bool
	Resolver Resolver
	Now      time.Time
}

// Activity is a comment, or a system note saying what changed.
type Activity struct {
	// ID is the note's; its anchor is #note_ID.
	ID     int
	Author User
	At     time.Time
	// System notes are one line of Markdown, comments any Markdown.
	System, Internal, Edited bool
	Body                     string
}

// Link is a linked issue.
type Link struct {
	// Type is "relates_to", "blocks" or "is_blocked_by".
	Type, Reference, Title, URL string
	Closed                      bool
}

// Relation is Type in words.
func (l Link) Relation() string { return strings.ReplaceAll(l.Type, "_", " ") }

// stamp is a moment as pages show it: how long ago, and exactly.
type stamp struct{ Ago, Full, ISO string }

func stampOf(now, t time.Time) stamp {
	t = t.UTC()
	full := t.Format("2 Jan 2006, 15:04 UTC")
	s := stamp{Ago: full, Full: full, ISO: t.Format(time.RFC3339)}
	if !now.IsZero() {
		s.Ago = ago(now.Sub(t), t)
	}
	return s
}

func ago(d time.Duration, t time.Time) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute")
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour")
	case d < 31*24*time.Hour:
		return plural(int(d.Hours()/24), "day")
	}
	return "on " + t.Format("2 Jan 2006")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}

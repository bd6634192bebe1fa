package issue

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Settings are what an issue is given when it is made, beside its text and its
// labels. From then on they are people's: cxm never changes them (G5). The zero
// value asks for nothing, and the tracker's own defaults hold.
type Settings struct {
	Assignees    []int64   // whom it is for, as the tracker numbers people; GitLab Free keeps the first alone
	MilestoneID  int64     // of the project, or of a group above it; 0: none
	DueDate      time.Time // a day, whose clock is not looked at; zero: none
	Weight       int64     // how much work it is; 0: not said. GitLab Free has no weights
	Type         Type
	Confidential bool // only those see it who work in the project
}

// Given is what rules give an issue when it is made, by names as people write them:
// whoever makes it finds out what the tracker calls them (Settings). The zero value
// gives nothing.
type Given struct {
	Assignees    []string      // usernames, without @
	Milestone    string        // a title
	Due          time.Duration // after it is made; 0: never
	Weight       int64
	Type         Type
	Confidential bool
}

// Type is GitLab's type of an issue (docs.gitlab.com/api/issues, issue_type). The
// empty one is Plain.
type Type string

// The types that cxm makes.
const (
	Plain    Type = "issue"
	Incident Type = "incident"
	Task     Type = "task"
)

// ParseType reads a type that a person set; empty is Plain.
func ParseType(text string) (Type, error) {
	switch t := Type(text); t {
	case "":
		return Plain, nil
	case Plain, Incident, Task:
		return t, nil
	}
	return "", fmt.Errorf("%.40q is no type of issue that cxm makes: use %s, %s or %s", text, Plain, Incident, Task)
}

// Empty says that the settings ask for nothing.
func (s Settings) Empty() bool {
	return len(s.Assignees) == 0 && s.MilestoneID == 0 && s.DueDate.IsZero() && s.Weight == 0 && (s.Type == "" || s.Type == Plain) && !s.Confidential
}

// Unkept says, in words for people, which of the settings that were sent the
// tracker's answer does not have, and why that may be: GitLab drops without a word
// what the account may not set, what is not of the project, and what its tier does
// not have. An answer without settings says nothing.
func Unkept(sent Settings, got Observed) []string {
	if got.Settings == nil {
		return nil
	}
	kept, out := *got.Settings, unassigned(sent.Assignees, got.Settings.Assignees)
	if sent.MilestoneID != 0 && sent.MilestoneID != kept.MilestoneID {
		out = append(out, fmt.Sprintf("the milestone %d was not kept: it is neither of the project nor of a group above it, or the account may not set milestones", sent.MilestoneID))
	}
	if !sent.DueDate.IsZero() && !sameDay(sent.DueDate, kept.DueDate) {
		out = append(out, "the due date "+sent.DueDate.Format(time.DateOnly)+" was not kept: the account may not set due dates")
	}
	if sent.Weight != 0 && sent.Weight != kept.Weight {
		out = append(out, fmt.Sprintf("the weight %d was not kept: weights need GitLab Premium", sent.Weight))
	}
	if sent.Type != "" && kept.Type != "" && sent.Type != kept.Type {
		out = append(out, fmt.Sprintf("it is no %s but an issue of the type %q", sent.Type, kept.Type))
	}
	if sent.Confidential && !kept.Confidential {
		out = append(out, "it is not confidential: the account may not make it so")
	}
	return out
}

func unassigned(sent, kept []int64) []string {
	var missing []string
	for _, id := range sent {
		if !slices.Contains(kept, id) {
			missing = append(missing, fmt.Sprint(id))
		}
	}
	why := "they may not see the project, or are blocked"
	switch {
	case len(missing) == 0:
		return nil
	case len(kept) == 1 && kept[0] == sent[0]:
		why = "GitLab Free keeps one assignee, and drops who may not see the project"
	}
	return []string{"not assigned to the users " + strings.Join(missing, ", ") + ": " + why}
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

package issue_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/issue"
)

func TestParseType(t *testing.T) {
	for text, want := range map[string]issue.Type{"": issue.Plain, "issue": issue.Plain, "incident": issue.Incident, "task": issue.Task} {
		if got, err := issue.ParseType(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"epic", "Incident", "test_case", strings.Repeat("x", 1000)} {
		if _, err := issue.ParseType(text); err == nil || !strings.Contains(err.Error(), "use issue, incident or task") || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestUnkept(t *testing.T) {
	due := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	sent := issue.Settings{Assignees: []int64{4, 5}, MilestoneID: 9, DueDate: due, Weight: 2, Type: issue.Task, Confidential: true}
	all := sent
	for name, c := range map[string]struct {
		got  *issue.Settings
		want []string
	}{
		"an answer that says nothing": {nil, nil},
		"all kept":                    {&all, nil},
		"nothing kept":                {&issue.Settings{Type: issue.Plain}, []string{"users 4, 5: they may not", "milestone 9", "2026-03-31", "weight 2", `no task but an issue of the type "issue"`, "not confidential"}},
		"somebody else was kept":      {&issue.Settings{Assignees: []int64{5}, MilestoneID: 9, DueDate: due, Weight: 2, Type: issue.Task, Confidential: true}, []string{"users 4: they may not"}},
		"the first was kept":          {&issue.Settings{Assignees: []int64{4}, MilestoneID: 9, DueDate: due, Weight: 2, Type: issue.Task, Confidential: true}, []string{"users 5: GitLab Free"}},
	} {
		got := issue.Unkept(sent, issue.Observed{Settings: c.got})
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
	if !(issue.Settings{Type: issue.Plain}).Empty() || sent.Empty() || (issue.Settings{Confidential: true}).Empty() {
		t.Error("what is empty, and what is not")
	}
}

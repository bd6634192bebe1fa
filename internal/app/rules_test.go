package app_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/rule/rulebook"
	"cxm/internal/store/rules"
)

// rule puts rules in force.
func (b *bed) rule(text string) app.Revision {
	b.Helper()
	now, err := b.app.Rules(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	r, err := b.app.ApplyRules(b.Context(), "rules.yaml", []byte(text), rules.Change{Author: "platform-admin", Expected: now.Number})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// another project beside the integration's own.
func (b *bed) elsewhere(name string) {
	b.Helper()
	group := b.admin(http.MethodGet, "/api/v4/groups/acme", nil)
	b.admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": name, "path": name, "namespace_id": group["id"]})
	in, err := b.app.Integration(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.admin(http.MethodPost, "/api/v4/projects/acme%2F"+name+"/members", map[string]any{"user_id": in.Account.ID, "access_level": 40})
}

// ruleSets are rules that change what there is in every way.
func ruleSets() map[string]string {
	const head = "version: 1\nrules:\n"
	return map[string]string{
		"grouped":   head + "  - {name: all, group_by: [account, action], checklist: true}\n",
		"ignored":   head + "  - {name: small, when: '!saves(\"25 USD\")', ignore: it is not worth the work}\n  - {name: rest}\n",
		"routed":    head + "  - {name: large, when: 'saves(\"25 USD\")', route: {project: acme/data, on_change: move}}\n  - {name: rest}\n",
		"linked":    head + "  - {name: large, when: 'saves(\"25 USD\")', route: {project: acme/data, on_change: close-and-link}}\n  - {name: rest}\n",
		"labelled":  head + "  - {name: all, labels: [costs], template: unattached}\n",
		"quiet":     head + "  - {name: all, events: [opened], group_by: [account]}\n",
		"nothing":   head + "  - {name: all, when: 'kind == \"system\"'}\n",
		"same":      head + "  - {name: all}\n",
		"listed":    head + "  - name: all\n    parent: {group_by: [account]}\n",
		"apart":     head + "  - name: all\n    parent: {group_by: [account, resource]}\n",
		"regrouped": head + "  - name: all\n    group_by: [resource]\n    parent: {group_by: [region]}\n",
	}
}

// TestPreviewIsThePlan: what a preview of rules shows is what the plan shows once
// they are in force, and when that was applied nothing is left to do and no group
// has two open issues.
func TestPreviewIsThePlan(t *testing.T) {
	for name, text := range ruleSets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.elsewhere("data")
			b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"), disk(4, "40"))
			b.want("++++")
			b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"), disk(4, "40"), disk(5, "50"))
			p, err := b.app.PreviewRules(b.Context(), 0, "rules.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			before, err := b.app.Plan(b.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			b.rule(text)
			after, err := b.app.Plan(b.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			want := steps(after.Plan.Changes())
			for key := range steps(before.Plan.Changes()) { // what does not change is in no preview
				if want[key] == steps(before.Plan.Changes())[key] && steps(p.Steps)[key] == 0 {
					delete(want, key)
				}
			}
			if got := steps(p.Steps); !maps.Equal(got, want) {
				t.Errorf("the preview shows %v, and the plan %v", got, want)
			}
			for range 3 {
				b.apply()
			}
			b.want("")
			open := map[string]int{}
			for _, project := range []string{"acme%2Fplatform", "acme%2Fdata"} {
				for _, i := range b.issues(project) {
					if i.State == "opened" {
						open[i.Title]++
					}
				}
			}
			for title, n := range open {
				if n > 1 {
					t.Errorf("%d open issues: %s", n, title)
				}
			}
		})
	}
}

// TestPreviewOfBudgets: what is made under both rules, and by another budget at another
// time, is in the preview, both ways round.
func TestPreviewOfBudgets(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
	const free = "version: 1\nrules:\n  - name: all\n"
	const calm = "version: 1\nbudgets:\n  calm: {per_day: 1}\nrules:\n  - name: all\n    budget: calm\n"
	preview := func(text string) (verbs []plan.Verb, p app.Preview) {
		p, err := b.app.PreviewRules(b.Context(), 0, "rules.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			verbs = append(verbs, s.Verb)
		}
		return verbs, p
	}
	b.rule(free)
	if verbs, p := preview(free); len(verbs) != 0 || len(p.Totals) != 0 {
		t.Errorf("the same rules would do %v", verbs)
	}
	verbs, p := preview(calm)
	if !slices.Equal(verbs, []plan.Verb{plan.Nothing, plan.Nothing}) || p.Waits != 2 || len(p.Totals) != 0 || !strings.Contains(p.Steps[0].Reason, "under the rules in force it is made at once") {
		t.Errorf("a budget would do %v, %d wait, %+v", verbs, p.Waits, p.Totals)
	}
	b.rule(calm)
	verbs, p = preview(free)
	if !slices.Equal(verbs, []plan.Verb{plan.Create, plan.Create}) || p.Waits != 0 || len(p.Totals) != 1 || p.Totals[0].Verbs[plan.Create] != 2 || !strings.Contains(p.Steps[0].Reason, "under the rules in force it waits its turn") {
		t.Errorf("without it %v, %d wait, %+v, %q", verbs, p.Waits, p.Totals, p.Steps[0].Reason)
	}
	if got := p.Totals[0].Savings.Show(); got != "30.00 USD" {
		t.Errorf("what goes would save %s", got)
	}
}

// steps counts steps by verb, project and group.
func steps(all []plan.Step) map[string]int {
	out := map[string]int{}
	for _, s := range all {
		out[fmt.Sprintf("%s %d %d %s", s.Verb, s.Project, s.To, s.Group.Short())]++
	}
	return out
}

// TestRulesGive: the issues of a rule get what it gives them when they are made,
// and what cannot be given stops nothing.
func TestRulesGive(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule("version: 1\nrules:\n  - name: all\n    labels: ['team::{{tag \"nobody\" | default \"platform\"}}']\n    confidential: true\n    weight: 3\n    due: 14d\n    assignees: [nobody-there]\n    milestone: Later\n    issue_type: incident\n")
	b.aws(disk(1, "10"))
	b.want("+")
	got := b.admin(http.MethodGet, "/api/v4/projects/acme%2Fplatform/issues/1", nil)
	if got["confidential"] != true || got["issue_type"] != "incident" || got["due_date"] == nil || !slices.Contains(got["labels"].([]any), any("team::platform")) {
		t.Errorf("the issue is %v", got)
	}
	b.want("")
}

// TestRulesBudget: the most valuable goes first, one a day, and what waits is in
// the backlog.
func TestRulesBudget(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule("version: 1\nrules:\n  - {name: all, budget: [calm]}\nbudgets:\n  calm: {per: project, per_day: 1}\n")
	b.aws(disk(1, "10"), disk(2, "30"), disk(3, "20"))
	b.want("+")
	if !strings.Contains(b.about(2).Title, "30.00 USD") {
		t.Error("the most valuable is not the first")
	}
	b.want("")
	_, waiting, err := b.app.Backlog(b.Context(), 0)
	if err != nil || len(waiting) != 1 || len(waiting[0].Lines) != 2 || !strings.Contains(waiting[0].Lines[0].Title, "20.00") || !strings.Contains(waiting[0].Lines[0].Why, "at most 1 new issue a day") {
		t.Fatalf("the backlog is %+v, %v", waiting, err)
	}
	b.clock.forward(24 * time.Hour)
	b.want("+")
}

// TestRulesRefused: what is wrong is found before anything is applied, and of two
// who apply at once one is told so.
func TestRulesRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for text, says := range map[string]string{
		"version: 1\nrules:\n  - {name: all, when: 'kind == 3'}\n":                                                                  "rules.yaml:3",
		"version: 1\nrules:\n  - {name: all, route: {project: acme/nowhere}}\n":                                                     "acme/nowhere",
		"version: 1\nrules:\n  - {name: all, route: {integration: gitlab.example.com}}\n":                                           "no integration gitlab.example.com",
		"version: 1\nrules:\n  - {name: all, template: own}\ntemplates:\n  own: {title: x, body: '{{.Nonsense}}'}\n":                "Nonsense",
		"version: 1\nrules:\n  - {name: all}\ntests:\n  - {name: never, finding: {kind: cost, source: x}, want: {ignored: true}}\n": "never",
	} {
		_, err := b.app.ApplyRules(b.Context(), "rules.yaml", []byte(text), rules.Change{})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\nerr = %v", text, err)
		}
	}
	if r, err := b.app.Rules(b.Context()); err != nil || r.Number != 0 {
		t.Errorf("revision %d, %v", r.Number, err)
	}
	b.rule("version: 1\nrules:\n  - {name: all}\n")
	var overtaken *rules.OvertakenError
	if _, err := b.app.ApplyRules(b.Context(), "rules.yaml", []byte("version: 1\nrules:\n  - {name: other}\n"), rules.Change{}); !errors.As(err, &overtaken) {
		t.Errorf("err = %v", err)
	}
	var problems rulebook.Problems
	if _, err := b.app.PreviewRules(b.Context(), 0, "rules.yaml", []byte("version: 1\nrules: nonsense\n")); !errors.As(err, &problems) {
		t.Errorf("err = %v", err)
	}
}

// TestRulesProjectGone: a project that is deleted later holds the work, and sends
// nothing elsewhere.
func TestRulesProjectGone(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.elsewhere("data")
	b.rule("version: 1\nrules:\n  - {name: all, route: {project: acme/data}}\n")
	b.admin(http.MethodDelete, "/api/v4/projects/acme%2Fdata", nil)
	b.clock.forward(24 * time.Hour)
	b.aws(disk(1, "10"))
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || len(p.Plan.Changes()) > 0 || len(p.Plan.Steps) != 1 || !strings.Contains(p.Plan.Steps[0].Reason, "held: rule all sends it to the project acme/data") {
		t.Errorf("the plan is %+v, %v", p.Plan.Steps, err)
	}
	if n := len(b.issues("acme%2Fplatform")); n != 0 {
		t.Errorf("%d issues elsewhere", n)
	}
}

// TestRulesRollback: an earlier revision is in force again, as a new one.
func TestRulesRollback(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.rule("version: 1\nrules:\n  - {name: all}\n")
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	b.rule(ruleSets()["ignored"])
	b.want("--")
	r, err := b.app.RollbackRules(b.Context(), 1, rules.Change{Author: "platform-admin", Expected: 2})
	if err != nil || r.Number != 3 || r.Of != 1 {
		t.Fatalf("revision %+v, %v", r, err)
	}
	b.want("^^")
	if all, err := b.app.RulesHistory(b.Context(), 10); err != nil || len(all) != 3 {
		t.Errorf("history: %+v, %v", all, err)
	}
}

package rulebook

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/form"
	"cxm/internal/rule/rulebook/pattern"
)

// written is a rule as it is read, with what is checked once all rules are there.
type written struct {
	Rule
	own  []pattern.Pattern // labels that this rule names, to be added to those of the defaults
	node *form.Node        // of the rule, or of the defaults
}

// from is a rule that begins with what the defaults say.
func from(defaults written) written {
	w := defaults
	w.Labels, w.GroupBy, w.Budget = slices.Clone(w.Labels), slices.Clone(w.GroupBy), slices.Clone(w.Budget)
	w.Thresholds.Amounts = maps.Clone(w.Thresholds.Amounts)
	w.own = nil
	return w
}

// settings are what defaults and rules may say alike.
func settings() []form.Field[written] {
	return []form.Field[written]{
		form.At("route", routes(), func(w *written) *Route { return &w.Route }, "Where the issues go; what it leaves out is as in the defaults."),
		form.At("group_by", groupings(), func(w *written) *[]string { return &w.GroupBy }, "Findings that are the same in all of these share an issue: a fact such as resource, account, region or action, tag:NAME, or rule. Left out: one issue a resource, and for alerts and events one for each resource and rule of the source."),
		form.At("checklist", form.Bool(), func(w *written) *bool { return &w.Checklist }, "An issue about many resources lists them with boxes to tick."),
		form.At("owner", patterns(nil), func(w *written) *pattern.Pattern { return &w.Owner }, "Who is named as the owner, instead of whom the ownership chain finds."),
		form.At("template", form.Text(), func(w *written) *string { return &w.Template }, "The template of title and body: a name under templates, or of cxm's library."),
		form.At("labels", form.Some(patterns(checkLabel)), func(w *written) *[]pattern.Pattern { return &w.own }, "Labels in addition to cxm's own and to those of the defaults; scoped ones such as team::payments, too."),
		form.At("assignees", form.Some(usernames()), func(w *written) *[]string { return &w.Assignees }, "GitLab usernames. Set when the issue is made, and people's from then on."),
		form.At("milestone", form.Text(), func(w *written) *string { return &w.Milestone }, "The title of a milestone. Set when the issue is made."),
		form.At("due", form.Duration(), func(w *written) *time.Duration { return &w.Due }, "The issue is due so long after it is made, such as 30d."),
		form.Maybe("weight", form.Whole(0, 1_000_000), func(w *written) **int { return &w.Weight }, "The weight, where GitLab has weights. Set when the issue is made."),
		form.At("confidential", form.Bool(), func(w *written) *bool { return &w.Confidential }, "Only members see the issue."),
		form.At("issue_type", form.Choice(PlainIssue, Incident, Task), func(w *written) *IssueType { return &w.IssueType }, "The type of the issue in GitLab."),
		form.At("thresholds", thresholds(), func(w *written) *Thresholds { return &w.Thresholds }, "How far a saving must move before the issue is edited for it. Both have to be reached."),
		form.At("policy", policies(), func(w *written) *Policy { return &w.Policy }, "How cautious cxm is about these issues."),
		form.At("budget", form.Some(form.Text()), func(w *written) *[]string { return &w.Budget }, "Names of budgets that these issues count against."),
	}
}

func routes() form.Value[Route] {
	return form.Object(
		form.At("integration", form.Label(), func(r *Route) *string { return &r.Integration }, "The name or number of the integration; left out, the default one."),
		form.At("project", paths(), func(r *Route) *pattern.Pattern { return &r.Project }, "The project: its path, its number, or a pattern such as acme/{{tag \"team\"}}; left out, the integration's own."),
		form.At("fallback", paths(), func(r *Route) *pattern.Pattern { return &r.Fallback }, "The project where the pattern cannot be filled in; left out, the integration's own."),
		form.At("on_change", form.Choice(rule.Move, rule.CloseAndLink, rule.Stay), func(r *Route) *rule.OnChange { return &r.OnChange }, "What happens to an open issue whose route changes: it is moved, closed for a new one that names it, or stays."),
	)
}

func paths() form.Value[pattern.Pattern] { return patternOf(form.Label(), pattern.Pattern.CheckPath) }

// patterns are texts with parts of a finding in them; check may be nil.
func patterns(check func(pattern.Pattern) error) form.Value[pattern.Pattern] {
	return patternOf(form.Text(), check)
}

func patternOf(text form.Value[string], check func(pattern.Pattern) error) form.Value[pattern.Pattern] {
	return form.Value[pattern.Pattern]{Schema: text.Schema, Read: func(n *form.Node, into *pattern.Pattern) {
		var read string
		if !form.Took(n, text, &read) {
			return
		}
		p, err := pattern.Parse(read)
		var fault *pattern.Error
		switch {
		case errors.As(err, &fault):
			n.WrongIn(fault.Offset, fault.Mend, "%s", fault.Message)
			return
		case err != nil:
			n.Wrong("", "%s", err)
			return
		}
		if check != nil {
			if err := check(p); err != nil {
				message, mend, _ := strings.Cut(err.Error(), ": ")
				n.Wrong(mend, "%s", message)
				return
			}
		}
		*into = p
	}}
}

// checkLabel checks as much of a label as is known before any finding is there.
func checkLabel(p pattern.Pattern) error {
	if p.Fixed() {
		return validLabel(p.String())
	}
	if strings.Contains(regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(p.String(), ""), ",") {
		return fmt.Errorf("%.60q has a comma, where GitLab divides labels: write one label per entry", p.String())
	}
	return nil
}

func groupings() form.Value[[]string] {
	one := form.Parsed(form.Text(), groupable)
	v := form.Some(one)
	return v.Then(func(_ *form.Node, names *[]string) {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	})
}

func usernames() form.Value[string] {
	shape := regexp.MustCompile(`^@?[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$`)
	return form.Parsed(form.Text(), func(text string) (string, error) {
		switch {
		case strings.Contains(strings.TrimPrefix(text, "@"), "@"):
			return "", errors.New("this is an e-mail address: use the GitLab username")
		case !shape.MatchString(text):
			return "", fmt.Errorf("%.60q is no GitLab username: write it like @engineer", text)
		}
		return strings.TrimPrefix(text, "@"), nil
	})
}

func thresholds() form.Value[Thresholds] {
	return form.Object(
		form.Maybe("percent", form.Percent(), func(t *Thresholds) **decimal.Decimal { return &t.Share }, "Of the amount that the issue shows, such as 10%."),
		form.At("amount", byCurrency(), func(t *Thresholds) *map[string]decimal.Decimal { return &t.Amounts }, "Per month: one amount, or one for each currency, such as [5 USD, 4 EUR]."),
	)
}

func byCurrency() form.Value[map[string]decimal.Decimal] {
	amounts := form.Some(form.Money())
	return form.Value[map[string]decimal.Decimal]{Schema: amounts.Schema, Read: func(n *form.Node, into *map[string]decimal.Decimal) {
		var read []form.Amount
		if !form.Took(n, amounts, &read) {
			return
		}
		out := map[string]decimal.Decimal{}
		for _, a := range read {
			if _, twice := out[a.Currency]; twice {
				n.Wrong("keep one of them", "has two amounts in %s", a.Currency)
				return
			}
			out[a.Currency] = a.Value
		}
		*into = out
	}}
}

func policies() form.Value[Policy] {
	return form.Object(
		form.At("close", form.Choice(Auto, Manual), func(p *Policy) *Close { return &p.Close }, "auto: cxm closes what is proved gone. manual: people do, and cxm says in the issue that it is gone."),
		form.Maybe("reopen_window", form.Duration(), func(p *Policy) **time.Duration { return &p.ReopenWindow }, "So long after closing the same issue is reopened; later a new one is made that names it."),
		form.Maybe("growth", form.Decimal().Checked(atLeastOne), func(p *Policy) **decimal.Decimal { return &p.Growth }, "A saving so many times the one last shown reopens what a person closed."),
		form.Maybe("calm", form.Duration(), func(p *Policy) **time.Duration { return &p.Calm }, "After cxm reopened an issue it waits so long before it closes it again."),
		form.Maybe("recreate", form.Bool(), func(p *Policy) **bool { return &p.Recreate }, "An issue that GitLab does not list any more is made again, instead of held."),
		form.Maybe("max_repeats", form.Whole(0, 100), func(p *Policy) **int { return &p.MaxRepeats }, "So many times the same text is written again after somebody changed it."),
	)
}

func atLeastOne(d decimal.Decimal) (message, mend string) {
	if d.LessThan(decimal.NewFromInt(1)) {
		return d.String() + " is less than what there was", "write 1 or more"
	}
	return "", ""
}

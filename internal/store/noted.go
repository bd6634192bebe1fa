package store

import (
	"cmp"
	"context"
	"strconv"

	"cxm/internal/audit"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// noteStep adds to the audit log what is about to be done in GitLab, or what
// became of it: whatever happens in between, the log knows of the attempt.
func noteStep(ctx context.Context, e plan.Entry, t issue.Tracked) error {
	if e.Outcome == plan.Skipped || e.Outcome == plan.Planned {
		audit.Quiet(ctx) // GitLab did not hear of it
		return nil
	}
	line := audit.Line{
		Action: stepAction(e), Run: e.Run, Why: e.Reason,
		Object: audit.Object{Kind: "issue", ID: strconv.FormatInt(cmp.Or(e.Issue, t.ID), 10), Name: cmp.Or(t.Observed.WebURL, e.WebURL, t.Observed.Title, e.Title)},
	}
	switch e.Outcome {
	case plan.Done, plan.Adopted:
		line.Before, line.After = audit.Changed(stepBefore(e), stepAfter(e, t))
	case plan.Intended:
		line.Before, line.After = audit.Of(stepBefore(e)), audit.Of(audit.Values{"sends": e.Summary, "group": string(e.Group)})
	default:
		line.After = audit.Of(audit.Values{"outcome": string(e.Outcome), "trouble": e.Trouble})
	}
	return audit.Note(ctx, line)
}

// stepAction is what the log calls a step: "issue.create.begun", "issue.created",
// "issue.create.failed".
func stepAction(e plan.Entry) string {
	word := "issue." + e.Verb.Word()
	switch e.Outcome {
	case plan.Done, plan.Adopted:
		return map[plan.Verb]string{
			plan.Create: "issue.created", plan.Update: "issue.updated", plan.Close: "issue.closed", plan.Reopen: "issue.reopened", plan.Move: "issue.moved",
		}[e.Verb]
	case plan.Intended:
		return word + ".begun"
	case plan.InDoubt:
		return word + ".in_doubt"
	}
	return word + "." + string(e.Outcome)
}

// stepBefore is what the issue said before a step.
func stepBefore(e plan.Entry) audit.Values {
	v := audit.Values{"title": e.Before.Title}
	switch e.Verb {
	case plan.Close:
		v["state"] = string(issue.Opened)
	case plan.Reopen:
		v["state"] = string(issue.Closed)
	case plan.Move:
		v["project_id"] = e.Before.Project
	}
	return v
}

// stepAfter is what it says after it. Its description is no part of the log.
func stepAfter(e plan.Entry, t issue.Tracked) audit.Values {
	v := audit.Values{"title": t.Observed.Title, "labels_added": e.Before.AddedLabels, "labels_removed": e.Before.RemovedLabels, "sent": e.Summary}
	switch e.Verb {
	case plan.Create:
		v["labels"], v["state"], v["project_id"], v["iid"] = t.Observed.Labels, string(t.Observed.State), t.Observed.ProjectID, t.Observed.IID
	case plan.Close, plan.Reopen:
		v["state"] = string(t.Observed.State)
	case plan.Move:
		v["project_id"] = e.Before.To
	}
	if e.Outcome == plan.Adopted {
		v["found"] = "by its nonce, in a later look"
	}
	return v
}

// noteEnded is noteStep for entries that a look brought to their end.
func noteEnded(ctx context.Context, rows []db.Journal, t issue.Tracked) error {
	for _, r := range rows {
		e, err := value.Entry(r)
		if err == nil {
			err = noteStep(ctx, e, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteRun adds to the audit log what a person decided about a run.
func noteRun(ctx context.Context, action string, id int64, by, why string, after audit.Values) error {
	l := audit.Line{Action: action, Object: audit.Object{Kind: "run", ID: strconv.FormatInt(id, 10)}, Run: id, Why: why}
	if after == nil {
		after = audit.Values{}
	}
	after["by"] = by
	l.After = audit.Of(after)
	return audit.Note(ctx, l)
}

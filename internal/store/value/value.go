// Package value turns rows of the database into the values that the program knows,
// and back.
//
// What always holds: a value that is read back is the one that was written, to the
// microsecond; a row that cannot be read is an error that names it.
package value

import (
	"database/sql"
	"fmt"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/db"
)

// Tracked is the issue of a row.
func Tracked(r db.Issue) (issue.Tracked, error) {
	t := issue.Tracked{
		ID: r.ID, Integration: r.IntegrationID, Group: rule.GroupKey(r.GroupKey), Nonce: r.Nonce,
		Phase: issue.Phase(r.Phase), SentAt: r.SentAt.Time, Pending: issue.State(r.PendingState), Override: issue.State(r.OverrideState),
		Missing: int(r.Missing), Trouble: r.Trouble, Rev: r.Rev,
		Routed: r.RoutedID, Move: issue.Move{To: r.MoveTo, At: r.MoveAt.Time, Refused: r.MoveRefused},
		Returns: issue.Returns{Times: int(r.Returns), Last: r.ReturnedAs}, Team: r.Team,
	}
	if err := db.Decode(r.Observed, &t.Observed, "observed state of issue row", r.ID); err != nil {
		return t, err
	}
	if err := db.Decode(r.Gave, &t.Gave, "what was given to issue row", r.ID); err != nil {
		return t, err
	}
	return t, db.Decode(r.Written, &t.Written, "written state of issue row", r.ID)
}

// AllTracked are the issues of rows, in their order.
func AllTracked(rows []db.Issue) ([]issue.Tracked, error) {
	var out []issue.Tracked
	for _, r := range rows {
		t, err := Tracked(r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Documents are what is observed of an issue and what was written, as columns have them.
func Documents(t issue.Tracked) (observed, written, gave string, err error) {
	if observed, err = db.Encode(t.Observed); err == nil {
		written, err = db.Encode(t.Written)
	}
	if err == nil {
		gave, err = db.Encode(t.Gave)
	}
	return observed, written, gave, err
}

// Judged is what people made of an issue, and since when, as the tracker has it.
func Judged(t issue.Tracked) (verdict string, at db.Time) {
	if v := t.Verdict(); v != "" {
		return string(v), db.Time{Time: t.Observed.UpdatedAt}
	}
	return "", db.Time{}
}

// AddIssue is the row of a new issue.
func AddIssue(tenant string, t issue.Tracked) (db.AddIssueParams, error) {
	observed, written, gave, err := Documents(t)
	verdict, since := Judged(t)
	return db.AddIssueParams{
		Tenant: tenant, IntegrationID: t.Integration, GroupKey: string(t.Group), Nonce: t.Nonce,
		Phase: string(t.Phase), SentAt: db.Time{Time: t.SentAt},
		ProjectID: t.Observed.ProjectID, IID: t.Observed.IID, State: string(t.Observed.State),
		PendingState: string(t.Pending), OverrideState: string(t.Override),
		Observed: observed, Written: written, Missing: int64(t.Missing), Trouble: t.Trouble,
		RoutedID: t.Routed, MoveTo: t.Move.To, MoveAt: db.Time{Time: t.Move.At}, MoveRefused: t.Move.Refused,
		Returns: int64(t.Returns.Times), ReturnedAs: t.Returns.Last, CheckedAt: db.Time{Time: t.SentAt}, Team: t.Team,
		Gave: gave, Judged: verdict, JudgedAt: since, Search: listed(t), Worth: worth(t),
	}, err
}

// SaveIssue is the row of an issue that has one.
func SaveIssue(tenant string, t issue.Tracked) (db.SaveIssueParams, error) {
	observed, written, gave, err := Documents(t)
	verdict, since := Judged(t)
	return db.SaveIssueParams{
		Tenant: tenant, ID: t.ID, Rev: t.Rev,
		Phase: string(t.Phase), SentAt: db.Time{Time: t.SentAt},
		ProjectID: t.Observed.ProjectID, IID: t.Observed.IID, State: string(t.Observed.State),
		PendingState: string(t.Pending), OverrideState: string(t.Override),
		Observed: observed, Written: written, Missing: int64(t.Missing), Trouble: t.Trouble,
		RoutedID: t.Routed, MoveTo: t.Move.To, MoveAt: db.Time{Time: t.Move.At}, MoveRefused: t.Move.Refused,
		Returns: int64(t.Returns.Times), ReturnedAs: t.Returns.Last, Team: t.Team,
		Gave: gave, Judged: verdict, JudgedAt: since, Search: listed(t), Worth: worth(t),
	}, err
}

// listed is what lists find an issue by, and order it by as its title.
func listed(t issue.Tracked) string {
	text := strings.ToLower(fmt.Sprintf("%s #%d %s", t.Observed.Title, t.Observed.IID, t.Observed.WebURL))
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	if runes := []rune(text); len(runes) > 500 { // an index has to hold it
		text = string(runes[:500])
	}
	return text
}

// worth is the saving that an issue says, in millionths; -1: unknown.
func worth(t issue.Tracked) int64 {
	if !t.Written.Savings.Valid {
		return -1
	}
	return money.Micros(t.Written.Savings.Decimal)
}

// Member is the member of a group that a row tells of.
func Member(r db.MembersRow) (rule.Member, error) {
	var m rule.Member
	digest, err := finding.ParseDigest(r.Digest)
	if err != nil {
		return m, fmt.Errorf("finding %s in the database: %w", r.FindingKey, err)
	}
	m.Sighting = finding.Sighting{Detection: finding.Detection(r.Detection), Absences: int(r.Absences), Digest: digest, Since: r.Since.Time}
	m.Decided = finding.Decided{Decision: finding.Decision(r.Decision), Reason: r.DecidedWhy, By: r.DecidedBy, At: r.DecidedAt.Time, Until: r.DecidedUntil.Time}
	return m, db.Decode(r.Body, &m.Finding, "body of finding", r.FindingKey)
}

// Entry is the journal entry of a row.
func Entry(r db.Journal) (plan.Entry, error) {
	e := plan.Entry{
		ID: r.ID, Run: r.RunID, Seq: int(r.Seq), Verb: plan.Verb(r.Verb), Reason: r.Reason,
		Group: rule.GroupKey(r.GroupKey), Issue: r.IssueID.Int64, Outcome: plan.Outcome(r.Outcome),
		Trouble: r.Trouble, Calls: int(r.Calls), WroteAt: r.WroteAt.Time, EndedAt: r.EndedAt.Time,
		Summary: r.Summary, WebURL: r.WebURL, Title: r.Title, Stamp: r.Stamp.Time,
	}
	return e, db.Decode(r.Before, &e.Before, "state before journal entry", r.ID)
}

// AddEntry is the row of a new entry.
func AddEntry(tenant string, e plan.Entry) (db.AddEntryParams, error) {
	before, err := db.Encode(e.Before)
	return db.AddEntryParams{
		Tenant: tenant, RunID: e.Run, Seq: int64(e.Seq), Verb: string(e.Verb), Reason: e.Reason,
		GroupKey: string(e.Group), IssueID: Reference(e.Issue), Outcome: string(e.Outcome),
		Trouble: e.Trouble, Calls: int64(e.Calls), WroteAt: db.Time{Time: e.WroteAt}, EndedAt: db.Time{Time: e.EndedAt},
		Summary: e.Summary, WebURL: e.WebURL, Title: e.Title, Stamp: db.Time{Time: e.Stamp}, Before: before,
	}, err
}

// SaveEntry is the row of an entry that has one.
func SaveEntry(tenant string, e plan.Entry) (db.SaveEntryParams, error) {
	before, err := db.Encode(e.Before)
	return db.SaveEntryParams{
		Tenant: tenant, ID: e.ID, IssueID: Reference(e.Issue), Reason: e.Reason, Outcome: string(e.Outcome), Trouble: e.Trouble,
		Calls: int64(e.Calls), WroteAt: db.Time{Time: e.WroteAt}, EndedAt: db.Time{Time: e.EndedAt}, Summary: e.Summary,
		WebURL: e.WebURL, Title: e.Title, Stamp: db.Time{Time: e.Stamp}, Before: before,
	}, err
}

// Reference is a row's id, or null for none.
func Reference(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

// Run is the run of a row.
func Run(r db.Run) plan.Run {
	return plan.Run{
		ID: r.ID, Integration: r.IntegrationID, State: plan.RunState(r.State), Shared: r.Shared, Why: r.Why, Digest: r.Digest, Undoes: r.Undoes,
		ApprovedBy: r.ApprovedBy, ApprovedAt: r.ApprovedAt.Time, StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.Time,
		Steps: int(r.Steps), Done: int(r.Done), Failed: int(r.Failed), InDoubt: int(r.InDoubt), Skipped: int(r.Skipped),
		RejectedBy: r.RejectedBy, Rejection: r.Rejection,
	}
}

// AddRun is the row of a new run.
func AddRun(tenant string, r plan.Run) db.AddRunParams {
	return db.AddRunParams{
		Tenant: tenant, IntegrationID: r.Integration, State: string(r.State), Shared: r.Shared, Why: r.Why, Digest: r.Digest, Undoes: r.Undoes,
		ApprovedBy: r.ApprovedBy, ApprovedAt: db.Time{Time: r.ApprovedAt},
		StartedAt: db.Time{Time: r.StartedAt}, FinishedAt: db.Time{Time: r.FinishedAt},
		Steps: int64(r.Steps), Done: int64(r.Done), Failed: int64(r.Failed), InDoubt: int64(r.InDoubt), Skipped: int64(r.Skipped),
	}
}

// SaveRun is the row of a run that has one.
func SaveRun(tenant string, r plan.Run) db.SaveRunParams {
	return db.SaveRunParams{
		Tenant: tenant, ID: r.ID, State: string(r.State), Why: r.Why, Digest: r.Digest, Undoes: r.Undoes,
		ApprovedBy: r.ApprovedBy, ApprovedAt: db.Time{Time: r.ApprovedAt},
		StartedAt: db.Time{Time: r.StartedAt}, FinishedAt: db.Time{Time: r.FinishedAt},
		Steps: int64(r.Steps), Done: int64(r.Done), Failed: int64(r.Failed), InDoubt: int64(r.InDoubt), Skipped: int64(r.Skipped),
	}
}

// Pull is the pull of a row.
func Pull(r db.LastPullsRow) (finding.Pull, error) {
	p := finding.Pull{
		ID: r.Pull.ID, Source: r.Source, Scope: r.Scope, ReceivedAt: r.Pull.ReceivedAt.Time, Complete: r.Pull.Complete,
		New: int(r.Pull.Added), Changed: int(r.Pull.Changed), Unchanged: int(r.Pull.Unchanged),
		Absent: int(r.Pull.Absent), Missing: int(r.Pull.Missing), Skipped: int(r.Pull.Skipped),
	}
	if err := db.Decode(r.Pull.Reasons, &p.Reasons, "reasons of pull", r.Pull.ID); err != nil {
		return p, err
	}
	return p, db.Decode(r.Pull.Files, &p.Files, "files of pull", r.Pull.ID)
}

package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/audit/chain"
	"cxm/internal/store/db"
)

// audited says that a query changes what the audit log has lines about: who writes
// one notes a line in the same transaction (audit.Note), or says that there is
// nothing to note (audit.Quiet). TestEveryWriteIsJudged holds every query that
// writes to this list or to that of the others.
func audited(query string) bool {
	switch query {
	case "AddIntegration", "UpdateIntegration", "SetRoute", "SetProjectPath", "PutInstance", "PutConnection", // connections
		"AddToken", "MoveToken", "BeginRotation", "EndRotation", "ScheduleRotation", "AddKeyset", "SaveKeyset", // secrets
		"AddHook", "SaveHook", "DeleteHook", "AddSource", "RotateSource", "EnableSource", "DeleteSource", "AddRevision", "AnswerSuggestion", "AddDecision", "PutCodeState", "DropCodeState", // what comes in, rules, and states of Terraform
		"AddTenant", "SaveTenant", "AddAccessReview", "AddAccessOwner", "DropAccessOwners", "BeginBootstrap", "SaveBootstrap", // accounts
		"ApproveRun", "RejectRun", "SaveEntry": // what is done in GitLab
		return true
	}
	return false
}

// queryName is the name that sqlc put before a statement; empty: it has none.
func queryName(text string) string {
	rest, ok := strings.CutPrefix(text, "-- name: ")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// errUnnoted keeps a change from being made of which the log would not know.
var errUnnoted = errors.New("the audit log would not know of it, and so nothing was changed: this is a fault of cxm, please report it")

// note adds what was noted to the audit log, as the last that a transaction does.
func (h hooks) note(ctx context.Context, on db.DBTX, c Change, seen *watched, notes *audit.Notes) error {
	if seen.audited != "" && notes.Silent() {
		return fmt.Errorf("%s: %w", seen.audited, errUnnoted)
	}
	lines := notes.Lines()
	if len(lines) == 0 {
		return nil
	}
	var signer *audit.Signer
	if h.sign != nil {
		signer = h.sign(c.Tenant)
	}
	return chain.Append(ctx, on, c.Tenant, lines, signer, h.now())
}

func (h hooks) now() time.Time {
	if h.clock == nil {
		return time.Now()
	}
	return h.clock()
}

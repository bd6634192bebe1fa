package tokens

import (
	"context"
	"fmt"
	"strconv"

	"cxm/internal/audit"
	"cxm/internal/credential"
)

// object is the token of an integration as the audit log names it.
func object(integration, row int64, name string) audit.Object {
	return audit.Object{Kind: "token", ID: strconv.FormatInt(row, 10), Name: fmt.Sprintf("token %s of integration %d", name, integration)}
}

// noteToken adds to the audit log a state that a token came to; its value is no
// part of it.
func noteToken(ctx context.Context, t credential.Stored, was credential.State) error {
	line := audit.Line{Action: "token.state", Object: object(t.Integration, t.Row, t.Name), Why: t.Reason, Before: audit.Of(audit.Values{"state": string(was)})}
	facts := audit.Values{"state": string(t.State), "integration": t.Integration}
	switch {
	case was == "":
		line.Action = "token.added"
		facts["gitlab_id"], facts["name"], facts["scopes"], facts["expires_at"] = t.ID, t.Name, t.Scopes, t.ExpiresAt
	case t.State == credential.Revoked:
		line.Action = "token.revoked"
	case t.State == credential.Superseded:
		line.Action = "token.replaced"
	case t.State == credential.Lost:
		line.Action = "token.lost"
	case t.State == credential.Active:
		line.Action = "token.taken"
	}
	line.After = audit.Of(facts)
	return audit.Note(ctx, line)
}

// noteRotation adds to the audit log what became of the rotation of a token, which
// GitLab is asked for.
func noteRotation(ctx context.Context, r Rotation, state RotationState, trouble string) error {
	action := "token.rotation.ended"
	switch state {
	case Sent:
		action = "token.rotation.begun"
	case Answered:
		action = "token.rotation.answered"
	case Done:
		action = "token.rotated"
	}
	return audit.Note(ctx, audit.Line{
		Action: action, Object: object(r.Integration, r.Row, r.Target),
		After: audit.Of(audit.Values{"rotation": r.ID, "state": string(state), "trouble": trouble}),
	})
}

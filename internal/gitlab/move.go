package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const routeMove = "/projects/:id/issues/:issue_iid/move"

// Move moves an issue to another project and returns it as it is there: GitLab
// makes a new issue with the same text, comments and people, closes the old one
// and points it to the new one. Labels go along where the other project, or a
// group above it, has one of the same name. It needs the Planner role in both.
//
// Sending is called right before each attempt leaves, after any wait for limits;
// an error stops the move. Nil: nothing to do. Troubles are as for Create: of one
// that is issue.Doubtful the old issue tells, by what it says it was moved to.
func (c *Client) Move(ctx context.Context, project, iid, to int64, sending func() error) (issue.Observed, error) {
	r := rest.Request{
		Doing:  fmt.Sprintf("moving issue #%d of project %d to project %d", iid, project, to),
		Method: http.MethodPost, Route: routeMove, Before: sending,
	}
	got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*issueJSON](c.Client, http.MethodPost, issuePath(project, iid)+"/move", &api.MoveIssueOptions{ToProjectID: &to}), wholeIssue)
	return answerOf(got, unmoved(err))
}

// unmoved adds what has to be done about a move that GitLab refused. It says the
// same of all reasons.
func unmoved(err error) error {
	t := (*issue.Trouble)(nil)
	if errors.As(err, &t) && (t.Kind == issue.Invalid || t.Kind == issue.NotFound) {
		t.Mend = "Give cxm's account the Planner role or higher in both projects, and see that neither is archived and both have issues enabled"
	}
	return err
}

// planner is the role from which GitLab lets an account move issues and label
// them (docs.gitlab.com/user/permissions).
const planner = 15

// Takes says why no issue can be put into a project now: it cannot be seen, is
// archived or marked for deletion, has issues disabled, or the account's role in
// it is too low. Nil: one can, as far as GitLab tells.
func (c *Client) Takes(ctx context.Context, project int64) error {
	p, err := c.Project(ctx, strconv.FormatInt(project, 10))
	if err != nil || p.AccessLevel == 0 || p.AccessLevel >= planner {
		return err
	}
	return &issue.Trouble{
		Kind: issue.Forbidden, Doing: fmt.Sprintf("looking at %s", p.Path), Said: "the account is a guest there",
		Mend: "Give it the Planner role or higher in that project",
	}
}

package gitlab

import "context"

// Accepts asks GitLab with the token, and does nothing else: GET /user works with
// the least of scopes. The trouble of a token that GitLab refuses is
// issue.Unauthorized.
func (c *Client) Accepts(ctx context.Context) error {
	_, err := c.account(ctx)
	return err
}

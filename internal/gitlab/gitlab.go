// Package gitlab is what cxm does in GitLab: it writes issues, looks for what
// became of them, and finds out who it is there. It and the packages below it
// are the only ones that call GitLab; how they call is rest's.
//
// What always holds: every error is an *issue.Trouble, and a create or change
// whose answer was lost is issue.Doubtful (see rest).
package gitlab

import "cxm/internal/gitlab/rest"

// Client is one account on one GitLab instance. It is safe for many goroutines.
type Client struct{ *rest.Client }

// New makes a client. It sends nothing.
func New(c *rest.Client) *Client { return &Client{c} }

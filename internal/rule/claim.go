package rule

import (
	"fmt"

	"cxm/internal/finding"
)

// ClaimError says that a pull names a finding that another source delivered, which
// is that source's alone to change.
type ClaimError struct {
	Key    finding.Key
	Source string // the name of the configured source that holds it; empty: none does
	Type   string // of the scope that holds it
	Scope  string
}

// Error says whose the finding is, and what to do.
func (c *ClaimError) Error() string {
	if c.Source == "" {
		return fmt.Sprintf("finding %s was taken in under scope %q of %s, and two sources cannot claim one finding: if it is to be this source's from now on, give the source that scope (`cxm source remove`, then `cxm source add --scope %s`)",
			c.Key.Short(), c.Scope, c.Type, c.Scope)
	}
	return fmt.Sprintf("finding %s was delivered by source %q, and two sources cannot claim one finding: where both are the same tool, have both deliver as one source; otherwise give each finding a key of its own",
		c.Key.Short(), c.Source)
}

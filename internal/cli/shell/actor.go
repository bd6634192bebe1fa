package shell

import (
	"context"

	"cxm/internal/audit"
)

// AsUser is a context in which the user of this machine does things: whoever runs
// the command.
func AsUser(ctx context.Context) context.Context {
	return audit.With(ctx, audit.Actor{Kind: audit.CommandLine, Name: Who("")})
}

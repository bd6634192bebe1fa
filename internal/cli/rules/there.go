package rules

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ shelf   = (*app.App)(nil)
	_ shelf   = (*remote.Server)(nil)
	_ writer  = (*app.App)(nil)
	_ writer  = (*remote.Server)(nil)
	_ learner = (*app.App)(nil)
	_ learner = (*remote.Server)(nil)
	_ waiter  = (*app.App)(nil)
	_ waiter  = (*remote.Server)(nil)
)

package work

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ planner = (*app.App)(nil)
	_ planner = (*remote.Server)(nil)
	_ holder  = (*app.App)(nil)
	_ holder  = (*remote.Server)(nil)
	_ journal = (*app.App)(nil)
	_ journal = (*remote.Server)(nil)
)

package care

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ keeper   = (*app.App)(nil)
	_ keeper   = (*remote.Server)(nil)
	_ examiner = (*app.App)(nil)
	_ examiner = (*remote.Server)(nil)
	_ reviewer = (*app.App)(nil)
	_ reviewer = (*remote.Server)(nil)
	_ minder   = (*app.App)(nil)
	_ minder   = (*remote.Server)(nil)
)

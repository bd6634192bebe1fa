package audit

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ log = (*app.App)(nil)
	_ log = (*remote.Server)(nil)
)

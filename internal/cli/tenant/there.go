package tenant

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ lister = (*app.App)(nil)
	_ lister = (*remote.Server)(nil)
)

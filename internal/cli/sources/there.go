package sources

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ sourcer = (*app.App)(nil)
	_ sourcer = (*remote.Server)(nil)
)

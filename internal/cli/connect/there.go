package connect

import (
	"cxm/internal/app"
	"cxm/internal/cli/remote"
)

// What these commands ask is there on this machine and on a server.
var (
	_ connector = (*app.App)(nil)
	_ connector = (*remote.Server)(nil)
)

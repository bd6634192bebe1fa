package app

import (
	"context"
	"strconv"

	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/store/route"
)

// renamed finds out how an integration's project is called by now and keeps that,
// for people to read; cxm itself goes by the number. What cannot be found out is
// tried again with the next look.
func (a *App) renamed(in integration.Integration, client *gitlab.Client) func(context.Context, int64) {
	return func(ctx context.Context, project int64) {
		found, err := client.Project(ctx, strconv.FormatInt(project, 10))
		if found.ID == project && found.Path != in.Project.Path {
			err = route.New(a.DB.Base(), a.Tenant).Rename(ctx, in.ID, found)
		}
		if err != nil {
			a.Logger.Warn("the project has another path by now, which could not be kept", "integration", in.ID, "error", err)
		}
	}
}

package app

import (
	"context"
	"fmt"
	"strconv"

	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/rule"
	"cxm/internal/store/route"
)

// SetProject sends the issues of an integration to another project from now on;
// project is its path with groups, its numeric id or its address, and empty
// leaves it as it is. onChange says what the next run does with issues that cxm
// had sent to the project before: "move" them, "close-and-link" them to new ones,
// or let them "stay"; empty leaves that as it is. An issue that a person moved
// elsewhere is left where they want it.
//
// The project is looked at first: one that takes no issues is refused, and
// nothing changes. Nothing is written to GitLab here: `cxm plan` shows what the
// next run will do.
func (a *App) SetProject(ctx context.Context, integrationID int64, project, onChange string) (integration.Integration, error) {
	in, err := a.Integration(ctx, integrationID)
	if err != nil {
		return in, err
	}
	if onChange != "" {
		c, err := rule.ParseOnChange(onChange)
		if err != nil {
			return in, err
		}
		in.OnRoute = string(c)
	}
	if project != "" {
		if in.Project, err = a.reachable(ctx, in, project); err != nil {
			return in, fmt.Errorf("choosing the project of integration %d: %w", in.ID, err)
		}
	}
	return in, route.New(a.DB.Base(), a.Tenant).Set(ctx, in)
}

// reachable finds a project that takes issues of the integration's account.
func (a *App) reachable(ctx context.Context, in integration.Integration, project string) (integration.Project, error) {
	client, err := a.Open(ctx, in, true)
	if err != nil {
		return integration.Project{}, err
	}
	found, err := client.Project(ctx, project)
	if err != nil {
		return found, err
	}
	return found, client.Takes(ctx, found.ID)
}

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

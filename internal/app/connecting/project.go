package connecting

import (
	"context"
	"fmt"

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
func (c *Connector) SetProject(ctx context.Context, integrationID int64, project, onChange string) (integration.Integration, error) {
	in, err := c.Integration(ctx, integrationID)
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
		if in.Project, err = c.reachable(ctx, in, project); err != nil {
			return in, fmt.Errorf("choosing the project of integration %d: %w", in.ID, err)
		}
	}
	return in, route.New(c.DB.Base(), c.Tenant).Set(ctx, in)
}

// reachable finds a project that takes issues of the integration's account.
func (c *Connector) reachable(ctx context.Context, in integration.Integration, project string) (integration.Project, error) {
	client, err := c.Open(ctx, in, true)
	if err != nil {
		return integration.Project{}, err
	}
	found, err := client.Project(ctx, project)
	if err != nil {
		return found, err
	}
	return found, client.Takes(ctx, found.ID)
}

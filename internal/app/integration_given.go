package app

import (
	"context"
	"fmt"
	"slices"

	"cxm/internal/gitlab"
	"cxm/internal/integration"
	"cxm/internal/issue"
)

// giving is a tracker that gives every issue which it makes what the admin wants
// it to have. What people change of that later is theirs: cxm wrote it once, and
// does not look after it.
type giving struct {
	*gitlab.Client
	given integration.Defaults
}

// tracker is what steps of an integration are carried out by.
func (a *App) tracker(ctx context.Context, in integration.Integration, client *gitlab.Client) (*giving, error) {
	d, err := a.Connections().Defaults(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("preparing integration %d: %w", in.ID, err)
	}
	return &giving{client, d}, nil
}

// Create makes an issue with what it is given.
func (g *giving) Create(ctx context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	d.Labels = slices.Clone(d.Labels)
	for _, label := range g.given.Labels {
		if !slices.Contains(d.Labels, label) {
			d.Labels = append(d.Labels, label)
		}
	}
	d.Assignee, d.Confidential = g.given.AssigneeID, g.given.Confidential
	return g.Client.Create(ctx, project, d)
}

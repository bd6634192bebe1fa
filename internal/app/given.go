package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/people"
	"cxm/internal/integration"
	"cxm/internal/issue"
)

// giving is a tracker that gives every issue which it makes what the admin wants
// it to have. What people change of that later is theirs: cxm wrote it once, and
// does not look after it.
type giving struct {
	*gitlab.Client
	given  integration.Defaults
	people *people.Client
	clock  func() time.Time
	told   func(project int64, reasons []string)
}

// tracker is what steps of an integration are carried out by.
func (a *App) tracker(ctx context.Context, in integration.Integration, client *gitlab.Client) (*giving, error) {
	d, err := a.Connections().Defaults(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("preparing integration %d: %w", in.ID, err)
	}
	return &giving{client, d, people.New(client.Client), a.Clock, func(project int64, reasons []string) {
		a.Logger.Warn("an issue was made without what its rule gives it", "integration", in.ID, "project", project, "why", strings.Join(reasons, "; "))
	}}, nil
}

// Create makes an issue with what it is given.
func (g *giving) Create(ctx context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	d.Labels = slices.Clone(d.Labels)
	for _, label := range g.given.Labels {
		if !slices.Contains(d.Labels, label) {
			d.Labels = append(d.Labels, label)
		}
	}
	d.Assignee, d.Confidential = g.given.AssigneeID, g.given.Confidential || d.Given.Confidential
	reasons, err := g.settle(ctx, project, &d)
	if err != nil {
		return issue.Observed{}, err
	}
	o, err := g.Client.Create(ctx, project, d)
	if err == nil {
		reasons = append(reasons, issue.Unkept(d.Settings, o)...)
	}
	if len(reasons) > 0 {
		g.told(project, reasons)
	}
	return o, err
}

// settle finds out what GitLab calls whom and what the rules give the issue. What
// it does not find is a reason, and stops nothing.
func (g *giving) settle(ctx context.Context, project int64, d *issue.Draft) (reasons []string, err error) {
	w := d.Given
	d.Weight, d.Type = w.Weight, w.Type
	if w.Due > 0 {
		d.DueDate = g.clock().UTC().Add(w.Due)
	}
	if len(w.Assignees) > 0 {
		if d.Assignees, reasons, err = g.people.Assignees(ctx, w.Assignees); err != nil {
			return nil, unsent(err)
		}
	}
	if w.Milestone != "" {
		var why string
		if d.MilestoneID, why, err = g.people.Milestone(ctx, project, w.Milestone); err != nil {
			return nil, unsent(err)
		}
		if why != "" {
			reasons = append(reasons, why)
		}
	}
	return reasons, nil
}

// unsent is the trouble of a question before a create: nothing was made.
func unsent(err error) error {
	t := (*issue.Trouble)(nil)
	if !errors.As(err, &t) || t.Kind != issue.Doubtful {
		return err
	}
	safe := *t
	safe.Kind = issue.Unavailable
	return &safe
}

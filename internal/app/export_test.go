package app

import (
	"context"

	"github.com/riverqueue/river"
)

// WorkStep does what the queue does with the job of a planned step.
func (a *App) WorkStep(ctx context.Context, integration, entry int64) error {
	w := &stepper{hall: &hall{all: a.installation, shops: map[string]*workshop{}}}
	return w.Work(ctx, &river.Job[stepJob]{Args: stepJob{Tenant: a.Tenant, Integration: integration, Entry: entry}})
}

// WorkHook does what the queue does with the job that a webhook left.
func (a *App) WorkHook(ctx context.Context, integration, project int64) error {
	w := &looker{hall: &hall{all: a.installation, shops: map[string]*workshop{}}}
	return w.Work(ctx, &river.Job[lookJob]{Args: lookJob{Tenant: a.Tenant, Integration: integration, Project: project}})
}

package app

import "cxm/internal/app/bootstrap"

// Names of what sets up a service account that callers need.
type (
	// Bootstrap is a service account to be set up, with all that it takes to work.
	Bootstrap = bootstrap.Request
	// Bootstrapped is what became of it.
	Bootstrapped = bootstrap.Result
	// BootstrapPlan is what a bootstrap is about to do.
	BootstrapPlan = bootstrap.Plan
	// BootstrapAction is what a step of a bootstrap is about.
	BootstrapAction = bootstrap.Action
)

// BootstrapScopes are the scopes that the guide asks for.
func BootstrapScopes() []string { return bootstrap.Scopes() }

// Package survey answers what the overview and the findings' pages ask with what the
// program knows.
//
// What always holds: a number and the list behind it come from one survey, and are
// the same; what a list shows is read from the database; what is not known is said
// so.
package survey

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/web/page"
)

// Pages has what these pages show. It is safe for concurrent use.
type Pages struct {
	of  func(ctx context.Context, tenant string) (*app.App, error)
	log *slog.Logger

	mu      sync.Mutex
	waiting map[string]*count // by tenant; guarded by mu
	known   map[string]known  // by tenant; guarded by mu
}

// count is what waited for a person a moment ago.
type count struct {
	all  []page.Waiting
	at   time.Time // when that was found out; zero: it was not yet
	took time.Duration
	busy bool // somebody finds it out again
}

// New makes them. Of is the program for a tenant.
func New(of func(ctx context.Context, tenant string) (*app.App, error), log *slog.Logger) *Pages {
	return &Pages{of: of, log: log, waiting: map[string]*count{}, known: map[string]known{}}
}

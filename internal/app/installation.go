package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"cxm/internal/app/auditing"
	"cxm/internal/app/errand"
	"cxm/internal/app/recent"
	"cxm/internal/credential"
	"cxm/internal/queue"
	"cxm/internal/status"
	"cxm/internal/store"
	"cxm/internal/store/tenants"
)

// installation is what all tenants of one data directory share. It is safe for
// concurrent use.
type installation struct {
	config Config
	db     *store.DB
	key    *credential.Key
	pen    *auditing.Pen
	outbox *outbox
	calls  *recent.Calls // of GitLab, the last ones
	board  *status.Board // nil: nobody asked for metrics

	Errands *errand.Desk // what people asked for in a browser, and goes on when nobody looks

	mu   sync.Mutex
	open map[string]*App // by tenant; guarded by mu
}

// install opens what the tenants share.
func (c Config) install(ctx context.Context) (*installation, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	key, err := c.openKey()
	if err != nil {
		return nil, err
	}
	i := &installation{config: c, key: key, pen: &auditing.Pen{}, outbox: &outbox{}, calls: recent.New(c.Clock), Errands: errand.New(c.Clock), open: map[string]*App{}}
	where := c.where()
	where.Sign, where.Clock = i.pen.Of, c.Clock
	where.Changed, where.Planned, where.Delivered = i.outbox.changed, i.outbox.planned, i.outbox.delivered
	if i.db, err = store.Open(ctx, where); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if c.Metrics {
		i.board = status.New(i.report)
	}
	i.config.Observe = remembered(i.calls, counted(c.Observe, i.board, c.Tracing))
	if i.outbox.queue, err = i.openQueue(ctx); err != nil {
		return nil, errors.Join(err, i.db.Close())
	}
	return i, nil
}

// openQueue prepares the queue's tables and opens a queue that only inserts.
func (i *installation) openQueue(ctx context.Context) (*queue.Queue, error) {
	if err := queue.Migrate(ctx, i.handle()); err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return queue.Open(ctx, queue.Options{Handle: i.handle(), Logger: i.config.Logger})
}

func (i *installation) handle() queue.Handle {
	return queue.Handle{SQLite: i.db.SQL(), Postgres: i.db.Pool()}
}

// Of is cxm for a tenant of the same data directory. It is open as long as what
// Open returned is. The error is *tenants.UnknownError when there is no such
// tenant, or it is disabled.
func (i *installation) Of(ctx context.Context, tenant string) (*App, error) {
	if _, err := i.tenants().Open(ctx, tenant); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if a := i.open[tenant]; a != nil {
		return a, nil
	}
	a, err := i.of(ctx, tenant)
	if err == nil {
		i.open[tenant] = a
	}
	return a, err
}

// Tenant is a company or a department that has cxm for itself.
type Tenant = tenants.Tenant

func (i *installation) tenants() *tenants.Store { return tenants.New(i.db.Base()) }

// Tenants lists the tenants of the installation.
func (i *installation) Tenants(ctx context.Context) ([]Tenant, error) { return i.tenants().All(ctx) }

// AddTenant makes a tenant. The error is tenants.ErrTaken when there is one of that
// name.
func (i *installation) AddTenant(ctx context.Context, name, title string) error {
	return i.tenants().Add(ctx, Tenant{Name: name, Title: title, MadeAt: i.config.Clock().UTC()})
}

// DisableTenant says whether nothing is to be done for a tenant. What it has stays.
func (i *installation) DisableTenant(ctx context.Context, name string, disabled bool) error {
	return i.tenants().Disable(ctx, name, disabled)
}

// each does something for every tenant that is not disabled. The trouble of one
// keeps no other.
func (i *installation) each(ctx context.Context, do func(*App) error) error {
	all, err := i.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Disabled {
			continue
		}
		a, bad := i.Of(ctx, t.Name)
		if bad == nil {
			bad = do(a)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("tenant %s: %w", t.Name, bad))
		}
	}
	return err
}

// farewell bounds the signing of the audit logs at the end.
const farewell = 5 * time.Second

// Close signs what was added to the audit logs, and closes the database, for all
// tenants.
func (i *installation) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	late := i.Errands.Close(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, a := range i.open {
		if err := a.AnchorAudit(ctx); err != nil {
			a.Logger.Warn("the end of the audit log was not signed", "tenant", a.Tenant, "error", err)
		}
	}
	return errors.Join(late, i.db.Close())
}

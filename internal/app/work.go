package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/app/front"
	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/plan"
	"cxm/internal/queue"
	"cxm/internal/serve"
	"cxm/internal/store"
	"cxm/internal/tracing"
)

// reconcileJob brings all integrations of a tenant up to date: it looks, plans
// what changed, and leaves the steps to jobs of their own. One that waits is
// enough for everything that changes until it starts.
type reconcileJob struct {
	Tenant      string `json:"tenant"`
	Integration int64  `json:"integration,omitempty"` // this one alone, since a webhook told of it
}

// Kind names the job in the queue.
func (reconcileJob) Kind() string { return "reconcile" }

// InsertOpts makes it unique.
func (reconcileJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique()}
}

// lookJob looks at GitLab once more, after its silence about a create means
// something, when a project is tried again that could not be looked at, or when a
// webhook told that something changed in one. A reconcileJob follows.
type lookJob struct {
	Tenant      string `json:"tenant"`
	Integration int64  `json:"integration"`
	Blind       bool   `json:"blind"`             // since a project could not be looked at, rather than for creates in doubt
	Project     int64  `json:"project,omitempty"` // since a webhook told of this one
}

// Kind names the job in the queue.
func (lookJob) Kind() string { return "look" }

// InsertOpts makes it unique.
func (lookJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique()}
}

// stepJob carries out one planned step of a shared run.
type stepJob struct {
	Tenant      string `json:"tenant"`
	Integration int64  `json:"integration"`
	Entry       int64  `json:"entry"` // of the journal
}

// Kind names the job in the queue.
func (stepJob) Kind() string { return "step" }

// pullJob takes in what was accepted of one source and scope, in its order.
type pullJob struct {
	Tenant string `json:"tenant"`
	Source string `json:"source"`
	Scope  string `json:"scope"`
}

// Kind names the job in the queue.
func (pullJob) Kind() string { return "pull" }

// InsertOpts makes it unique.
func (pullJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique()}
}

// priority is the order of verbs that all processes keep together (G10).
func priority(v plan.Verb) int {
	switch v {
	case plan.Close:
		return queue.PriorityClose
	case plan.Create:
		return queue.PriorityCreate
	case plan.Reopen, plan.Move:
		return queue.PriorityReopen
	}
	return queue.PriorityUpdate
}

// outbox adds the jobs that follow from what is stored, in its transaction.
type outbox struct{ queue *queue.Queue }

// changed adds the job that decides about groups that were marked.
func (o *outbox) changed(ctx context.Context, tx store.Tx, tenant string) error {
	if o.queue == nil {
		return nil
	}
	_, err := o.queue.InsertTx(ctx, queue.Tx(tx), river.InsertManyParams{Args: reconcileJob{Tenant: tenant}})
	return err
}

// delivered adds the job that takes a delivery in.
func (o *outbox) delivered(ctx context.Context, tx store.Tx, tenant, source, scope string) error {
	if o.queue == nil {
		return errors.New("this program has no queue: a delivery needs one")
	}
	_, err := o.queue.InsertTx(ctx, queue.Tx(tx), river.InsertManyParams{Args: pullJob{Tenant: tenant, Source: source, Scope: scope}})
	return err
}

// planned adds a job for every step of a shared run.
func (o *outbox) planned(ctx context.Context, tx store.Tx, tenant string, integration int64, steps []plan.Entry) error {
	if o.queue == nil {
		return errors.New("this program has no queue: a run that is shared needs one")
	}
	jobs := make([]river.InsertManyParams, len(steps))
	for i, e := range steps {
		jobs[i] = river.InsertManyParams{
			Args:       stepJob{Tenant: tenant, Integration: integration, Entry: e.ID},
			InsertOpts: &river.InsertOpts{Priority: priority(e.Verb)},
		}
	}
	_, err := o.queue.InsertTx(ctx, queue.Tx(tx), jobs...)
	return err
}

// Worked is what became of the jobs.
type Worked = queue.Drained

// WorkOptions say how jobs are worked, and what is served meanwhile.
type WorkOptions struct {
	Every time.Duration // between looks at GitLab for what people changed; optional: 10 minutes
	Front               // the listeners; optional: nothing is served

	Welcome func(link credential.Secret) // is given the link by which the first admin is made, once; optional
	More    []Mount                      // at the public listener, beside GitLab's webhooks
}

// Names of what is served that callers need.
type (
	// Front says where and how cxm serves.
	Front = front.Options
	// ServeOptions are how: limits, TLS, proxies.
	ServeOptions = serve.Options
	// Mount is what is served at a pattern.
	Mount = serve.Mount
	// Limits are what one request may take.
	Limits = serve.Limits
	// Sockets are those that systemd opened for the program.
	Sockets = serve.Sockets
	// Tracing is where OpenTelemetry traces go; nil: nowhere.
	Tracing = tracing.Tracing
)

// Activated takes the sockets that systemd passed. It is called once, by main.
func Activated() (*Sockets, error) { return serve.Activated() }

// OpenTracing sends traces to where the OTEL_ variables say. The caller closes it
// after the app.
func OpenTracing(ctx context.Context, version string, log *slog.Logger) (*Tracing, error) {
	return tracing.Open(ctx, version, log)
}

// Run works the jobs until none is due, and says what became of them. It begins
// with a look at GitLab.
func (a *App) Run(ctx context.Context) (Worked, error) {
	ctx = audit.With(ctx, audit.Actor{Kind: audit.System, Name: "cxm"}) // who began it decides nothing of what it does
	q, err := a.workers(ctx)
	if err != nil {
		return Worked{}, err
	}
	first := append(a.codeJobs(ctx), river.InsertManyParams{Args: tokenJob{Tenant: a.Tenant}}, river.InsertManyParams{Args: reconcileJob{Tenant: a.Tenant}})
	if _, err := q.Insert(ctx, first...); err != nil {
		return Worked{}, fmt.Errorf("adding the first job: %w", err)
	}
	return q.Drain(ctx, max(a.Settle, busy)+time.Second)
}

// Serve works jobs until ctx ends, then lets those that run finish for up to
// grace: what they had in flight finishes or is in doubt. It is ready only between
// the two.
func (a *App) Serve(ctx context.Context, o WorkOptions, grace time.Duration) error {
	ctx = audit.With(ctx, audit.Actor{Kind: audit.System, Name: "cxm"})
	if o.Every <= 0 {
		o.Every = 10 * time.Minute
	}
	q, err := a.workers(ctx, rounds(o.Every)...)
	if err != nil {
		return err
	}
	desk := a.desk(ctx, o)
	door, err := a.door(ctx, o)
	if err != nil {
		return errors.Join(err, desk.close(ctx))
	}
	open, err := front.Open(ctx, a.front(o), a.site(append(desk.mounts(), door.mounts()...), o))
	if err != nil {
		return errors.Join(err, desk.close(ctx), door.close())
	}
	a.welcome(ctx, o)
	if err = q.Start(ctx); err == nil {
		a.warn("systemd could not be told", open.Started())
		err = open.Wait(ctx)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+o.Drain)
	defer cancel()
	a.warn("systemd could not be told", open.Drain(stop))
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(open.Close(stop), desk.close(stop), door.close()) }()
	return errors.Join(err, q.Stop(stop), <-closed)
}

// front is how the listeners are opened.
func (a *App) front(o WorkOptions) front.Options {
	f := o.Front
	f.Server.Logger, f.Server.Tracer = a.Logger, a.Tracing.Tracer()
	if a.board != nil {
		f.Server.Metrics = serve.NewMetrics(a.board.Registry())
	} else {
		f.Status = "" // there is nothing to show
	}
	return f
}

// site is what is served.
func (a *App) site(mounts []Mount, o WorkOptions) front.Site {
	s := front.Site{Public: append(mounts, o.More...), Ready: []serve.Part{{Name: "database", Check: a.reachable}, {Name: "migrations", Check: a.migrated()}}}
	if a.board != nil {
		s.Status = a.boardMounts()
	}
	return s
}

// reachable says whether the database answers.
func (a *App) reachable(ctx context.Context) error {
	_, err := a.Store.Integrations(ctx)
	return err
}

// migrated says whether the database has the schema that this program knows, or a
// later one that another replica made. Once it has, it stays so.
func (a *App) migrated() func(context.Context) error {
	var current atomic.Bool
	return func(ctx context.Context) error {
		if current.Load() {
			return nil
		}
		v, err := a.DB.Base().Versions(ctx)
		if err == nil && v.Has < v.Knows {
			err = fmt.Errorf("the schema has version %d, and this program needs %d: run `cxm database migrate`", v.Has, v.Knows)
		}
		current.Store(err == nil)
		return err
	}
}

// warn logs what went wrong and stops nothing.
func (a *App) warn(what string, err error) {
	if err != nil {
		a.Logger.Warn(what, "error", err)
	}
}

// workers opens a queue that works.
func (a *App) workers(ctx context.Context, regular ...*river.PeriodicJob) (*queue.Queue, error) {
	h := &hall{all: a.installation, shops: map[string]*workshop{}}
	workers := river.NewWorkers()
	river.AddWorker(workers, &puller{hall: h})
	river.AddWorker(workers, &reconciler{hall: h})
	river.AddWorker(workers, &looker{hall: h})
	river.AddWorker(workers, &stepper{hall: h})
	river.AddWorker(workers, &hookKeeper{hall: h})
	river.AddWorker(workers, &tokenKeeper{hall: h})
	river.AddWorker(workers, &herald{hall: h})
	river.AddWorker(workers, &codeReader{hall: h})
	river.AddWorker(workers, &rounder{hall: h})
	q, err := queue.Open(ctx, queue.Options{
		Handle: a.handle(), Workers: workers, Concurrency: a.Workers, Periodic: regular,
		JobTimeout: a.JobTimeout, Rescue: a.Rescue, Logger: a.Logger, Middleware: a.Tracing.Jobs(),
	})
	if err != nil {
		return nil, err
	}
	h.queue = q
	return q, a.missed(ctx, q)
}

// missed adds the jobs of deliveries that wait, which a restored backup lacks.
func (i *installation) missed(ctx context.Context, q *queue.Queue) error {
	return i.each(ctx, func(a *App) error {
		waiting, err := a.Store.Waiting(ctx)
		if err != nil {
			return err
		}
		var jobs []river.InsertManyParams
		for _, d := range waiting {
			jobs = append(jobs, river.InsertManyParams{Args: pullJob{Tenant: a.Tenant, Source: d.Source, Scope: d.Scope}})
		}
		if _, err := q.Insert(ctx, jobs...); err != nil {
			return fmt.Errorf("adding the jobs of deliveries that wait: %w", err)
		}
		return nil
	})
}

// Package app is the program as a value: configuration, wiring, and what the
// edges (command line, demo, later the service) ask of it.
//
// What always holds: only this package sees the whole configuration; every
// other package gets the few fields it needs through its constructor.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"cxm/internal/app/auditing"
	"cxm/internal/app/bootstrap"
	"cxm/internal/app/connecting"
	"cxm/internal/app/core"
	"cxm/internal/app/deciding"
	"cxm/internal/app/doctor"
	"cxm/internal/app/evidence"
	"cxm/internal/app/feed"
	"cxm/internal/app/learning"
	"cxm/internal/app/review"
	"cxm/internal/app/sourcing"
	"cxm/internal/app/surveying"
	"cxm/internal/app/tokencare"
	"cxm/internal/app/webhooks"
	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/notify"
	"cxm/internal/plan"
	"cxm/internal/store"
	"cxm/internal/store/hooks"
	"cxm/internal/store/rules"
	"cxm/internal/store/sources"
	"cxm/internal/store/tokens"
)

// Config is the whole configuration. The zero value of an optional field is the
// default that stands behind it.
type Config struct {
	DataDir    string             // holds key.json, and cxm.db without Database; made when absent, readable by its owner only
	Database   string             // URL of a PostgreSQL database (postgres://…); optional: cxm.db in DataDir
	Tenant     string             // optional: "default"
	Settle     time.Duration      // how long GitLab's silence about a create means nothing; optional: 30s
	Workers    int                // writes in flight; optional: 16
	Clock      func() time.Time   // optional: time.Now
	Transport  http.RoundTripper  // optional: one that goes by what is stored of the instance, and by Reach
	Reach      Reach              // which addresses cxm may connect to, without Transport; optional: those that a person's own command may
	Logger     *slog.Logger       // optional: nothing is logged
	Failpoint  func(point string) // called before and after every commit, for runs that kill the process there; optional
	Observe    func(rest.Sent)    // hears of every call to GitLab; optional
	Limits     rest.Limits        // optional: what suits the instance
	JobTimeout time.Duration      // ends a job that takes longer; optional: 2 minutes
	Rescue     time.Duration      // after which a job counts as that of a dead process; optional: a minute more than JobTimeout
	Brakes     *plan.Brakes       // what a run may do unasked; optional: plan.DefaultBrakes
	Caps       plan.Caps          // on new and open issues per project; optional: none
	Recreate   bool               // an issue that GitLab does not list any more is made again, instead of held
	Key        credential.Place   // of the key that seals the keys; optional: key.json in DataDir
	Lease      time.Duration      // how long nobody else decides about a rotation of a token; optional: 5 minutes
	Notices    *notify.Sender     // where an operator is told of tokens that expire and access that is lost; optional: in the log alone
	Metrics    bool               // calls to GitLab are counted, for WorkOptions.Status
	Tracing    *Tracing           // where spans go; optional: nowhere
	Version    string             // of the program, for the status page; optional
}

// App is cxm on one data directory. It stands on the core, and its parts are a
// part of it, with all that they offer.
type App struct {
	Config
	*core.Core
	*tokencare.Keeper
	*webhooks.Minder
	*connecting.Connector
	*bootstrap.Maker
	*review.Reviewer
	*sourcing.Sourcer
	*doctor.Doctor
	*evidence.Asker
	*learning.Learner
	*feed.Watcher
	*auditing.Auditor
	*deciding.Decider
	*surveying.Surveyor

	People *People // where people sign in

	*installation
	books *books
}

// DataDir is where cxm keeps its data when nobody says otherwise: CXM_DATA_DIR,
// else cxm in XDG_DATA_HOME, else .local/share/cxm in the home directory.
func DataDir(getenv func(string) string) (string, error) {
	if dir := getenv("CXM_DATA_DIR"); dir != "" {
		return dir, nil
	}
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "cxm"), nil
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "cxm"), nil
	}
	return "", errors.New("no place for data: give --data-dir, or set CXM_DATA_DIR or HOME")
}

// Open opens the data directory, making it on first use, for one tenant of it.
func Open(ctx context.Context, c Config) (*App, error) {
	c.fill()
	all, err := c.install(ctx)
	if err != nil {
		return nil, err
	}
	a, err := all.Of(ctx, c.Tenant)
	if err != nil {
		return nil, errors.Join(err, all.db.Close())
	}
	return a, nil
}

// of is cxm for a tenant of the installation.
func (i *installation) of(ctx context.Context, tenant string) (*App, error) {
	c := i.config
	c.Tenant = tenant
	a := &App{Config: c, installation: i, books: &books{store: rules.New(i.db.Base(), tenant, c.Clock)}}
	base := &core.Core{
		Options: core.Options{
			Tenant: tenant, Clock: c.Clock, Settle: c.Settle, Lease: c.Lease, Transport: c.Transport, Reach: c.Reach,
			Logger: c.Logger, Observe: c.Observe, Limits: c.Limits, Tell: a.tell, Rules: a.inForce,
		},
		DB: i.db, Store: i.db.Tenant(tenant).Capped(c.Caps, c.Clock), Tokens: tokens.New(i.db.Base(), tenant),
		Hooks: hooks.New(i.db.Base(), tenant, i.outbox.heard(tenant)), Configured: sources.New(i.db.Base(), tenant, i.outbox.delivered),
	}
	a.join(base)
	a.Auditor = auditing.New(base, i.pen, c.DataDir)
	var err error
	if base.Sealer, err = a.openSealer(ctx, i.key); err != nil {
		return nil, err
	}
	return a, a.PrepareAudit(ctx)
}

// fill puts the defaults where nothing was said.
func (c *Config) fill() {
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Settle <= 0 {
		c.Settle = 30 * time.Second
	}
	if c.Brakes == nil {
		brakes := plan.DefaultBrakes()
		c.Brakes = &brakes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Lease <= 0 {
		c.Lease = tokencare.Lease
	}
}

// join makes the parts of the program on what they stand on.
func (a *App) join(base *core.Core) {
	keeper := tokencare.New(base)
	minder := webhooks.New(keeper)
	connector := connecting.New(keeper, minder)
	a.Core, a.Keeper, a.Minder, a.Connector = base, keeper, minder, connector
	a.Surveyor = surveying.New(base, a.whose)
	a.People = a.newDesk(base)
	a.Sourcer, a.Asker = sourcing.New(base), evidence.New(keeper)
	a.Learner, a.Decider = learning.New(base, a.ApplyRules), deciding.New(base)
	a.Maker, a.Reviewer, a.Doctor, a.Watcher = bootstrap.New(base, connector), review.New(keeper), a.newDoctor(), feed.New(base)
}

// where is the database.
func (c Config) where() store.Options {
	o := store.Options{URL: c.Database, Failpoint: c.Failpoint}
	if c.Database == "" {
		o.Path = filepath.Join(c.DataDir, "cxm.db")
	}
	return o
}

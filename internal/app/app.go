// Package app is the program as a value: configuration, wiring, and what the
// edges (command line, demo, later the service) ask of it.
//
// What always holds: only this package sees the whole configuration; every
// other package gets the few fields it needs through its constructor.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/plan"
	"cxm/internal/store"
)

// Config is the whole configuration. The zero value of an optional field is the
// default that stands behind it.
type Config struct {
	DataDir   string            // holds cxm.db and key.json; made when absent, readable by its owner only
	Tenant    string            // optional: "default"
	Settle    time.Duration     // how long GitLab's silence about a create means nothing; optional: 30s
	Workers   int               // writes in flight; optional: 16
	Clock     func() time.Time  // optional: time.Now
	Transport http.RoundTripper // optional: a good one
	Logger    *slog.Logger      // optional: nothing is logged
	Observe   func(gitlab.Call) // hears of every call to GitLab; optional
	Limits    gitlab.Limits     // optional: what suits the instance
	Brakes    *plan.Brakes      // what a run may do unasked; optional: plan.DefaultBrakes
	Caps      plan.Caps         // on new and open issues per project; optional: none
}

// App is cxm on one data directory.
type App struct {
	Config
	db     *store.DB
	store  *store.Store
	sealer *credential.Sealer
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

// Open opens the data directory, making it on first use.
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Brakes == nil {
		brakes := plan.DefaultBrakes()
		c.Brakes = &brakes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	sealer, err := credential.NewSealer(filepath.Join(c.DataDir, "key.json"))
	if err != nil {
		return nil, fmt.Errorf("opening the key of the data directory: %w", err)
	}
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(c.DataDir, "cxm.db")})
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return &App{Config: c, db: db, store: db.Tenant(c.Tenant).Capped(c.Caps, c.Clock), sealer: sealer}, nil
}

// Close closes the database.
func (a *App) Close() error { return a.db.Close() }

// policy is how cautious this installation is.
func (a *App) policy() plan.Policy { return plan.DefaultPolicy() }

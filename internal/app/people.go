package app

import (
	"context"
	"errors"
	"runtime"
	"strconv"

	"cxm/internal/app/core"
	"cxm/internal/audit"
	"cxm/internal/signin"
	reception "cxm/internal/signin/desk"
	"cxm/internal/signin/password"
	kept "cxm/internal/store/audit"
	"cxm/internal/store/people"
	"cxm/internal/store/tenants"
)

// hashes is how many passwords are hashed at once: each takes 46 MiB, and a processor.
const hashes = 4

// People is where people sign in, and where it is said who may.
type People = reception.Desk

// newDesk is where people sign in. What happens there is logged, and in the audit
// log of every tenant that it is about.
func (a *App) newDesk(base *core.Core) *People {
	return reception.New(reception.Options{
		Store: people.New(base.DB.Base()), Hasher: password.New(password.Cost{}, min(hashes, runtime.NumCPU())),
		Clock: a.Clock, Tenant: a.Tenant,
		Observe: func(ctx context.Context, e signin.Event) {
			a.Logger.InfoContext(ctx, "people", "action", e.Action, "by", e.By, "person", e.Person, "label", e.Label, "tenant", e.Tenant, "address", e.Address, "why", e.Why)
			a.warn("the audit log lacks a line about people", a.witnessed(context.WithoutCancel(ctx), e))
		},
	})
}

// witnessed adds what happened to the audit log of the tenant that it is about, or of
// those where the person works. What is about nobody known, or about the
// installation, is in the log of the first tenant, which there always is.
func (i *installation) witnessed(ctx context.Context, e signin.Event) error {
	about := []string{e.Tenant}
	if e.Tenant == "" {
		p, err := people.New(i.db.Base()).Person(ctx, e.Person)
		if err == nil {
			about = p.Tenants()
		}
		if len(about) == 0 || err != nil {
			about = []string{tenants.First}
		}
	}
	line := audit.Line{
		Actor: audit.From(ctx), Action: e.Action, Why: e.Why,
		Object: audit.Object{Kind: "person", ID: strconv.FormatInt(e.Person, 10), Name: e.Label},
	}
	if line.Actor.Kind == audit.Unknown && e.By != "" {
		line.Actor = audit.Actor{Kind: audit.Person, Name: e.By}
	}
	if e.Address != "" {
		line.After = audit.Of(map[string]any{"address": e.Address})
	}
	var err error
	for _, tenant := range about {
		line.Tenant = tenant
		err = errors.Join(err, kept.New(i.db.Base(), tenant, i.config.Clock).Add(ctx, line))
	}
	return err
}

// prunePeople drops the sessions that are over.
func (i *installation) prunePeople(ctx context.Context) error {
	return people.New(i.db.Base()).Prune(ctx, i.config.Clock())
}

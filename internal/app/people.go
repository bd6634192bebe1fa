package app

import (
	"context"
	"runtime"

	"cxm/internal/app/core"
	"cxm/internal/signin"
	reception "cxm/internal/signin/desk"
	"cxm/internal/signin/password"
	"cxm/internal/store/people"
)

// hashes is how many passwords are hashed at once: each takes 46 MiB, and a processor.
const hashes = 4

// People is where people sign in, and where it is said who may.
type People = reception.Desk

// newDesk is where people sign in. What happens there is logged.
func (a *App) newDesk(base *core.Core) *People {
	return reception.New(reception.Options{
		Store: people.New(base.DB.Base()), Hasher: password.New(password.Cost{}, min(hashes, runtime.NumCPU())),
		Clock: a.Clock, Tenant: a.Config.Tenant,
		Observe: func(ctx context.Context, e signin.Event) {
			a.Logger.InfoContext(ctx, "people", "action", e.Action, "by", e.By, "person", e.Person, "label", e.Label, "tenant", e.Tenant, "address", e.Address, "why", e.Why)
		},
	})
}

// prunePeople drops the sessions that are over.
func (i *installation) prunePeople(ctx context.Context) error {
	return people.New(i.db.Base()).Prune(ctx, i.config.Clock())
}

package app

import (
	"context"

	"cxm/internal/app/doctor"
	"cxm/internal/app/ruling"
	"cxm/internal/credential"
	"cxm/internal/integration"
)

// Names of what finds out what is wrong that callers need.
type (
	// Exam is the connection that Test looks at: a stored integration, or one that
	// is to be.
	Exam = doctor.Exam
	// Why is the answer to "why is there no issue for this?".
	Why = doctor.Why
	// Stand is where one finding stands.
	Stand = doctor.Stand
)

// Pasted is a token as it was given, whatever is wrong with it.
func Pasted(text string) credential.Secret { return credential.NewSecret(text) }

// newDoctor makes the doctor of a.
func (a *App) newDoctor() *doctor.Doctor {
	return doctor.New(a.Keeper, doctor.Options{Caps: a.Caps, Recreate: a.Recreate, Ruled: a.ruled, Routes: a.astray, Status: func(ctx context.Context) (doctor.Status, error) {
		s, err := a.Status(ctx)
		return doctor.Status{
			InDoubt: s.InDoubt, Unseen: s.Unseen, Deliveries: s.Deliveries, Refused: s.Refused, Broken: s.Broken,
			Waiting: s.Waiting, LastRun: s.LastRun, Pulls: s.Pulls,
		}, err
	}})
}

// astray lists what the rules in force name and that cannot be used; not ok: the
// built-in ones hold, or GitLab cannot be asked.
func (a *App) astray(ctx context.Context, in integration.Integration) ([]string, bool) {
	book, revision, err := a.books.read(ctx)
	if err != nil || revision == 0 {
		return nil, false
	}
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return nil, false
	}
	client, err := a.Open(ctx, in, true)
	if err != nil {
		return nil, false
	}
	return ruling.New(book, in, all, client, a.Clock).Check(ctx), true
}

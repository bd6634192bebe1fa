package app

import (
	"context"

	"cxm/internal/app/doctor"
	"cxm/internal/credential"
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
	return doctor.New(a.Keeper, doctor.Options{Caps: a.Caps, Recreate: a.Recreate, Ruled: a.ruled, Status: func(ctx context.Context) (doctor.Status, error) {
		s, err := a.Status(ctx)
		return doctor.Status{
			InDoubt: s.InDoubt, Unseen: s.Unseen, Deliveries: s.Deliveries, Refused: s.Refused, Broken: s.Broken,
			Waiting: s.Waiting, LastRun: s.LastRun, Pulls: s.Pulls,
		}, err
	}})
}

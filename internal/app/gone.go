package app

import (
	"context"
	"errors"
	"fmt"

	"cxm/internal/store"
)

// goneError says that an integration is not connected any more.
type goneError struct{ id int64 }

// Error says so.
func (e *goneError) Error() string {
	return fmt.Sprintf("integration %d is not connected any more: what was queued for it ends here", e.id)
}

func isGone(err error) bool {
	gone := (*goneError)(nil)
	return errors.As(err, &gone)
}

// gone tells that work of an integration ends, since nobody is connected any more.
func (a *App) gone(id int64) error {
	err := &goneError{id}
	a.Logger.Info("work ends without having been done", "integration", id, "why", err.Error())
	return err
}

// unlessGone does what a job is there for, unless its integration was disconnected.
func (w *workshop) unlessGone(ctx context.Context, id int64, do func() error) error {
	_, _, _, err := w.app.Store.Integration(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		_ = w.app.gone(id) // it is told, and that is all
		return nil
	}
	if err != nil {
		return err
	}
	return do()
}

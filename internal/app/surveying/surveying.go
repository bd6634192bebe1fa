// Package surveying tells how the findings of a tenant are as a whole: for lists, for
// sums, and from day to day.
//
// What always holds: GitLab is not asked, and nothing but the day's totals is
// written.
package surveying

import (
	"context"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/finding"
	"cxm/internal/store/board"
	"cxm/internal/store/views"
)

// Surveyor surveys one tenant. It is safe for concurrent use.
type Surveyor struct {
	core  *core.Core
	board *board.Board
	sums  sums
}

// New makes one. Whose goes by the rules in force.
func New(c *core.Core, whose func(context.Context) (board.Whose, int64, error)) *Surveyor {
	return &Surveyor{core: c, board: board.New(c.DB.Base(), board.Options{Tenant: c.Tenant, Clock: c.Clock, Whose: whose})}
}

// Survey is how the findings are.
func (s *Surveyor) Survey(ctx context.Context) (*board.Snapshot, error) { return s.board.Snapshot(ctx) }

// ForgetSurvey gives the memory back that surveys take, until the next one.
func (s *Surveyor) ForgetSurvey() { s.board.Drop() }

// Views keeps what people keep of the pages.
func (s *Surveyor) Views() *views.Store { return views.New(s.core.DB.Base(), s.core.Tenant) }

// fresh is how old what is known of a day may be before it is looked at again.
const fresh = 6 * time.Hour

// RecordDay keeps what can be saved today.
func (s *Surveyor) RecordDay(ctx context.Context) error {
	now := s.core.Clock().UTC()
	days, err := s.Views().Days(ctx, now)
	if err != nil || len(days) > 0 && now.Sub(days[len(days)-1].At) < fresh {
		return err
	}
	held := s.board.Size() > 0
	snapshot, err := s.board.Snapshot(ctx)
	if err != nil {
		return err
	}
	if !held { // nobody looks at it
		s.board.Drop()
	}
	return s.Views().Record(ctx, views.Day{
		Day: now.Format(time.DateOnly), At: now,
		Open:    snapshot.Sum(board.Filter{Kind: finding.Cost, Status: board.Open}).Of,
		Working: snapshot.Sum(board.Filter{Kind: finding.Cost, Status: board.Working}).Of,
	})
}

package sandbox

import (
	"context"
	"net/http"
	"time"

	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/hook/payload"
	"cxm/internal/sandbox/rest/accounts"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/track"
)

// hookWorkers is how many deliveries are under way at once.
const hookWorkers = 4

// cause is the request that what happens now comes from.
type cause struct {
	base  string // the instance's URL as the request names it
	chain string // its X-Gitlab-Event-UUID
}

func (s *Server) hookOptions() hook.Options {
	o := hook.Options{
		Clock: s.opts.Clock, Agent: "GitLab/" + accounts.Version, Workers: hookWorkers, Timeout: s.opts.HookTimeout,
		KeepFailing: s.opts.KeepFailingHooks, BlockLocal: s.opts.BlockLocalHooks,
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return o
}

// tellHooks hands news to the webhooks of its project and of the groups above
// it. It is called while the world's lock is held, so no receiver that asks the
// sandbox can see less than what it is told.
func (s *Server) tellHooks(n track.News) {
	if !s.desk.Any() {
		return
	}
	kind, body, err := payload.Maker{W: s.world, Base: s.cause.base}.Of(n)
	if err != nil {
		s.opts.Logger.Error("sandbox: a webhook was not told", "error", err)
		return
	}
	s.desk.Send(hook.Message{Kind: kind, Body: body, Instance: s.cause.base, Chain: s.cause.chain}, s.hookOwners(n.Issue.ProjectID)...)
}

// hookOwners are a project and, on the tiers that have group webhooks, the
// groups above it.
func (s *Server) hookOwners(projectID int64) []hook.Owner {
	out := []hook.Owner{{ProjectID: projectID}}
	n := s.world.Places.Namespace(s.world.Places.Project(projectID).NamespaceID)
	if s.opts.Edition == "ce" || !s.world.Places.PlanOf(n).Paid() {
		return out
	}
	for _, up := range s.world.Places.Lineage(n) {
		out = append(out, hook.Owner{GroupID: up.ID})
	}
	return out
}

// HookDelivery is one event for one webhook. Body is the payload.
type HookDelivery = hook.Delivery

// HookDeliveries gives what was to be delivered to webhooks, oldest first, and
// how far it has come.
func (s *Server) HookDeliveries() []HookDelivery { return s.desk.Deliveries() }

// HoldHooks keeps deliveries back from now on, until ReleaseHooks chooses
// them. Switched off, they go again, first those that were held.
func (s *Server) HoldHooks(on bool) { s.desk.Hold(on) }

// LoseHooks loses the deliveries that arise while it is on: nobody is called,
// and no history knows of them.
func (s *Server) LoseHooks(on bool) { s.desk.Lose(on) }

// ReleaseHooks delivers held deliveries in the order of the ids, each after the
// answer to the one before; without ids all, in the order they arose. An id
// that is not held is an error, and then nothing is delivered.
func (s *Server) ReleaseHooks(ctx context.Context, ids ...int64) error {
	return s.desk.Release(ctx, ids...)
}

// RepeatHook delivers what was delivered once more, with the same webhook-id.
func (s *Server) RepeatHook(ctx context.Context, id int64) error { return s.desk.Repeat(ctx, id) }

// SettleHooks waits until no delivery waits or is under way; those that are
// held do not count. What happened before the call is delivered after it.
func (s *Server) SettleHooks(ctx context.Context) error { return s.desk.Settle(ctx) }

// Close ends deliveries and returns when nothing of the sandbox runs any more;
// it answers requests still, but tells no webhook. Calling it again is fine.
func (s *Server) Close() { s.desk.Close() }

// hookState is what /-/sandbox/hooks shows.
type hookState struct {
	Hold       bool           `json:"hold"`
	Lose       bool           `json:"lose"`
	Deliveries []HookDelivery `json:"deliveries"`
}

func (s *Server) hookState() hookState {
	hold, lose := s.desk.Modes()
	return hookState{Hold: hold, Lose: lose, Deliveries: s.desk.Deliveries()}
}

// putHooks sets what is given of hold and lose.
func (s *Server) putHooks(_ *http.Request, body []byte) (wire.Answer, error) {
	var next struct{ Hold, Lose *bool }
	if err := strict(body, &next); err != nil {
		return wire.Answer{}, err
	}
	if next.Lose != nil {
		s.LoseHooks(*next.Lose)
	}
	if next.Hold != nil {
		s.HoldHooks(*next.Hold)
	}
	return wire.OK(s.hookState()), nil
}

func (s *Server) releaseHooks(r *http.Request, body []byte) (wire.Answer, error) {
	var which struct{ IDs []int64 }
	if len(body) > 0 {
		if err := strict(body, &which); err != nil {
			return wire.Answer{}, err
		}
	}
	return s.hooksAfter(s.ReleaseHooks(r.Context(), which.IDs...))
}

func (s *Server) repeatHook(r *http.Request, body []byte) (wire.Answer, error) {
	var which struct{ ID int64 }
	if err := strict(body, &which); err != nil {
		return wire.Answer{}, err
	}
	return s.hooksAfter(s.RepeatHook(r.Context(), which.ID))
}

func (s *Server) settleHooks(r *http.Request, _ []byte) (wire.Answer, error) {
	return s.hooksAfter(s.SettleHooks(r.Context()))
}

// hooksAfter shows the deliveries after something was done with them.
func (s *Server) hooksAfter(err error) (wire.Answer, error) {
	if err != nil {
		return wire.Answer{}, wire.Problem(http.StatusConflict, err.Error())
	}
	return wire.OK(s.hookState()), nil
}

// Package hooks keeps the webhooks through which GitLab says that something
// changed, and what they delivered: keys by which a delivery has one effect, and
// the issues that were named and not looked at since.
//
// What always holds: every row and every query carries a tenant; a delivery is
// accepted together with the job that looks, or not at all; a secret is here
// sealed only.
package hooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/tokens"
)

// ErrNotFound says that this tenant has no such webhook.
var ErrNotFound = errors.New("there is no such webhook: see `cxm webhook list`")

// Level is what a webhook listens to.
type Level string

// The levels.
const (
	Project Level = "project"
	Group   Level = "group" // and all projects below it
)

// Hook is one webhook of an integration.
type Hook struct {
	ID          int64
	Integration int64
	Endpoint    string // the random end of its address; names it, and is no secret
	Base        string // the address of cxm, as GitLab reaches it
	Sealed      []byte // its secret
	Signing     bool   // the secret signs what is delivered (GitLab 19.0 and later); else GitLab sends it along
	Level       Level
	TargetID    int64  // GitLab's id of the project or group
	Target      string // its path, for people
	GitLabID    int64  // of the hook in GitLab; 0: GitLab has not said yet that there is one
	CreatedAt   time.Time
	SeenAt      time.Time // the last delivery that was authentic; zero: none yet
	Alert       string    // GitLab's alert_status when it was last read; empty: never
	AlertUntil  time.Time // until when GitLab delivers nothing; zero: it does, or does not for good
	CheckedAt   time.Time // when it was last read; zero: never
	Trouble     string    // why it does not work, for people; empty: it does, as far as is known
	Told        bool      // a person was told of the trouble
	Counts
}

// Counts are deliveries by what became of them.
type Counts struct {
	Accepted int64 // a look followed
	Repeated int64 // their change was known from another delivery
	Ignored  int64 // about what cxm does not look at
	Refused  int64 // not authentic, or not readable
}

// Zero says that nothing was counted.
func (c Counts) Zero() bool { return c == Counts{} }

// Look adds, within a transaction, the job that looks at a project.
type Look func(ctx context.Context, tx database.Tx, integration, project int64) error

// Store is one tenant's webhooks.
type Store struct {
	db     *database.DB
	tenant string
	look   Look
}

// New is the part of the database that belongs to the tenant. Without look,
// nothing can be accepted.
func New(d *database.DB, tenant string, look Look) *Store {
	return &Store{db: d, tenant: tenant, look: look}
}

// Hooks lists the tenant's webhooks, the oldest first.
func (s *Store) Hooks(ctx context.Context) ([]Hook, error) {
	var out []Hook
	err := s.read(ctx, "listing the webhooks", func(q *db.Queries) error {
		rows, err := q.Hooks(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, toHook(r))
		}
		return err
	})
	return out, err
}

// Hook is one of them. The error is ErrNotFound.
func (s *Store) Hook(ctx context.Context, id int64) (Hook, error) {
	all, err := s.Hooks(ctx)
	if at := slices.IndexFunc(all, func(h Hook) bool { return h.ID == id }); at >= 0 {
		return all[at], nil
	}
	return Hook{}, errors.Join(err, fmt.Errorf("webhook %d: %w", id, ErrNotFound))
}

// Add stores a webhook before GitLab is asked for it, unless the integration has
// one with its level and target already, which then comes back. The error is
// tokens.ErrKey when its secret was sealed by a key that does not seal any more.
func (s *Store) Add(ctx context.Context, h Hook) (Hook, error) {
	if len(h.Sealed) == 0 {
		return Hook{}, errors.New("storing a webhook: its secret is missing: seal it first")
	}
	fresh := false
	err := s.write(ctx, "webhook", "storing a webhook", func(ctx context.Context, q *db.Queries) error {
		if err := tokens.SealedByNow(ctx, q, s.tenant, h.Sealed); err != nil {
			return err
		}
		id, err := q.AddHook(ctx, db.AddHookParams{
			Tenant: s.tenant, IntegrationID: h.Integration, Endpoint: h.Endpoint, Base: h.Base, Sealed: h.Sealed, Signing: h.Signing,
			Level: string(h.Level), TargetID: h.TargetID, Target: h.Target, CreatedAt: db.Time{Time: h.CreatedAt},
		})
		if fresh = err == nil; fresh {
			h.ID = id
			return noteHook(ctx, "webhook.added", h)
		}
		audit.Quiet(ctx) // it was there already
		return none(err)
	})
	if err != nil || fresh {
		return h, err
	}
	all, err := s.Hooks(ctx)
	at := slices.IndexFunc(all, func(other Hook) bool {
		return other.Integration == h.Integration && other.Level == h.Level && other.TargetID == h.TargetID
	})
	if err != nil || at < 0 {
		return Hook{}, errors.Join(err, ErrNotFound)
	}
	return all[at], nil
}

// Save stores where a webhook is by now: its address, GitLab's id, how it proves
// itself. The error is ErrNotFound.
func (s *Store) Save(ctx context.Context, h Hook) error {
	return s.write(ctx, "webhook", "storing a webhook", func(ctx context.Context, q *db.Queries) error {
		if err := one(q.SaveHook(ctx, db.SaveHookParams{Base: h.Base, Signing: h.Signing, Target: h.Target, GitlabID: h.GitLabID, Tenant: s.tenant, ID: h.ID})); err != nil {
			return err
		}
		return noteHook(ctx, "webhook.installed", h)
	})
}

// noteHook adds to the audit log what became of a webhook, in cxm and in GitLab.
func noteHook(ctx context.Context, action string, h Hook) error {
	return audit.Note(ctx, audit.Line{
		Action: action, Object: audit.Object{Kind: "webhook", ID: strconv.FormatInt(h.ID, 10), Name: h.Target},
		After: audit.Of(audit.Values{
			"integration": number(h.Integration), "level": string(h.Level), "target": h.Target, "gitlab_id": number(h.GitLabID), "base": h.Base,
		}),
	})
}

// number is a number that is left out where it says nothing.
func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// Check stores what GitLab says of a webhook's health, and what is wrong with it.
// The error is ErrNotFound.
func (s *Store) Check(ctx context.Context, h Hook) error {
	return s.write(ctx, "webhook", "storing a webhook's health", func(ctx context.Context, q *db.Queries) error {
		return one(q.CheckHook(ctx, db.CheckHookParams{
			Alert: h.Alert, AlertUntil: db.Time{Time: h.AlertUntil}, CheckedAt: db.Time{Time: h.CheckedAt}, Trouble: h.Trouble, Tenant: s.tenant, ID: h.ID,
		}))
	})
}

// Tell says whether the caller is the first to tell people of the trouble that a
// webhook has. Once it has none, whoever comes next is the first again.
func (s *Store) Tell(ctx context.Context, id int64) (first bool, err error) {
	err = s.write(ctx, "webhook", "telling of a webhook", func(ctx context.Context, q *db.Queries) error {
		n, err := q.TellHook(ctx, s.tenant, id)
		first = n == 1
		return err
	})
	return first, err
}

// Delete forgets a webhook. The error is ErrNotFound.
func (s *Store) Delete(ctx context.Context, id int64) error {
	return s.write(ctx, "webhook", "forgetting a webhook", func(ctx context.Context, q *db.Queries) error {
		if err := one(q.DeleteHook(ctx, s.tenant, id)); err != nil {
			return err
		}
		return noteHook(ctx, "webhook.removed", Hook{ID: id})
	})
}

// Count adds to what is counted of a webhook. A seen that is zero keeps the one
// there is.
func (s *Store) Count(ctx context.Context, id int64, more Counts, seen time.Time) error {
	return s.write(ctx, "webhook", "counting deliveries", func(ctx context.Context, q *db.Queries) error {
		return q.CountHook(ctx, db.CountHookParams{
			Accepted: more.Accepted, Repeated: more.Repeated, Ignored: more.Ignored, Refused: more.Refused,
			SeenAt: db.Time{Time: seen}, Tenant: s.tenant, ID: id,
		})
	})
}

func toHook(r db.Hook) Hook {
	return Hook{
		ID: r.ID, Integration: r.IntegrationID, Endpoint: r.Endpoint, Base: r.Base, Sealed: r.Sealed, Signing: r.Signing,
		Level: Level(r.Level), TargetID: r.TargetID, Target: r.Target, GitLabID: r.GitlabID,
		CreatedAt: r.CreatedAt.Time, SeenAt: r.SeenAt.Time, Alert: r.Alert, AlertUntil: r.AlertUntil.Time, CheckedAt: r.CheckedAt.Time,
		Trouble: r.Trouble, Told: r.Told, Counts: Counts{r.Accepted, r.Repeated, r.Ignored, r.Refused},
	}
}

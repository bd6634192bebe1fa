// Package replies keeps what requests with an Idempotency-Key were answered, so
// that one that is sent again does nothing twice.
//
// What always holds: a key is of one tenant and one holder; of many that come at
// once with the same key one begins; what is kept ends by itself, and is nothing
// that the caller says must not be kept.
package replies

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is the replies of an installation. It is safe for concurrent use.
type Store struct{ base *database.DB }

// New is the part of the database that is about replies.
func New(base *database.DB) *Store { return &Store{base: base} }

// Claim is a key that somebody chose for a request.
type Claim struct {
	Tenant, Holder, Key string
	Digest              string // of the request
	At                  time.Time
}

// Reply is what a request was answered.
type Reply struct {
	Digest   string // of the request
	Status   int    // 0: it is under way
	Location string
	Body     []byte
}

// Begin takes the key for a request that may take until a time, after which it
// counts as lost and the key is free. Where the key is taken it is what is known of
// the request that has it; first is false then.
func (s *Store) Begin(ctx context.Context, c Claim, until time.Time) (known Reply, first bool, err error) {
	err = s.save(ctx, "taking an idempotency key", func(ctx context.Context, q *db.Queries) error {
		known = Reply{}
		if err := q.PruneReplies(ctx, at(c.At)); err != nil {
			return err
		}
		rows, err := q.BeginReply(ctx, db.BeginReplyParams{
			Tenant: c.Tenant, Holder: c.Holder, Idempotent: c.Key, Digest: c.Digest, Body: []byte{}, BegunAt: at(c.At), EndsAt: at(until),
		})
		if first = rows > 0; err != nil || first {
			return err
		}
		r, err := q.Reply(ctx, c.Tenant, c.Holder, c.Key)
		known = Reply{Digest: r.Digest, Status: int(r.Status), Location: r.Location, Body: r.Body}
		return err
	})
	return known, first, err
}

// End keeps the answer of a request that began, until a time.
func (s *Store) End(ctx context.Context, c Claim, r Reply, until time.Time) error {
	if r.Body == nil {
		r.Body = []byte{}
	}
	return s.save(ctx, "keeping an answer", func(ctx context.Context, q *db.Queries) error {
		return q.EndReply(ctx, db.EndReplyParams{
			Status: int64(r.Status), Location: r.Location, Body: r.Body, EndsAt: at(until),
			Tenant: c.Tenant, Holder: c.Holder, Idempotent: c.Key, BegunAt: at(c.At),
		})
	})
}

// Drop frees the key of a request that did nothing.
func (s *Store) Drop(ctx context.Context, c Claim) error {
	return s.save(ctx, "freeing an idempotency key", func(ctx context.Context, q *db.Queries) error {
		return q.DropReply(ctx, db.DropReplyParams{Tenant: c.Tenant, Holder: c.Holder, Idempotent: c.Key, BegunAt: at(c.At)})
	})
}

func at(t time.Time) db.Time { return db.Time{Time: t} }

func (s *Store) save(ctx context.Context, doing string, f func(context.Context, *db.Queries) error) error {
	err := s.base.Write(ctx, database.Change{Point: "reply", Do: func(ctx context.Context, tx db.DBTX) error { return f(ctx, db.New(tx)) }})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/parcel"
)

// ErrTaken says that somebody else took the delivery in.
var ErrTaken = errors.New("this delivery was taken in already")

// Delivery is what was accepted from a source and waits to be taken in.
type Delivery struct {
	ID         int64
	Source     string // the source type
	Scope      string
	Options    string // how to read it, as the caller wrote it
	ReceivedAt time.Time
	Parts      []Part // pages of one snapshot, or batches of events, in their order
}

// Part is one file or body of a delivery.
type Part = parcel.Part

// Accept stores a delivery; once it returns, the delivery is durable and its job
// is in the queue (Options.Delivered). Deliveries of one source and scope are
// taken in in the order of their IDs.
func (s *Store) Accept(ctx context.Context, d Delivery) (Delivery, error) {
	row, err := addDelivery(s.tenant, d)
	if err != nil {
		return Delivery{}, wrap("accepting a delivery", err)
	}
	c := database.Change{Point: "accept", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		var err error
		d.ID, err = db.New(tx).AddDelivery(ctx, row)
		return err
	}}
	if s.db.delivered != nil {
		c.Then = func(ctx context.Context, tx Tx) error { return s.db.delivered(ctx, tx, s.tenant, d.Source, d.Scope) }
	}
	if err := s.db.base.Write(ctx, c); err != nil {
		return Delivery{}, wrap("accepting a delivery", err)
	}
	return d, nil
}

func addDelivery(tenant string, d Delivery) (db.AddDeliveryParams, error) {
	var packer parcel.Packer
	packed, err := packer.Pack(d.Parts)
	return db.AddDeliveryParams{
		Tenant: tenant, Source: d.Source, Scope: d.Scope, Options: d.Options, ReceivedAt: db.Time{Time: d.ReceivedAt},
		Names: packed.Names, Sizes: packed.Sizes, Body: packed.Body,
	}, err
}

// NextDelivery is the oldest delivery of a source and scope that nobody failed to
// take in. The error is ErrNotFound when there is none.
func (s *Store) NextDelivery(ctx context.Context, source, scope string) (Delivery, error) {
	var d Delivery
	err := s.query(ctx, "reading a delivery", func(q *db.Queries) error {
		row, err := q.NextDelivery(ctx, s.tenant, source, scope)
		if err = one(1, err, ErrNotFound); err != nil {
			return err
		}
		d, err = toDelivery(row)
		return err
	})
	return d, err
}

func toDelivery(r db.Delivery) (Delivery, error) {
	d := Delivery{ID: r.ID, Source: r.Source, Scope: r.Scope, Options: r.Options, ReceivedAt: r.ReceivedAt.Time}
	var err error
	d.Parts, err = parcel.Unpack(parcel.Packed{Names: r.Names, Sizes: r.Sizes, Body: r.Body}, r.ID)
	return d, err
}

// Bounds of what NextDeliveries gives at once.
type Bounds struct {
	Deliveries int // at most; at least 1
	Bytes      int // of their parts, at most, but for one that has more by itself
}

// NextDeliveries are the oldest deliveries of a source and scope that nobody
// failed to take in, in their order, as many as are to be read in the same way and
// are within the bounds. The error is ErrNotFound when there is none.
func (s *Store) NextDeliveries(ctx context.Context, source, scope string, most Bounds) ([]Delivery, error) {
	var out []Delivery
	err := s.query(ctx, "reading deliveries", func(q *db.Queries) error {
		rows, err := q.NextDeliveries(ctx, db.NextDeliveriesParams{Tenant: s.tenant, Source: source, Scope: scope, Most: int32(max(1, min(most.Deliveries, 1<<20)))})
		if err = one(int64(len(rows)), err, ErrNotFound); err != nil {
			return err
		}
		left := most.Bytes
		for i, r := range rows {
			size, whole := sizeOf(r)
			if i > 0 && (!whole || size > left || r.Options != rows[0].Options) {
				break // what is damaged fails when its turn comes
			}
			left -= size
			d, err := s.delivery(ctx, q, r.ID)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = ErrNotFound
	}
	return out, err
}

// sizeOf is how large a delivery is; not whole: nobody knows.
func sizeOf(r db.NextDeliveriesRow) (size int, whole bool) {
	size, err := parcel.Size(r.Sizes, r.ID)
	return size, err == nil
}

func (s *Store) delivery(ctx context.Context, q *db.Queries, id int64) (Delivery, error) {
	row, err := q.DeliveryByID(ctx, s.tenant, id)
	if err = one(1, err, ErrNotFound); err != nil {
		return Delivery{}, err
	}
	return toDelivery(row)
}

// Refuse says why a delivery cannot be taken in: it stays for a person to look
// at, and is not tried again.
func (s *Store) Refuse(ctx context.Context, id int64, why string) error {
	return s.save(ctx, fmt.Sprintf("refusing delivery %d", id), func(ctx context.Context, q *db.Queries) error {
		return q.TroubleDelivery(ctx, why, s.tenant, id)
	})
}

// Taking is Ingest for deliveries of one source and scope, which it deletes in the
// same transaction. The error is ErrTaken when somebody else was faster with one of
// them: each delivery counts once.
func (s *Store) Taking(ids ...int64) *Taking { return &Taking{store: s, ids: ids} }

// Taking takes deliveries in.
type Taking struct {
	store *Store
	ids   []int64
	only  []finding.Key
	some  bool
}

// Only says that the deliveries name no findings but these, by their keys or former
// keys, and that absence says nothing: then no others are read, however many the
// scope has.
func (t *Taking) Only(keys []finding.Key) *Taking {
	t.only, t.some = keys, true
	return t
}

// Ingest is Store.Ingest for the deliveries.
func (t *Taking) Ingest(ctx context.Context, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	return t.store.ingest(ctx, t, p, fill)
}

// Waiting lists the sources and scopes of which deliveries wait, without parts.
func (s *Store) Waiting(ctx context.Context) ([]Delivery, error) {
	var out []Delivery
	err := s.query(ctx, "listing the deliveries that wait", func(q *db.Queries) error {
		rows, err := q.DeliveryScopes(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, Delivery{Source: r.Source, Scope: r.Scope})
		}
		return err
	})
	return out, err
}

// Deliveries counts those that wait, and those that were refused.
func (s *Store) Deliveries(ctx context.Context) (waiting, refused int, err error) {
	err = s.query(ctx, "counting the deliveries", func(q *db.Queries) error {
		left, err := q.CountDeliveries(ctx, s.tenant)
		if err != nil {
			return err
		}
		bad, err := q.CountRefused(ctx, s.tenant)
		waiting, refused = int(left), int(bad)
		return err
	})
	return waiting, refused, err
}

// take takes the deliveries away.
func (t *Taking) take(ctx context.Context, tx db.DBTX) error {
	for some := range slices.Chunk(t.ids, db.MostListed) {
		args := []any{t.store.tenant}
		for _, id := range db.Padded(some) {
			args = append(args, id)
		}
		done, err := tx.ExecContext(ctx, "delete from deliveries where tenant = $1 and trouble = '' and id in ("+db.Parameters(2, len(args)-1)+")", args...)
		if err != nil {
			return err
		}
		if rows, err := done.RowsAffected(); err != nil || rows != int64(len(some)) {
			return cmp.Or(err, ErrTaken)
		}
	}
	return nil
}

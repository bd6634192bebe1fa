package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
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
type Part struct {
	Name string // for people
	Body []byte
}

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
	row := db.AddDeliveryParams{Tenant: tenant, Source: d.Source, Scope: d.Scope, Options: d.Options, ReceivedAt: db.Time{Time: d.ReceivedAt}}
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	names, sizes := make([]string, len(d.Parts)), make([]int, len(d.Parts))
	for i, p := range d.Parts {
		names[i], sizes[i] = p.Name, len(p.Body)
		_, _ = zip.Write(p.Body) // a buffer takes everything
	}
	_ = zip.Close()
	row.Body = body.Bytes()
	var err error
	if row.Names, err = db.Encode(names); err == nil {
		row.Sizes, err = db.Encode(sizes)
	}
	return row, err
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
	var names []string
	var sizes []int
	err := errors.Join(db.Decode(r.Names, &names, "names of delivery", r.ID), db.Decode(r.Sizes, &sizes, "sizes of delivery", r.ID))
	if err != nil || len(names) != len(sizes) {
		return d, errors.Join(err, fmt.Errorf("delivery %d in the database is damaged", r.ID))
	}
	zip, err := gzip.NewReader(bytes.NewReader(r.Body))
	for i := range names {
		if err != nil {
			break
		}
		body := make([]byte, sizes[i])
		_, err = io.ReadFull(zip, body)
		d.Parts = append(d.Parts, Part{Name: names[i], Body: body})
	}
	if err != nil {
		return d, fmt.Errorf("the body of delivery %d in the database cannot be read: %w", r.ID, err)
	}
	return d, nil
}

// Refuse says why a delivery cannot be taken in: it stays for a person to look
// at, and is not tried again.
func (s *Store) Refuse(ctx context.Context, id int64, why string) error {
	return s.save(ctx, fmt.Sprintf("refusing delivery %d", id), func(ctx context.Context, q *db.Queries) error {
		return q.TroubleDelivery(ctx, why, s.tenant, id)
	})
}

// Taking is Ingest for one delivery, which it deletes in the same transaction.
// The error is ErrTaken when somebody else was faster: each delivery counts once.
func (s *Store) Taking(id int64) *Taking { return &Taking{store: s, id: id} }

// Taking takes one delivery in.
type Taking struct {
	store *Store
	id    int64
}

// Ingest is Store.Ingest for the delivery.
func (t *Taking) Ingest(ctx context.Context, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	return t.store.ingest(ctx, t.id, p, fill)
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

// take takes the delivery away, if there is one to take.
func take(ctx context.Context, q *db.Queries, tenant string, id int64) error {
	if id == 0 {
		return nil
	}
	rows, err := q.TakeDelivery(ctx, tenant, id)
	return one(rows, err, ErrTaken)
}

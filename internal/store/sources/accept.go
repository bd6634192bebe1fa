package sources

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/parcel"
)

// Digest is what an event is known by.
type Digest [16]byte

// Event is one event of a delivery.
type Event struct {
	Digest Digest // the zero value: it is known by nothing, and never a repeat
	Text   []byte // as it is read later
}

// Delivery is what one request delivered. Its events are taken in in their order.
type Delivery struct {
	Source     int64  // its ID
	Name       string // of what was delivered, for people
	Events     []Event
	ReceivedAt time.Time
}

// Outcome is what became of a delivery.
type Outcome struct {
	ID       int64 // by which cxm knows the delivery; 0: there was nothing in it that was not known
	Repeated int   // events that were accepted before
	Gone     bool  // the source was removed or disabled: nothing was kept
}

// group is a group of deliveries on its way into the database.
type group struct {
	*Store
	in      []Delivery
	packer  *parcel.Packer
	enabled map[int64]db.EnabledSourcesRow
	out     []Outcome
}

// Accept stores deliveries in their order, with the jobs that take them in, in one
// transaction: all of them or none. Once it returns nothing of them can be lost. Of
// events that are the same the first counts. The outcomes are in the order of the
// deliveries.
func (s *Store) Accept(ctx context.Context, in []Delivery) ([]Outcome, error) {
	if s.delivered == nil {
		return nil, errors.New("accepting deliveries: this program has no queue: it needs one")
	}
	packer, _ := s.packers.Get().(*parcel.Packer)
	if packer == nil {
		packer = &parcel.Packer{}
	}
	defer s.packers.Put(packer)
	g := group{Store: s, in: in, packer: packer}
	err := s.db.Write(ctx, database.Change{
		Point: "events", Tenant: s.tenant,
		Do:   g.keep,
		Then: g.tell,
	})
	if err != nil {
		return nil, wrap("accepting deliveries", err)
	}
	return g.out, nil
}

// keep stores what is new of the deliveries.
func (g *group) keep(ctx context.Context, tx db.DBTX) error {
	q := db.New(tx)
	if err := g.look(ctx, q); err != nil {
		return err
	}
	fresh, err := g.remember(ctx, tx)
	if err != nil {
		return err
	}
	for i, d := range g.in {
		if g.out[i].Gone {
			continue
		}
		var body bytes.Buffer
		for _, e := range d.Events {
			known := mark{d.Source, e.Digest}
			if e.Digest != (Digest{}) && !fresh[known] {
				g.out[i].Repeated++
				continue
			}
			delete(fresh, known)
			body.Write(e.Text)
			body.WriteByte('\n')
		}
		if body.Len() == 0 {
			continue
		}
		if g.out[i].ID, err = g.add(ctx, q, d, body.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// look finds out which of the sources may deliver, whatever the caller believed.
func (g *group) look(ctx context.Context, q *db.Queries) error {
	rows, err := q.EnabledSources(ctx, g.tenant)
	g.enabled, g.out = map[int64]db.EnabledSourcesRow{}, make([]Outcome, len(g.in))
	for _, r := range rows {
		g.enabled[r.ID] = r
	}
	for i, d := range g.in {
		_, ok := g.enabled[d.Source]
		g.out[i].Gone = !ok
	}
	return err
}

func (g *group) add(ctx context.Context, q *db.Queries, d Delivery, body []byte) (int64, error) {
	packed, err := g.packer.Pack([]parcel.Part{{Name: d.Name, Body: body}})
	if err != nil {
		return 0, err
	}
	from := g.enabled[d.Source]
	return q.AddDelivery(ctx, db.AddDeliveryParams{
		Tenant: g.tenant, Source: from.Type, Scope: from.Scope, Options: from.Options, ReceivedAt: db.Time{Time: d.ReceivedAt},
		Names: packed.Names, Sizes: packed.Sizes, Body: packed.Body,
	})
}

// mark is an event of a source.
type mark struct {
	source int64
	digest Digest
}

// remember marks the events as accepted, and says which of them were not yet. All
// who write marks write them in one order, so that nobody waits in a circle.
func (g *group) remember(ctx context.Context, tx db.DBTX) (fresh map[mark]bool, err error) {
	var marks []mark
	seen := int64(0)
	for i, d := range g.in {
		seen = max(seen, d.ReceivedAt.Unix())
		for _, e := range d.Events {
			if e.Digest != (Digest{}) && !g.out[i].Gone {
				marks = append(marks, mark{d.Source, e.Digest})
			}
		}
	}
	slices.SortFunc(marks, mark.compare)
	fresh = make(map[mark]bool, len(marks))
	for some := range slices.Chunk(slices.Compact(marks), db.MostListed) {
		if err := g.write(ctx, tx, db.Padded(some), seen, fresh); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (m mark) compare(other mark) int {
	return cmp.Or(cmp.Compare(m.source, other.source), bytes.Compare(m.digest[:], other.digest[:]))
}

// write writes marks with one statement, and puts those that were not there into
// fresh.
func (g *group) write(ctx context.Context, tx db.DBTX, marks []mark, seen int64, fresh map[mark]bool) error {
	args := []any{g.tenant, seen}
	var values strings.Builder
	for i, m := range marks {
		if i > 0 {
			values.WriteByte(',')
		}
		values.WriteString("($1," + db.Parameters(len(args)+1, 2) + ",$2)")
		args = append(args, m.source, m.digest[:])
	}
	rows, err := tx.QueryContext(ctx, "insert into source_events (tenant, source_id, digest, seen) values "+values.String()+" on conflict do nothing returning source_id, digest", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m mark
		var digest []byte
		if err := rows.Scan(&m.source, &digest); err != nil {
			return err
		}
		copy(m.digest[:], digest)
		fresh[m] = true
	}
	return rows.Err()
}

// tell adds one job for each source of which something was stored.
func (g *group) tell(ctx context.Context, tx database.Tx) error {
	told := map[int64]bool{}
	for i, d := range g.in {
		if g.out[i].ID == 0 || told[d.Source] {
			continue
		}
		told[d.Source] = true
		if err := g.delivered(ctx, tx, g.tenant, g.enabled[d.Source].Type, g.enabled[d.Source].Scope); err != nil {
			return err
		}
	}
	return nil
}

// farFuture is later than any event, in seconds since 1970.
const farFuture = math.MaxInt64

// forgotten is how many marks are forgotten in one transaction.
const forgotten = 2000

// Forget forgets the events of a source that were accepted before, and the oldest
// of more than keep. It stops early when ctx ends.
func (s *Store) Forget(ctx context.Context, source int64, before time.Time, keep int64) error {
	from := before.Unix()
	if err := s.read(ctx, "counting events", func(q *db.Queries) error {
		seen, err := q.SourceEventsEnd(ctx, s.tenant, source, keep)
		if err == nil && seen > from {
			from = seen
		}
		return none(err)
	}); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = s.forget(ctx, source, from); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) forget(ctx context.Context, source, before int64) (more bool, err error) {
	err = s.write(ctx, "forgetting events", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.PurgeSourceEvents(ctx, db.PurgeSourceEventsParams{Tenant: s.tenant, SourceID: source, Before: before, Most: forgotten})
		more = rows == forgotten
		return err
	})
	return more, err
}

// Load is what waits to be taken in.
type Load struct {
	Deliveries int64
	Bytes      int64 // as they are stored
}

// Load says how much of the tenant waits.
func (s *Store) Load(ctx context.Context) (Load, error) {
	var out Load
	err := s.read(ctx, "counting what waits", func(q *db.Queries) error {
		row, err := q.LoadWaiting(ctx, s.tenant)
		out = Load{Deliveries: row.Deliveries, Bytes: row.Bytes}
		return err
	})
	return out, err
}

// Refused is a delivery that could not be taken in.
type Refused struct {
	ID         int64
	Type       string
	Scope      string
	ReceivedAt time.Time
	Why        string
}

// Refused lists the latest deliveries that could not be taken in.
func (s *Store) Refused(ctx context.Context, most int) ([]Refused, error) {
	var out []Refused
	err := s.read(ctx, "listing what was refused", func(q *db.Queries) error {
		rows, err := q.RefusedDeliveries(ctx, s.tenant, int32(max(1, min(most, 1<<20))))
		for _, r := range rows {
			out = append(out, Refused{ID: r.ID, Type: r.Source, Scope: r.Scope, ReceivedAt: r.ReceivedAt.Time, Why: r.Trouble})
		}
		return err
	})
	return out, err
}

// Discard forgets a delivery that could not be taken in. The error is ErrNoDelivery.
func (s *Store) Discard(ctx context.Context, id int64) error {
	return s.write(ctx, "forgetting a delivery", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.ForgetDelivery(ctx, s.tenant, id)
		if err == nil && rows == 0 {
			return ErrNoDelivery
		}
		return err
	})
}

package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

const page = 1000

// Verify checks the whole log as it is at one moment. known are heads that were
// kept elsewhere.
func (s *Store) Verify(ctx context.Context, keys audit.Keys, known ...audit.Known) (audit.Report, error) {
	var out audit.Report
	err := s.read(ctx, "checking the audit log", func(q *db.Queries) error {
		log, err := around(ctx, q, s.tenant)
		if err != nil {
			return err
		}
		log.Keys, log.Known = keys, known
		v := audit.NewVerifier(log)
		err = each(ctx, q, s.tenant, 0, func(l audit.Line) error {
			v.Line(l)
			return nil
		})
		out = v.End()
		return err
	})
	return out, err
}

// Span is a part of the log by time; what is zero has no bound.
type Span struct{ Since, Until time.Time }

func (p Span) has(at time.Time) bool {
	return (p.Since.IsZero() || !at.Before(p.Since)) && (p.Until.IsZero() || at.Before(p.Until))
}

// Export gives the log as it is at one moment to an exporter that begin makes.
func (s *Store) Export(ctx context.Context, keys audit.Keys, span Span, begin func(audit.Log) (audit.Exporter, error)) (audit.Head, error) {
	var h audit.Head
	err := s.read(ctx, "exporting the audit log", func(q *db.Queries) error {
		log, err := around(ctx, q, s.tenant)
		if err != nil {
			return err
		}
		log.Keys, log.Head.At = keys, s.clock().UTC()
		h = log.Head
		to, err := begin(log)
		if err != nil {
			return err
		}
		err = each(ctx, q, s.tenant, 0, func(l audit.Line) error {
			if !span.has(l.At) {
				return nil
			}
			return to.Line(l)
		})
		if err != nil {
			return err
		}
		return to.End(h)
	})
	return h, err
}

// each reads the lines behind a sequence, in their order. A row that cannot be
// read becomes a line that no check takes for sound.
func each(ctx context.Context, q *db.Queries, tenant string, after int64, f func(audit.Line) error) error {
	size := int32(page)
	for {
		rows, err := q.AuditLinesAfter(ctx, tenant, after, size)
		switch {
		case err == nil:
		case size > 1 && ctx.Err() == nil:
			size = 1
			continue
		case ctx.Err() == nil && isDamage(err):
			after++
			if err := f(audit.Line{Tenant: tenant, Sequence: after, Before: "damaged"}); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		for _, r := range rows {
			if err := f(toLine(r)); err != nil {
				return err
			}
			after = r.Sequence
		}
		if len(rows) < int(size) {
			return nil
		}
	}
}

// isDamage says that a row holds what cxm never writes there.
func isDamage(err error) bool {
	var broken *db.MisreadError
	return errors.As(err, &broken)
}

func head(ctx context.Context, q *db.Queries, tenant string) (audit.Head, error) {
	r, err := q.AuditHead(ctx, tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Head{Tenant: tenant}, nil
	}
	h := audit.Head{Tenant: tenant, Sequence: r.Sequence, Anchored: r.Anchored}
	if err == nil {
		h.Hash, _ = audit.ParseHash(r.Hash) // what is none is not the last line's either
	}
	return h, err
}

// around is all of the log but its lines and keys.
func around(ctx context.Context, q *db.Queries, tenant string) (audit.Log, error) {
	log := audit.Log{Tenant: tenant}
	var err error
	if log.Head, err = head(ctx, q, tenant); err != nil {
		return log, err
	}
	anchors, err := q.AuditAnchors(ctx, tenant)
	for _, r := range anchors {
		a := audit.Anchor{Tenant: r.Tenant, Sequence: r.Sequence, Previous: r.Previous, At: r.At.Time, Key: r.KeyID, Signature: r.Signature}
		a.Hash, _ = audit.ParseHash(r.Hash) // no signature is over what is none
		log.Anchors = append(log.Anchors, a)
	}
	if err != nil {
		return log, fmt.Errorf("reading its anchors: %w", err)
	}
	seals, err := q.AuditSeals(ctx, tenant)
	for _, r := range seals {
		log.Seals = append(log.Seals, toSeal(r))
	}
	if err != nil {
		return log, fmt.Errorf("reading its seals: %w", err)
	}
	return log, nil
}

func toSeal(r db.AuditSeal) audit.Seal {
	s := audit.Seal{
		Tenant: r.Tenant, From: r.FromSequence, To: r.ToSequence, FirstAt: r.FirstAt.Time, LastAt: r.LastAt.Time, At: r.At.Time,
		Key: r.KeyID, Signature: r.Signature,
	}
	s.First, _ = audit.ParseHash(r.FirstHash)
	s.Last, _ = audit.ParseHash(r.LastHash)
	return s
}

// FaultyError says that lines are not removed, since the log is not as it was
// written.
type FaultyError struct{ Report audit.Report }

// Error names the first fault.
func (e *FaultyError) Error() string {
	return fmt.Sprintf("nothing is removed from an audit log that is not as it was written (%s): run `cxm audit verify` to see all of it", e.Report.Faults[0].Text)
}

// Pruned is what retention removed.
type Pruned struct {
	Lines int64      `json:"lines"`
	Seal  audit.Seal `json:"-"`
}

// Plan says what Prune would remove: the lines from the first on that are older
// than before. A Count of 0: none.
func (s *Store) Plan(ctx context.Context, before time.Time) (audit.Seal, error) {
	var out audit.Seal
	err := s.read(ctx, "looking for old lines of the audit log", func(q *db.Queries) error {
		var err error
		out, err = s.old(ctx, q, before)
		return err
	})
	return out, err
}

// errEnough ends the reading of lines.
var errEnough = errors.New("enough")

// old is the seal, not signed yet, over the lines that are older.
func (s *Store) old(ctx context.Context, q *db.Queries, before time.Time) (audit.Seal, error) {
	seal := audit.Seal{Tenant: s.tenant, From: 1}
	err := each(ctx, q, s.tenant, 0, func(l audit.Line) error {
		if !l.At.Before(before) {
			return errEnough
		}
		if seal.To == 0 {
			seal.From, seal.First, seal.FirstAt = l.Sequence, l.Hash, l.At
		}
		seal.To, seal.Last, seal.LastAt = l.Sequence, l.Hash, l.At
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return seal, err
	}
	return seal, nil
}

// Prune removes the lines from the first on that are older than before, and leaves
// a signed seal from which the chain goes on. The last line stays. The error is
// *FaultyError when the log is not as it was written.
func (s *Store) Prune(ctx context.Context, before time.Time, why string, keys audit.Keys, signer *audit.Signer, known ...audit.Known) (Pruned, error) {
	report, err := s.Verify(ctx, keys, known...)
	if err != nil {
		return Pruned{}, err
	}
	if len(report.Faults) > 0 {
		return Pruned{}, &FaultyError{report}
	}
	var done Pruned
	change := database.Change{Point: "audit pruned", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		var err error
		done, err = s.prune(ctx, db.New(tx), before, why, signer)
		return err
	}}
	return done, wrap("removing old lines of the audit log", s.base.WriteAlone(ctx, change))
}

func (s *Store) prune(ctx context.Context, q *db.Queries, before time.Time, why string, signer *audit.Signer) (Pruned, error) {
	seal, err := s.old(ctx, q, before)
	if err != nil || seal.To == 0 {
		return Pruned{}, err
	}
	seal.At = s.clock().UTC()
	seal = signer.Seal(seal)
	err = q.AddAuditSeal(ctx, db.AddAuditSealParams{
		Tenant: s.tenant, FromSequence: seal.From, ToSequence: seal.To, FirstHash: seal.First.String(), LastHash: seal.Last.String(),
		FirstAt: db.Time{Time: seal.FirstAt}, LastAt: db.Time{Time: seal.LastAt}, At: db.Time{Time: seal.At}, KeyID: seal.Key, Signature: seal.Signature,
	})
	if err != nil {
		return Pruned{}, err
	}
	n, err := q.DropAuditLines(ctx, s.tenant, seal.To)
	if err == nil {
		err = q.DropAuditAnchors(ctx, s.tenant, seal.To)
	}
	if err != nil {
		return Pruned{}, err
	}
	return Pruned{Lines: n, Seal: seal}, audit.Note(ctx, audit.Line{
		Action: "audit.pruned", Object: audit.Object{Kind: "audit log"}, Why: why,
		After: audit.Of(audit.Values{"from": seal.From, "to": seal.To, "lines": n, "last_hash": seal.Last.String(), "before": before}),
	})
}

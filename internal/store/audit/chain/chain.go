// Package chain adds lines to the audit log within the transaction of the change
// that they describe.
//
// What always holds: lines of one tenant follow each other without a gap, however
// many transactions add some at once; the row of the head is the last that a
// transaction takes, so that nobody who holds it waits for anybody; every
// audit.Every lines the last one is signed, where there is a key to sign with.
package chain

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/db"
)

// Append adds lines at the end of the tenant's log. It must be the last that the
// transaction of tx does. signer is nil where there is no key; at is when lines
// were written that do not say so.
func Append(ctx context.Context, tx db.DBTX, tenant string, lines []audit.Line, signer *audit.Signer, at time.Time) error {
	if len(lines) == 0 {
		return nil
	}
	q := db.New(tx)
	last, err := Take(ctx, q, tenant)
	if err != nil {
		return err
	}
	for i := range lines {
		if lines[i].At.IsZero() {
			lines[i].At = at
		}
	}
	head, err := audit.Chain(last, lines)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if err := q.AddAuditLine(ctx, row(l)); err != nil {
			return fmt.Errorf("adding a line to the audit log: %w", err)
		}
	}
	if signer != nil && head.Sequence/audit.Every > last.Sequence/audit.Every {
		if err := Anchor(ctx, q, signer, &head, at); err != nil {
			return err
		}
	}
	return Save(ctx, q, head)
}

// Take is the head of a tenant's log, which nobody else moves until the
// transaction ends.
func Take(ctx context.Context, q *db.Queries, tenant string) (audit.Head, error) {
	r, err := q.TakeAuditHead(ctx, tenant)
	if err != nil {
		return audit.Head{}, fmt.Errorf("taking the end of the audit log: %w", err)
	}
	hash, err := audit.ParseHash(r.Hash)
	return audit.Head{Tenant: tenant, Sequence: r.Sequence, Hash: hash, Anchored: r.Anchored}, err
}

// Save moves the head that was taken.
func Save(ctx context.Context, q *db.Queries, h audit.Head) error {
	err := q.SaveAuditHead(ctx, db.SaveAuditHeadParams{Tenant: h.Tenant, Sequence: h.Sequence, Hash: h.Hash.String(), Anchored: h.Anchored})
	if err != nil {
		return fmt.Errorf("moving the end of the audit log: %w", err)
	}
	return nil
}

// Anchor signs the head, which is to be saved afterwards.
func Anchor(ctx context.Context, q *db.Queries, signer *audit.Signer, h *audit.Head, at time.Time) error {
	a := signer.Anchor(*h, at)
	err := q.AddAuditAnchor(ctx, db.AddAuditAnchorParams{
		Tenant: a.Tenant, Sequence: a.Sequence, Previous: a.Previous, Hash: a.Hash.String(), At: db.Time{Time: a.At}, KeyID: a.Key, Signature: a.Signature,
	})
	if err != nil {
		return fmt.Errorf("signing the audit log: %w", err)
	}
	h.Anchored = a.Sequence
	return nil
}

func row(l audit.Line) db.AddAuditLineParams {
	return db.AddAuditLineParams{
		Tenant: l.Tenant, Sequence: l.Sequence, At: db.Time{Time: l.At}, ActorKind: string(l.Actor.Kind), ActorName: l.Actor.Name,
		Action: l.Action, ObjectKind: l.Object.Kind, ObjectID: l.Object.ID, ObjectName: l.Object.Name,
		FactsBefore: string(l.Before), FactsAfter: string(l.After), Why: l.Why, RunID: l.Run, RequestID: l.Request,
		PreviousHash: l.Previous.String(), Hash: l.Hash.String(),
	}
}

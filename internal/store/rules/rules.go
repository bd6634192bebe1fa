// Package rules keeps the rules: every revision with who made it and when, which
// one is in force, and how far the findings are assigned under it.
//
// What always holds: every row and every query carries the tenant; a revision is
// added, never changed; of two who apply at once one is told so; while findings
// are being assigned nothing is decided about any group (store.Intend), and when
// it is done each finding is in exactly the groups that the rules say, and no
// issue's row was lost or doubled.
package rules

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/regroup"
)

// Store is one tenant's rules.
type Store struct {
	base   *database.DB
	tenant string
	clock  func() time.Time
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string, clock func() time.Time) *Store {
	return &Store{base: base, tenant: tenant, clock: clock}
}

// Revision is the rules as they were at one time.
type Revision struct {
	Number int64 // from 1; 0: none was ever applied, and the built-in rules hold
	Text   string
	Digest string // SHA-256 of Text, in hex digits
	Author string
	Note   string
	At     time.Time
	Of     int64 // the revision whose text it is again; 0: none
}

// Change is what somebody wants to have in force.
type Change struct {
	Text     string
	Author   string
	Note     string
	Expected int64 // the revision that it was made from; 0: there is none yet
}

// OvertakenError says that somebody applied other rules meanwhile.
type OvertakenError struct {
	Expected int64
	Now      Revision
}

// Error says who did, and what to do.
func (e *OvertakenError) Error() string {
	if e.Now.Number == 0 {
		return fmt.Sprintf("this was made from revision %d of the rules, and there is none: look at `cxm rules history`, then apply again", e.Expected)
	}
	return fmt.Sprintf("this was made from revision %d of the rules, and by now revision %d of %s is in force, which %s applied: look at what that changed (`cxm rules history`), then apply again",
		e.Expected, e.Now.Number, e.Now.At.UTC().Format("2006-01-02 15:04"), e.Now.Author)
}

// Current is the revision in force. Number 0: none was ever applied.
func (s *Store) Current(ctx context.Context) (Revision, error) {
	var r Revision
	err := s.read(ctx, "reading the rules in force", func(q *db.Queries) error {
		var err error
		r, err = s.current(ctx, q)
		return err
	})
	return r, err
}

func (s *Store) current(ctx context.Context, q *db.Queries) (Revision, error) {
	row, err := q.LastRevision(ctx, s.tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return Revision{}, nil
	}
	return toRevision(row), err
}

// Revision is one revision. The error is db.ErrNotFound.
func (s *Store) Revision(ctx context.Context, number int64) (Revision, error) {
	var r Revision
	err := s.read(ctx, fmt.Sprintf("reading revision %d of the rules", number), func(q *db.Queries) error {
		var err error
		r, err = s.numbered(ctx, q, number)
		return err
	})
	return r, err
}

func (s *Store) numbered(ctx context.Context, q *db.Queries, number int64) (Revision, error) {
	row, err := q.RevisionNumbered(ctx, s.tenant, number)
	if errors.Is(err, sql.ErrNoRows) {
		return Revision{}, fmt.Errorf("%w: `cxm rules history` lists the revisions", db.ErrNotFound)
	}
	return toRevision(row), err
}

func toRevision(r db.RuleRevision) Revision {
	return Revision{Number: r.Revision, Text: r.Text, Digest: r.Digest, Author: r.Author, Note: r.Note, At: r.MadeAt.Time, Of: r.Restores}
}

// History lists the last revisions without their texts, the latest first.
func (s *Store) History(ctx context.Context, most int) ([]Revision, error) {
	var out []Revision
	err := s.read(ctx, "reading the history of the rules", func(q *db.Queries) error {
		rows, err := q.Revisions(ctx, s.tenant, int32(min(most, 1<<30)))
		for _, r := range rows {
			out = append(out, Revision{Number: r.Revision, Digest: r.Digest, Author: r.Author, Note: r.Note, At: r.MadeAt.Time, Of: r.Restores})
		}
		return err
	})
	return out, err
}

// Apply puts rules in force and returns their revision: the one in force when it
// says the same. From then on all findings are to be assigned anew (Reassign).
// The error is *OvertakenError when another revision is in force than the change
// was made from.
func (s *Store) Apply(ctx context.Context, c Change) (Revision, error) {
	return s.apply(ctx, func(context.Context, *db.Queries) (Revision, error) {
		return Revision{Text: c.Text, Author: c.Author, Note: c.Note}, nil
	}, c.Expected)
}

// Rollback puts the text of an earlier revision in force again, as a new one;
// c.Text is not used. The errors are those of Apply, and db.ErrNotFound.
func (s *Store) Rollback(ctx context.Context, number int64, c Change) (Revision, error) {
	return s.apply(ctx, func(ctx context.Context, q *db.Queries) (Revision, error) {
		old, err := s.numbered(ctx, q, number)
		return Revision{Text: old.Text, Author: c.Author, Note: c.Note, Of: number}, err
	}, c.Expected)
}

func (s *Store) apply(ctx context.Context, wanted func(context.Context, *db.Queries) (Revision, error), expected int64) (Revision, error) {
	var r Revision
	err := s.write(ctx, "rules", "applying the rules", func(ctx context.Context, q *db.Queries) error {
		if err := regroup.Turn(ctx, q, s.tenant); err != nil {
			return err
		}
		now, err := s.current(ctx, q)
		if err != nil {
			return err
		}
		if r, err = wanted(ctx, q); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(r.Text))
		r.Digest = hex.EncodeToString(sum[:])
		switch {
		case now.Number != 0 && now.Digest == r.Digest:
			r = now
			audit.Quiet(ctx)
			return nil
		case now.Number != expected:
			return &OvertakenError{Expected: expected, Now: now}
		}
		r.Number, r.At = now.Number+1, s.clock().UTC().Truncate(time.Microsecond)
		if err := noteRules(ctx, now, r); err != nil {
			return err
		}
		return s.add(ctx, q, r)
	})
	if err != nil {
		return Revision{}, err
	}
	return r, nil
}

// noteRules adds a change of the rules to the audit log.
func noteRules(ctx context.Context, before, r Revision) error {
	line := audit.Line{
		Action: "rules.applied", Object: audit.Object{Kind: "rules", ID: strconv.FormatInt(r.Number, 10), Name: fmt.Sprintf("revision %d", r.Number)}, Why: r.Note,
		After: audit.Of(audit.Values{"revision": r.Number, "sha256": r.Digest, "author": r.Author}),
	}
	if before.Number != 0 {
		line.Before = audit.Of(audit.Values{"revision": before.Number, "sha256": before.Digest, "author": before.Author})
	}
	if r.Of != 0 {
		line.Action = "rules.rolled_back"
		line.After = audit.Of(audit.Values{"revision": r.Number, "sha256": r.Digest, "author": r.Author, "text_of_revision": r.Of})
	}
	return audit.Note(ctx, line)
}

// add keeps a revision, and begins to assign findings under it.
func (s *Store) add(ctx context.Context, q *db.Queries, r Revision) error {
	err := q.AddRevision(ctx, db.AddRevisionParams{
		Tenant: s.tenant, Revision: r.Number, Text: r.Text, Digest: r.Digest, Author: r.Author, Note: r.Note,
		MadeAt: db.Time{Time: r.At}, Restores: r.Of,
	})
	if err != nil {
		return err
	}
	if err := q.TouchAll(ctx, s.tenant); err != nil { // what a rule says of looks and budgets changes issues of findings that stay
		return err
	}
	return regroup.State{Revision: r.Number, Stage: regroup.Assign}.Save(ctx, q, s.tenant)
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

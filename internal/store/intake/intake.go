// Package intake writes one pull of findings within a transaction.
//
// What always holds: two pulls of one tenant never wait for each other in a
// circle where several may write at once. From the first write on they take
// turns (begin); rows of groups that are there already are held only at the end,
// in the order of their keys, as everyone holds them; and groups that are new are
// seen by nobody else before the pull is whole.
package intake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/regroup"
)

// Intake is one open pull.
type Intake struct {
	tenant string
	scope  int64
	at     time.Time // when the pull was received
	tx     db.DBTX
	q      *db.Queries
	roll   *finding.Roll

	puts    map[finding.Key]placed // that wait to be written
	size    int                    // bytes of what waits
	move    *regroup.Mover
	state   regroup.State // of the rules, while it writes
	behind  int64         // the first finding that was put under other rules; 0: none
	writing bool
	some    bool // only these are read
	only    []finding.Key
	holders map[int64]holder // of scopes, by id
}

// Open begins a pull of p.Source and p.Scope within a transaction. Until that
// ends, no other pull of the scope begins.
func Open(ctx context.Context, tx db.DBTX, tenant string, p finding.Pull) (*Intake, error) {
	q := db.New(tx)
	scope, err := q.EnterScope(ctx, tenant, p.Source, p.Scope)
	if err != nil {
		return nil, err
	}
	return &Intake{
		tenant: tenant, scope: scope, at: p.ReceivedAt, tx: tx, q: q, roll: finding.NewRoll(),
		puts: map[finding.Key]placed{}, move: regroup.New(q, tenant), holders: map[int64]holder{},
	}, nil
}

// Doors is what the source's reader is given to compare with, and to write by.
func (in *Intake) Doors(ctx context.Context) (rule.Intake, error) {
	accounts, err := in.read(ctx)
	return rule.Intake{
		Known: in.roll, Accounts: accounts,
		Put:   func(p rule.Placed) error { return in.put(ctx, p) },
		Miss:  func(key finding.Key, s finding.Sighting) error { return in.miss(ctx, key, s) },
		Rekey: func(former, key finding.Key) (bool, error) { return in.rekey(ctx, former, key) },
	}, err
}

// Sightings is not among the queries of sqlc, which gathers all rows before it
// hands out the first: this is the one query whose rows are as many as a scope
// has findings, in every pull. Since is left out, as a pull that changes nothing
// has no use for it.
const Sightings = `select finding_key, digest, detection, absences, account from findings where tenant = $1 and scope_id = $2`

// Only says that the pull names these findings alone, and that absence from it says
// nothing: others are not read. Before Doors.
func (in *Intake) Only(keys []finding.Key) { in.some, in.only = true, keys }

// read fills the roll with what the pull is compared with.
func (in *Intake) read(ctx context.Context) (accounts map[string]bool, err error) {
	accounts = map[string]bool{}
	if !in.some {
		return accounts, in.remember(ctx, accounts, Sightings, in.tenant, in.scope)
	}
	for keys := range slices.Chunk(in.only, db.MostListed) {
		args := []any{in.tenant, in.scope}
		for _, key := range db.Padded(keys) {
			args = append(args, string(key))
		}
		if err := in.remember(ctx, accounts, Sightings+" and finding_key in ("+db.Parameters(3, len(args)-2)+")", args...); err != nil {
			return accounts, err
		}
	}
	return accounts, nil
}

// remember puts the findings of a statement on the roll, and lists the accounts of
// those that are present.
func (in *Intake) remember(ctx context.Context, accounts map[string]bool, statement string, args ...any) error {
	rows, err := in.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var key, digest, detection, account string
	for rows.Next() {
		var s finding.Sighting
		if err := rows.Scan(&key, &digest, &detection, &s.Absences, &account); err != nil {
			return err
		}
		s.Detection = finding.Detection(detection)
		if s.Digest, err = finding.ParseDigest(digest); err == nil {
			err = in.roll.Remember(finding.Key(key), s)
		}
		if err != nil {
			return fmt.Errorf("finding %.80s in the database: %w", key, err)
		}
		if s.Detection == finding.Present && !accounts[account] {
			accounts[account] = true
		}
	}
	return rows.Err()
}

// settle tells the groups that they changed, and what becomes of the issues of
// those that findings left. Findings that were read under other rules than are in
// force now are to be assigned anew.
func (in *Intake) settle(ctx context.Context) error {
	if !in.writing {
		return nil
	}
	state := in.state
	if in.behind != 0 {
		state = state.Behind(in.behind)
	}
	state, err := in.move.Settle(ctx, state)
	if err == nil && state != in.state {
		err = state.Save(ctx, in.q, in.tenant)
	}
	if err != nil {
		return err
	}
	return in.move.Mark(ctx, in.at)
}

// Close writes what still waits, and the pull itself, which comes back with its
// ID.
func (in *Intake) Close(ctx context.Context, p finding.Pull) (finding.Pull, error) {
	if err := in.flush(ctx); err != nil {
		return p, err
	}
	if err := in.settle(ctx); err != nil {
		return p, err
	}
	reasons, err := db.Encode(p.Reasons)
	if err != nil {
		return p, err
	}
	files, err := db.Encode(p.Files)
	if err != nil {
		return p, err
	}
	p.ID, err = in.q.AddPull(ctx, db.AddPullParams{
		Tenant: in.tenant, ScopeID: in.scope, ReceivedAt: db.Time{Time: p.ReceivedAt}, Complete: p.Complete,
		Reasons: reasons, Files: files, Added: int64(p.New), Changed: int64(p.Changed), Unchanged: int64(p.Unchanged),
		Absent: int64(p.Absent), Missing: int64(p.Missing), Skipped: int64(p.Skipped),
	})
	return p, err
}

package tokens

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Care is how an integration's token is looked after.
type Care struct {
	Every     time.Duration // after which it is rotated; 0: only before it expires
	CheckedAt time.Time     // when it was last looked at; zero: never
	RetryAt   time.Time     // no rotation before then
	Trouble   string        // of the last look or rotation, for people; empty: none
	Flagged   string        // what the finding about its expiry said last; empty: there is none
}

const dayLong = 24 * time.Hour

// Care is what is kept; where nothing is, the default.
func (s *Store) Care(ctx context.Context, integration int64) (Care, error) {
	c := Care{Every: credential.Every}
	err := s.read(ctx, "reading how the token is looked after", func(q *db.Queries) error {
		r, err := q.TokenCare(ctx, s.tenant, integration)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			c = Care{Every: time.Duration(r.RotateDays) * dayLong, CheckedAt: r.CheckedAt.Time, RetryAt: r.RetryAt.Time, Trouble: r.Trouble, Flagged: r.Flagged}
		}
		return err
	})
	return c, err
}

// care changes one part of it, made first where there is none.
func (s *Store) care(ctx context.Context, integration int64, f func(context.Context, *db.Queries) (int64, error)) error {
	return s.write(ctx, "token care", "keeping how the token is looked after", func(ctx context.Context, q *db.Queries) error {
		if err := q.AddTokenCare(ctx, s.tenant, integration, int64(credential.Every/dayLong)); err != nil {
			return err
		}
		rows, err := f(ctx, q)
		return absent(rows, err, db.ErrNotFound)
	})
}

// Schedule sets after how many days the token is rotated.
func (s *Store) Schedule(ctx context.Context, integration int64, days int) error {
	return s.care(ctx, integration, func(ctx context.Context, q *db.Queries) (int64, error) {
		before, err := q.TokenCare(ctx, s.tenant, integration)
		if err == nil {
			err = audit.Note(ctx, audit.Line{
				Action: "token.rotation.scheduled", Object: audit.Object{Kind: "integration", ID: strconv.FormatInt(integration, 10)},
				Before: audit.Of(audit.Values{"every_days": before.RotateDays}), After: audit.Of(audit.Values{"every_days": days}),
			})
		}
		if err != nil {
			return 0, err
		}
		return q.ScheduleRotation(ctx, int64(days), s.tenant, integration)
	})
}

// Checked keeps that the token was looked at, and when a rotation may be tried
// again after trouble.
func (s *Store) Checked(ctx context.Context, integration int64, at, retry time.Time, trouble string) error {
	return s.care(ctx, integration, func(ctx context.Context, q *db.Queries) (int64, error) {
		return q.TokenChecked(ctx, db.TokenCheckedParams{
			Tenant: s.tenant, IntegrationID: integration, CheckedAt: db.Time{Time: at}, RetryAt: db.Time{Time: retry}, Trouble: trouble,
		})
	})
}

// Flag keeps what the finding about the token's expiry said last.
func (s *Store) Flag(ctx context.Context, integration int64, text string) error {
	return s.care(ctx, integration, func(ctx context.Context, q *db.Queries) (int64, error) {
		return q.FlagToken(ctx, text, s.tenant, integration)
	})
}

// Keyset is the keys that seal, sealed themselves.
type Keyset struct {
	Sealed  []byte
	Key     uint32 // which of them seals
	Version int64
}

// Keyset is what is stored. The error is db.ErrNotFound (store.ErrNotFound) when nothing is.
func (s *Store) Keyset(ctx context.Context) (Keyset, error) {
	var k Keyset
	err := s.read(ctx, "reading the keys", func(q *db.Queries) error {
		r, err := q.Keyset(ctx, s.tenant)
		k = Keyset{Sealed: r.Sealed, Key: uint32(r.KeyID), Version: r.Version}
		return absent(1, err, db.ErrNotFound)
	})
	return k, err
}

// Empty says that nothing is kept sealed, so that the keys may be any.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	n := 0
	err := s.read(ctx, "looking for what is sealed", func(q *db.Queries) error {
		tokens, err := q.SealedTokens(ctx, s.tenant)
		if err != nil {
			return err
		}
		hooks, err := q.SealedHooks(ctx, s.tenant)
		n = len(tokens) + len(hooks)
		return err
	})
	return err == nil && n == 0, err
}

// AddKeyset stores the first keyset. Where another process was faster, theirs
// stays: read it again.
func (s *Store) AddKeyset(ctx context.Context, k Keyset, now time.Time) error {
	return s.write(ctx, "keyset", "storing the keys", func(ctx context.Context, q *db.Queries) error {
		if err := noteKeys(ctx, "keys.made", k); err != nil {
			return err
		}
		return q.AddKeyset(ctx, db.AddKeysetParams{Tenant: s.tenant, Sealed: k.Sealed, KeyID: int64(k.Key), ChangedAt: db.Time{Time: now}})
	})
}

// SaveKeyset stores a keyset in the place of the one with its version. From then
// on nothing is stored that an earlier key sealed. The error is ErrStale.
func (s *Store) SaveKeyset(ctx context.Context, k Keyset, now time.Time) error {
	return s.write(ctx, "keyset", "storing the keys", func(ctx context.Context, q *db.Queries) error {
		return saveKeyset(ctx, q, s.tenant, k, now)
	})
}

// noteKeys adds to the audit log that the keys which seal are others by now.
func noteKeys(ctx context.Context, action string, k Keyset) error {
	return audit.Note(ctx, audit.Line{Action: action, Object: audit.Object{Kind: "keys"}, After: audit.Of(audit.Values{"sealing_key": int64(k.Key)})})
}

func saveKeyset(ctx context.Context, q *db.Queries, tenant string, k Keyset, now time.Time) error {
	if err := noteKeys(ctx, "keys.changed", k); err != nil {
		return err
	}
	rows, err := q.SaveKeyset(ctx, db.SaveKeysetParams{Tenant: tenant, Sealed: k.Sealed, KeyID: int64(k.Key), ChangedAt: db.Time{Time: now}, Version: k.Version})
	return absent(rows, err, ErrStale)
}

// Sealing seals again what is kept sealed, with the key that seals from now on.
type Sealing struct {
	Token func(integration int64, sealed []byte) ([]byte, error)
	Hook  func(endpoint string, sealed []byte) ([]byte, error)
	Audit func(key string, sealed []byte) ([]byte, error) // the keys that sign the audit log
}

// Reseal stores the keyset in the place of the one with its version and seals
// everything of the tenant again: all in one transaction, or nothing. It says how
// many values that were. The error is ErrStale when the keyset has changed.
func (s *Store) Reseal(ctx context.Context, k Keyset, seal Sealing, now time.Time) (int, error) {
	n := 0
	err := s.db.WriteAlone(ctx, database.Change{Point: "reseal", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		q := db.New(tx)
		if err := saveKeyset(ctx, q, s.tenant, k, now); err != nil { // first: it keeps others from storing meanwhile
			return err
		}
		tokens, err := resealTokens(ctx, q, s.tenant, seal.Token)
		if err != nil {
			return err
		}
		hooks, err := resealHooks(ctx, q, s.tenant, seal.Hook)
		if err != nil {
			return err
		}
		if err := resealAudit(ctx, q, s.tenant, seal.Audit); err != nil {
			return err
		}
		n = tokens + hooks
		return q.DropEarlierCredentials(ctx, s.tenant)
	}})
	return n, wrap("sealing everything again", err)
}

func resealTokens(ctx context.Context, q *db.Queries, tenant string, seal func(int64, []byte) ([]byte, error)) (int, error) {
	rows, err := q.SealedTokens(ctx, tenant)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		sealed, err := seal(r.IntegrationID, r.Sealed)
		if err != nil {
			return 0, err
		}
		if _, err := q.ResealToken(ctx, sealed, tenant, r.ID); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// resealAudit seals the keys that sign the audit log again. One that cannot be
// opened any more has signed what it had to sign.
func resealAudit(ctx context.Context, q *db.Queries, tenant string, seal func(string, []byte) ([]byte, error)) error {
	rows, err := q.AuditKeys(ctx, tenant)
	if err != nil {
		return err
	}
	for _, r := range rows {
		sealed, err := seal(r.KeyID, r.Sealed)
		if errors.Is(err, credential.ErrSealed) {
			continue
		}
		if err == nil {
			_, err = q.ResealAuditKey(ctx, sealed, tenant, r.KeyID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func resealHooks(ctx context.Context, q *db.Queries, tenant string, seal func(string, []byte) ([]byte, error)) (int, error) {
	rows, err := q.SealedHooks(ctx, tenant)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		sealed, err := seal(r.Endpoint, r.Sealed)
		if err != nil {
			return 0, err
		}
		if _, err := q.ResealHook(ctx, sealed, tenant, r.ID); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// Package reviews keeps who acts for cxm in GitLab: the service accounts that cxm
// set up, who looks after them, and who looked when at what they can reach.
//
// What always holds: every row and every query carries the tenant; a service
// account is written down before GitLab is asked for it; a review is added, never
// changed; no token is here.
package reviews

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cxm/internal/audit"
	"cxm/internal/integration/access"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is one tenant's part.
type Store struct {
	base   *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string) *Store { return &Store{base: base, tenant: tenant} }

// Bootstrap is a service account that cxm set up, or sets up.
type Bootstrap struct {
	URL         string // of the instance
	Username    string
	Nonce       string // in the name of the token that is made; a token with it that no integration holds was lost on its way
	Account     int64  // GitLab's id; 0: GitLab has not answered yet
	Integration int64  // 0: not connected yet
	BegunAt     time.Time
	EndedAt     time.Time // when it was connected; zero: it has not come so far
}

// Review is what somebody looked at.
type Review struct {
	ID          int64
	Integration int64
	At          time.Time
	By          string
	Note        string
	Reach       access.Reach
	Remarks     []access.Remark
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) save(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
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

// Begin writes down that a service account, or a token for it, is about to be
// made, and returns what is known of it: of two that begin at once both get the
// same. What was carried through before begins with another nonce, since tokens
// that are rotated keep their names.
func (s *Store) Begin(ctx context.Context, url, username string, now time.Time) (Bootstrap, error) {
	var b Bootstrap
	nonce := strings.ToLower(rand.Text()[:10])
	err := s.save(ctx, "bootstrap", "writing down which service account is set up", func(ctx context.Context, q *db.Queries) error {
		err := q.BeginBootstrap(ctx, db.BeginBootstrapParams{
			Tenant: s.tenant, URL: url, Username: fold(username), Nonce: nonce, BegunAt: db.Time{Time: now},
		})
		if err != nil {
			return err
		}
		r, err := q.Bootstrap(ctx, s.tenant, url, fold(username))
		if err != nil {
			return err
		}
		b = toBootstrap(r)
		return noteAccount(ctx, "account.setup.begun", b)
	})
	return b, err
}

// noteAccount adds to the audit log how far the setting up of a service account
// in GitLab has come.
func noteAccount(ctx context.Context, action string, b Bootstrap) error {
	after := audit.Values{"url": b.URL}
	if b.Account != 0 {
		after["account_id"] = b.Account
	}
	if b.Integration != 0 {
		after["integration"] = b.Integration
	}
	return audit.Note(ctx, audit.Line{Action: action, Object: audit.Object{Kind: "account", ID: b.Username, Name: b.Username}, After: audit.Of(after)})
}

// Bootstrap is what is known of a service account; the zero one: nothing.
func (s *Store) Bootstrap(ctx context.Context, url, username string) (Bootstrap, error) {
	var b Bootstrap
	err := s.read(ctx, "reading which service account was set up", func(q *db.Queries) error {
		r, err := q.Bootstrap(ctx, s.tenant, url, fold(username))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		b = toBootstrap(r)
		return err
	})
	return b, err
}

// Save stores how far the setting up of a service account has come.
func (s *Store) Save(ctx context.Context, b Bootstrap) error {
	return s.save(ctx, "bootstrapped", "writing down what became of the service account", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.SaveBootstrap(ctx, db.SaveBootstrapParams{
			Tenant: s.tenant, URL: b.URL, Username: fold(b.Username), Nonce: b.Nonce,
			AccountID: b.Account, IntegrationID: b.Integration, EndedAt: db.Time{Time: b.EndedAt},
		})
		if err == nil && rows == 0 {
			err = db.ErrNotFound
		}
		if err != nil {
			return err
		}
		if b.EndedAt.IsZero() {
			return noteAccount(ctx, "account.made", b)
		}
		return noteAccount(ctx, "account.setup.ended", b)
	})
}

// fold is a user name as GitLab compares it.
func fold(username string) string { return strings.ToLower(username) }

func toBootstrap(r db.Bootstrap) Bootstrap {
	return Bootstrap{
		URL: r.URL, Username: r.Username, Nonce: r.Nonce, Account: r.AccountID, Integration: r.IntegrationID,
		BegunAt: r.BegunAt.Time, EndedAt: r.EndedAt.Time,
	}
}

// Add keeps a review and returns it with its ID.
func (s *Store) Add(ctx context.Context, r Review) (Review, error) {
	reach, err := db.Encode(r.Reach)
	if err != nil {
		return r, err
	}
	remarks, err := db.Encode(r.Remarks)
	if err != nil {
		return r, err
	}
	err = s.save(ctx, "review", "recording the review", func(ctx context.Context, q *db.Queries) error {
		id, err := q.AddAccessReview(ctx, db.AddAccessReviewParams{
			Tenant: s.tenant, IntegrationID: r.Integration, ReviewedAt: db.Time{Time: r.At},
			ReviewedBy: r.By, Note: r.Note, Reach: reach, Remarks: remarks,
		})
		if r.ID = id; err != nil {
			return err
		}
		return audit.Note(ctx, audit.Line{
			Action: "access.reviewed", Object: integrationObject(r.Integration), Why: r.Note,
			After: audit.Of(audit.Values{"review": id, "reviewed_by": r.By, "remarks": len(r.Remarks)}),
		})
	})
	return r, err
}

// Reviews lists the last reviews of an integration, the latest first.
func (s *Store) Reviews(ctx context.Context, integration int64, most int) ([]Review, error) {
	var out []Review
	err := s.read(ctx, "reading the reviews", func(q *db.Queries) error {
		rows, err := q.AccessReviews(ctx, s.tenant, integration, int32(min(most, 1<<30)))
		for _, row := range rows {
			r, bad := toReview(row)
			if bad != nil {
				return bad
			}
			out = append(out, r)
		}
		return err
	})
	return out, err
}

func toReview(row db.AccessReview) (Review, error) {
	r := Review{ID: row.ID, Integration: row.IntegrationID, At: row.ReviewedAt.Time, By: row.ReviewedBy, Note: row.Note}
	return r, errors.Join(
		db.Decode(row.Reach, &r.Reach, "reach in review", row.ID),
		db.Decode(row.Remarks, &r.Remarks, "remarks in review", row.ID),
	)
}

// Owners lists the addresses of those who look after an integration's account, in
// alphabetical order.
func (s *Store) Owners(ctx context.Context, integration int64) ([]string, error) {
	var out []string
	err := s.read(ctx, "reading the owners", func(q *db.Queries) error {
		rows, err := q.AccessOwners(ctx, s.tenant, integration)
		for _, r := range rows {
			out = append(out, r.Address)
		}
		return err
	})
	return out, err
}

// SetOwners replaces them; none: nobody.
func (s *Store) SetOwners(ctx context.Context, integration int64, addresses []string, now time.Time) error {
	return s.save(ctx, "owners", "recording the owners", func(ctx context.Context, q *db.Queries) error {
		before, err := q.AccessOwners(ctx, s.tenant, integration)
		if err != nil {
			return err
		}
		if err := noteOwners(ctx, integration, before, addresses); err != nil {
			return err
		}
		if err := q.DropAccessOwners(ctx, s.tenant, integration); err != nil {
			return err
		}
		for _, each := range addresses {
			err := q.AddAccessOwner(ctx, db.AddAccessOwnerParams{Tenant: s.tenant, IntegrationID: integration, Address: each, SetAt: db.Time{Time: now}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// noteOwners adds to the audit log who looks after an account from now on.
func noteOwners(ctx context.Context, integration int64, before []db.AccessOwner, addresses []string) error {
	var was []string
	for _, r := range before {
		was = append(was, r.Address)
	}
	return audit.Note(ctx, audit.Line{
		Action: "access.owners_set", Object: integrationObject(integration),
		Before: audit.Of(audit.Values{"owners": was}), After: audit.Of(audit.Values{"owners": addresses}),
	})
}

func integrationObject(id int64) audit.Object {
	return audit.Object{Kind: "integration", ID: strconv.FormatInt(id, 10)}
}

// Reminded is the review that somebody was reminded of and that was not made yet;
// zero: none.
func (s *Store) Reminded(ctx context.Context, integration int64) (due time.Time, err error) {
	err = s.read(ctx, "reading the reminder", func(q *db.Queries) error {
		at, err := q.AccessReminder(ctx, s.tenant, integration)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		due = at.Time
		return err
	})
	return due, err
}

// Remind notes that somebody is reminded of the review that is due. Of all who do
// so at once one is the first, who is to tell it.
func (s *Store) Remind(ctx context.Context, integration int64, due time.Time) (first bool, err error) {
	err = s.save(ctx, "remind", "noting the reminder", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.RemindAccess(ctx, s.tenant, integration, db.Time{Time: due})
		first = rows > 0
		return err
	})
	return first, err
}

// Forget ends a reminder, since the review was made.
func (s *Store) Forget(ctx context.Context, integration int64, due time.Time) error {
	return s.save(ctx, "reminded", "ending the reminder", func(ctx context.Context, q *db.Queries) error {
		return q.ForgetReminder(ctx, s.tenant, integration, db.Time{Time: due})
	})
}

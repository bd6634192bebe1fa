// Package connections keeps how instances are reached, what the issues of an
// integration are given when they are made, and which integrations were
// disconnected.
//
// What always holds: every row and every query carries a tenant; disconnecting
// forgets the value of the integration's token and ends what was planned for it,
// in one transaction, and deletes nothing else.
package connections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/integration"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/tokens"
)

// Store is one tenant's connections.
type Store struct {
	db     *database.DB
	tenant string
}

// New is the part of the database that belongs to the tenant.
func New(d *database.DB, tenant string) *Store { return &Store{db: d, tenant: tenant} }

// Network is how an instance is reached; the zero value when nothing is special
// about it.
func (s *Store) Network(ctx context.Context, url string) (n integration.Network, err error) {
	err = s.read(ctx, "reading how "+url+" is reached", func(q *db.Queries) error {
		r, err := q.Instance(ctx, s.tenant, url)
		n = integration.Network{CA: r.Ca, Proxy: r.Proxy}
		return none(err)
	})
	return n, err
}

// Reach stores how an instance is reached.
func (s *Store) Reach(ctx context.Context, url string, n integration.Network) error {
	return s.write(ctx, "instance", "storing how "+url+" is reached", func(ctx context.Context, q *db.Queries) error {
		before, err := q.Instance(ctx, s.tenant, url)
		if err = none(err); err != nil {
			return err
		}
		if err := noteReach(ctx, url, integration.Network{CA: before.Ca, Proxy: before.Proxy}, n); err != nil {
			return err
		}
		return q.PutInstance(ctx, db.PutInstanceParams{Tenant: s.tenant, URL: url, Ca: n.CA, Proxy: n.Proxy})
	})
}

// Defaults is what the issues of an integration are given.
func (s *Store) Defaults(ctx context.Context, id int64) (d integration.Defaults, err error) {
	err = s.read(ctx, fmt.Sprintf("reading what issues of integration %d are given", id), func(q *db.Queries) error {
		d, _, err = s.kept(ctx, q, id)
		return err
	})
	return d, err
}

func (s *Store) kept(ctx context.Context, q *db.Queries, id int64) (d integration.Defaults, since time.Time, err error) {
	r, err := q.Connection(ctx, s.tenant, id)
	if err != nil {
		return d, since, none(err)
	}
	d = integration.Defaults{AssigneeID: r.AssigneeID, Assignee: r.Assignee, Confidential: r.Confidential}
	return d, r.DisconnectedAt.Time, db.Decode(r.Labels, &d.Labels, "labels of integration", id)
}

// Connect stores what the issues of an integration are given, and that it is
// connected. When it was not, every group is looked at anew.
func (s *Store) Connect(ctx context.Context, id int64, d integration.Defaults) error {
	return s.write(ctx, "connection", fmt.Sprintf("storing the connection of integration %d", id), func(ctx context.Context, q *db.Queries) error {
		before, since, err := s.kept(ctx, q, id)
		if err != nil {
			return err
		}
		if err := noteDefaults(ctx, id, before, d, since); err != nil {
			return err
		}
		if err := s.put(ctx, q, id, d, time.Time{}); err != nil || since.IsZero() {
			return err
		}
		if _, err := s.abandon(ctx, q, id, since); err != nil { // what was being planned when it was disconnected
			return err
		}
		return q.TouchAll(ctx, s.tenant)
	})
}

func (s *Store) put(ctx context.Context, q *db.Queries, id int64, d integration.Defaults, disconnected time.Time) error {
	labels, err := db.Encode(d.Labels)
	if err != nil {
		return err
	}
	return q.PutConnection(ctx, db.PutConnectionParams{
		Tenant: s.tenant, IntegrationID: id, Labels: labels, AssigneeID: d.AssigneeID, Assignee: d.Assignee,
		Confidential: d.Confidential, DisconnectedAt: db.Time{Time: disconnected},
	})
}

// Left is what a disconnection ended.
type Left struct {
	Steps int64 // that were planned, and are not taken
	Runs  int64 // that were under way or waited
}

// Disconnect has an integration end, and says what ended with it.
func (s *Store) Disconnect(ctx context.Context, id int64, at time.Time) (left Left, err error) {
	err = s.write(ctx, "disconnect", fmt.Sprintf("disconnecting integration %d", id), func(ctx context.Context, q *db.Queries) error {
		d, _, err := s.kept(ctx, q, id)
		if err != nil {
			return err
		}
		err = errors.Join(s.put(ctx, q, id, d, at.UTC()), tokens.Forget(ctx, q, s.tenant, id, at),
			q.ForgetSealed(ctx, []byte{}, s.tenant, id), q.ForgetEarlierCredential(ctx, s.tenant, id))
		if err != nil {
			return err
		}
		if left, err = s.abandon(ctx, q, id, at); err != nil {
			return err
		}
		return audit.Note(ctx, audit.Line{
			Action: "integration.disconnected", Object: Object(id, ""), After: audit.Of(audit.Values{"steps_given_up": left.Steps, "runs_ended": left.Runs}),
		})
	})
	return left, err
}

// abandon ends what is planned or waits for an integration.
func (s *Store) abandon(ctx context.Context, q *db.Queries, id int64, at time.Time) (left Left, err error) {
	left.Steps, err = q.AbandonPlanned(ctx, db.AbandonPlannedParams{
		Trouble: "the integration was disconnected before its turn came", EndedAt: db.Time{Time: at}, Tenant: s.tenant, IntegrationID: id,
	})
	if err != nil {
		return left, err
	}
	left.Runs, err = q.AbandonRuns(ctx, db.Time{Time: at}, s.tenant, id)
	return left, err
}

// Gone is an integration that was disconnected.
type Gone struct {
	ID    int64
	URL   string
	Path  string // of its project
	Since time.Time
}

// Gone lists the integrations that were disconnected, the last one first.
func (s *Store) Gone(ctx context.Context) (out []Gone, err error) {
	err = s.read(ctx, "listing what was disconnected", func(q *db.Queries) error {
		rows, err := q.Disconnected(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, Gone{ID: r.Integration.ID, URL: r.Integration.URL, Path: r.Integration.ProjectPath, Since: r.DisconnectedAt.Time})
		}
		return err
	})
	return out, err
}

// Here is the integration with a project, connected or not; its ID is 0 when
// there was never one. It says no more than where it is and since when.
func (s *Store) Here(ctx context.Context, url string, project int64) (in integration.Integration, err error) {
	err = s.read(ctx, fmt.Sprintf("looking for the integration with project %d", project), func(q *db.Queries) error {
		r, err := q.IntegrationHere(ctx, s.tenant, url, project)
		in = integration.Integration{ID: r.ID, URL: r.URL, Project: integration.Project{ID: r.ProjectID, Path: r.ProjectPath}, CreatedAt: r.CreatedAt.Time}
		return none(err)
	})
	return in, err
}

// none is no error where there is no row.
func none(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.db.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.db.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Trace is an issue that cxm made.
type Trace struct {
	IID   int64
	Nonce string // in its marker
}

// Same is an integration with a project of the same number, which may be on
// another instance.
type Same struct {
	ID        int64
	URL       string
	CreatedAt time.Time
	Gone      bool    // it was disconnected
	Traces    []Trace // of cxm in the project, a few
}

// Same lists the integrations with a project of this number.
func (s *Store) Same(ctx context.Context, project int64) (out []Same, err error) {
	err = s.read(ctx, fmt.Sprintf("looking for integrations with project %d", project), func(q *db.Queries) error {
		rows, err := q.IntegrationsOfProject(ctx, s.tenant, project)
		if err != nil {
			return err
		}
		for _, r := range rows {
			one := Same{ID: r.ID, URL: r.URL, CreatedAt: r.CreatedAt.Time, Gone: r.Gone}
			traces, err := q.Traces(ctx, s.tenant, r.ID, project)
			if err != nil {
				return err
			}
			for _, t := range traces {
				one.Traces = append(one.Traces, Trace{t.IID, t.Nonce})
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

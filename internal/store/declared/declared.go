// Package declared keeps where resources are declared in code: what was kept of the
// states of Terraform that an admin gave, and what GitLab said about files.
//
// What always holds: every row and every query carries the tenant; a state replaces
// the one of its name whole or not at all; no value of a state is here but names and
// what says where a resource is declared.
package declared

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/audit"
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

// State is a state of Terraform that an admin gave.
type State struct {
	Name       string
	Host       string // where the repository is; empty: on the instance of the integration
	Repository string // "acme/infra"
	Folder     string // of the root module, from the root of the repository, clean; "." is that itself
	Resources  int    // how many have a name that finds them
	By         string
	At         time.Time
}

// Spot is where a resource is declared, as far as its state tells.
type Spot struct {
	Address string            `json:"address"`
	Type    string            `json:"type"`
	Label   string            `json:"label"`
	Module  string            `json:"module,omitempty"` // its address; empty: the root
	Folder  string            `json:"folder,omitempty"` // of its module, from the root module's; empty: not known
	Tags    map[string]string `json:"tags,omitempty"`   // those of Yor
}

// Found is a resource that one name finds.
type Found struct {
	State State // Resources, By and At are not filled in
	Spot  Spot
}

// Entry is one resource of a state with its names.
type Entry struct {
	Names []string // in lower case; one that was there before in the same state is left out
	Spot  Spot
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) change(point string, f func(context.Context, *db.Queries) error) database.Change {
	return database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error { return f(ctx, db.New(tx)) }}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Put keeps a state in place of the one of its name, and has every group looked at
// anew. It takes a while for a large one.
func (s *Store) Put(ctx context.Context, state State, entries []Entry) error {
	return wrap("keeping where resources are declared", s.base.WriteAlone(ctx, s.change("declare", func(ctx context.Context, q *db.Queries) error {
		if err := q.DropCodeNames(ctx, s.tenant, state.Name); err != nil {
			return err
		}
		err := q.PutCodeState(ctx, db.PutCodeStateParams{
			Tenant: s.tenant, Name: state.Name, Host: state.Host, Repository: state.Repository, Folder: state.Folder,
			Resources: int64(state.Resources), AddedBy: state.By, AddedAt: db.Time{Time: state.At},
		})
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := s.add(ctx, q, state.Name, e); err != nil {
				return err
			}
		}
		if err := noted(ctx, "code.added", state); err != nil {
			return err
		}
		return q.TouchAll(ctx, s.tenant)
	})))
}

// noted adds what an admin did with a state to the audit log.
func noted(ctx context.Context, action string, state State) error {
	after := audit.Of(audit.Values{"host": state.Host, "repository": state.Repository, "folder": state.Folder, "resources": state.Resources})
	return audit.Note(ctx, audit.Line{Action: action, Object: audit.Object{Kind: "code", ID: state.Name, Name: state.Name}, After: after})
}

func (s *Store) add(ctx context.Context, q *db.Queries, state string, e Entry) error {
	spot, err := db.Encode(e.Spot)
	if err != nil {
		return err
	}
	for _, name := range e.Names {
		if err := q.AddCodeName(ctx, db.AddCodeNameParams{Tenant: s.tenant, Name: name, State: state, Spot: spot}); err != nil {
			return err
		}
	}
	return nil
}

// States lists them by name.
func (s *Store) States(ctx context.Context) ([]State, error) {
	var out []State
	err := s.read(ctx, "reading the states of Terraform", func(q *db.Queries) error {
		rows, err := q.CodeStates(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, State{
				Name: r.Name, Host: r.Host, Repository: r.Repository, Folder: r.Folder,
				Resources: int(r.Resources), By: r.AddedBy, At: r.AddedAt.Time,
			})
		}
		return err
	})
	return out, err
}

// Remove forgets a state, and has every group looked at anew. The error is
// db.ErrNotFound.
func (s *Store) Remove(ctx context.Context, name string) error {
	return wrap("forgetting where resources are declared", s.base.WriteAlone(ctx, s.change("undeclare", func(ctx context.Context, q *db.Queries) error {
		if err := q.DropCodeNames(ctx, s.tenant, name); err != nil {
			return err
		}
		rows, err := q.DropCodeState(ctx, s.tenant, name)
		if err == nil && rows == 0 {
			err = db.ErrNotFound
		}
		if err == nil {
			err = audit.Note(ctx, audit.Line{Action: "code.removed", Object: audit.Object{Kind: "code", ID: name, Name: name}})
		}
		if err != nil {
			return err
		}
		return q.TouchAll(ctx, s.tenant)
	})))
}

// width is how many names are looked for in one query.
const width = 6

// Find lists what the names find, by name: of each state at most one. Names are in
// lower case.
func (s *Store) Find(ctx context.Context, names []string) (map[string][]Found, error) {
	out := map[string][]Found{}
	err := s.read(ctx, "looking for a resource in the states of Terraform", func(q *db.Queries) error {
		for some := range slices.Chunk(names, width) {
			if err := s.find(ctx, q, some, out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// find adds what up to six names find; no resource is called "".
func (s *Store) find(ctx context.Context, q *db.Queries, names []string, into map[string][]Found) error {
	var n [width]string
	copy(n[:], names)
	rows, err := q.CodeNamed(ctx, db.CodeNamedParams{Tenant: s.tenant, A: n[0], B: n[1], C: n[2], D: n[3], E: n[4], F: n[5]})
	if err != nil {
		return err
	}
	for _, r := range rows {
		f := Found{State: State{Name: r.State, Host: r.Host, Repository: r.Repository, Folder: r.Folder}}
		if err := db.Decode(r.Spot, &f.Spot, "place in the code", r.Name); err != nil {
			return err
		}
		into[r.Name] = append(into[r.Name], f)
	}
	return nil
}

// Subject is a file or a folder of a repository, as one integration sees it.
type Subject struct {
	Integration int64
	Repository  string // in lower case
	Name        string // "file …" or "folder …"
}

// Evidence is what GitLab said about a subject.
type Evidence struct {
	Subject Subject
	Said    string    // JSON; empty: it was not asked yet
	Due     time.Time // when it is to be asked again
	Used    time.Time // when somebody last wanted to know it, about
}

// Evidence is what is remembered of a subject; false: nothing is.
func (s *Store) Evidence(ctx context.Context, of Subject) (e Evidence, known bool, err error) {
	err = s.read(ctx, "reading what GitLab said about code", func(q *db.Queries) error {
		r, err := q.CodeEvidence(ctx, db.CodeEvidenceParams{Tenant: s.tenant, IntegrationID: of.Integration, Repository: of.Repository, Subject: of.Name})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		e, known = Evidence{Subject: of, Said: r.Said, Due: r.DueAt.Time, Used: r.UsedAt.Time}, err == nil
		return err
	})
	return e, known, err
}

// Due lists what is to be asked, what has waited longest first.
func (s *Store) Due(ctx context.Context, integration int64, now time.Time, most int) ([]Evidence, error) {
	var out []Evidence
	err := s.read(ctx, "reading what to ask about code", func(q *db.Queries) error {
		rows, err := q.DueCodeEvidence(ctx, db.DueCodeEvidenceParams{Tenant: s.tenant, IntegrationID: integration, Before: db.Time{Time: now}, Most: int32(min(most, 1<<30))})
		for _, r := range rows {
			of := Subject{Integration: integration, Repository: r.Repository, Name: r.Subject}
			out = append(out, Evidence{Subject: of, Said: r.Said, Due: r.DueAt.Time, Used: r.UsedAt.Time})
		}
		return err
	})
	return out, err
}

// Learn keeps what GitLab said. With again every group is looked at anew, since it
// is something else than was known.
func (s *Store) Learn(ctx context.Context, again bool, all ...Evidence) error {
	return wrap("keeping what GitLab said about code", s.base.Write(ctx, s.change("evidence", func(ctx context.Context, q *db.Queries) error {
		for _, e := range all {
			err := q.PutCodeEvidence(ctx, db.PutCodeEvidenceParams{
				Tenant: s.tenant, IntegrationID: e.Subject.Integration, Repository: e.Subject.Repository, Subject: e.Subject.Name,
				Said: e.Said, DueAt: db.Time{Time: e.Due}, UsedAt: db.Time{Time: e.Used},
			})
			if err != nil {
				return err
			}
		}
		if !again {
			return nil
		}
		return q.TouchAll(ctx, s.tenant)
	})))
}

// Want notes subjects to be asked about at once. What is known of them stays.
func (s *Store) Want(ctx context.Context, now time.Time, all ...Subject) error {
	return wrap("noting what to ask about code", s.base.Write(ctx, s.change("wanted", func(ctx context.Context, q *db.Queries) error {
		for _, of := range all {
			err := q.WantCodeEvidence(ctx, db.WantCodeEvidenceParams{
				Tenant: s.tenant, IntegrationID: of.Integration, Repository: of.Repository, Subject: of.Name,
				DueAt: db.Time{Time: now}, UsedAt: db.Time{Time: now},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})))
}

// Drop forgets subjects that nobody wants to know any more.
func (s *Store) Drop(ctx context.Context, all ...Subject) error {
	return wrap("forgetting what GitLab said about code", s.base.Write(ctx, s.change("evidence dropped", func(ctx context.Context, q *db.Queries) error {
		for _, of := range all {
			err := q.DropCodeEvidence(ctx, db.DropCodeEvidenceParams{Tenant: s.tenant, IntegrationID: of.Integration, Repository: of.Repository, Subject: of.Name})
			if err != nil {
				return err
			}
		}
		return nil
	})))
}

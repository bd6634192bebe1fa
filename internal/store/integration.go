package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/store/connections"
	"cxm/internal/store/db"
	"cxm/internal/store/tokens"
)

// Installation is what tells this tenant's issues from those of any other cxm:
// 16 hex digits, made once at random.
func (s *Store) Installation(ctx context.Context) (string, error) {
	var code string
	read := func(ctx context.Context, q *db.Queries) (err error) {
		code, err = q.Installation(ctx, s.tenant)
		return err
	}
	err := s.query(ctx, "reading the installation's id", func(q *db.Queries) error { return read(ctx, q) })
	if !errors.Is(err, sql.ErrNoRows) {
		return code, err
	}
	random := make([]byte, 8)
	rand.Read(random) // never fails
	err = s.save(ctx, "making the installation's id", func(ctx context.Context, q *db.Queries) error {
		if err := q.MakeInstallation(ctx, s.tenant, hex.EncodeToString(random)); err != nil {
			return err
		}
		return read(ctx, q) // another process may have been first
	})
	return code, err
}

// AddIntegration stores a connection with its token, and returns it with its
// ID. seal gets the ID the token is to be sealed for, and is called within the
// transaction: it must not use the store. tok's Value must be empty. The error
// is ErrConnected when the tenant has an integration with this URL and project.
func (s *Store) AddIntegration(ctx context.Context, in integration.Integration, tok credential.Token, seal func(id int64) ([]byte, error)) (integration.Integration, error) {
	err := s.save(ctx, "storing the integration", func(ctx context.Context, q *db.Queries) error {
		id, err := q.AddIntegration(ctx, addIntegration(s.tenant, in))
		if err = one(1, err, ErrConnected); err != nil {
			return err
		}
		sealed, err := seal(id)
		if err != nil {
			return err
		}
		in.ID = id
		if err := audit.Note(ctx, audit.Line{Action: "integration.connected", Object: connections.Object(id, in.URL), After: audit.Of(integrationFacts(in))}); err != nil {
			return err
		}
		return s.putToken(ctx, q, in, sealed, tok)
	})
	if err != nil {
		return integration.Integration{}, err
	}
	return in, nil
}

// UpdateIntegration stores what is known of a connection by now. A sealed that
// is nil keeps the token and what is known of it. The error is ErrNotFound, or
// ErrConnected when another integration has this URL and project.
func (s *Store) UpdateIntegration(ctx context.Context, in integration.Integration, sealed []byte, tok credential.Token) error {
	return s.save(ctx, "updating the integration", func(ctx context.Context, q *db.Queries) error {
		if id, err := q.IntegrationAt(ctx, s.tenant, in.URL, in.Project.ID); err == nil && id != in.ID {
			return ErrConnected
		}
		if err := s.noteEdited(ctx, q, in); err != nil {
			return err
		}
		rows, err := q.UpdateIntegration(ctx, updateIntegration(s.tenant, in))
		if err = one(rows, err, ErrNotFound); err != nil || sealed == nil {
			return err
		}
		return s.putToken(ctx, q, in, sealed, tok)
	})
}

// integrationFacts is what the audit log says of a connection.
func integrationFacts(in integration.Integration) audit.Values {
	return audit.Values{
		"provider": string(in.Provider), "url": in.URL, "account": in.Account.Username, "account_id": in.Account.ID,
		"project": in.Project.Path, "project_id": in.Project.ID, "access_level": in.Project.AccessLevel, "on_change": in.OnRoute,
	}
}

// noteEdited adds to the audit log what is another in a connection by now.
func (s *Store) noteEdited(ctx context.Context, q *db.Queries, in integration.Integration) error {
	r, err := q.Integration(ctx, s.tenant, in.ID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	was, is := audit.Changed(integrationFacts(toIntegration(r.Integration)), integrationFacts(in))
	if was == is {
		audit.Quiet(ctx)
		return nil
	}
	return audit.Note(ctx, audit.Line{Action: "integration.edited", Object: connections.Object(in.ID, in.URL), Before: was, After: is})
}

// putToken stores a token as the one that the integration uses.
func (s *Store) putToken(ctx context.Context, q *db.Queries, in integration.Integration, sealed []byte, tok credential.Token) error {
	if !tok.Value.Empty() {
		return errors.New("the token is given in the clear: the store takes it sealed only")
	}
	return tokens.Put(ctx, q, s.tenant, in.ID, sealed, tok, in.VerifiedAt)
}

// Integrations lists the tenant's connections, the oldest first.
func (s *Store) Integrations(ctx context.Context) ([]integration.Integration, error) {
	var out []integration.Integration
	err := s.query(ctx, "listing the integrations", func(q *db.Queries) error {
		rows, err := q.Integrations(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, toIntegration(r))
		}
		return err
	})
	return out, err
}

// Integration is a connection, its sealed token, and what is known of the token
// (without its Value). The error is ErrNotFound.
func (s *Store) Integration(ctx context.Context, id int64) (in integration.Integration, sealed []byte, tok credential.Token, err error) {
	err = s.query(ctx, "reading the integration", func(q *db.Queries) error {
		r, err := q.Integration(ctx, s.tenant, id)
		if err = one(1, err, ErrNotFound); err != nil {
			return err
		}
		t, err := tokens.Read(r.Token)
		in, sealed, tok = toIntegration(r.Integration), t.Sealed, t.Token
		return err
	})
	return in, sealed, tok, err
}

func toIntegration(r db.Integration) integration.Integration {
	return integration.Integration{
		ID: r.ID, Provider: integration.Provider(r.Provider), URL: r.URL, Version: r.Version,
		Account:   integration.Account{ID: r.AccountID, Username: r.AccountUsername, Name: r.AccountName, Bot: r.AccountBot},
		Project:   integration.Project{ID: r.ProjectID, Path: r.ProjectPath, WebURL: r.ProjectWebURL, AccessLevel: int(r.AccessLevel)},
		OnRoute:   r.OnRouteChange,
		CreatedAt: r.CreatedAt.Time, VerifiedAt: r.VerifiedAt.Time,
	}
}

func addIntegration(tenant string, in integration.Integration) db.AddIntegrationParams {
	return db.AddIntegrationParams{
		Tenant: tenant, Provider: string(in.Provider), URL: in.URL, Version: in.Version,
		AccountID: in.Account.ID, AccountUsername: in.Account.Username, AccountName: in.Account.Name, AccountBot: in.Account.Bot,
		ProjectID: in.Project.ID, ProjectPath: in.Project.Path, ProjectWebURL: in.Project.WebURL, AccessLevel: int64(in.Project.AccessLevel),
		CreatedAt: db.Time{Time: in.CreatedAt}, VerifiedAt: db.Time{Time: in.VerifiedAt}, OnRouteChange: in.OnRoute,
	}
}

func updateIntegration(tenant string, in integration.Integration) db.UpdateIntegrationParams {
	return db.UpdateIntegrationParams{
		Tenant: tenant, ID: in.ID, Provider: string(in.Provider), URL: in.URL, Version: in.Version,
		AccountID: in.Account.ID, AccountUsername: in.Account.Username, AccountName: in.Account.Name, AccountBot: in.Account.Bot,
		ProjectID: in.Project.ID, ProjectPath: in.Project.Path, ProjectWebURL: in.Project.WebURL, AccessLevel: int64(in.Project.AccessLevel),
		CreatedAt: db.Time{Time: in.CreatedAt}, VerifiedAt: db.Time{Time: in.VerifiedAt}, OnRouteChange: in.OnRoute,
	}
}

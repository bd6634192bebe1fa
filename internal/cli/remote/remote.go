// Package remote is cxm as commands know it, on a server that `--server` names: what
// internal/app answers on the data of this machine it asks there, by the REST API.
//
// What always holds: nothing of this machine's data is opened; what a method answers
// prints as it would on the server itself; what the API does not have is no method.
package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/api"
	"cxm/internal/api/client"
	"cxm/internal/app"
	"cxm/internal/integration"
	"cxm/internal/money"
)

// Server is a cxm that runs elsewhere.
type Server struct {
	*api.Tenant // what it offers
	client      *client.Client
}

// Open makes one. It asks nothing yet.
func Open(o client.Options) (*Server, error) {
	c, err := client.New(o)
	if err != nil {
		return nil, err
	}
	return &Server{c.Tenant(), c}, nil
}

// Close implements what commands ask of the program.
func (s *Server) Close() error { return nil }

// all reads a list to its end, or to so many; most 0 is all of it.
func all[T any](most int, page func(api.Slice) ([]T, api.Cursor, error)) ([]T, error) {
	var out []T
	for at := (api.Slice{Size: 500}); ; {
		if most > 0 {
			at.Size = min(500, most-len(out))
		}
		some, next, err := page(at)
		out = append(out, some...)
		if err != nil || next == (api.Cursor{}) || most > 0 && len(out) >= most {
			return out, err
		}
		at.After = next
	}
}

// each is a list of something else; never nil.
func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, 0, len(all))
	for _, one := range all {
		out = append(out, f(one))
	}
	return out
}

// integrations are the server's, as integrations.
func (s *Server) integrations(ctx context.Context) ([]integration.Integration, error) {
	all, err := s.Integrations.Integrations(ctx)
	return each(all, toIntegration), err
}

// integration is one of the server's; 0 is the only one there is.
func (s *Server) integration(ctx context.Context, id int64) (integration.Integration, error) {
	all, err := s.integrations(ctx)
	switch {
	case err != nil:
		return integration.Integration{}, err
	case len(all) == 0:
		return integration.Integration{}, app.ErrNotConnected
	case id == 0 && len(all) == 1:
		return all[0], nil
	}
	var known []string
	for _, in := range all {
		if in.ID == id {
			return in, nil
		}
		known = append(known, fmt.Sprintf("%d (%s in %s)", in.ID, in.Project.Path, in.URL))
	}
	return integration.Integration{}, fmt.Errorf("say which integration with --integration: %s", strings.Join(known, ", "))
}

// known is v, or the zero value where it is not known.
func known[T any](v *T) (out T) {
	if v != nil {
		out = *v
	}
	return out
}

// moment is a time as the database of cxm has it.
func moment(t *time.Time) time.Time { return known(t).UTC() }

// amount is money as the program has it. What is no number is a fault of the server's,
// and counts as unknown.
func amount(m *api.Money) (decimal.NullDecimal, string) {
	if m == nil {
		return decimal.NullDecimal{}, ""
	}
	d, err := decimal.NewFromString(m.Amount)
	return decimal.NullDecimal{Decimal: d, Valid: err == nil}, m.Currency
}

func totals(all []api.Money) money.Totals {
	out := money.Totals{}
	for i := range all {
		out.Add(amount(&all[i]))
	}
	return out
}

// errHere says that something is about this machine, which a server does not see.
func errHere(what string) error {
	return errors.New(what + " is about this machine: leave --server out, or run the command on the server")
}

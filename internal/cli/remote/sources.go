package remote

import (
	"context"
	"time"

	"cxm/internal/api"
	"cxm/internal/app/sourcing"
	"cxm/internal/credential"
	"cxm/internal/source"
	"cxm/internal/store/sources"
)

func toSource(in api.Source) sourcing.Source {
	return sourcing.Source{
		Source: sources.Source{
			Name: in.Name, Type: in.Type, Scope: in.Scope, Rate: known(in.Rate), TokenAt: moment(in.TokenAt), FormerUntil: moment(in.Former), Enabled: in.Enabled,
			CreatedAt: moment(in.CreatedAt), UsedAt: moment(in.UsedAt),
			Counts: sources.Counts{Accepted: in.Accepted, Events: in.Events, Repeated: in.Repeated, Refused: in.Refused},
		},
		Type: source.Type(in.Type), Options: source.Options{Currency: known(in.Currency), Instance: known(in.Instance)},
	}
}

// ConfiguredSources lists the sources, by name.
func (s *Server) ConfiguredSources(ctx context.Context) ([]sourcing.Source, error) {
	got, err := s.Sources.Sources(ctx)
	return each(got, toSource), err
}

// AddSource makes a source, and its token.
func (s *Server) AddSource(ctx context.Context, r sourcing.Request) (sourcing.Source, credential.Secret, error) {
	got, token, err := s.Sources.Add(ctx, api.AddSource{
		Name: r.Name, Type: string(r.Type), Scope: r.Scope, Currency: r.Options.Currency, Instance: r.Options.Instance, All: r.Options.IncludeAll, Rate: r.Rate,
	})
	return toSource(got), token, err
}

// RotateSource gives a source another token.
func (s *Server) RotateSource(ctx context.Context, name string, overlap time.Duration) (sourcing.Source, credential.Secret, error) {
	got, token, err := s.Sources.Rotate(ctx, name, overlap)
	return toSource(got), token, err
}

// EnableSource lets a source deliver, or not.
func (s *Server) EnableSource(ctx context.Context, name string, enabled bool) error {
	return s.Sources.Enable(ctx, name, enabled)
}

// RemoveSource forgets a source.
func (s *Server) RemoveSource(ctx context.Context, name string) error {
	return s.Sources.Remove(ctx, name)
}

// RefusedDeliveries lists deliveries that could not be taken in. The API lists 500 at
// most.
func (s *Server) RefusedDeliveries(ctx context.Context, most int) ([]sources.Refused, error) {
	got, err := s.Deliveries.Refused(ctx, min(max(most, 1), 500))
	return each(got, func(d api.RefusedDelivery) sources.Refused {
		return sources.Refused{ID: d.ID, Type: d.Source, Scope: d.Scope, ReceivedAt: moment(d.ReceivedAt), Why: d.Why}
	}), err
}

// DiscardDelivery forgets one of them.
func (s *Server) DiscardDelivery(ctx context.Context, id int64) error {
	return s.Deliveries.Discard(ctx, id)
}

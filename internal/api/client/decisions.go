package client

import (
	"context"

	"cxm/internal/api"
)

type deciding struct{ c *Client }

func (d deciding) Decide(ctx context.Context, key string, what api.NewFindingDecision) (api.FindingDecision, error) {
	return post[api.FindingDecision](ctx, d.c, at("/v1/findings/%s/decision", key), what)
}

func (d deciding) Of(ctx context.Context, key string, s api.Slice) ([]api.FindingDecision, api.Cursor, error) {
	return page[api.FindingDecision](ctx, d.c, at("/v1/findings/%s/decisions", key), nil, s)
}

func (d deciding) Standing(ctx context.Context, f api.StandingFilter, s api.Slice) ([]api.StandingDecision, api.Cursor, error) {
	return page[api.StandingDecision](ctx, d.c, "/v1/findings/decisions", f, s)
}

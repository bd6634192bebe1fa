package remote

import (
	"context"
	"errors"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/integration"
)

// token does something with the token of an integration.
func (s *Server) token(ctx context.Context, id int64, do func(id int64) (api.Credential, error)) (app.TokenStatus, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.TokenStatus{}, err
	}
	c, err := do(in.ID)
	return toToken(c, in), err
}

// TokenStatus says what is known of an integration's token.
func (s *Server) TokenStatus(ctx context.Context, id int64) (app.TokenStatus, error) {
	return s.token(ctx, id, func(id int64) (api.Credential, error) { return s.Credentials.Credential(ctx, id) })
}

// CanRotate is TokenStatus, and an error when cxm cannot rotate the token.
func (s *Server) CanRotate(ctx context.Context, id int64) (app.TokenStatus, error) {
	t, err := s.TokenStatus(ctx, id)
	if err == nil && t.WhyNot != "" {
		err = errors.New(t.WhyNot)
	}
	return t, err
}

// RotateToken has GitLab make the token's successor now.
func (s *Server) RotateToken(ctx context.Context, id int64) (app.TokenStatus, error) {
	return s.token(ctx, id, func(id int64) (api.Credential, error) { return s.Credentials.Rotate(ctx, id) })
}

// ReplaceToken gives an integration a token that somebody made.
func (s *Server) ReplaceToken(ctx context.Context, id int64, r app.Replacement) (app.TokenStatus, error) {
	return s.token(ctx, id, func(id int64) (api.Credential, error) { return s.Credentials.Replace(ctx, id, r.Token, r.OtherAccount) })
}

// ScheduleToken says after how many days a token is rotated.
func (s *Server) ScheduleToken(ctx context.Context, id int64, days int) (app.TokenStatus, error) {
	return s.token(ctx, id, func(id int64) (api.Credential, error) { return s.Credentials.Schedule(ctx, id, days) })
}

// TokenHistory lists the tokens there were, and what became of each.
func (s *Server) TokenHistory(ctx context.Context, id int64) (integration.Integration, []credential.Stored, []app.TokenEvent, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return in, nil, nil, err
	}
	got, err := s.Past.History(ctx, in.ID)
	var tokens []credential.Stored
	var events []app.TokenEvent
	for i, e := range got {
		row := int64(i + 1) // joins the two, and nothing else
		tokens = append(tokens, credential.Stored{Token: credential.Token{ID: known(e.Token), Name: known(e.Name)}, Row: row})
		events = append(events, app.TokenEvent{Row: row, At: moment(e.At), State: credential.State(e.State), Reason: known(e.Reason)})
	}
	return in, tokens, events, err
}

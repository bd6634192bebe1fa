package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// serviceAccount does what an owner does in GitLab: makes the service account,
// adds it to the project, and creates its token, which it returns.
func (s *story) serviceAccount(ctx context.Context) (string, error) {
	var account struct{ ID int64 }
	err := s.post(ctx, "/groups/acme/service_accounts", map[string]any{
		"name": "Cloud ex Machina Integration", "username": "cxm-integration",
	}, &account)
	if err != nil {
		return "", err
	}
	err = s.post(ctx, "/projects/"+url.PathEscape(project)+"/members", map[string]any{"user_id": account.ID, "access_level": 40}, nil)
	if err != nil {
		return "", err
	}
	var token struct{ Token string }
	err = s.post(ctx, fmt.Sprintf("/groups/acme/service_accounts/%d/personal_access_tokens", account.ID), map[string]any{
		"name": "cxm", "scopes": []string{"api", "read_user", "read_repository", "write_repository", "self_rotate"},
		"expires_at": s.clock.Now().AddDate(0, 0, 90).Format(time.DateOnly),
	}, &token)
	return token.Token, err
}

// admit lets cxm's account into the projects of teams, the first of which is new.
func (s *story) admit(ctx context.Context, names ...string) error {
	in, err := s.app.Integration(ctx, 0)
	if err != nil {
		return err
	}
	var group struct{ ID int64 }
	if err := s.send(ctx, http.MethodGet, "/groups/acme", nil, &group); err != nil {
		return err
	}
	if err := s.post(ctx, "/projects", map[string]any{"name": names[0], "path": names[0], "namespace_id": group.ID}, nil); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.post(ctx, "/projects/"+url.PathEscape("acme/"+name)+"/members", map[string]any{"user_id": in.Account.ID, "access_level": 40}, nil); err != nil {
			return err
		}
	}
	return nil
}

// post sends a request as the administrator of the sandbox.
func (s *story) post(ctx context.Context, route string, body, answer any) error {
	return s.send(ctx, http.MethodPost, route, body, answer)
}

func (s *story) send(ctx context.Context, method, route string, body, answer any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/api/v4"+route, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", s.gitlab.AdminToken())
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %d: %s", method, route, resp.StatusCode, got)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}

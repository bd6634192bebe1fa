package sandbox

import (
	"net/http"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
)

// fineGrained refuses a token below projects and groups where fine-grained ones
// are enforced (doc/auth/tokens/fine_grained_access_tokens.md, lib/api/api_guard.rb).
func (s *Server) fineGrained(route rest.Route, id rest.Identity) error {
	kind, below := "", false
	for prefix, name := range map[string]string{"/projects": "project", "/groups": "group"} {
		if strings.HasPrefix(route.Path, prefix) {
			kind, below = name, true
		}
	}
	if !below || id.Token == nil || !s.Limits().FineGrained {
		return nil
	}
	return &wire.Error{Status: http.StatusForbidden, Body: wire.OAuth{
		Error: "insufficient_granular_scope",
		Description: "Access denied: This operation requires a fine-grained personal access token with the following " +
			kind + " permissions: [" + strings.ToUpper(kind[:1]) + kind[1:] + ": Read].",
	}}
}

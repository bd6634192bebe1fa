package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"cxm/internal/sandbox"
)

// TestFineGrainedTokensEnforced: below projects and groups a legacy token gets
// GitLab's refusal, elsewhere it works.
func TestFineGrainedTokensEnforced(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	s.SetLimits(sandbox.Limits{FineGrained: true})
	c.api(http.StatusOK, http.MethodGet, "/user", "")
	got := c.api(http.StatusForbidden, http.MethodGet, "/projects/acme%2Fplatform", "")
	if got.str("error") != "insufficient_granular_scope" || !strings.Contains(got.str("error_description"), "[Project: Read]") {
		t.Errorf("%s", got.Body)
	}
	c.api(http.StatusForbidden, http.MethodGet, "/groups/acme", "")
	s.SetLimits(sandbox.Limits{})
	c.api(http.StatusOK, http.MethodGet, "/projects/acme%2Fplatform", "")
}

// TestVersionOption: an instance says the version it is given.
func TestVersionOption(t *testing.T) {
	for version, want := range map[string]string{"": "19.3.0-ee", "17.2.1": "17.2.1-ee"} {
		_, c := serve(t, sandbox.Options{Version: version})
		if got := c.api(http.StatusOK, http.MethodGet, "/version", "").str("version"); got != want {
			t.Errorf("version %q is told as %q, want %q", version, got, want)
		}
	}
}

package token_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/token"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// A rotation leaves once, also where GitLab says that it is too much; what comes
// back says whether the token works as before.
func TestRotateOnce(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		kind  issue.TroubleKind // empty: it goes well
	}{
		"well":     {},
		"too much": {sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}}, issue.Unsent},
		"refused":  {sandbox.Fault{Status: 400, Body: `{"message":"400 Bad request - no"}`}, issue.Invalid},
		"lost":     {sandbox.Fault{Cut: sandbox.CutAfter}, issue.Doubtful},
		"garbled":  {sandbox.Fault{Status: 200, Body: `{}`, Commit: true, Header: http.Header{"Content-Type": {"application/json"}}}, issue.Doubtful},
		"broken":   {sandbox.Fault{Status: 502, Commit: true}, issue.Doubtful},
	} {
		t.Run(name, func(t *testing.T) {
			gitlab, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(gitlab)
			defer server.Close()
			client, err := rest.New(rest.Options{URL: server.URL, Token: gitlab.AdminToken})
			if err != nil {
				t.Fatal(err)
			}
			if c.kind != "" {
				c.fault.Method, c.fault.Path, c.fault.Times = http.MethodPost, "/api/v4/personal_access_tokens/self/rotate", 1
				gitlab.Inject(c.fault)
			}
			begun := 0
			got, err := token.Rotate(t.Context(), client, time.Now().AddDate(0, 0, 30), func() error { begun++; return nil })
			trouble := (*issue.Trouble)(nil)
			switch {
			case c.kind == "" && (err != nil || got.Value.Empty()):
				t.Errorf("it went wrong: %v", err)
			case c.kind != "" && (!errors.As(err, &trouble) || trouble.Kind != c.kind || strings.Contains(err.Error(), "glpat-")):
				t.Errorf("the trouble is %v", err)
			}
			sent := 0
			for _, call := range gitlab.Calls() {
				if strings.HasSuffix(call.Path, "/rotate") {
					sent++
				}
			}
			if sent != 1 || begun != 1 {
				t.Errorf("it was begun %d times and sent %d times", begun, sent)
			}
		})
	}
}

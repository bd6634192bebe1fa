package check_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/integration/check"
	"cxm/internal/issue"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

func went(method, route string, status int) check.Call {
	return check.Call{Sent: true, Method: method, Route: route, Status: status}
}

func failed(method, route string, kind issue.TroubleKind, status int, said string) check.Call {
	c := went(method, route, status)
	c.Trouble = &issue.Trouble{Kind: kind, Status: status, Said: said}
	return c
}

// healthy is the evidence of a connection at which nothing is wrong.
func healthy() *check.Evidence {
	return &check.Evidence{
		Done: check.Flowing, Now: noon(),
		URL: "gitlab.example.com", Base: "https://gitlab.example.com",
		Form: check.ParseForm("glpat-" + strings.Repeat("a", 20)), Storage: check.Storage{Sealed: true},
		Proxy: check.Proxy{}, DNS: check.DNS{Asked: true, Host: "gitlab.example.com", Addresses: []string{"192.0.2.7"}},
		TCP:  check.TCP{Asked: true, Address: "gitlab.example.com:443"},
		TLS:  check.TLS{Asked: true, Version: "TLS 1.3", Subject: "CN=gitlab.example.com", Issuer: "CN=Example CA", NotAfter: noon().AddDate(0, 3, 0)},
		Page: check.Page{Asked: true, Status: 401, JSON: true, Message: "401 Unauthorized", GitLab: true},
		User: went("GET", "/user", 200), Who: check.Who{ID: 7, Username: "cxm-integration", Name: "Cloud ex Machina", Email: "cxm@noreply.example.com", State: "active", Bot: true},
		Self: went("GET", "/personal_access_tokens/self", 200),
		PAT: check.PAT{
			Scopes:    []string{"api", "read_user", "read_repository", "write_repository", "self_rotate"},
			CreatedAt: noon().AddDate(0, 0, -5), ExpiresAt: noon().AddDate(0, 0, 85), Addresses: []string{"192.0.2.9"},
		},
		Meta: went("GET", "/version", 200), Version: "19.3.0-ee",
		Reach: went("GET", "/personal_access_tokens/self/associations", 200), Extent: check.Extent{Projects: []string{"acme/platform"}},
		Wanted: "acme/platform", Find: went("GET", "/projects/:id", 200),
		Place:  check.Place{ID: 3, Path: "acme/platform", WebURL: "https://gitlab.example.com/acme/platform", Group: "acme", Issues: "enabled", Level: 40},
		Member: went("GET", "/projects/:id/members/all/:user_id", 200), Role: 40,
		Group: went("GET", "/groups/:id/members/all/:user_id", 200), Space: 40,
		Dry:    failed("POST", "/projects/:id/issues", issue.Invalid, 400, "title can't be blank"),
		Hooked: went("GET", "/projects/:id/hooks", 200), Hooks: []check.Hook{{URL: "https://cxm.example.com/v1/hooks", Status: "executable"}},
		People: went("GET", "/projects/:id/members/all", 200), Managers: []string{"platform-admin", "root"},
		Limits: check.Limits{Told: true, Name: "throttle_authenticated_api", Limit: 2000, Remaining: 1900, Wants: 600},
		Server: noon(), Heard: noon().Add(2 * time.Second),
		Before: check.Before{Connected: true, ID: 1, VerifiedAt: noon().AddDate(0, 0, -5), Since: noon().AddDate(0, 0, -5), Username: "cxm-integration", Project: "acme/platform"},
		Flow: check.Facts{
			Ruled: true,
			Known: true, LastRun: 4,
			Sources: []check.Source{{Name: "aws-cost-optimization-hub", Scope: "123456789012", At: noon().Add(-time.Hour), Complete: true, CompleteAt: noon().Add(-time.Hour)}},
		},
	}
}

// row is one case: what is wrong, and how one check judges it.
type row struct {
	name    string
	check   string
	outcome check.Outcome
	breaks  func(*check.Evidence)
	says    string // in the cause, the mend or the evidence
}

func unauthorized(said string) func(*check.Evidence) {
	return func(e *check.Evidence) { e.User = failed("GET", "/user", issue.Unauthorized, 401, said) }
}

func forbidden(said string) func(*check.Evidence) {
	return func(e *check.Evidence) { e.User = failed("GET", "/user", issue.Forbidden, 403, said) }
}

func offline(e *check.Evidence) { e.Page = check.Page{} }

func tlsFault(f check.Fault) func(*check.Evidence) {
	return func(e *check.Evidence) {
		offline(e)
		e.TLS.Fault, e.TLS.Names = f, []string{"other.example.com"}
		e.TLS.NotAfter, e.TLS.NotBefore = noon().AddDate(0, 0, -1), noon().AddDate(0, 0, 1)
	}
}

func page(p check.Page) func(*check.Evidence) {
	p.Asked = true
	return func(e *check.Evidence) { e.Page = p }
}

func pasted(text string) func(*check.Evidence) {
	return func(e *check.Evidence) { e.Form, e.User = check.ParseForm(text), check.Call{} }
}

func role(level int) func(*check.Evidence) {
	return func(e *check.Evidence) { e.Role, e.Place.Level = level, level }
}

// TestChecks holds every check to a row for each outcome it can have.
func TestChecks(t *testing.T) {
	covered := map[string]map[check.Outcome]bool{}
	for _, r := range slices.Concat(instanceRows(), tokenRows(), accountRows(), projectRows(), flowRows()) {
		e := healthy()
		if r.breaks != nil {
			r.breaks(e)
		}
		got := find(t, check.Run(e), r.check)
		text := got.Cause + " / " + got.Mend.Words(check.Command) + " / " + got.Evidence
		if got.Outcome != r.outcome || !strings.Contains(text, r.says) {
			t.Errorf("%s: %s is %q (%s), want %q with %q", r.name, r.check, got.Outcome, text, r.outcome, r.says)
		}
		if covered[r.check] == nil {
			covered[r.check] = map[check.Outcome]bool{}
		}
		covered[r.check][got.Outcome] = true
		for _, other := range check.Run(e) {
			sound(t, r.name, other)
		}
	}
	for _, c := range check.Checks() {
		for _, o := range c.Can {
			if o != check.OK && !covered[c.Name][o] {
				t.Errorf("no row shows %s as %q", c.Name, o)
			}
		}
	}
}

// sound holds a result to what every result promises.
func sound(t *testing.T, row string, r check.Result) {
	t.Helper()
	switch {
	case !slices.Contains(r.Can, r.Outcome):
		t.Errorf("%s: %s is %q, which its list does not have", row, r.Name, r.Outcome)
	case (r.Outcome == check.Failed || r.Outcome == check.Warning) && (r.Cause == "" || r.Mend == (check.Mend{})):
		t.Errorf("%s: %s is %q without cause or mend", row, r.Name, r.Outcome)
	case r.Outcome == check.NotChecked && r.Cause == "":
		t.Errorf("%s: %s does not say why it was not checked", row, r.Name)
	case strings.Contains(r.Cause+r.Mend.Words(check.Command)+r.Evidence, "glpat-"):
		t.Errorf("%s: %s shows a token", row, r.Name)
	}
}

func find(t *testing.T, results []check.Result, name string) check.Result {
	t.Helper()
	for _, r := range results {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no check %s", name)
	return check.Result{}
}

// TestHealthy: a connection at which nothing is wrong is told so in every check
// that applies.
func TestHealthy(t *testing.T) {
	for _, r := range check.Run(healthy()) {
		if r.Outcome != check.OK && r.Name != "instance.proxy" {
			t.Errorf("%s is %q: %s (%s)", r.Name, r.Outcome, r.Cause, r.Evidence)
		}
		sound(t, "healthy", r)
	}
}

// TestNothingKnown: without evidence nothing is ok.
func TestNothingKnown(t *testing.T) {
	for s := check.Stage(0); s <= check.Flowing; s++ {
		for _, r := range check.Run(&check.Evidence{Done: s}) {
			if r.Outcome == check.OK || r.Outcome == check.Warning || s < r.Stage && r.Outcome != check.NotChecked {
				t.Errorf("after stage %d %s is %q: %s", s, r.Name, r.Outcome, r.Cause)
			}
			if s >= r.Stage {
				sound(t, "nothing known", r)
			}
		}
	}
}

// TestOneFault: a fault fails the check that names it, and no other.
func TestOneFault(t *testing.T) {
	for name, each := range map[string]struct {
		fails  string
		breaks func(*check.Evidence)
	}{
		"expired":       {"token.expiry", unauthorized("invalid_token: Token is expired. You can either do re-authorization or token refresh.")},
		"revoked":       {"token.revoked", unauthorized("invalid_token: Token was revoked. You have to re-authorize from the user.")},
		"unknown token": {"token.accepted", unauthorized("401 Unauthorized")},
		"blocked":       {"account.state", forbidden("403 Forbidden - Your account has been blocked.")},
		"archived":      {"project.archived", func(e *check.Evidence) { e.Place.Archived, e.Dry = true, check.Call{} }},
		"TLS":           {"instance.tls", tlsFault(check.Expired)},
		"spaces":        {"token.form", pasted(" x")},
	} {
		e := healthy()
		e.Before = check.Before{}
		each.breaks(e)
		for _, r := range check.Run(e) {
			if (r.Outcome == check.Failed) != (r.Name == each.fails) {
				t.Errorf("%s: %s is %q: %s", name, r.Name, r.Outcome, r.Cause)
			}
		}
	}
}

func TestWorst(t *testing.T) {
	results := check.Run(healthy())
	if got := check.Worst(results); got != check.OK {
		t.Errorf("a healthy connection is %q", got)
	}
	if got := check.Worst(nil); got != check.NotChecked {
		t.Errorf("no results are %q", got)
	}
}

package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/setup"
	"cxm/internal/integration/access"
	"cxm/internal/issue"
)

// answering is a client of a GitLab that answers everything in one way.
func answering(t *testing.T, status int, body string) *setup.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	c, err := rest.New(rest.Options{URL: server.URL, Token: func() string { return "token" }})
	if err != nil {
		t.Fatal(err)
	}
	return setup.New(c)
}

func acme() setup.Place { return setup.Place{Level: setup.Group, ID: 3, Path: "acme"} }

func platform() setup.Place { return setup.Place{Level: setup.Project, ID: 7, Path: "acme/platform"} }

// message is an error body of GitLab's.
func message(text string) string {
	body, _ := json.Marshal(map[string]string{"message": text})
	return string(body)
}

// TestMends holds every way in which GitLab refuses to its mend.
func TestMends(t *testing.T) {
	const full = "400 Bad request - This namespace either does not have an active subscription that can create service accounts, or the subscription has reached its service account creation limit."
	group, instance := setup.Home{Level: setup.Group, Place: acme()}, setup.Home{Level: setup.Instance}
	create := func(h setup.Home, others int) func(context.Context, *setup.Client) error {
		return func(ctx context.Context, c *setup.Client) error {
			_, err := c.CreateAccount(ctx, h, "cxm", "cxm-integration", others)
			return err
		}
	}
	join := func(p setup.Place) func(context.Context, *setup.Client) error {
		return func(ctx context.Context, c *setup.Client) error { return c.Join(ctx, p, 9, access.Maintainer) }
	}
	grant := func(ctx context.Context, c *setup.Client) error {
		_, err := c.CreateToken(ctx, group, 9, setup.Grant{Name: "cxm", Scopes: []string{"api"}, ExpiresAt: time.Unix(0, 0)})
		return err
	}
	find := func(ctx context.Context, c *setup.Client) error {
		_, _, err := c.Account(ctx, group, "cxm-integration")
		return err
	}
	for name, tt := range map[string]struct {
		do     func(context.Context, *setup.Client) error
		status int
		body   string
		mend   string
		none   bool // ErrNoServiceAccounts
	}{
		"limit reached":                {create(group, 100), 400, message(full), "delete one that nobody uses under", false},
		"limit of an instance":         {create(instance, 100), 403, message("403 Forbidden - no_seats"), "/admin/application_settings/service_accounts", false},
		"no subscription":              {create(group, 0), 400, message(full), "has no service accounts", true},
		"user name taken":              {create(group, 1), 400, message("400 Bad request - Username has already been taken"), "--username", false},
		"address taken":                {create(group, 1), 400, message("400 Bad request - Email has already been taken"), "--username", false},
		"user name malformed":          {create(group, 1), 400, message("400 Bad request - Username can contain only letters"), "letters, digits", false},
		"kept to administrators":       {create(group, 0), 403, message("403 Forbidden"), "/admin/application_settings/general", true},
		"not an administrator":         {create(instance, 0), 403, message("403 Forbidden"), "administrator", true},
		"scope of the owner's token":   {create(group, 0), 403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`, "scope api", false},
		"older instance":               {find, 404, `{"error":"404 Not Found"}`, "knows no service accounts", true},
		"tier without":                 {find, 403, message("403 Forbidden"), "the tier has no service accounts", true},
		"group hidden":                 {find, 404, message("404 Group Not Found"), "member", false},
		"not Owner of the group":       {join(acme()), 403, message("403 Forbidden"), "Owner of acme", false},
		"group locked":                 {join(platform()), 405, message("Members cannot be added because the group has locked project membership"), "--add acme", false},
		"higher role above":            {join(platform()), 400, `{"message":{"access_level":["should be greater than or equal to Owner inherited membership from group Acme"]}}`, "higher role", false},
		"service account of elsewhere": {join(platform()), 400, `{"message":{"base":["Subgroup service accounts can only be members of that group or its descendants"]}}`, "--level group --group acme", false},
		"expiry too far":               {grant, 422, message("Expiration date must be before 2027-03-14"), "--expires-days", false},
		"expiry too far, as 400":       {grant, 400, message("400 Bad request - Expiration date must be before 2027-03-14"), "--expires-days", false},
		"scope that does not exist":    {grant, 422, message("Scopes can only contain available scopes"), "--scopes", false},
		"token denied":                 {grant, 403, message("403 Forbidden"), "Owner of the group", false},
		"account gone meanwhile":       {grant, 404, message("404 User Not Found"), "run the same again", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, tt.status, tt.body)
			err := tt.do(t.Context(), c)
			var trouble *issue.Trouble
			if !errors.As(err, &trouble) {
				t.Fatalf("the error is %v", err)
			}
			if !strings.Contains(trouble.Mend, tt.mend) {
				t.Errorf("the mend is %q, without %q", trouble.Mend, tt.mend)
			}
			if errors.Is(err, setup.ErrNoServiceAccounts) != tt.none {
				t.Errorf("no service accounts: %v, want %v", !tt.none, tt.none)
			}
		})
	}
}

// TestUnsupported goes by the version alone.
func TestUnsupported(t *testing.T) {
	home := func(l setup.Level, nested bool) setup.Home {
		return setup.Home{Level: l, Place: setup.Place{Level: l, Path: "acme/sub", Nested: nested}}
	}
	for _, tt := range []struct {
		version string
		home    setup.Home
		none    bool
	}{
		{"15.11.13-ee", home(setup.Group, false), true}, {"16.0.0", home(setup.Instance, false), true},
		{"16.1.0", home(setup.Group, false), false}, {"16.1.0", home(setup.Instance, false), false},
		{"18.8.3-ee", home(setup.Project, false), true}, {"18.9.0-ee", home(setup.Project, false), false}, {"18.11.0", home(setup.Project, false), false},
		{"17.0.0", home(setup.Group, true), true}, {"18.11.1-ee", home(setup.Group, true), false},
		{"", home(setup.Project, false), false}, {"unknown", home(setup.Project, false), false},
	} {
		if why := setup.Unsupported(tt.version, tt.home); (why != "") != tt.none {
			t.Errorf("%s at %s: %q", tt.version, tt.home.Level, why)
		}
	}
}

// TestReachPages reads both lists, which GitLab pages at once, to the end of the
// longer one.
func TestReachPages(t *testing.T) {
	pages := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages++
		w.Header().Set("Content-Type", "application/json")
		n := map[string]int{"1": 100, "2": 100, "3": 5}[r.URL.Query().Get("page")]
		groups, projects := []any{}, []any{}
		if r.URL.Query().Get("page") == "1" {
			groups = append(groups, map[string]any{"id": 1, "web_url": "http://" + r.Host + "/groups/acme/sub", "access_levels": 40})
		}
		for i := range n {
			projects = append(projects, map[string]any{"id": i + 1, "path_with_namespace": fmt.Sprint("acme/p", i), "access_levels": map[string]any{"project_access_level": nil, "group_access_level": 20}})
		}
		json.NewEncoder(w).Encode(map[string]any{"groups": groups, "projects": projects})
	}))
	defer server.Close()
	c, err := rest.New(rest.Options{URL: server.URL, Token: func() string { return "token" }})
	if err != nil {
		t.Fatal(err)
	}
	groups, projects, err := setup.New(c).Reach(t.Context())
	if err != nil || len(groups) != 1 || len(projects) != 205 || pages != 3 {
		t.Fatalf("%d groups and %d projects in %d pages (%v)", len(groups), len(projects), pages, err)
	}
	if g := groups[0]; g.Path != "acme/sub" || g.Role != access.Maintainer || !g.Group {
		t.Errorf("the group is %+v", g)
	}
	if p := projects[204]; p.Role != access.Reporter || p.Direct {
		t.Errorf("the project is %+v", p)
	}
}

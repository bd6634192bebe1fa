package doctor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/integration/check"
	"cxm/internal/sandbox"
	"cxm/internal/source"
	"cxm/internal/store/rules"
)

// ward is a bed in which something goes wrong.
type ward struct{ *bed }

// account is GitLab's number of the service account.
func (w ward) account() int64 { return w.user("cxm-integration") }

func (w ward) user(name string) int64 {
	w.Helper()
	_, got := w.Call(http.MethodGet, "/api/v4/users?username="+name, nil)
	var id int64
	if _, err := fmt.Sscanf(strings.TrimPrefix(string(got), `[{"id":`), "%d", &id); err != nil {
		w.Fatalf("no user %s: %s", name, got)
	}
	return id
}

// token makes another token of a user.
func (w ward) token(user int64, days int, scopes ...string) string {
	w.Helper()
	got := w.Admin(http.MethodPost, fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", user), map[string]any{
		"name": "doctor", "scopes": scopes, "expires_at": w.Clock.Now().AddDate(0, 0, days).Format(time.DateOnly),
	})
	return got["token"].(string)
}

// person makes a user who is no bot, with a role in the project.
func (w ward) person(name, email string, level int) int64 {
	w.Helper()
	u := w.Admin(http.MethodPost, "/api/v4/users", map[string]any{"username": name, "name": name, "email": email, "force_random_password": true})
	w.Admin(http.MethodPost, apptest.ProjectRoute+"/members", map[string]any{"user_id": u["id"], "access_level": level})
	return w.user(name)
}

// role changes the service account's role; 0 takes it out of the project.
func (w ward) role(level int) {
	w.Helper()
	path := fmt.Sprintf("%s/members/%d", apptest.ProjectRoute, w.account())
	if level == 0 {
		w.Admin(http.MethodDelete, path, nil)
		return
	}
	w.Admin(http.MethodPut, path, map[string]any{"access_level": level})
}

// exam is one of a connection that is to be.
func (w ward) exam(token string) app.Exam {
	return app.Exam{URL: w.URL, Token: app.Pasted(token), Project: "acme/platform"}
}

// fresh is an exam with a good token of the service account.
func (w ward) fresh() app.Exam {
	return w.exam(w.token(w.account(), 60, "api", "self_rotate", "read_user", "read_repository", "write_repository"))
}

// at is an exam at another address.
func (w ward) at(address string) app.Exam {
	x := w.fresh()
	x.URL = address
	return x
}

// answering is an exam at a server that answers something else than GitLab would.
func (w ward) answering(answer http.HandlerFunc) app.Exam {
	server := httptest.NewServer(answer)
	w.Cleanup(server.Close)
	return w.at(server.URL)
}

// closed is an address at which nothing listens.
func closed() string {
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.URL
}

// fault is one way to go wrong; the advice it stands for, or a check of its own.
type fault struct {
	advice  string
	name    string
	arrange func(ward) app.Exam // the zero Exam: of the connection that is there
	check   string
	outcome check.Outcome
	says    string
}

func connecting() []fault {
	html := func(title string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html><title>%s</title></html>", title)
		}
	}
	return []fault{
		{"paste", "spaces", func(w ward) app.Exam {
			x := w.fresh()
			x.Token = app.Pasted(" " + x.Token.Reveal() + " ")
			return x
		}, "token.form", check.Failed, "white space before or behind"},
		{"paste", "deploy token", func(w ward) app.Exam { return w.exam("gldt-" + strings.Repeat("z", 20)) }, "token.kind", check.Failed, "deploy token"},
		{"paste", "not whole", func(w ward) app.Exam {
			x := w.fresh()
			text := x.Token.Reveal()
			x.Token = app.Pasted(text[:len(text)-3])
			return x
		}, "token.accepted", check.Failed, "does not know this token"},
		{"role", "guest", func(w ward) app.Exam { w.role(10); return w.fresh() }, "project.role", check.Warning, "Guest"},
		{"role", "developer", func(w ward) app.Exam { w.role(30); return app.Exam{} }, "project.role", check.Warning, "webhooks need Maintainer"},
		{"role", "guest and the group", func(w ward) app.Exam { w.role(10); return w.fresh() }, "namespace.role", check.Warning, "neither a role"},
		{"role", "guest and labels", func(w ward) app.Exam { w.role(10); return w.fresh() }, "project.labels", check.Warning, "silently left out"},
		{"role", "may not create", func(w ward) app.Exam {
			w.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: apptest.IssuesRoute, Status: 403, Header: jsonType(), Body: `{"message":"403 Forbidden"}`})
			return w.fresh()
		}, "project.create", check.Failed, "may not create issues"},
		{"role", "stranger in a public project", func(w ward) app.Exam {
			w.Admin(http.MethodPut, apptest.ProjectRoute, map[string]any{"visibility": "public"})
			w.role(0)
			return w.fresh()
		}, "project.role", check.Failed, "no role"},
		{"path", "misspelt", func(w ward) app.Exam {
			x := w.fresh()
			x.Project = "acme/plattform"
			return x
		}, "project.path", check.Failed, "Did you mean acme/platform"},
		{"path", "other case", func(w ward) app.Exam {
			x := w.fresh()
			x.Project = "Acme/Platform"
			return x
		}, "project.path", check.OK, "GitLab spells it acme/platform"},
		{"path", "renamed", func(w ward) app.Exam {
			w.Admin(http.MethodPut, apptest.ProjectRoute, map[string]any{"path": "infra"})
			return w.fresh()
		}, "project.moved", check.Warning, "acme/platform is now acme/infra"},
		{"path", "renamed since", func(w ward) app.Exam {
			w.Admin(http.MethodPut, apptest.ProjectRoute, map[string]any{"path": "infra"})
			return app.Exam{}
		}, "project.moved", check.Warning, "acme/platform is now acme/infra"},
		{"reach", "port", func(w ward) app.Exam { return w.at(closed()) }, "instance.tcp", check.Failed, "nothing listens"},
		{"reach", "scheme", func(w ward) app.Exam { return w.at("ftp://gitlab.example.com") }, "instance.url", check.Failed, "scheme ftp"},
		{"reach", "proxy", func(w ward) app.Exam {
			x := w.fresh()
			x.Network.Proxy = closed()
			return x
		}, "instance.proxy", check.Failed, "refused"},
		{"reach", "certificate", func(w ward) app.Exam {
			server := httptest.NewTLSServer(w.GitLab)
			server.Config.ErrorLog = quiet()
			w.Cleanup(server.Close)
			return w.at(server.URL)
		}, "instance.tls", check.Failed, "--ca-file"},
		{"reach", "sign-in page", func(w ward) app.Exam { return w.answering(html("Sign in to Example")) }, "instance.gitlab", check.Failed, "Sign in to Example"},
		{"reach", "another product", func(w ward) app.Exam { return w.answering(http.NotFound) }, "instance.gitlab", check.Failed, "another product"},
		{"reach", "single sign-on", func(w ward) app.Exam {
			return w.answering(http.RedirectHandler("https://login.example.com/start", http.StatusFound).ServeHTTP)
		}, "instance.gitlab", check.Failed, "https://login.example.com"},
		{"reach", "old version", func(w ward) app.Exam { return w.older("15.11.13") }, "instance.version", check.Failed, "16.1 or later"},
		{"reach", "older version", func(w ward) app.Exam { return w.older("17.2.1") }, "instance.version", check.Warning, "17.10"},
		{"scopes", "read_api", func(w ward) app.Exam { return w.exam(w.token(w.account(), 60, "read_api")) }, "token.scopes", check.Failed, "lacks the scope api"},
		{"scopes", "only repository", func(w ward) app.Exam { return w.exam(w.token(w.account(), 60, "read_repository")) }, "token.scopes", check.Failed, "lacks the scope api"},
		{"scopes", "no code", func(w ward) app.Exam { return w.exam(w.token(w.account(), 60, "api")) }, "token.scopes", check.Warning, "write_repository"},
		{"scopes", "fine-grained", func(w ward) app.Exam {
			x := w.fresh()
			w.GitLab.SetLimits(sandbox.Limits{FineGrained: true})
			return x
		}, "token.granular", check.Failed, "only fine-grained tokens"},
	}
}

// older is an exam at an instance of another version.
func (w ward) older(version string) app.Exam {
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, Version: version, Clock: w.Clock.Now})
	if err != nil {
		w.Fatal(err)
	}
	server := httptest.NewServer(s)
	w.Cleanup(server.Close)
	return app.Exam{URL: server.URL, Token: app.Pasted(s.AdminToken()), Project: "acme/platform"}
}

func jsonType() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func working() []fault {
	return []fault{
		{"member", "taken out", func(w ward) app.Exam { w.role(0); return app.Exam{} }, "access.kept", check.Failed, "taken out of the project"},
		{"expired", "its day came", func(w ward) app.Exam { w.Clock.Forward(91 * 24 * time.Hour); return app.Exam{} }, "token.expiry", check.Failed, "has expired"},
		{"expired", "soon", func(w ward) app.Exam { return w.exam(w.token(w.account(), 6, "api")) }, "token.expiry", check.Warning, "from that day on"},
		{"expired", "revoked", func(w ward) app.Exam {
			x := w.fresh()
			w.revoke(x.Token.Reveal())
			return x
		}, "token.revoked", check.Failed, "was revoked"},
		{"events", "none", func(ward) app.Exam { return app.Exam{} }, "events.configured", check.Warning, "cxm ingest"},
		{"events", "silent", func(w ward) app.Exam {
			w.AWS(apptest.Disk(1, "10"))
			w.Clock.Forward(10 * 24 * time.Hour)
			return app.Exam{}
		}, "events.configured", check.Warning, "for more than a week"},
		{"events", "not whole", func(w ward) app.Exam {
			w.Ingest(source.CostOptimizationHub, `{"items":[`+apptest.Disk(1, "10")+`],"nextToken":"more"}`)
			return app.Exam{}
		}, "events.complete", check.Warning, "not complete"},
		{"events", "waiting", func(w ward) app.Exam {
			if _, err := w.App.Accept(w.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "a.json", Reader: strings.NewReader(apptest.Snapshot())}}}); err != nil {
				w.Fatal(err)
			}
			return app.Exam{}
		}, "events.waiting", check.Warning, "cxm run"},
		{"routes", "gone", func(w ward) app.Exam {
			in, err := w.App.Integration(w.Context(), 0)
			if err != nil {
				w.Fatal(err)
			}
			shop := "/api/v4/projects/acme%2Fshop/members"
			w.Admin(http.MethodPost, shop, map[string]any{"user_id": in.Account.ID, "access_level": 40})
			text := "version: 1\nrules:\n  - {name: all, route: {project: acme/shop}}\n"
			if _, err := w.App.ApplyRules(w.Context(), "rules.yaml", []byte(text), rules.Change{Author: "platform-admin"}); err != nil {
				w.Fatal(err)
			}
			w.Admin(http.MethodDelete, fmt.Sprintf("%s/%d", shop, in.Account.ID), nil)
			return app.Exam{}
		}, "rules.routes", check.Failed, "acme/shop"},
		{"errors", "refused", func(w ward) app.Exam {
			w.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: apptest.IssuesRoute, Times: 1, Status: 422, Header: jsonType(), Body: `{"message":"no"}`})
			w.AWS(apptest.Disk(1, "10"))
			w.Apply()
			return app.Exam{}
		}, "issues.errors", check.Warning, "failed"},
		{"errors", "archived", func(w ward) app.Exam {
			w.Admin(http.MethodPost, apptest.ProjectRoute+"/archive", nil)
			return app.Exam{}
		}, "project.archived", check.Failed, "/edit"},
		{"errors", "deletion", func(w ward) app.Exam {
			w.Admin(http.MethodDelete, apptest.ProjectRoute, nil)
			return app.Exam{}
		}, "project.deletion", check.Failed, "going to be deleted"},
		{"errors", "issues off", func(w ward) app.Exam {
			w.Admin(http.MethodPut, apptest.ProjectRoute, map[string]any{"issues_access_level": "disabled"})
			return app.Exam{}
		}, "project.issues", check.Failed, "switched off"},
		{"errors", "webhook", func(w ward) app.Exam {
			w.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: "/api/v4/projects/*/hooks", Status: 200, Header: jsonType(), Body: `[{"id":1,"url":"https://cxm.example.com/h?secret=1","alert_status":"disabled"}]`})
			return app.Exam{}
		}, "project.webhooks", check.Warning, "40 failures"},
		{"errors", "limit", func(w ward) app.Exam {
			x := w.fresh()
			w.GitLab.SetLimits(sandbox.Limits{AuthenticatedAPI: 4})
			return x
		}, "instance.limits", check.Warning, "close to its limit"},
		{"errors", "clock", func(w ward) app.Exam {
			w.App = w.Open(w.Dir, func(c *app.Config) { c.Clock = func() time.Time { return w.Clock.Now().Add(10 * time.Minute) } })
			return app.Exam{}
		}, "instance.clock", check.Warning, "ahead of GitLab's"},
		{"removed", "taken out", func(w ward) app.Exam { w.role(0); return app.Exam{} }, "access.kept", check.Failed, "/acme/platform/-/project_members"},
		{"inactive", "blocked", func(w ward) app.Exam { w.state("block"); return app.Exam{} }, "account.state", check.Failed, "/admin/users/cxm-integration"},
		{"inactive", "deactivated", func(w ward) app.Exam { w.state("deactivate"); return app.Exam{} }, "account.state", check.Failed, "was deactivated"},
		{"inactive", "before connecting", func(w ward) app.Exam { x := w.fresh(); w.state("block"); return x }, "account.state", check.Failed, "is blocked"},
		{"deleted", "gone", func(w ward) app.Exam {
			w.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/users/%d", w.account()), nil)
			return app.Exam{}
		}, "access.kept", check.Failed, "new token"},
	}
}

func (w ward) state(verb string) {
	w.Helper()
	w.Admin(http.MethodPost, fmt.Sprintf("/api/v4/users/%d/%s", w.account(), verb), nil)
}

// revoke revokes a token by itself.
func (w ward) revoke(token string) {
	w.Helper()
	if status := w.with(token, http.MethodDelete, "/api/v4/personal_access_tokens/self", "192.0.2.1"); status != http.StatusNoContent {
		w.Fatalf("revoking answered %d", status)
	}
}

// with calls the sandbox with a token from an address.
func (w ward) with(token, method, path, address string) int {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = address + ":4711"
	r.Header.Set("PRIVATE-TOKEN", token)
	out := httptest.NewRecorder()
	w.GitLab.ServeHTTP(out, r)
	return out.Code
}

func practising() []fault {
	return []fault{
		{"bot-role", "developer", func(w ward) app.Exam {
			return w.exam(w.token(w.person("cxm-integration-bot", "cxm-team@example.com", 30), 60, "api"))
		}, "project.role", check.Warning, "the guide asks for it"},
		{"bot-kind", "bot user", func(w ward) app.Exam {
			return w.exam(w.token(w.person("cxm-integration-bot", "cxm-team@example.com", 40), 60, "api"))
		}, "account.kind", check.OK, "takes a seat and can sign in"},
		{"personal", "engineer", func(w ward) app.Exam {
			return w.exam(w.token(w.user("engineer"), 60, "api"))
		}, "account.kind", check.Warning, "when the person leaves"},
		{"least", "administrator", func(w ward) app.Exam { return w.exam(w.GitLab.AdminToken()) }, "account.admin", check.Warning, "whoever gets its token"},
		{"least", "sudo", func(w ward) app.Exam { return w.exam(w.GitLab.AdminToken()) }, "token.excess", check.Warning, "sudo"},
		{"store", "open file", func(w ward) app.Exam {
			x := w.fresh()
			x.TokenFile = filepath.Join(w.TempDir(), "token")
			if err := os.WriteFile(x.TokenFile, []byte(x.Token.Reveal()), 0o600); err != nil {
				w.Fatal(err)
			}
			if err := os.Chmod(x.TokenFile, 0o644); err != nil {
				w.Fatal(err)
			}
			return x
		}, "token.storage", check.Warning, "chmod 600"},
		{"rotate", "old", func(w ward) app.Exam {
			x := w.exam(w.token(w.account(), 360, "api"))
			w.Clock.Forward(100 * 24 * time.Hour)
			return x
		}, "token.age", check.Warning, "older than 90 days"},
		{"rotate", "cannot", func(w ward) app.Exam { return w.exam(w.token(w.account(), 60, "read_api")) }, "token.rotation", check.Warning, "cannot renew itself"},
		{"watch", "many addresses", func(w ward) app.Exam {
			x := w.fresh()
			for i := range 3 {
				w.Clock.Forward(2 * time.Minute)
				w.with(x.Token.Reveal(), http.MethodGet, "/api/v4/user", fmt.Sprintf("192.0.2.%d", i+1))
			}
			w.Clock.Forward(2 * time.Minute)
			return x
		}, "token.use", check.Warning, "several addresses"},
		{"owners", "one", func(w ward) app.Exam {
			w.Admin(http.MethodPost, fmt.Sprintf("/api/v4/users/%d/block", w.user("platform-admin")), nil)
			return w.fresh()
		}, "account.owners", check.Warning, "can"},
		{"review", "never", func(w ward) app.Exam { w.Clock.Forward(100 * 24 * time.Hour); return app.Exam{} }, "access.review", check.Warning, "cxm access review"},
		{"mail", "a person's", func(w ward) app.Exam {
			return w.exam(w.token(w.person("cxm-integration-bot", "first.last@example.com", 40), 60, "api"))
		}, "account.address", check.Warning, "a team's address"},
	}
}

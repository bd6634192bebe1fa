package check_test

import (
	"strings"
	"time"

	"cxm/internal/integration/check"
	"cxm/internal/issue"
)

func instanceRows() []row {
	return []row{
		{"no URL", "instance.url", check.Failed, func(e *check.Evidence) {
			e.URL, e.Base, e.URLTrouble = "ftp://x", "", "the GitLab instance URL has the scheme ftp: use https"
			offline(e)
		}, "scheme ftp"},
		{"plain http", "instance.url", check.Warning, func(e *check.Evidence) { e.Base = "http://gitlab.example.com" }, "not encrypted"},
		{"http on this machine", "instance.url", check.OK, func(e *check.Evidence) { e.Base, e.Loopback = "http://127.0.0.1:8929", true }, "127.0.0.1"},
		{"no proxy", "instance.proxy", check.NotChecked, nil, "no proxy is set"},
		{"a proxy", "instance.proxy", check.OK, func(e *check.Evidence) { e.Proxy = check.Proxy{Address: "http://proxy:3128", Asked: true} }, "proxy:3128"},
		{"proxy down", "instance.proxy", check.Failed, func(e *check.Evidence) {
			e.Proxy = check.Proxy{Address: "http://proxy:3128", Asked: true, Fault: check.Refused}
			offline(e)
		}, "HTTPS_PROXY"},
		{"proxy signs in", "instance.proxy", check.Failed, func(e *check.Evidence) {
			e.Proxy = check.Proxy{Address: "http://proxy:3128", Asked: true}
			e.Page = check.Page{Asked: true, Words: "Proxy Authentication Required"}
		}, "sign-in"},
		{"behind a proxy", "instance.dns", check.NotChecked, func(e *check.Evidence) { e.Proxy = check.Proxy{Address: "http://proxy:3128", Asked: true} }, "the proxy"},
		{"no such host", "instance.dns", check.Failed, func(e *check.Evidence) {
			e.DNS = check.DNS{Asked: true, Host: "gitlap.example.com", Fault: check.NoSuchHost}
			offline(e)
		}, "No name server knows the host gitlap.example.com"},
		{"name server down", "instance.dns", check.Failed, func(e *check.Evidence) { e.DNS.Fault = check.Other; offline(e) }, "did not say"},
		{"refused", "instance.tcp", check.Failed, func(e *check.Evidence) { e.TCP.Fault = check.Refused; offline(e) }, "nothing listens"},
		{"dropped", "instance.tcp", check.Failed, func(e *check.Evidence) { e.TCP.Fault = check.NoAnswer; offline(e) }, "firewall"},
		{"unreachable", "instance.tcp", check.Failed, func(e *check.Evidence) { e.TCP.Fault = check.Unreachable; offline(e) }, "no way"},
		{"not allowed", "instance.tcp", check.Failed, func(e *check.Evidence) { e.TCP.Fault = check.NotAllowed; offline(e) }, "CXM_ALLOW_PRIVATE"},
		{"name unknown", "instance.tcp", check.NotChecked, func(e *check.Evidence) { e.DNS.Fault = check.NoSuchHost; offline(e) }, "does not resolve"},
		{"expired", "instance.tls", check.Failed, tlsFault(check.Expired), "expired on 2026-03-13"},
		{"not yet", "instance.tls", check.Failed, tlsFault(check.NotYetValid), "from 2026-03-15"},
		{"wrong name", "instance.tls", check.Failed, tlsFault(check.WrongName), "other.example.com"},
		{"self-signed", "instance.tls", check.Failed, tlsFault(check.SelfSigned), "--ca-file"},
		{"unknown CA", "instance.tls", check.Failed, tlsFault(check.UnknownCA), "--ca-file"},
		{"no TLS", "instance.tls", check.Failed, tlsFault(check.NoTLS), "does not speak TLS"},
		{"odd", "instance.tls", check.Failed, tlsFault(check.Other), "openssl"},
		{"ends soon", "instance.tls", check.Warning, func(e *check.Evidence) { e.TLS.NotAfter = noon().AddDate(0, 0, 5) }, "2026-03-19"},
		{"http", "instance.tls", check.NotChecked, func(e *check.Evidence) { e.Base = "http://gitlab.example.com" }, "http"},
		{"no connection", "instance.tls", check.NotChecked, func(e *check.Evidence) { e.TCP.Fault, e.TLS = check.Refused, check.TLS{}; offline(e) }, "no connection"},
		{"no connection", "instance.gitlab", check.NotChecked, offline, "no connection"},
		{"broken off", "instance.gitlab", check.Failed, page(check.Page{Words: "EOF"}), "broke off"},
		{"http to https", "instance.gitlab", check.Failed, page(check.Page{Status: 301, Location: "https://gitlab.example.com"}), "answers at https://gitlab.example.com"},
		{"single sign-on", "instance.gitlab", check.Failed, page(check.Page{Status: 302, Location: "https://login.example.com"}), "https://login.example.com"},
		{"sign-in page", "instance.gitlab", check.Failed, page(check.Page{Status: 200, Type: "text/html", Title: "Sign in to Example"}), "Sign in to Example"},
		{"another product", "instance.gitlab", check.Failed, page(check.Page{Status: 200, Type: "text/html", Title: "Wiki"}), "another product"},
		{"no API", "instance.gitlab", check.Failed, page(check.Page{Status: 404, Type: "text/html"}), "below a path"},
		{"down", "instance.gitlab", check.Failed, page(check.Page{Status: 502, Type: "text/html", Title: "GitLab is not responding"}), "does not work at the moment"},
		{"other JSON", "instance.gitlab", check.Failed, page(check.Page{Status: 200, Type: "application/json", JSON: true}), "not GitLab's API"},
		{"signed proxy", "instance.gitlab", check.Failed, page(check.Page{Status: 407}), "HTTPS_PROXY"},
		{"too old", "instance.version", check.Failed, func(e *check.Evidence) { e.Version = "15.11.13-ee" }, "16.1"},
		{"older", "instance.version", check.Warning, func(e *check.Evidence) { e.Version = "17.2.0" }, "self_rotate alone"},
		{"a little older", "instance.version", check.Warning, func(e *check.Evidence) { e.Version = "19.0.1-ee" }, "webhooks are not signed"},
		{"not told", "instance.version", check.NotChecked, func(e *check.Evidence) { e.Meta = failed("GET", "/version", issue.Forbidden, 403, "") }, "did not answer"},
		{"odd version", "instance.version", check.NotChecked, func(e *check.Evidence) { e.Version = "x" }, "does not tell"},
		{"clock ahead", "instance.clock", check.Warning, func(e *check.Evidence) { e.Heard = e.Server.Add(10 * time.Minute) }, "ahead of"},
		{"clock behind", "instance.clock", check.Warning, func(e *check.Evidence) { e.Heard = e.Server.Add(-10 * time.Minute) }, "behind"},
		{"no date", "instance.clock", check.NotChecked, func(e *check.Evidence) { e.Server = time.Time{} }, "no date"},
		{"busy", "instance.limits", check.Warning, func(e *check.Evidence) { e.Limits.Remaining = 10 }, "close to its limit"},
		{"small", "instance.limits", check.Warning, func(e *check.Evidence) { e.Limits.Limit, e.Limits.Remaining = 100, 90 }, "allows 100"},
		{"429", "instance.limits", check.Warning, func(e *check.Evidence) { e.Limits = check.Limits{Waited: true} }, "too often"},
		{"no headers", "instance.limits", check.NotChecked, func(e *check.Evidence) { e.Limits = check.Limits{} }, "no RateLimit"},
	}
}

func tokenRows() []row {
	return []row{
		{"spaces", "token.form", check.Failed, pasted(" glpa"), "before or behind"},
		{"quotes", "token.form", check.Failed, pasted(`"glpa"`), "quotes"},
		{"header", "token.form", check.Failed, pasted("Bearer x"), "Bearer"},
		{"deploy token", "token.kind", check.Failed, pasted("gldt-" + strings.Repeat("a", 20)), "deploy token"},
		{"CI token", "token.kind", check.Failed, pasted("glcbt-" + strings.Repeat("a", 20)), "CI/CD job token"},
		{"own prefix", "token.kind", check.OK, func(e *check.Evidence) { e.Form = check.ParseForm("acme_" + strings.Repeat("a", 20)) }, "one of its own"},
		{"unsendable", "token.kind", check.NotChecked, pasted(" x"), "cannot be sent"},
		{"open file", "token.storage", check.Warning, func(e *check.Evidence) { e.Storage = check.Storage{File: "token", Others: true} }, "chmod 600 token"},
		{"closed file", "token.storage", check.OK, func(e *check.Evidence) { e.Storage = check.Storage{File: "token"} }, "token"},
		{"environment", "token.storage", check.NotChecked, func(e *check.Evidence) { e.Storage = check.Storage{} }, "environment"},
		{"unknown", "token.accepted", check.Failed, unauthorized("401 Unauthorized"), "does not know this token"},
		{"impersonation", "token.accepted", check.Failed, unauthorized("invalid_token: Token is an impersonation token but impersonation was disabled."), "impersonation"},
		{"dpop", "token.accepted", check.Failed, unauthorized("dpop_error: DPoP header is missing"), "DPoP"},
		{"outage", "token.accepted", check.NotChecked, func(e *check.Evidence) { e.User = failed("GET", "/user", issue.Unavailable, 500, "") }, "did not answer"},
		{"unsendable", "token.accepted", check.NotChecked, pasted(" x"), "cannot be sent"},
		{"expired", "token.accepted", check.OK, unauthorized("Token is expired."), "it is expired"},
		{"revoked", "token.revoked", check.Failed, unauthorized("Token was revoked."), "was revoked"},
		{"unknown", "token.revoked", check.NotChecked, unauthorized("401 Unauthorized"), "does not say"},
		{"expired", "token.revoked", check.NotChecked, unauthorized("Token is expired."), "did not say"},
		{"expired", "token.expiry", check.Failed, unauthorized("Token is expired."), "has expired"},
		{"expired by what was known", "token.expiry", check.Failed, func(e *check.Evidence) {
			unauthorized("401 Unauthorized")(e)
			e.Before.ExpiresAt = noon().AddDate(0, 0, -2)
		}, "2026-03-12"},
		{"ends soon", "token.expiry", check.Warning, func(e *check.Evidence) { e.PAT.ExpiresAt = noon().AddDate(0, 0, 6) }, "in 6 days"},
		{"never", "token.expiry", check.Warning, func(e *check.Evidence) { e.PAT.ExpiresAt = time.Time{} }, "never expires"},
		{"OAuth", "token.expiry", check.NotChecked, func(e *check.Evidence) {
			e.Self = failed("GET", "/personal_access_tokens/self", issue.Invalid, 400, "400 Bad request - This endpoint requires token type to be a personal access token")
		}, "not a personal access token"},
		{"unknown", "token.expiry", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"old", "token.age", check.Warning, func(e *check.Evidence) { e.PAT.CreatedAt = noon().AddDate(0, -6, 0) }, "90 days"},
		{"no date", "token.age", check.NotChecked, func(e *check.Evidence) { e.PAT.CreatedAt = time.Time{} }, "does not say"},
		{"no api", "token.scopes", check.Failed, func(e *check.Evidence) { e.PAT.Scopes = []string{"read_api", "read_user"} }, "lacks the scope api"},
		{"not even user", "token.scopes", check.Failed, forbidden("insufficient_scope: The request requires higher privileges than provided by the access token."), "lacks the scope api"},
		{"no code", "token.scopes", check.Warning, func(e *check.Evidence) { e.PAT.Scopes = []string{"api"} }, "write_repository (changes in code"},
		{"fine-grained", "token.scopes", check.NotChecked, func(e *check.Evidence) { e.PAT.Granular = true }, "permissions in place of scopes"},
		{"sudo", "token.excess", check.Warning, func(e *check.Evidence) { e.PAT.Scopes = append(e.PAT.Scopes, "sudo", "admin_mode") }, "sudo and admin_mode"},
		{"runners", "token.excess", check.Warning, func(e *check.Evidence) { e.PAT.Scopes = append(e.PAT.Scopes, "create_runner") }, "create_runner"},
		{"refused", "token.excess", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"cannot rotate", "token.rotation", check.Warning, func(e *check.Evidence) { e.PAT.Scopes = []string{"read_api"} }, "cannot renew itself"},
		{"fine-grained", "token.rotation", check.Warning, func(e *check.Evidence) { e.PAT.Granular = true }, "that permission"},
		{"refused", "token.rotation", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"enforced", "token.granular", check.Failed, func(e *check.Evidence) {
			e.Find = failed("GET", "/projects/:id", issue.Forbidden, 403, "insufficient_granular_scope: Access denied: This operation requires a fine-grained personal access token")
		}, "only fine-grained tokens"},
		{"lacks one", "token.granular", check.Failed, func(e *check.Evidence) {
			e.PAT.Granular = true
			e.Dry = failed("POST", "/projects/:id/issues", issue.Forbidden, 403, "insufficient_granular_scope: [Issue: Create]")
		}, "lacks a permission"},
		{"fine-grained", "token.granular", check.Warning, func(e *check.Evidence) { e.PAT.Granular = true }, "does not list"},
		{"refused", "token.granular", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"many addresses", "token.use", check.Warning, func(e *check.Evidence) { e.PAT.Addresses = []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} }, "192.0.2.3"},
		{"no addresses", "token.use", check.NotChecked, func(e *check.Evidence) { e.PAT.Addresses = nil }, "no addresses"},
	}
}

func accountRows() []row {
	return []row{
		{"blocked", "account.state", check.Failed, forbidden("403 Forbidden - Your account has been blocked."), "/admin/users/cxm-integration"},
		{"deactivated", "account.state", check.Failed, forbidden("403 Forbidden - Your account has been deactivated by your administrator."), "was deactivated"},
		{"pending", "account.state", check.Failed, forbidden("403 Forbidden - Your account is pending approval from your administrator and hence blocked."), "approval"},
		{"terms", "account.state", check.Failed, forbidden("403 Forbidden - You must accept the Terms of Service"), "terms"},
		{"unconfirmed", "account.state", check.Failed, forbidden("403 Forbidden - Your primary email address is not confirmed."), "not confirmed"},
		{"password", "account.state", check.Failed, forbidden("403 Forbidden - Your password expired."), "password"},
		{"odd", "account.state", check.Failed, forbidden("403 Forbidden"), "do nothing"},
		{"state", "account.state", check.Failed, func(e *check.Evidence) { e.Who.State = "ldap_blocked" }, "ldap_blocked"},
		{"refused", "account.state", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"scope", "account.state", check.NotChecked, forbidden("insufficient_scope: more"), "may not even ask"},
		{"person", "account.kind", check.Warning, func(e *check.Evidence) { e.Who = check.Who{ID: 9, Username: "engineer", Name: "An Engineer"} }, "when the person leaves"},
		{"bot user", "account.kind", check.OK, func(e *check.Evidence) { e.Who = check.Who{ID: 9, Username: "cxm-integration-bot"} }, "takes a seat"},
		{"project token", "account.kind", check.Warning, func(e *check.Evidence) { e.Who = check.Who{ID: 9, Username: "project_3_bot_4ffca233d829", Bot: true} }, "ends with that token"},
		{"refused", "account.kind", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"personal address", "account.address", check.Warning, func(e *check.Evidence) {
			e.Who = check.Who{ID: 9, Username: "cxm-bot", Email: "first.last@example.com"}
		}, "a team's address"},
		{"team address", "account.address", check.OK, func(e *check.Evidence) {
			e.Who = check.Who{ID: 9, Username: "cxm-bot", Email: "finops-team@example.com"}
		}, "finops-team"},
		{"no address", "account.address", check.NotChecked, func(e *check.Evidence) { e.Who.Email = "" }, "does not tell"},
		{"administrator", "account.admin", check.Warning, func(e *check.Evidence) { e.Who.Admin = true }, "administrator of the instance"},
		{"refused", "account.admin", check.NotChecked, unauthorized("401 Unauthorized"), "does not accept"},
		{"wide", "account.extent", check.Warning, func(e *check.Evidence) { e.Extent.Projects = make([]string, 30) }, "30 projects"},
		{"not told", "account.extent", check.NotChecked, func(e *check.Evidence) {
			e.Reach = failed("GET", "/personal_access_tokens/self/associations", issue.NotFound, 404, "404 Not Found")
		}, "404"},
		{"nobody", "account.owners", check.Warning, func(e *check.Evidence) { e.Managers = nil }, "Nobody but the account"},
		{"one", "account.owners", check.Warning, func(e *check.Evidence) { e.Managers = []string{"platform-admin"} }, "One person alone"},
		{"recorded", "account.owners", check.OK, func(e *check.Evidence) { e.Managers, e.Before.Owners = nil, []string{"finops@example.com"} }, "finops@example.com"},
		{"not told", "account.owners", check.NotChecked, func(e *check.Evidence) {
			e.People = failed("GET", "/projects/:id/members/all", issue.Forbidden, 403, "")
		}, "403"},
	}
}

func projectRows() []row {
	gone := func(e *check.Evidence) {
		e.Find, e.Place = failed("GET", "/projects/:id", issue.NotFound, 404, "404 Project Not Found"), check.Place{}
	}
	return []row{
		{"hidden", "project.path", check.Failed, gone, "hidden from cxm-integration"},
		{"misspelt", "project.path", check.Failed, func(e *check.Evidence) { gone(e); e.Near = []string{"acme/platform"}; e.Wanted = "acme/plattform" }, "Did you mean acme/platform?"},
		{"no group", "project.path", check.Failed, func(e *check.Evidence) {
			e.Wanted, e.Find = "platform", failed("GET", "/projects/:id", issue.Invalid, 0, "a project is named with its group")
		}, "group/project"},
		{"decoded slash", "project.path", check.Failed, func(e *check.Evidence) {
			gone(e)
			e.Find = failed("GET", "/projects/:id", issue.NotFound, 404, "404 Not Found")
		}, "%2F"},
		{"other case", "project.path", check.OK, func(e *check.Evidence) { e.Wanted = "Acme/Platform" }, "GitLab spells it acme/platform"},
		{"not named", "project.path", check.NotChecked, func(e *check.Evidence) { e.Wanted, e.Find = "", check.Call{} }, "no project was named"},
		{"outage", "project.path", check.NotChecked, func(e *check.Evidence) { e.Find = failed("GET", "/projects/:id", issue.Unavailable, 500, "") }, "did not answer"},
		{"renamed", "project.moved", check.Warning, func(e *check.Evidence) { e.Before.Project = "acme/infra" }, "acme/infra is now acme/platform"},
		{"hidden", "project.moved", check.NotChecked, gone, "not found"},
		{"archived", "project.archived", check.Failed, func(e *check.Evidence) { e.Place.Archived = true }, "Unarchive it at https://gitlab.example.com/acme/platform/edit"},
		{"hidden", "project.archived", check.NotChecked, gone, "not found"},
		{"deletion", "project.deletion", check.Failed, func(e *check.Evidence) { e.Place.Deletion = "2026-04-01" }, "going to be deleted"},
		{"hidden", "project.deletion", check.NotChecked, gone, "not found"},
		{"no issues", "project.issues", check.Failed, func(e *check.Evidence) { e.Place.Issues = "disabled" }, "switched off"},
		{"not told", "project.issues", check.NotChecked, func(e *check.Evidence) { e.Place.Issues = "" }, "without a role"},
		{"none", "project.role", check.Failed, role(0), "no role"},
		{"minimal", "project.role", check.Failed, role(5), "no role"},
		{"guest", "project.role", check.Warning, role(10), "not set labels later"},
		{"planner", "project.role", check.Warning, role(15), "reading code needs Reporter"},
		{"reporter", "project.role", check.Warning, role(20), "merge requests need Developer"},
		{"developer", "project.role", check.Warning, role(30), "webhooks need Maintainer"},
		{"owner", "project.role", check.OK, role(50), "Maintainer would be enough"},
		{"administrator", "project.role", check.OK, func(e *check.Evidence) { role(0)(e); e.Who.Admin = true }, "administrator"},
		{"not told", "project.role", check.NotChecked, func(e *check.Evidence) {
			role(0)(e)
			e.Member = failed("GET", "/projects/:id/members/all/:user_id", issue.Unavailable, 500, "")
		}, "did not answer"},
		{"nowhere", "namespace.role", check.Warning, func(e *check.Evidence) { role(10)(e); e.Space = 0 }, "neither a role"},
		{"project only", "namespace.role", check.OK, func(e *check.Evidence) { e.Space = 0 }, "enough for this project"},
		{"personal", "namespace.role", check.NotChecked, func(e *check.Evidence) { e.Place.Personal = true }, "user's own"},
		{"not asked", "namespace.role", check.NotChecked, func(e *check.Evidence) { e.Group = check.Call{} }, "nobody asked"},
		{"guest", "project.labels", check.Warning, role(10), "silently left out"},
		{"unknown", "project.labels", check.NotChecked, role(0), "not known"},
		{"forbidden", "project.create", check.Failed, func(e *check.Evidence) {
			e.Dry = failed("POST", "/projects/:id/issues", issue.Forbidden, 403, "403 Forbidden")
		}, "may not create issues"},
		{"hidden", "project.create", check.Failed, func(e *check.Evidence) {
			e.Dry = failed("POST", "/projects/:id/issues", issue.NotFound, 404, "404 Project Not Found")
		}, "hides"},
		{"created", "project.create", check.Warning, func(e *check.Evidence) {
			e.Dry, e.Created = went("POST", "/projects/:id/issues", 201), "https://gitlab.example.com/acme/platform/-/issues/9"
		}, "Delete https://gitlab.example.com/acme/platform/-/issues/9"},
		{"read-only", "project.create", check.OK, func(e *check.Evidence) { e.Dry = failed("POST", "/projects/:id/issues", issue.Unsent, 0, "") }, "derived"},
		{"proves nothing", "project.create", check.OK, func(e *check.Evidence) {
			e.Dry = failed("POST", "/projects/:id/issues", issue.Invalid, 400, "title is missing")
		}, "derived"},
		{"archived", "project.create", check.NotChecked, func(e *check.Evidence) { e.Place.Archived, e.Dry = true, check.Call{} }, "archived"},
		{"given up", "project.webhooks", check.Warning, func(e *check.Evidence) { e.Hooks[0].Status = "disabled" }, "40 failures"},
		{"waits", "project.webhooks", check.Warning, func(e *check.Evidence) {
			e.Hooks[0].Status, e.Hooks[0].Until = "temporarily_disabled", "2026-03-14T13:00:00Z"
		}, "13:00"},
		{"none", "project.webhooks", check.OK, func(e *check.Evidence) { e.Hooks = nil }, "at intervals"},
		{"developer", "project.webhooks", check.NotChecked, func(e *check.Evidence) {
			e.Hooked = failed("GET", "/projects/:id/hooks", issue.Forbidden, 403, "403 Forbidden")
		}, "only a Maintainer"},
	}
}

func flowRows() []row {
	return []row{
		{"token gone", "access.kept", check.Failed, unauthorized("401 Unauthorized"), "was removed"},
		{"token expired", "access.kept", check.Failed, unauthorized("Token is expired."), "the token is expired"},
		{"account blocked", "access.kept", check.Failed, forbidden("403 Forbidden - Your account has been blocked."), "blocked or deactivated"},
		{"member removed", "access.kept", check.Failed, func(e *check.Evidence) {
			e.Find = failed("GET", "/projects/:id", issue.NotFound, 404, "404 Project Not Found")
		}, "taken out of the project"},
		{"new", "access.kept", check.NotChecked, func(e *check.Evidence) { e.Before = check.Before{} }, "not connected yet"},
		{"outage", "access.kept", check.NotChecked, func(e *check.Evidence) { e.Find = failed("GET", "/projects/:id", issue.Unavailable, 500, "") }, "did not answer"},
		{"never", "access.review", check.Warning, func(e *check.Evidence) { e.Before.Since = noon().AddDate(0, -5, 0) }, "cxm access review"},
		{"long ago", "access.review", check.Warning, func(e *check.Evidence) { e.Before.ReviewedAt = noon().AddDate(0, -4, 0) }, "a quarter ago"},
		{"lately", "access.review", check.OK, func(e *check.Evidence) { e.Before.ReviewedAt = noon().AddDate(0, -1, 0) }, "2026-02-14"},
		{"new", "access.review", check.NotChecked, func(e *check.Evidence) { e.Before = check.Before{} }, "not connected yet"},
		{"none", "events.configured", check.Warning, func(e *check.Evidence) { e.Flow.Sources = nil }, "cxm ingest"},
		{"silent", "events.configured", check.Warning, func(e *check.Evidence) { e.Flow.Sources[0].At = noon().AddDate(0, 0, -9) }, "2026-03-05"},
		{"not looked", "events.configured", check.NotChecked, func(e *check.Evidence) { e.Flow = check.Facts{} }, "not connected yet"},
		{"partial", "events.complete", check.Warning, func(e *check.Evidence) {
			e.Flow.Sources[0].Complete, e.Flow.Sources[0].Reasons = false, []string{"a page is missing"}
		}, "a page is missing"},
		{"left out", "events.complete", check.Warning, func(e *check.Evidence) { e.Flow.Sources[0].Skipped = 3 }, "3 records left out"},
		{"none", "events.complete", check.NotChecked, func(e *check.Evidence) { e.Flow.Sources = nil }, "no source"},
		{"refused", "events.waiting", check.Warning, func(e *check.Evidence) { e.Flow.Refused = 1 }, "cannot be taken in"},
		{"waiting", "events.waiting", check.Warning, func(e *check.Evidence) { e.Flow.Waiting = 2 }, "cxm run"},
		{"not looked", "events.waiting", check.NotChecked, func(e *check.Evidence) { e.Flow = check.Facts{} }, "not connected yet"},
		{"astray", "rules.routes", check.Failed, func(e *check.Evidence) {
			e.Flow.Ruled, e.Flow.Astray = true, []string{"rule a (line 3): the project acme/gone cannot be used: it is not there"}
		}, "acme/gone"},
		{"built in", "rules.routes", check.NotChecked, func(e *check.Evidence) { e.Flow.Ruled = false }, "built-in rules"},
		{"breaker", "issues.errors", check.Failed, func(e *check.Evidence) { e.Flow.Broken = []string{"project 3 failed 5 times in a row"} }, "failed 5 times"},
		{"failed steps", "issues.errors", check.Warning, func(e *check.Evidence) { e.Flow.Failed = 2 }, "2 steps failed"},
		{"held", "issues.errors", check.Warning, func(e *check.Evidence) { e.Flow.Held = []int64{8} }, "cxm approve 8"},
		{"in doubt", "issues.errors", check.Warning, func(e *check.Evidence) { e.Flow.InDoubt = 1 }, "1 create in doubt"},
		{"unseen", "issues.errors", check.Warning, func(e *check.Evidence) { e.Flow.Unseen = 1 }, "hidden"},
		{"no run", "issues.errors", check.NotChecked, func(e *check.Evidence) { e.Flow.LastRun = 0 }, "no run yet"},
	}
}

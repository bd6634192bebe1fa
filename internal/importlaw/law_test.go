package importlaw

import "slices"

// line says what one package may import of this module. It stands for the
// packages beneath it too, unless they have a line of their own; whatever
// stands under one line may import each other.
type line struct {
	pkg  string   // a folder, relative to the module's root
	may  []string // packages of this module; "x/..." is x and everything beneath it
	pure bool     // decides only: no file, network, clock, log or randomness
}

// law is everything the checks know of this module.
type law struct {
	lines []line
	// reserved holds the packages from outside that only some of ours may
	// import: import path, with everything beneath it -> ours.
	reserved map[string][]string
	// vars holds the package variables that are allowed although they are none
	// of the allowed forms: folder.name -> why.
	vars map[string]string
}

// values are the packages whose types flow through the program.
func values() []string {
	return []string{
		"internal/finding", "internal/integration", "internal/issue", "internal/money",
		"internal/plan", "internal/rule", "internal/source",
	}
}

// kept is what the store keeps.
func kept() []string {
	return []string{
		"internal/audit", "internal/credential", "internal/finding", "internal/integration", "internal/integration/access", "internal/issue",
		"internal/money", "internal/plan", "internal/reconcile/breaker", "internal/rule", "internal/rule/attention",
	}
}

// houseLaw is the law of this module. Data flows one way and imports point up
// the flow (docs/architecture.md): change it knowingly.
func houseLaw() law {
	return law{
		lines: []line{
			{pkg: "internal/money", pure: true},
			{pkg: "internal/table"},
			{pkg: "internal/finding", may: []string{"internal/money", "internal/table"}, pure: true},
			{pkg: "internal/rule", may: []string{"internal/finding", "internal/money"}, pure: true},
			{pkg: "internal/rule/attention", may: []string{"internal/finding", "internal/money"}, pure: true},
			{pkg: "internal/rule/owner", may: []string{"internal/finding"}, pure: true},
			{pkg: "internal/rule/rulebook", may: []string{"internal/finding", "internal/money", "internal/rule", "internal/rule/attention", "internal/rule/owner"}, pure: true},
			{pkg: "internal/issue", may: []string{"internal/finding", "internal/money", "internal/rule", "internal/rule/attention"}, pure: true},
			// What judges the writing of text shares nothing with it.
			{pkg: "internal/issue/inert/inerttest", may: []string{"internal/sandbox/..."}},
			{pkg: "internal/plan", may: []string{"internal/finding", "internal/issue", "internal/money", "internal/rule", "internal/rule/attention"}, pure: true},

			{pkg: "internal/source", may: []string{"internal/finding", "internal/money", "internal/table"}},
			{pkg: "internal/credential"},
			{pkg: "internal/audit", pure: true},
			{pkg: "internal/notify"},
			{pkg: "internal/status"},
			{pkg: "internal/config", may: []string{"internal/credential", "internal/rule/rulebook/form"}},
			// The server knows nothing of what it serves.
			{pkg: "internal/serve"},
			{pkg: "internal/tracing"},
			{pkg: "internal/integration", may: []string{"internal/credential"}},
			{pkg: "internal/integration/access", pure: true},
			{pkg: "internal/integration/check", may: []string{"internal/integration", "internal/issue"}, pure: true},
			{pkg: "internal/gitlab/probe", may: []string{"internal/credential", "internal/gitlab/rest", "internal/integration", "internal/integration/check", "internal/issue"}},
			{pkg: "internal/gitlab/rest", may: []string{"internal/gitlab/limit", "internal/integration", "internal/issue"}},
			{pkg: "internal/gitlab/places", may: []string{"internal/gitlab/rest", "internal/integration", "internal/integration/access", "internal/issue", "internal/sandbox"}},
			{pkg: "internal/gitlab/people", may: []string{"internal/gitlab/rest", "internal/issue", "internal/sandbox"}},
			{pkg: "internal/gitlab/code", may: []string{"internal/gitlab/people", "internal/gitlab/rest", "internal/issue", "internal/rule/owner/...", "internal/sandbox"}},
			{pkg: "internal/gitlab/setup", may: []string{"internal/credential", "internal/gitlab/rest", "internal/integration/access", "internal/issue"}},
			{pkg: "internal/gitlab/dial", may: []string{"internal/gitlab/rest", "internal/issue"}},
			{pkg: "internal/gitlab/oauth", may: []string{"internal/credential", "internal/gitlab/dial", "internal/gitlab/rest", "internal/integration", "internal/issue"}},
			{pkg: "internal/gitlab", may: []string{"internal/credential", "internal/gitlab/rest", "internal/integration", "internal/issue"}},
			{pkg: "internal/reconcile/flight"},
			{pkg: "internal/reconcile/breaker", may: []string{"internal/issue"}, pure: true},
			{pkg: "internal/reconcile", may: []string{
				"internal/finding", "internal/integration", "internal/issue", "internal/money",
				"internal/plan", "internal/reconcile/breaker", "internal/reconcile/flight", "internal/rule", "internal/rule/attention", "internal/source",
			}},
			{pkg: "internal/store", may: kept()},
			// The limits that processes share are tested as they are used.
			{pkg: "internal/store/storetest", may: append(kept(), "internal/gitlab/limit", "internal/store", "internal/store/db", "internal/store/route")},
			{pkg: "internal/store/pgtest"},

			{pkg: "internal/receive", may: []string{"internal/credential", "internal/finding", "internal/source"}},
			{pkg: "internal/observe", may: []string{"internal/credential", "internal/issue"}},
			{pkg: "internal/queue"},
			// Who uses cxm: values and decisions, what keeps them, and what lets people in.
			{pkg: "internal/signin", may: []string{"internal/credential", "internal/signin/role"}},
			{pkg: "internal/signin/role", pure: true},
			{pkg: "internal/signin/password", may: []string{"internal/credential"}},
			{pkg: "internal/signin/oidc", may: []string{"internal/credential", "internal/signin", "internal/signin/role"}},
			{pkg: "internal/signin/desk", may: []string{"internal/credential", "internal/signin", "internal/signin/password", "internal/signin/role", "internal/store/people"}},
			{pkg: "internal/store/people", may: []string{"internal/credential", "internal/signin", "internal/signin/role", "internal/store/database", "internal/store/db"}},
			{pkg: "internal/cli/tenant", may: []string{"internal/app", "internal/cli/remote", "internal/cli/shell"}},
			{pkg: "internal/cli/people", may: []string{"internal/app", "internal/cli/remote", "internal/cli/shell", "internal/credential", "internal/signin", "internal/signin/desk", "internal/signin/role"}},

			// The sandbox shares nothing with cxm, so that it cannot share a
			// misreading of GitLab.
			{pkg: "internal/sandbox"},

			{pkg: "internal/app", may: []string{"internal/..."}},
			// The API knows what it serves by interfaces of its own; edge implements them.
			{pkg: "internal/api", may: []string{"internal/api/door", "internal/api/reader", "internal/credential", "internal/signin", "internal/signin/role"}},
			{pkg: "internal/api/door", may: []string{"internal/audit", "internal/credential", "internal/signin", "internal/signin/role"}},
			{pkg: "internal/api/reader"},
			{pkg: "internal/api/client", may: []string{"internal/api", "internal/api/door", "internal/credential", "internal/signin", "internal/signin/role"}},
			{pkg: "internal/app/edge", may: append(
				values(), "internal/api", "internal/api/door", "internal/app", "internal/app/auditing", "internal/app/deciding", "internal/app/feed", "internal/app/learning",
				"internal/app/ruling", "internal/app/sourcing", "internal/app/tokencare", "internal/audit", "internal/credential", "internal/integration/access",
				"internal/integration/check", "internal/reconcile", "internal/rule/rulebook", "internal/signin", "internal/signin/desk", "internal/signin/role",
				"internal/store", "internal/store/decisions", "internal/store/lists", "internal/store/replies", "internal/store/rules", "internal/store/scopes", "internal/store/sources",
				"internal/store/tenants",
			)},
			{pkg: "internal/app/pages", may: append(
				values(), "internal/api", "internal/api/door", "internal/app", "internal/app/edge", "internal/app/...", "internal/audit", "internal/credential",
				"internal/integration/...", "internal/issue", "internal/plan/stand", "internal/rule/...", "internal/signin", "internal/signin/...", "internal/store", "internal/store/...", "internal/web/...", "internal/demo",
			)},
			// What people began in a browser, and the last calls of GitLab.
			{pkg: "internal/app/attempt"},
			{pkg: "internal/app/recent", may: []string{"internal/gitlab/rest"}},
			// What the parts of the program stand on, and the parts: none knows the whole.
			{pkg: "internal/app/errand"},
			{pkg: "internal/app/core", may: append(
				values(), "internal/credential", "internal/gitlab", "internal/gitlab/dial", "internal/gitlab/limit", "internal/gitlab/oauth",
				"internal/gitlab/rest", "internal/notify", "internal/reconcile", "internal/store", "internal/store/...",
			)},
			{pkg: "internal/app/ruling", may: append(
				values(), "internal/integration", "internal/issue/template", "internal/reconcile", "internal/rule/attention", "internal/rule/owner",
				"internal/rule/rulebook", "internal/rule/rulebook/...",
			)},
			{pkg: "internal/app/evidence", may: []string{
				"internal/app/tokencare", "internal/finding", "internal/gitlab", "internal/gitlab/code", "internal/gitlab/people", "internal/gitlab/rest",
				"internal/integration", "internal/issue", "internal/rule/owner/...", "internal/store/db", "internal/store/declared",
			}},
			{pkg: "internal/app/tokencare", may: append(
				values(), "internal/app/core", "internal/credential", "internal/gitlab", "internal/gitlab/oauth", "internal/gitlab/rest",
				"internal/gitlab/token", "internal/reconcile", "internal/reconcile/breaker", "internal/store", "internal/store/tokens",
			)},
			{pkg: "internal/app/webhooks", may: []string{
				"internal/app/tokencare", "internal/credential", "internal/gitlab/hook", "internal/gitlab/rest", "internal/integration",
				"internal/issue", "internal/observe", "internal/store/hooks",
			}},
			{pkg: "internal/app/connecting", may: append(
				values(), "internal/app/core", "internal/app/tokencare", "internal/app/webhooks", "internal/credential", "internal/gitlab",
				"internal/gitlab/dial", "internal/gitlab/oauth", "internal/gitlab/places", "internal/gitlab/rest", "internal/gitlab/token",
				"internal/store", "internal/store/connections", "internal/store/route",
			)},
			{pkg: "internal/app/bootstrap", may: []string{
				"internal/app/connecting", "internal/app/core", "internal/credential", "internal/gitlab", "internal/gitlab/rest", "internal/gitlab/setup",
				"internal/integration", "internal/integration/access", "internal/issue", "internal/plan", "internal/store", "internal/store/reviews",
			}},
			{pkg: "internal/app/review", may: append(
				values(), "internal/app/tokencare", "internal/gitlab", "internal/gitlab/setup", "internal/integration/access",
				"internal/reconcile", "internal/store/reviews",
			)},
			{pkg: "internal/app/sourcing", may: append(values(), "internal/app/core", "internal/credential", "internal/receive", "internal/reconcile", "internal/store", "internal/store/sources")},
			{pkg: "internal/app/doctor", may: append(
				values(), "internal/app/core", "internal/app/tokencare", "internal/credential", "internal/gitlab/probe", "internal/gitlab/rest",
				"internal/integration/check", "internal/reconcile/breaker", "internal/plan/stand", "internal/store/lists", "internal/store/reviews", "internal/store/route", "internal/store/why",
			)},
			{pkg: "internal/app/backlog", may: append(
				values(), "internal/app/core", "internal/issue/backlog", "internal/reconcile", "internal/store", "internal/store/digests",
			)},
			{pkg: "internal/app/auditing", may: []string{
				"internal/app/core", "internal/audit", "internal/credential", "internal/store/audit", "internal/store/db", "internal/store/tokens",
			}},
			{pkg: "internal/app/deciding", may: []string{"internal/app/core", "internal/audit", "internal/finding", "internal/store/decisions", "internal/store/why"}},
			{pkg: "internal/app/feed", may: []string{
				"internal/app/core", "internal/finding", "internal/notify", "internal/reconcile", "internal/source", "internal/store/scopes",
			}},
			{pkg: "internal/app/surveying", may: []string{"internal/app/core", "internal/finding", "internal/money", "internal/store/board", "internal/store/views"}},
			{pkg: "internal/app/front", may: []string{"internal/serve"}},
			{pkg: "internal/app/learning", may: append(
				values(), "internal/app/core", "internal/app/ruling", "internal/rule/owner", "internal/rule/rulebook", "internal/rule/rulebook/...",
				"internal/store/rules", "internal/store/suggestions",
			)},
			{pkg: "internal/app/apptest", may: []string{"internal/..."}},
			{pkg: "internal/demo", may: append(values(), "internal/app", "internal/sandbox", "internal/store/rules")},
			// The bench measures the parts one by one, so it may take them apart.
			{pkg: "internal/bench", may: append(
				values(), "internal/app", "internal/app/edge", "internal/app/pages", "internal/app/sourcing", "internal/credential", "internal/gitlab/rest", "internal/store/database", "internal/store/db",
				"internal/queue", "internal/signin", "internal/signin/desk", "internal/signin/role", "internal/queue/throughput", "internal/reconcile", "internal/rule/rulebook", "internal/sandbox", "internal/store", "internal/store/pgtest",
			)},
			// Chaos knows cxm as its users do, and judges it by the sandbox's record.
			{pkg: "internal/chaos", may: []string{
				"internal/app", "internal/gitlab/rest", "internal/issue/inert/inerttest", "internal/plan",
				"internal/sandbox", "internal/source", "internal/store/pgtest",
			}},
			// Load knows cxm as what delivers to it does, and reads afterwards what it knows.
			{pkg: "internal/load", may: []string{"internal/app", "internal/store/lists", "internal/store/pgtest"}},
			// The commands know the program as app, and the values that it returns.
			{pkg: "internal/cli/shell", may: []string{"internal/api/client", "internal/app", "internal/audit", "internal/cli/remote", "internal/config", "internal/credential", "internal/integration", "internal/notify"}},
			// What commands ask of the program, asked of a server.
			{pkg: "internal/cli/remote", may: append(
				values(), "internal/api", "internal/api/client", "internal/app", "internal/app/auditing", "internal/app/deciding", "internal/app/learning", "internal/app/sourcing", "internal/audit",
				"internal/credential", "internal/integration/access", "internal/integration/check", "internal/plan/stand", "internal/reconcile", "internal/rule/attention",
				"internal/rule/owner", "internal/signin", "internal/signin/desk", "internal/signin/role", "internal/store/decisions", "internal/store/hooks", "internal/store/rules", "internal/store/sources",
			)},
			{pkg: "internal/cli/audit", may: []string{"internal/app", "internal/app/auditing", "internal/audit", "internal/cli/remote", "internal/cli/shell"}},
			{pkg: "internal/cli/care", may: append(values(), "internal/app", "internal/cli/remote", "internal/cli/shell", "internal/credential", "internal/integration/access", "internal/integration/check")},
			// The pages see values, and the gallery of them nothing that is real.
			// Pages offer what the API offers, by the same interfaces.
			{pkg: "internal/web", may: []string{"internal/api", "internal/api/door", "internal/audit", "internal/credential", "internal/signin", "internal/finding", "internal/integration", "internal/integration/check", "internal/money", "internal/serve", "internal/signin/role"}},
			{pkg: "internal/cli/findings", may: []string{"internal/app/deciding", "internal/cli/shell", "internal/finding", "internal/store/decisions"}},
			{pkg: "internal/cli/dev", may: []string{"internal/web/fixture", "internal/web/gallery", "internal/web/shots"}},
			{pkg: "internal/cli/code", may: []string{"internal/app", "internal/cli/shell"}},
			{pkg: "internal/cli/connect", may: append(values(), "internal/app", "internal/cli/care", "internal/cli/remote", "internal/cli/shell", "internal/integration/access")},
			{pkg: "internal/cli/rules", may: append(values(), "internal/app", "internal/app/learning", "internal/app/ruling", "internal/cli/remote", "internal/cli/shell", "internal/rule/rulebook", "internal/store/rules")},
			{pkg: "internal/cli/sources", may: append(values(), "internal/app", "internal/app/sourcing", "internal/cli/remote", "internal/cli/shell", "internal/credential", "internal/store/sources")},
			{pkg: "internal/cli/work", may: append(
				values(), "internal/app", "internal/app/edge", "internal/app/pages", "internal/cli/remote", "internal/cli/shell", "internal/config", "internal/credential", "internal/signin",
				"internal/signin/role",
			)},
			// The sandbox is a command too; nothing else of the program knows it.
			{pkg: "cmd/cxm", may: append(values(), "internal/app", "internal/cli/...", "internal/config", "internal/demo", "internal/sandbox")},
			// The scenarios are tests alone: they import what internal/app's tests do.
			{pkg: "internal/scenario"},
			{pkg: "internal/importlaw"},
		},
		reserved: map[string][]string{
			"gitlab.com/gitlab-org/api/client-go": {"internal/gitlab"},
			"code.dny.dev/ssrf":                   {"internal/gitlab/dial"},
			"golang.org/x/oauth2":                 {"internal/gitlab/oauth", "internal/signin/oidc"},
			"github.com/coreos/go-oidc":           {"internal/signin/oidc"},
			"golang.org/x/crypto/argon2":          {"internal/signin/password"},
			"github.com/danielgtaylor/huma":       {"internal/api"},
			"github.com/tink-crypto/tink-go":      {"internal/credential"},
			"github.com/go-git/go-git":            {"internal/sandbox"},
			"github.com/jackc/pgx":                {"internal/queue", "internal/store"},
			"github.com/pressly/goose":            {"internal/store"},
			"database/sql":                        {"internal/queue", "internal/store"},
			"modernc.org/sqlite":                  {"internal/store"},
			"github.com/riverqueue":               {"internal/app", "internal/queue", "internal/tracing"},
			"github.com/coreos/go-systemd":        {"internal/serve"},
			"go.opentelemetry.io/otel":            {"internal/serve", "internal/tracing"},
			"github.com/spf13/cobra":              {"cmd/cxm", "internal/cli"},
			"github.com/chromedp":                 {"internal/web"},
			"cel.dev/cel-go":                      {"internal/rule/rulebook"},
			"github.com/goccy/go-yaml":            {"internal/rule/rulebook"},
		},
		vars: map[string]string{
			"internal/store.ErrNotFound":   "the same error in the packages below, which callers of the store do not know",
			"internal/app.ErrState":        "the same error in the part that connects, which callers of app do not know",
			"internal/app.ErrReplay":       "the same error in the part that connects, which callers of app do not know",
			"internal/app.ErrNotConnected": "the same error in the part that finds integrations, which callers of app do not know",
			"cmd/cxm.version":              "the linker writes it, see build in the Makefile",
		},
	}
}

// impure lists what a pure package may not import: there is no way to a file,
// the network, a log or randomness but through these.
func impure() []string {
	return []string{
		"crypto/rand", "database/sql", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2",
		"net", "net/http", "os", "os/exec", "os/signal", "os/user", "runtime/debug", "syscall", "testing",
	}
}

// clock lists what a pure package may not use of package time: it gets the
// time as an argument.
func clock() []string {
	return []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}
}

// junk lists the names that say nothing about what a package is for.
func junk() []string {
	return []string{"common", "helper", "helpers", "manager", "managers", "misc", "model", "models", "shared", "types", "util", "utils"}
}

// find is the line that a package stands under: its own, or the nearest above.
func (l law) find(pkg string) (line, bool) {
	var best line
	for _, each := range l.lines {
		if inTree(pkg, each.pkg) && len(each.pkg) > len(best.pkg) {
			best = each
		}
	}
	return best, best.pkg != ""
}

// allows says whether a package under line from may import pkg of this module.
func (l law) allows(from line, pkg string) bool {
	if at, ok := l.find(pkg); ok && at.pkg == from.pkg {
		return true
	}
	return slices.ContainsFunc(from.may, func(may string) bool { return matches(pkg, may) })
}

package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store/db"
	"cxm/internal/store/intake"
)

// column is one column of a migration, without its type.
var column = regexp.MustCompile(`(?m)^\t([a-z_]+) .*?( not null|primary key)?,?( -- .*| +-- .*)?$`)

// columns lists table.column, with what may be null marked, of a migration.
func columns(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("migrations", folder, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations in %s: %v", folder, err)
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range strings.Split(string(text), "create table ")[1:] {
			name, body, _ := strings.Cut(table, " (")
			body, _, _ = strings.Cut(body, "\n)")
			for _, m := range column.FindAllStringSubmatch(body, -1) {
				if slices.Contains([]string{"primary", "unique", "foreign"}, m[1]) {
					continue
				}
				null := " null"
				if strings.Contains(m[0], "not null") || strings.Contains(m[0], "primary key") {
					null = ""
				}
				out = append(out, name+"."+m[1]+null)
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestSchemasAgree holds both databases to the same tables and columns, since
// one set of queries runs on both.
func TestSchemasAgree(t *testing.T) {
	sqlite, postgres := columns(t, "sqlite"), columns(t, "postgres")
	if len(sqlite) < 80 {
		t.Fatalf("only %d columns were found: the test reads the migrations wrongly", len(sqlite))
	}
	if diff := cmp.Diff(postgres, sqlite); diff != "" {
		t.Errorf("the schemas differ (-postgres +sqlite):\n%s", diff)
	}
}

// statements lists the queries of sqlc and those of this package by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"sightings": intake.Sightings, "findingPlaces": db.PlacesOfFindings + "$2)"}
	files, err := filepath.Glob("db/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				out[spec.Names[0].Name], err = strconv.Unquote(literal.Value)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d queries were found", len(out))
	}
	return out
}

// TestPlans holds every query to an index: none reads a whole table, or all of a
// tenant's rows where it looks for one.
func TestPlans(t *testing.T) {
	// These are about all that a tenant has.
	whole := []string{"settleFor", "settleGroup", "tenants", "auditAnchors", "auditHead", "auditKeys", "auditSeals", "saveAuditHead", "alsoNewcomers", "newcomers", "refusedSince", "scopes", "installationAdmins", "lockInstallationAdmins", "lockTenantAdmins", "otherTenantAdmins", "codeStates", "countAllHeld", "countAllMade", "deliveryScopes", "dropEarlierCredentials", "holdKey", "keyset", "saveKeyset", "sealedHooks", "sealedTokens", "enabledSources", "sources", "loadWaiting", "refusedDeliveries", "claims", "sharedClaims", "completePulls", "countDeliveries", "countFindings", "countGroups", "countIssues", "countRefused", "hooks", "installation", "integrations", "lastPulls", "lastRevision", "leadOfLeavers", "regroupingsEnd", "judgedIssues", "suggestions", "revisions", "ruleState", "lastRuns", "projects", "touchAll", "disconnected", "integrationsOfProject", "allMemberships", "writtenIssues", "briefIssues", "lastPull", "lastDecision", "issueTeams", "issuePlaces"}
	// These run once per finding, issue or group, and have other indexes to err to.
	hot := map[string]string{
		"issueByIID": "issues_iid", "issueByNonce": "issues_nonce_any", "endEntries": "journal_open", "findingPlace": "sqlite_autoindex_findings_1", "findingPlaces": "sqlite_autoindex_findings_1",
		"miss": "sqlite_autoindex_findings_1", "rekey": "sqlite_autoindex_findings_1", "dirtyGroupsAfter": "finding_groups_dirty", "countMade": "issues_made", "countAllMade": "issues_made", "countHeld": "issues_held", "countAllHeld": "issues_held", "groupIssues": "issues_group", "judgedIssues": "issues_judged", "intake.Sightings": "findings_scope",
	}
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "cxm.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, text := range statements(t) {
		if name == "clock" {
			continue // only PostgreSQL is asked what time it is
		}
		plan := explain(t, d, text)
		if !strings.Contains(strings.Join(plan, "\n"), "INDEX "+hot[name]) && hot[name] != "" {
			t.Errorf("%s does not use the index %s: %v", name, hot[name], plan)
		}
		for _, line := range plan {
			if strings.Contains(line, "USE TEMP B-TREE FOR ORDER BY") && !slices.Contains(whole, name) {
				t.Errorf("%s sorts: %s", name, line)
			}
			if strings.HasPrefix(line, "SCAN ") && line != "SCAN CONSTANT ROW" && !slices.Contains(whole, name) {
				t.Errorf("%s reads a whole table: %s", name, line)
			}
			if strings.HasSuffix(line, "(tenant=?)") && !slices.Contains(whole, name) && !strings.Contains(line, "finding_groups_dirty") {
				t.Errorf("%s reads all of a tenant's rows: %s", name, line)
			}
		}
	}
}

func explain(t *testing.T, d *DB, text string) []string {
	t.Helper()
	args := make([]any, strings.Count(text, "$"))
	highest := 0
	for _, m := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		highest = max(highest, n)
	}
	var out []string
	err := d.base.Read(t.Context(), func(tx db.DBTX) error {
		rows, err := tx.QueryContext(t.Context(), "explain query plan "+text, args[:highest]...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			out = append(out, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

package database

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cxm/internal/audit"
	"cxm/internal/store/db"
)

// unaudited are the tables, and the queries, whose writes the audit log has no
// lines about: what cxm finds out, counts and does with itself. What people decide,
// and what is done in GitLab, has no place here.
func unaudited() []string {
	return []string{
		"AbandonPlanned", "AbandonRuns", "AddEntry", "AddRun", "SaveRun", "SkipPlanned", "SupersedeRuns", // their callers note
		"EndEntries",                                   // notes the rows it returns
		"DescribeToken", "TellExpiry", "AddTokenEvent", // what GitLab says; AddToken and MoveToken are noted
		"AddSuggestion", "AddTokenCare", "TokenChecked", "FlagToken", "CheckHook", "TellHook", "CountHook",
		"ForgetSealed", "ForgetEarlierCredential", "DropEarlierCredentials", "ResealToken", "ResealHook", "HoldKey", // part of what is noted
		"CountSource", "source_events", "digests", "replies",
		"saved_views", "saving_days", // what people look at
		"EndDecision", // AddDecision notes
		// Who signs in is of no tenant yet: internal/signin/desk tells what is to be in a
		// log once it is kept (Options.Observe).
		"people", "tenant_roles", "identities", "sessions", "api_tokens", "signin_links", "signin_throttles", "signin_addresses",
		"audit_anchors", "audit_heads", "audit_keys", "audit_lines", "audit_seals", // the log itself
		"access_reminders", "breakers", "code_evidence", "code_names", "counters", "deliveries", "finding_bodies", "finding_groups", "settlements", "findings", "hook_keys", "hook_news",
		"installations", "issues", "limits", "memberships", "pulls", "regroupings", "rule_states", "scopes", "watermarks",
	}
}

// TestEveryWriteIsJudged goes through all queries that write: each is on the list
// of those that need a line, or on that of those that need none, and on one alone.
func TestEveryWriteIsJudged(t *testing.T) {
	files, err := filepath.Glob("../queries/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile(`(?s)-- name: (\w+) :\w+\n(.*?);`)
	writes := regexp.MustCompile(`(?i)(?:insert\s+into|update|delete\s+from)\s+(\w+)`)
	judged := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range query.FindAllStringSubmatch(string(text), -1) {
			to := writes.FindStringSubmatch(m[2])
			if to == nil {
				continue
			}
			judged++
			exempt := slices.Contains(unaudited(), m[1]) || slices.Contains(unaudited(), to[1])
			if needs := audited(m[1]); needs == exempt {
				t.Errorf("%s writes to %s. Needs a line in the audit log: %v; needs none: %v. Say which: in audited, or in unaudited", m[1], to[1], needs, exempt)
			}
		}
	}
	if judged < 60 {
		t.Fatalf("only %d queries were found", judged)
	}
}

// TestChangeWithoutLine keeps a change from being made that nobody noted.
func TestChangeWithoutLine(t *testing.T) {
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "cxm.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	put := func(then func(*testing.T) audit.Line, quiet bool) error {
		return d.Write(t.Context(), Change{Point: "test", Tenant: "default", Do: func(ctx context.Context, tx db.DBTX) error {
			if quiet {
				audit.Quiet(ctx)
			}
			if then != nil {
				if err := audit.Note(ctx, then(t)); err != nil {
					return err
				}
			}
			return db.New(tx).PutInstance(ctx, db.PutInstanceParams{Tenant: "default", URL: "https://gitlab.example.com", Proxy: "http://proxy.example.com"})
		}})
	}
	if err := put(nil, false); err == nil || !strings.Contains(err.Error(), "PutInstance") {
		t.Errorf("without a line: %v", err)
	}
	kept := 0
	read := func(tx db.DBTX) error {
		return tx.QueryRowContext(t.Context(), "select count(*) from instances").Scan(&kept)
	}
	if err := d.Read(t.Context(), read); err != nil || kept != 0 {
		t.Errorf("what was not noted was kept: %d, %v", kept, err)
	}
	if err := put(nil, true); err != nil {
		t.Errorf("quiet: %v", err)
	}
	if err := put(func(*testing.T) audit.Line { return audit.Line{Action: "instance.reach_changed"} }, false); err != nil {
		t.Errorf("noted: %v", err)
	}
}

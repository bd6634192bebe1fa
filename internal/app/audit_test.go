package app_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/auditing"
	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/integration"
)

func openAudited(t *testing.T, dir string) *app.App {
	t.Helper()
	a, err := app.Open(audit.With(t.Context(), audit.Actor{Kind: audit.CommandLine, Name: "platform-admin"}), app.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sound(t *testing.T, a *app.App, exports ...string) audit.Report {
	t.Helper()
	r, err := a.VerifyAudit(t.Context(), exports...)
	if err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	return r
}

// TestAuditOfTwoProcesses: two that write at once end one after the other, in
// either order, and neither takes the other's head for that of another log.
func TestAuditOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	a, b := openAudited(t, dir), openAudited(t, dir)
	for range 3 {
		for _, each := range []*app.App{a, b} {
			if err := each.RecordAudit(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(b.AnchorAudit(t.Context()), a.AnchorAudit(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(a.RecordAudit(t.Context(), audit.Line{Action: "signin.failed"}), a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	c := openAudited(t, dir)
	defer c.Close()
	if r := sound(t, c); r.Unanchored != 0 || r.Lines < 8 || len(r.Remarks) > 0 {
		t.Errorf("%+v", r)
	}
}

// TestAuditHead: a head that was written beside the key gives way to no other log,
// and is kept until somebody says why it should.
func TestAuditHead(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	a := openAudited(t, dir)
	for range 7 {
		if err := a.RecordAudit(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
			t.Fatal(err)
		}
	}
	export := filepath.Join(other, "export.jsonl")
	f, err := os.Create(export)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ExportAudit(t.Context(), f, "jsonl", auditing.Span{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	b := openAudited(t, other) // another log, which takes the place of the first
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cxm.db", "key.json"} {
		text, err := os.ReadFile(filepath.Join(other, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a = openAudited(t, dir)
	defer a.Close()
	for range 9 { // it becomes longer than the first
		if err := a.RecordAudit(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.AnchorAudit(t.Context()); err == nil || !strings.Contains(err.Error(), "cxm audit verify") {
		t.Errorf("the head gave way: %v", err)
	}
	for _, exports := range [][]string{nil, {export}} {
		r, err := a.VerifyAudit(t.Context(), exports...)
		if err != nil || len(r.Faults) == 0 || r.Faults[0].Kind != audit.Rewritten {
			t.Errorf("%+v, %v", r.Faults, err)
		}
	}
	if _, _, err := a.AcceptAudit(t.Context(), "moved"); err != nil {
		t.Error(err)
	}
	sound(t, a)
	if err := a.AnchorAudit(t.Context()); err != nil {
		t.Error(err)
	}
	sound(t, a)
}

// TestAuditWithoutKey: where the keys cannot be opened the log is written all the
// same, and says that nobody signed it.
func TestAuditWithoutKey(t *testing.T) {
	dir := t.TempDir()
	a := openAudited(t, dir)
	c := connectSomething(t, a)
	if err := errors.Join(c, a.Close(), os.Remove(filepath.Join(dir, "key.json"))); err != nil {
		t.Fatal(err)
	}
	a = openAudited(t, dir)
	for range 3 * audit.Every {
		if err := a.RecordAudit(t.Context(), audit.Line{Action: "signin.failed"}); err != nil {
			t.Fatal(err)
		}
	}
	r := sound(t, a)
	if r.Unanchored < 2*audit.Every || len(r.Remarks) != 2 {
		t.Errorf("%+v", r)
	}
	if _, err := a.PruneAudit(t.Context(), time.Now().AddDate(1, 0, 0), ""); err == nil || !strings.Contains(err.Error(), "could not be signed") {
		t.Errorf("%v", err)
	}
	if _, err := a.ExportAudit(t.Context(), io.Discard, "xml", auditing.Span{}); err == nil {
		t.Error("xml is exported")
	}
	if err := a.ResetSecrets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.AnchorAudit(t.Context()); err != nil {
		t.Error(err)
	}
	if r := sound(t, a); r.Unanchored != 0 {
		t.Errorf("%+v", r)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// connectSomething seals a value, so that losing the key loses something.
func connectSomething(t *testing.T, a *app.App) error {
	sealed, err := a.Sealer.Seal("default", 1, credential.NewSecret("anything"))
	if err != nil {
		return err
	}
	_, err = a.Store.AddIntegration(t.Context(), integration.Integration{URL: "https://gitlab.example.com", Project: integration.Project{ID: 1}}, credential.Token{}, func(int64) ([]byte, error) { return sealed, nil })
	return err
}

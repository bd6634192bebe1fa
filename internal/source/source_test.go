package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cxm/internal/finding"
	"cxm/internal/source"
)

var update = flag.Bool("update", false, "rewrite what the cases in testdata want with what is")

// now is when all tests read.
func now() time.Time { return time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC) }

// outcome is what a case wants: findings and summary, or an error.
type outcome struct {
	Findings []finding.Finding `json:"findings"`
	Complete bool              `json:"complete"`
	Reasons  []string          `json:"reasons,omitzero"`
	Distinct int               `json:"distinct"`
	Skipped  []source.Skip     `json:"skipped,omitzero"`
}

// read reads the inputs and keeps what is yielded, in order.
func read(t source.Type, o source.Options, inputs ...source.Input) (outcome, error) {
	out := outcome{Findings: []finding.Finding{}}
	o.Now = now()
	summary, err := source.Read(t, inputs, o, func(f *finding.Finding) error {
		if err := f.Validate(); err != nil {
			return fmt.Errorf("a finding that is not valid was yielded: %w", err)
		}
		out.Findings = append(out.Findings, *f)
		return nil
	})
	out.Complete, out.Reasons, out.Distinct, out.Skipped = summary.Complete, summary.Reasons, summary.Findings, summary.Skipped
	return out, err
}

// TestCases runs the cases of testdata: section "options" (source and what
// Options say), the input files, and "want", which is JSON or an error's text.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 3 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kind source.Type
	var o source.Options
	var inputs []source.Input
	want := -1
	for i, section := range archive.Files {
		switch section.Name {
		case "options":
			kind, o = options(t, string(section.Data))
		case "want":
			want = i
		default:
			inputs = append(inputs, source.Input{Name: section.Name, Reader: bytes.NewReader(section.Data)})
		}
	}
	got := describe(t, kind, o, inputs)
	switch {
	case *update && want < 0:
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
	case *update:
		archive.Files[want].Data = []byte(got)
	case want < 0:
		t.Fatal("the case wants nothing: run with -update and look at what it writes")
	default:
		if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		return
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// describe reads and writes down what came of it.
func describe(t *testing.T, kind source.Type, o source.Options, inputs []source.Input) string {
	t.Helper()
	out, err := read(kind, o, inputs...)
	if err != nil {
		if _, ok := errors.AsType[*source.RecordError](err); !ok {
			t.Errorf("an error that is no RecordError: %v", err)
		}
		return "error: " + err.Error() + "\n"
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// options reads "name value" lines.
func options(t *testing.T, text string) (kind source.Type, o source.Options) {
	t.Helper()
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch name {
		case "source":
			kind, err = source.ParseType(value)
		case "currency":
			o.Currency = value
		case "instance":
			o.Instance = value
		case "include-all":
			o.IncludeAll = true
		case "max-record":
			o.MaxRecord, err = strconv.ParseInt(value, 10, 64)
		default:
			t.Fatalf("no option is called %q", name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return kind, o
}

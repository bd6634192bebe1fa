package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"cxm/internal/finding"
	"cxm/internal/source"
)

// seeds adds the inputs of the cases whose names begin so.
func seeds(f *testing.F, prefix string) {
	f.Helper()
	files, err := filepath.Glob("testdata/" + prefix + "*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name != "options" && section.Name != "want" {
				f.Add(section.Data)
			}
		}
	}
}

// hold checks what holds for every input: no panic, errors are RecordErrors of
// the file in one line, what is yielded is valid, can be written as JSON, and is
// the same when it is read again.
func hold(t *testing.T, kind source.Type, text []byte) {
	once, err := digests(t, kind, text)
	again, errAgain := digests(t, kind, text)
	if (err == nil) != (errAgain == nil) || strings.Join(once, " ") != strings.Join(again, " ") {
		t.Fatalf("read twice: %v, then %v", err, errAgain)
	}
}

func digests(t *testing.T, kind source.Type, text []byte) ([]string, error) {
	var out []string
	keys := make(map[finding.Key]bool)
	summary, err := source.Read(kind, []source.Input{{Name: "in.file", Reader: bytes.NewReader(text)}}, source.Options{Now: now()}, func(f *finding.Finding) error {
		if err := f.Validate(); err != nil {
			t.Fatalf("yielded what is not valid: %v", err)
		}
		if encoded, err := json.Marshal(f); err != nil || bytes.Contains(encoded, []byte(`\u0000`)) {
			t.Fatalf("yielded what is no JSON or has NUL characters: %s %v", encoded, err)
		}
		keys[f.FindingKey] = true
		out = append(out, f.Digest().String()+f.Canonical())
		return nil
	})
	var record *source.RecordError
	switch {
	case err != nil && (!errors.As(err, &record) || record.File != "in.file" || strings.ContainsAny(err.Error(), "\n\x00")):
		t.Fatalf("%T %q", err, err)
	case err == nil && summary.Findings != len(keys):
		t.Fatalf("%d findings, %d keys", summary.Findings, len(keys))
	case err == nil && summary.Complete != (len(summary.Reasons) == 0):
		t.Fatalf("%+v", summary)
	}
	return out, err
}

func FuzzHub(f *testing.F) {
	seeds(f, "hub")
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, source.CostOptimizationHub, text) })
}

func FuzzExport(f *testing.F) {
	seeds(f, "export")
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, source.CostOptimizationHub, text) })
}

func FuzzAlertmanager(f *testing.F) {
	seeds(f, "alertmanager")
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, source.Alertmanager, text) })
}

func FuzzCloudEvents(f *testing.F) {
	seeds(f, "cloudevents")
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, source.CloudEvents, text) })
}

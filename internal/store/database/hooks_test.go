package database

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestMarksAreNoticed goes through all queries: each that makes a group dirty is
// noticed, and nothing else is.
func TestMarksAreNoticed(t *testing.T) {
	files, err := filepath.Glob("../queries/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile(`(?s)-- name: (\w+) :\w+\n(.*?);`)
	writes := regexp.MustCompile(`(?i)(insert into|update|delete from)\s+finding_groups`)
	var noticed []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range query.FindAllStringSubmatch(string(text), -1) {
			name, statement := m[1], m[2]
			marking := writes.MatchString(statement) && name != "SettleGroup"
			if marks(statement) != marking {
				t.Errorf("%s marks groups: %v, and is noticed: %v", name, marking, !marking)
			}
			if marking {
				noticed = append(noticed, name)
			}
		}
	}
	if !slices.Contains(noticed, "TouchGroup") {
		t.Errorf("only %v were found", noticed)
	}
}

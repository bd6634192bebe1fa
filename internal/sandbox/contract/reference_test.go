package contract_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// reference finds a file or folder of shared/reference. Without the shared
// folder the test is skipped; with the folder but without the file it fails,
// as it does in CI when $CXM_SHARED names a folder that is not there.
func reference(t *testing.T, name string) string {
	t.Helper()
	shared, named := os.LookupEnv("CXM_SHARED")
	if !named {
		shared = filepath.Join(moduleRoot(t), "..", "shared")
	}
	if _, err := os.Stat(shared); err != nil {
		if named && os.Getenv("CI") == "true" {
			t.Fatalf("CXM_SHARED is set to %q, which is not there: unset it or put the folder there", shared)
		}
		t.Skipf("NOT HELD TO GITLAB'S CONTRACTS: no folder %q (set CXM_SHARED to where the reference documents lie)", shared)
	}
	file := filepath.Join(shared, "reference", name)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the shared folder is there, but not %s: %v", file, err)
	}
	return file
}

// moduleRoot is the nearest folder above that has a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			t.Fatalf("no go.mod above %s: %v", dir, err)
		}
		dir = filepath.Dir(dir)
	}
}

package store_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func TestOpenKeepsWhatWasStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%20?c#d;e.db")
	first, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	want, err := first.Tenant("default").Installation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := openAt(t, path).Tenant("default").Installation(t.Context())
	if err != nil || got != want {
		t.Errorf("the installation was %s and is %s (%v)", want, got, err)
	}
}

func TestOpenMakesFilesForTheOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing on Windows")
	}
	folder := t.TempDir()
	db := openAt(t, filepath.Join(folder, "cxm.db"))
	if _, err := db.Tenant("default").Installation(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", file.Name(), info.Mode().Perm())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(folder, "newer.db")
	openAt(t, newer)
	exec1(t, newer, "insert into goose_db_version (version_id, is_applied) values (99, 1)")
	for _, c := range []struct{ name, path, want string }{
		{"no path", "", "name either a SQLite file or a PostgreSQL URL"},
		{"no folder", filepath.Join(folder, "absent", "cxm.db"), "its folder does not exist"},
		{"a folder", folder, "is a directory"},
		{"a text file", text, "is it a database of cxm?"},
		{"a newer schema", newer, "run that version, or restore a backup made before the upgrade (its schema has version 99"},
	} {
		db, err := store.Open(t.Context(), store.Options{Path: c.path})
		if err == nil {
			db.Close()
			t.Errorf("%s: there is no error", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %q, without %q", c.name, err, c.want)
		}
		if errors.Is(err, store.ErrNewerSchema) != (c.name == "a newer schema") {
			t.Errorf("%s: ErrNewerSchema is told wrongly", c.name)
		}
	}
}

// exec1 runs one statement behind the store's back.
func exec1(t *testing.T, path, statement string) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// TestOpenAtOnce opens a database that does not exist yet several times at once,
// as several processes would.
func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxm.db")
	var all sync.WaitGroup
	codes := make([]string, 8)
	for i := range codes {
		all.Go(func() {
			db, err := store.Open(t.Context(), store.Options{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if codes[i], err = db.Tenant("default").Installation(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, code := range codes {
		if code != codes[0] {
			t.Errorf("the installations are %v", codes)
		}
	}
}

// TestTwoProcessesIntend lets two handles of one file race for the same groups.
func TestTwoProcessesIntend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxm.db")
	handles := []*store.Store{openAt(t, path).Tenant("default"), openAt(t, path).Tenant("default")}
	in, run := furnish(t, handles[0])
	const groups = 40
	var all sync.WaitGroup
	won := make([]int, groups)
	var mu sync.Mutex
	for h, s := range handles {
		for i := range groups {
			all.Go(func() {
				_, _, err := s.Intend(t.Context(), plan.Entry{Run: run, Seq: i, Verb: plan.Create},
					issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprintf("%d-%d", h, i)})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won[i]++
				} else if !errors.Is(err, store.ErrAlreadyIntended) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for i, n := range won {
		if n != 1 {
			t.Errorf("group %d was won %d times", i, n)
		}
	}
}

func furnish(t testing.TB, s *store.Store) (integrationID, run int64) {
	t.Helper()
	in, err := s.AddIntegration(t.Context(), integration.Integration{URL: "https://gitlab.example.com"}, credential.Token{},
		func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := s.BeginRun(t.Context(), plan.Run{StartedAt: time.Now()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in.ID, r.ID
}

// TestKill kills a process in the middle of an ingest, after it has written an
// intent: the intent is there afterwards, and nothing of the ingest is.
func TestKill(t *testing.T) {
	if path := os.Getenv("CXM_TEST_KILL"); path != "" {
		dieIn(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "cxm.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$", "-test.count=1")
	child.Env = append(os.Environ(), "CXM_TEST_KILL="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "in the middle" {
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() < 1<<20 {
		t.Fatalf("nothing of the ingest had reached the disk: the test proves nothing (%v)", err)
	}

	s := openAt(t, path).Tenant("default")
	intents, err := s.Unsettled(t.Context(), 1)
	if err != nil || len(intents) != 1 {
		t.Errorf("there are %d intents (%v), not the one that was written", len(intents), err)
	}
	total, _, err := s.CountGroups(t.Context())
	if err != nil || total != 1 {
		t.Errorf("there are %d groups (%v), not the one of the first pull", total, err)
	}
}

// dieIn is the process that is killed.
func dieIn(t *testing.T, path string) {
	s := openAt(t, path).Tenant("default")
	ingest(t, s, 0, 1, nil)
	in, run := furnish(t, s)
	if _, _, err := s.Intend(t.Context(), plan.Entry{Run: run, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("0"), Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: time.Now()}
	s.Ingest(t.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		for i := range 1000 {
			f := sample(i + 1)
			f.Description = strings.Repeat("more than fits into memory: ", 4000)
			if err := door.Put(assign(&f)); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Println("in the middle")
		select {}
	})
}

// ingest puts findings from up to to, then calls last within the transaction.
func ingest(t testing.TB, s *store.Store, from, to int, last func()) {
	t.Helper()
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: time.Now()}
	_, err := s.Ingest(t.Context(), p, func(in rule.Intake) (finding.Pull, error) {
		for i := from; i < to; i++ {
			f := sample(i)
			if err := in.Put(assign(&f)); err != nil {
				return p, err
			}
		}
		if last != nil {
			last()
		}
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

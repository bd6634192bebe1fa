package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"cxm/internal/store/pgtest"
)

// TestMain lets the test binary be the child processes too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childFlag {
		if err := child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestChaos is a short run of `make chaos`. Its choices are always the same;
// which process comes first is up to the machine.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes about 20 seconds: run it without -short")
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		v := hold(t, options{Seed: 4, Days: 6, Subjects: 200, Limit: 90 * time.Second, Log: io.Discard})
		if v.Checks["texts around the block, byte for byte"] == 0 {
			t.Error("nobody wrote around a block, so the run shows nothing about it")
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		hold(t, options{Seed: 5, Days: 5, Subjects: 120, Limit: 90 * time.Second, Log: io.Discard, Database: pgtest.New(t).Database(t)})
	})
}

// hold plays and holds the verdict, and that it was about something.
func hold(t *testing.T, o options) verdict {
	t.Helper()
	v, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := v.print(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	for _, wrong := range v.Wrong {
		t.Error(wrong)
	}
	for _, happened := range []string{"processes killed", "faults set", "issues of cxm"} {
		if v.Tally[happened] == 0 {
			t.Errorf("%s: never, so the run shows nothing about it", happened)
		}
	}
	for _, compared := range []string{
		"groups with at most one open issue", "present groups with an open issue", "absent groups without an open issue",
		"issues closed or reopened by cxm", "processes within their limits",
	} {
		if v.Checks[compared] == 0 {
			t.Errorf("%s: nothing was compared", compared)
		}
	}
	return v
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/cli/sources"
	"cxm/internal/cli/work"
)

// childVariable makes the test binary a cxm with two commands, `serve` and `source`,
// so that the tests need not build one.
const childVariable = "CXM_LOAD_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	app.SpareMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := child(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cxm:", err)
		os.Exit(1)
	}
}

// child runs `--config FILE COMMAND …`.
func child(ctx context.Context, args []string) error {
	o := &shell.Options{}
	cmd := sources.New(o)
	if args[2] == "serve" {
		cmd = work.NewServe(o, "load")
		go endWithParent()
	}
	o.AddFlags(cmd)
	cmd.SetArgs(append(args[:2:2], args[3:]...))
	return cmd.ExecuteContext(shell.AsUser(ctx))
}

// endWithParent ends this process when the one that started it does, also when that is
// killed.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

func self(t *testing.T) program {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program{path: path, env: []string{childVariable + "=yes"}}
}

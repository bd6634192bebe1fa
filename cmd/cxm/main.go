// Command cxm turns what a cloud and its tools report into GitLab issues that
// stay true.
//
// What always holds: data goes to standard output, everything else to standard
// error; a token is never an argument; errors end in a next step.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "dev"

func main() {
	app.SpareMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // told a second time, the program ends at once
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is the program with its exit code: 0 done or nothing to do, 2 a plan with
// changes (only with --detailed-exitcode), 1 anything that went wrong.
func run(ctx context.Context, args []string) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(shell.AsUser(ctx))
	var code shell.ExitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(os.Stderr, "cxm:", err)
	return 1
}

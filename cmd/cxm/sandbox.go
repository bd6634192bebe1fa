package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/sandbox"
)

func newSandbox() *cobra.Command {
	var listen, seed, token string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Runs a small GitLab in memory, to try cxm or any GitLab client against",
		Long: `Runs a small GitLab in memory: users, tokens, service accounts, groups, projects,
labels, issues and notes, with GitLab's permissions, errors, paging and limits,
and a page for every project and issue. Everything is gone when it stops.

It speaks the REST API below /api/v4; faults are injected at /-/sandbox/faults.
It is no product of GitLab Inc.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := sandbox.New(sandbox.Options{
				AdminToken: token, Seed: sandbox.Seed(seed),
				Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
			})
			if err != nil {
				return err
			}
			return serve(cmd, s, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8929", "address to listen on")
	cmd.Flags().StringVar(&seed, "seed", string(sandbox.SeedDemo), "what is there at the start: demo or empty")
	cmd.Flags().StringVar(&token, "admin-token", "", "the administrator's token (default: a random one, printed)")
	return cmd
}

func serve(cmd *cobra.Command, s *sandbox.Server, listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Sandbox GitLab on http://%s\nAdministrator's token: %s\nPassword of root and the demo's people: %s\n", l.Addr(), s.AdminToken(), s.Password())
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(cmd.Context(), func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

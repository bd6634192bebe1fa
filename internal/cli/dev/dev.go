// Package dev is the commands for who works on cxm itself: the pages with made-up
// data, and screenshots of them.
//
// What always holds: nothing of an installation is read or changed.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/web/gallery"
)

// New is `cxm dev`, which is not listed.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "dev",
		Short:  "For work on cxm itself: pages, screenshots",
		Hidden: true,
		Args:   cobra.NoArgs,
	}
	cmd.AddCommand(newPages(), newScreenshots(), newPictures())
	return cmd
}

func newPages() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "pages",
		Short: "Serves every page in every state, with made-up data",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), cmd.OutOrStdout(), address)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:0", "address to listen on; port 0 is any that is free")
	return cmd
}

func serve(ctx context.Context, out io.Writer, address string) error {
	pages, err := gallery.New(slog.New(slog.NewTextHandler(out, nil)), 80*time.Millisecond)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; choose another address with --listen", address, err)
	}
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Fprintf(out, "The pages are at http://%s/dev/pages\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the pages: %w", err)
	}
	return nil
}

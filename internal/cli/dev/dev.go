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
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/web/fixture"
	"cxm/internal/web/gallery"
	"cxm/internal/web/shots"
)

// New is `cxm dev`, which is not listed.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "dev",
		Short:  "For work on cxm itself: pages, screenshots",
		Hidden: true,
		Args:   cobra.NoArgs,
	}
	cmd.AddCommand(newPages(), newScreenshots())
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

func newScreenshots() *cobra.Command {
	var folder, only string
	cmd := &cobra.Command{
		Use:   "screenshots",
		Short: "Writes screenshots of every page in every state: light, dark, phone",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := shoot(cmd.Context(), folder, only)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d screenshots are in %s\n", n, folder)
			return err
		},
	}
	cmd.Flags().StringVar(&folder, "out", "", "folder to write to; it is made")
	cmd.Flags().StringVar(&only, "page", "", "only this page, such as findings")
	_ = cmd.MarkFlagRequired("out") // fails only for a flag that does not exist
	return cmd
}

// shoot writes the screenshots and says how many.
func shoot(ctx context.Context, folder, only string) (int, error) {
	pages, err := gallery.New(slog.New(slog.DiscardHandler), time.Hour)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return 0, fmt.Errorf("making the folder: %w", err)
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	tab, stop, err := shots.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	n := 0
	for _, page := range fixture.All() {
		if only != "" && page.Name != only {
			continue
		}
		for _, look := range shots.Looks() {
			image, err := look.Take(tab, server.URL+page.Path())
			if err != nil {
				return n, err
			}
			name := fmt.Sprintf("%s-%s-%s.png", page.Name, page.State, look.Name)
			if err := os.WriteFile(filepath.Join(folder, name), image, 0o600); err != nil {
				return n, fmt.Errorf("writing a screenshot: %w", err)
			}
			n++
		}
	}
	return n, nil
}

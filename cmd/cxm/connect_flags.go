package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/integration"
)

// wayFlags say how an instance is reached.
type wayFlags struct{ caFile, proxy string }

func (w *wayFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.caFile, "ca-file", "", "file with the certificate (PEM) of a private authority that signed the instance's; it is kept with the connection")
	cmd.Flags().StringVar(&w.proxy, "proxy", "", "proxy to reach the instance through, such as http://proxy.example.com:3128, or none (default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment)")
}

func (w *wayFlags) network() (integration.Network, error) {
	n := integration.Network{Proxy: w.proxy}
	if w.caFile == "" {
		return n, nil
	}
	f, err := os.Open(w.caFile)
	if err != nil {
		return n, fmt.Errorf("reading the certificates (--ca-file): %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 2<<20))
	if err == nil && len(text) == 0 {
		err = fmt.Errorf("%s is empty: give the authority's certificate in PEM", w.caFile)
	}
	if err != nil {
		return n, fmt.Errorf("reading the certificates (--ca-file): %w", err)
	}
	n.CA = string(text)
	return n, nil
}

// givenFlags say what issues are given when they are made.
type givenFlags struct {
	labels       []string
	assignee     string
	confidential bool
}

func (g *givenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&g.labels, "label", nil, "label that every new issue gets; once for each, and once empty for none")
	cmd.Flags().StringVar(&g.assignee, "assignee", "", "user name of whom new issues are assigned to; empty: nobody")
	cmd.Flags().BoolVar(&g.confidential, "confidential", false, "make new issues confidential")
}

// given is what was asked for; nil: nothing was said about it.
func (g *givenFlags) given(cmd *cobra.Command) *app.Given {
	f := cmd.Flags()
	if !f.Changed("label") && !f.Changed("assignee") && !f.Changed("confidential") {
		return nil
	}
	out := &app.Given{Assignee: g.assignee, Confidential: g.confidential}
	for _, label := range g.labels {
		if label != "" {
			out.Labels = append(out.Labels, label)
		}
	}
	return out
}

package shell

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cxm/internal/integration"
)

// Way holds the flags that say how an instance is reached.
type Way struct{ caFile, proxy string }

// Add gives a command the flags.
func (w *Way) Add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.caFile, "ca-file", "", "file with the certificate (PEM) of a private authority that signed the instance's; it is kept with the connection")
	cmd.Flags().StringVar(&w.proxy, "proxy", "", "proxy to reach the instance through, such as http://proxy.example.com:3128, or none (default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment)")
}

// Network is what the flags say, with the certificates read. Without flags it is the
// zero value.
func (w *Way) Network() (integration.Network, error) {
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

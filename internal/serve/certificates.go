package serve

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificatesEvery is how often it is looked whether the files changed.
const certificatesEvery = 10 * time.Second

// certificates are a certificate and its key in files, as they are now.
type certificates struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	seen      stamps // of watch's goroutine, once that runs
}

// stamps tell whether files changed.
type stamps [2]stamp

type stamp struct {
	modified time.Time
	size     int64
}

func loadCertificates(cert, key string, log *slog.Logger) (*certificates, error) {
	c := &certificates{cert: cert, key: key, log: log}
	c.seen = c.look()
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("%w: name the files with --tls-certificate and --tls-key", err)
	}
	return c, nil
}

func (c *certificates) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("reading the certificate %s and its key %s: %w", c.cert, c.key, err)
	}
	c.current.Store(&pair)
	return nil
}

// look is how the files are now. os.Stat follows links, which is how Kubernetes and
// ACME clients change certificates.
func (c *certificates) look() (s stamps) {
	for i, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// get is for tls.Config.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// watch reads the files again when they change, until ctx ends. Files that do not
// fit together, since only one is written yet, leave things as they are.
func (c *certificates) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.renew()
		}
	}
}

func (c *certificates) renew() {
	now := c.look()
	if now == c.seen {
		return
	}
	c.seen = now
	if err := c.load(); err != nil {
		c.log.Error("the certificate on disk cannot be used, and the one before goes on", "error", err)
		return
	}
	until := ""
	if leaf := c.current.Load().Leaf; leaf != nil {
		until = leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	c.log.Info("cxm uses the certificate that is on disk now", "until", until)
}

package work

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/config"
)

// NewServe is `cxm serve`: the queue is worked for good. version is what it logs
// about itself.
func NewServe(o *shell.Options, version string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Works the queue for good",
		Long: `Works jobs as they come, and looks at GitLab regularly for what people changed,
until it is told to stop (SIGTERM, Ctrl-C). Calls that are under way then finish,
or are in doubt and looked up by whoever goes on; told a second time, it ends at
once. Any number of processes may serve one PostgreSQL database.

With --listen it also takes GitLab's webhooks (see cxm webhook), and then looks
within seconds where something changed. It serves the pages there: at the first
start it prints a link by which the first admin is made. /healthz says that it is
up, /readyz that it is ready for work, and /v1/docs what the REST API does.

With --status-listen it shows how it is: a page, and /metrics for Prometheus.
Whoever reaches that address sees names of projects and sources: keep it inside.

With CXM_NOTIFY_URL set it tells there of tokens that expire, of access that is
lost and of projects that only fail (see cxm notify).

It connects to the internet only: a GitLab in a private network, or on this
machine, is to be named in --allow-private or CXM_ALLOW_PRIVATE.

Everything can be set in a file too: cxm config print --defaults writes one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, o, version) },
	}
	addBounds(cmd, o)
	o.Bind(cmd, "brakes.admit_new_sources", "work.settle", "work.every", "work.grace", "server.listen", "server.public_url", "server.tls_certificate", "server.tls_key", "server.trusted_proxies",
		"status.listen", "status.pprof", "log.level", "log.format", "traces.enabled")
	return cmd
}

func serve(cmd *cobra.Command, o *shell.Options, version string) (err error) {
	l, err := o.Load()
	if err != nil {
		return err
	}
	log := logger(cmd.ErrOrStderr(), l.Log)
	sockets, err := app.Activated()
	if err != nil {
		return err
	}
	traces, err := tracing(cmd.Context(), l, version, log)
	if err != nil {
		return err
	}
	defer sent(cmd.Context(), traces, log)
	a, err := openWith(cmd, o, l, func(c *app.Config) {
		c.Logger, c.Reach.Public, c.Tracing = log, true, traces
		c.Metrics, c.Version = l.Status.Listen != "", version
	})
	if err != nil {
		return err
	}
	defer a.Close()
	log.Info("cxm works the queue", "version", version, "every", l.Work.Every, "configuration", l.File)
	mounts, err := offered(a, l)
	if err != nil {
		return err
	}
	h := &host{to: cmd.ErrOrStderr(), public: l.Server.PublicURL, tls: l.Server.TLSCertificate != ""}
	at := front(l, sockets)
	at.Listening = h.listening
	return a.Serve(cmd.Context(), app.WorkOptions{Every: l.Work.Every, Front: at, More: mounts, Welcome: h.welcome}, l.Work.Grace)
}

// front is where and how the configuration says to serve.
func front(l *config.Loaded, sockets *app.Sockets) app.Front {
	s := l.Server
	return app.Front{
		Listen: s.Listen, Status: l.Status.Listen, Pprof: l.Status.Pprof, Drain: s.Drain,
		Server: app.ServeOptions{
			Sockets: sockets, Certificate: s.TLSCertificate, Key: s.TLSKey, Trusted: networks(s.TrustedProxies), Access: l.Log.Access,
			Connections: s.MaxConnections, ConnectionsPerAddress: s.MaxConnectionsPerAddress, HeaderBytes: s.MaxHeaderBytes,
			HeaderTimeout: s.HeaderTimeout, IdleTimeout: s.IdleTimeout,
			Limits: app.Limits{Body: int64(s.MaxBodyBytes), Read: s.ReadTimeout, Write: s.WriteTimeout},
		},
	}
}

// networks are what the configuration names, which it checked.
func networks(all []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range all {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
		} else if addr, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
		}
	}
	return out
}

// logger logs as the configuration says.
func logger(to io.Writer, l config.Log) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(l.Level)); err != nil {
		least = slog.LevelInfo // the configuration checked it
	}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: least}))
	}
	return shell.Logger(to, least)
}

// tracing opens the traces, if they are wanted.
func tracing(ctx context.Context, l *config.Loaded, version string, log *slog.Logger) (*app.Tracing, error) {
	if !l.Traces.Enabled {
		return nil, nil
	}
	return app.OpenTracing(ctx, version, log)
}

// sent waits a little until the last traces are sent.
func sent(ctx context.Context, t *app.Tracing, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		log.Warn("some traces are lost", "error", err)
	}
}

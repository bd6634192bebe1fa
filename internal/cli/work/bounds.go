package work

import (
	"io"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/config"
	"cxm/internal/plan"
)

// addBounds gives a command the flags of brakes and caps, which every command that
// plans has.
func addBounds(cmd *cobra.Command, o *shell.Options) {
	o.Bind(cmd, "brakes.close_share", "brakes.close_floor", "brakes.max_creates", "caps.per_hour", "caps.open")
}

// at is shell.At with the bounds of the configuration, which on a server are its own.
func at[T io.Closer](cmd *cobra.Command, o *shell.Options, change ...func(*app.Config)) (T, error) {
	l, err := o.Load()
	if err != nil {
		var none T
		return none, err
	}
	return shell.At[T](cmd, o, append([]func(*app.Config){func(c *app.Config) { bound(c, l) }}, change...)...)
}

// bound sets the bounds of the configuration.
func bound(c *app.Config, l *config.Loaded) {
	c.Brakes = &plan.Brakes{CloseShare: l.Brakes.CloseShare, CloseFloor: l.Brakes.CloseFloor, Creates: l.Brakes.MaxCreates, Admit: l.Brakes.AdmitNew}
	c.Caps = plan.Caps{PerHour: l.Caps.PerHour, Open: l.Caps.Open}
}

// openWith opens the app with the bounds of a configuration that is read.
func openWith(cmd *cobra.Command, o *shell.Options, l *config.Loaded, change ...func(*app.Config)) (*app.App, error) {
	c, err := o.AppConfig(l)
	if err != nil {
		return nil, err
	}
	bound(&c, l)
	for _, f := range change {
		f(&c)
	}
	return app.Open(cmd.Context(), c)
}

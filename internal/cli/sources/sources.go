// Package sources holds the commands that look after the places which deliver over
// HTTP.
//
// What always holds: a token is printed once, to standard output, by the command that
// made it.
package sources

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app/sourcing"
	"cxm/internal/cli/shell"
	"cxm/internal/credential"
	"cxm/internal/source"
	"cxm/internal/store/sources"
)

// sourcer looks after sources, and what they delivered.
type sourcer interface {
	io.Closer
	ConfiguredSources(context.Context) ([]sourcing.Source, error)
	AddSource(context.Context, sourcing.Request) (sourcing.Source, credential.Secret, error)
	RotateSource(ctx context.Context, name string, overlap time.Duration) (sourcing.Source, credential.Secret, error)
	changer
}

// changer lets sources deliver or not, and forgets.
type changer interface {
	EnableSource(ctx context.Context, name string, enabled bool) error
	RemoveSource(ctx context.Context, name string) error
	RefusedDeliveries(ctx context.Context, most int) ([]sources.Refused, error)
	DiscardDelivery(ctx context.Context, id int64) error
}

// New is `cxm source`: the places that may deliver over HTTP.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "source",
		Short: "Lets tools deliver findings and events over HTTP",
		Long: `A source is a place that may deliver over HTTP to ` + "`cxm serve`" + `: CloudEvents to
/v1/events, and the webhooks of tools to /v1/hooks/NAME. Each has a token of its own,
and a scope of its own: what one source delivered, no other changes.`,
		Args: cobra.NoArgs,
	}
	for _, each := range []*cobra.Command{newAdd(o), newList(o), newRotate(o), newSwitch(o, true), newSwitch(o, false), newRemove(o), newRefused(o), newDiscard(o)} {
		cmd.AddCommand(shell.ByServer(each))
	}
	return cmd
}

func newAdd(o *shell.Options) *cobra.Command {
	var r sourcing.Request
	var kind, address string
	cmd := &cobra.Command{
		Use:   "add NAME --type TYPE",
		Short: "Makes a source, and prints its token once",
		Long: `Makes a source and prints its token, which is shown this once, with what to enter in
the tool that delivers.`,
		Example: `  cxm source add alertmanager --type alertmanager --url https://cxm.example.com
  cxm source add scanner --type cloudevents --scope production`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if r.Type, err = source.ParseType(kind); err != nil {
				return fmt.Errorf("--type: %w", err)
			}
			r.Name = args[0]
			return withApp(cmd, o, func(a sourcer) error {
				made, token, err := a.AddSource(cmd.Context(), r)
				if err != nil {
					return err
				}
				return show(cmd, o, made, token, address, "")
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kind, "type", "", "format that it delivers (required)")
	flags.StringVar(&r.Scope, "scope", "", "part of the world that its findings belong to (default the name)")
	flags.StringVar(&r.Options.Currency, "currency", "", "currency of amounts that come without one (default USD)")
	flags.StringVar(&r.Options.Instance, "instance", "", "name of the tool's instance (default what it says of itself)")
	flags.BoolVar(&r.Options.IncludeAll, "include-all", false, "aws-cost-optimization-hub: the listing is made with --include-all-recommendations")
	flags.IntVar(&r.Rate, "rate", 0, "events or webhooks it may deliver a second (default 5000)")
	flags.StringVar(&address, "url", "", "address of `cxm serve --listen` as the tool reaches it, for what is printed")
	_ = cmd.MarkFlagRequired("type")
	_ = cmd.RegisterFlagCompletionFunc("type", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, t := range source.Types() {
			names = append(names, string(t))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func newRotate(o *shell.Options) *cobra.Command {
	var overlap time.Duration
	var address string
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Gives a source another token, and prints it once",
		Long: `Gives a source another token, which is shown this once. The one that it has goes on
working for as long as --overlap says, so that nothing is lost while the tool is given
the other.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd, o, func(a sourcer) error {
				in, token, err := a.RotateSource(cmd.Context(), args[0], overlap)
				if err != nil {
					return err
				}
				until := "The token before does not work any more."
				if overlap > 0 {
					until = "The token before works until " + in.FormerUntil.UTC().Format(time.RFC3339) + "."
				}
				return show(cmd, o, in, token, address, until)
			})
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the token before goes on working; 0 when it leaked")
	cmd.Flags().StringVar(&address, "url", "", "address of `cxm serve --listen` as the tool reaches it, for what is printed")
	return cmd
}

// show prints a source with its token.
func show(cmd *cobra.Command, o *shell.Options, in sourcing.Source, token credential.Secret, address, more string) error {
	w := cmd.OutOrStdout()
	if o.JSON() {
		return shell.PrintJSON(w, struct {
			sourceJSON
			Token string `json:"token"`
		}{newSourceJSON(in), token.Reveal()})
	}
	fmt.Fprintf(w, "Source %q delivers %s into the scope %q. Its token is shown this once:\n\n  %s\n\n", in.Name, in.Type, in.Scope, token.Reveal())
	if more != "" {
		fmt.Fprintf(w, "%s\n\n", more)
	}
	return snippets(w, in, address)
}

func newList(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Lists the sources and what they delivered",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApp(cmd, o, func(a sourcer) error {
				all, err := a.ConfiguredSources(cmd.Context())
				if err != nil {
					return err
				}
				if o.JSON() {
					out := []sourceJSON{}
					for _, in := range all {
						out = append(out, newSourceJSON(in))
					}
					return shell.PrintJSON(cmd.OutOrStdout(), out)
				}
				printSources(cmd.OutOrStdout(), all)
				return nil
			})
		},
	}
}

func printSources(w io.Writer, all []sourcing.Source) {
	if len(all) == 0 {
		fmt.Fprintln(w, "There are no sources: nobody may deliver over HTTP. Make one with `cxm source add NAME --type TYPE`.")
	}
	for _, in := range all {
		state := "enabled"
		if !in.Enabled {
			state = "disabled"
		}
		fmt.Fprintf(w, "%s  %s into scope %s, %s\n", in.Name, in.Type, in.Scope, state)
		fmt.Fprintf(w, "  %s; last delivery %s; %d deliveries with %d events accepted, %d events repeated, %d requests refused\n",
			in.Path(), ago(in.UsedAt), in.Accepted, in.Events, in.Repeated, in.Refused)
	}
}

func ago(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}

// newSwitch is `cxm source enable` and `disable`.
func newSwitch(o *shell.Options, on bool) *cobra.Command {
	use, short, done := "disable", "Refuses what a source delivers, and keeps everything else of it", "Source %q may not deliver any more. Processes that serve know of it at once.\n"
	if on {
		use, short, done = "enable", "Lets a source deliver that was disabled", "Source %q may deliver. Processes that serve know of it within seconds.\n"
	}
	return &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd, o, func(a sourcer) error {
				if err := a.EnableSource(cmd.Context(), args[0], on); err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"name": args[0], "enabled": on})
				}
				fmt.Fprintf(cmd.OutOrStdout(), done, args[0])
				return nil
			})
		},
	}
}

func newRemove(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Forgets a source and its token",
		Long: `Forgets a source and its token. Its findings and their issues stay; a source that is
added with the same type and scope takes them over.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(cmd, o, func(a sourcer) error {
				if err := a.RemoveSource(cmd.Context(), args[0]); err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), map[string]string{"removed": args[0]})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Source %q is gone, and its token with it. Its findings stay.\n", args[0])
				return nil
			})
		},
	}
}

// withApp opens the data directory for f.
func withApp(cmd *cobra.Command, o *shell.Options, f func(sourcer) error) error {
	a, err := shell.At[sourcer](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a)
}

// sourceJSON is a source as --output json prints it.
type sourceJSON struct {
	Name      string     `json:"name"`
	Type      string     `json:"type"`
	Scope     string     `json:"scope"`
	Path      string     `json:"path"`
	Currency  string     `json:"currency"`
	Instance  string     `json:"instance"`
	Rate      int64      `json:"rate"` // 0: the default
	Enabled   bool       `json:"enabled"`
	CreatedAt *time.Time `json:"created_at"`
	TokenAt   *time.Time `json:"token_at"`
	UsedAt    *time.Time `json:"used_at"`
	Accepted  int64      `json:"accepted"`
	Events    int64      `json:"events"`
	Repeated  int64      `json:"repeated"`
	Refused   int64      `json:"refused"`
}

func newSourceJSON(in sourcing.Source) sourceJSON {
	return sourceJSON{
		Name: in.Name, Type: string(in.Type), Scope: in.Scope, Path: in.Path(), Currency: in.Options.Currency, Instance: in.Options.Instance,
		Rate: in.Rate, Enabled: in.Enabled, CreatedAt: when(in.CreatedAt), TokenAt: when(in.TokenAt), UsedAt: when(in.UsedAt),
		Accepted: in.Accepted, Events: in.Events, Repeated: in.Repeated, Refused: in.Refused,
	}
}

// when is a time for JSON; null: never.
func when(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

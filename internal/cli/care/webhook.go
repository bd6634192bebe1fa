package care

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// minder looks after webhooks.
type minder interface {
	io.Closer
	Webhooks(ctx context.Context, refresh bool) ([]app.Webhook, error)
	AddWebhook(ctx context.Context, r app.WebhookRequest) (app.Webhook, error)
	TestWebhook(ctx context.Context, id int64) (app.Webhook, error)
	RemoveWebhook(ctx context.Context, id int64) error
}

// NewWebhook is `cxm webhook`: GitLab tells cxm where something changed.
func NewWebhook(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Lets GitLab tell cxm where something changed",
		Long: `With a webhook, GitLab tells ` + "`cxm serve --listen`" + ` which project to look at, and cxm
does so within seconds rather than at its next regular look. Without one, or when
deliveries are lost, nothing but time is.`,
		Args: cobra.NoArgs,
	}
	for _, each := range []*cobra.Command{newWebhookAdd(o), newWebhookList(o), newWebhookTest(o), newWebhookRemove(o)} {
		cmd.AddCommand(shell.ByServer(each))
	}
	return cmd
}

func newWebhookAdd(o *shell.Options) *cobra.Command {
	var r app.WebhookRequest
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Makes a webhook in GitLab, or renews the one there is",
		Long: `Makes a webhook in GitLab that delivers to this cxm, with a secret of its own. It
needs the Maintainer role in the project, or for a group the Owner role and GitLab
Premium. Run again, it renews what it made before: there never are two for the same
project or group.`,
		Example: `  cxm webhook add --url https://cxm.example.com
  cxm webhook add --url https://cxm.example.com --group acme`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApp(cmd, o, func(a minder) error {
				w, err := a.AddWebhook(cmd.Context(), r)
				if err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), newWebhookJSON(w))
				}
				printAdded(cmd.OutOrStdout(), w)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&r.URL, "url", "", "address of `cxm serve --listen`, as GitLab reaches it")
	cmd.Flags().StringVar(&r.Group, "group", "", "listen to a group with all its projects: path or numeric id")
	cmd.Flags().StringVar(&r.Project, "project", "", "listen to this project: path or numeric id (default that of the integration)")
	cmd.Flags().BoolVar(&r.InsecureHTTP, "insecure-http", false, "allow a URL without TLS")
	cmd.Flags().Int64Var(&r.Integration, "integration", 0, "which integration, when there are several")
	_ = cmd.MarkFlagRequired("url")
	return cmd
}

func printAdded(w io.Writer, h app.Webhook) {
	proof := "signs what it delivers"
	if !h.Signing {
		proof = "sends its secret along (GitLab before 19.0)"
	}
	fmt.Fprintf(w, "Webhook %d listens to the %s %s and %s.\n  %s\nNext: run `cxm serve --listen ADDRESS` so that it answers there, then `cxm webhook test %d`.\n", h.ID, h.Level, h.Target, proof, h.URL, h.ID)
}

func newWebhookList(o *shell.Options) *cobra.Command {
	var refresh bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists the webhooks and how they do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApp(cmd, o, func(a minder) error {
				all, err := a.Webhooks(cmd.Context(), refresh)
				if err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), WebhooksJSON(all))
				}
				printWebhooks(cmd.OutOrStdout(), all)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&refresh, "refresh", false, "ask GitLab how they do, and test those that it switched off")
	return cmd
}

func printWebhooks(w io.Writer, all []app.Webhook) {
	if len(all) == 0 {
		fmt.Fprintln(w, "There are no webhooks: cxm looks regularly. Make one with `cxm webhook add --url URL`.")
	}
	for _, h := range all {
		fmt.Fprintf(w, "Webhook %d  %s %s, %s\n", h.ID, h.Level, h.Target, health(h))
		fmt.Fprintf(w, "  %s\n  last delivery %s; %d accepted, %d repeated, %d ignored, %d refused\n", h.URL, ago(h.SeenAt), h.Accepted, h.Repeated, h.Ignored, h.Refused)
		if h.Trouble != "" {
			fmt.Fprintf(w, "  %s\n", shell.OneLine(h.Trouble))
		}
	}
}

// health is how a webhook did when GitLab was asked last.
func health(h app.Webhook) string {
	state := cmp.Or(h.Alert, "unknown")
	if h.CheckedAt.IsZero() {
		return state
	}
	return state + " at " + h.CheckedAt.Format(time.RFC3339)
}

func ago(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.Format(time.RFC3339)
}

func newWebhookTest(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "test ID",
		Short: "Has GitLab deliver something now, which switches a webhook on again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withWebhook(cmd, o, args[0], func(a minder, id int64) error {
				w, err := a.TestWebhook(cmd.Context(), id)
				if err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), newWebhookJSON(w))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "GitLab delivered to %s, and cxm answered. The webhook is %s.\n", w.URL, cmp.Or(w.Alert, "in use"))
				return nil
			})
		},
	}
}

func newWebhookRemove(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Deletes a webhook in GitLab",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withWebhook(cmd, o, args[0], func(a minder, id int64) error {
				if err := a.RemoveWebhook(cmd.Context(), id); err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), map[string]int64{"removed": id})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Webhook %d is gone. cxm goes on by looking regularly.\n", id)
				return nil
			})
		},
	}
}

// withWebhook is withApp for a command that names a webhook.
func withWebhook(cmd *cobra.Command, o *shell.Options, text string, f func(minder, int64) error) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return fmt.Errorf("%q is no webhook: give its number as `cxm webhook list` shows it", text)
	}
	return withApp(cmd, o, func(a minder) error { return f(a, id) })
}

// withApp opens the data directory for f.
func withApp(cmd *cobra.Command, o *shell.Options, f func(minder) error) error {
	a, err := shell.At[minder](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a)
}

// WebhookJSON is a webhook as --output json prints it.
type WebhookJSON struct {
	ID            int64      `json:"id"`
	Integration   int64      `json:"integration"`
	URL           string     `json:"url"`
	Level         string     `json:"level"` // project or group
	TargetID      int64      `json:"target_id"`
	Target        string     `json:"target"`
	GitLabID      int64      `json:"gitlab_id"`    // 0: GitLab has not said that there is one
	Signing       bool       `json:"signing"`      // else the secret is sent along
	AlertStatus   string     `json:"alert_status"` // as GitLab says; empty: not known
	DisabledUntil *time.Time `json:"disabled_until"`
	CheckedAt     *time.Time `json:"checked_at"`
	LastDelivery  *time.Time `json:"last_delivery_at"`
	Trouble       string     `json:"trouble"` // empty: none
	Accepted      int64      `json:"accepted"`
	Repeated      int64      `json:"repeated"`
	Ignored       int64      `json:"ignored"`
	Refused       int64      `json:"refused"`
}

func newWebhookJSON(h app.Webhook) WebhookJSON {
	return WebhookJSON{
		ID: h.ID, Integration: h.Integration, URL: h.URL, Level: string(h.Level), TargetID: h.TargetID, Target: h.Target, GitLabID: h.GitLabID,
		Signing: h.Signing, AlertStatus: h.Alert, DisabledUntil: when(h.AlertUntil), CheckedAt: when(h.CheckedAt), LastDelivery: when(h.SeenAt),
		Trouble: h.Trouble, Accepted: h.Accepted, Repeated: h.Repeated, Ignored: h.Ignored, Refused: h.Refused,
	}
}

// WebhooksJSON is a list of webhooks for --output json: never nil.
func WebhooksJSON(all []app.Webhook) []WebhookJSON {
	out := []WebhookJSON{}
	for _, h := range all {
		out = append(out, newWebhookJSON(h))
	}
	return out
}

// when is a time for JSON; null: never.
func when(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

package care

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/credential"
	"cxm/internal/integration"
)

// keeper looks after tokens.
type keeper interface {
	io.Closer
	rotator
	ReplaceToken(ctx context.Context, integration int64, r app.Replacement) (app.TokenStatus, error)
	TokenHistory(ctx context.Context, integration int64) (integration.Integration, []credential.Stored, []app.TokenEvent, error)
}

// rotator has tokens rotated.
type rotator interface {
	TokenStatus(ctx context.Context, integration int64) (app.TokenStatus, error)
	CanRotate(ctx context.Context, integration int64) (app.TokenStatus, error)
	RotateToken(ctx context.Context, integration int64) (app.TokenStatus, error)
	ScheduleToken(ctx context.Context, integration int64, days int) (app.TokenStatus, error)
}

// levelOfCommands is what commands that a person watches log.
const levelOfCommands = slog.LevelWarn

// NewToken is `cxm token`: the life of an integration's token.
func NewToken(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Looks after the token of an integration: status, rotate, replace, history, schedule",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newTokenStatus(o), newTokenRotate(o), newTokenReplace(o), newTokenHistory(o), newTokenSchedule(o))
	return cmd
}

// tokenCommand is a command about one integration's token.
func tokenCommand(o *shell.Options, use, short string, run func(*cobra.Command, keeper) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: noTokenHere, RunE: func(cmd *cobra.Command, _ []string) error {
		a, err := shell.At[keeper](cmd, o, func(c *app.Config) { c.Logger = shell.Logger(cmd.ErrOrStderr(), levelOfCommands) })
		if err != nil {
			return err
		}
		defer a.Close()
		return run(cmd, a)
	}}
	o.AddIntegration(cmd)
	return shell.ByServer(cmd)
}

// noTokenHere refuses arguments without repeating them: one may be a token.
func noTokenHere(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("this command takes no arguments: give a token by --token-file, CXM_GITLAB_TOKEN or standard input, where other users of the machine cannot see it")
	}
	return nil
}

func newTokenStatus(o *shell.Options) *cobra.Command {
	return tokenCommand(o, "status", "Shows how the token is, and when it is rotated", func(cmd *cobra.Command, a keeper) error {
		s, err := a.TokenStatus(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		return showToken(cmd, o, s)
	})
}

func newTokenRotate(o *shell.Options) *cobra.Command {
	var yes bool
	cmd := tokenCommand(o, "rotate", "Has GitLab make a new token in the place of this one, now", func(cmd *cobra.Command, a keeper) error {
		s, err := a.CanRotate(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "GitLab revokes the token %q of %s and makes its successor. Where else the token is used, it stops working.\n", s.Token.Name, s.Integration.Account.Username)
		ok, err := o.Confirm(cmd, yes, "nobody is asked without a terminal: give --yes to rotate the token")
		if err != nil || !ok {
			return err
		}
		if s, err = a.RotateToken(cmd.Context(), o.Integration); err != nil {
			return err
		}
		return showToken(cmd, o, s)
	})
	cmd.Long = `Has GitLab revoke the token and make its successor, which lives as long as this one
was made to live. The new token is sealed and stored before anything else, then
verified, then used; other processes follow by themselves. cxm serve and cxm run do
the same when it is due.`
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func newTokenReplace(o *shell.Options) *cobra.Command {
	var file string
	var other bool
	cmd := tokenCommand(o, "replace", "Gives the integration a token that you made", func(cmd *cobra.Command, a keeper) error {
		text, err := shell.ReadToken(cmd, file)
		if err != nil {
			return err
		}
		token, err := app.CleanToken(text)
		if err != nil {
			return err
		}
		s, err := a.ReplaceToken(cmd.Context(), o.Integration, app.Replacement{Token: token, OtherAccount: other})
		if err != nil {
			return err
		}
		return showToken(cmd, o, s)
	})
	cmd.Long = `Verifies a new token and uses it from then on; the value of the one before is
dropped, and revoking it in GitLab is up to you. Work that waited goes on by itself.

The token comes from --token-file, from CXM_GITLAB_TOKEN, or from standard input,
never from an argument: arguments are seen by every user of the machine.`
	cmd.Flags().StringVar(&file, "token-file", "", "file that holds the token; - is standard input")
	cmd.Flags().BoolVar(&other, "other-account", false, "the token may belong to another account")
	return cmd
}

func newTokenSchedule(o *shell.Options) *cobra.Command {
	var days int
	cmd := tokenCommand(o, "schedule", "Sets after how many days the token is rotated", func(cmd *cobra.Command, a keeper) error {
		s, err := a.ScheduleToken(cmd.Context(), o.Integration, days)
		if err != nil {
			return err
		}
		return showToken(cmd, o, s)
	})
	cmd.Flags().IntVar(&days, "days", 90, "after it was made; 0: only before it expires")
	return cmd
}

func newTokenHistory(o *shell.Options) *cobra.Command {
	return tokenCommand(o, "history", "Lists the tokens there were, and what became of each", func(cmd *cobra.Command, a keeper) error {
		_, all, events, err := a.TokenHistory(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		out := []eventJSON{}
		for _, e := range events {
			for _, t := range all {
				if t.Row == e.Row {
					out = append(out, eventJSON{e.At, t.ID, t.Name, string(e.State), e.Reason})
				}
			}
		}
		if o.JSON() {
			return shell.PrintJSON(cmd.OutOrStdout(), out)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "WHEN\tTOKEN\tSTATE\tWHY")
		for _, e := range out {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), nameOf(e.Token, e.Name), e.State, shell.OneLine(e.Reason))
		}
		return w.Flush()
	})
}

// nameOf is a token for people: its name and GitLab's number of it.
func nameOf(id int64, name string) string {
	if id == 0 {
		return "a token that is no personal access token"
	}
	if id < 0 {
		return shell.OneLine(name) // of OAuth: the number is cxm's own
	}
	return fmt.Sprintf("%s (%d)", shell.OneLine(name), id)
}

// eventJSON is one line of a history.
type eventJSON struct {
	At     time.Time `json:"at"`
	Token  int64     `json:"token_id"`
	Name   string    `json:"token_name"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
}

func showToken(cmd *cobra.Command, o *shell.Options, s app.TokenStatus) error {
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), NewTokenJSON(s, time.Now()))
	}
	printToken(cmd.OutOrStdout(), NewTokenJSON(s, time.Now()), s)
	return nil
}

func printToken(w io.Writer, t TokenJSON, s app.TokenStatus) {
	fmt.Fprintf(w, "Token:     %s of %s, for %s in %s (integration %d)\n", nameOf(t.TokenID, t.Name), s.Integration.Account.Username, s.Integration.Project.Path, s.Integration.URL, t.Integration)
	fmt.Fprintf(w, "State:     %s: %s\n", t.State, shell.OneLine(t.Reason))
	fmt.Fprintf(w, "Age:       %d days\n", t.AgeDays)
	switch {
	case s.Token.OAuth():
		fmt.Fprintln(w, "Expires:   no: cxm refreshes it by itself, until the person or GitLab ends it")
	case t.ExpiresInDays == nil:
		fmt.Fprintln(w, "Expires:   never, or GitLab does not say")
	case *t.ExpiresInDays <= 0:
		fmt.Fprintf(w, "Expires:   it has, on %s\n", s.Token.ExpiresAt.Format(time.DateOnly))
	default:
		fmt.Fprintf(w, "Expires:   in %d days, on %s\n", *t.ExpiresInDays, s.Token.ExpiresAt.Format(time.DateOnly))
	}
	fmt.Fprintf(w, "Scopes:    %s\n", cmp.Or(strings.Join(t.Scopes, ", "), "not known"))
	switch {
	case t.WhyNot != "":
		fmt.Fprintf(w, "Rotation:  not by cxm: %s\n", shell.OneLine(t.WhyNot))
	case s.Token.OAuth():
		fmt.Fprintln(w, "Rotation:  with every refresh, shortly before the access token ends")
	case t.NextRotation == nil:
		fmt.Fprintln(w, "Rotation:  never, since it does not expire: `cxm token schedule --days 90` changes that")
	default:
		fmt.Fprintf(w, "Rotation:  on %s%s\n", t.NextRotation.Format(time.DateOnly), every(t.RotateDays))
	}
	if t.Rotating {
		fmt.Fprintln(w, "           one is under way")
	}
	if t.Trouble != "" {
		fmt.Fprintf(w, "Trouble:   %s\n", shell.OneLine(t.Trouble))
	}
}

func every(days int) string {
	if days == 0 {
		return ", before it expires"
	}
	return fmt.Sprintf(" (%d days after a token was made, and always before it expires)", days)
}

// TokenJSON is a token as --output json prints it.
type TokenJSON struct {
	Integration   int64      `json:"integration"`
	TokenID       int64      `json:"token_id"` // GitLab's; 0: no personal access token; below 0: OAuth, by cxm's own number
	Name          string     `json:"token_name"`
	State         string     `json:"state"`
	Reason        string     `json:"reason"`
	AgeDays       int        `json:"age_days"`
	ExpiresAt     *string    `json:"expires_at"` // null: never, or not known
	ExpiresInDays *int       `json:"expires_in_days"`
	Scopes        []string   `json:"scopes"`
	RotateDays    int        `json:"rotate_days"`   // 0: only before it expires
	NextRotation  *time.Time `json:"next_rotation"` // null: none
	WhyNot        string     `json:"why_not"`       // rotated by cxm; empty: it is
	Rotating      bool       `json:"rotating"`
	CheckedAt     *time.Time `json:"checked_at"` // null: never
	Trouble       string     `json:"trouble"`
}

// NewTokenJSON is a token as it is at now.
func NewTokenJSON(s app.TokenStatus, now time.Time) TokenJSON {
	t := s.Token
	out := TokenJSON{
		Integration: s.Integration.ID, TokenID: t.ID, Name: t.Name, State: string(t.State), Reason: t.Reason,
		AgeDays: int(now.Sub(t.Born()).Hours() / 24), Scopes: append([]string{}, t.Scopes...),
		RotateDays: int(s.Every.Hours() / 24), WhyNot: s.WhyNot, Rotating: s.Rotating, Trouble: s.Trouble,
	}
	if left := t.DaysLeft(now); left != math.MaxInt {
		day := t.ExpiresAt.Format(time.DateOnly)
		out.ExpiresInDays, out.ExpiresAt = &left, &day
	}
	if !s.Next.IsZero() {
		out.NextRotation = &s.Next
	}
	if !s.CheckedAt.IsZero() {
		out.CheckedAt = &s.CheckedAt
	}
	return out
}

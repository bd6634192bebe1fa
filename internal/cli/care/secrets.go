package care

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// NewSecrets is `cxm secrets`: the keys that seal tokens.
func NewSecrets(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{Use: "secrets", Short: "Looks after the keys that seal tokens: rekey, reset", Args: cobra.NoArgs}
	cmd.AddCommand(newRekey(o), newReset(o))
	return cmd
}

func newRekey(o *shell.Options) *cobra.Command {
	var old string
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Makes a new key and seals everything again",
		Long: `Makes a new key and seals everything again with it, in one transaction; then the
old key is gone. It can be stopped at any moment and run again: everything can be read
meanwhile, also by other processes that run.

The keys that seal lie in the database, sealed by the key in key.json, in CXM_KEY, or
in Vault (CXM_KEY_URI). To change that one, set the new one and name the old one with
--old-key: a file, a vault+https:// URI, or env, which is CXM_OLD_KEY.`,
		Example: `  cxm secrets rekey
  CXM_KEY_URI=vault+https://vault.example.com/transit/keys/cxm cxm secrets rekey --old-key ~/.local/share/cxm/key.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			from, err := oldKey(old)
			if err != nil {
				return err
			}
			done, err := a.Rekey(cmd.Context(), from)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), done)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "A new key seals %d secrets. It is sealed by %s.\n", done.Sealed, done.Key)
			return nil
		},
	}
	cmd.Flags().StringVar(&old, "old-key", "", "what sealed the keys so far: a file, a vault+https:// URI, or env (CXM_OLD_KEY)")
	return cmd
}

// oldKey is the key of before; nil: it has not changed.
func oldKey(text string) (*app.KeyPlace, error) {
	switch {
	case text == "":
		return nil, nil
	case text == "env":
		if os.Getenv("CXM_OLD_KEY") == "" {
			return nil, fmt.Errorf("--old-key env, and CXM_OLD_KEY is not set: set it to the old key, in base64")
		}
		return new(app.NewKeyPlace("", os.Getenv("CXM_OLD_KEY"), os.Getenv)), nil
	case strings.Contains(text, "://"):
		return new(app.NewKeyPlace(text, "", os.Getenv)), nil
	}
	if _, err := os.Stat(text); err != nil { // a key file that is absent would be made
		return nil, fmt.Errorf("--old-key: %w", err)
	}
	place := app.NewKeyPlace("", "", os.Getenv)
	place.File = text
	return &place, nil
}

func newReset(o *shell.Options) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Makes new keys where the old ones cannot be opened any more",
		Long: `For when the key that sealed the keys in the database is lost. It makes new ones.
What the old ones sealed stays unreadable: give each integration a new token with
cxm token replace, and register webhooks anew. Nothing else is lost.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			ok, err := o.Confirm(cmd, yes, "nobody is asked without a terminal: give --yes to make new keys")
			if err != nil || !ok {
				return err
			}
			if err := a.ResetSecrets(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "There are new keys. Next: `cxm token replace` for each integration.")
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

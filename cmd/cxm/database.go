package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

func newDatabase(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "database",
		Short: "Looks after the database: status, upgrade, backup, restore, moving",
		Long: `Looks after the database: cxm.db in the data directory, or the PostgreSQL
database that --database or CXM_DATABASE_URL names.

A URL holds a password. Rather than on the command line, where every user of
the machine can read it, give it in CXM_DATABASE_URL; or leave the password out
of it and put it into PGPASSWORD or ~/.pgpass.`,
	}
	cmd.AddCommand(newDatabaseStatus(o), newDatabaseMigrate(o), newDatabaseBackup(o), newDatabaseRestore(o), newDatabaseCopy(o))
	return cmd
}

func newDatabaseStatus(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Says which database it is, its schema, and how many rows it has",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.Config()
			if err != nil {
				return err
			}
			s, err := app.InspectDatabase(cmd.Context(), c)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), s)
			}
			return printDatabase(cmd.OutOrStdout(), s)
		},
	}
}

func printDatabase(w io.Writer, s app.DatabaseStatus) error {
	said := map[string]string{
		"absent":  "there is no database of cxm there yet: cxm makes it on first use",
		"current": "schema version %d: current",
		"older":   "schema version %d, this cxm knows %d: back it up, then run `cxm database migrate`",
		"newer":   "schema version %d, this cxm knows %d: run the newer version of cxm",
	}[s.State]
	switch s.State {
	case "current":
		said = fmt.Sprintf(said, s.Schema.Has)
	case "older", "newer":
		said = fmt.Sprintf(said, s.Schema.Has, s.Schema.Knows)
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", s.Database, said); err != nil || len(s.Tables) == 0 {
		return err
	}
	return printTables(w, s.Tables)
}

func printTables(w io.Writer, tables []app.Table) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, table := range tables {
		fmt.Fprintf(t, "  %s\t%d\t%s\n", table.Name, table.Rows, table.Checksum)
	}
	return t.Flush()
}

func newDatabaseMigrate(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Makes the database, or brings its schema up to date",
		Long: `Makes the database, or brings its schema up to date. Every other command does
so too on its way; this one does nothing else. It is safe to run from several
places at once, and while replicas of the version before are running.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.Config()
			if err != nil {
				return err
			}
			m, err := app.MigrateDatabase(cmd.Context(), c)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), m)
			}
			if m.From == m.To {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: schema version %d, nothing to do\n", m.Database, m.To)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: schema version %d, was %d\n", m.Database, m.To, m.From)
			}
			return err
		},
	}
}

func newDatabaseBackup(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Writes all that the database holds into a new file",
		Long: `Writes all that the database holds into a new file, a SQLite database, as it is
at one moment, also while cxm is running. Every row is read back and compared.

key.json, which opens the tokens, is no part of it: keep a copy of it, apart
from the backup.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return copied(cmd, o, func(c app.Config) (app.Copied, error) {
				return app.BackupDatabase(cmd.Context(), c, args[0])
			}, "The tokens in it are sealed: keep %s too, and apart from it. Without it nobody can open them.\n")
		},
	}
}

func newDatabaseRestore(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Brings a backup into an empty database",
		Long: `Brings a backup, of this version of cxm or an earlier one, into a database that
is empty or does not exist yet. Stop cxm first. Every row is read back and
compared. The next plan looks at GitLab for what was made since the backup, and
looks at every finding again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return copied(cmd, o, func(c app.Config) (app.Copied, error) {
				return app.CopyDatabase(cmd.Context(), c, args[0])
			}, afterCopy)
		},
	}
}

const afterCopy = "Put the key.json that belongs to it at %s, then take in fresh findings and run `cxm plan`.\n"

func newDatabaseCopy(o *shell.Options) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "copy --from FILE|URL",
		Short: "Moves cxm to another database, which must be empty",
		Long: `Copies all that a database holds, a SQLite file or a PostgreSQL database, into the
one that cxm is told to use, which must be empty: to PostgreSQL, or back. Stop
cxm first, since what is written meanwhile stays behind. Every row is read back
and compared. Jobs that wait are not copied: they are made again.`,
		Example: `  CXM_DATABASE_URL=postgres://cxm@db.example.com/cxm cxm database copy --from ~/.local/share/cxm/cxm.db`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return copied(cmd, o, func(c app.Config) (app.Copied, error) {
				return app.CopyDatabase(cmd.Context(), c, from)
			}, afterCopy)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the SQLite file or the URL of the PostgreSQL database to copy")
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

// copied copies and says what there is now; next is about the file of the key.
func copied(cmd *cobra.Command, o *shell.Options, how func(app.Config) (app.Copied, error), next string) error {
	c, err := o.Config()
	if err != nil {
		return err
	}
	done, err := how(c)
	if err != nil {
		return err
	}
	if o.JSON() {
		if err := shell.PrintJSON(cmd.OutOrStdout(), done); err != nil {
			return err
		}
	} else {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "copied %s to %s; rows and checksums are the same on both sides:\n", done.From, done.To); err != nil {
			return err
		}
		if err := printTables(cmd.OutOrStdout(), done.Tables); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), next, done.Key)
	return err
}

package work

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/cli/shell"
	"cxm/internal/plan"
)

// journal is what was done.
type journal interface {
	io.Closer
	Runs(ctx context.Context, limit int) ([]plan.Run, error)
	RunOf(ctx context.Context, id int64) (plan.Run, []plan.Entry, error)
}

// NewRuns is `cxm runs`: the last runs, or one with its journal.
func NewRuns(o *shell.Options) *cobra.Command {
	var limit int
	cmd := shell.ByServer(&cobra.Command{
		Use:   "runs [RUN]",
		Short: "Lists the last runs, or shows one with its journal",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := shell.At[journal](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			if len(args) == 0 {
				return listRuns(cmd, o, a, limit)
			}
			id, err := runNumber(args[0])
			if err != nil {
				return err
			}
			return showRun(cmd, o, a, id)
		},
	})
	cmd.Flags().IntVar(&limit, "limit", 20, "how many runs are listed")
	return cmd
}

func listRuns(cmd *cobra.Command, o *shell.Options, a journal, limit int) error {
	runs, err := a.Runs(cmd.Context(), limit)
	if err != nil {
		return err
	}
	if o.JSON() {
		out := []RunJSON{}
		for _, r := range runs {
			out = append(out, NewRunJSON(r))
		}
		return shell.PrintJSON(cmd.OutOrStdout(), out)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTARTED\tSTATE\tDONE\tFAILED\tSKIPPED\tIN DOUBT\tNOTE")
	for _, r := range runs {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d of %d\t%d\t%d\t%d\t%s\n", r.ID, r.StartedAt.Format(time.RFC3339), r.State, r.Done, r.Steps, r.Failed, r.Skipped, r.InDoubt, note(r))
	}
	return w.Flush()
}

// note says what is special about a run.
func note(r plan.Run) string {
	switch {
	case r.State == plan.Waiting:
		return r.Why + fmt.Sprintf(": cxm approve %d", r.ID)
	case r.Rejected():
		return "rejected by " + shell.OneLine(r.RejectedBy) + ": " + shell.OneLine(r.Rejection)
	case r.Undoes != 0:
		return fmt.Sprintf("undoes run %d", r.Undoes)
	case r.ApprovedBy != "":
		return "approved by " + shell.OneLine(r.ApprovedBy)
	}
	return ""
}

func showRun(cmd *cobra.Command, o *shell.Options, a journal, id int64) error {
	r, entries, err := a.RunOf(cmd.Context(), id)
	if err != nil {
		return err
	}
	if o.JSON() {
		out := NewRunJSON(r)
		for _, e := range entries {
			out.Entries = append(out.Entries, newEntryJSON(e))
		}
		return shell.PrintJSON(cmd.OutOrStdout(), out)
	}
	printRun(cmd.OutOrStdout(), r, entries)
	return nil
}

func printRun(w io.Writer, r plan.Run, entries []plan.Entry) {
	fmt.Fprintf(w, "Run %d, %s, started %s", r.ID, r.State, r.StartedAt.Format(time.RFC3339))
	if text := note(r); text != "" {
		fmt.Fprintf(w, " (%s)", text)
	}
	fmt.Fprintln(w)
	for _, e := range entries {
		fmt.Fprintf(w, "  %s %-7s %-8s %s\n            %s\n", e.Verb, e.Verb.Word(), e.Outcome, shell.OneLine(e.Title), shell.OneLine(e.Reason))
		if e.Trouble != "" {
			fmt.Fprintf(w, "            %s\n", shell.OneLine(e.Trouble))
		}
	}
}

// RunJSON is a run as --output json prints it.
type RunJSON struct {
	Run        int64       `json:"run"`
	State      string      `json:"state"`
	Why        string      `json:"why,omitempty"` // it waits
	Undoes     int64       `json:"undoes,omitempty"`
	ApprovedBy string      `json:"approved_by,omitempty"`
	RejectedBy string      `json:"rejected_by,omitempty"`
	Rejection  string      `json:"rejection,omitempty"`
	StartedAt  time.Time   `json:"started_at"`
	FinishedAt *time.Time  `json:"finished_at"` // null: it is not
	Steps      int         `json:"steps"`
	Done       int         `json:"done"`
	Failed     int         `json:"failed"`
	Skipped    int         `json:"skipped"`
	InDoubt    int         `json:"in_doubt"`
	Entries    []entryJSON `json:"entries,omitempty"`
}

// NewRunJSON is a run without its journal.
func NewRunJSON(r plan.Run) RunJSON {
	out := RunJSON{
		Run: r.ID, State: string(r.State), Why: r.Why, Undoes: r.Undoes, ApprovedBy: r.ApprovedBy, RejectedBy: r.RejectedBy, Rejection: r.Rejection, StartedAt: r.StartedAt,
		Steps: r.Steps, Done: r.Done, Failed: r.Failed, Skipped: r.Skipped, InDoubt: r.InDoubt,
	}
	if !r.FinishedAt.IsZero() {
		out.FinishedAt = &r.FinishedAt
	}
	return out
}

// entryJSON is one entry of a journal.
type entryJSON struct {
	Seq     int    `json:"seq"`
	Action  string `json:"action"`
	Reason  string `json:"reason"`
	Title   string `json:"title"`
	Group   string `json:"group"`
	Outcome string `json:"outcome"`
	Trouble string `json:"trouble,omitempty"`
	Sent    string `json:"sent,omitempty"`
	URL     string `json:"url,omitempty"`
}

func newEntryJSON(e plan.Entry) entryJSON {
	return entryJSON{e.Seq, e.Verb.Word(), e.Reason, e.Title, string(e.Group), string(e.Outcome), e.Trouble, e.Summary, e.WebURL}
}

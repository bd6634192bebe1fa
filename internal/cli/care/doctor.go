// Package care is the commands that look after a connection once it is wanted:
// doctor says what is wrong with it and why an issue is missing; token, secrets and
// webhook keep it working; access says what it may do.
//
// What always holds: no token, key or secret is printed; rotating a token and making
// new keys for lost ones ask first; what is wrong comes with what to do about it.
package care

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
)

// examiner finds out what is wrong.
type examiner interface {
	io.Closer
	Test(ctx context.Context, x app.Exam, told func(check.Result)) ([]check.Result, error)
	Why(ctx context.Context, asked string, integration int64) (app.Why, error)
}

// NewDoctor is `cxm doctor`: one connection, checked from end to end. It changes
// nothing, and ends with exit code 1 when a check failed.
func NewDoctor(o *shell.Options) *cobra.Command {
	var x app.Exam
	var finding string
	var way shell.Way
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Checks a GitLab connection from end to end, and says why an issue is missing",
		Long: `Checks everything that a connection to GitLab needs: the way to the instance, the
token, the account, the project, and whether events come in. Each check says what it
saw, what that means and what to do. It ends with 1 when a check failed.

It tests the connection that cxm has, or one that is to be: with --url, --project and
the token from --token-file, CXM_GITLAB_TOKEN or standard input. Nothing is changed; to
see whether issues can be created cxm asks for one without a title, which GitLab refuses
(--read-only leaves that out).

With --why and the key of a finding, the beginning of it, or the id of a resource it
says where that finding is on its way to an issue, and what it waits for.`,
		Example: `  cxm doctor
  cxm doctor --url gitlab.example.com --token-file token --project acme/platform
  cxm doctor --why vol-0a1b2c3d4e5f67890`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x.Integration = o.Integration
			if cmd.Flags().Changed("why") {
				return explain(cmd, o, finding)
			}
			var err error
			if x.Network, err = way.Network(); err != nil {
				return err
			}
			return Examine(cmd, o, x)
		},
	}
	o.AddIntegration(cmd)
	way.Add(cmd)
	f := cmd.Flags()
	f.StringVar(&x.URL, "url", "", "GitLab Instance URL of a connection that is to be")
	f.StringVar(&x.TokenFile, "token-file", "", "file that holds its token; - is standard input")
	f.StringVar(&x.Project, "project", "", "its project: path with namespace, or numeric id")
	f.BoolVar(&x.ReadOnly, "read-only", false, "send nothing but questions")
	f.StringVar(&finding, "why", "", "say why there is no issue for this finding or resource")
	cmd.MarkFlagsMutuallyExclusive("why", "url")
	cmd.MarkFlagsMutuallyExclusive("integration", "url")
	return shell.ByServer(cmd, "url", "token-file", "project", "ca-file", "proxy", "read-only")
}

// Examine runs the checks and prints each group as it is known. It ends with exit
// code 1 when one failed.
func Examine(cmd *cobra.Command, o *shell.Options, x app.Exam) error {
	switch {
	case x.URL != "":
		text, err := shell.ReadToken(cmd, x.TokenFile)
		if err != nil {
			return err
		}
		x.Token = app.Pasted(text)
	case x.TokenFile != "" || x.Project != "" || x.Network != (integration.Network{}):
		return errors.New("--token-file, --project, --ca-file and --proxy are about a connection that is to be: give its --url too")
	}
	a, err := shell.At[examiner](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	r := report{out: cmd.OutOrStdout(), width: screen(cmd.OutOrStdout()), color: colored(cmd.OutOrStdout())}
	told := r.tell
	if o.JSON() {
		told = nil
	}
	results, err := a.Test(cmd.Context(), x, told)
	switch {
	case err != nil:
		return err
	case o.JSON():
		err = shell.PrintJSON(cmd.OutOrStdout(), resultsJSON(results))
	default:
		r.sum(results)
	}
	if err == nil && check.Worst(results) == check.Failed {
		return shell.ExitCode(1)
	}
	return err
}

// resultsJSON is what --output json prints of an exam.
func resultsJSON(results []check.Result) any {
	type result struct {
		Name     string        `json:"name"`
		Group    check.Group   `json:"group"`
		Asks     string        `json:"asks"`
		Outcome  check.Outcome `json:"outcome"`
		Evidence string        `json:"evidence"`
		Cause    string        `json:"cause"`
		Mend     string        `json:"mend"`
	}
	out := struct {
		Worst  check.Outcome `json:"worst"`
		Checks []result      `json:"checks"`
	}{Worst: check.Worst(results), Checks: []result{}}
	for _, r := range results {
		out.Checks = append(out.Checks, result{r.Name, r.Group, r.Asks, r.Outcome, r.Evidence, r.Cause, r.Mend.Words(check.Command)})
	}
	return out
}

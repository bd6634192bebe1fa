package care

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// explain says where findings stand on their way to an issue.
func explain(cmd *cobra.Command, o *shell.Options, asked string) error {
	a, err := shell.At[examiner](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	w, err := a.Why(cmd.Context(), asked, o.Integration)
	if err != nil {
		return err
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), whyJSON(w))
	}
	printWhy(cmd.OutOrStdout(), w)
	return nil
}

func printWhy(out io.Writer, w app.Why) {
	if len(w.Stands) == 0 {
		fmt.Fprintf(out, "%s: %s\n", shell.OneLine(w.Asked), shell.OneLine(w.Answer))
		fmt.Fprintf(out, "  -> %s\n", w.Mend)
		return
	}
	for i, s := range w.Stands {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s (%s)\n", shell.OneLine(s.Finding.Title), s.Finding.FindingKey.Short())
		for _, step := range s.Path {
			fmt.Fprintf(out, "  %s\n", shell.OneLine(step))
		}
		if s.Integration.ID != 0 {
			fmt.Fprintf(out, "  integration %d, %s\n", s.Integration.ID, s.Integration.Project.Path)
		}
		fmt.Fprintf(out, "  %s: %s\n", strings.ToUpper(string(s.Stage[:1]))+string(s.Stage[1:]), shell.OneLine(s.Answer))
		if s.URL != "" {
			fmt.Fprintf(out, "  %s\n", s.URL)
		}
		if s.Mend != "" {
			fmt.Fprintf(out, "  -> %s\n", s.Mend)
		}
	}
}

// whyJSON is what --output json prints of an answer.
func whyJSON(w app.Why) any {
	type standing struct {
		Finding     string   `json:"finding"`
		Title       string   `json:"title"`
		Resource    string   `json:"resource"`
		Group       string   `json:"group"`
		Integration int64    `json:"integration"` // 0: there is none
		Path        []string `json:"path"`
		Stage       string   `json:"stage"`
		Answer      string   `json:"answer"`
		Mend        string   `json:"mend"`
		URL         string   `json:"url"` // of its issue; empty: none
	}
	out := struct {
		Asked    string     `json:"asked"`
		Findings []standing `json:"findings"`
		Stage    string     `json:"stage,omitempty"` // when there are none
		Answer   string     `json:"answer,omitempty"`
		Mend     string     `json:"mend,omitempty"`
	}{Asked: w.Asked, Findings: []standing{}, Stage: string(w.Stage), Answer: w.Answer, Mend: w.Mend}
	for _, s := range w.Stands {
		out.Findings = append(out.Findings, standing{
			string(s.Finding.FindingKey), s.Finding.Title, s.Finding.ResourceID, string(s.Group), s.Integration.ID,
			s.Path, string(s.Stage), s.Answer, s.Mend, s.URL,
		})
	}
	return out
}

package connect

import (
	"github.com/spf13/cobra"

	"cxm/internal/app"
)

// givenFlags say what issues are given when they are made.
type givenFlags struct {
	labels       []string
	assignee     string
	confidential bool
}

func (g *givenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&g.labels, "label", nil, "label that every new issue gets; once for each, and once empty for none")
	cmd.Flags().StringVar(&g.assignee, "assignee", "", "user name of whom new issues are assigned to; empty: nobody")
	cmd.Flags().BoolVar(&g.confidential, "confidential", false, "make new issues confidential")
}

// given is what was asked for; nil: nothing was said about it.
func (g *givenFlags) given(cmd *cobra.Command) *app.Given {
	f := cmd.Flags()
	if !f.Changed("label") && !f.Changed("assignee") && !f.Changed("confidential") {
		return nil
	}
	out := &app.Given{Assignee: g.assignee, Confidential: g.confidential}
	for _, label := range g.labels {
		if label != "" {
			out.Labels = append(out.Labels, label)
		}
	}
	return out
}

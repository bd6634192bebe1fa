package main

import (
	"github.com/spf13/cobra"

	"cxm/internal/cli/work"
	"cxm/internal/demo"
)

func newDemo() *cobra.Command {
	var once bool
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Plays cxm's main job against an embedded sandbox GitLab",
		Long: `Starts a sandbox GitLab and a fresh cxm, and plays four days: findings come in, a
plan, issues appear, a quiet repetition, and what changed on the second day. It
stays up with its pages until Ctrl-C; with --once it ends instead, and exits
non-zero when anything was not as told. Nothing is kept.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), demo.Options{
				Out: cmd.OutOrStdout(), Listen: listen, Stay: !once, Progress: work.NewProgress(cmd.ErrOrStderr()).Step,
			})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the story, and fail when anything was not as told")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address of the sandbox's pages; port 0 takes a free one")
	return cmd
}

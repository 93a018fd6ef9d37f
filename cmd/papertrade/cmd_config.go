package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newConfig(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings in effect, check them, or start a file of them",
		Long: `config shows the settings in effect, as 'config show' does. A flag goes before a
variable of the environment, that before the settings file, and that before the
default.
` + exitStatuses,
		Example: `  papertrade config                # what is in effect, and why
  papertrade config init           # a file to start with
  papertrade config check          # is everything ready for a run?`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(_ context.Context, inv *invocation, _ []string) error { return runConfigShow(inv) }),
	}
	cmd.AddCommand(newConfigShow(p), newConfigInit(p), newConfigCheck(p))
	return cmd
}

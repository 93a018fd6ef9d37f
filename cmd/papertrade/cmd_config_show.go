package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newConfigShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the settings in effect and where each came from",
		Long: `show lists every setting with the value in effect and the place that it came from: a
flag, a variable, a line of the settings file, or the default. Secrets are shown as
***. With -o plain it prints one key=value per line.
` + exitStatuses,
		Example: `  papertrade config show
  papertrade config show --config staging.toml
  papertrade config show -o plain | grep '^refresh'
  papertrade config show -o json | jq -r '.[] | select(.origin != "default").key'`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(_ context.Context, inv *invocation, _ []string) error { return runConfigShow(inv) }),
	}
}

func runConfigShow(inv *invocation) error { return inv.print(settingsView(inv.config)) }

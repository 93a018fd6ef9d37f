package main

import (
	"cmp"

	"github.com/spf13/cobra"
)

func newRoot(env environ) *cobra.Command {
	p := &program{environ: env}
	root := &cobra.Command{
		Use:   "papertrade",
		Short: "Keep the price tables of a paper-trading application warm",
		Long: `papertrade keeps the price tables of a paper-trading application warm. Run by
cron at midnight UTC, 'papertrade refresh' finds the active tickers (the
watchlist, and what was traded lately), fetches the quotes that are due within
the vendor's limits, and commits them batch by batch.

Settings come from flags, then the environment (PAPERTRADE_SECTION_KEY), then
$XDG_CONFIG_HOME/papertrade/config.toml, then defaults. Results go to stdout,
logs to stderr.
` + refreshExitStatuses,
		Example: `  papertrade refresh --dry-run        # what would be fetched now
  papertrade refresh                  # what cron runs
  papertrade watchlist add BRK.B
  papertrade config init              # a settings file to start with`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.NoArgs,
		PersistentPreRunE: p.checkGlobals,
		RunE:              withoutSettings(showHelp),
	}
	root.Version = cmp.Or(programVersion(), "unknown")
	root.SetVersionTemplate("papertrade {{.Version}}\n")
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	p.globals.AddFlags(root)
	root.AddCommand(
		newRefresh(p),
		newBackfill(p),
		newActiveTickers(p),
		newWatchlist(p),
		newPrices(p),
		newReview(p),
		newPrune(p),
		newStatus(p),
		newMigrate(p),
		newConfig(p),
		newMan(),
		newVersion(p),
	)
	setUpHelp(root)
	setUpCompletion(root)
	completeSettings(root)
	return root
}

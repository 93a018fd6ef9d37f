package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newWatchlist(p *program) *cobra.Command {
	var opts watchlistListOptions
	cmd := &cobra.Command{
		Use:   "watchlist",
		Short: "Keep the list of tickers that are always refreshed",
		Long: `watchlist keeps the list of tickers that are always refreshed, whether or not
somebody trades them. Without a subcommand it lists them.
` + exitStatuses,
		Example: `  papertrade watchlist
  papertrade watchlist add BRK.B TSCO.LON --priority 10
  papertrade watchlist remove META
  papertrade watchlist export > watchlist.csv
  papertrade watchlist import watchlist.csv`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runWatchlistList(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	cmd.AddCommand(newWatchlistList(p), newWatchlistAdd(p), newWatchlistRemove(p), newWatchlistImport(p), newWatchlistExport(p))
	return cmd
}

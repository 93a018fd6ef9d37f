package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newWatchlistList(p *program) *cobra.Command {
	var opts watchlistListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the watchlist by priority",
		Long:  "list shows the watchlist by priority, lower first.\n" + exitStatuses,
		Example: `  papertrade watchlist list
  papertrade watchlist list --all
  papertrade watchlist list -o plain | wc -l`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runWatchlistList(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type watchlistListOptions struct{ all bool }

// AddFlags adds the flags of watchlist list.
func (o *watchlistListOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.all, "all", "a", false, "show removed tickers too")
}

func runWatchlistList(ctx context.Context, inv *invocation, opts watchlistListOptions) error {
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.Watchlist(ctx, opts.all)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.TimesErr != nil {
			inv.log.Warn().Str("ticker", e.Symbol).Err(e.TimesErr).Msg("times of the watchlist left out")
		}
	}
	return inv.print(watchlistView(entries))
}

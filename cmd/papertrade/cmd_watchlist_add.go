package main

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

func newWatchlistAdd(p *program) *cobra.Command {
	var opts watchlistAddOptions
	cmd := &cobra.Command{
		Use:   "add TICKER…",
		Short: "Add tickers to the watchlist, or reactivate removed ones",
		Long: `add puts tickers on the watchlist. Those that are on it, or were removed from it,
are made active and keep their priority and interval, unless a flag sets them. A
ticker that no price, transaction or row of the watchlist names is added too, with a
warning that nothing is known of it yet and which known one it resembles. A SQLite file
that is missing is made, unless a run has found one there before.

Beside the web application's tables, a ticker that it cannot read (other than one
to five letters) would make its whole list fail. It is refused, unless --any-ticker.
` + exitStatuses,
		Example: `  papertrade watchlist add IBM BRK.B
  papertrade watchlist add TSCO.LON --priority 10 --every 15m`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeTickers(unlistedSymbols),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runWatchlistAdd(ctx, inv, opts, args)
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type watchlistAddOptions struct {
	priority priority
	every    string
}

// AddFlags adds the flags of watchlist add.
func (o *watchlistAddOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().VarP(&o.priority, "priority", "p",
		"priority `N`: 1 first … 100 last (default 100); up to 10 it is refreshed every session, however scarce the quota")
	addAnyTickerFlag(cmd.Flags())
	cmd.Flags().StringVar(&o.every, "every", "", "refresh interval: a `DURATION` like 5m or 1d (default 5m)")
}

func runWatchlistAdd(ctx context.Context, inv *invocation, opts watchlistAddOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	interval, err := opts.interval()
	if err != nil {
		return err
	}
	var changes []refresh.WatchlistChange
	for _, ticker := range tickers {
		changes = append(changes, refresh.WatchlistChange{Ticker: ticker, Priority: opts.priority.int, RefreshInterval: interval})
	}
	return addToWatchlist(ctx, inv, slices.Values(changes))
}

// interval returns what --every asks for; nil if it is not given.
func (o watchlistAddOptions) interval() (*time.Duration, error) {
	if o.every == "" {
		return nil, nil
	}
	interval, err := config.ParseDuration(o.every)
	if err != nil {
		return nil, wrongUsage("--every: %w", err)
	}
	if interval < time.Second || interval%time.Second != 0 || interval/time.Second > math.MaxInt32 {
		return nil, wrongUsage("--every %s: choose whole seconds, from 1s to %dd", o.every, math.MaxInt32/(24*60*60))
	}
	return &interval, nil
}

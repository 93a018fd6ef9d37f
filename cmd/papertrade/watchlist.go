package main

import (
	"context"
	"slices"

	"papertrade/internal/refresh"
)

// addToWatchlist makes changes to the watchlist, and prints the rows that they concern.
func addToWatchlist(ctx context.Context, inv *invocation, changes []refresh.WatchlistChange) error {
	db, err := openStore(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.AddToWatchlist(ctx, changes, inv.now()); err != nil {
		return err
	}
	var symbols []string
	for _, change := range changes {
		symbols = append(symbols, change.Ticker.String())
	}
	return printChanged(ctx, inv, db, symbols)
}

// printChanged prints the rows of some symbols as they are now.
func printChanged(ctx context.Context, inv *invocation, db store, symbols []string) error {
	if !inv.wantsResult() || len(symbols) == 0 && inv.format == "" {
		return nil
	}
	entries, err := db.Watchlist(ctx, true)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool {
		return !slices.Contains(symbols, normalizeSymbol(e.Symbol))
	})
	return inv.print(watchlistView(changed))
}

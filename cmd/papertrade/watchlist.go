package main

import (
	"context"
	"slices"

	"papertrade/internal/refresh"
)

// addToWatchlist makes changes to the watchlist, and prints the rows that they concern.
func addToWatchlist(ctx context.Context, s *session, changes []refresh.WatchlistChange) error {
	db, err := openStore(ctx, s.config)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.AddToWatchlist(ctx, changes, s.now()); err != nil {
		return err
	}
	var symbols []string
	for _, change := range changes {
		symbols = append(symbols, change.Ticker.String())
	}
	return printChanged(ctx, s, db, symbols)
}

// printChanged prints the rows of some symbols as they are now.
func printChanged(ctx context.Context, s *session, db store, symbols []string) error {
	if !s.wantsResult() || len(symbols) == 0 && s.format == "" {
		return nil
	}
	entries, err := db.Watchlist(ctx, true)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(entries, func(e refresh.WatchlistEntry) bool {
		return !slices.Contains(symbols, normalizeSymbol(e.Symbol))
	})
	return s.print(watchlistView(changed))
}

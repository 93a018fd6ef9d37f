package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newWatchlistRemove(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "remove TICKER…",
		Short: "Remove tickers from the watchlist",
		Long: `remove makes tickers of the watchlist inactive. Their rows are kept, and 'watchlist
add' reactivates them. A ticker that is not on the watchlist is an error; the others
are removed all the same.
` + exitStatuses,
		Example: `  papertrade watchlist remove META
  papertrade watchlist remove AMZN GOOGL -q`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeTickers(watchlistSymbols),
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, args []string) error {
			return runWatchlistRemove(ctx, inv, args)
		}),
	}
}

func runWatchlistRemove(ctx context.Context, inv *invocation, args []string) error {
	// Symbols, since rows that are not tickers must go too.
	symbols := make([]string, len(args))
	for i, arg := range args {
		symbols[i] = normalizeSymbol(arg)
	}
	db, err := openPatiently(ctx, inv, openExisting)
	if err != nil {
		return err
	}
	defer db.Close()
	missing, err := db.RemoveFromWatchlist(ctx, symbols, inv.now())
	if err != nil {
		return err
	}
	removed := slices.DeleteFunc(symbols, func(symbol string) bool { return slices.Contains(missing, symbol) })
	if err := printChanged(ctx, inv, db, removed); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("not on the watchlist: %s; 'papertrade watchlist' lists what is", strings.Join(missing, ", "))
	}
	return nil
}

package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// maxCompletionWait is how long a shell is kept waiting for tickers.
const maxCompletionWait = 2 * time.Second

// symbolReader reads symbols, not all of which need be tickers.
type symbolReader func(ctx context.Context, inv *invocation, db store) ([]string, error)

// completeTickers offers those symbols of the database that are tickers and not named yet. If the settings
// or the database are not in order it offers nothing, and it never makes a database.
func (p *program) completeTickers(read symbolReader) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), maxCompletionWait)
		defer cancel()
		symbols, err := p.readSymbols(ctx, cmd, read)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offered []cobra.Completion
		for _, symbol := range symbols {
			ticker, err := marketdata.ParseTicker(symbol)
			if err == nil && !slices.ContainsFunc(args, func(arg string) bool { return normalizeSymbol(arg) == ticker.String() }) {
				offered = append(offered, ticker.String())
			}
		}
		slices.Sort(offered)
		return slices.Compact(offered), cobra.ShellCompDirectiveNoFileComp
	}
}

func (p *program) readSymbols(ctx context.Context, cmd *cobra.Command, read symbolReader) ([]string, error) {
	inv, err := newInvocation(p.environ, p.globals, cmd.Flags())
	if err != nil {
		return nil, err
	}
	db, err := openReadOnly(ctx, inv.config)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return read(ctx, inv, db)
}

// activeSymbols are what a run of all active tickers would refresh.
func activeSymbols(ctx context.Context, inv *invocation, db store) (symbols []string, err error) {
	from, err := discovery(ctx, inv.config, db)
	if err != nil {
		return nil, err
	}
	active, _, err := refresh.Discover(ctx, db, from, inv.now())
	for _, t := range active {
		symbols = append(symbols, t.Ticker.String())
	}
	return symbols, err
}

func knownSymbols(ctx context.Context, _ *invocation, db store) ([]string, error) {
	return db.KnownSymbols(ctx)
}

func watchlistSymbols(ctx context.Context, _ *invocation, db store) (symbols []string, err error) {
	entries, err := db.Watchlist(ctx, false)
	for _, e := range entries {
		symbols = append(symbols, e.Symbol)
	}
	return symbols, err
}

// unlistedSymbols are the known ones that are not on the watchlist.
func unlistedSymbols(ctx context.Context, inv *invocation, db store) ([]string, error) {
	listed, err := watchlistSymbols(ctx, inv, db)
	if err != nil {
		return nil, err
	}
	known, err := db.KnownSymbols(ctx)
	return slices.DeleteFunc(known, func(k string) bool {
		return slices.ContainsFunc(listed, func(l string) bool { return normalizeSymbol(l) == normalizeSymbol(k) })
	}), err
}

// completeOne offers nothing once there is an argument.
func completeOne(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, toComplete)
	}
}

// completeFile offers the names of files.
func completeFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

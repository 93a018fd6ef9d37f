package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/marketdata"
)

// completeSettings offers the values of flags that set a setting with few of them.
func completeSettings(cmd *cobra.Command) {
	for _, s := range config.Settings() {
		if s.Flag != "" && len(s.Values) > 0 {
			completeValues(cmd, s.Flag, s.Values)
		}
	}
}

func completeValues(cmd *cobra.Command, flag string, values []string) {
	if cmd.Flags().Lookup(flag) == nil && cmd.PersistentFlags().Lookup(flag) == nil {
		return
	}
	// It fails only where the flag is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeFile offers the names of files for the first argument.
func completeFile(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// symbolReader reads symbols, which can be dirty.
type symbolReader func(ctx context.Context, db store) ([]string, error)

// completionTime is how long a shell is kept waiting for tickers.
const completionTime = 2 * time.Second

// completeTickers offers those symbols of the database that are tickers and not named yet. Where the
// settings or the database are not in order it offers nothing, and makes nothing.
func (a *app) completeTickers(read symbolReader) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		symbols, err := a.readSymbols(ctx, cmd, read)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offered []cobra.Completion
		for _, symbol := range symbols {
			ticker, err := marketdata.ParseTicker(symbol)
			if err == nil && !slices.ContainsFunc(args, func(arg string) bool { return normal(arg) == ticker.String() }) {
				offered = append(offered, ticker.String())
			}
		}
		slices.Sort(offered)
		return slices.Compact(offered), cobra.ShellCompDirectiveNoFileComp
	}
}

// oneArgument offers nothing once an argument is there.
func oneArgument(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, toComplete)
	}
}

func (a *app) readSymbols(ctx context.Context, cmd *cobra.Command, read symbolReader) ([]string, error) {
	if err := a.prepare(cmd); err != nil {
		return nil, err
	}
	db, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return read(ctx, db)
}

// openReadOnly opens a database that is there, as it is.
func (a *app) openReadOnly(ctx context.Context) (store, error) {
	if a.config.Database.Driver == config.Postgres {
		return a.openStore(ctx)
	}
	return opened(sqlite.OpenReadOnly(a.config.Database.Path))
}

// activeSymbols is what a run of all active tickers would take.
func (a *app) activeSymbols(ctx context.Context, db store) (symbols []string, err error) {
	active, _, err := refresh.Discover(ctx, db, discovery(a.config), a.now())
	for _, t := range active {
		symbols = append(symbols, t.Ticker.String())
	}
	return symbols, err
}

func knownSymbols(ctx context.Context, db store) ([]string, error) { return db.KnownSymbols(ctx) }

func watchedSymbols(ctx context.Context, db store) (symbols []string, err error) {
	entries, err := db.Watchlist(ctx, false)
	for _, e := range entries {
		symbols = append(symbols, e.Symbol)
	}
	return symbols, err
}

func unwatchedSymbols(ctx context.Context, db store) ([]string, error) {
	watched, err := watchedSymbols(ctx, db)
	if err != nil {
		return nil, err
	}
	known, err := db.KnownSymbols(ctx)
	return slices.DeleteFunc(known, func(k string) bool {
		return slices.ContainsFunc(watched, func(w string) bool { return normal(w) == normal(k) })
	}), err
}

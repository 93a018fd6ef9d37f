package main

import (
	"context"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/postgres"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
)

// store is what both databases are.
type store interface {
	refresh.Store
	refresh.PruneStore
	quota.Ledger
	AddToWatchlist(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error
	RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error)
	Close() error
}

func (a *app) openStore(ctx context.Context) (store, error) {
	if a.config.Database.Driver == config.Postgres {
		return opened(postgres.Open(ctx, a.config.Database.URL.Reveal()))
	}
	return opened(sqlite.Open(ctx, a.config.Database.Path))
}

// openSnapshot opens the database so that even its making or upgrade leaves no trace.
func (a *app) openSnapshot(ctx context.Context) (store, error) {
	if a.config.Database.Driver == config.Postgres {
		return a.openStore(ctx)
	}
	return opened(sqlite.OpenSnapshot(ctx, a.config.Database.Path))
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S store](s S, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

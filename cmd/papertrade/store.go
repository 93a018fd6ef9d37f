package main

import (
	"context"
	"fmt"
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
	KnownSymbols(ctx context.Context) ([]string, error)
	// Runs reads the records of runs that a query asks for, the newest first. Those of other programs can
	// have any metadata, or none.
	Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error)
	// Locked says whether a process holds the lock of a job.
	Locked(ctx context.Context, job string) (bool, error)
	Close() error
}

func (a *app) openStore(ctx context.Context) (db store, err error) {
	if a.config.Database.Driver == config.Postgres {
		db, err = opened(postgres.Open(ctx, a.config.Database.URL.Reveal()))
	} else {
		db, err = opened(sqlite.Open(ctx, a.config.Database.Path))
	}
	return db, a.ofDatabase(err)
}

// openSnapshot opens the database so that even its making or upgrade leaves no trace.
func (a *app) openSnapshot(ctx context.Context) (db store, err error) {
	if a.config.Database.Driver == config.Postgres {
		return a.openStore(ctx)
	}
	db, err = opened(sqlite.OpenSnapshot(ctx, a.config.Database.Path))
	return db, a.ofDatabase(err)
}

// openToRead opens the database to look at it: where it is, or a snapshot where its tables must first be
// brought up to date. Neither leaves a trace.
func (a *app) openToRead(ctx context.Context) (store, error) {
	if a.config.Database.Driver == config.SQLite {
		if db, err := sqlite.OpenCurrent(ctx, a.config.Database.Path); err == nil {
			return db, nil
		}
	}
	return a.openSnapshot(ctx)
}

// ofDatabase adds to an error of opening the database which setting says that it is this one.
func (a *app) ofDatabase(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; the database is that of %s", err, a.config.DatabaseSetting())
}

// opened keeps a nil pointer from becoming a store that is not nil.
func opened[S store](s S, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

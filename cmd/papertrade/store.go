package main

import (
	"context"
	"errors"
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
	// Locked reports whether a process holds the lock of a job.
	Locked(ctx context.Context, job string) (bool, error)
	Close() error
}

// openStore opens the database of the settings, and makes or upgrades a SQLite file that needs it.
func openStore(ctx context.Context, c *config.Config) (db store, err error) {
	if c.Database.Driver == config.Postgres {
		db, err = asStore(postgres.Open(ctx, c.Database.URL.Reveal()))
	} else {
		db, err = asStore(sqlite.Open(ctx, c.Database.Path))
	}
	return db, wrapDatabase(c, err)
}

// openSnapshot opens the database so that even making or upgrading it leaves no trace.
func openSnapshot(ctx context.Context, c *config.Config) (db store, err error) {
	if c.Database.Driver == config.Postgres {
		return openStore(ctx, c)
	}
	db, err = asStore(sqlite.OpenSnapshot(ctx, c.Database.Path))
	return db, wrapDatabase(c, err)
}

// openForReading opens the database itself, or a snapshot of it if its tables must first be brought up to
// date. Neither leaves a trace.
func openForReading(ctx context.Context, c *config.Config) (store, error) {
	if c.Database.Driver == config.SQLite {
		if db, err := sqlite.OpenCurrent(ctx, c.Database.Path); err == nil {
			return db, nil
		}
	}
	return openSnapshot(ctx, c)
}

// openReadOnly opens a database that exists, as it is.
func openReadOnly(ctx context.Context, c *config.Config) (store, error) {
	if c.Database.Driver == config.Postgres {
		return openStore(ctx, c)
	}
	return asStore(sqlite.OpenReadOnly(c.Database.Path))
}

// checkDatabase reports whether the database can be used and whether it exists yet, and changes nothing.
func checkDatabase(ctx context.Context, c *config.Config) (found bool, err error) {
	if c.Database.Driver == config.SQLite {
		found, err = sqlite.Check(ctx, c.Database.Path)
		return found, wrapDatabase(c, err)
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return true, err
	}
	return true, db.Close()
}

// migrate brings the tables of the database up to date, and returns the migrations that it took on Postgres.
func migrate(ctx context.Context, c *config.Config) (applied []string, err error) {
	if c.Database.Driver == config.Postgres {
		applied, err = postgres.Migrate(ctx, c.Database.URL.Reveal())
		return applied, wrapDatabase(c, err)
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	return nil, db.Close()
}

// wrapDatabase adds to an error of opening the database which setting chose it.
func wrapDatabase(c *config.Config, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w%s; the database is that of %s", err, databaseAdvice(c.Database.Driver, err), c.DatabaseSetting())
}

// databaseAdvice returns what can be done about an error of opening the database, as its sentence goes on.
func databaseAdvice(driver string, err error) string {
	var mismatch *refresh.SchemaError
	switch {
	case errors.As(err, &mismatch) && mismatch.IsOlder():
		return ": run `papertrade migrate`"
	case errors.As(err, &mismatch):
		return ": upgrade papertrade"
	case errors.Is(err, refresh.ErrUnreachable) && driver == config.Postgres:
		return "; see that its server runs and that its URL is right"
	case errors.Is(err, postgres.ErrURL):
		return ": write postgres://user:password@host:5432/database, with %XX for special characters and valid parameters after the ?"
	case errors.Is(err, sqlite.ErrNotFile):
		return ": name a file for the SQLite database"
	default:
		return ""
	}
}

// asStore keeps a nil pointer from becoming a store that is not nil.
func asStore[S store](s S, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"papertrade/internal/apptables"
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
	AddToWatchlist(ctx context.Context, changes iter.Seq[refresh.WatchlistChange], at time.Time) error
	RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error)
	KnownSymbols(ctx context.Context) ([]string, error)
	// HasApplication reports whether the web application's tables are in the database.
	HasApplication(ctx context.Context) (bool, error)
	// Runs reads the records of runs that a query asks for, the newest first. Those of other programs can
	// have any metadata, or none.
	Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error)
	// Locked returns who holds the lock of a job; nil if nobody does.
	Locked(ctx context.Context, job string) (*refresh.Holder, error)
	Close() error
}

// newDatabase says what is done if a SQLite file is missing.
type newDatabase int

const (
	// newUnlessExpected makes it, unless a run has found it there: its disk may not be mounted.
	newUnlessExpected newDatabase = iota
	// newAlways makes it.
	newAlways
)

// openStore opens the database of the settings. A SQLite file is made if it is missing, and upgraded if it needs it; its
// directory is made where nobody has chosen it.
func openStore(ctx context.Context, c *config.Config, missing newDatabase) (db store, err error) {
	if c.Database.Driver == config.Postgres {
		return openPostgres(ctx, c)
	}
	if err = prepareFile(c, missing); err == nil {
		db, err = asStore(sqlite.Open(ctx, c.Database.Path))
	}
	return db, wrapDatabase(c, err)
}

// prepareFile sees to it that a SQLite file can be made if it is missing, and may be.
func prepareFile(c *config.Config, missing newDatabase) error {
	if err := checkExpected(c, missing); err != nil || !c.HasDefaultDatabase() {
		return err
	}
	return sqlite.MakeDirectory(c.Database.Path)
}

// openExisting opens a database that is there, and upgrades a SQLite file that needs it.
func openExisting(ctx context.Context, c *config.Config) (store, error) {
	if c.Database.Driver == config.SQLite {
		if err := sqlite.CheckExists(c.Database.Path); err != nil {
			return nil, wrapDatabase(c, err)
		}
	}
	return openStore(ctx, c, newUnlessExpected)
}

// openSnapshot is openStore, but even making or upgrading the database leaves no trace.
func openSnapshot(ctx context.Context, c *config.Config, missing newDatabase) (db store, err error) {
	if c.Database.Driver == config.Postgres {
		return openPostgres(ctx, c)
	}
	if err = checkExpected(c, missing); err == nil {
		db, err = asStore(sqlite.OpenSnapshot(ctx, c.Database.Path))
	}
	return db, wrapDatabase(c, err)
}

// openForReading opens a database that is there, or a snapshot of it if its tables must first be brought up to
// date. Neither leaves a trace.
func openForReading(ctx context.Context, c *config.Config) (store, error) {
	if c.Database.Driver == config.Postgres {
		return openPostgres(ctx, c)
	}
	db, err := asStore(sqlite.OpenCurrent(ctx, c.Database.Path))
	if mismatch := (*refresh.SchemaError)(nil); errors.As(err, &mismatch) && mismatch.IsOlder() {
		return openSnapshot(ctx, c, newUnlessExpected)
	}
	return db, wrapDatabase(c, err)
}

// openReadOnly opens a database that is there, as it is.
func openReadOnly(ctx context.Context, c *config.Config) (store, error) {
	if c.Database.Driver == config.Postgres {
		return openPostgres(ctx, c)
	}
	return asStore(sqlite.OpenReadOnly(c.Database.Path))
}

func openPostgres(ctx context.Context, c *config.Config) (store, error) {
	db, err := asStore(postgres.Open(ctx, c.Database.URL.Reveal()))
	return db, wrapDatabase(c, err)
}

// checkDatabase reports whether the database can be used and whether it exists yet. If it does, obstacles are what would keep a run
// from its work. It changes nothing.
func checkDatabase(ctx context.Context, c *config.Config) (found bool, obstacles []error, err error) {
	if c.Database.Driver == config.SQLite {
		if err := checkExpected(c, newUnlessExpected); err != nil {
			return false, nil, wrapDatabase(c, err)
		}
		found, err = sqlite.Check(ctx, c.Database.Path, c.HasDefaultDatabase())
		if found && err == nil {
			obstacles = sqlite.Try(ctx, c.Database.Path, time.Now())
		}
		return found, advised(c, obstacles), wrapDatabase(c, err)
	}
	db, err := postgres.Open(ctx, c.Database.URL.Reveal())
	if err != nil {
		return true, nil, wrapDatabase(c, err)
	}
	defer db.Close()
	readsTransactions := slices.ContainsFunc(c.Discovery.Sources, func(s string) bool { return s != string(refresh.SourceWatchlist) })
	return true, advised(c, db.Try(ctx, readsTransactions, time.Now())), nil
}

// advised adds to each error what can be done about it.
func advised(c *config.Config, obstacles []error) []error {
	all := make([]error, len(obstacles))
	for i, err := range obstacles {
		all[i] = fmt.Errorf("%w%s", err, databaseAdvice(c, err))
	}
	return all
}

// migrate brings the tables of the database up to date; the application's, if they are absent, in its own form for an
// application that will read them.
func migrate(ctx context.Context, c *config.Config, forApplication bool) (done refresh.Migration, err error) {
	url, path := c.Database.URL.Reveal(), c.Database.Path
	if c.Database.Driver == config.SQLite {
		err = prepareFile(c, newUnlessExpected)
	}
	switch {
	case err != nil:
	case c.Database.Driver == config.Postgres && forApplication:
		done, err = postgres.MigrateForApplication(ctx, url)
	case c.Database.Driver == config.Postgres:
		done, err = postgres.Migrate(ctx, url)
	case forApplication:
		done, err = sqlite.MigrateForApplication(ctx, path)
	default:
		done, err = sqlite.Migrate(ctx, path)
	}
	return done, wrapDatabase(c, err)
}

// wrapDatabase adds to an error of opening the database which setting chose it.
func wrapDatabase(c *config.Config, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w%s; the database is that of %s", err, databaseAdvice(c, err), c.DatabaseSetting())
}

// databaseAdvice returns what can be done about an error of opening the database, as its sentence goes on.
func databaseAdvice(c *config.Config, err error) string {
	var mismatch *refresh.SchemaError
	var grant *postgres.GrantError
	var table *apptables.TableError
	switch {
	case errors.As(err, &mismatch) && mismatch.IsOlder():
		return ": run `papertrade migrate`"
	case errors.As(err, &mismatch):
		return ": upgrade papertrade"
	case errors.As(err, &grant):
		return ": have the owner of the database run `" + grant.Grant + "`"
	case errors.As(err, &table) && table.LacksOnlyKey:
		return fmt.Sprintf(": run `create unique index %[1]s_key on %[1]s (%[2]s)`", table.Table, strings.Join(table.Key, ", "))
	case errors.As(err, &table):
		return ": rename it, or give papertrade a database of its own"
	case errors.Is(err, postgres.ErrSchemaTaken):
		return ": connect with the search_path that they were made with, or give each papertrade a database of its own"
	case errors.Is(err, postgres.ErrStatementMode):
		return ": have pgbouncer pool this database with pool_mode = transaction or session, or connect to the server itself"
	case errors.Is(err, postgres.ErrParameter):
		return ": take the parameter out of the URL, or connect to the server itself"
	case errors.As(err, new(*postgres.ServerError)):
		return ": use PostgreSQL or SQLite"
	case errors.Is(err, refresh.ErrOwnForm):
		return ": name a new database for --for-application, which 'papertrade backfill' then fills"
	case errors.Is(err, postgres.ErrNoDatabase), errors.Is(err, postgres.ErrNoRole):
		return ": create it, or correct the URL"
	case errors.Is(err, postgres.ErrPassword):
		return ": correct the user or the password in the URL"
	case errors.Is(err, refresh.ErrUnreachable) && c.Database.Driver == config.Postgres:
		return "; see that its server runs and that its URL is right"
	case errors.Is(err, postgres.ErrURL):
		return "; one looks like postgres://user:password@host:5432/database?sslmode=require, with %XX for special characters"
	case errors.Is(err, refresh.ErrNoSpace):
		return ": make room on it"
	case isForbidden(err) && c.Database.Driver == config.SQLite:
		return ": let this user write the file and its directory, as by chown or chmod"
	case errors.Is(err, sqlite.ErrNotFile):
		return ": name a file for the SQLite database"
	case errors.Is(err, sqlite.ErrNotThere):
		return adviceOnMissing(c)
	case errors.Is(err, sqlite.ErrEmpty):
		return adviceOnEmpty(c)
	case errors.Is(err, sqlite.ErrNoDirectory):
		return ": make it, or see that its disk is mounted"
	default:
		return ""
	}
}

func isForbidden(err error) bool {
	return errors.Is(err, refresh.ErrNoPermission) || errors.Is(err, refresh.ErrReadOnly)
}

// adviceOnMissing returns what can be done about a SQLite file that is not there.
func adviceOnMissing(c *config.Config) string {
	success, found, err := lastSuccess(c)
	dir := filepath.Dir(c.Database.Path)
	_, dirErr := os.Stat(dir)
	switch {
	case err == nil && found:
		return fmt.Sprintf(", though the last successful run, at %s, found it: see that its disk is mounted; "+
			"if it is gone for good, `papertrade refresh --init` makes another", formatTime(success.SucceededAt))
	case errors.Is(dirErr, fs.ErrNotExist) && !c.HasDefaultDatabase():
		return fmt.Sprintf(", and neither is its directory: see that its disk is mounted, or make %s and run `papertrade refresh`", dir)
	default:
		return ": it is made by `papertrade refresh` or `papertrade watchlist add`"
	}
}

// adviceOnEmpty returns what can be done about a SQLite file that has lost its content.
func adviceOnEmpty(c *config.Config) string {
	success, found, err := lastSuccess(c)
	if err != nil || !found {
		return ""
	}
	return fmt.Sprintf(", though the last successful run, at %s, left prices in it: restore it from a backup; "+
		"if it is gone for good, `papertrade refresh --init` begins anew", formatTime(success.SucceededAt))
}

// asStore keeps a nil pointer from becoming a store that is not nil.
func asStore[S store](s S, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"

	"papertrade/internal/refresh"
)

// migrations holds a directory for each form of version 1, which is the application's tables, and a file for
// each later version.
//
//go:embed migrations
var migrations embed.FS

const (
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 11
)

// checkSchema returns a *refresh.SchemaError if the tables are not those of this program.
func checkSchema(ctx context.Context, db *sql.DB) error {
	exists, err := hasTable(ctx, db, bookkeeping)
	if err != nil {
		return err
	}
	var version int64
	if exists {
		version, err = queryOne[int64](ctx, db, `select coalesce(max(version_id), 0) from `+bookkeeping)
	}
	if err == nil && version != schemaVersion {
		err = &refresh.SchemaError{Found: version, Want: schemaVersion}
	}
	return err
}

// isOlder reports whether checkSchema's error is that migrations would bring the tables up to date.
func isOlder(err error) bool {
	var mismatch *refresh.SchemaError
	return errors.As(err, &mismatch) && mismatch.IsOlder()
}

// form is the form in which the application's tables are made where they are absent: a directory of migrations.
type form string

const (
	ownForm         form = "application"     // keeps all decimals of a price
	applicationForm form = "for_application" // as SQLAlchemy makes them
)

// Migrate makes the file and its tables, or upgrades those of an older papertrade, as Open does.
func Migrate(ctx context.Context, path string) (refresh.Migration, error) {
	return migrateAs(ctx, path, ownForm)
}

// MigrateForApplication is Migrate, but makes tables that the application can read. The error is
// refresh.ErrOwnForm if there are others already.
func MigrateForApplication(ctx context.Context, path string) (refresh.Migration, error) {
	return migrateAs(ctx, path, applicationForm)
}

func migrateAs(ctx context.Context, path string, f form) (refresh.Migration, error) {
	store, created, err := open(ctx, path, f)
	if err != nil {
		return refresh.Migration{}, err
	}
	return refresh.Migration{Created: created}, store.Close()
}

// bringUpToDate is migrate of tables that may be up to date or newer. It reports whether the application's were absent.
func bringUpToDate(ctx context.Context, db *sql.DB, f form) (created bool, err error) {
	exists, err := hasTable(ctx, db, "price_history")
	if err != nil {
		return false, err
	}
	if exists && f == applicationForm {
		const find = `
select exists (select 1 from pragma_table_info('price_history') where name = 'price_amount' and lower(type) = 'text')`
		if own, err := queryOne[bool](ctx, db, find); own || err != nil {
			return false, cmp.Or(err, error(refresh.ErrOwnForm))
		}
	}
	if err := checkSchema(ctx, db); !isOlder(err) {
		return false, err
	}
	return !exists, migrate(ctx, db, f)
}

func migrate(ctx context.Context, db *sql.DB, f form) error {
	provider, err := newProvider(db, f)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func newProvider(db *sql.DB, f form) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName(bookkeeping),
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(
			goose.NewGoMigration(1, &goose.GoFunc{RunTx: f.create}, nil),
			goose.NewGoMigration(11, &goose.GoFunc{RunTx: addCallTime}, nil)),
	)
}

// create makes each table of the web application that is absent, with its indexes and first rows. It is written in
// Go because SQLite has no conditional statements.
func (f form) create(ctx context.Context, tx *sql.Tx) error {
	files, err := fs.Glob(migrations, path.Join("migrations", string(f), "*.sql"))
	if err != nil {
		return err
	}
	for _, file := range files {
		table := strings.TrimSuffix(path.Base(file), ".sql")
		exists, err := hasTable(ctx, tx, table)
		if err != nil {
			return err
		}
		if exists {
			continue
		}
		create, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, string(create)); err != nil {
			return fmt.Errorf("create %s: %w", table, err)
		}
	}
	return addUpdatedAt(ctx, tx)
}

// addUpdatedAt brings the price history of an older application up to that of newer ones.
func addUpdatedAt(ctx context.Context, tx *sql.Tx) error {
	return addColumn(ctx, tx, "price_history", "updated_at", "datetime")
}

// addCallTime adds the column that migration 3 did not make at first.
func addCallTime(ctx context.Context, tx *sql.Tx) error {
	return addColumn(ctx, tx, "papertrade_accounts", "call_ms", "bigint")
}

// addColumn adds a column to a table that may have it.
func addColumn(ctx context.Context, tx *sql.Tx, table, column, kind string) error {
	const find = `select exists (select 1 from pragma_table_info(?) where name = ?)`
	found, err := queryOne[bool](ctx, tx, find, table, column)
	if err == nil && !found {
		_, err = exec(ctx, tx, fmt.Sprintf(`alter table %s add column %s %s`, table, column, kind))
	}
	return err
}

func hasTable(ctx context.Context, db querier, table string) (bool, error) {
	const find = `select exists (select 1 from sqlite_master where type in ('table', 'view') and name = ?)`
	return queryOne[bool](ctx, db, find, table)
}

package sqlite

import (
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

// migrations holds a directory for version 1, which is the application's tables, and a file for
// each later version.
//
//go:embed migrations
var migrations embed.FS

const (
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 9
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

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName(bookkeeping),
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(goose.NewGoMigration(1, &goose.GoFunc{RunTx: createApplicationTables}, nil)),
	)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// createApplicationTables makes each table of the web application that is absent, with its indexes
// and first rows. It is written in Go because SQLite has no conditional statements.
func createApplicationTables(ctx context.Context, tx *sql.Tx) error {
	files, err := fs.Glob(migrations, "migrations/application/*.sql")
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
	const find = `select exists (select 1 from pragma_table_info('price_history') where name = 'updated_at')`
	found, err := queryOne[bool](ctx, tx, find)
	if err == nil && !found {
		_, err = exec(ctx, tx, `alter table price_history add column updated_at datetime`)
	}
	return err
}

func hasTable(ctx context.Context, db querier, table string) (bool, error) {
	const find = `select exists (select 1 from sqlite_master where type in ('table', 'view') and name = ?)`
	return queryOne[bool](ctx, db, find, table)
}

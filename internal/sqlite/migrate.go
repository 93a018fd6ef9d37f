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
)

// migrations holds a directory for version 1, which is the application's tables, and a file for
// each later version.
//
//go:embed migrations
var migrations embed.FS

const (
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 5
)

// upToDate says whether the tables are those of this program. An error means that they are newer.
func upToDate(ctx context.Context, db *sql.DB) (bool, error) {
	exists, err := hasTable(ctx, db, bookkeeping)
	if !exists || err != nil {
		return false, err
	}
	var version int
	if err := db.QueryRowContext(ctx, `select max(version_id) from `+bookkeeping).Scan(&version); err != nil {
		return false, err
	}
	if version > schemaVersion {
		return false, fmt.Errorf("its tables are of a newer papertrade (schema %d, this one knows %d): upgrade papertrade",
			version, schemaVersion)
	}
	return version == schemaVersion, nil
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
		if _, err := tx.ExecContext(ctx, string(create)); err != nil {
			return fmt.Errorf("create %s: %w", table, err)
		}
	}
	return addUpdatedAt(ctx, tx)
}

// addUpdatedAt brings the price history of an older application up to that of newer ones.
func addUpdatedAt(ctx context.Context, tx *sql.Tx) error {
	const find = `select 1 from pragma_table_info('price_history') where name = 'updated_at'`
	var found int
	err := tx.QueryRowContext(ctx, find).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.ExecContext(ctx, `alter table price_history add column updated_at datetime`)
	}
	return err
}

type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func hasTable(ctx context.Context, db rowQuerier, table string) (bool, error) {
	const query = `select exists (select 1 from sqlite_master where type in ('table', 'view') and name = ?)`
	var found bool
	err := db.QueryRowContext(ctx, query, table).Scan(&found)
	return found, err
}

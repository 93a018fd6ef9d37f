package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"papertrade/internal/refresh"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// bookkeeping is found by the search path, as the application's tables are: it is a table beside them, or since
	// version 10 a view of the one in the schema papertrade.
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 12
	migrateJob    = "migrate" // whose lock migrations hold
)

// checkSchema returns a *refresh.SchemaError if the tables are not those of this program.
func checkSchema(ctx context.Context, db querier) error {
	version, err := queryOne[int64](ctx, db, `select coalesce(max(version_id), 0) from `+bookkeeping, nil)
	if errors.Is(err, refresh.ErrTableMissing) {
		version, err = 0, nil
	}
	if err == nil && version != schemaVersion {
		err = &refresh.SchemaError{Found: version, Want: schemaVersion}
	}
	return err
}

// bookkeeper is goose's way to keep books, which by itself takes no view for a table.
type bookkeeper struct{ database.Store }

func (bookkeeper) TableExists(ctx context.Context, db database.DBTxConn) (exists bool, err error) {
	err = db.QueryRowContext(ctx, `select to_regclass($1) is not null`, bookkeeping).Scan(&exists)
	return exists, err
}

// Migrate makes the tables that the database at a postgres:// URL does not have and upgrades those
// of an older papertrade. Any number of processes may call it at the same time.
func Migrate(ctx context.Context, url string) (refresh.Migration, error) {
	return migrate(ctx, url, prepare)
}

// MigrateForApplication is Migrate, but makes tables that the application can read. The error is
// refresh.ErrOwnForm if there are others already.
func MigrateForApplication(ctx context.Context, url string) (refresh.Migration, error) {
	return migrate(ctx, url, prepareForApplication)
}

func migrate(
	ctx context.Context, url string, prepare func(context.Context, *sql.Tx) (absent bool, err error),
) (done refresh.Migration, err error) {
	db, provider, err := openProvider(url)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var absent bool
	err = transactAlone(ctx, db, func(tx *sql.Tx) (err error) {
		absent, err = prepare(ctx, tx)
		return err
	})
	if err != nil {
		return done, fmt.Errorf("migrate the database: %w", translate(err))
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return done, fmt.Errorf("migrate the database: %w", translate(err))
	}
	for _, result := range results {
		done.Applied = append(done.Applied, strings.TrimSuffix(path.Base(result.Source.Path), ".sql"))
	}
	done.Created = absent && len(results) > 0 && results[0].Source.Version == 1
	if err := transactAlone(ctx, db, func(tx *sql.Tx) error { return leaveSearchPath(ctx, tx) }); err != nil {
		return done, fmt.Errorf("take the schema papertrade off the search path: %w", translate(err))
	}
	found, want, err := provider.GetVersions(ctx)
	if err != nil {
		return done, fmt.Errorf("migrate the database: %w", translate(err))
	}
	if found > want {
		return done, &refresh.SchemaError{Found: found, Want: want}
	}
	return done, nil
}

// openProvider returns the migrations, which are those of the database at a URL as long as that is open.
func openProvider(url string) (*sql.DB, *goose.Provider, error) {
	config, err := poolConfig(url)
	if err != nil {
		return nil, nil, err
	}
	// A table that the application holds must not have the application queue behind this.
	config.ConnConfig.RuntimeParams["lock_timeout"] = "10s"
	const pollSeconds, polls = 1, 300
	locker, err := lock.NewPostgresSessionLocker(
		lock.WithLockID(lockKey(migrateJob)), lock.WithLockTimeout(pollSeconds, polls))
	if err != nil {
		return nil, nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	store, err := database.NewStore(goose.DialectPostgres, bookkeeping)
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	provider, err := goose.NewProvider(goose.DialectCustom, db, files,
		goose.WithStore(bookkeeper{store}), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, provider, nil
}

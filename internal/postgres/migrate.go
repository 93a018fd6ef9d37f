package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"papertrade/internal/refresh"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 9
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

// Migrate makes the tables that the database at a postgres:// URL does not have and upgrades those
// of an older papertrade. It returns the names of the migrations that it applied, none if the
// database was up to date. Any number of processes may call it at the same time.
func Migrate(ctx context.Context, url string) (applied []string, err error) {
	config, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	// A table that the application holds must not have the application queue behind this.
	config.ConnConfig.RuntimeParams["lock_timeout"] = "10s"
	db := stdlib.OpenDB(*config.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()

	const pollSeconds, polls = 1, 300
	locker, err := lock.NewPostgresSessionLocker(
		lock.WithLockID(lockKey("migrate")), lock.WithLockTimeout(pollSeconds, polls))
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(bookkeeping), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate the database: %w", translate(err))
	}
	for _, result := range results {
		applied = append(applied, strings.TrimSuffix(path.Base(result.Source.Path), ".sql"))
	}
	found, want, err := provider.GetVersions(ctx)
	if err != nil {
		return applied, fmt.Errorf("migrate the database: %w", translate(err))
	}
	if found > want {
		return applied, &refresh.SchemaError{Found: found, Want: want}
	}
	return applied, nil
}

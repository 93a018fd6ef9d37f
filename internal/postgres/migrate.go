package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 5
)

// SchemaError says that the tables of a database are not those of this program.
type SchemaError struct {
	Found int64 // the newest migration of the database; 0: none
	Want  int64 // the newest one that the program knows
}

func (e *SchemaError) Error() string {
	switch {
	case e.Found == 0:
		return "the database does not have papertrade's tables yet: run `papertrade migrate`"
	case e.Found < e.Want:
		return fmt.Sprintf("the database's tables are of an older papertrade (schema %d, this one needs %d): run `papertrade migrate`",
			e.Found, e.Want)
	default:
		return fmt.Sprintf("the database's tables are of a newer papertrade (schema %d, this one knows %d): upgrade papertrade",
			e.Found, e.Want)
	}
}

func (s *Store) checkSchema(ctx context.Context) error {
	const sql = `select coalesce(max(version_id), 0) as version from ` + bookkeeping
	found, err := query[struct{ Version int64 }](ctx, s, sql, nil)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == undefinedTable {
		return &SchemaError{Want: schemaVersion}
	}
	if err != nil {
		return err
	}
	if found[0].Version != schemaVersion {
		return &SchemaError{Found: found[0].Version, Want: schemaVersion}
	}
	return nil
}

// Migrate makes the tables that the database at a postgres:// URL does not have and upgrades those
// of an older papertrade. It returns the names of the migrations that it applied, none where the
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
		return applied, &SchemaError{Found: found, Want: want}
	}
	return applied, nil
}

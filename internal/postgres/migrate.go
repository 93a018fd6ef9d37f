package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// bookkeeping is found by the search path, as the application's tables are: it is a table beside them, or since
	// version 10 a view of the one in the schema papertrade. Its form is goose's, which older versions use.
	bookkeeping   = "papertrade_migrations"
	schemaVersion = 13
	migrateJob    = "migrate" // whose lock migrations hold
)

// checkSchema returns a *refresh.SchemaError if the tables are not those of this program.
func checkSchema(ctx context.Context, db querier) error {
	version, err := storedVersion(ctx, db)
	if err == nil && version != schemaVersion {
		err = &refresh.SchemaError{Found: version, Want: schemaVersion}
	}
	return err
}

// storedVersion returns which migration the database has had last; 0 if none.
func storedVersion(ctx context.Context, db querier) (int64, error) {
	version, err := queryOne[int64](ctx, db, `select coalesce(max(version_id), 0) from `+bookkeeping, nil)
	if errors.Is(err, refresh.ErrTableMissing) {
		return 0, nil
	}
	return version, err
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

func migrate(ctx context.Context, url string, prepare preparation) (done refresh.Migration, err error) {
	m, err := openMigrator(ctx, url)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	limit, err := checkServer(ctx, m.pool)
	if err == nil {
		done, err = m.migrate(ctx, prepare)
	}
	if err != nil {
		return done, fmt.Errorf("migrate the database: %w", err)
	}
	done.Limit = limit
	if err := m.leaveSearchPath(ctx); err != nil {
		return done, fmt.Errorf("take the schema papertrade off the search path: %w", err)
	}
	return done, nil
}

// migrator is a database whose tables need not be those of this program.
type migrator struct{ *Store }

func openMigrator(ctx context.Context, url string) (migrator, error) {
	config, err := poolConfig(url)
	if err != nil {
		return migrator{}, err
	}
	pool, err := newLimitedPool(ctx, config, migrationLimits)
	return migrator{newStore(pool)}, translate(err)
}

func (m migrator) migrate(ctx context.Context, prepare preparation) (done refresh.Migration, err error) {
	absent, err := m.prepare(ctx, prepare)
	if err != nil {
		return done, err
	}
	version, err := storedVersion(ctx, m.pool)
	switch {
	case err != nil:
		return done, err
	case version > schemaVersion:
		return done, &refresh.SchemaError{Found: version, Want: schemaVersion}
	case version == schemaVersion:
		return done, nil
	}
	unlock, err := m.lock(ctx)
	if err != nil {
		return done, err
	}
	defer unlock()
	applied, err := m.migrateTo(ctx, schemaVersion)
	for _, step := range applied {
		done.Applied = append(done.Applied, step.name)
	}
	done.Created = absent && len(applied) > 0 && applied[0].version == 1
	return done, err
}

// lock waits for the lease of migrations, by which a process that is refused knows who is at work. Tables from before version 12
// have no leases: then the transactions alone exclude each other.
func (m migrator) lock(ctx context.Context) (unlock func(), err error) {
	err = whileLocked(ctx, func() (err error) {
		unlock, err = m.Lock(ctx, migrateJob)
		return err
	})
	if errors.Is(err, refresh.ErrTableMissing) {
		return func() {}, nil
	}
	return unlock, err
}

// whileLocked tries again as long as another process migrates, but not for ever.
func whileLocked(ctx context.Context, try func() error) error {
	const patience, pause = 5 * time.Minute, 50 * time.Millisecond
	timeout := time.After(patience)
	for {
		err := try()
		if !errors.Is(err, refresh.ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timeout:
			return err
		case <-time.After(pause):
		}
	}
}

// prepare begins the bookkeeping where there is none, after what prepare does. Two that make the same at the same time find
// it made when they try again.
func (m migrator) prepare(ctx context.Context, prepare preparation) (absent bool, err error) {
	const tries = 5
	for range tries {
		err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
			if absent, err = prepare(ctx, tx); err != nil {
				return err
			}
			return beginBookkeeping(ctx, tx)
		})
		if !isMadeByAnother(err) {
			break
		}
	}
	return absent, translate(err)
}

// isMadeByAnother reports whether a statement was refused since what it makes is there, though it was not when that was asked.
func isMadeByAnother(err error) bool {
	const uniqueViolation, duplicateTable, duplicateObject = "23505", "42P07", "42710" // the first is one of the catalog
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains([]string{uniqueViolation, duplicateTable, duplicateObject}, answer.Code)
}

func beginBookkeeping(ctx context.Context, tx pgx.Tx) error {
	const statements = `
create table ` + bookkeeping + ` (
    id         integer   primary key generated by default as identity,
    version_id bigint    not null,
    is_applied boolean   not null,
    tstamp     timestamp not null default now()
);
insert into ` + bookkeeping + ` (version_id, is_applied) values (0, true)`
	found, err := queryOne[bool](ctx, tx, `select to_regclass(@name) is not null`, pgx.NamedArgs{"name": bookkeeping})
	if err == nil && !found {
		_, err = tx.Exec(ctx, statements)
	}
	return err
}

// step is a migration.
type step struct {
	version    int64
	name       string
	statements string
}

// steps returns all migrations in their order.
func steps() ([]step, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]step, len(files))
	for i, file := range files {
		statements, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[i] = step{version, name, string(statements)}
	}
	return all, nil
}

// migrateTo applies the migrations up to a version, all or none, and returns those that were not applied before. It applies none if
// the lease of migrations was taken, and is lost.
func (m migrator) migrateTo(ctx context.Context, version int64) (applied []step, err error) {
	all, err := steps()
	if err != nil {
		return nil, err
	}
	err = m.alone(ctx, func(tx pgx.Tx) error {
		stored, err := storedVersion(ctx, tx)
		if err != nil {
			return err
		}
		applied = nil
		for _, step := range all {
			if step.version <= stored || step.version > version {
				continue
			}
			if err := apply(ctx, tx, step); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			applied = append(applied, step)
		}
		return m.fence(ctx, tx) // last, since a renewal that waits for it would be in the way of a change of the table
	})
	if err != nil {
		return nil, err
	}
	return applied, nil
}

const insufficientPrivilege = "42501"

func apply(ctx context.Context, tx pgx.Tx, step step) error {
	const note = `insert into ` + bookkeeping + ` (version_id, is_applied) values (@version, true)`
	_, err := tx.Exec(ctx, step.statements)
	if answer := (*pgconn.PgError)(nil); errors.As(err, &answer) && answer.Code == insufficientPrivilege {
		// Not of a row, though it can come out of a block of code.
		return fmt.Errorf("%w: %w: migrate as the owner of the tables that are there", refresh.ErrNoPermission, err)
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, note, pgx.NamedArgs{"version": step.version})
	return err
}

// alone runs work in a transaction while no other process migrates: each locks the first row of the bookkeeping. To wait for
// that within a transaction would keep the migration under way from moving the table.
func (m migrator) alone(ctx context.Context, work func(pgx.Tx) error) error {
	const turn = `select from ` + bookkeeping + ` where version_id = 0 for update nowait`
	return whileLocked(ctx, func() error {
		return translate(pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
			if _, err := exec(ctx, tx, turn, nil); errors.Is(err, refresh.ErrBusy) {
				return refresh.ErrLocked
			} else if err != nil {
				return err
			}
			return work(tx)
		}))
	})
}

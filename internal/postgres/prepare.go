package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"

	"papertrade/internal/refresh"
)

//go:embed migrations/for_application/tables.sql
var tablesForApplication string

// ErrSchemaTaken is the error of migrating a second papertrade in the same database.
const ErrSchemaTaken refresh.StoreError = "the schema papertrade has tables already, " +
	"which no view papertrade_migrations on the search path leads to"

// GrantError is the error of migrating as a role that may not make the schema papertrade, or a table in it.
type GrantError struct {
	Grant string // the statement that would permit it
}

func (e *GrantError) Error() string { return "the role may not make tables in a schema papertrade" }

func (e *GrantError) Unwrap() error { return refresh.ErrNoPermission }

// transactAlone runs work in a transaction while no other process migrates.
func transactAlone(ctx context.Context, db *sql.DB, work func(*sql.Tx) error) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	const wait = `set local lock_timeout = '5min'`
	if _, err := tx.ExecContext(ctx, wait); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, lockKey(migrateJob)); err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// prepare sees to it that the schema papertrade can be made, or serves this papertrade already. It reports whether the
// application's tables are absent.
func prepare(ctx context.Context, tx *sql.Tx) (absent bool, err error) {
	const statement = `
select
    to_regclass('price_history') is null,
    coalesce(home.relkind = 'v' or home.relnamespace = own.oid, false),
    exists (select from pg_class where relnamespace = own.oid and relname = 'papertrade_migrations'),
    case when own.oid is null then has_database_privilege(current_database(), 'create')
        else has_schema_privilege(own.oid, 'create') and has_schema_privilege(own.oid, 'usage') end,
    case when own.oid is null then format('grant create on database %I to %I', current_database(), current_user)
        else format('grant create, usage on schema papertrade to %I', current_user) end
from (select to_regnamespace('papertrade')::oid as oid) as own
left join pg_class as home on home.oid = to_regclass('papertrade_migrations')`
	var moved, taken, permitted bool
	var grant string
	if err := tx.QueryRowContext(ctx, statement).Scan(&absent, &moved, &taken, &permitted, &grant); err != nil {
		return false, err
	}
	switch {
	case moved:
		return absent, nil
	case taken:
		return false, ErrSchemaTaken
	case !permitted:
		return false, &GrantError{grant}
	default:
		return absent, nil
	}
}

// prepareForApplication is prepare, and makes the application's tables that are absent.
func prepareForApplication(ctx context.Context, tx *sql.Tx) (absent bool, err error) {
	if absent, err = prepare(ctx, tx); err != nil {
		return false, err
	}
	const statement = `
select exists (
    select from pg_attribute
    where attrelid = to_regclass('price_history') and attname = 'price_amount'
        and format_type(atttypid, atttypmod) <> 'numeric(18,2)')`
	var own bool
	if err := tx.QueryRowContext(ctx, statement).Scan(&own); err != nil {
		return false, err
	}
	if own {
		return false, refresh.ErrOwnForm
	}
	if _, err := tx.ExecContext(ctx, tablesForApplication); err != nil {
		return false, fmt.Errorf("make the application's tables: %w", err)
	}
	return absent, nil
}

// leaveSearchPath takes the schema papertrade off the default search path of a role of that name in this database, unless the
// application's tables are in it: else the path would begin with it, and the application, which often uses this role,
// would make its next tables there and propose to drop ours.
func leaveSearchPath(ctx context.Context, tx *sql.Tx) error {
	const statement = `
do $$
declare
    path text := (
        select setting from pg_settings
        where name = 'search_path' and setting like '%$user%' and source not in ('client', 'session'));
begin
    if current_user = 'papertrade' and path is not null and to_regclass('papertrade.price_history') is null then
        execute format('alter role %I in database %I set search_path to %s', current_user, current_database(),
            regexp_replace(path, '"?\$user"?\s*,?\s*', ''));
    end if;
end
$$`
	_, err := tx.ExecContext(ctx, statement)
	return err
}

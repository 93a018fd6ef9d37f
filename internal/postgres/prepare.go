package postgres

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

//go:embed migrations/for_application/tables.sql
var tablesForApplication string

// ErrSchemaTaken is the error of migrating a second papertrade in the same database.
const ErrSchemaTaken refresh.StoreError = "the schema papertrade has tables already, " +
	"which no view papertrade_migrations on the search path leads to"

// GrantError is the error of migrating as a role that may not make the schema papertrade, or what is to be in it or beside it.
type GrantError struct {
	Grant string // the statement that would permit it
}

func (e *GrantError) Error() string { return "the role may not make tables in a schema papertrade" }

func (e *GrantError) Unwrap() error { return refresh.ErrNoPermission }

// preparation is what comes before the migrations. It reports whether the application's tables are absent.
type preparation func(ctx context.Context, tx pgx.Tx) (absent bool, err error)

// prepare sees to it that the schema papertrade can be made, or serves this papertrade already. It reports whether the
// application's tables are absent. The error is an *apptables.TableError if one of them is another program's.
func prepare(ctx context.Context, tx pgx.Tx) (absent bool, err error) {
	if err := checkTables(ctx, tx); err != nil {
		return false, err
	}
	const statement = `
select
    to_regclass('price_history') is null,
    coalesce(home.relkind = 'v' or home.relnamespace = own.oid, false),
    exists (select from pg_class where relnamespace = own.oid and relname = 'papertrade_migrations'),
    concat_ws('; ',
        case when own.oid is null and not has_database_privilege(current_database(), 'create')
            then format('grant create on database %I to %I', current_database(), current_user) end,
        case when not (has_schema_privilege(own.oid, 'create') and has_schema_privilege(own.oid, 'usage'))
            then format('grant create, usage on schema papertrade to %I', current_user) end,
        case when not has_schema_privilege(current_schema(), 'create')
            then format('grant create on schema %I to %I', current_schema(), current_user) end)
from (select to_regnamespace('papertrade')::oid as oid) as own
left join pg_class as home on home.oid = to_regclass('papertrade_migrations')`
	var moved, taken bool
	var grants string
	if err := tx.QueryRow(ctx, statement).Scan(&absent, &moved, &taken, &grants); err != nil {
		return false, err
	}
	switch {
	case moved:
		return absent, nil
	case taken:
		return false, ErrSchemaTaken
	case grants != "":
		return false, &GrantError{grants}
	default:
		return absent, nil
	}
}

// prepareForApplication is prepare, and makes the application's tables that are absent.
func prepareForApplication(ctx context.Context, tx pgx.Tx) (absent bool, err error) {
	if absent, err = prepare(ctx, tx); err != nil {
		return false, err
	}
	const statement = `
select exists (
    select from pg_attribute
    where attrelid = to_regclass('price_history') and attname = 'price_amount'
        and format_type(atttypid, atttypmod) <> 'numeric(18,2)')`
	var own bool
	if err := tx.QueryRow(ctx, statement).Scan(&own); err != nil {
		return false, err
	}
	if own {
		return false, refresh.ErrOwnForm
	}
	if _, err := tx.Exec(ctx, tablesForApplication); err != nil {
		return false, fmt.Errorf("make the application's tables: %w", err)
	}
	return absent, nil
}

// leaveSearchPath takes the schema papertrade off the default search path of a role of that name in this database, unless the
// application's tables are in it: else the path would begin with it, and the application, which often uses this role,
// would make its next tables there and propose to drop ours.
func (m migrator) leaveSearchPath(ctx context.Context) error {
	// That the path is the client's or the session's own is not changed.
	const statement = `
select format('alter role %I in database %I set search_path to %s', current_user, current_database(),
    regexp_replace(setting, '"?\$user"?\s*,?\s*', ''))
from pg_settings
where name = 'search_path' and setting like '%$user%' and source not in ('client', 'session')
    and current_user = 'papertrade' and to_regclass('papertrade.price_history') is null`
	changes, err := query(ctx, m.pool, pgx.RowTo[string], statement, nil)
	if err != nil || len(changes) == 0 {
		return err
	}
	return m.alone(ctx, func(tx pgx.Tx) error { // two at the same time would disturb each other
		_, err := tx.Exec(ctx, changes[0])
		return err
	})
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
)

// as returns the URL of a database as a role uses it, which can make nothing in it but what it is granted.
func as(t *testing.T, address, role string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	run(t, address, `create role `+role+` login`)
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			_, err = conn.Exec(ctx, `drop owned by `+role+`; drop role `+role)
			err = errors.Join(err, conn.Close(ctx))
		}
		if err != nil {
			t.Error(err)
		}
	})
	u.User = url.User(role)
	return u.String()
}

// ownRows has a row for each of papertrade's own tables of version 9.
const ownRows = `
insert into papertrade_ticker_states values
    ('AAPL', now(), now(), 2, '2026-11-20', '1999-11-01', '2026-11-20', 1, 2, 3, now()), ('IBM', null, now(), 0, null, null, null, 0, 0, 0, null);
insert into papertrade_accounts values ('key', now(), 250, now(), now(), '[]');
insert into papertrade_calls values
    (gen_random_uuid(), 'key', now(), now(), 1), (gen_random_uuid(), 'key', now(), now(), 7);
insert into papertrade_absent_sessions values ('AAPL', '2026-11-19'), ('IBM', '2026-11-19');
insert into papertrade_splits values ('AAPL', '2020-08-31', 4, 1, true);
insert into papertrade_held_prices values
    ('AAPL', '2026-11-20', 1925.30, 190, 1930.1, 189, 192.53, 'USD', 7, 'alpha_vantage', now(), 'ten times', '["unit"]', 'held', null)`

// rowsOfOwnTables returns all rows of them by table, in a schema.
func rowsOfOwnTables(t *testing.T, url, schema string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, table := range texts(t, url, `select tablename from pg_tables where tablename like 'papertrade\_%' and schemaname = '`+schema+`'`) {
		// Of which one has a row more after each step, and the others are younger.
		if !slices.Contains([]string{bookkeeping, "papertrade_leases", "papertrade_task_claims"}, table) {
			rows[table] = texts(t, url, fmt.Sprintf(`select to_jsonb(t)::text from %s.%s as t order by 1`, schema, table))
		}
	}
	return rows
}

func TestMigrateMovesOwnTables(t *testing.T) {
	for _, test := range []struct{ name, role, path, home string }{
		{"by default", "tester", `"$user", public`, "public"},
		{"as the role of that name", "papertrade", `"$user", public`, "public"},
		{"beside an application elsewhere", "tester", `app, public`, "app"},
		{"beside an application in the schema of that name", "papertrade", `"$user", public`, "papertrade"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := cluster.Empty(t)
			mine := as(t, address, test.role)
			run(t, address, fmt.Sprintf(`
				do $$ begin
					execute format('grant create on database %%I to %[1]s', current_database());
					execute format('alter database %%I set search_path to %[2]s', current_database());
				end $$;
				grant create on schema public to %[1]s;`, test.role, test.path))
			if test.home != "public" {
				run(t, address, `create schema `+test.home+` authorization `+test.role)
			}
			migrateTo(t, mine, 9)
			asApplication := func(statement string) []string { return textsByDefault(t, mine, statement) }
			run(t, mine, `set search_path to `+test.home+`; `+ownRows)
			before := rowsOfOwnTables(t, mine, test.home)
			if len(before) != 6 {
				t.Fatalf("rows of %d tables, want 6", len(before))
			}
			visible := `select relname::text from pg_class where pg_table_is_visible(oid) and relkind = 'r' and relname not like 'pg\_%' order by 1`
			applications := asApplication(strings.Replace(visible, "order", `and relname not like 'papertrade\_%' order`, 1))

			migrateTwice(t, mine)
			diff(t, rowsOfOwnTables(t, mine, "papertrade"), before)
			// An older papertrade reads by the search path that it is too old, and could not begin anew.
			diff(t, asApplication(`select max(version_id)::text from papertrade_migrations`), []string{"13"})
			wantRefused(t, mine, `create table papertrade_migrations ()`)
			openStore(t, mine)
			if test.role == "papertrade" { // a dump does not have the settings of roles
				run(t, address, `do $$ begin execute format('alter role papertrade in database %I reset all', current_database()); end $$`)
				migrateTwice(t, mine)
			}
			if test.home != "papertrade" {
				diff(t, rowsOfOwnTables(t, mine, test.home), map[string][]string{})
				diff(t, asApplication(visible), applications)
				diff(t, asApplication(`select current_schema()::text`), []string{test.home})
			}
		})
	}
}

// migrateTwice runs two at the same time.
func migrateTwice(t *testing.T, url string) {
	t.Helper()
	var migrating sync.WaitGroup
	for range 2 {
		migrating.Go(func() {
			if _, err := Migrate(context.Background(), url); err != nil {
				t.Error(err)
			}
		})
	}
	migrating.Wait()
}

// textsByDefault is texts by a connection that has the search path of its role.
func textsByDefault(t *testing.T, url, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), query)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantRefused(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err == nil {
		t.Errorf("%s: no error", statement)
	}
}

// Whenever a migrate is killed, the tables are all where they were, and the next one moves them.
func TestKilledMigrateMovesNothing(t *testing.T) {
	address := cluster.Empty(t)
	migrateTo(t, address, 9)
	run(t, address, ownRows)
	before := rowsOfOwnTables(t, address, "public")

	conn := connect(t, address)
	defer conn.Close(t.Context())
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		// The schema is made, and the tables before this one are moved.
		if _, err := tx.Exec(t.Context(), `lock table papertrade_calls in access share mode`); err != nil {
			return err
		}
		migrated := make(chan error)
		go func() {
			_, err := Migrate(context.Background(), address)
			migrated <- err
		}()
		run(t, address, `do $$ declare victim integer; begin
			while victim is null loop
				perform pg_sleep(0.01);
				select pid into victim from pg_locks where relation = 'papertrade_calls'::regclass and not granted;
			end loop;
			perform pg_terminate_backend(victim, 5000);
		end $$`)
		storetest.WantError(t, <-migrated, refresh.ErrUnreachable)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, rowsOfOwnTables(t, address, "public"), before)
	diff(t, texts(t, address, `select nspname::text from pg_namespace where nspname = 'papertrade'`), nil)
	_, err = Open(t.Context(), address)
	var mismatch *refresh.SchemaError
	if !errors.As(err, &mismatch) || !mismatch.IsOlder() {
		t.Errorf("error %v, want that the tables are older", err)
	}

	if _, err := Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	diff(t, rowsOfOwnTables(t, address, "papertrade"), before)
}

func TestMigrateNeedsAGrant(t *testing.T) {
	address := cluster.Empty(t)
	mine := as(t, address, "tester")
	run(t, address, `grant create on schema public to tester`)
	migrateTo(t, mine, 9)
	_, err := Migrate(t.Context(), mine)
	var missing *GrantError
	if !errors.As(err, &missing) || !errors.Is(err, refresh.ErrNoPermission) {
		t.Fatalf("error %v, want a *GrantError", err)
	}
	diff(t, texts(t, address, `select max(version_id)::text from papertrade_migrations`), []string{"9"})

	run(t, address, `create schema papertrade`)
	_, err = Migrate(t.Context(), mine)
	var second *GrantError
	if !errors.As(err, &second) {
		t.Fatalf("error %v, want a *GrantError", err)
	}
	diff(t, second.Grant, `grant create, usage on schema papertrade to tester`)

	run(t, address, `drop schema papertrade; `+missing.Grant)
	if _, err := Migrate(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	openStore(t, mine)
}

// A role that may only use the tables, and no more than those it was granted, can use them after the move.
func TestGrantsOutliveTheMove(t *testing.T) {
	address := cluster.Empty(t)
	migrateTo(t, address, 9)
	user := as(t, address, "tester")
	run(t, address, `grant select, insert, update, delete on all tables in schema public to tester;
		revoke all on papertrade_held_prices from tester`)
	if _, err := Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	run(t, user, `delete from papertrade.papertrade_calls`)
	wantRefused(t, user, `delete from papertrade.papertrade_held_prices`)
	// A cron line may migrate each time, as long as there is nothing to do.
	run(t, address, `revoke insert, update, delete on all tables in schema public, papertrade from tester`)
	if _, err := Migrate(t.Context(), user); err != nil {
		t.Error(err)
	}
	openStore(t, user)
}

func TestOnePapertradePerDatabase(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	run(t, address, `create schema second`)
	second := withParameter(t, address, "search_path", "second")
	_, err := Migrate(t.Context(), second)
	storetest.WantError(t, err, ErrSchemaTaken)
	diff(t, texts(t, address, `select relname::text from pg_class where relnamespace = 'second'::regnamespace`), nil)
}

func TestMigrateForApplication(t *testing.T) {
	const columns = `
select table_name || '.' || column_name || ' ' || format_type(atttypid, atttypmod) || ' ' || is_nullable || coalesce(' ' || column_default, '')
from information_schema.columns
join pg_attribute on attrelid = to_regclass(table_name) and attname = column_name
where table_schema = 'public' and table_name in ('transactions', 'ticker_watchlist', 'price_history', 'job_executions')
    and column_name not in ('api_key_id', 'trigger_id')
order by 1`
	address := cluster.Empty(t)
	for _, want := range [][]string{allMigrations, nil} {
		done, err := MigrateForApplication(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, done, refresh.Migration{Applied: want, Created: want != nil})
	}
	diff(t, texts(t, address, columns), texts(t, cluster.Clone(t, served), columns))
	diff(t, texts(t, address, `select ticker from ticker_watchlist order by id`), []string{"AAPL", "GOOGL", "MSFT", "AMZN", "TSLA", "NVDA", "META"})

	_, err := MigrateForApplication(t.Context(), cluster.Clone(t, ownTables))
	storetest.WantError(t, err, refresh.ErrOwnForm)
	if _, err := MigrateForApplication(t.Context(), cluster.Clone(t, application)); err != nil {
		t.Error(err)
	}
}

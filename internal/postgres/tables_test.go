package postgres

import (
	"errors"
	"testing"

	"papertrade/internal/apptables"
)

// A table that has the name of one of the application's, and is another program's, is refused before anything is made.
func TestMigrateRefusesForeignTables(t *testing.T) {
	const key = `unique (ticker, "timestamp", source, "interval")`
	for _, tt := range []struct{ name, change, want string }{
		{"other columns", `drop table price_history; create table price_history (id serial, ticker text, close numeric)`,
			`price_history is not the application's table: it has no columns close_amount, close_currency, created_at, high_amount, ` +
				`high_currency, interval, low_amount, low_currency, open_amount, open_currency, price_amount, price_currency, source, timestamp, volume`},
		{"a view", `alter table price_history rename to prices; create view price_history as select * from prices`,
			`price_history is not the application's table: it is a view`},
		{"a materialized view", `alter table price_history rename to prices; create materialized view price_history as select * from prices`,
			`price_history is not the application's table: it is a materialized view`},
		{"a float", `alter table price_history alter column close_amount type float8, alter column "timestamp" type date`,
			`price_history is not the application's table: its column timestamp is date and not a timestamp, ` +
				`its column close_amount is double precision and not a decimal`},
		{"no key", `alter table price_history drop constraint uk_ticker_timestamp_source_interval`,
			`price_history is not the application's table: it has no unique key of ticker, timestamp, source, interval`},
		{"a partial key", `alter table price_history drop constraint uk_ticker_timestamp_source_interval;
			create unique index on price_history (ticker, "timestamp", source, "interval") where volume > 0`,
			`price_history is not the application's table: it has no unique key of ticker, timestamp, source, interval`},
		{"a deferrable key", `alter table price_history drop constraint uk_ticker_timestamp_source_interval, add ` + key + ` deferrable`,
			`price_history is not the application's table: it has no unique key of ticker, timestamp, source, interval`},
		{"another required column", `alter table price_history add column exchange text not null`,
			`price_history is not the application's table: its column exchange has no default and must not be null`},
		{"an ID of no sequence", `alter table price_history alter column id drop default`,
			`price_history is not the application's table: its column id has no default and must not be null`},
		{"a generated column", `alter table price_history drop column volume, add column volume bigint generated always as (1) stored`,
			`price_history is not the application's table: its column volume is generated`},
		{"runs of another program", `drop table job_executions; create table job_executions (id serial primary key, job_name text, ` +
			`started_at timestamp, finished_at timestamp, status text, error_message text, metadata json)`,
			`job_executions is not the application's table: its column id is integer and not a UUID`},
		{"a watchlist of another program", `drop table ticker_watchlist; create table ticker_watchlist (ticker text)`,
			`ticker_watchlist is not the application's table: it has no columns created_at, is_active, last_refresh_at, next_refresh_at, ` +
				`priority, refresh_interval_seconds, updated_at`},
		{"tasks of another program", `create table backfill_tasks (id uuid)`,
			`backfill_tasks is not the application's table: it has no columns created_at, end_date, error_message, finished_at, priority, ` +
				`start_date, status, ticker`},
		{"transactions of another program", `alter table transactions drop column quantity`,
			`transactions is not the application's table: it has no column quantity`},

		{"a column more", `alter table price_history add column note text, add column seen timestamp not null default now()`, ""},
		{"other forms of decimals and texts", `alter table price_history alter column close_amount type numeric(20,6),
			alter column price_amount type numeric, alter column source type text`, ""},
		{"an ID by identity", `alter table price_history alter column id drop default, alter column id type bigint,
			alter column id add generated always as identity`, ""},
		{"a key in another order", `alter table price_history drop constraint uk_ticker_timestamp_source_interval;
			create unique index on price_history ("timestamp", ticker, "interval", source) include (volume)`, ""},
		{"partitions", `drop table price_history; create table price_history (id bigserial, ticker text not null, price_amount numeric not null,
			price_currency varchar(3) not null, "timestamp" timestamptz not null, source text not null, "interval" text not null,
			open_amount numeric, open_currency text, high_amount numeric, high_currency text, low_amount numeric, low_currency text,
			close_amount numeric, close_currency text, volume bigint, created_at timestamptz not null, updated_at timestamp, ` + key + `)
			partition by range ("timestamp"); create table prices_of_all_times partition of price_history default`, ""},
		{"a view of transactions", `alter table transactions rename to trades; create view transactions as select * from trades`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := cluster.Clone(t, application)
			run(t, url, tt.change)
			const relations = `select nspname || ' ' || coalesce(relname, '') from pg_namespace left join pg_class on relnamespace = pg_namespace.oid
				where nspname in ('public', 'papertrade') order by 1`
			before := texts(t, url, relations)
			_, err := Migrate(t.Context(), url)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refusal := (*apptables.TableError)(nil)
			if !errors.As(err, &refusal) || !errors.Is(err, apptables.ErrForeignTable) {
				t.Fatalf("error %v, want an *apptables.TableError", err)
			}
			diff(t, refusal.Error(), tt.want)
			diff(t, texts(t, url, relations), before)
		})
	}
}

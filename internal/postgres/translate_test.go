package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/marketdata"
)

// addIBM writes one row.
func addIBM(ctx context.Context, store *Store) error {
	change := refresh.WatchlistChange{Ticker: marketdata.MustParseTicker("IBM")}
	return store.AddToWatchlist(ctx, slices.Values([]refresh.WatchlistChange{change}), time.Now())
}

// withParameter returns the URL of a database whose sessions have a parameter.
func withParameter(t *testing.T, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func TestErrorOfReadOnlyDatabase(t *testing.T) {
	store := openStore(t, withParameter(t, cluster.Clone(t, ownTables), "default_transaction_read_only", "on"))
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrReadOnly)
	_, err := store.CommitBatch(t.Context(), refresh.Batch{Run: refresh.RunRecord{ID: "00000000-0000-0000-0000-000000000001"}})
	storetest.WantError(t, err, refresh.ErrReadOnly)
}

func TestErrorOfMissingPermission(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	const role = "reader_of_one_table"
	run(t, address, `create role `+role+`; grant select on papertrade_migrations to `+role)
	defer run(t, address, `drop owned by `+role+`; drop role `+role)
	store := openStore(t, withParameter(t, address, "role", role))
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrNoPermission)
	_, err := store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	storetest.WantError(t, err, refresh.ErrNoPermission)
	_, err = Migrate(t.Context(), withParameter(t, cluster.Empty(t), "role", role))
	storetest.WantError(t, err, refresh.ErrNoPermission)
}

func TestErrorOfLockedTable(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, withParameter(t, address, "lock_timeout", "1"))
	conn := connect(t, address)
	defer conn.Close(t.Context())
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `lock table ticker_watchlist`)
		storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrBusy)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A connection that the server ends is not reached; the next one may be.
func TestErrorOfKilledConnection(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	run(t, address, `create function end_of_session() returns trigger language plpgsql as
			$$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
		create trigger ends before insert on ticker_watchlist for each row execute function end_of_session()`)
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrUnreachable)
	if _, err := store.Watchlist(t.Context(), true); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfUnreachableServer(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	away := withParameter(t, "postgres://papertrade@127.0.0.1:1/papertrade", "sslmode", "disable")
	_, err := Open(t.Context(), away)
	storetest.WantError(t, err, refresh.ErrUnreachable)
	_, err = Migrate(t.Context(), away)
	storetest.WantError(t, err, refresh.ErrUnreachable)
	_, err = Open(t.Context(), "postgres://%zz@localhost/papertrade")
	storetest.WantError(t, err, ErrURL)

	// The database lets nobody in any more.
	store := openStore(t, address)
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	run(t, cluster.Empty(t), `alter database `+config.Database+` allow_connections false;
		select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '`+config.Database+`'`)
	_, err = store.OpenTasks(t.Context())
	storetest.WantError(t, err, refresh.ErrUnreachable)
}

// A trigger of the application refuses a row in its own way.
func TestTriggerRefusesRow(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	run(t, address, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no more'; end $$;
		create trigger refuses before insert on ticker_watchlist for each row execute function refuse()`)
	storetest.WantError(t, addIBM(t.Context(), store), refresh.ErrRowRefused)
}

func TestErrorOfContext(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	conn := connect(t, address)
	defer conn.Close(t.Context())
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `lock table ticker_watchlist`)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		late := addIBM(ctx, store)
		if !errors.Is(late, context.DeadlineExceeded) || errors.As(late, new(refresh.StoreError)) {
			t.Errorf("error %v, want that of the context alone", late)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A statement that Postgres does not understand is a bug of ours, or of what has changed the application's tables.
func TestErrorOfMissingColumn(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	run(t, address, `alter table ticker_watchlist rename column priority to importance`)
	if _, err := store.Watchlist(t.Context(), true); err == nil || errors.As(err, new(refresh.StoreError)) {
		t.Errorf("error %v, want one that is not a StoreError", err)
	}
}

func TestErrorOfBadValue(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	run(t, address, `alter table ticker_watchlist alter column priority drop not null; update ticker_watchlist set priority = null`)
	_, err := store.Watchlist(t.Context(), true)
	storetest.WantError(t, err, refresh.ErrBadValue)
}

// A row-level policy and a trigger refuse a row, with whatever code; a missing grant does not.
func TestRowsOfTheirOwn(t *testing.T) {
	for _, tt := range []struct {
		answer pgconn.PgError
		want   refresh.StoreError
	}{
		{pgconn.PgError{Code: "42501", Routine: "ExecWithCheckOptions"}, refresh.ErrRowRefused},
		{pgconn.PgError{Code: "42501", Routine: "aclcheck_error"}, refresh.ErrNoPermission},
		{pgconn.PgError{Code: "42P01", Where: "PL/pgSQL function f() line 1"}, refresh.ErrRowRefused},
		{pgconn.PgError{Code: "AB123", Where: "PL/pgSQL function f() line 1"}, refresh.ErrRowRefused},
		{pgconn.PgError{Code: "40P01", Where: "while updating tuple (0,1)"}, refresh.ErrBusy},
		{pgconn.PgError{Code: "53100", Where: "PL/pgSQL function f() line 1"}, refresh.ErrNoSpace},
		{pgconn.PgError{Code: "XX001", Where: "while inserting index tuple (0,1) in relation \"price_history\""}, refresh.ErrDatabase},
		{pgconn.PgError{Code: "HV00N", Where: "remote SQL command: select 1"}, refresh.ErrDatabase},
		{pgconn.PgError{Code: "F0001", Where: "line 1 of configuration file"}, refresh.ErrDatabase},
	} {
		storetest.WantError(t, translate(&tt.answer), tt.want)
	}
}

// A row-level policy lets the other rows pass.
func TestPolicyRefusesRow(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	const role = "writer_under_a_policy"
	run(t, address, `create role `+role+`;
		grant usage on schema papertrade to `+role+`;
		grant all on all tables in schema public, papertrade to `+role+`;
		grant all on all sequences in schema public, papertrade to `+role+`;
		alter table price_history enable row level security;
		create policy others on price_history to `+role+` using (true) with check (ticker <> 'NVDA')`)
	defer run(t, address, `drop owned by `+role+`; drop role `+role)
	store := openStore(t, withParameter(t, address, "role", role))
	stored, err := store.CommitBatch(t.Context(), batchOf("AAPL", "NVDA", "TSLA"))
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantError(t, stored[1].Err, refresh.ErrRowRefused)
	if stored[0].Amount == "" || stored[2].Amount == "" {
		t.Errorf("stored %+v, want the first and the last", stored)
	}
}

// What no test can bring about is known by its code.
func TestErrorsOfCodes(t *testing.T) {
	for code, want := range map[string]refresh.StoreError{
		"08006": refresh.ErrUnreachable, "57P01": refresh.ErrUnreachable, "57P02": refresh.ErrUnreachable, "57P03": refresh.ErrUnreachable,
		"40001": refresh.ErrBusy, "40P01": refresh.ErrBusy, "55006": refresh.ErrBusy, "55P03": refresh.ErrBusy,
		"22003": refresh.ErrRowRefused, "23514": refresh.ErrRowRefused, "44000": refresh.ErrRowRefused, "P0001": refresh.ErrRowRefused,
		"53100": refresh.ErrNoSpace, "25006": refresh.ErrReadOnly, "42501": refresh.ErrNoPermission, "42P01": refresh.ErrTableMissing,
		"53200": refresh.ErrDatabase, "XX000": refresh.ErrDatabase, "57014": refresh.ErrDatabase, "": refresh.ErrDatabase,
	} {
		err := translate(fmt.Errorf("write: %w", &pgconn.PgError{Code: code}))
		storetest.WantError(t, err, want)
		if again := translate(err); again.Error() != err.Error() {
			t.Errorf("%s: translated twice: %v", code, again)
		}
	}
	for _, code := range []string{"42601", "42703", "42804"} {
		if err := translate(&pgconn.PgError{Code: code}); errors.As(err, new(refresh.StoreError)) {
			t.Errorf("%s: %v, want one that is not a StoreError", code, err)
		}
	}
}

// A trigger that raises an error of the database's own troubles for one row refuses that row, also one that is to be kept or that is
// suppressed without a word; a trouble that is over when the row is tried alone costs nothing.
func TestFunctionRefusesRow(t *testing.T) {
	for _, tt := range []struct {
		body string
		want refresh.StoreError
	}{
		{`raise exception 'not yet' using errcode = '40001'`, refresh.ErrRowRefused},
		{`raise exception 'away' using errcode = '08006'`, refresh.ErrRowRefused},
		{`raise exception 'read only' using errcode = '25006'`, refresh.ErrRowRefused},
		{`raise exception 'full' using errcode = '53100'`, refresh.ErrRowRefused},
		{`raise exception 'locked' using errcode = '55P03'`, refresh.ErrRowRefused},
		{`raise exception 'shut down' using errcode = '57P01'`, refresh.ErrRowRefused},
		{`raise exception 'broken' using errcode = '58030'`, refresh.ErrRowRefused},
		{`raise exception 'damaged' using errcode = 'XX001'`, refresh.ErrRowRefused},
		{`return null`, refresh.ErrRowRefused},
		{`if nextval('tries') < 3 then raise exception 'a deadlock' using errcode = '40P01'; end if; return new`, ""},
	} {
		t.Run(tt.body, func(t *testing.T) {
			address := cluster.Clone(t, ownTables)
			run(t, address, `create sequence tries;
				create function refuse() returns trigger language plpgsql as $$ begin `+tt.body+`; end $$;
				create trigger refuses before insert on price_history for each row when (new.ticker = 'NVDA') execute function refuse()`)
			batch := batchOf("AAPL", "NVDA", "TSLA")
			batch.Prices[1].Keep = true
			stored, err := openStore(t, address).CommitBatch(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" {
				storetest.WantError(t, stored[1].Err, tt.want)
			} else if stored[1].Amount == "" {
				t.Errorf("stored %+v, want all", stored)
			}
			if stored[0].Amount == "" || stored[2].Amount == "" {
				t.Errorf("stored %+v, want the first and the last", stored)
			}
		})
	}
}

// A trigger that suppresses an update without a word is found out; a row that is gone needs none.
func TestTriggerSuppressesUpdate(t *testing.T) {
	address := cluster.Clone(t, ownTables)
	store := openStore(t, address)
	batch := batchOf("AAPL", "NVDA", "TSLA")
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	run(t, address, `create function refuse() returns trigger language plpgsql as $$ begin return null; end $$;
		create trigger refuses before update on price_history for each row when (new.ticker = 'NVDA') execute function refuse();
		delete from price_history where ticker = 'AAPL'`)
	for i := range batch.Prices {
		batch.Prices[i].Row = int64(i + 1)
	}
	stored, err := store.CommitBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	storetest.WantError(t, stored[1].Err, refresh.ErrRowRefused)
	diff(t, []refresh.StoredPrice{stored[0], stored[2]}, []refresh.StoredPrice{{}, {Amount: "1.25"}})
}

// batchOf returns a batch of a price of each ticker.
func batchOf(symbols ...string) (batch refresh.Batch) {
	for _, symbol := range symbols {
		batch.Prices = append(batch.Prices, refresh.Price{
			Bar:       marketdata.Bar{Ticker: marketdata.MustParseTicker(symbol), Close: decimal.New(125, -2), Currency: "USD"},
			Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC),
			Source:    "alpha_vantage", Interval: refresh.IntervalDaily, FetchedAt: time.Now(),
		})
	}
	return batch
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"papertrade/internal/pgtest"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/marketdata"
)

var tried = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// try returns what would keep a run from its work.
func try(t *testing.T, url string) []string {
	t.Helper()
	var all []string
	for _, err := range openStore(t, url).Try(t.Context(), true, tried) {
		all = append(all, err.Error())
	}
	return all
}

// grants are what a run needs, as README has them.
const grants = `
grant usage on schema papertrade to "night-run";
grant select on papertrade_migrations to "night-run";
grant select, insert, update on price_history to "night-run";
grant usage on sequence price_history_id_seq to "night-run";
grant select, update on ticker_watchlist to "night-run";
grant select on transactions to "night-run";
grant select, insert, update on job_executions to "night-run";
grant select, update on backfill_tasks to "night-run";
grant select, insert, update, delete on all tables in schema papertrade to "night-run";`

// asRole returns the URL of a database as a role that may do what a run does.
func asRole(t *testing.T, url string) string {
	t.Helper()
	run(t, url, `create role "night-run"; `+grants)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		for _, statement := range []string{`set default_transaction_read_only = off`, `drop owned by "night-run"; drop role "night-run"`} {
			if err == nil {
				_, err = conn.Exec(context.Background(), statement)
			}
		}
		if err != nil {
			t.Error(err)
		}
		conn.Close(context.Background())
	})
	return withParameter(t, url, "role", "night-run")
}

// rows are all rows of a database, and where its sequences stand.
func rows(t *testing.T, url string) []string {
	t.Helper()
	var all []string
	url = withParameter(t, url, "role", "owner")
	for _, table := range texts(t, url, `select oid::regclass::text from pg_class
		where relkind in ('r', 'S') and relnamespace in ('public'::regnamespace, 'papertrade'::regnamespace) order by 1`) {
		row := `row_to_json(each)::text`
		if strings.HasSuffix(table, "_seq") {
			row = `last_value || ' ' || is_called`
		}
		all = append(all, texts(t, url, `select '`+table+` ' || `+row+` from `+table+` as each order by 1`)...)
	}
	return all
}

func TestTryChangesNothing(t *testing.T) {
	for _, template := range []string{ownTables, served} {
		t.Run(template, func(t *testing.T) {
			url := asRole(t, cluster.Clone(t, template))
			store := openStore(t, url)
			if _, err := store.CommitBatch(t.Context(), batchOf("AAPL", "TSLA")); err != nil {
				t.Fatal(err)
			}
			before := rows(t, url)
			diff(t, try(t, url), nil)
			diff(t, rows(t, url), before)
			if len(before) < 15 {
				t.Errorf("only %d rows were compared", len(before))
			}
		})
	}
}

// A run lacks each privilege that it needs: the check names that one alone, with the statement that grants it, and a run fails indeed.
func TestTryNamesMissingGrants(t *testing.T) {
	url := asRole(t, cluster.Clone(t, ownTables))
	for relation, privileges := range map[string]string{
		"price_history": "select insert update", "ticker_watchlist": "select update", "transactions": "select",
		"job_executions": "select insert update", "backfill_tasks": "select update",
		"papertrade.papertrade_ticker_states": "select insert update", "papertrade.papertrade_accounts": "select insert update",
		"papertrade.papertrade_calls": "select insert update delete", "papertrade.papertrade_absent_sessions": "select insert",
		"papertrade.papertrade_splits":      "select insert update delete",
		"papertrade.papertrade_held_prices": "select insert update", "papertrade.papertrade_leases": "select insert update",
		"sequence price_history_id_seq": "usage",
	} {
		for privilege := range strings.FieldsSeq(privileges) {
			t.Run(privilege+" "+relation, func(t *testing.T) {
				owner := withParameter(t, url, "role", "owner")
				run(t, owner, fmt.Sprintf(`revoke %s on %s from "night-run"`, privilege, relation))
				defer run(t, owner, fmt.Sprintf(`grant %s on %s to "night-run"`, privilege, relation))
				name, verb := strings.TrimPrefix(relation, "sequence "), strings.Replace(privilege, "usage", "use", 1)
				diff(t, try(t, url), []string{fmt.Sprintf("the database does not permit it: the role \"night-run\" may not %s %s: "+
					"have its owner run `grant %s on %s to \"night-run\"`", verb, name, privilege, relation)})
				storetest.WantError(t, workThrough(t.Context(), openStore(t, url)), refresh.ErrNoPermission)
			})
		}
	}
	diff(t, try(t, url), nil)
	if err := workThrough(t.Context(), openStore(t, url)); err != nil {
		t.Errorf("a run that may do all: %v", err)
	}
}

// workThrough does with a store all that runs do.
func workThrough(ctx context.Context, store *Store) error {
	batch := refresh.TrialBatch(batchOf("AAPL").Prices[0].Bar.Ticker, time.Now())
	batch.Run.ID = uuid.NewString()
	unlock, err := store.Lock(ctx, uuid.NewString())
	if err != nil {
		return err
	}
	defer unlock()
	queue, err := store.OpenTasks(ctx)
	if err != nil {
		return err
	}
	defer queue.Close()
	_, states := store.States(ctx, tickersOf(batch))
	_, mentions := store.Mentions(ctx, refresh.DiscoveryQuery{
		Sources: []refresh.Source{refresh.SourceWatchlist, refresh.SourceTransactions, refresh.SourceHoldings}})
	_, claim := queue.Claim(ctx, 1, 1, nil)
	noted := store.NoteActive(ctx, tickersOf(batch), time.Now())
	begun := store.BeginRun(ctx, batch.Run, true)
	_, committed := store.CommitBatch(ctx, batch)
	counted := store.UpdateAccount(ctx, "an account", time.Now(), func(quota.Account) quota.Change { return refresh.TrialChange(time.Now()) })
	_, _, pending := store.PendingTasks(ctx, 1)
	_, last := store.LastRun(ctx, batch.Run.JobName, time.Time{})
	return errors.Join(states, mentions, claim, noted, begun, committed, counted, pending, last, store.FinishRun(ctx, batch.Run))
}

var databaseName = regexp.MustCompile(`database test_[0-9]+ set`)

// What is wrong at once is named at once, but not what follows from it.
func TestTryFindsTrueCause(t *testing.T) {
	for _, tt := range []struct {
		name, change string
		parameter    []string
		want         []string
	}{
		{"read-only URL", "", []string{"default_transaction_read_only", "on"}, []string{
			"the database cannot be written: the URL asks for transactions that only read: take default_transaction_read_only out of it"}},
		{"read-only database", `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
			nil, []string{
				"the database cannot be written: default_transaction_read_only is on: if that is not on purpose, have an administrator run " +
					"`alter database test set default_transaction_read_only = off`"}},
		{"read-only role", `revoke all on all tables in schema public, papertrade from "night-run";
			revoke all on all sequences in schema public from "night-run";
			grant select on all tables in schema public, papertrade to "night-run"`, nil, []string{
			missing("insert, update, delete", "papertrade.papertrade_calls"), missing("insert, update, delete", "papertrade.papertrade_splits"),
			missing("insert, update", "papertrade.papertrade_accounts"), missing("insert, update", "papertrade.papertrade_held_prices"),
			missing("insert, update", "papertrade.papertrade_leases"),
			missing("insert, delete", "papertrade.papertrade_task_claims"), missing("insert, update", "papertrade.papertrade_ticker_states"),
			missing("insert", "papertrade.papertrade_absent_sessions"), missing("insert, update", "job_executions"),
			missing("insert, update", "price_history"), missing("update", "backfill_tasks"), missing("update", "ticker_watchlist"),
			"the database does not permit it: the role \"night-run\" may not use price_history_id_seq: " +
				"have its owner run `grant usage on sequence price_history_id_seq to \"night-run\"`"}},
		{"a closed schema", `revoke usage on schema papertrade from public, "night-run"`, nil, []string{
			"the database does not permit it: the role \"night-run\" may not use the schema papertrade: " +
				"have its owner run `grant usage on schema papertrade to \"night-run\"`"}},
		{"row-level security", `alter table price_history enable row level security`, nil, []string{
			"the database does not permit it: the row-level security of price_history lets the role \"night-run\" not select, insert, update any row: " +
				"have its owner run `create policy papertrade on price_history to \"night-run\" using (true) with check (true)`"}},
		{"a policy", `alter table job_executions enable row level security;
			create policy others on job_executions using (job_name <> 'refresh_active_stocks')`, nil, []string{
			"the record of a run cannot be written: the database refused the row: " +
				"ERROR: new row violates row-level security policy for table \"job_executions\" (SQLSTATE 42501)"}},
		{"an identity", `alter table price_history alter column id drop default, alter column id add generated always as identity;
			drop sequence price_history_id_seq`, nil, nil},
		{"a partition that is missing", `alter table price_history rename to prices; create table price_history (like prices including defaults,
			unique (ticker, "timestamp", source, "interval")) partition by range ("timestamp");
			create table october partition of price_history for values from ('2026-10-01') to ('2026-11-01');
			grant select, insert, update on price_history to "night-run"`, nil, []string{
			"a price of META cannot be written: the database refused the row: " +
				"ERROR: no partition of relation \"price_history\" found for row (SQLSTATE 23514)"}},
		{"partitions", `alter table price_history rename to prices; create table price_history (like prices including defaults,
			unique (ticker, "timestamp", source, "interval")) partition by range ("timestamp");
			create table november partition of price_history for values from ('2026-11-01') to ('2026-12-01');
			grant select, insert, update on price_history to "night-run"`, nil, nil},
		{"a policy that permits it", `alter table price_history enable row level security;
			create policy papertrade on price_history to "night-run" using (true) with check (true)`, nil, nil},
		{"a foreign table", `alter table price_history drop column volume`, nil, []string{
			"price_history is not the application's table: it has no column volume"}},
		{"a policy that hides what is written", `alter table price_history enable row level security;
			create policy writes on price_history for insert with check (true); create policy updates on price_history for update using (true);
			create policy reads on price_history for select using (false)`, nil, []string{
			"a price of META cannot be written: the database refused the row: " +
				"ERROR: new row violates row-level security policy for table \"price_history\" (SQLSTATE 42501)"}},
		{"a trigger that suppresses the record", `create function refuse() returns trigger language plpgsql as $$ begin return null; end $$;
			create trigger refuses before insert on job_executions for each row execute function refuse()`, nil, []string{
			"the record of a run cannot be written: the database refused the row: it wrote no row, as if a trigger suppressed it"}},
		{"a trigger", `create function refuse() returns trigger language plpgsql as $$ begin raise 'closed'; end $$;
			create trigger refuses before insert on price_history for each row execute function refuse()`, nil, []string{
			"a price of META cannot be written: the database refused the row: ERROR: closed (SQLSTATE P0001)"}},
		{"a deferred constraint", `create function refuse() returns trigger language plpgsql as $$ begin raise 'too late'; end $$;
			create constraint trigger refuses after update on price_history deferrable initially deferred for each row
			execute function refuse()`, nil, []string{
			"a price of META cannot be written: the database refused the row: ERROR: too late (SQLSTATE P0001)"}},
		{"a full disk", `create function refuse() returns trigger language plpgsql as $$ begin raise 'no space' using errcode = '53100'; end $$;
			create trigger refuses before insert on price_history for each row execute function refuse()`, nil, []string{
			"a price of META cannot be written: the disk of the database is full: ERROR: no space (SQLSTATE 53100)"}},
		{"grants on columns", `revoke insert on ticker_watchlist from "night-run"; revoke update on ticker_watchlist from "night-run";
			grant update (last_refresh_at, next_refresh_at, updated_at) on ticker_watchlist to "night-run"`, nil, nil},
		{"grants on too few columns", `revoke update on ticker_watchlist from "night-run";
			grant update (last_refresh_at, next_refresh_at) on ticker_watchlist to "night-run"`, nil, []string{
			"what is known of META cannot be written: the database does not permit it: ERROR: permission denied for table ticker_watchlist (SQLSTATE 42501)"}},
		{"no table of transactions", `drop table transactions`, nil, []string{
			"transactions cannot be read: a table is missing that the database once had: " +
				"ERROR: relation \"transactions\" does not exist (SQLSTATE 42P01)"}},
		{"no table of runs", `alter table job_executions rename to runs`, nil, []string{
			"job_executions cannot be read: a table is missing that the database once had: " +
				"ERROR: relation \"job_executions\" does not exist (SQLSTATE 42P01)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := asRole(t, cluster.Clone(t, ownTables))
			owner := withParameter(t, url, "role", "owner")
			if tt.change != "" {
				run(t, owner, tt.change)
			}
			if tt.parameter != nil {
				url = withParameter(t, url, tt.parameter[0], tt.parameter[1])
			}
			got := try(t, url)
			for i := range got {
				got[i] = databaseName.ReplaceAllString(got[i], "database test set")
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			diff(t, got, tt.want)
		})
	}
}

func missing(privileges, relation string) string {
	return fmt.Sprintf("the database does not permit it: the role \"night-run\" may not %s %s: have its owner run `grant %[1]s on %[2]s to \"night-run\"`",
		privileges, relation)
}

func tickersOf(batch refresh.Batch) []marketdata.Ticker {
	return []marketdata.Ticker{batch.Prices[0].Bar.Ticker}
}

// A server that became a standby is found, and what it says of writes is not: that follows from it.
func TestTryFindsStandby(t *testing.T) {
	cluster.Get(t) // or Postgres is not installed
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	url, err := server.Create(t.Context(), "template0")
	if err == nil {
		_, err = Migrate(t.Context(), url)
	}
	if err == nil {
		err = server.MakeStandby(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	diff(t, try(t, url), []string{"the database cannot be written: the server is a standby, which only reads: " +
		"connect to the primary, or give all servers in the URL with target_session_attrs=read-write"})
	_, err = Open(t.Context(), url+"&target_session_attrs=read-write")
	if want := "target_session_attrs asks for: read only connection"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// Tables that the role may not see are not said to be missing.
func TestOpenNamesMissingGrants(t *testing.T) {
	url := asRole(t, cluster.Clone(t, ownTables))
	owner := withParameter(t, url, "role", "owner")
	for _, tt := range []struct{ privilege, want string }{
		{"usage on schema public", "use the schema public"}, {"select on papertrade_migrations", "select papertrade_migrations"},
	} {
		run(t, owner, `revoke `+tt.privilege+` from public, "night-run"`)
		_, err := Open(t.Context(), url)
		if err == nil {
			t.Fatal("no error")
		}
		diff(t, err.Error(), "open the database: the database does not permit it: the role \"night-run\" may not "+tt.want+
			": have its owner run `grant "+tt.privilege+" to \"night-run\"`")
		run(t, owner, `grant `+tt.privilege+` to "night-run"`)
		openStore(t, url)
	}
}

// Whoever adds a table says what a run needs of it.
func TestTryKnowsEachTable(t *testing.T) {
	for _, table := range texts(t, cluster.Clone(t, ownTables), `select oid::regclass::text from pg_class
		where relkind = 'r' and relnamespace in ('public'::regnamespace, 'papertrade'::regnamespace)`) {
		if name := strings.TrimPrefix(table, "papertrade."); !strings.Contains(needed, name+"'") && name != bookkeeping {
			t.Errorf("%s is not among the tables of a run", table)
		}
	}
}

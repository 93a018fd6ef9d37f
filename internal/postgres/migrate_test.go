package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
)

var allMigrations = []string{
	"00001_application_tables", "00002_ticker_states", "00003_ledger", "00004_history",
	"00005_call_costs", "00006_held_prices", "00007_end_of_day_plans", "00008_lateness",
	"00009_learned_limits", "00010_own_schema", "00011_call_time", "00012_leases",
	"00013_task_claims",
}

// migrateTo makes a database of an older papertrade.
func migrateTo(t *testing.T, url string, version int64) {
	t.Helper()
	m, err := openMigrator(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	nothing := func(context.Context, pgx.Tx) (bool, error) { return false, nil }
	if _, err := m.prepare(t.Context(), nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := m.migrateTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateIsRepeatable(t *testing.T) {
	for name, url := range map[string]string{
		"empty": cluster.Empty(t), "application's tables": cluster.Clone(t, application),
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range [][]string{allMigrations, nil} {
				done, err := Migrate(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				diff(t, done.Applied, want)
			}
			openStore(t, url)
		})
	}
}

func TestMigrateChangesOnlyWhatIsMissing(t *testing.T) {
	url := cluster.Clone(t, application)
	const schema = `
		select table_name || '.' || column_name || ' ' || data_type || coalesce(' ' || numeric_scale, '')
		from information_schema.columns where table_schema = 'public' and table_name <> 'backfill_tasks' and table_name not like 'papertrade%'
		union all
		select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'backfill_tasks' and tablename not like 'papertrade%'
		order by 1`
	before := texts(t, url, schema)
	run(t, url, `delete from ticker_watchlist`)
	if _, err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	want := append([]string{
		"price_history.updated_at timestamp without time zone",
	}, before...)
	diff(t, sorted(texts(t, url, schema)), sorted(want))
	diff(t, texts(t, url, `select ticker from ticker_watchlist`), nil)
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

func TestMigrateAtTheSameTime(t *testing.T) {
	older, newer := cluster.Empty(t), cluster.Empty(t)
	migrateTo(t, older, 9)
	migrateTo(t, newer, 12)
	directly := func(url string) string { return url }
	pooler := cluster.Get(t).Pooler(t, "transaction", 2)
	for name, test := range map[string]struct {
		url  string
		by   func(url string) string
		want []string
	}{
		"empty": {cluster.Empty(t), directly, allMigrations}, "older": {older, directly, after(9)},
		"newer": {newer, directly, after(12)}, "behind pgbouncer": {cluster.Empty(t), pooler.URL, allMigrations},
	} {
		t.Run(name, func(t *testing.T) {
			var applied [3][]string
			var migrating sync.WaitGroup
			for i := range applied {
				migrating.Go(func() {
					done, err := Migrate(context.Background(), test.by(test.url))
					if err != nil {
						t.Error(err)
					}
					applied[i] = done.Applied
				})
			}
			migrating.Wait()
			diff(t, slices.Concat(applied[:]...), test.want)
			diff(t, texts(t, test.url, `select version_id::text from papertrade_migrations order by id`), versions())
			diff(t, texts(t, test.url, `select count(*)::text from ticker_watchlist`), []string{"7"})
			openStore(t, test.url)
		})
	}
}

// Another that is under way on another host is waited for, and one that has ended there without a word as long as its lease.
func TestMigrateWaitsForItsLease(t *testing.T) {
	for name, end := range map[string]string{
		"given back": "holder = null", "run out": "expires_at = clock_timestamp() - interval '1 second'",
	} {
		t.Run(name, func(t *testing.T) {
			url := cluster.Empty(t)
			migrateTo(t, url, 12)
			heldBy(t, url, process{Host: "beta", PID: 1}, `clock_timestamp() + interval '1 minute'`)
			run(t, url, `update papertrade_leases set name = 'migrate'`)
			migrated := make(chan error, 1)
			go func() {
				_, err := Migrate(context.Background(), url)
				migrated <- err
			}()
			select {
			case err := <-migrated:
				t.Fatalf("it did not wait; error %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			run(t, url, `update papertrade_leases set `+end)
			if err := <-migrated; err != nil {
				t.Fatal(err)
			}
			diff(t, tokens(t, url), []string{"migrate 2 free"})
			openStore(t, url)
		})
	}
}

// One that was halted for long makes no tables any more.
func TestMigrateWithLostLease(t *testing.T) {
	url := cluster.Empty(t)
	migrateTo(t, url, 12)
	m, err := openMigrator(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	unlock, err := m.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	run(t, url, `update papertrade_leases set token = token + 1, holder = '{"host": "beta", "pid": 1}' where name = 'migrate'`)
	_, err = m.migrateTo(t.Context(), schemaVersion)
	storetest.WantError(t, err, refresh.ErrLeaseLost)
	diff(t, texts(t, url, `select max(version_id)::text from papertrade_migrations`), []string{"12"})
}

// after returns the migrations of later versions than one.
func after(version int) []string {
	return slices.DeleteFunc(slices.Clone(allMigrations), func(name string) bool { return name[:5] <= fmt.Sprintf("%05d", version) })
}

// versions returns what the bookkeeping has of a database that is up to date.
func versions() []string {
	all := []string{"0"}
	for _, name := range allMigrations {
		all = append(all, strings.TrimLeft(name[:5], "0"))
	}
	return all
}

func TestOpenRefusesOtherSchemas(t *testing.T) {
	changed := func(statement string) string {
		url := cluster.Clone(t, ownTables)
		run(t, url, statement)
		return url
	}
	tests := []struct {
		name, url string
		want      refresh.SchemaError
		message   string
	}{
		{"empty", cluster.Empty(t), refresh.SchemaError{Found: 0, Want: schemaVersion},
			"the database does not have papertrade's tables yet"},
		{"not migrated", cluster.Clone(t, application), refresh.SchemaError{Found: 0, Want: schemaVersion},
			"the database does not have papertrade's tables yet"},
		{"older", changed(`delete from papertrade_migrations where version_id > 1`), refresh.SchemaError{Found: 1, Want: schemaVersion},
			"the database's tables are of an older papertrade (schema 1, this one needs 13)"},
		{"newer", changed(`insert into papertrade_migrations (version_id, is_applied) values (99, true)`), refresh.SchemaError{Found: 99, Want: schemaVersion},
			"the database's tables are of a newer papertrade (schema 99, this one knows 13)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(t.Context(), test.url)
			var refusal *refresh.SchemaError
			if !errors.As(err, &refusal) {
				t.Fatalf("error %v, want a *refresh.SchemaError", err)
			}
			diff(t, *refusal, test.want)
			diff(t, refusal.Error(), test.message)
		})
	}
	if _, err := Migrate(t.Context(), tests[3].url); !errors.As(err, new(*refresh.SchemaError)) {
		t.Errorf("error %v of migrating newer tables, want a *refresh.SchemaError", err)
	}
}

func TestLandedMigrationsStay(t *testing.T) { storetest.Migrations(t) }

// Before commit 7aeedb5, migration 3 did not make call_ms.
func TestUpgrades(t *testing.T) {
	const withoutCallTime = `alter table papertrade_accounts drop column call_ms`
	for version := int64(1); version <= schemaVersion; version++ {
		for name, change := range map[string]string{"": "", ", without call_ms": withoutCallTime} {
			if change != "" && (version < 3 || version > 10) {
				continue
			}
			t.Run(fmt.Sprint(version, name), func(t *testing.T) {
				url := cluster.Empty(t)
				migrateTo(t, url, version)
				run(t, url, change)
				if _, err := Migrate(t.Context(), url); err != nil {
					t.Fatal(err)
				}
				storetest.Upgraded(t, at(t, url))
			})
		}
	}
}

package sqlite_test

import (
	"fmt"
	"testing"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/internal/storetest"
)

func TestMigrateForApplication(t *testing.T) {
	// SQLAlchemy reads a price with as many decimals as the type of its column says.
	const columns = `
select m.name || '.' || c.name || ' ' || upper(c.type) || ' ' || c."notnull" || ' ' || c.pk
from sqlite_master as m, pragma_table_info(m.name) as c
where m.name in ('transactions', 'ticker_watchlist', 'price_history', 'job_executions') and c.name not in ('api_key_id', 'trigger_id')
order by 1`
	application := applicationDatabase(t)
	openStore(t, application)
	path := newPath(t)
	for _, created := range []bool{true, false} {
		done, err := sqlite.MigrateForApplication(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, done, refresh.Migration{Created: created})
	}
	diff(t, texts(t, path, columns), texts(t, application, columns))
	diff(t, texts(t, path, `select ticker from ticker_watchlist order by id`),
		[]string{"AAPL", "GOOGL", "MSFT", "AMZN", "TSLA", "NVDA", "META"})
	openStore(t, path)

	if _, err := sqlite.MigrateForApplication(t.Context(), application); err != nil {
		t.Error(err)
	}
	own := newPath(t)
	done, err := sqlite.Migrate(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, done, refresh.Migration{Created: true})
	_, err = sqlite.MigrateForApplication(t.Context(), own)
	storetest.WantError(t, err, refresh.ErrOwnForm)
}

func TestLandedMigrationsStay(t *testing.T) { storetest.Migrations(t) }

// Before commit 7aeedb5, migration 3 did not make call_ms.
func TestUpgrades(t *testing.T) {
	const withoutCallTime = `alter table papertrade_accounts drop column call_ms`
	for version := int64(1); version <= sqlite.SchemaVersion; version++ {
		for name, change := range map[string]string{"": "", ", without call_ms": withoutCallTime} {
			if change != "" && (version < 3 || version > 10) {
				continue
			}
			t.Run(fmt.Sprint(version, name), func(t *testing.T) {
				path := newPath(t)
				sqlite.MigrateTo(t, path, version)
				run(t, path, change)
				storetest.Upgraded(t, at(path))
			})
		}
	}
}

package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"papertrade/internal/apptables"
	"papertrade/internal/sqlite"
)

// A table that has the name of one of the application's, and is another program's, is refused before anything is made.
func TestOpenRefusesForeignTables(t *testing.T) {
	const own = `create table price_history (id integer primary key, ticker text, price_amount numeric, price_currency text,
		"timestamp" datetime, source text, "interval" text, open_amount numeric, open_currency text, high_amount numeric, high_currency text,
		low_amount numeric, low_currency text, close_amount numeric, close_currency text, volume bigint, created_at datetime`
	const key = `, unique ("interval", ticker, "timestamp", source))`
	for _, tt := range []struct{ name, change, want string }{
		{"other columns", `create table price_history (id integer primary key, ticker text, close numeric)`,
			`price_history is not the application's table: it has no columns close_amount, close_currency, created_at, high_amount, ` +
				`high_currency, interval, low_amount, low_currency, open_amount, open_currency, price_amount, price_currency, source, timestamp, volume`},
		{"a view", own + `); alter table price_history rename to prices; create view price_history as select * from prices`,
			`price_history is not the application's table: it is a view`},
		{"no key", own + `)`, `price_history is not the application's table: it has no unique key of ticker, timestamp, source, interval`},
		{"a partial key", own + `); create unique index only_some on price_history (ticker, "timestamp", source, "interval") where volume > 0`,
			`price_history is not the application's table: it has no unique key of ticker, timestamp, source, interval`},
		{"another required column", own + `, exchange text not null` + key,
			`price_history is not the application's table: its column exchange has no default and must not be null`},
		{"an ID that SQLite does not give", strings.Replace(own, "id integer", "id bigint", 1) + key,
			`price_history is not the application's table: its column id has no default and must not be null`},
		{"an ID of two columns", strings.Replace(own, " primary key", "", 1) + `, primary key (id, ticker)` + key,
			`price_history is not the application's table: its column id has no default and must not be null`},
		{"a generated column", strings.Replace(own, "volume bigint", "volume bigint as (1)", 1) + key,
			`price_history is not the application's table: its column volume is generated`},
		{"times as numbers", strings.Replace(own, "created_at datetime", "created_at integer", 1) + key,
			`price_history is not the application's table: its column created_at is integer and not a timestamp`},

		{"a key in another order", own + key, ""},
		{"a column more", own + `, note text, seen datetime not null default current_timestamp` + key, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "foreign.db")
			run(t, path, tt.change)
			before := contents(t, filepath.Dir(path))
			if _, err := sqlite.OpenSnapshot(t.Context(), path); (err != nil) != (tt.want != "") {
				t.Errorf("a snapshot has the error %v", err)
			}
			_, err := sqlite.Migrate(t.Context(), path)
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
			diff(t, contents(t, filepath.Dir(path)), before)
			if entries, err := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
				t.Errorf("%d files, %v", len(entries), err)
			}
		})
	}
}

package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"papertrade/internal/sqlite"
)

// A trial of a run changes nothing, and finds what would keep a run from its work.
func TestTry(t *testing.T) {
	for _, tt := range []struct{ name, change, want string }{
		{"all well", "", ""},
		{"write-ahead log", `pragma journal_mode = wal`, ""},
		{"abort", `create trigger closed before insert on price_history begin select raise(abort, 'closed'); end`,
			"a price of META cannot be written: the database refused the row: constraint failed: closed (1811)"},
		{"rollback", `create trigger closed after insert on price_history begin select raise(rollback, 'closed'); end`,
			"a price of META cannot be written: META: the database refused the row: constraint failed: closed (1811)"},
		{"ignore", `create trigger closed before insert on price_history begin select raise(ignore); end`,
			"a price of META cannot be written: the database refused the row: it wrote no row, as if a trigger suppressed it"},
		{"calls", `create trigger closed before insert on papertrade_calls begin select raise(abort, 'closed'); end`,
			"the count of calls cannot be written: the database refused the row: constraint failed: closed (1811)"},
		{"runs", `create trigger closed before insert on job_executions begin select raise(abort, 'closed'); end`,
			"the record of a run cannot be written: the database refused the row: constraint failed: closed (1811)"},
		{"another column", `alter table price_history rename column volume to amount`,
			"price_history is not the application's table: it has no column volume"},
		{"a missing table", `drop table transactions`,
			"transactions cannot be read: a table is missing that the database once had: SQL logic error: no such table: transactions (1)"},
		{"older tables", `delete from papertrade_migrations where version_id = 11`, ""},
		{"older tables and a trigger", `delete from papertrade_migrations where version_id = 11;
			create trigger closed before insert on price_history begin select raise(ignore); end`,
			"a price of META cannot be written: the database refused the row: it wrote no row, as if a trigger suppressed it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newPath(t)
			openStore(t, path).Close()
			if tt.change != "" {
				run(t, path, tt.change)
			}
			dir := filepath.Dir(path)
			before := contents(t, dir)
			var got string
			for _, err := range sqlite.Try(t.Context(), path, time.Now()) {
				got += err.Error()
			}
			diff(t, got, tt.want)
			diff(t, contents(t, dir), before)
		})
	}
}

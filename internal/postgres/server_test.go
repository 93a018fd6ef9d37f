package postgres

import (
	"errors"
	"testing"

	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
)

func TestServers(t *testing.T) {
	for _, test := range []struct{ version, refusal, limit string }{
		{"PostgreSQL 15.10 (Debian 15.10-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit", "", ""},
		{"PostgreSQL 17.5 (6bc9ef8) on aarch64-unknown-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit", "", ""}, // Neon
		{"CockroachDB CCL v24.1.1 (x86_64-pc-linux-gnu, built 2024/06/18 17:55:15, go1.22.2 X:nocoverageredesign)",
			"the tables cannot be made in CockroachDB: it does not permit a DO block to make any", ""},
		{"PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467",
			"the tables cannot be made in Redshift: it enforces no unique key", ""},
		{"PostgreSQL 11.2-YB-2.20.1.3-b0 on x86_64-pc-linux-gnu, compiled by clang version 16.0.6, 64-bit", "",
			"YugabyteDB commits each change of a table by itself: " +
				"after a migrate that was interrupted, compare the tables with those of a new database"},
	} {
		limit, refusal := serverOf(test.version)
		diff(t, limit, test.limit)
		if refusal != nil {
			diff(t, refusal.Error(), test.refusal)
		} else {
			diff(t, "", test.refusal)
		}
	}
}

// One that calls itself something else makes nothing at all.
func TestMigrateRefusesOtherServers(t *testing.T) {
	address := cluster.Empty(t)
	run(t, address, `create function public.version() returns text language sql as $$ select 'CockroachDB CCL v24.1.1' $$`)
	_, err := Migrate(t.Context(), withParameter(t, address, "search_path", "public,pg_catalog"))
	var refusal *ServerError
	if !errors.As(err, &refusal) {
		t.Errorf("error %v, want a *ServerError", err)
	}
	diff(t, texts(t, address, `select relname::text from pg_class where relnamespace = 'public'::regnamespace`), nil)
}

// What a pooler refuses is said at once, by every command that opens the database.
func TestPoolersThatAreRefused(t *testing.T) {
	direct := cluster.Clone(t, served)
	statement := cluster.Get(t).Pooler(t, "statement", 2).URL(direct)
	transaction := cluster.Get(t).Pooler(t, "transaction", 2).URL(direct)
	for _, test := range []struct {
		name, url string
		want      refresh.StoreError
	}{
		{"statement mode", statement, ErrStatementMode},
		{"unknown parameter", withParameter(t, transaction, "lock_timeout", "3"), ErrParameter},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(t.Context(), test.url)
			storetest.WantError(t, err, test.want)
			_, err = Migrate(t.Context(), test.url)
			storetest.WantError(t, err, test.want)
		})
	}
	// Whoever asks again is kept waiting by the pooler, which has asked the server.
	_, err := Open(t.Context(), withParameter(t, transaction, "dbname", "none_of_that_name"))
	storetest.WantError(t, err, ErrNoDatabase)
}

package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

// A prune leaves what another transaction has locked to the next one: if they waited for each other,
// Postgres would end one of them.
func TestPruneWaitsForNobody(t *testing.T) {
	url := cluster.Clone(t, ownTables)
	store := openStore(t, url)
	run(t, url, `
		insert into price_history (ticker, "interval", "timestamp", source, price_amount)
		select 'T' || i, 'real-time', '2020-01-01', 'alpha_vantage', 1 from generate_series(1, 3) as i;
		insert into job_executions (id, job_name, started_at, finished_at, status, metadata)
		select gen_random_uuid(), 'refresh_active_stocks', '2020-01-01', '2020-01-01', 'SUCCEEDED', '{"at": 1}' from generate_series(1, 3)`)
	conn := connect(t, url)
	defer conn.Close(t.Context())
	o := refresh.PruneOptions{
		At: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), BlockRows: 2,
		Keep: refresh.Retention{RealTime: time.Hour, Runs: time.Hour},
	}
	prune := func() (deleted [2]int) {
		pruned, err := refresh.Prune(t.Context(), store, o)
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{pruned.RealTime.Rows, pruned.Runs.Rows}
	}
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			update price_history set volume = 1 where ticker = 'T2';
			update job_executions set error_message = 'x' where id = (select max(id::text)::uuid from job_executions)`)
		if err == nil {
			diff(t, prune(), [2]int{2, 2})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, prune(), [2]int{1, 1})
}

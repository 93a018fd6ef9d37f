package sqlite_test

import (
	"testing"
	"time"

	"papertrade/internal/refresh"
)

// A stamp is older by the instant that it means, however it is written, and one that cannot be read is
// never too old.
func TestPruneStampsOfOtherWriters(t *testing.T) {
	path := applicationDatabase(t)
	store := openStore(t, path)
	run(t, path, `
		insert into price_history (id, ticker, interval, timestamp, source, price_amount, price_currency)
		select value->>0, value->>1, value->>2, value->>3, 'source' || (value->>0), 1, 'USD' from json_each('[
			[1,  "AAPL", "real-time", "2026-11-13 23:59:59"],
			[2,  "AAPL", "real-time", "2026-11-13T23:59:59.999999Z"],
			[3,  "AAPL", "real-time", "2026-11-14T00:00:00"],
			[4,  "AAPL", "real-time", "2026-11-14 09:00:00+09:00"],
			[5,  "AAPL", "real-time", "2026-11-14 08:59:59+09:00"],
			[6,  "AAPL", "real-time", "2026-11-13 19:00:00-05:00"],
			[7,  "AAPL", "real-time", "2026-11-13"],
			[8,  "AAPL", "real-time", "yesterday"],
			[9,  "AAPL", "real-time", "now"],
			[10, "AAPL", "real-time", "12:00"],
			[11, "AAPL", "real-time", ""],
			[12, "AAPL", "real-time", 2460000.5],
			[13, "AAPL", "real-time", 1700000000],
			[14, "AAPL", "real-time", " 2026-11-13 21:00:00"],
			[20, "IBM",  "1day", "2020-01-03 23:00:00-05:00"],
			[21, "IBM",  "1day", "2020-01-04 08:59:59+09:00"],
			[22, "IBM",  "1day", "2020-01-04T04:00:00"],
			[23, "IBM",  "1day", "someday"],
			[24, "IBM",  "1day", "9999"],
			[30, "ODD",  "1day", "2020-01-01 21:00:00.000001"],
			[31, "ODD",  "1day", "2019-12-31T21:00:00"],
			[32, "ODD",  "1day", "someday"]
		]')`)
	o := refresh.PruneOptions{
		At: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), BlockRows: 4, DryRun: true,
		Keep: refresh.Retention{Daily: 7 * 24 * time.Hour, RealTime: 7 * 24 * time.Hour, Runs: 24 * time.Hour},
	}
	for range 2 {
		pruned, err := refresh.Prune(t.Context(), store, o)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, [2]int{pruned.Daily.Rows, pruned.RealTime.Rows}, [2]int{2, 5})
		o.DryRun = false
	}
	diff(t, texts(t, path, `select cast(id as text) from price_history as p order by p.id`), []string{
		"3", "4", "6", "8", "9", "10", "11", "12", "13",
		"20", "22", // one session
		"23", "24", "30", "32",
	})

	run(t, path, `insert into job_executions (id, job_name, started_at, finished_at, status, metadata) values
		('a', 'refresh_active_stocks', '2020-01-01', '2020-01-01T00:01:00Z', 'SUCCEEDED', '{"at": 1}'),
		('b', 'refresh_active_stocks', '2020-01-01', 'at once', 'SUCCEEDED', '{"at": 1}')`)
	pruned, err := refresh.Prune(t.Context(), store, o)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, pruned.Runs.Rows, 1)
	diff(t, texts(t, path, `select id from job_executions`), []string{"b"})
}

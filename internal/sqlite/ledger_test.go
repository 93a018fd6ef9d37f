package sqlite_test

import (
	"testing"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/sqlite"
)

func TestCallsOfAnOlderLedgerCostOne(t *testing.T) {
	path := newPath(t)
	sqlite.MigrateTo(t, path, 4)
	run(t, path, `
		insert into papertrade_calls (id, account, from_time, until_time)
		values ('00000000-0000-0000-0000-000000000001', 'key', '2026-11-21 00:00:00.000000', '2026-11-21 00:00:20.000000')`)
	got, err := openStore(t, path).Account(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	diff(t, got, quota.Account{Calls: []quota.Call{
		{ID: "00000000-0000-0000-0000-000000000001", Cost: 1, From: midnight, Until: midnight.Add(20 * time.Second)},
	}})
}

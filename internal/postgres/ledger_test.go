package postgres

import (
	"testing"
	"time"

	"papertrade/internal/quota"
)

func TestCallsOfAnOlderLedgerCostOne(t *testing.T) {
	url := cluster.Empty(t)
	migrateTo(t, url, 4)
	run(t, url, `
		insert into papertrade_calls (id, account, from_time, until_time)
		values ('00000000-0000-0000-0000-000000000001', 'key', '2026-11-21 00:00:00Z', '2026-11-21 00:00:20Z')`)
	if _, err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	got, err := openStore(t, url).Account(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	diff(t, got, quota.Account{Calls: []quota.Call{
		{ID: "00000000-0000-0000-0000-000000000001", Cost: 1, From: midnight, Until: midnight.Add(20 * time.Second)},
	}})
}

package sqlite_test

import (
	"testing"
	"time"

	"papertrade/internal/quota"
)

func TestCallsOfAnOlderLedgerCostOne(t *testing.T) {
	path := newPath(t)
	openStore(t, path).Close()
	run(t, path, `
		alter table papertrade_calls drop column cost;
		drop table papertrade_held_prices;
		alter table papertrade_accounts drop column end_of_day_at;
		alter table papertrade_accounts drop column learned;
		alter table papertrade_ticker_states drop column late_session;
		alter table papertrade_ticker_states drop column late_sessions;
		alter table papertrade_ticker_states drop column late_checks;
		alter table papertrade_ticker_states drop column late_repeats;
		alter table papertrade_ticker_states drop column first_active_at;
		delete from papertrade_migrations where version_id >= 5;
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

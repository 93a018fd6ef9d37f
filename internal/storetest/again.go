package storetest

import (
	"testing"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// writtenAgain writes everything twice, as is done if the answer to a commit is lost: it is there once, as if it had been
// written once, and the second answer is what the first one was.
func writtenAgain(t *testing.T, db Database) {
	store := db.Open(t)
	ctx := t.Context()
	twice := func(write func() error) {
		t.Helper()
		for range 2 {
			noError(t, write())
		}
	}
	db.Exec(t, `insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active) values ('IBM', 1, 300, true)`)
	// TSLA has a bar that stays as it is, and META one that is blank.
	stored, blank := price("TSLA", "1"), price("META", "2")
	stored.FetchedAt = midnight.Add(-time.Hour)
	blank.FetchedAt = stored.FetchedAt
	noError(t, commit(t, store, stored, blank))
	db.Exec(t, `update price_history set close_amount = null, close_currency = null where ticker = 'META'`)

	record := run(runID)
	dead := run("00000000-0000-0000-0000-000000000001")
	dead.StartedAt = midnight.Add(-time.Hour)
	noError(t, store.BeginRun(ctx, dead, true))
	twice(func() error { return store.BeginRun(ctx, record, true) })
	twice(func() error { return store.NoteActive(ctx, tickers("IBM"), midnight) })
	kept := []refresh.Price{price("AAPL", "3"), price("TSLA", "4"), price("META", "5")}
	for i := range kept {
		kept[i].Keep, kept[i].Backfill = true, true
	}
	batch := refresh.Batch{
		Prices:   append(kept, fullPrice("IBM", "6")),
		Failures: []refresh.Failure{{Ticker: marketdata.MustParseTicker("NOPE"), AskedAt: midnight, UnknownIn: friday}},
		Findings: []refresh.Finding{{Ticker: marketdata.MustParseTicker("AAPL"), Absent: []exchange.Date{friday.AddDays(-1)}}},
		Run:      record,
	}
	first, err := store.CommitBatch(ctx, batch)
	noError(t, err)
	second, err := store.CommitBatch(ctx, batch.Again())
	noError(t, err)
	equal(t, second, first)
	equal(t, []bool{first[0].Amount != "", first[1].Amount != "", first[2].Amount != "", first[3].Amount != ""}, []bool{true, false, true, true})
	equal(t, db.Texts(t, `select ticker || ' ' || cast(round(price_amount) as integer) from price_history order by ticker`),
		[]string{"AAPL 3", "IBM 6", "META 5", "TSLA 1"})
	states, err := store.States(ctx, tickers("NOPE"))
	noError(t, err)
	equal(t, states[marketdata.MustParseTicker("NOPE")].UnknownSessions, 1)

	call := quota.Call{ID: "00000000-0000-0000-0000-000000000009", Cost: 1, From: midnight, Until: midnight}
	twice(func() error {
		return store.UpdateAccount(ctx, account, time.Time{}, func(quota.Account) quota.Change { return quota.Change{Save: []quota.Call{call}} })
	})
	ledger, err := store.Account(ctx, account)
	noError(t, err)
	equal(t, ledger.Calls, []quota.Call{call})

	record.Status, record.FinishedAt = "SUCCEEDED", midnight.Add(time.Minute)
	twice(func() error { return store.FinishRun(ctx, record) })
	equal(t, db.Texts(t, `select status from job_executions order by started_at`), []string{"FAILED", "SUCCEEDED"})
}

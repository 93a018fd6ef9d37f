package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// insertPrices writes rows like "1 AAPL 1day 2026-11-20 21:00:00.000000", of which the first word is the ID.
func (db Database) insertPrices(t *testing.T, rows ...string) {
	t.Helper()
	values := make([]string, len(rows))
	for i, row := range rows {
		words := strings.SplitN(row, " ", 4)
		values[i] = fmt.Sprintf(`(%s, '%s', '%s', '%s', 'source%d', '1.25', 'USD', '2020-01-01 00:00:00')`,
			words[0], words[1], words[2], words[3], i)
	}
	db.Exec(t, `insert into price_history (id, ticker, "interval", "timestamp", source, price_amount, price_currency, created_at) values `+
		strings.Join(values, ", "))
}

const priceIDs = `select cast(id as text) from price_history order by price_history.id`

// week keeps prices for a week, and runs for a year.
var week = refresh.Retention{Daily: 7 * 24 * time.Hour, RealTime: 7 * 24 * time.Hour, Runs: 365 * 24 * time.Hour}

// expired returns what a prune at midnight by week finds.
func expired(dryRun bool, daily, realTime, runs int) refresh.Pruned {
	return refresh.Pruned{
		DryRun: dryRun, At: midnight,
		Daily:    refresh.Expired{Before: midnight.AddDate(0, 0, -7), Rows: daily},
		Held:     refresh.Expired{Before: midnight.AddDate(0, 0, -7)},
		RealTime: refresh.Expired{Before: midnight.AddDate(0, 0, -7), Rows: realTime},
		Runs:     refresh.Expired{Before: midnight.AddDate(0, 0, -365), Rows: runs},
	}
}

var pricesToPrune = []string{
	"-7 AAPL real-time 2026-11-13 23:59:59.999999",
	"1 AAPL 1day 2026-11-12 21:00:00.000000",
	"2 AAPL 1day 2026-11-13 23:59:59.999999",
	"3 AAPL 1day 2026-11-14 00:00:00.000000", // not older than a week, to the instant
	"4 AAPL 1day 2026-11-20 21:00:00.000000",
	"5 AAPL real-time 2026-11-13 23:59:59.999999",
	"6 AAPL real-time 2026-11-14 00:00:00.000000",
	"7 AAPL 1hour 2020-01-02 21:00:00.000000", // which papertrade does not know
	"8 DEAD 1day 2020-01-02 21:00:00.000000",
	"9 DEAD 1day 2020-01-03 21:00:00.000000", // the newest, in two sources
	"10 DEAD 1day 2020-01-03 21:00:00.000000",
	"11 DEAD real-time 2020-01-06 15:00:00.000000", // is not a daily bar
	"12 GONE 1day 2019-01-02 21:00:00.000000",
	"20 BACK 1day 2020-01-03 21:00:00.000000",
	"21 BACK 1day 2020-01-02 21:00:00.000000", // stored after a newer one
	"1000000000 GONE 1day 2018-01-02 21:00:00.000000",
}

var pricesLeft = []string{"3", "4", "6", "7", "9", "10", "12", "20"}

func prune(t *testing.T, db Database) {
	store := db.Open(t)
	for _, rows := range []int{1, 2, 3, 5, len(pricesToPrune), 5000} {
		db.Exec(t, `delete from price_history`)
		db.insertPrices(t, pricesToPrune...)
		before := db.Texts(t, priceIDs)
		o := refresh.PruneOptions{At: midnight, Keep: week, BlockRows: rows, DryRun: true}
		counted, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, counted, expired(true, 5, 3, 0))
		equal(t, db.Texts(t, priceIDs), before)

		o.DryRun = false
		pruned, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, pruned, expired(false, 5, 3, 0))
		equal(t, db.Texts(t, priceIDs), pricesLeft)
		again, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, again, expired(false, 0, 0, 0))
	}
}

// Rows without a retention are kept for ever.
func pruneKeeps(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertPrices(t, pricesToPrune...)
	o := refresh.PruneOptions{At: midnight, BlockRows: 3}
	pruned, err := refresh.Prune(t.Context(), store, o)
	noError(t, err)
	equal(t, pruned, refresh.Pruned{At: midnight})

	o.Keep.RealTime = week.RealTime
	pruned, err = refresh.Prune(t.Context(), store, o)
	noError(t, err)
	equal(t, pruned, refresh.Pruned{At: midnight, RealTime: expired(false, 0, 3, 0).RealTime})
	equal(t, db.Texts(t, priceIDs), []string{"1", "2", "3", "4", "6", "7", "8", "9", "10", "12", "20", "21", "1000000000"})
}

// What is shown of a session goes by what was written last, so a prune that went by stamps could take that away and leave
// what nobody has seen.
func pruneWholeSessions(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertPrices(t,
		"1 NEWEST 1day 2020-01-02 21:00:00.000000", "2 NEWEST 1day 2020-01-03 20:00:00.000000", "3 NEWEST 1day 2020-01-03 21:00:00.000000",
		// The end of the retention is within this session.
		"4 CUT 1day 2026-11-13 20:00:00.000000", "5 CUT 1day 2026-11-14 11:00:00.000000", "6 CUT 1day 2026-11-14 13:00:00.000000",
		"7 CUT 1day 2026-11-20 21:00:00.000000")
	db.Exec(t, `update price_history set price_amount = 2, updated_at = '2020-01-09 00:00:00' where price_history.id in (2, 5)`)
	shown := func() map[marketdata.Ticker][]history.StoredBar {
		t.Helper()
		bars, err := store.Bars(t.Context(), tickers("NEWEST", "CUT"), exchange.Date{}, exchange.Date{})
		noError(t, err)
		return bars
	}
	want := shown()
	for ticker, bars := range want {
		want[ticker] = bars[1:]
	}
	o := refresh.PruneOptions{At: midnight.Add(12 * time.Hour), Keep: week, BlockRows: 2}
	pruned, err := refresh.Prune(t.Context(), store, o)
	noError(t, err)
	equal(t, pruned.Daily.Rows, 2)
	equal(t, db.Texts(t, priceIDs), []string{"2", "3", "5", "6", "7"})
	equal(t, shown(), want)
}

// Processes that prune at the same time delete each row exactly once between them, whatever they keep.
func pruneTakesTurns(t *testing.T, db Database) {
	const bars, newest = 120, 3
	stores := make([]Store, 4)
	for i := range stores {
		stores[i] = db.Open(t)
	}
	var rows []string
	for i := range bars {
		rows = append(rows, fmt.Sprintf("%d T%d 1day %s", i+1, i%newest, midnight.AddDate(0, 0, i-1000).Format(time.DateTime)))
	}
	db.insertPrices(t, rows...)
	var pruning sync.WaitGroup
	deleted := make([]int, len(stores))
	for i, store := range stores {
		pruning.Go(func() {
			keep := refresh.Retention{Daily: time.Duration(i+1) * 24 * time.Hour}
			pruned, err := refresh.Prune(t.Context(), store, refresh.PruneOptions{At: midnight, Keep: keep, BlockRows: i + 2})
			if err != nil {
				t.Error(err)
			}
			deleted[i] = pruned.Daily.Rows
		})
	}
	pruning.Wait()
	sum := 0
	for _, n := range deleted {
		sum += n
	}
	equal(t, sum, bars-newest)
	equal(t, db.Texts(t, priceIDs), []string{"118", "119", "120"})
}

// A block begins after an ID and has as many rows as were asked for, expired or not.
func pruneBlock(t *testing.T, db Database) {
	store := db.Open(t)
	db.insertPrices(t, pricesToPrune...)
	block := refresh.PriceBlock{After: 1, Rows: 4, DailyBefore: midnight.AddDate(0, 0, -7), RealTimeBefore: midnight.AddDate(0, 0, -7)}
	want := refresh.ExpiredPrices{Last: 5, Daily: 1, RealTime: 1} // of 2, 3, 4 and 5
	got, err := store.CountExpiredPrices(t.Context(), block)
	noError(t, err)
	equal(t, got, want)
	got, err = store.DeleteExpiredPrices(t.Context(), block)
	noError(t, err)
	equal(t, got, want)
	equal(t, db.Texts(t, priceIDs)[:5], []string{"-7", "1", "3", "4", "6"})

	block.After = 1000000000
	for _, expire := range []func(context.Context, refresh.PriceBlock) (refresh.ExpiredPrices, error){
		store.CountExpiredPrices, store.DeleteExpiredPrices,
	} {
		got, err = expire(t.Context(), block)
		noError(t, err)
		equal(t, got, refresh.ExpiredPrices{Last: block.After, End: true})
	}
}

// A transaction deletes at most the requested number of runs.
func pruneSomeRuns(t *testing.T, db Database) {
	store := db.Open(t)
	for i := range 5 {
		db.Exec(t, fmt.Sprintf(`insert into job_executions (id, job_name, started_at, finished_at, status, metadata)
			values ('00000000-0000-0000-0000-00000000000%d', 'refresh_active_stocks', '2020-01-01 00:00:00', '2020-01-01 00:00:00', 'SUCCEEDED', '{"at": 1}')`, i))
	}
	for _, want := range []int{3, 2, 0} {
		deleted, err := store.DeleteExpiredRuns(t.Context(), []string{"refresh_active_stocks"}, midnight, 3)
		noError(t, err)
		equal(t, deleted, want)
	}
}

func pruneRuns(t *testing.T, db Database) {
	store := db.Open(t)
	var rows []string
	for i, row := range []string{
		`'refresh_active_stocks', 'SUCCEEDED', '2025-11-20 23:59:59.999999'`,
		`'refresh_active_stocks', 'SUCCEEDED', '2025-11-21 00:00:00.000000'`, // 365 days ago, and no more
		`'refresh_active_stocks', 'FAILED', '2020-01-01 00:00:00.000000'`,
		`'refresh_active_stocks', 'RUNNING', null`,
		`'refresh_active_stocks', 'RUNNING', '2020-01-01 00:00:00.000000'`,
		`'refresh_active_stocks', 'SUCCEEDED', null`,
		`'backfill_active_stocks', 'SUCCEEDED', '2020-01-01 00:00:00.000000'`,
		`'backfill_active_stocks', 'SUCCEEDED', '2026-11-20 00:00:00.000000'`,
		`'something_else', 'SUCCEEDED', '2020-01-01 00:00:00.000000'`,
	} {
		rows = append(rows, fmt.Sprintf(`('00000000-0000-0000-0000-00000000000%d', '2019-01-01 00:00:00', '{"at": 1}', %s)`, i, row))
	}
	// The application keeps its own.
	rows = append(rows, `('00000000-0000-0000-0000-000000000009', '2019-01-01 00:00:00', '{}', 'refresh_active_stocks', 'FAILED', '2020-01-01 00:00:00')`)
	const ids = `select substr(replace(cast(id as text), '-', ''), 32) from job_executions order by id`
	left := []string{"1", "3", "4", "5", "7", "8", "9"}
	for _, limit := range []int{1, 2, 3, 100} {
		db.Exec(t, `delete from job_executions`)
		db.Exec(t, `insert into job_executions (id, started_at, metadata, job_name, status, finished_at) values `+strings.Join(rows, ", "))
		o := refresh.PruneOptions{At: midnight, Keep: week, BlockRows: limit, DryRun: true}
		counted, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, counted, expired(true, 0, 0, 3))
		equal(t, len(db.Texts(t, ids)), len(rows))
		o.DryRun = false
		pruned, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, pruned, expired(false, 0, 0, 3))
		equal(t, db.Texts(t, ids), left)
	}
}

// Of held bars those that wait stay, whatever their age; of the others, those whose daily bars would stay too.
func pruneHeld(t *testing.T, db Database) {
	store := db.Open(t)
	hold := func(symbol string, session exchange.Date, decision history.Decision) history.HeldBar {
		bar := held(symbol, "1.25")
		bar.Session, bar.Decision, bar.DecidedAt = session, decision, midnight
		return bar
	}
	weekAgo := exchange.DateOf(midnight).AddDays(-7)
	const left = `select ticker || ' ' || substr(cast(session as text), 1, 10) from papertrade_held_prices order by ticker, session`
	for _, rows := range []int{1, 2, 3, 100} {
		commitAll(t, store, refresh.Batch{Held: []history.HeldBar{
			hold("AAPL", weekAgo.AddDays(-100), history.Waiting), hold("AAPL", weekAgo.AddDays(-1), history.Rejected),
			hold("AAPL", weekAgo, history.Rejected), hold("IBM", weekAgo.AddDays(-2), history.Accepted),
			hold("IBM", weekAgo.AddDays(-1), history.Waiting), hold("ZM", weekAgo.AddDays(-1), history.Accepted)}})
		o := refresh.PruneOptions{At: midnight, Keep: refresh.Retention{Daily: week.Daily}, BlockRows: rows, DryRun: true}
		before := db.Texts(t, left)
		want := expired(true, 0, 0, 0).Held
		want.Rows = 3
		counted, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, counted.Held, want)
		equal(t, db.Texts(t, left), before)

		o.DryRun = false
		pruned, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, pruned.Held, want)
		equal(t, db.Texts(t, left), []string{"AAPL 2026-08-06", "AAPL 2026-11-14", "IBM 2026-11-13"})
	}

	// A bar is as old as its stamp, at 21:00.
	for hour, want := range map[int]int{20: 0, 21: 0, 22: 1} {
		o := refresh.PruneOptions{
			At: midnight.Add(time.Duration(hour) * time.Hour), Keep: refresh.Retention{Daily: week.Daily}, BlockRows: 9, DryRun: true}
		counted, err := refresh.Prune(t.Context(), store, o)
		noError(t, err)
		equal(t, counted.Held.Rows, want)
	}
	kept, err := refresh.Prune(t.Context(), store, refresh.PruneOptions{At: midnight.AddDate(9, 0, 0), BlockRows: 9})
	noError(t, err)
	equal(t, kept.Held, refresh.Expired{})
	equal(t, len(db.Texts(t, left)), 3)
}

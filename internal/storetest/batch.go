package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// friday is the session before midnight.
var friday = exchange.Date{Year: 2026, Month: 11, Day: 20}

// price returns friday's price of a ticker, with only its close, fetched at midnight.
func price(symbol, amount string) refresh.Price {
	return refresh.Price{
		Bar: marketdata.Bar{
			Ticker: marketdata.MustParseTicker(symbol), Session: friday,
			Close: decimal.RequireFromString(amount), Currency: "USD",
		},
		Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC),
		Source:    "alpha_vantage", Interval: refresh.IntervalDaily, FetchedAt: midnight,
	}
}

// fullPrice returns price with everything that a bar can have.
func fullPrice(symbol, amount string) refresh.Price {
	p := price(symbol, amount)
	p.Bar.Open = decimal.NewNullDecimal(decimal.RequireFromString("190.25"))
	p.Bar.High = decimal.NewNullDecimal(decimal.RequireFromString("193.75"))
	p.Bar.Low = decimal.NewNullDecimal(decimal.RequireFromString("189.5"))
	p.Bar.Volume = new(int64(48_123_456_789))
	return p
}

// storedRows selects whole rows as text, with amounts in cents, since databases differ in their digits.
const storedRows = `
	select ticker || ' ' || substr(cast("timestamp" as text), 1, 19) || ' ' || source || ' ' || "interval"
		|| ' p ' || cast(round(price_amount * 100) as bigint) || price_currency
		|| ' o ' || coalesce(cast(round(open_amount * 100) as bigint), 0) || coalesce(open_currency, '-')
		|| ' h ' || coalesce(cast(round(high_amount * 100) as bigint), 0) || coalesce(high_currency, '-')
		|| ' l ' || coalesce(cast(round(low_amount * 100) as bigint), 0) || coalesce(low_currency, '-')
		|| ' c ' || coalesce(cast(round(close_amount * 100) as bigint), 0) || coalesce(close_currency, '-')
		|| ' v ' || coalesce(volume, 0)
		|| ' ' || substr(cast(created_at as text), 1, 19) || ' ' || coalesce(substr(cast(updated_at as text), 1, 19), '-')
	from price_history order by ticker, "timestamp"`

// ours is the metadata of a run of this program.
const ours = `{"at": 1}`

func run(id string) refresh.RunRecord {
	return refresh.RunRecord{ID: id, JobName: "refresh_active_stocks", StartedAt: midnight, Status: "RUNNING", Metadata: []byte(ours)}
}

const runID = "6f1c7a52-4a0e-4f4e-8d0b-2f1f5a3c9e10"

// commit stores prices, and fails the test if one is refused.
func commit(t *testing.T, store Store, prices ...refresh.Price) error {
	t.Helper()
	stored, err := store.CommitBatch(t.Context(), refresh.Batch{Prices: prices, Run: run(runID)})
	for i, s := range stored {
		if s.Err != nil {
			t.Errorf("%s: %v", prices[i].Bar.Ticker, s.Err)
		}
	}
	return err
}

func batch(t *testing.T, db Database) {
	store := db.Open(t)
	begun := run(runID)
	noError(t, store.BeginRun(t.Context(), begun, true))
	begun.Metadata = []byte(`{"batches": 1}`)
	realTime := price("IBM", "10.5")
	realTime.Interval = refresh.IntervalRealTime
	realTime.Timestamp = time.Date(2026, 11, 20, 15, 30, 0, 0, time.FixedZone("", -5*60*60))
	stored, err := store.CommitBatch(t.Context(), refresh.Batch{
		Prices: []refresh.Price{fullPrice("MSFT", "192.53"), realTime, price("AAPL", "0.01")}, Run: begun})
	noError(t, err)

	amounts := []refresh.StoredPrice{{Amount: "192.53"}, {Amount: "10.50"}, {Amount: "0.01"}}
	if !db.Narrow {
		amounts[1].Amount = "10.5"
	}
	equal(t, stored, amounts)
	equal(t, db.Texts(t, storedRows), []string{
		"AAPL 2026-11-20 21:00:00 alpha_vantage 1day p 1USD o 0- h 0- l 0- c 1USD v 0 2026-11-21 00:00:00 -",
		"IBM 2026-11-20 20:30:00 alpha_vantage real-time p 1050USD o 0- h 0- l 0- c 1050USD v 0 2026-11-21 00:00:00 -",
		"MSFT 2026-11-20 21:00:00 alpha_vantage 1day p 19253USD o 19025USD h 19375USD l 18950USD c 19253USD v 48123456789 2026-11-21 00:00:00 -",
	})
	equal(t, db.Texts(t, `select cast(metadata as text) from job_executions where status = 'RUNNING'`), []string{`{"batches": 1}`})

	states, err := store.States(t.Context(), tickers("AAPL", "IBM"))
	noError(t, err)
	equal(t, states, map[marketdata.Ticker]refresh.State{
		tickers("AAPL")[0]: {LastSession: friday, FetchedAt: midnight, CheckedAt: midnight, AskedAt: midnight},
		tickers("IBM")[0]:  {CheckedAt: midnight, AskedAt: midnight},
	})

	_, err = store.CommitBatch(t.Context(), refresh.Batch{Run: begun})
	noError(t, err)
}

func batchKeepsDigits(t *testing.T, db Database) {
	store := db.Open(t)
	prices := []refresh.Price{price("AAPL", "192.5300"), price("IBM", "12345678901.25")}
	want := []refresh.StoredPrice{{Amount: "192.53"}, {Amount: "12345678901.25"}}
	if db.KeepsZeros {
		want[0].Amount = "192.5300"
	}
	if !db.Narrow {
		prices = append(prices, price("PENNY", "0.0042"), price("DUST", "0.00000042"))
		want = append(want, refresh.StoredPrice{Amount: "0.0042"}, refresh.StoredPrice{Amount: "0.00000042"})
	}
	stored, err := store.CommitBatch(t.Context(), refresh.Batch{Prices: prices, Run: run(runID)})
	noError(t, err)
	equal(t, stored, want)
}

func batchWipesNothing(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, commit(t, store, fullPrice("AAPL", "192.53")))
	again := price("AAPL", "192.75")
	again.FetchedAt = midnight.Add(time.Hour)
	noError(t, commit(t, store, again))
	equal(t, db.Texts(t, storedRows), []string{
		"AAPL 2026-11-20 21:00:00 alpha_vantage 1day p 19275USD o 19025USD h 19375USD l 18950USD c 19275USD v 48123456789 2026-11-21 00:00:00 2026-11-21 01:00:00",
	})
	states, err := store.States(t.Context(), tickers("AAPL"))
	noError(t, err)
	equal(t, states, map[marketdata.Ticker]refresh.State{
		tickers("AAPL")[0]: {LastSession: friday, FetchedAt: again.FetchedAt, CheckedAt: again.FetchedAt, AskedAt: again.FetchedAt},
	})
}

// refusedBatch commits prices and expects that those named are refused, and the others stored.
func refusedBatch(t *testing.T, db Database, prices []refresh.Price, refused ...string) {
	t.Helper()
	store := db.Open(t)
	noError(t, store.BeginRun(t.Context(), run(runID), true))
	finished := run(runID)
	finished.Metadata = []byte(`{"batches": 1}`)
	stored, err := store.CommitBatch(t.Context(), refresh.Batch{Prices: prices, Run: finished})
	noError(t, err)
	isRefused := map[string]bool{}
	for _, symbol := range refused {
		isRefused[symbol] = true
	}
	var kept []string
	for i, s := range stored {
		symbol := prices[i].Bar.Ticker.String()
		if !isRefused[symbol] {
			kept = append(kept, symbol)
			equal(t, s, refresh.StoredPrice{Amount: "1.25"})
			continue
		}
		equal(t, s.Amount, "")
		WantError(t, s.Err, refresh.ErrRowRefused)
	}
	equal(t, db.Texts(t, `select ticker from price_history order by id`), kept)
	equal(t, db.Texts(t, `select ticker from papertrade_ticker_states where checked_at is not null order by ticker`), kept)
	equal(t, db.Texts(t, `select ticker from papertrade_ticker_states where checked_at is null order by ticker`), refused)
	equal(t, db.Texts(t, `select cast(metadata as text) from job_executions`), []string{`{"batches": 1}`})
}

func batchWithoutRefusedRow(t *testing.T, db Database) {
	refusedBatch(t, db, []refresh.Price{price("AAPL", "1.25"), price("FREE", "0"), price("MSFT", "1.25")}, "FREE")
	entries := db.Texts(t, `select ticker from ticker_watchlist where last_refresh_at is not null order by ticker`)
	equal(t, entries, []string{"AAPL", "MSFT"})
}

func batchRefusedForWidth(t *testing.T, db Database) {
	prices := []refresh.Price{price("AAPL", "1.25"), price("PENNY", "0.0042"), price("RELIANCE.BSE", "1.25"), price("ZM", "1.25")}
	if db.Narrow {
		refusedBatch(t, db, prices, "PENNY", "RELIANCE.BSE")
		return
	}
	store := db.Open(t)
	noError(t, commit(t, store, prices...))
	equal(t, db.Texts(t, `select ticker from price_history order by id`), []string{"AAPL", "PENNY", "RELIANCE.BSE", "ZM"})
}

func batchMarksWatchlist(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist where ticker not in ('AAPL', 'MSFT', 'TSLA')`)
	db.Exec(t, `update ticker_watchlist set ticker = ' aapl ', refresh_interval_seconds = 90 where ticker = 'AAPL'`)
	noError(t, commit(t, store, price("AAPL", "1.25"), price("MSFT", "1.25"), price("IBM", "1.25")))
	got, err := store.Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{
		{Symbol: "TSLA", Priority: 90, RefreshInterval: 5 * time.Minute, IsActive: true},
		{Symbol: " aapl ", Priority: 100, RefreshInterval: 90 * time.Second, IsActive: true,
			LastRefreshAt: midnight, NextRefreshAt: midnight.Add(90 * time.Second)},
		{Symbol: "MSFT", Priority: 100, RefreshInterval: 5 * time.Minute, IsActive: true,
			LastRefreshAt: midnight, NextRefreshAt: midnight.Add(5 * time.Minute)},
	})
	equal(t, db.Texts(t, `select substr(cast(updated_at as text), 1, 19) from ticker_watchlist where ticker = 'MSFT'`),
		[]string{"2026-11-21 00:00:00"})
}

func batchKeepsFailures(t *testing.T, db Database) {
	store := db.Open(t)
	aapl, gone := tickers("AAPL", "GONE")[0], tickers("AAPL", "GONE")[1]
	fail := func(at time.Time, unknownIn exchange.Date) {
		t.Helper()
		_, err := store.CommitBatch(t.Context(), refresh.Batch{
			Failures: []refresh.Failure{{Ticker: gone, AskedAt: at, UnknownIn: unknownIn}}, Run: run(runID)})
		noError(t, err)
	}
	state := func() refresh.State {
		t.Helper()
		states, err := store.States(t.Context(), []marketdata.Ticker{gone})
		noError(t, err)
		return states[gone]
	}
	noError(t, commit(t, store, price("AAPL", "1.25")))
	thursday := friday.AddDays(-1)
	fail(midnight.Add(-24*time.Hour), thursday)
	fail(midnight, friday)
	fail(midnight.Add(time.Hour), friday) // the same session counts once
	fail(midnight.Add(2*time.Hour), exchange.Date{})
	equal(t, state(), refresh.State{AskedAt: midnight.Add(2 * time.Hour), UnknownSessions: 2, UnknownSession: friday})

	// A price shows that the ticker is known, and adding it to the watchlist says so.
	fetched := price("GONE", "1.25")
	noError(t, commit(t, store, fetched))
	known := refresh.State{LastSession: friday, FetchedAt: midnight, CheckedAt: midnight, AskedAt: midnight}
	equal(t, state(), known)
	fail(midnight, friday)
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{{Ticker: gone}, {Ticker: aapl}}), midnight))
	equal(t, state(), known)
	fail(midnight, friday)
	known.UnknownSessions, known.UnknownSession = 1, friday
	equal(t, state(), known)
}

// batchIsAllOrNothing makes a batch fail halfway for a reason other than a refused row.
func batchIsAllOrNothing(t *testing.T, db Database) {
	store := db.Open(t)
	for _, prices := range [][]refresh.Price{
		{price("AAPL", "1.25"), price("MSFT", "1.25")},
		{price("AAPL", "1.25"), price("FREE", "0")},
	} {
		db.Exec(t, `alter table job_executions rename to job_executions_away`)
		batch := refresh.Batch{Prices: prices, Held: []history.HeldBar{held("AAPL", "125")}, Run: run(runID)}
		if _, err := store.CommitBatch(t.Context(), batch); err == nil {
			t.Error("no error without the table of runs")
		}
		equal(t, db.Texts(t, `select ticker from price_history union all select ticker from papertrade_held_prices`), nil)
		db.Exec(t, `alter table job_executions_away rename to job_executions`)
		_, err := store.CommitBatch(t.Context(), batch)
		noError(t, err)
		equal(t, db.Texts(t, `select ticker from papertrade_held_prices`), []string{"AAPL"})
		db.Exec(t, `delete from price_history`)
		db.Exec(t, `delete from papertrade_held_prices`)
	}
}

// A batch that no run has made leaves the records of runs alone.
func batchOfNoRun(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, store.BeginRun(t.Context(), run(runID), true))
	const records = `select job_name || ' ' || status from job_executions`
	_, err := store.CommitBatch(t.Context(), refresh.Batch{Prices: []refresh.Price{price("AAPL", "1.25")}})
	noError(t, err)
	equal(t, db.Texts(t, `select ticker from price_history`), []string{"AAPL"})
	equal(t, db.Texts(t, records), []string{"refresh_active_stocks RUNNING"})
}

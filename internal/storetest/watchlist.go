package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

const interval = 5 * time.Minute // by default

func entry(symbol string, priority int) refresh.WatchlistEntry {
	return refresh.WatchlistEntry{Symbol: symbol, Priority: priority, RefreshInterval: interval, IsActive: true}
}

func firstWatchlist(t *testing.T, db Database) {
	got, err := db.Open(t).Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{
		entry("META", 90), entry("NVDA", 90), entry("TSLA", 90),
		entry("AAPL", 100), entry("AMZN", 100), entry("GOOGL", 100), entry("MSFT", 100),
	})
}

func watchlist(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist`)
	noError(t, store.AddToWatchlist(t.Context(), slices.Values[[]refresh.WatchlistChange](nil), midnight))
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{
		{Ticker: marketdata.MustParseTicker("IBM")},
		{Ticker: marketdata.MustParseTicker("BRK.B"), Priority: new(7)},
		{Ticker: marketdata.MustParseTicker("BF-B"), RefreshInterval: new(time.Hour)},
		{Ticker: marketdata.MustParseTicker("BF-B"), Priority: new(8)},
	}), midnight))
	slow := refresh.WatchlistEntry{Symbol: "BF-B", Priority: 8, RefreshInterval: time.Hour, IsActive: true}
	got, err := store.Watchlist(t.Context(), false)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{entry("BRK.B", 7), slow, entry("IBM", 100)})
	equal(t, db.Texts(t, `select distinct substr(cast(created_at as text), 1, 19) || ' ' || substr(cast(updated_at as text), 1, 19) from ticker_watchlist`),
		[]string{"2026-11-21 00:00:00 2026-11-21 00:00:00"})

	if !db.Narrow {
		return
	}
	err = store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{
		{Ticker: marketdata.MustParseTicker("AAPL")}, {Ticker: marketdata.MustParseTicker("RELIANCE.BSE")}}), midnight)
	WantError(t, err, refresh.ErrRowRefused)
	if err == nil || !strings.Contains(err.Error(), "add to the watchlist: RELIANCE.BSE: ") {
		t.Errorf("error %v, want one that names the ticker that is wider than its column", err)
	}
	unchanged, err := store.Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, unchanged, got)
}

func watchlistOfRemovedTicker(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist where ticker not in ('AAPL', 'TSLA')`)
	missing, err := store.RemoveFromWatchlist(t.Context(), []string{"NONE", "TSLA", "NONE", "TSLA"}, midnight)
	noError(t, err)
	equal(t, missing, []string{"NONE"})
	missing, err = store.RemoveFromWatchlist(t.Context(), []string{"TSLA"}, midnight)
	noError(t, err)
	equal(t, missing, []string{"TSLA"})
	equal(t, db.Texts(t, `select substr(cast(updated_at as text), 1, 19) from ticker_watchlist where ticker = 'TSLA'`),
		[]string{"2026-11-21 00:00:00"})

	got, err := store.Watchlist(t.Context(), false)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{entry("AAPL", 100)})
	removed := entry("TSLA", 90)
	removed.IsActive = false
	got, err = store.Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{removed, entry("AAPL", 100)})

	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{{Ticker: tickers("TSLA")[0]}}), midnight.Add(time.Hour)))
	equal(t, db.Texts(t, `select substr(cast(updated_at as text), 1, 19) from ticker_watchlist where ticker = 'TSLA'`),
		[]string{"2026-11-21 01:00:00"})
	got, err = store.Watchlist(t.Context(), false)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{entry("TSLA", 90), entry("AAPL", 100)})
}

func watchlistWithDirtyRows(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `delete from ticker_watchlist where ticker <> 'AAPL'`)
	db.Exec(t, `update ticker_watchlist set ticker = ' aapl '`)
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{{Ticker: tickers("AAPL")[0], Priority: new(3)}}), midnight))
	got, err := store.Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{entry(" aapl ", 3)})

	// A row of the same ticker without the spaces is one more, and nobody knows which is meant.
	db.Exec(t, `insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
		values ('AAPL', 1, 300, false, '2026-11-21 00:00:00', '2026-11-21 00:00:00')`)
	noError(t, store.AddToWatchlist(t.Context(), slices.Values([]refresh.WatchlistChange{
		{Ticker: tickers("AAPL")[0]}, {Ticker: tickers("IBM")[0], Priority: new(9)}, {Ticker: tickers("AAPL")[0], Priority: new(2)},
		{Ticker: tickers("IBM")[0]},
	}), midnight))
	got, err = store.Watchlist(t.Context(), true)
	noError(t, err)
	equal(t, got, []refresh.WatchlistEntry{entry(" aapl ", 2), entry("AAPL", 2), entry("IBM", 9)})
	db.Exec(t, `delete from ticker_watchlist where ticker in ('AAPL', 'IBM')`)

	db.Exec(t, `insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
		values ('$$$', 1, 300, true, '2026-11-21 00:00:00', '2026-11-21 00:00:00')`)
	missing, err := store.RemoveFromWatchlist(t.Context(), []string{"AAPL", "$$$"}, midnight)
	noError(t, err)
	equal(t, missing, nil)
	got, err = store.Watchlist(t.Context(), false)
	noError(t, err)
	equal(t, got, nil)
}

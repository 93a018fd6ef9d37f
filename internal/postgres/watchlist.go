package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

const watchlist = `
select ticker, priority, refresh_interval_seconds, is_active, last_refresh_at, next_refresh_at
from ticker_watchlist
where is_active or @include_removed
order by priority, ticker collate "C"`

// Watchlist reads the watchlist by priority, then by symbol; with includeRemoved also what was
// removed from it.
func (s *Store) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	type row struct {
		Ticker                       string
		Priority                     int
		RefreshIntervalSeconds       int64
		IsActive                     bool
		LastRefreshAt, NextRefreshAt *time.Time
	}
	rows, err := query[row](ctx, s, watchlist, pgx.NamedArgs{"include_removed": includeRemoved})
	if err != nil {
		return nil, fmt.Errorf("read the watchlist: %w", err)
	}
	var entries []refresh.WatchlistEntry
	for _, r := range rows {
		entries = append(entries, refresh.WatchlistEntry{
			Symbol: r.Ticker, Priority: r.Priority, IsActive: r.IsActive,
			RefreshInterval: time.Duration(r.RefreshIntervalSeconds) * time.Second,
			LastRefreshAt:   utc(r.LastRefreshAt), NextRefreshAt: utc(r.NextRefreshAt),
		})
	}
	return entries, nil
}

// The conflict is with another process that adds the same ticker at the same time.
const wakeUpOrInsert = `
with woken as (
    update ticker_watchlist
    set is_active = true, priority = coalesce(@priority::integer, priority),
        refresh_interval_seconds = coalesce(@seconds::integer, refresh_interval_seconds), updated_at = @at::timestamptz
    where upper(btrim(ticker, E' \t\r\n')) = @ticker::text
    returning id)
insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
select @ticker::text, coalesce(@priority::integer, 100), coalesce(@seconds::integer, 300), true, @at::timestamptz, @at::timestamptz
where not exists (select from woken)
on conflict (ticker) do update set
    is_active = true, priority = excluded.priority,
    refresh_interval_seconds = excluded.refresh_interval_seconds, updated_at = excluded.updated_at`

const forgetUnknown = `
update papertrade_ticker_states set unknown_sessions = 0, unknown_session = null where ticker = any(@tickers::text[])`

// AddToWatchlist adds tickers to the watchlist, or wakes them up, all of them or none. That a provider
// did not know them is forgotten.
func (s *Store) AddToWatchlist(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error {
	// Postgres takes the statements of a pgx batch as one transaction.
	var writes pgx.Batch
	tickers := make([]marketdata.Ticker, len(changes))
	for i, change := range changes {
		tickers[i] = change.Ticker
		var seconds *int64
		if change.RefreshInterval != nil {
			seconds = new(int64(change.RefreshInterval.Seconds()))
		}
		writes.Queue(wakeUpOrInsert, pgx.NamedArgs{
			"ticker": change.Ticker.String(), "priority": change.Priority, "seconds": seconds, "at": at.UTC()})
	}
	writes.Queue(forgetUnknown, pgx.NamedArgs{"tickers": symbols(tickers)})
	results := s.pool.SendBatch(ctx, &writes)
	for _, change := range changes {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // which has the same error
			return fmt.Errorf("add %s to the watchlist: %w", change.Ticker, translate(err))
		}
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("add to the watchlist: %w", translate(err))
	}
	return nil
}

const remove = `
update ticker_watchlist
set is_active = false, updated_at = @at
where is_active and upper(btrim(ticker, E' \t\r\n')) = any(@symbols::text[])
returning upper(btrim(ticker, E' \t\r\n')) as symbol`

// RemoveFromWatchlist makes symbols inactive, which are in upper case. Those that were not active on
// the watchlist are returned, each once and in the order asked.
func (s *Store) RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error) {
	removed, err := query[struct{ Symbol string }](ctx, s, remove, pgx.NamedArgs{"symbols": symbols, "at": at.UTC()})
	if err != nil {
		return nil, fmt.Errorf("remove from the watchlist: %w", err)
	}
	seen := map[string]bool{}
	for _, r := range removed {
		seen[r.Symbol] = true
	}
	for _, symbol := range symbols {
		if !seen[symbol] {
			seen[symbol] = true
			missing = append(missing, symbol)
		}
	}
	return missing, nil
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Watchlist returns the watchlist by priority, then by symbol; with includeRemoved also what was
// removed from it.
func (s *Store) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	const statement = `
select ticker, priority, refresh_interval_seconds, is_active, last_refresh_at, next_refresh_at
from ticker_watchlist
where is_active or @include_removed
order by priority, ticker collate "C"`
	entries, err := query(ctx, s.pool, scanEntry, statement, pgx.NamedArgs{"include_removed": includeRemoved})
	if err != nil {
		return nil, fmt.Errorf("read the watchlist: %w", err)
	}
	return entries, nil
}

func scanEntry(row pgx.CollectableRow) (refresh.WatchlistEntry, error) {
	r, err := pgx.RowToStructByName[struct {
		Ticker                       string
		Priority                     int
		RefreshIntervalSeconds       int64
		IsActive                     bool
		LastRefreshAt, NextRefreshAt *time.Time
	}](row)
	return refresh.WatchlistEntry{
		Symbol: r.Ticker, Priority: r.Priority, IsActive: r.IsActive,
		RefreshInterval: time.Duration(r.RefreshIntervalSeconds) * time.Second,
		LastRefreshAt:   utc(r.LastRefreshAt), NextRefreshAt: utc(r.NextRefreshAt),
	}, err
}

// AddToWatchlist adds tickers to the watchlist, or makes them active again, all of them or none. That a provider
// did not know them is forgotten.
func (s *Store) AddToWatchlist(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error {
	var writes pgx.Batch
	for _, change := range changes {
		queueEntry(&writes, change, at)
	}
	queueForgetUnknown(&writes, changes)
	results := s.pool.SendBatch(ctx, &writes)
	for _, change := range changes {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // which has the same error
			return fmt.Errorf("add to the watchlist: %s: %w", change.Ticker, translate(err))
		}
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("add to the watchlist: %w", translate(err))
	}
	return nil
}

// queueEntry's conflict is with another process that adds the same ticker at the same time.
func queueEntry(writes *pgx.Batch, change refresh.WatchlistChange, at time.Time) {
	const statement = `
with reactivated as (
    update ticker_watchlist
    set is_active = true, priority = coalesce(@priority::integer, priority),
        refresh_interval_seconds = coalesce(@seconds::integer, refresh_interval_seconds), updated_at = @at::timestamptz
    where upper(btrim(ticker, E' \t\r\n')) = @ticker::text
    returning id)
insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
select @ticker::text, coalesce(@priority::integer, 100), coalesce(@seconds::integer, 300), true, @at::timestamptz, @at::timestamptz
where not exists (select from reactivated)
on conflict (ticker) do update set
    is_active = true, priority = excluded.priority,
    refresh_interval_seconds = excluded.refresh_interval_seconds, updated_at = excluded.updated_at`
	writes.Queue(statement, pgx.NamedArgs{
		"ticker": change.Ticker.String(), "priority": change.Priority,
		"seconds": seconds(change.RefreshInterval), "at": stamp(at),
	})
}

func queueForgetUnknown(writes *pgx.Batch, changes []refresh.WatchlistChange) {
	const statement = `
update papertrade.papertrade_ticker_states
set unknown_sessions = 0, unknown_session = null, late_session = null, late_sessions = 0, late_checks = 0, late_repeats = 0,
    first_active_at = null
where ticker = any(@tickers::text[])`
	tickers := make([]marketdata.Ticker, len(changes))
	for i, change := range changes {
		tickers[i] = change.Ticker
	}
	writes.Queue(statement, pgx.NamedArgs{"tickers": list(tickers)})
}

// RemoveFromWatchlist makes symbols inactive, which are in upper case. It returns those that were not active on
// the watchlist, each once and in the order asked.
func (s *Store) RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error) {
	const statement = `
update ticker_watchlist
set is_active = false, updated_at = @at
where is_active and upper(btrim(ticker, E' \t\r\n')) = any(@symbols::text[])
returning upper(btrim(ticker, E' \t\r\n'))`
	removed, err := query(ctx, s.pool, pgx.RowTo[string], statement, pgx.NamedArgs{"symbols": symbols, "at": stamp(at)})
	if err != nil {
		return nil, fmt.Errorf("remove from the watchlist: %w", err)
	}
	return refresh.MissingSymbols(symbols, removed), nil
}

package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Watchlist returns the watchlist by priority, then by symbol; with includeRemoved also what was
// removed from it.
func (s *Store) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	const statement = `
select ticker, priority, refresh_interval_seconds, is_active,
    case when isfinite(last_refresh_at) then last_refresh_at end as last_refresh_at,
    case when isfinite(next_refresh_at) then next_refresh_at end as next_refresh_at
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
// did not know them is forgotten. What it takes is proportional to the tickers and the watchlist.
func (s *Store) AddToWatchlist(ctx context.Context, changes iter.Seq[refresh.WatchlistChange], at time.Time) error {
	merged := mergeChanges(changes)
	err := s.addEntries(ctx, merged, at)
	if errors.Is(err, refresh.ErrRowRefused) {
		if refused, found := s.findRefused(ctx, merged, at); found {
			err = fmt.Errorf("%s: %w", refused, err)
		}
	}
	if err != nil {
		return fmt.Errorf("add to the watchlist: %w", err)
	}
	return nil
}

// mergeChanges returns one change of each ticker, in which the last one of it that says something wins.
func mergeChanges(changes iter.Seq[refresh.WatchlistChange]) []refresh.WatchlistChange {
	var merged []refresh.WatchlistChange
	indexOf := map[marketdata.Ticker]int{}
	for change := range changes {
		i, found := indexOf[change.Ticker]
		if !found {
			indexOf[change.Ticker] = len(merged)
			merged = append(merged, change)
			continue
		}
		merged[i].Priority = cmp.Or(change.Priority, merged[i].Priority)
		merged[i].RefreshInterval = cmp.Or(change.RefreshInterval, merged[i].RefreshInterval)
	}
	return merged
}

// findRefused returns a ticker whose row the database refuses, for the error: half of the changes at a time, none of which
// stays.
func (s *Store) findRefused(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) (refused marketdata.Ticker, found bool) {
	for len(changes) > 1 {
		half := changes[:len(changes)/2]
		if err := s.tryEntries(ctx, half, at); errors.Is(err, refresh.ErrRowRefused) {
			changes = half
		} else {
			changes = changes[len(half):]
		}
	}
	if len(changes) == 0 || !errors.Is(s.tryEntries(ctx, changes, at), refresh.ErrRowRefused) {
		return marketdata.Ticker{}, false
	}
	return changes[0].Ticker, true
}

// tryEntries returns the error of addEntries, and adds nothing.
func (s *Store) tryEntries(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	return writeEntries(ctx, tx, changes, at)
}

func (s *Store) addEntries(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error {
	return transact(ctx, s.pool, func(tx pgx.Tx) error { return writeEntries(ctx, tx, changes, at) })
}

// entriesPerStatement bounds how long a statement takes, since each has a limit, and how often all of the watchlist is read.
const entriesPerStatement = 100_000

func writeEntries(ctx context.Context, tx pgx.Tx, changes []refresh.WatchlistChange, at time.Time) error {
	for some := range slices.Chunk(changes, entriesPerStatement) {
		var writes pgx.Batch
		queueEntries(&writes, some, at)
		queueForgetUnknown(&writes, some)
		if err := send(ctx, tx, &writes); err != nil {
			return err
		}
	}
	return nil
}

// queueEntries writes changes in one statement, so that rows that no index finds, which others wrote in lower case or with
// spaces around, are looked for once. Its conflict is with another process that adds the same ticker at the same time.
func queueEntries(writes *pgx.Batch, changes []refresh.WatchlistChange, at time.Time) {
	const statement = `
with asked as (
    select ticker, priority, seconds
    from unnest(@tickers::text[], @priorities::integer[], @seconds::integer[]) as change (ticker, priority, seconds)),
reactivated as (
    update ticker_watchlist as stored
    set is_active = true, priority = coalesce(asked.priority, stored.priority),
        refresh_interval_seconds = coalesce(asked.seconds, stored.refresh_interval_seconds), updated_at = @at::timestamptz
    from asked
    where upper(btrim(stored.ticker, E' \t\r\n')) = asked.ticker
    returning asked.ticker)
insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
select ticker, coalesce(priority, 100), coalesce(seconds, 300), true, @at::timestamptz, @at::timestamptz
from asked
where not exists (select from reactivated where reactivated.ticker = asked.ticker)
on conflict (ticker) do update set
    is_active = true, priority = excluded.priority,
    refresh_interval_seconds = excluded.refresh_interval_seconds, updated_at = excluded.updated_at`
	tickers, priorities, intervals := make([]string, len(changes)), make([]*int, len(changes)), make([]*int64, len(changes))
	for i, change := range changes {
		tickers[i], priorities[i], intervals[i] = change.Ticker.String(), change.Priority, seconds(change.RefreshInterval)
	}
	writes.Queue(statement, pgx.NamedArgs{"tickers": tickers, "priorities": priorities, "seconds": intervals, "at": stamp(at)})
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

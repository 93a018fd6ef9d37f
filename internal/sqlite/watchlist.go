package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"papertrade/internal/refresh"
)

const watchlist = `
select ticker, priority, refresh_interval_seconds, is_active, cast(last_refresh_at as text), cast(next_refresh_at as text)
from ticker_watchlist
where is_active or ?
order by priority, ticker`

// Watchlist reads the watchlist by priority, then by symbol; with includeRemoved also what was
// removed from it.
func (s *Store) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	rows, err := s.db.QueryContext(ctx, watchlist, includeRemoved)
	if err != nil {
		return nil, fmt.Errorf("read the watchlist: %w", translate(err))
	}
	entries, err := collect(rows, func(rows *sql.Rows) (refresh.WatchlistEntry, error) {
		var entry refresh.WatchlistEntry
		var seconds int64
		var last, next sql.NullString
		err := rows.Scan(&entry.Symbol, &entry.Priority, &seconds, &entry.IsActive, &last, &next)
		if err != nil {
			return entry, err
		}
		entry.RefreshInterval = time.Duration(seconds) * time.Second
		if entry.LastRefreshAt, err = parseStamp(last); err != nil {
			return entry, err
		}
		entry.NextRefreshAt, err = parseStamp(next)
		return entry, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the watchlist: %w", translate(err))
	}
	return entries, nil
}

const wakeUp = `
update ticker_watchlist
set is_active = true, priority = coalesce(?2, priority),
    refresh_interval_seconds = coalesce(?3, refresh_interval_seconds), updated_at = ?4
where upper(trim(ticker, char(32, 9, 10, 13))) = ?1`

const insertEntry = `
insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
values (?1, coalesce(?2, 100), coalesce(?3, 300), true, ?4, ?4)`

const forgetUnknown = `update papertrade_ticker_states set unknown_sessions = 0, unknown_session = null where ticker = ?`

// AddToWatchlist adds tickers to the watchlist, or wakes them up, all of them or none. That a provider
// did not know them is forgotten.
func (s *Store) AddToWatchlist(ctx context.Context, changes []refresh.WatchlistChange, at time.Time) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, change := range changes {
			if err := addOne(ctx, tx, change, at); err != nil {
				return fmt.Errorf("%s: %w", change.Ticker, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add to the watchlist: %w", translate(err))
	}
	return nil
}

func addOne(ctx context.Context, tx *sql.Tx, change refresh.WatchlistChange, at time.Time) error {
	var seconds *int64
	if change.RefreshInterval != nil {
		seconds = new(int64(change.RefreshInterval.Seconds()))
	}
	if _, err := tx.ExecContext(ctx, forgetUnknown, change.Ticker.String()); err != nil {
		return err
	}
	args := []any{change.Ticker.String(), change.Priority, seconds, stamp(at)}
	result, err := tx.ExecContext(ctx, wakeUp, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, insertEntry, args...)
	return err
}

const remove = `
update ticker_watchlist
set is_active = false, updated_at = ?2
where is_active and upper(trim(ticker, char(32, 9, 10, 13))) in (select value from json_each(?1))
returning upper(trim(ticker, char(32, 9, 10, 13)))`

// RemoveFromWatchlist makes symbols inactive, which are in upper case. Those that were not active on
// the watchlist are returned, each once and in the order asked.
func (s *Store) RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error) {
	asked, err := json.Marshal(symbols)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, remove, string(asked), stamp(at))
	if err != nil {
		return nil, fmt.Errorf("remove from the watchlist: %w", translate(err))
	}
	removed, err := collect(rows, func(rows *sql.Rows) (symbol string, err error) {
		err = rows.Scan(&symbol)
		return symbol, err
	})
	if err != nil {
		return nil, fmt.Errorf("remove from the watchlist: %w", translate(err))
	}
	seen := map[string]bool{}
	for _, symbol := range removed {
		seen[symbol] = true
	}
	for _, symbol := range symbols {
		if !seen[symbol] {
			seen[symbol] = true
			missing = append(missing, symbol)
		}
	}
	return missing, nil
}

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Watchlist returns the watchlist by priority, then by symbol; with includeRemoved also what was
// removed from it.
func (s *Store) Watchlist(ctx context.Context, includeRemoved bool) ([]refresh.WatchlistEntry, error) {
	const statement = `
select ticker, priority, refresh_interval_seconds, is_active, cast(last_refresh_at as text), cast(next_refresh_at as text)
from ticker_watchlist
where is_active or ?
order by priority, ticker`
	entries, err := query(ctx, s.db, scanEntry, statement, includeRemoved)
	if err != nil {
		return nil, fmt.Errorf("read the watchlist: %w", err)
	}
	return entries, nil
}

func scanEntry(rows *sql.Rows) (entry refresh.WatchlistEntry, err error) {
	var seconds int64
	var last, next sql.NullString
	if err = rows.Scan(&entry.Symbol, &entry.Priority, &seconds, &entry.IsActive, &last, &next); err != nil {
		return entry, err
	}
	entry.RefreshInterval = time.Duration(seconds) * time.Second
	var lastErr, nextErr error
	entry.LastRefreshAt, lastErr = parseStamp(last)
	entry.NextRefreshAt, nextErr = parseStamp(next)
	// What another program wrote of one ticker must not hide the others.
	if err := cmp.Or(lastErr, nextErr); err != nil {
		entry.TimesErr = fmt.Errorf("%w: %w", refresh.ErrBadValue, err)
	}
	return entry, nil
}

// AddToWatchlist adds tickers to the watchlist, or makes them active again, all of them or none. That a provider
// did not know them is forgotten. What it takes is proportional to the tickers and the watchlist; the tickers are read one at
// a time, and again if the transaction is tried again.
func (s *Store) AddToWatchlist(ctx context.Context, changes iter.Seq[refresh.WatchlistChange], at time.Time) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		unnormalized, err := readUnnormalized(ctx, tx)
		if err != nil {
			return err
		}
		statements := statementCache{tx: tx, prepared: map[string]*sql.Stmt{}}
		for change := range changes {
			if err := addEntry(ctx, statements, change, unnormalized[change.Ticker.String()], at); err != nil {
				return fmt.Errorf("%s: %w", change.Ticker, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add to the watchlist: %w", err)
	}
	return nil
}

// readUnnormalized returns the IDs of rows that others wrote in lower case or with spaces around, which no index finds, by the
// ticker that they mean.
func readUnnormalized(ctx context.Context, tx *sql.Tx) (map[string][]int64, error) {
	const statement = `
select id, upper(trim(ticker, char(32, 9, 10, 13)))
from ticker_watchlist
where ticker <> upper(trim(ticker, char(32, 9, 10, 13)))`
	found := map[string][]int64{}
	_, err := query(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
		var id int64
		var ticker string
		err := rows.Scan(&id, &ticker)
		found[ticker] = append(found[ticker], id)
		return struct{}{}, err
	}, statement)
	return found, err
}

// addEntry adds a row, unless there is one of the ticker already; unnormalized are such rows.
func addEntry(ctx context.Context, tx executor, change refresh.WatchlistChange, unnormalized []int64, at time.Time) error {
	if len(unnormalized) == 0 {
		if err := upsertEntry(ctx, tx, change, at); err != nil {
			return err
		}
		return forgetUnknown(ctx, tx, change.Ticker)
	}
	for _, id := range unnormalized {
		if err := reactivateEntry(ctx, tx, `id`, id, change, at); err != nil {
			return err
		}
	}
	if err := reactivateEntry(ctx, tx, `ticker`, change.Ticker.String(), change, at); err != nil {
		return err
	}
	return forgetUnknown(ctx, tx, change.Ticker)
}

const reactivate = `is_active = true, priority = coalesce(?2, priority),
    refresh_interval_seconds = coalesce(?3, refresh_interval_seconds), updated_at = ?4`

func reactivateEntry(ctx context.Context, tx executor, column string, value any, change refresh.WatchlistChange, at time.Time) error {
	statement := `update ticker_watchlist set ` + reactivate + ` where ` + column + ` = ?1`
	_, err := exec(ctx, tx, statement, value, change.Priority, seconds(change.RefreshInterval), stamp(at))
	return err
}

func upsertEntry(ctx context.Context, tx executor, change refresh.WatchlistChange, at time.Time) error {
	const statement = `
insert into ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active, created_at, updated_at)
values (?1, coalesce(?2, 100), coalesce(?3, 300), true, ?4, ?4)
on conflict (ticker) do update set ` + reactivate
	_, err := exec(ctx, tx, statement, change.Ticker.String(), change.Priority, seconds(change.RefreshInterval), stamp(at))
	return err
}

func forgetUnknown(ctx context.Context, tx executor, ticker marketdata.Ticker) error {
	const statement = `update papertrade_ticker_states
set unknown_sessions = 0, unknown_session = null, late_session = null, late_sessions = 0, late_checks = 0, late_repeats = 0,
    first_active_at = null
where ticker = ?`
	_, err := exec(ctx, tx, statement, ticker.String())
	return err
}

// RemoveFromWatchlist makes symbols inactive, which are in upper case. It returns those that were not active on
// the watchlist, each once and in the order asked.
func (s *Store) RemoveFromWatchlist(ctx context.Context, symbols []string, at time.Time) (missing []string, err error) {
	const statement = `
update ticker_watchlist
set is_active = false, updated_at = ?2
where is_active and upper(trim(ticker, char(32, 9, 10, 13))) in (select value from json_each(?1))
returning upper(trim(ticker, char(32, 9, 10, 13)))`
	asked, err := list(symbols)
	if err != nil {
		return nil, err
	}
	removed, err := query(ctx, s.db, scanColumn[string], statement, asked, stamp(at))
	if err != nil {
		return nil, fmt.Errorf("remove from the watchlist: %w", err)
	}
	return refresh.MissingSymbols(symbols, removed), nil
}

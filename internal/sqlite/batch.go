package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// CommitBatch writes a batch in one transaction and says what became of each price, in their order.
func (s *Store) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	err := s.transact(ctx, func(tx *sql.Tx) error {
		writes := priceWriter{tx: tx, prepared: map[string]*sql.Stmt{}}
		marked := map[marketdata.Ticker]bool{}
		for i, price := range batch.Prices {
			ticker := price.Bar.Ticker
			var err error
			if stored[i], err = writes.store(ctx, price); err != nil {
				return fmt.Errorf("%s: %w", ticker, err)
			}
			if price.Backfill {
				continue
			}
			if stored[i].Err != nil {
				batch.Failures = append(batch.Failures, refresh.Failure{Ticker: ticker, AskedAt: price.FetchedAt})
			}
			if stored[i].Err != nil || marked[ticker] {
				continue
			}
			marked[ticker] = true
			for _, query := range []string{upsertState, markRefreshed} {
				if _, err := tx.ExecContext(ctx, query, ticker.String(), stamp(price.FetchedAt)); err != nil {
					return fmt.Errorf("%s: %w", ticker, err)
				}
			}
		}
		for _, f := range batch.Failures {
			if _, err := tx.ExecContext(ctx, upsertFailure, f.Ticker.String(), stamp(f.AskedAt), day(f.UnknownIn)); err != nil {
				return fmt.Errorf("%s: %w", f.Ticker, err)
			}
		}
		for _, f := range batch.Findings {
			if err := saveFinding(ctx, tx, f); err != nil {
				return fmt.Errorf("%s: %w", f.Ticker, err)
			}
		}
		for _, t := range batch.Tasks {
			if _, err := tx.ExecContext(ctx, finishTask, string(t.Status), stamp(t.FinishedAt), t.Error, t.ID); err != nil {
				return fmt.Errorf("task %s: %w", t.ID, err)
			}
		}
		_, err := saveRun(ctx, tx, batch.Run)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store the batch: %w", translate(err))
	}
	return stored, nil
}

const insertPrice = `
insert into price_history as p (
    ticker, "timestamp", source, "interval", price_amount, price_currency,
    open_amount, open_currency, high_amount, high_currency, low_amount, low_currency,
    close_amount, close_currency, volume, created_at)
values (?1, ?2, ?3, ?4, ?5, ?6,
    ?7, iif(?7 is null, null, ?6), ?8, iif(?8 is null, null, ?6), ?9, iif(?9 is null, null, ?6),
    ?5, ?6, ?10, ?11)
on conflict (ticker, "timestamp", source, "interval") do `

const keepPrice = insertPrice + `nothing
returning cast(price_amount as text)`

const upsertPrice = insertPrice + `update set
    price_amount = excluded.price_amount,
    price_currency = excluded.price_currency,
    open_amount = coalesce(excluded.open_amount, p.open_amount),
    open_currency = coalesce(excluded.open_currency, p.open_currency),
    high_amount = coalesce(excluded.high_amount, p.high_amount),
    high_currency = coalesce(excluded.high_currency, p.high_currency),
    low_amount = coalesce(excluded.low_amount, p.low_amount),
    low_currency = coalesce(excluded.low_currency, p.low_currency),
    close_amount = excluded.close_amount,
    close_currency = excluded.close_currency,
    volume = coalesce(excluded.volume, p.volume),
    updated_at = ?11
returning cast(price_amount as text)`

// updatePrice is upsertPrice of a row that is known.
const updatePrice = `
update price_history set
    price_amount = ?5,
    price_currency = ?6,
    open_amount = coalesce(?7, open_amount),
    open_currency = coalesce(iif(?7 is null, null, ?6), open_currency),
    high_amount = coalesce(?8, high_amount),
    high_currency = coalesce(iif(?8 is null, null, ?6), high_currency),
    low_amount = coalesce(?9, low_amount),
    low_currency = coalesce(iif(?9 is null, null, ?6), low_currency),
    close_amount = ?5,
    close_currency = ?6,
    volume = coalesce(?10, volume),
    updated_at = ?11
where id = ?12
returning cast(price_amount as text)`

const upsertState = `
insert into papertrade_ticker_states (ticker, checked_at, asked_at) values (?1, ?2, ?2)
on conflict (ticker) do update set
    checked_at = excluded.checked_at, asked_at = excluded.asked_at, unknown_sessions = 0, unknown_session = null`

const upsertFailure = `
insert into papertrade_ticker_states as stored (ticker, asked_at, unknown_sessions, unknown_session)
values (?1, ?2, iif(?3 is null, 0, 1), ?3)
on conflict (ticker) do update set
    asked_at = excluded.asked_at,
    unknown_sessions = stored.unknown_sessions
        + iif(excluded.unknown_session is not stored.unknown_session, excluded.unknown_sessions, 0),
    unknown_session = coalesce(excluded.unknown_session, stored.unknown_session)`

const markRefreshed = `
update ticker_watchlist
set last_refresh_at = ?2, updated_at = ?2,
    next_refresh_at = strftime('%Y-%m-%d %H:%M:%f000', ?2, refresh_interval_seconds || ' seconds')
where upper(trim(ticker, char(32, 9, 10, 13))) = ?1`

// saveFinding writes what a series has taught: the row of the ticker's state has what else is known of it.
func saveFinding(ctx context.Context, tx *sql.Tx, f refresh.Finding) error {
	const (
		upsertFinding = `
insert into papertrade_ticker_states as stored (ticker, first_session) values (?, ?)
on conflict (ticker) do update set
    first_session = coalesce(excluded.first_session, stored.first_session), unknown_sessions = 0, unknown_session = null`
		insertAbsent = `insert into papertrade_absent_sessions (ticker, session) values (?, ?) on conflict do nothing`
		forgetSplits = `delete from papertrade_splits where ticker = ?`
		upsertSplit  = `
insert into papertrade_splits (ticker, session, new_shares, old_shares, rebased) values (?, ?, ?, ?, ?)
on conflict (ticker, session) do update set
    new_shares = excluded.new_shares, old_shares = excluded.old_shares, rebased = excluded.rebased`
	)
	ticker := f.Ticker.String()
	if _, err := tx.ExecContext(ctx, upsertFinding, ticker, day(f.FirstSession)); err != nil {
		return err
	}
	for _, session := range f.Absent {
		if _, err := tx.ExecContext(ctx, insertAbsent, ticker, day(session)); err != nil {
			return err
		}
	}
	if f.ForgetSplits {
		if _, err := tx.ExecContext(ctx, forgetSplits, ticker); err != nil {
			return err
		}
	}
	for _, s := range f.Splits {
		if _, err := tx.ExecContext(ctx, upsertSplit, ticker, day(s.Session), s.New, s.Old, s.Rebased); err != nil {
			return err
		}
	}
	return nil
}

// priceWriter prepares each statement once a transaction, which closes them.
type priceWriter struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

// store leaves the transaction fit for use where a row is refused: SQLite then undoes that one
// statement alone.
func (w *priceWriter) store(ctx context.Context, price refresh.Price) (refresh.StoredPrice, error) {
	query, row := upsertPrice, []any{}
	switch {
	case price.Keep:
		query = keepPrice
	case price.Row != 0:
		query, row = updatePrice, []any{price.Row}
	}
	statement := w.prepared[query]
	if statement == nil {
		var err error
		if statement, err = w.tx.PrepareContext(ctx, query); err != nil {
			return refresh.StoredPrice{}, err
		}
		w.prepared[query] = statement
	}
	bar, fetchedAt := price.Bar, stamp(price.FetchedAt)
	var stored refresh.StoredPrice
	err := statement.QueryRowContext(ctx, append([]any{
		bar.Ticker.String(), stamp(price.Timestamp), price.Source, price.Interval,
		marketdata.FormatPrice(bar.Close), bar.Currency, amount(bar.Open), amount(bar.High), amount(bar.Low),
		bar.Volume, fetchedAt}, row...)...).Scan(&stored.Amount)
	switch {
	case refused(err):
		return refresh.StoredPrice{Err: translate(err)}, nil
	case (price.Keep || price.Row != 0) && errors.Is(err, sql.ErrNoRows):
		return refresh.StoredPrice{}, nil
	case err != nil:
		return stored, err
	}
	stored.Amount = plainAmount(stored.Amount)
	return stored, nil
}

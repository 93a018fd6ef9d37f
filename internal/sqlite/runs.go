package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

const closeDeadRuns = `
update job_executions
set status = 'FAILED', finished_at = ?, error_message = 'the process ended before the run did'
where job_name = ? and status = 'RUNNING'`

// SQLAlchemy's CHAR(32) columns hold a UUID without its hyphens.
const insertRun = `
insert into job_executions (id, job_name, started_at, finished_at, status, error_message, metadata)
values (
    case (select upper(type) from pragma_table_info('job_executions') where name = 'id')
        when 'CHAR(32)' then replace(?1, '-', '') else ?1 end,
    ?2, ?3, ?4, ?5, nullif(?6, ''), ?7)`

// BeginRun writes the record of a run that starts, and closes those of the same job name that a
// dead process left RUNNING.
func (s *Store) BeginRun(ctx context.Context, run refresh.RunRecord) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, closeDeadRuns, stamp(run.StartedAt), run.JobName); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertRun,
			run.ID, run.JobName, stamp(run.StartedAt), stamp(run.FinishedAt), run.Status, run.ErrorMessage, metadata(run))
		return err
	})
	if err != nil {
		return fmt.Errorf("record the run: %w", translate(err))
	}
	return nil
}

// FinishRun updates the record of a run that BeginRun wrote.
func (s *Store) FinishRun(ctx context.Context, run refresh.RunRecord) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		result, err := saveRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, fmt.Errorf("no run %s is in job_executions", run.ID))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record the run: %w", translate(err))
	}
	return nil
}

const updateRun = `
update job_executions
set finished_at = ?, status = ?, error_message = nullif(?, ''), metadata = ?
where replace(id, '-', '') = replace(?, '-', '')`

func saveRun(ctx context.Context, tx *sql.Tx, run refresh.RunRecord) (sql.Result, error) {
	return tx.ExecContext(ctx, updateRun, stamp(run.FinishedAt), run.Status, run.ErrorMessage, metadata(run), run.ID)
}

func metadata(run refresh.RunRecord) string { return cmp.Or(string(run.Metadata), "{}") }

// CommitBatch writes a batch in one transaction and says what became of each price, in their order.
func (s *Store) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	err := s.transact(ctx, func(tx *sql.Tx) error {
		marked := map[marketdata.Ticker]bool{}
		for i, price := range batch.Prices {
			ticker := price.Bar.Ticker
			var err error
			if stored[i], err = storePrice(ctx, tx, price); err != nil {
				return fmt.Errorf("%s: %w", ticker, err)
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
		_, err := saveRun(ctx, tx, batch.Run)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store the batch: %w", translate(err))
	}
	return stored, nil
}

const upsertPrice = `
insert into price_history as p (
    ticker, "timestamp", source, "interval", price_amount, price_currency,
    open_amount, open_currency, high_amount, high_currency, low_amount, low_currency,
    close_amount, close_currency, volume, created_at)
values (?1, ?2, ?3, ?4, ?5, ?6,
    ?7, iif(?7 is null, null, ?6), ?8, iif(?8 is null, null, ?6), ?9, iif(?9 is null, null, ?6),
    ?5, ?6, ?10, ?11)
on conflict (ticker, "timestamp", source, "interval") do update set
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

// storePrice leaves the transaction fit for use where a row is refused: SQLite then undoes that one
// statement alone.
func storePrice(ctx context.Context, tx *sql.Tx, price refresh.Price) (refresh.StoredPrice, error) {
	bar, fetchedAt := price.Bar, stamp(price.FetchedAt)
	var stored refresh.StoredPrice
	err := tx.QueryRowContext(ctx, upsertPrice,
		bar.Ticker.String(), stamp(price.Timestamp), price.Source, price.Interval,
		marketdata.FormatPrice(bar.Close), bar.Currency, amount(bar.Open), amount(bar.High), amount(bar.Low),
		bar.Volume, fetchedAt).Scan(&stored.Amount)
	if refused(err) {
		return refresh.StoredPrice{Err: translate(err)}, nil
	}
	if err != nil {
		return stored, err
	}
	stored.Amount = plainAmount(stored.Amount)
	return stored, nil
}

// LastRun is when the newest run of a job name was started that was of all active tickers and SUCCEEDED.
func (s *Store) LastRun(ctx context.Context, job string) (time.Time, error) {
	const query = `
select cast(started_at as text)
from job_executions
where job_name = ? and status = 'SUCCEEDED' and iif(json_valid(metadata), json_extract(metadata, '$.mode'), null) is null
order by started_at desc
limit 1`
	rows, err := s.db.QueryContext(ctx, query, job)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run: %w", translate(err))
	}
	found, err := collect(rows, scanStamp)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run: %w", translate(err))
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return found[0], nil
}

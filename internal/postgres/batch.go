package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const insertPrice = `
insert into price_history as stored (
    ticker, "timestamp", source, "interval", price_amount, price_currency,
    open_amount, open_currency, high_amount, high_currency, low_amount, low_currency,
    close_amount, close_currency, volume, created_at)
values (
    @ticker, @stamp, @source, @interval, @close::text::numeric, @currency::text,
    @open::text::numeric, case when @open::text is not null then @currency::text end,
    @high::text::numeric, case when @high::text is not null then @currency::text end,
    @low::text::numeric, case when @low::text is not null then @currency::text end,
    @close::text::numeric, @currency::text, @volume, @created_at)
on conflict (ticker, "timestamp", source, "interval") do `

const keepPrice = insertPrice + `nothing
returning stored.price_amount::text`

const upsertPrice = insertPrice + `update set
    price_amount = excluded.price_amount,
    price_currency = excluded.price_currency,
    open_amount = coalesce(excluded.open_amount, stored.open_amount),
    open_currency = coalesce(excluded.open_currency, stored.open_currency),
    high_amount = coalesce(excluded.high_amount, stored.high_amount),
    high_currency = coalesce(excluded.high_currency, stored.high_currency),
    low_amount = coalesce(excluded.low_amount, stored.low_amount),
    low_currency = coalesce(excluded.low_currency, stored.low_currency),
    close_amount = excluded.close_amount,
    close_currency = excluded.close_currency,
    volume = coalesce(excluded.volume, stored.volume),
    updated_at = @updated_at
returning stored.price_amount::text`

// updatePrice is upsertPrice of a row that is known.
const updatePrice = `
update price_history as stored set
    price_amount = @close::text::numeric,
    price_currency = @currency::text,
    open_amount = coalesce(@open::text::numeric, stored.open_amount),
    open_currency = coalesce(case when @open::text is not null then @currency::text end, stored.open_currency),
    high_amount = coalesce(@high::text::numeric, stored.high_amount),
    high_currency = coalesce(case when @high::text is not null then @currency::text end, stored.high_currency),
    low_amount = coalesce(@low::text::numeric, stored.low_amount),
    low_currency = coalesce(case when @low::text is not null then @currency::text end, stored.low_currency),
    close_amount = @close::text::numeric,
    close_currency = @currency::text,
    volume = coalesce(@volume, stored.volume),
    updated_at = @updated_at
where id = @row
returning stored.price_amount::text`

const upsertState = `
insert into papertrade_ticker_states (ticker, checked_at, asked_at) values (@ticker, @checked_at, @checked_at)
on conflict (ticker) do update set
    checked_at = excluded.checked_at, asked_at = excluded.asked_at, unknown_sessions = 0, unknown_session = null`

const upsertFailure = `
insert into papertrade_ticker_states as stored (ticker, asked_at, unknown_sessions, unknown_session)
values (@ticker, @asked_at, case when @session::date is null then 0 else 1 end, @session::date)
on conflict (ticker) do update set
    asked_at = excluded.asked_at,
    unknown_sessions = stored.unknown_sessions
        + case when excluded.unknown_session is distinct from stored.unknown_session then excluded.unknown_sessions else 0 end,
    unknown_session = coalesce(excluded.unknown_session, stored.unknown_session)`

// queueFinding's statements: the row of the ticker's state has what else is known of it.
const (
	upsertFinding = `
insert into papertrade_ticker_states as stored (ticker, first_session) values (@ticker, @first::date)
on conflict (ticker) do update set
    first_session = coalesce(excluded.first_session, stored.first_session), unknown_sessions = 0, unknown_session = null`
	insertAbsent = `
insert into papertrade_absent_sessions (ticker, session) select @ticker, unnest(@sessions::date[]) on conflict do nothing`
	forgetSplits = `delete from papertrade_splits where ticker = @ticker`
	upsertSplit  = `
insert into papertrade_splits (ticker, session, new_shares, old_shares, rebased) values (@ticker, @session, @new, @old, @rebased)
on conflict (ticker, session) do update set
    new_shares = excluded.new_shares, old_shares = excluded.old_shares, rebased = excluded.rebased`
)

func queueFinding(writes *pgx.Batch, f refresh.Finding) {
	ticker := f.Ticker.String()
	writes.Queue(upsertFinding, pgx.NamedArgs{"ticker": ticker, "first": nullDate(f.FirstSession)})
	if len(f.Absent) > 0 {
		sessions := make([]time.Time, len(f.Absent))
		for i, session := range f.Absent {
			sessions[i] = session.In(time.UTC)
		}
		writes.Queue(insertAbsent, pgx.NamedArgs{"ticker": ticker, "sessions": sessions})
	}
	if f.ForgetSplits {
		writes.Queue(forgetSplits, pgx.NamedArgs{"ticker": ticker})
	}
	for _, s := range f.Splits {
		writes.Queue(upsertSplit, pgx.NamedArgs{
			"ticker": ticker, "session": s.Session.In(time.UTC), "new": s.New, "old": s.Old, "rebased": s.Rebased})
	}
}

const markRefreshed = `
update ticker_watchlist
set last_refresh_at = @checked_at::timestamptz, updated_at = @checked_at::timestamptz,
    next_refresh_at = @checked_at::timestamptz + make_interval(secs => refresh_interval_seconds)
where upper(btrim(ticker, E' \t\r\n')) = @ticker`

// CommitBatch writes a batch in one transaction and says what became of each price, in their order.
// It is one round trip, unless the database refuses a row.
func (s *Store) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored, err := s.commitAtOnce(ctx, batch)
	if refused(err) {
		stored, err = s.commitOneByOne(ctx, batch)
	}
	if err != nil {
		return nil, fmt.Errorf("store the batch: %w", translate(err))
	}
	return stored, nil
}

// commitAtOnce sends all writes together, which Postgres takes as one transaction.
func (s *Store) commitAtOnce(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	var writes pgx.Batch
	queueTurn(&writes)
	for i, price := range batch.Prices {
		queuePrice(&writes, price, &stored[i])
	}
	queueRest(&writes, batch, stored)
	return stored, s.pool.SendBatch(ctx, &writes).Close()
}

// commitOneByOne gives prices savepoints, so that one that is refused takes no other with it.
func (s *Store) commitOneByOne(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var turn pgx.Batch
		queueTurn(&turn)
		if err := tx.SendBatch(ctx, &turn).Close(); err != nil {
			return err
		}
		if err := storeParts(ctx, tx, batch.Prices, stored); err != nil {
			return err
		}
		var writes pgx.Batch
		queueRest(&writes, batch, stored)
		return tx.SendBatch(ctx, &writes).Close()
	})
	return stored, err
}

// storeParts halves what is refused until the rows are found that are.
func storeParts(ctx context.Context, tx pgx.Tx, prices []refresh.Price, stored []refresh.StoredPrice) error {
	if len(prices) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		var writes pgx.Batch
		for i, price := range prices {
			queuePrice(&writes, price, &stored[i])
		}
		return savepoint.SendBatch(ctx, &writes).Close()
	})
	switch half := len(prices) / 2; {
	case !refused(err):
		return err
	case half == 0:
		stored[0] = refresh.StoredPrice{Err: translate(err)}
		return nil
	default:
		clear(stored)
		return errors.Join(storeParts(ctx, tx, prices[:half], stored[:half]), storeParts(ctx, tx, prices[half:], stored[half:]))
	}
}

// queueTurn lets one process commit at a time: two that write rows of the same tickers in different
// orders would wait for each other.
func queueTurn(writes *pgx.Batch) {
	writes.Queue(`select pg_advisory_xact_lock($1)`, lockKey("commit"))
}

// queueRest writes what comes after the prices, by what has become of them so far.
func queueRest(writes *pgx.Batch, batch refresh.Batch, stored []refresh.StoredPrice) {
	marked := map[marketdata.Ticker]bool{}
	for i, price := range batch.Prices {
		if stored[i].Err != nil && !price.Backfill {
			batch.Failures = append(batch.Failures, refresh.Failure{Ticker: price.Bar.Ticker, AskedAt: price.FetchedAt})
		}
		if ticker := price.Bar.Ticker; stored[i].Err == nil && !price.Backfill && !marked[ticker] {
			marked[ticker] = true
			checked := pgx.NamedArgs{"ticker": ticker.String(), "checked_at": price.FetchedAt.UTC()}
			writes.Queue(upsertState, checked)
			writes.Queue(markRefreshed, checked)
		}
	}
	for _, f := range batch.Failures {
		writes.Queue(upsertFailure, pgx.NamedArgs{
			"ticker": f.Ticker.String(), "asked_at": f.AskedAt.UTC(), "session": nullDate(f.UnknownIn)})
	}
	for _, f := range batch.Findings {
		queueFinding(writes, f)
	}
	for _, t := range batch.Tasks {
		queueTask(writes, t)
	}
	writes.Queue(updateRun, runArgs(batch.Run))
}

// nullDate is a date as Postgres takes it; the zero Date is NULL.
func nullDate(d exchange.Date) *time.Time {
	if d.IsZero() {
		return nil
	}
	return new(d.In(time.UTC))
}

func queuePrice(writes *pgx.Batch, price refresh.Price, stored *refresh.StoredPrice) {
	bar, fetchedAt, sql := price.Bar, price.FetchedAt.UTC(), upsertPrice
	switch {
	case price.Keep:
		sql = keepPrice
	case price.Row != 0:
		sql = updatePrice
	}
	writes.Queue(sql, pgx.NamedArgs{
		"ticker": bar.Ticker.String(), "stamp": price.Timestamp.UTC(), "source": price.Source, "interval": price.Interval,
		"open": amount(bar.Open), "high": amount(bar.High), "low": amount(bar.Low),
		"close": marketdata.FormatPrice(bar.Close), "currency": bar.Currency, "volume": bar.Volume,
		// The same time twice, since one column has a zone and the other has none.
		"created_at": fetchedAt, "updated_at": fetchedAt, "row": price.Row,
	}).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&stored.Amount); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	})
}

// amount writes a price for Postgres; one that is not valid is NULL.
func amount(d decimal.NullDecimal) *string {
	if !d.Valid {
		return nil
	}
	return new(marketdata.FormatPrice(d.Decimal))
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// CommitBatch writes a batch in one transaction and returns what became of each price, in their order.
// It is three round trips, unless the database refuses a row.
func (s *Store) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored, err := s.commitAtOnce(ctx, batch)
	if mayBeOfRow(err) {
		stored, err = s.commitInParts(ctx, batch)
	}
	if err != nil {
		return nil, fmt.Errorf("store the batch: %w", err)
	}
	return stored, nil
}

// commitAtOnce sends all writes together.
func (s *Store) commitAtOnce(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	var writes pgx.Batch
	s.queueFence(&writes)
	queueTurn(&writes)
	queuePrices(&writes, batch.Prices, stored)
	queueOutcomes(&writes, batch, stored)
	return stored, send(ctx, s.pool, &writes)
}

// commitInParts gives prices savepoints, so that one that is refused takes no other with it.
func (s *Store) commitInParts(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	stored := make([]refresh.StoredPrice, len(batch.Prices))
	err := transact(ctx, s.pool, func(tx pgx.Tx) error {
		var turn, writes pgx.Batch
		s.queueFence(&turn)
		queueTurn(&turn)
		if err := send(ctx, tx, &turn); err != nil {
			return err
		}
		if err := writePrices(ctx, tx, batch.Prices, stored); err != nil {
			return err
		}
		queueOutcomes(&writes, batch, stored)
		return send(ctx, tx, &writes)
	})
	return stored, err
}

// writePrices halves what is refused until it has found the rows that are.
func writePrices(ctx context.Context, tx pgx.Tx, prices []refresh.Price, stored []refresh.StoredPrice) error {
	if len(prices) == 0 {
		return nil
	}
	err := trySavepoint(ctx, tx, prices, stored)
	half := len(prices) / 2
	if half == 0 && isOfFunction(err) { // which only the same error again shows to be of the row
		if err = trySavepoint(ctx, tx, prices, stored); isOfFunction(err) {
			err = refusedByFunction(err)
		}
	}
	switch {
	case !mayBeOfRow(err):
		return err
	case half == 0:
		stored[0] = refresh.StoredPrice{Err: err}
		return nil
	default:
		return errors.Join(writePrices(ctx, tx, prices[:half], stored[:half]), writePrices(ctx, tx, prices[half:], stored[half:]))
	}
}

// trySavepoint writes prices, or leaves the transaction as it was.
func trySavepoint(ctx context.Context, tx pgx.Tx, prices []refresh.Price, stored []refresh.StoredPrice) error {
	return transact(ctx, tx, func(savepoint pgx.Tx) error {
		var writes pgx.Batch
		queuePrices(&writes, prices, stored)
		// What else is written of a ticker can be refused too, as by a trigger of the watchlist: then its prices are.
		queueStates(&writes, refresh.Batch{Prices: prices}.Refreshed(make([]refresh.StoredPrice, len(prices))))
		// A deferred constraint would refuse the transaction as a whole at its end. CockroachDB, which has none, refuses this.
		writes.Queue(`set constraints all immediate`)
		return send(ctx, savepoint, &writes)
	})
}

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

// keepPrice leaves a row that exists as it is, unless the application has blanked it, or this price has written it. The amount
// of one that is kept is "".
const keepPrice = `with written as (` + insertPrice + updateStored + `
where stored.close_amount is null or @again and (stored.created_at = excluded.created_at or stored.updated_at = @updated_at)
returning stored.price_amount::text as amount)
select amount from written
union all
select ''
from price_history
where ticker = @ticker and "timestamp" = @stamp and source = @source and "interval" = @interval
    and close_amount is not null and not exists (select from written)`

const upsertPrice = insertPrice + updateStored + `
returning stored.price_amount::text`

const updateStored = `update set
    price_amount = excluded.price_amount,
    price_currency = excluded.price_currency,
    open_amount = coalesce(excluded.open_amount, case when not @clear_range then stored.open_amount end),
    open_currency = coalesce(excluded.open_currency, case when not @clear_range then stored.open_currency end),
    high_amount = coalesce(excluded.high_amount, case when not @clear_range then stored.high_amount end),
    high_currency = coalesce(excluded.high_currency, case when not @clear_range then stored.high_currency end),
    low_amount = coalesce(excluded.low_amount, case when not @clear_range then stored.low_amount end),
    low_currency = coalesce(excluded.low_currency, case when not @clear_range then stored.low_currency end),
    close_amount = excluded.close_amount,
    close_currency = excluded.close_currency,
    volume = coalesce(excluded.volume, stored.volume),
    updated_at = @updated_at`

// updatePrice is upsertPrice of a row that is known. The amount of one that is gone is "".
const updatePrice = `with written as (
update price_history as stored set
    price_amount = @close::text::numeric,
    price_currency = @currency::text,
    open_amount = coalesce(@open::text::numeric, case when not @clear_range then stored.open_amount end),
    open_currency = case when @open::text is not null then @currency::text when not @clear_range then stored.open_currency end,
    high_amount = coalesce(@high::text::numeric, case when not @clear_range then stored.high_amount end),
    high_currency = case when @high::text is not null then @currency::text when not @clear_range then stored.high_currency end,
    low_amount = coalesce(@low::text::numeric, case when not @clear_range then stored.low_amount end),
    low_currency = case when @low::text is not null then @currency::text when not @clear_range then stored.low_currency end,
    close_amount = @close::text::numeric,
    close_currency = @currency::text,
    volume = coalesce(@volume, stored.volume),
    source = case when @relabel and not exists (
        select
        from price_history as other
        where other.ticker = stored.ticker and other."timestamp" = stored."timestamp"
            and other."interval" = stored."interval" and other.source = @source) then @source else stored.source end,
    updated_at = @updated_at
where id = @row
returning stored.price_amount::text as amount)
select amount from written
union all
select ''
where not exists (select from written) and not exists (select from price_history where id = @row)`

// errSuppressed is the error of a row that a trigger keeps from being written without an error.
var errSuppressed = fmt.Errorf("%w: it wrote no row, as if a trigger suppressed it", refresh.ErrRowRefused)

// queuePrices reads what becomes of each price into stored.
func queuePrices(writes *pgx.Batch, prices []refresh.Price, stored []refresh.StoredPrice) {
	for i, price := range prices {
		queuePrice(writes, price, &stored[i])
	}
}

func queuePrice(writes *pgx.Batch, price refresh.Price, stored *refresh.StoredPrice) {
	bar, fetchedAt, statement := price.Bar, stamp(price.FetchedAt), upsertPrice
	switch {
	case price.Keep:
		statement = keepPrice
	case price.Row != 0:
		statement = updatePrice
	}
	writes.Queue(statement, pgx.NamedArgs{
		"ticker": bar.Ticker.String(), "stamp": stamp(price.Timestamp), "source": price.Source, "interval": price.Interval,
		"open": amount(bar.Open), "high": amount(bar.High), "low": amount(bar.Low),
		"close": marketdata.FormatPrice(bar.Close), "currency": bar.Currency, "volume": bar.Volume,
		// The same time twice, since one column has a zone and the other has none.
		"created_at": fetchedAt, "updated_at": fetchedAt, "row": price.Row,
		"clear_range": price.ClearRange, "relabel": price.Relabel, "again": price.Again,
	}).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&stored.Amount)
		if errors.Is(err, pgx.ErrNoRows) { // a trigger that returns null suppresses a row without an error
			return errSuppressed
		}
		return err
	})
}

// queueOutcomes writes what comes after the prices, by what has become of them so far.
func queueOutcomes(writes *pgx.Batch, batch refresh.Batch, stored []refresh.StoredPrice) {
	queueStates(writes, batch.Refreshed(stored))
	queueFailures(writes, batch.AllFailures(stored))
	queueFindings(writes, batch.Findings)
	queueLateness(writes, batch.Late)
	queueHeld(writes, batch.Held)
	queueFinishTasks(writes, batch.Tasks)
	if batch.Run.ID != "" {
		writes.Queue(updateRun, runArgs(batch.Run))
	}
}

func queueStates(writes *pgx.Batch, refreshed []refresh.Refreshed) {
	for _, r := range refreshed {
		queueState(writes, r)
		queueUpdateEntry(writes, r)
	}
}

func queueState(writes *pgx.Batch, r refresh.Refreshed) {
	const statement = `
insert into papertrade.papertrade_ticker_states (ticker, checked_at, asked_at) values (@ticker, @at, @at)
on conflict (ticker) do update set
    checked_at = excluded.checked_at, asked_at = excluded.asked_at, unknown_sessions = 0, unknown_session = null`
	writes.Queue(statement, pgx.NamedArgs{"ticker": r.Ticker.String(), "at": stamp(r.At)})
}

func queueUpdateEntry(writes *pgx.Batch, r refresh.Refreshed) {
	const statement = `
update ticker_watchlist
set last_refresh_at = @at::timestamptz, updated_at = @at::timestamptz,
    next_refresh_at = @at::timestamptz + make_interval(secs => refresh_interval_seconds)
where upper(btrim(ticker, E' \t\r\n')) = @ticker`
	writes.Queue(statement, pgx.NamedArgs{"ticker": r.Ticker.String(), "at": stamp(r.At)})
}

func queueFailures(writes *pgx.Batch, failures []refresh.Failure) {
	const statement = `
insert into papertrade.papertrade_ticker_states as stored (ticker, asked_at, unknown_sessions, unknown_session)
values (@ticker, @asked_at, case when @session::date is null then 0 else 1 end, @session::date)
on conflict (ticker) do update set
    asked_at = excluded.asked_at,
    unknown_sessions = stored.unknown_sessions
        + case when excluded.unknown_session is distinct from stored.unknown_session then excluded.unknown_sessions else 0 end,
    unknown_session = coalesce(excluded.unknown_session, stored.unknown_session)`
	for _, f := range failures {
		writes.Queue(statement, pgx.NamedArgs{
			"ticker": f.Ticker.String(), "asked_at": stamp(f.AskedAt), "session": day(f.UnknownIn)})
	}
}

func queueLateness(writes *pgx.Batch, late []refresh.TickerLateness) {
	const statement = `
insert into papertrade.papertrade_ticker_states (ticker, late_session, late_sessions, late_checks, late_repeats)
values (@ticker, @session::date, @sessions, @checks, @repeats)
on conflict (ticker) do update set
    late_session = excluded.late_session, late_sessions = excluded.late_sessions,
    late_checks = excluded.late_checks, late_repeats = excluded.late_repeats`
	for _, l := range late {
		writes.Queue(statement, pgx.NamedArgs{
			"ticker": l.Ticker.String(), "session": day(l.Session), "sessions": l.Sessions, "checks": l.Checks, "repeats": l.Repeats,
		})
	}
}

func queueFindings(writes *pgx.Batch, findings []refresh.Finding) {
	for _, f := range findings {
		queueFirstSession(writes, f)
		queueAbsent(writes, f)
		if f.ForgetSplits {
			queueDeleteSplits(writes, f.Ticker)
		}
		queueSplits(writes, f)
	}
}

// queueFirstSession keeps what else the ticker's state has, except that it was unknown.
func queueFirstSession(writes *pgx.Batch, f refresh.Finding) {
	const statement = `
insert into papertrade.papertrade_ticker_states as stored (ticker, first_session) values (@ticker, @first::date)
on conflict (ticker) do update set
    first_session = coalesce(excluded.first_session, stored.first_session), unknown_sessions = 0, unknown_session = null`
	writes.Queue(statement, pgx.NamedArgs{"ticker": f.Ticker.String(), "first": day(f.FirstSession)})
}

func queueAbsent(writes *pgx.Batch, f refresh.Finding) {
	const statement = `
insert into papertrade.papertrade_absent_sessions (ticker, session) select @ticker, unnest(@sessions::date[]) on conflict do nothing`
	if len(f.Absent) > 0 {
		writes.Queue(statement, pgx.NamedArgs{"ticker": f.Ticker.String(), "sessions": days(f.Absent)})
	}
}

func queueDeleteSplits(writes *pgx.Batch, ticker marketdata.Ticker) {
	const statement = `delete from papertrade.papertrade_splits where ticker = @ticker`
	writes.Queue(statement, pgx.NamedArgs{"ticker": ticker.String()})
}

func queueSplits(writes *pgx.Batch, f refresh.Finding) {
	const statement = `
insert into papertrade.papertrade_splits (ticker, session, new_shares, old_shares, rebased) values (@ticker, @session, @new, @old, @rebased)
on conflict (ticker, session) do update set
    new_shares = excluded.new_shares, old_shares = excluded.old_shares, rebased = excluded.rebased`
	for _, split := range f.Splits {
		writes.Queue(statement, pgx.NamedArgs{
			"ticker": f.Ticker.String(), "session": day(split.Session),
			"new": split.New, "old": split.Old, "rebased": split.Rebased,
		})
	}
}

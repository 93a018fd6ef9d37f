package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// CommitBatch writes a batch in one transaction and returns what became of each price, in their order.
func (s *Store) CommitBatch(ctx context.Context, batch refresh.Batch) (stored []refresh.StoredPrice, err error) {
	known := map[int]error{} // why some prices are refused
	for {
		err = s.transact(ctx, func(tx *sql.Tx) error {
			stored, err = writeBatch(ctx, tx, batch, known)
			return err
		})
		undone := (*undoneError)(nil)
		if !errors.As(err, &undone) {
			break
		}
		known[undone.price] = undone.err
	}
	if err != nil {
		return nil, fmt.Errorf("store the batch: %w", err)
	}
	return stored, nil
}

// undoneError is that of a price because of which the transaction is made again without it: a trigger has ended it by
// raise(rollback), or refuses what is written besides.
type undoneError struct {
	price int // its index
	err   error
}

func (e *undoneError) Error() string { return e.err.Error() }

func writeBatch(ctx context.Context, tx *sql.Tx, batch refresh.Batch, known map[int]error) ([]refresh.StoredPrice, error) {
	stored, err := writePrices(ctx, tx, batch.Prices, known)
	if err != nil {
		return nil, err
	}
	if err := writeStates(ctx, tx, batch.Refreshed(stored)); err != nil {
		return nil, ofNewestPrice(batch, stored, err)
	}
	if err := writeFailures(ctx, tx, batch.AllFailures(stored)); err != nil {
		return nil, err
	}
	if err := writeFindings(ctx, tx, batch.Findings); err != nil {
		return nil, err
	}
	if err := writeLateness(ctx, tx, batch.Late); err != nil {
		return nil, err
	}
	if err := writeHeld(ctx, tx, batch.Held); err != nil {
		return nil, err
	}
	if err := finishTasks(ctx, tx, batch.Tasks); err != nil {
		return nil, err
	}
	if batch.Run.ID != "" {
		_, err = updateRun(ctx, tx, batch.Run)
	}
	return stored, err
}

const insertPrice = `
insert into price_history as stored (
    ticker, "timestamp", source, "interval", price_amount, price_currency,
    open_amount, open_currency, high_amount, high_currency, low_amount, low_currency,
    close_amount, close_currency, volume, created_at)
values (?1, ?2, ?3, ?4, ?5, ?6,
    ?7, iif(?7 is null, null, ?6), ?8, iif(?8 is null, null, ?6), ?9, iif(?9 is null, null, ?6),
    ?5, ?6, ?10, ?11)
on conflict (ticker, "timestamp", source, "interval") do `

// keepPrice leaves a row that exists as it is, unless the application has blanked it, or this price has written it.
const keepPrice = insertPrice + updateStored + `
where stored.close_amount is null or ?13 and (stored.created_at = excluded.created_at or stored.updated_at = ?11)
returning cast(price_amount as text)`

const upsertPrice = insertPrice + updateStored + `
returning cast(price_amount as text)`

const updateStored = `update set
    price_amount = excluded.price_amount,
    price_currency = excluded.price_currency,
    open_amount = coalesce(excluded.open_amount, iif(?12, null, stored.open_amount)),
    open_currency = coalesce(excluded.open_currency, iif(?12, null, stored.open_currency)),
    high_amount = coalesce(excluded.high_amount, iif(?12, null, stored.high_amount)),
    high_currency = coalesce(excluded.high_currency, iif(?12, null, stored.high_currency)),
    low_amount = coalesce(excluded.low_amount, iif(?12, null, stored.low_amount)),
    low_currency = coalesce(excluded.low_currency, iif(?12, null, stored.low_currency)),
    close_amount = excluded.close_amount,
    close_currency = excluded.close_currency,
    volume = coalesce(excluded.volume, stored.volume),
    updated_at = ?11`

// updatePrice is upsertPrice of a row that is known.
const updatePrice = `
update price_history as stored set
    price_amount = ?5,
    price_currency = ?6,
    open_amount = coalesce(?7, iif(?12, null, stored.open_amount)),
    open_currency = coalesce(iif(?7 is null, null, ?6), iif(?12, null, stored.open_currency)),
    high_amount = coalesce(?8, iif(?12, null, stored.high_amount)),
    high_currency = coalesce(iif(?8 is null, null, ?6), iif(?12, null, stored.high_currency)),
    low_amount = coalesce(?9, iif(?12, null, stored.low_amount)),
    low_currency = coalesce(iif(?9 is null, null, ?6), iif(?12, null, stored.low_currency)),
    close_amount = ?5,
    close_currency = ?6,
    volume = coalesce(?10, stored.volume),
    source = iif(?14 and not exists (
        select 1
        from price_history as other
        where other.ticker = stored.ticker and other."timestamp" = stored."timestamp"
            and other."interval" = stored."interval" and other.source = ?3), ?3, stored.source),
    updated_at = ?11
where id = ?13
returning cast(price_amount as text)`

// writePrices gives each price a savepoint: what a trigger has refused by raise(fail) would else be there in part. Those whose
// error is known are left out.
func writePrices(ctx context.Context, tx *sql.Tx, prices []refresh.Price, known map[int]error) ([]refresh.StoredPrice, error) {
	statements := statementCache{tx: tx, prepared: map[string]*sql.Stmt{}}
	stored := make([]refresh.StoredPrice, len(prices))
	for i, price := range prices {
		if stored[i].Err = known[i]; stored[i].Err != nil {
			continue
		}
		var err error
		stored[i], err = trySavepoint(ctx, statements, price)
		if undone := (*undoneError)(nil); errors.As(err, &undone) {
			undone.price = i
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", price.Bar.Ticker, err)
		}
	}
	return stored, nil
}

// trySavepoint writes a price, or leaves the transaction as it was. The error is an *undoneError if there is no transaction any more.
func trySavepoint(ctx context.Context, statements statementCache, price refresh.Price) (stored refresh.StoredPrice, err error) {
	if _, err := exec(ctx, statements, `savepoint price`); err != nil {
		return stored, err
	}
	stored.Amount, err = writePrice(ctx, statements, price)
	end := `release price`
	if errors.Is(err, refresh.ErrRowRefused) {
		stored.Err, err, end = err, nil, `rollback to price`
	}
	if err != nil {
		return stored, err
	}
	_, err = exec(ctx, statements, end)
	if isGone := err != nil && !errors.As(err, new(refresh.StoreError)); isGone && stored.Err != nil { // the savepoint
		err = &undoneError{err: stored.Err}
	}
	return stored, err
}

// writePrice returns the amount that was stored; "" if the row was kept, or is gone.
func writePrice(ctx context.Context, statements statementCache, price refresh.Price) (stored string, err error) {
	bar := price.Bar
	args := []any{
		bar.Ticker.String(), stamp(price.Timestamp), price.Source, price.Interval,
		marketdata.FormatPrice(bar.Close), bar.Currency, amount(bar.Open), amount(bar.High), amount(bar.Low),
		bar.Volume, stamp(price.FetchedAt),
	}
	if price.Row == 0 {
		if err := restamp(ctx, statements, args[:4]); err != nil {
			return "", err
		}
	}
	statement, args := upsertPrice, append(args, price.ClearRange)
	switch {
	case price.Keep:
		statement, args = keepPrice, append(args, price.Again)
	case price.Row != 0:
		statement, args = updatePrice, append(args, price.Row, price.Relabel)
	}
	written, err := query(ctx, statements, scanColumn[string], statement, args...)
	if err != nil {
		return "", err
	}
	if len(written) > 0 {
		return plainAmount(written[0]), nil
	}
	exists, err := queryOne[bool](ctx, statements, priceExists, append(args[:4:4], price.Row)...)
	if isGone := price.Row != 0 && !exists; err != nil || isGone || price.Keep && exists {
		return "", err
	}
	// A trigger that raises ignore suppresses a row without an error.
	return "", fmt.Errorf("%w: it wrote no row, as if a trigger suppressed it", refresh.ErrRowRefused)
}

const priceExists = `
select exists (
    select 1 from price_history where id = ?5
    union all
    select 1 from price_history where ?5 = 0 and ticker = ?1 and "timestamp" = ?2 and source = ?3 and "interval" = ?4)`

// restampPrice writes the stamp of a row in our layout if another program has written the same time in another one: the
// unique key compares texts, and would take a second row of the session.
const restampPrice = `
update or ignore price_history
set "timestamp" = ?2
where ticker = ?1 and source = ?3 and "interval" = ?4
    and "timestamp" >= date(?2, '-1 day') and "timestamp" < date(?2, '+2 days') and "timestamp" <> ?2
    and utc_stamp("timestamp") = ?2
returning id`

func restamp(ctx context.Context, statements statementCache, key []any) error {
	_, err := query(ctx, statements, scanColumn[int64], restampPrice, key...)
	return err
}

// statementCache is a transaction that prepares each statement once, and closes it at its end.
type statementCache struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (c statementCache) QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	prepared, err := c.prepare(ctx, statement) //nolint:sqlclosecheck // the transaction closes it
	if err != nil {
		return nil, err
	}
	return prepared.QueryContext(ctx, args...)
}

func (c statementCache) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	prepared, err := c.prepare(ctx, statement) //nolint:sqlclosecheck // the transaction closes it
	if err != nil {
		return nil, err
	}
	return prepared.ExecContext(ctx, args...)
}

func (c statementCache) prepare(ctx context.Context, statement string) (prepared *sql.Stmt, err error) {
	prepared, found := c.prepared[statement]
	if found {
		return prepared, nil
	}
	if prepared, err = c.tx.PrepareContext(ctx, statement); err == nil {
		c.prepared[statement] = prepared
	}
	return prepared, err
}

func writeStates(ctx context.Context, tx *sql.Tx, refreshed []refresh.Refreshed) error {
	for _, r := range refreshed {
		err := writeState(ctx, tx, r)
		if err == nil {
			err = updateEntry(ctx, tx, r)
		}
		if errors.Is(err, refresh.ErrRowRefused) {
			return &refusedState{r.Ticker, err}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.Ticker, err)
		}
	}
	return nil
}

// refusedState is the error of a ticker whose state, or entry of the watchlist, the database refuses, as by a trigger.
type refusedState struct {
	ticker marketdata.Ticker
	err    error
}

func (e *refusedState) Error() string { return fmt.Sprintf("%s: %v", e.ticker, e.err) }

// ofNewestPrice returns the error of writeStates as one of the price that makes the ticker refreshed: that is refused with it.
func ofNewestPrice(batch refresh.Batch, stored []refresh.StoredPrice, err error) error {
	refused := (*refusedState)(nil)
	if !errors.As(err, &refused) {
		return err
	}
	newest := -1
	for i, price := range batch.Prices {
		isLater := newest < 0 || !price.Timestamp.Before(batch.Prices[newest].Timestamp)
		if price.Bar.Ticker == refused.ticker && !price.Backfill && stored[i].Err == nil && isLater {
			newest = i
		}
	}
	return &undoneError{newest, refused.err}
}

func writeState(ctx context.Context, tx *sql.Tx, r refresh.Refreshed) error {
	const statement = `
insert into papertrade_ticker_states (ticker, checked_at, asked_at) values (?1, ?2, ?2)
on conflict (ticker) do update set
    checked_at = excluded.checked_at, asked_at = excluded.asked_at, unknown_sessions = 0, unknown_session = null`
	_, err := exec(ctx, tx, statement, r.Ticker.String(), stamp(r.At))
	return err
}

func updateEntry(ctx context.Context, tx *sql.Tx, r refresh.Refreshed) error {
	const statement = `
update ticker_watchlist
set last_refresh_at = ?2, updated_at = ?2,
    next_refresh_at = strftime('%Y-%m-%d %H:%M:%f000', ?2, refresh_interval_seconds || ' seconds')
where upper(trim(ticker, char(32, 9, 10, 13))) = ?1`
	_, err := exec(ctx, tx, statement, r.Ticker.String(), stamp(r.At))
	return err
}

func writeFailures(ctx context.Context, tx *sql.Tx, failures []refresh.Failure) error {
	const statement = `
insert into papertrade_ticker_states as stored (ticker, asked_at, unknown_sessions, unknown_session)
values (?1, ?2, iif(?3 is null, 0, 1), ?3)
on conflict (ticker) do update set
    asked_at = excluded.asked_at,
    unknown_sessions = stored.unknown_sessions
        + iif(excluded.unknown_session is not stored.unknown_session, excluded.unknown_sessions, 0),
    unknown_session = coalesce(excluded.unknown_session, stored.unknown_session)`
	for _, f := range failures {
		if _, err := exec(ctx, tx, statement, f.Ticker.String(), stamp(f.AskedAt), day(f.UnknownIn)); err != nil {
			return fmt.Errorf("%s: %w", f.Ticker, err)
		}
	}
	return nil
}

func writeLateness(ctx context.Context, tx *sql.Tx, late []refresh.TickerLateness) error {
	const statement = `
insert into papertrade_ticker_states (ticker, late_session, late_sessions, late_checks, late_repeats) values (?, ?, ?, ?, ?)
on conflict (ticker) do update set
    late_session = excluded.late_session, late_sessions = excluded.late_sessions,
    late_checks = excluded.late_checks, late_repeats = excluded.late_repeats`
	for _, l := range late {
		if _, err := exec(ctx, tx, statement, l.Ticker.String(), day(l.Session), l.Sessions, l.Checks, l.Repeats); err != nil {
			return fmt.Errorf("%s: %w", l.Ticker, err)
		}
	}
	return nil
}

func writeFindings(ctx context.Context, tx *sql.Tx, findings []refresh.Finding) error {
	for _, f := range findings {
		if err := writeFinding(ctx, tx, f); err != nil {
			return fmt.Errorf("%s: %w", f.Ticker, err)
		}
	}
	return nil
}

func writeFinding(ctx context.Context, tx *sql.Tx, f refresh.Finding) error {
	err := writeFirstSession(ctx, tx, f)
	if err == nil {
		err = writeAbsent(ctx, tx, f)
	}
	if err == nil && f.ForgetSplits {
		err = deleteSplits(ctx, tx, f.Ticker)
	}
	if err == nil {
		err = writeSplits(ctx, tx, f)
	}
	return err
}

// writeFirstSession keeps what else the ticker's state has, except that it was unknown.
func writeFirstSession(ctx context.Context, tx *sql.Tx, f refresh.Finding) error {
	const statement = `
insert into papertrade_ticker_states as stored (ticker, first_session) values (?, ?)
on conflict (ticker) do update set
    first_session = coalesce(excluded.first_session, stored.first_session), unknown_sessions = 0, unknown_session = null`
	_, err := exec(ctx, tx, statement, f.Ticker.String(), day(f.FirstSession))
	return err
}

func writeAbsent(ctx context.Context, tx *sql.Tx, f refresh.Finding) error {
	const statement = `insert into papertrade_absent_sessions (ticker, session) values (?, ?) on conflict do nothing`
	for _, session := range f.Absent {
		if _, err := exec(ctx, tx, statement, f.Ticker.String(), day(session)); err != nil {
			return err
		}
	}
	return nil
}

func deleteSplits(ctx context.Context, tx *sql.Tx, ticker marketdata.Ticker) error {
	_, err := exec(ctx, tx, `delete from papertrade_splits where ticker = ?`, ticker.String())
	return err
}

func writeSplits(ctx context.Context, tx *sql.Tx, f refresh.Finding) error {
	const statement = `
insert into papertrade_splits (ticker, session, new_shares, old_shares, rebased) values (?, ?, ?, ?, ?)
on conflict (ticker, session) do update set
    new_shares = excluded.new_shares, old_shares = excluded.old_shares, rebased = excluded.rebased`
	for _, split := range f.Splits {
		_, err := exec(ctx, tx, statement, f.Ticker.String(), day(split.Session), split.New, split.Old, split.Rebased)
		if err != nil {
			return err
		}
	}
	return nil
}

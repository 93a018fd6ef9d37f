package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// Mentions returns the rows by which each source names a ticker, with one query per source.
func (s *Store) Mentions(ctx context.Context, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	var all []refresh.Mention
	for _, source := range q.Sources {
		mentions, err := s.mentionsOf(ctx, source, q)
		if err != nil {
			return nil, fmt.Errorf("read the %s: %w", source, err)
		}
		all = append(all, mentions...)
	}
	return all, nil
}

const (
	mentionsOfWatchlist = `
select ticker, priority, null
from ticker_watchlist
where is_active
order by priority, ticker`
	// Beside a lone max(), SQLite takes the other columns from the row that has the maximum.
	mentionsOfTransactions = `
select ticker, 0, strftime('%Y-%m-%d %H:%M:%f', "timestamp")
from transactions
where ticker is not null and unixepoch("timestamp") between ? and ?
group by ticker
having max(unixepoch("timestamp", 'subsec'))
order by ticker`
	// Quantities have four decimals: counted in ten-thousandths they are integers, whose sum is exact.
	mentionsOfHoldings = `
select distinct upper(trim(ticker, char(32, 9, 10, 13))), 0, null
from transactions
where ticker is not null and unixepoch("timestamp") <= ? and transaction_type in ('BUY', 'SELL')
group by portfolio_id, upper(trim(ticker, char(32, 9, 10, 13)))
having sum(cast(round(quantity * 10000) as integer) * iif(transaction_type = 'BUY', 1, -1)) > 0
order by 1`
)

func (s *Store) mentionsOf(ctx context.Context, source refresh.Source, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	scan := func(rows *sql.Rows) (refresh.Mention, error) { return scanMention(rows, source) }
	switch source {
	case refresh.SourceWatchlist:
		return query(ctx, s.db, scan, mentionsOfWatchlist)
	case refresh.SourceTransactions:
		return query(ctx, s.db, scan, mentionsOfTransactions, q.From.Unix(), q.To.Unix())
	case refresh.SourceHoldings:
		return query(ctx, s.db, scan, mentionsOfHoldings, q.To.Unix())
	default:
		return nil, fmt.Errorf("no table of the database is the source %q", source)
	}
}

func scanMention(rows *sql.Rows, source refresh.Source) (refresh.Mention, error) {
	mention := refresh.Mention{Source: source}
	var traded sql.NullString
	err := rows.Scan(&mention.Symbol, &mention.Priority, &traded)
	if err == nil {
		mention.LastTradedAt, err = parseStamp(traded)
	}
	return mention, err
}

// States returns what is known of the tickers, with one query.
func (s *Store) States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]refresh.State, error) {
	// The inner maximum comes from the index alone. All rows of its day are then compared as times,
	// since the same instant can be written in several ways.
	const statement = `
select asked.value, strftime('%Y-%m-%d %H:%M:%f', p."timestamp"), strftime('%Y-%m-%d %H:%M:%f', coalesce(p.updated_at, p.created_at)),
    cast(state.checked_at as text), cast(state.asked_at as text),
    coalesce(state.unknown_sessions, 0), cast(state.unknown_session as text), cast(state.first_session as text),
    cast(state.late_session as text), coalesce(state.late_sessions, 0), coalesce(state.late_checks, 0), coalesce(state.late_repeats, 0),
    cast(state.first_active_at as text), coalesce(p.id is not null and p.close_amount is null, false),
    (select json_group_array(session order by session) from papertrade_absent_sessions as absent where absent.ticker = asked.value),
    (select json_group_array(json_object('session', session, 'new', new_shares, 'old', old_shares,
        'rebased', json(iif(rebased, 'true', 'false'))) order by session)
     from papertrade_splits as split where split.ticker = asked.value),
    (select json_group_array(` + heldBar + ` order by session)
     from papertrade_held_prices as held where held.ticker = asked.value and decision <> ?2) as held
from json_each(?1) as asked
left join price_history as p on p.id = (
    select newest.id
    from price_history as newest
    where newest.ticker = asked.value and newest."interval" = '1day' and newest."timestamp" >= (
        select substr(max(day."timestamp"), 1, 10)
        from price_history as day
        where day.ticker = asked.value and day."interval" = '1day' and day."timestamp" < ':')
        and unixepoch(newest."timestamp") is not null
    order by unixepoch(newest."timestamp") desc, newest.close_amount is null,
        unixepoch(coalesce(newest.updated_at, newest.created_at), 'subsec') desc
    limit 1)
left join papertrade_ticker_states as state on state.ticker = asked.value
where p.id is not null or state.ticker is not null or held <> '[]'`
	asked, err := list(tickers)
	if err != nil {
		return nil, err
	}
	found, err := query(ctx, s.db, scanState, statement, asked, string(history.Accepted))
	if err != nil {
		return nil, fmt.Errorf("read the stored prices: %w", err)
	}
	byTicker := make(map[marketdata.Ticker]refresh.State, len(found))
	for _, row := range found {
		byTicker[row.ticker] = row.state
	}
	return byTicker, nil
}

type stateRow struct {
	ticker marketdata.Ticker
	state  refresh.State
}

func scanState(rows *sql.Rows) (row stateRow, err error) {
	var symbol, absent, splits, held string
	var stamped, fetched, checked, asked, unknown, first, lacked, active sql.NullString
	late := &row.state.Late
	err = rows.Scan(&symbol, &stamped, &fetched, &checked, &asked, &row.state.UnknownSessions, &unknown, &first,
		&lacked, &late.Sessions, &late.Checks, &late.Repeats, &active, &row.state.Incomplete, &absent, &splits, &held)
	if err != nil {
		return row, err
	}
	if row.ticker, err = marketdata.ParseTicker(symbol); err != nil {
		return row, err
	}
	times, err := parseStamps(stamped, fetched, checked, asked, unknown, first, lacked, active)
	if err != nil {
		return row, fmt.Errorf("%s: %w", symbol, err)
	}
	row.state.LastSession, row.state.FetchedAt, row.state.CheckedAt = dateOf(times[0]), times[1], times[2]
	row.state.AskedAt, row.state.UnknownSession, row.state.FirstSession = times[3], dateOf(times[4]), dateOf(times[5])
	late.Session, row.state.FirstActiveAt = dateOf(times[6]), times[7]
	err = errors.Join(parseList(absent, &row.state.Absent), parseList(splits, &row.state.Splits), parseList(held, &row.state.Held))
	return row, err
}

// NoteActive writes down when tickers were first seen active, of those of which that is not known yet.
func (s *Store) NoteActive(ctx context.Context, tickers []marketdata.Ticker, at time.Time) error {
	const statement = `
insert into papertrade_ticker_states as stored (ticker, first_active_at) select value, ?2 from json_each(?1) where true
on conflict (ticker) do update
set first_active_at = coalesce(min(stored.first_active_at, excluded.first_active_at), excluded.first_active_at)`
	asked, err := list(append([]marketdata.Ticker{}, tickers...))
	if err != nil {
		return err
	}
	err = s.transact(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, statement, asked, stamp(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("note the active tickers: %w", err)
	}
	return nil
}

// KnownSymbols returns each symbol that a price, a transaction or a row of the watchlist names, as it is
// stored, in any order.
func (s *Store) KnownSymbols(ctx context.Context) ([]string, error) {
	// Each step takes the next symbol from the index: to read all prices would take too long.
	const statement = `
with recursive priced (symbol) as (
    select min(ticker) from price_history
    union all
    select (select min(ticker) from price_history where ticker > symbol) from priced where symbol is not null)
select symbol from priced where symbol is not null
union
select ticker from transactions where ticker is not null
union
select ticker from ticker_watchlist`
	symbols, err := query(ctx, s.db, scanColumn[string], statement)
	if err != nil {
		return nil, fmt.Errorf("read the known tickers: %w", err)
	}
	return symbols, nil
}

// HasApplication reports whether the web application's tables are there: its bookkeeping of migrations is, or prices have its form.
func (s *Store) HasApplication(ctx context.Context) (bool, error) {
	const statement = `
select exists (select 1 from sqlite_schema where type = 'table' and name = 'alembic_version')
    or exists (select 1 from pragma_table_info('price_history') where name = 'price_amount' and type like 'numeric%')`
	found, err := queryOne[bool](ctx, s.db, statement)
	if err != nil {
		return false, fmt.Errorf("look for the application's tables: %w", err)
	}
	return found, nil
}

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Mentions reads what each source says, with one query a source.
func (s *Store) Mentions(ctx context.Context, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	var all []refresh.Mention
	for _, source := range q.Sources {
		mentions, err := s.mentionsOf(ctx, source, q)
		if err != nil {
			return nil, fmt.Errorf("read the %s: %w", source, translate(err))
		}
		all = append(all, mentions...)
	}
	return all, nil
}

const mentionsOfWatchlist = `
select ticker, priority, null
from ticker_watchlist
where is_active
order by priority, ticker`

// Beside a lone max(), SQLite takes the other columns from the row that has the maximum.
const mentionsOfTransactions = `
select ticker, 0, strftime('%Y-%m-%d %H:%M:%f', "timestamp")
from transactions
where ticker is not null and unixepoch("timestamp") between ? and ?
group by ticker
having max(unixepoch("timestamp", 'subsec'))
order by ticker`

// Quantities have four decimals: counted in ten-thousandths they are integers, whose sum is exact.
const mentionsOfHoldings = `
select distinct upper(trim(ticker, char(32, 9, 10, 13))), 0, null
from transactions
where ticker is not null and unixepoch("timestamp") <= ? and transaction_type in ('BUY', 'SELL')
group by portfolio_id, upper(trim(ticker, char(32, 9, 10, 13)))
having sum(cast(round(quantity * 10000) as integer) * iif(transaction_type = 'BUY', 1, -1)) > 0
order by 1`

func (s *Store) mentionsOf(ctx context.Context, source refresh.Source, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	var rows *sql.Rows
	var err error
	switch source {
	case refresh.SourceWatchlist:
		rows, err = s.db.QueryContext(ctx, mentionsOfWatchlist)
	case refresh.SourceTransactions:
		rows, err = s.db.QueryContext(ctx, mentionsOfTransactions, q.From.Unix(), q.To.Unix())
	case refresh.SourceHoldings:
		rows, err = s.db.QueryContext(ctx, mentionsOfHoldings, q.To.Unix())
	default:
		return nil, fmt.Errorf("no table of the database is the source %q", source)
	}
	if err != nil {
		return nil, err
	}
	return collect(rows, func(rows *sql.Rows) (refresh.Mention, error) {
		mention := refresh.Mention{Source: source}
		var traded sql.NullString
		err := rows.Scan(&mention.Symbol, &mention.Priority, &traded)
		if err != nil {
			return mention, err
		}
		mention.LastTradedAt, err = parseStamp(traded)
		return mention, err
	})
}

// The inner maximum comes from the index alone. All rows of its day are then compared as times,
// since the same instant can be written in several ways.
const states = `
select asked.value, coalesce(s.unknown_sessions, 0), strftime('%Y-%m-%d %H:%M:%f', p."timestamp"),
    strftime('%Y-%m-%d %H:%M:%f', coalesce(p.updated_at, p.created_at)), cast(s.checked_at as text), cast(s.asked_at as text), cast(s.unknown_session as text),
    cast(s.first_session as text),
    (select json_group_array(session order by session) from papertrade_absent_sessions as absent where absent.ticker = asked.value),
    (select json_group_array(json_object('session', session, 'new', new_shares, 'old', old_shares,
        'rebased', json(iif(rebased, 'true', 'false'))) order by session)
     from papertrade_splits as split where split.ticker = asked.value)
from json_each(?) as asked
left join price_history as p on p.id = (
    select newest.id
    from price_history as newest
    where newest.ticker = asked.value and newest."interval" = '1day' and newest."timestamp" >= (
        select substr(max(day."timestamp"), 1, 10)
        from price_history as day
        where day.ticker = asked.value and day."interval" = '1day' and day."timestamp" < ':')
        and unixepoch(newest."timestamp") is not null
    order by unixepoch(newest."timestamp") desc, unixepoch(coalesce(newest.updated_at, newest.created_at), 'subsec') desc
    limit 1)
left join papertrade_ticker_states as s on s.ticker = asked.value
where p.id is not null or s.ticker is not null`

// States reads what is known of the tickers, with one query.
func (s *Store) States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]refresh.State, error) {
	asked, err := json.Marshal(tickers)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, states, string(asked))
	if err != nil {
		return nil, fmt.Errorf("read the stored prices: %w", translate(err))
	}
	type known struct {
		ticker marketdata.Ticker
		state  refresh.State
	}
	found, err := collect(rows, func(rows *sql.Rows) (known, error) {
		var symbol string
		var unknownSessions int
		var columns [6]sql.NullString
		var absent, splits string
		err := rows.Scan(&symbol, &unknownSessions,
			&columns[0], &columns[1], &columns[2], &columns[3], &columns[4], &columns[5], &absent, &splits)
		if err != nil {
			return known{}, err
		}
		ticker, err := marketdata.ParseTicker(symbol)
		if err != nil {
			return known{}, err
		}
		var times [6]time.Time
		for i, column := range columns {
			if times[i], err = parseStamp(column); err != nil {
				return known{}, fmt.Errorf("%s: %w", ticker, err)
			}
		}
		state := refresh.State{
			LastSession: dateOf(times[0]), FetchedAt: times[1], CheckedAt: times[2], AskedAt: times[3],
			UnknownSessions: unknownSessions, UnknownSession: dateOf(times[4]), FirstSession: dateOf(times[5]),
		}
		if absent != "[]" {
			err = json.Unmarshal([]byte(absent), &state.Absent)
		}
		if splits != "[]" {
			err = errors.Join(err, json.Unmarshal([]byte(splits), &state.Splits))
		}
		return known{ticker, state}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the stored prices: %w", translate(err))
	}
	byTicker := make(map[marketdata.Ticker]refresh.State, len(found))
	for _, k := range found {
		byTicker[k.ticker] = k.state
	}
	return byTicker, nil
}

// Each step takes the next symbol from the index: to read all prices would take too long.
const knownSymbols = `
with recursive priced (symbol) as (
    select min(ticker) from price_history
    union all
    select (select min(ticker) from price_history where ticker > symbol) from priced where symbol is not null)
select symbol from priced where symbol is not null
union
select ticker from transactions where ticker is not null
union
select ticker from ticker_watchlist`

// KnownSymbols reads each symbol that a price, a transaction or a row of the watchlist names, as it is
// stored, in any order.
func (s *Store) KnownSymbols(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, knownSymbols)
	if err != nil {
		return nil, fmt.Errorf("read the known tickers: %w", translate(err))
	}
	symbols, err := collect(rows, func(rows *sql.Rows) (symbol string, err error) {
		err = rows.Scan(&symbol)
		return symbol, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the known tickers: %w", translate(err))
	}
	return symbols, nil
}

// dateOf is the date of a time in UTC; of the zero time it is the zero Date.
func dateOf(t time.Time) exchange.Date {
	if t.IsZero() {
		return exchange.Date{}
	}
	return exchange.DateOf(t)
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, read func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

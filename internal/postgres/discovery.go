package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const mentionsOfWatchlist = `
select ticker as symbol, priority, null::timestamp as last_traded_at
from ticker_watchlist
where is_active
order by priority, ticker collate "C"`

const mentionsOfTransactions = `
select ticker as symbol, 0 as priority, max("timestamp") as last_traded_at
from transactions
where ticker is not null and "timestamp" >= @from and "timestamp" < @until
group by ticker
order by ticker collate "C"`

const mentionsOfHoldings = `
select distinct upper(btrim(ticker, E' \t\r\n')) collate "C" as symbol, 0 as priority, null::timestamp as last_traded_at
from transactions
where ticker is not null and "timestamp" < @until and transaction_type in ('BUY', 'SELL')
group by portfolio_id, upper(btrim(ticker, E' \t\r\n'))
having sum(case transaction_type when 'BUY' then quantity else -quantity end) > 0
order by symbol`

// Mentions reads what each source says, with one query a source.
func (s *Store) Mentions(ctx context.Context, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	type mention struct {
		Symbol       string
		Priority     int
		LastTradedAt *time.Time
	}
	from, until := q.From.UTC().Truncate(time.Second), q.To.UTC().Truncate(time.Second).Add(time.Second)
	var all []refresh.Mention
	for _, source := range q.Sources {
		var sql string
		var args pgx.NamedArgs
		switch source {
		case refresh.SourceWatchlist:
			sql = mentionsOfWatchlist
		case refresh.SourceTransactions:
			sql, args = mentionsOfTransactions, pgx.NamedArgs{"from": from, "until": until}
		case refresh.SourceHoldings:
			sql, args = mentionsOfHoldings, pgx.NamedArgs{"until": until}
		default:
			return nil, fmt.Errorf("no table of the database is the source %q", source)
		}
		found, err := query[mention](ctx, s, sql, args)
		if err != nil {
			return nil, fmt.Errorf("read the %s: %w", source, err)
		}
		for _, m := range found {
			all = append(all, refresh.Mention{
				Source: source, Symbol: m.Symbol, Priority: m.Priority, LastTradedAt: utc(m.LastTradedAt)})
		}
	}
	return all, nil
}

// updated_at has no zone and created_at has one: the first is made an instant by its own zone, UTC,
// before the two are compared.
const states = `
select asked.ticker, newest.stamp, newest.fetched_at, state.checked_at, state.asked_at,
    coalesce(state.unknown_sessions, 0) as unknown_sessions, state.unknown_session, state.first_session,
    array(select session from papertrade_absent_sessions as absent where absent.ticker = asked.ticker order by session) as absent,
    (select json_agg(json_build_object('session', session, 'new', new_shares, 'old', old_shares, 'rebased', rebased) order by session)
     from papertrade_splits as split where split.ticker = asked.ticker) as splits
from unnest(@tickers::text[]) as asked (ticker)
left join lateral (
    select "timestamp" as stamp, coalesce(updated_at at time zone 'UTC', created_at) as fetched_at
    from price_history
    where price_history.ticker = asked.ticker and "interval" = '1day'
    order by stamp desc, fetched_at desc
    limit 1) as newest on true
left join papertrade_ticker_states as state on state.ticker = asked.ticker
where newest.stamp is not null or state.ticker is not null`

// States reads what is known of the tickers, with one query.
func (s *Store) States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]refresh.State, error) {
	type known struct {
		Ticker                                                             string
		Stamp, FetchedAt, CheckedAt, AskedAt, UnknownSession, FirstSession *time.Time
		UnknownSessions                                                    int
		Absent                                                             []time.Time
		Splits                                                             []history.Split
	}
	found, err := query[known](ctx, s, states, pgx.NamedArgs{"tickers": symbols(tickers)})
	if err != nil {
		return nil, fmt.Errorf("read the stored prices: %w", err)
	}
	byTicker := make(map[marketdata.Ticker]refresh.State, len(found))
	for _, k := range found {
		ticker, err := marketdata.ParseTicker(k.Ticker)
		if err != nil {
			return nil, fmt.Errorf("read the stored prices: %w", err)
		}
		byTicker[ticker] = refresh.State{
			LastSession: dateOf(k.Stamp), FetchedAt: utc(k.FetchedAt), CheckedAt: utc(k.CheckedAt), AskedAt: utc(k.AskedAt),
			UnknownSessions: k.UnknownSessions, UnknownSession: dateOf(k.UnknownSession),
			FirstSession: dateOf(k.FirstSession), Absent: dates(k.Absent), Splits: k.Splits,
		}
	}
	return byTicker, nil
}

// dateOf is the date in UTC; NULL is the zero Date.
func dateOf(t *time.Time) exchange.Date {
	if t == nil {
		return exchange.Date{}
	}
	return exchange.DateOf(t.UTC())
}

func dates(times []time.Time) []exchange.Date {
	var all []exchange.Date
	for _, t := range times {
		all = append(all, exchange.DateOf(t.UTC()))
	}
	return all
}

// utc is the time in UTC; NULL is the zero time.
func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func symbols(tickers []marketdata.Ticker) []string {
	all := make([]string, len(tickers))
	for i, ticker := range tickers {
		all[i] = ticker.String()
	}
	return all
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
	rows, err := query[struct{ Symbol string }](ctx, s, knownSymbols, nil)
	if err != nil {
		return nil, fmt.Errorf("read the known tickers: %w", err)
	}
	var symbols []string
	for _, r := range rows {
		symbols = append(symbols, r.Symbol)
	}
	return symbols, nil
}

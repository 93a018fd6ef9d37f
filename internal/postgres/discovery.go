package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
select ticker, priority, null::timestamp
from ticker_watchlist
where is_active
order by priority, ticker collate "C"`
	mentionsOfTransactions = `
select ticker, 0, max("timestamp")
from transactions
where ticker is not null and "timestamp" >= @from and "timestamp" < @until
group by ticker
order by ticker collate "C"`
	mentionsOfHoldings = `
select distinct upper(btrim(ticker, E' \t\r\n')) collate "C" as symbol, 0, null::timestamp
from transactions
where ticker is not null and "timestamp" < @until and transaction_type in ('BUY', 'SELL')
group by portfolio_id, upper(btrim(ticker, E' \t\r\n'))
having sum(case transaction_type when 'BUY' then quantity else -quantity end) > 0
order by symbol`
)

func (s *Store) mentionsOf(ctx context.Context, source refresh.Source, q refresh.DiscoveryQuery) ([]refresh.Mention, error) {
	scan := func(row pgx.CollectableRow) (refresh.Mention, error) { return scanMention(row, source) }
	from, until := q.From.UTC().Truncate(time.Second), q.To.UTC().Truncate(time.Second).Add(time.Second)
	switch source {
	case refresh.SourceWatchlist:
		return query(ctx, s.pool, scan, mentionsOfWatchlist, nil)
	case refresh.SourceTransactions:
		return query(ctx, s.pool, scan, mentionsOfTransactions, pgx.NamedArgs{"from": from, "until": until})
	case refresh.SourceHoldings:
		return query(ctx, s.pool, scan, mentionsOfHoldings, pgx.NamedArgs{"until": until})
	default:
		return nil, fmt.Errorf("no table of the database is the source %q", source)
	}
}

func scanMention(row pgx.CollectableRow, source refresh.Source) (refresh.Mention, error) {
	mention := refresh.Mention{Source: source}
	var traded *time.Time
	err := row.Scan(&mention.Symbol, &mention.Priority, &traded)
	mention.LastTradedAt = utc(traded)
	return mention, err
}

// States returns what is known of the tickers, with one query.
func (s *Store) States(ctx context.Context, tickers []marketdata.Ticker) (map[marketdata.Ticker]refresh.State, error) {
	// updated_at has no zone and created_at has one: the first is made an instant by its own zone, UTC,
	// before the two are compared.
	const statement = `
select asked.ticker, newest.stamp, newest.fetched_at, state.checked_at, state.asked_at,
    coalesce(state.unknown_sessions, 0) as unknown_sessions, state.unknown_session, state.first_session,
    state.late_session, coalesce(state.late_sessions, 0) as late_sessions, coalesce(state.late_checks, 0) as late_checks,
    coalesce(state.late_repeats, 0) as late_repeats, state.first_active_at, coalesce(newest.incomplete, false) as incomplete,
    array(
        select session from papertrade.papertrade_absent_sessions as absent where absent.ticker = asked.ticker order by session
    ) as absent,
    (select json_agg(json_build_object('session', session, 'new', new_shares, 'old', old_shares, 'rebased', rebased) order by session)
     from papertrade.papertrade_splits as split where split.ticker = asked.ticker) as splits,
    beside.held
from unnest(@tickers::text[]) as asked (ticker)
left join lateral (
    select "timestamp" as stamp, coalesce(updated_at at time zone 'UTC', created_at) as fetched_at,
        close_amount is null as incomplete
    from price_history
    where price_history.ticker = asked.ticker and "interval" = '1day' and isfinite("timestamp")
        and abs(coalesce(close_amount, price_amount)) < @infinity::numeric
    order by stamp desc, incomplete, fetched_at desc
    limit 1) as newest on true
cross join lateral (
    select json_agg(` + heldBar + ` order by session) as held
    from papertrade.papertrade_held_prices as held
    where held.ticker = asked.ticker and decision <> @accepted) as beside
left join papertrade.papertrade_ticker_states as state on state.ticker = asked.ticker
where newest.stamp is not null or state.ticker is not null or beside.held is not null`
	found, err := query(ctx, s.pool, pgx.RowToStructByName[stateRow], statement,
		pgx.NamedArgs{"tickers": list(tickers), "accepted": string(history.Accepted), "infinity": infinity})
	if err != nil {
		return nil, fmt.Errorf("read the stored prices: %w", err)
	}
	byTicker := make(map[marketdata.Ticker]refresh.State, len(found))
	for _, row := range found {
		ticker, err := marketdata.ParseTicker(row.Ticker)
		if err != nil {
			return nil, fmt.Errorf("read the stored prices: %w", err)
		}
		byTicker[ticker] = row.state()
	}
	return byTicker, nil
}

type stateRow struct {
	Ticker                                                             string
	Stamp, FetchedAt, CheckedAt, AskedAt, UnknownSession, FirstSession *time.Time
	UnknownSessions                                                    int
	LateSession, FirstActiveAt                                         *time.Time
	LateSessions, LateChecks, LateRepeats                              int
	Incomplete                                                         bool
	Absent                                                             []time.Time
	Splits                                                             []history.Split
	Held                                                               []history.HeldBar
}

func (r stateRow) state() refresh.State {
	return refresh.State{
		LastSession: dateOf(r.Stamp), FetchedAt: utc(r.FetchedAt), CheckedAt: utc(r.CheckedAt), AskedAt: utc(r.AskedAt),
		UnknownSessions: r.UnknownSessions, UnknownSession: dateOf(r.UnknownSession),
		FirstSession: dateOf(r.FirstSession), Absent: datesOf(r.Absent), Splits: r.Splits, Held: r.Held,
		Late:          refresh.Lateness{Session: dateOf(r.LateSession), Sessions: r.LateSessions, Checks: r.LateChecks, Repeats: r.LateRepeats},
		FirstActiveAt: utc(r.FirstActiveAt), Incomplete: r.Incomplete,
	}
}

// NoteActive writes down when tickers were first seen active, of those of which that is not known yet.
func (s *Store) NoteActive(ctx context.Context, tickers []marketdata.Ticker, at time.Time) error {
	const statement = `
insert into papertrade.papertrade_ticker_states as stored (ticker, first_active_at)
select ticker, @at::timestamptz from unnest(@tickers::text[]) as ticker
on conflict (ticker) do update set first_active_at = least(stored.first_active_at, excluded.first_active_at)`
	var writes pgx.Batch
	s.queueFence(&writes)
	writes.Queue(statement, pgx.NamedArgs{"tickers": list(tickers), "at": stamp(at)})
	if err := send(ctx, s.pool, &writes); err != nil {
		return fmt.Errorf("note the active tickers: %w", err)
	}
	return nil
}

// KnownSymbols returns each symbol that a price, a transaction or a row of the watchlist names, as it is
// stored, in any order.
func (s *Store) KnownSymbols(ctx context.Context) ([]string, error) {
	// Each step takes the next symbol from the index: to read all prices would take too long. Citus refuses it where it has
	// distributed the prices; no run depends on it.
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
	symbols, err := query(ctx, s.pool, pgx.RowTo[string], statement, nil)
	if err != nil {
		return nil, fmt.Errorf("read the known tickers: %w", err)
	}
	return symbols, nil
}

// HasApplication reports whether the web application's tables are there: its bookkeeping of migrations is in the schema of
// the prices, or they have its form.
func (s *Store) HasApplication(ctx context.Context) (bool, error) {
	const statement = `
select to_regclass(relnamespace::regnamespace::text || '.alembic_version') is not null
    or exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'price_amount' and atttypmod = ((18 << 16) | 2) + 4)
from pg_class
where oid = to_regclass('price_history')`
	found, err := query(ctx, s.pool, pgx.RowTo[bool], statement, nil)
	if err != nil {
		return false, fmt.Errorf("look for the application's tables: %w", err)
	}
	return len(found) == 1 && found[0], nil
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

// A session has all its daily bars or none, since which of them is shown goes by what was written last; and a ticker has
// those of its newest session for ever.
const expiredPrices = `
from price_history as p
where id > @after::bigint and id <= @last::bigint and (
    "interval" = 'real-time' and "timestamp" < @real_time_before
    or "interval" = '1day' and "timestamp" < @daily_before and exists (
        select from price_history as newer
        where newer.ticker = p.ticker and newer."interval" = '1day' and newer."timestamp" >= ` + nextDay + `)
    and not exists (
        select from price_history as other
        where other.ticker = p.ticker and other."interval" = '1day'
            and other."timestamp" >= @daily_before and other."timestamp" < ` + nextDay + `))`

// nextDay is when the day after the session of p begins.
const nextDay = `((p."timestamp" at time zone 'UTC')::date + 1)::timestamp at time zone 'UTC'`

const countIntervals = `
select count(*) filter (where "interval" = '1day') as daily, count(*) filter (where "interval" = 'real-time') as real_time
from expired`

// CountExpiredPrices counts those of a block, and writes nothing.
func (s *Store) CountExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `with expired as (select "interval"`+expiredPrices+`)`+countIntervals, block)
}

// DeleteExpiredPrices deletes those of a block in one transaction. It waits for no row that another
// transaction has locked, so neither can they wait for each other. Citus refuses this where it has distributed the prices,
// and YugabyteDB to serializable transactions, as of all that skips locked rows; no run depends on it.
func (s *Store) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	const statement = `
with expired as (
    delete from price_history
    where id = any(array(select id` + expiredPrices + ` for update skip locked))
    returning "interval")` + countIntervals
	return s.expirePrices(ctx, statement, block)
}

// expirePrices runs a statement that counts a block's expired rows.
func (s *Store) expirePrices(ctx context.Context, statement string, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	last, err := s.lastOfBlock(ctx, block)
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	if last == nil {
		return refresh.ExpiredPrices{Last: block.After, End: true}, nil
	}
	counts, err := query(ctx, s.pool, pgx.RowToStructByName[struct{ Daily, RealTime int }], statement, pgx.NamedArgs{
		"after": block.After, "last": *last,
		"real_time_before": stamp(block.RealTimeBefore), "daily_before": stamp(block.DailyBefore),
	})
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	return refresh.ExpiredPrices{Last: *last, Daily: counts[0].Daily, RealTime: counts[0].RealTime}, nil
}

// lastOfBlock returns the greatest ID of a block; nil if it has no row.
func (s *Store) lastOfBlock(ctx context.Context, block refresh.PriceBlock) (*int64, error) {
	const statement = `
select max(id)
from (select id::bigint as id from price_history where id > @after::bigint order by id limit @rows) as block`
	return queryOne[*int64](ctx, s.pool, statement, pgx.NamedArgs{"after": block.After, "rows": block.Rows})
}

const expiredRuns = `
from job_executions
where job_name = any(@jobs::text[]) and status <> 'RUNNING' and finished_at < @before and ` + isOurs

// CountExpiredRuns counts the runs of ours of some jobs that have finished before a time.
func (s *Store) CountExpiredRuns(ctx context.Context, jobs []string, before time.Time) (int, error) {
	const statement = `select count(*)` + expiredRuns
	count, err := queryOne[int](ctx, s.pool, statement, pgx.NamedArgs{"jobs": jobs, "before": stamp(before)})
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", err)
	}
	return count, nil
}

// DeleteExpiredRuns deletes up to limit of them in one transaction, and returns how many it deleted.
func (s *Store) DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, limit int) (int, error) {
	const statement = `
delete from job_executions
where id = any(array(select id` + expiredRuns + ` limit @limit for update skip locked))`
	deleted, err := exec(ctx, s.pool, statement, pgx.NamedArgs{"jobs": jobs, "before": stamp(before), "limit": limit})
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", err)
	}
	return deleted, nil
}

const expiredHeld = `
from papertrade.papertrade_held_prices
where decision <> @waiting and session < @before`

// CountExpiredHeld counts the held bars of sessions before a day about which a decision was made.
func (s *Store) CountExpiredHeld(ctx context.Context, before exchange.Date) (int, error) {
	const statement = `select count(*)` + expiredHeld
	count, err := queryOne[int](ctx, s.pool, statement, pgx.NamedArgs{"waiting": string(history.Waiting), "before": day(before)})
	if err != nil {
		return 0, fmt.Errorf("prune the held prices: %w", err)
	}
	return count, nil
}

// DeleteExpiredHeld deletes up to limit of them in one transaction, and returns how many it deleted.
func (s *Store) DeleteExpiredHeld(ctx context.Context, before exchange.Date, limit int) (int, error) {
	const statement = `
delete from papertrade.papertrade_held_prices
where (ticker, session) in (select ticker, session` + expiredHeld + ` limit @limit for update skip locked)`
	deleted, err := exec(ctx, s.pool, statement,
		pgx.NamedArgs{"waiting": string(history.Waiting), "before": day(before), "limit": limit})
	if err != nil {
		return 0, fmt.Errorf("prune the held prices: %w", err)
	}
	return deleted, nil
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

const expiredPrices = `
from price_history as p
where id > @after::bigint and id <= @last::bigint and (
    "interval" = 'real-time' and "timestamp" < @real_time_before
    or "interval" = '1day' and "timestamp" < @daily_before and exists (
        select from price_history as newer
        where newer.ticker = p.ticker and newer."interval" = '1day' and newer."timestamp" > p."timestamp"))`

const countIntervals = `
select count(*) filter (where "interval" = '1day') as daily, count(*) filter (where "interval" = 'real-time') as real_time
from expired`

// CountExpiredPrices counts those of a block, and writes nothing.
func (s *Store) CountExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `with expired as (select "interval"`+expiredPrices+`)`+countIntervals, block)
}

// DeleteExpiredPrices deletes those of a block in one transaction. It waits for no row that another
// transaction has locked, so neither can they wait for each other.
func (s *Store) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	const sql = `
with expired as (
    delete from price_history
    where id = any(array(select id` + expiredPrices + ` for update skip locked))
    returning "interval")` + countIntervals
	return s.expirePrices(ctx, sql, block)
}

// expirePrices does to the expired rows of a block what a query does that counts them.
func (s *Store) expirePrices(ctx context.Context, sql string, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	const lastOfBlock = `
select max(id) as last
from (select id from price_history where id > @after::bigint order by id limit @rows) as block`
	ends, err := query[struct{ Last *int64 }](ctx, s, lastOfBlock, pgx.NamedArgs{"after": block.After, "rows": block.Rows})
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	if ends[0].Last == nil {
		return refresh.ExpiredPrices{Last: block.After, End: true}, nil
	}
	counts, err := query[struct{ Daily, RealTime int }](ctx, s, sql, pgx.NamedArgs{
		"after": block.After, "last": *ends[0].Last,
		"real_time_before": nullTime(block.RealTimeBefore), "daily_before": nullTime(block.DailyBefore),
	})
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	return refresh.ExpiredPrices{Last: *ends[0].Last, Daily: counts[0].Daily, RealTime: counts[0].RealTime}, nil
}

const expiredRuns = `
from job_executions
where job_name = any(@jobs::text[]) and status <> 'RUNNING' and finished_at < @before`

// CountExpiredRuns counts the runs of some jobs that have finished before a time.
func (s *Store) CountExpiredRuns(ctx context.Context, jobs []string, before time.Time) (int, error) {
	const sql = `select count(*) as runs` + expiredRuns
	counts, err := query[struct{ Runs int }](ctx, s, sql, pgx.NamedArgs{"jobs": jobs, "before": before.UTC()})
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", err)
	}
	return counts[0].Runs, nil
}

// DeleteExpiredRuns deletes so many of them at most, in one transaction.
func (s *Store) DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, most int) (int, error) {
	const sql = `
delete from job_executions
where id = any(array(select id` + expiredRuns + ` limit @most for update skip locked))`
	deleted, err := s.pool.Exec(ctx, sql, pgx.NamedArgs{"jobs": jobs, "before": before.UTC(), "most": most})
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", translate(err))
	}
	return int(deleted.RowsAffected()), nil
}

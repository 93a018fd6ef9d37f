package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"papertrade/internal/history"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
)

// A session has all its daily bars or none, since which of them is shown goes by what was written last; and a ticker has
// those of its newest session for ever. The bounds of texts are a day wider than what is sought, whatever the offsets that
// stamps are written with, so that the index leads to it within a few rows.
const expiredPrices = `
from price_history as p
where id > ?1 and id <= ?2 and (
    "interval" = 'real-time' and utc_stamp("timestamp") < ?3
    or "interval" = '1day' and utc_stamp("timestamp") < ?4 and exists (
        select 1
        from price_history as newer
        where newer.ticker = p.ticker and newer."interval" = '1day'
            and newer."timestamp" >= date(utc_stamp(p."timestamp"))
            and date(utc_stamp(newer."timestamp")) > date(utc_stamp(p."timestamp")))
    and not exists (
        select 1
        from price_history as other
        where other.ticker = p.ticker and other."interval" = '1day'
            and other."timestamp" >= date(utc_stamp(p."timestamp"), '-1 day')
            and other."timestamp" < date(utc_stamp(p."timestamp"), '+2 days')
            and date(utc_stamp(other."timestamp")) = date(utc_stamp(p."timestamp")) and utc_stamp(other."timestamp") >= ?4))`

// CountExpiredPrices counts those of a block, and writes nothing.
func (s *Store) CountExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `select "interval"`+expiredPrices, block)
}

// DeleteExpiredPrices deletes those of a block in one transaction.
func (s *Store) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `delete `+expiredPrices+` returning "interval"`, block)
}

// expirePrices runs a statement that returns the intervals of a block's expired rows.
func (s *Store) expirePrices(ctx context.Context, statement string, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	last, err := s.lastOfBlock(ctx, block)
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	if !last.Valid {
		return refresh.ExpiredPrices{Last: block.After, End: true}, nil
	}
	intervals, err := query(ctx, s.db, scanColumn[string], statement,
		block.After, last.Int64, stamp(block.RealTimeBefore), stamp(block.DailyBefore))
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", err)
	}
	expired := refresh.ExpiredPrices{Last: last.Int64}
	for _, interval := range intervals {
		if interval == refresh.IntervalDaily {
			expired.Daily++
		} else {
			expired.RealTime++
		}
	}
	return expired, nil
}

// lastOfBlock returns the greatest ID of a block; NULL if it has no row.
func (s *Store) lastOfBlock(ctx context.Context, block refresh.PriceBlock) (sql.NullInt64, error) {
	const statement = `select max(id) from (select id from price_history where id > ? order by id limit ?)`
	return queryOne[sql.NullInt64](ctx, s.db, statement, block.After, block.Rows)
}

const expiredRuns = `
from job_executions
where job_name in (select value from json_each(?1)) and status <> 'RUNNING' and utc_stamp(finished_at) < ?2 and ` + isOurs

// CountExpiredRuns counts the runs of ours of some jobs that have finished before a time.
func (s *Store) CountExpiredRuns(ctx context.Context, jobs []string, before time.Time) (int, error) {
	const statement = `select count(*)` + expiredRuns
	names, err := list(jobs)
	if err != nil {
		return 0, err
	}
	count, err := queryOne[int](ctx, s.db, statement, names, stamp(before))
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", err)
	}
	return count, nil
}

// DeleteExpiredRuns deletes up to limit of them in one transaction, and returns how many it deleted.
func (s *Store) DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, limit int) (int, error) {
	const statement = `delete from job_executions where id in (select id` + expiredRuns + ` limit ?3)`
	names, err := list(jobs)
	if err != nil {
		return 0, err
	}
	deleted, err := exec(ctx, s.db, statement, names, stamp(before), limit)
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", err)
	}
	return deleted, nil
}

const expiredHeld = `
from papertrade_held_prices
where decision <> ?1 and session < ?2`

// CountExpiredHeld counts the held bars of sessions before a day about which a decision was made.
func (s *Store) CountExpiredHeld(ctx context.Context, before exchange.Date) (int, error) {
	const statement = `select count(*)` + expiredHeld
	count, err := queryOne[int](ctx, s.db, statement, string(history.Waiting), day(before))
	if err != nil {
		return 0, fmt.Errorf("prune the held prices: %w", err)
	}
	return count, nil
}

// DeleteExpiredHeld deletes up to limit of them in one transaction, and returns how many it deleted.
func (s *Store) DeleteExpiredHeld(ctx context.Context, before exchange.Date, limit int) (int, error) {
	const statement = `
delete from papertrade_held_prices
where (ticker, session) in (select ticker, session` + expiredHeld + ` limit ?3)`
	deleted, err := exec(ctx, s.db, statement, string(history.Waiting), day(before), limit)
	if err != nil {
		return 0, fmt.Errorf("prune the held prices: %w", err)
	}
	return deleted, nil
}

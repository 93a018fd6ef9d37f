package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"papertrade/internal/refresh"
)

// A newer bar's text sorts after the day before, whatever the offsets that the two are written with,
// so that the index leads to one within a few rows.
const expiredPrices = `
from price_history as p
where id > ?1 and id <= ?2 and (
    "interval" = 'real-time' and utc_stamp("timestamp") < ?3
    or "interval" = '1day' and utc_stamp("timestamp") < ?4 and exists (
        select 1
        from price_history as newer
        where newer.ticker = p.ticker and newer."interval" = '1day'
            and newer."timestamp" >= date(utc_stamp(p."timestamp"), '-1 day')
            and utc_stamp(newer."timestamp") > utc_stamp(p."timestamp")))`

// CountExpiredPrices counts those of a block, and writes nothing.
func (s *Store) CountExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `select "interval"`+expiredPrices, block)
}

// DeleteExpiredPrices deletes those of a block in one transaction.
func (s *Store) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	return s.expirePrices(ctx, `delete `+expiredPrices+` returning "interval"`, block)
}

// expirePrices does to the expired rows of a block what a query does that gives their intervals.
func (s *Store) expirePrices(ctx context.Context, query string, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	const lastOfBlock = `select max(id) from (select id from price_history where id > ? order by id limit ?)`
	var last sql.NullInt64
	if err := s.db.QueryRowContext(ctx, lastOfBlock, block.After, block.Rows).Scan(&last); err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", translate(err))
	}
	if !last.Valid {
		return refresh.ExpiredPrices{Last: block.After, End: true}, nil
	}
	intervals, err := s.texts(ctx, query, block.After, last.Int64, stamp(block.RealTimeBefore), stamp(block.DailyBefore))
	if err != nil {
		return refresh.ExpiredPrices{}, fmt.Errorf("prune the prices: %w", translate(err))
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

func (s *Store) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(rows *sql.Rows) (text string, err error) {
		err = rows.Scan(&text)
		return text, err
	})
}

const expiredRuns = `
from job_executions
where job_name in (select value from json_each(?1)) and status <> 'RUNNING' and utc_stamp(finished_at) < ?2`

// CountExpiredRuns counts the runs of some jobs that have finished before a time.
func (s *Store) CountExpiredRuns(ctx context.Context, jobs []string, before time.Time) (int, error) {
	names, err := json.Marshal(jobs)
	if err != nil {
		return 0, err
	}
	var n int
	if err := s.db.QueryRowContext(ctx, `select count(*)`+expiredRuns, string(names), stamp(before)).Scan(&n); err != nil {
		return 0, fmt.Errorf("prune the runs: %w", translate(err))
	}
	return n, nil
}

// DeleteExpiredRuns deletes so many of them at most, in one transaction.
func (s *Store) DeleteExpiredRuns(ctx context.Context, jobs []string, before time.Time, most int) (int, error) {
	const query = `delete from job_executions where id in (select id` + expiredRuns + ` limit ?3)`
	names, err := json.Marshal(jobs)
	if err != nil {
		return 0, err
	}
	result, err := s.db.ExecContext(ctx, query, string(names), stamp(before), most)
	if err != nil {
		return 0, fmt.Errorf("prune the runs: %w", translate(err))
	}
	n, err := result.RowsAffected()
	return int(n), err
}

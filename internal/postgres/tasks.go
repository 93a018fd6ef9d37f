package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

// tasks is the application's backfill_tasks as several processes share them. What a process has claimed
// is running, and has an advisory lock that ends with the process's connection.
type tasks struct {
	conn *pgx.Conn
}

// OpenTasks opens the application's tasks, which any number of processes may work off.
func (s *Store) OpenTasks(ctx context.Context) (refresh.TaskQueue, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("open the application's tasks: %w", translate(err))
	}
	return &tasks{conn}, nil
}

// Close gives up what is claimed.
func (t *tasks) Close() { release(t.conn) }

// taskRow is a row of backfill_tasks.
type taskRow struct {
	ID, Ticker, StartDate, EndDate string
	All                            int
}

const pendingTasks = `
select id::text, ticker, start_date::text, end_date::text, (count(*) over ())::integer as "all"
from backfill_tasks
where status = 'pending'
order by priority <> 'high', created_at, id
limit @most`

// firstTasks are those that decide which tickers are claimed, and sameTickers what else is pending of them.
const (
	firstTasks = `
select id::text, ticker, start_date::text, end_date::text, 0 as "all"
from backfill_tasks
where status = 'pending'
order by priority <> 'high', created_at, id
limit @most
for update skip locked`
	sameTickers = `
select id::text, ticker, start_date::text, end_date::text, 0 as "all"
from backfill_tasks
where status = 'pending' and ticker = any(@tickers::text[]) and not id = any(@ids::uuid[])
order by priority <> 'high', created_at, id
limit @most
for update skip locked`
)

// Claim makes pending tasks running that no other process is about to make so.
func (t *tasks) Claim(ctx context.Context, tickers, most int) (claimed []refresh.Task, err error) {
	const unlockAll = `select pg_advisory_unlock_all()`
	err = pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, unlockAll); err != nil {
			return err
		}
		if err := t.reclaim(ctx, tx); err != nil {
			return err
		}
		first, err := readTasks(ctx, tx, firstTasks, pgx.NamedArgs{"most": min(tickers, most)})
		if err != nil {
			return err
		}
		var symbols, ids []string
		for _, row := range first {
			symbols, ids = append(symbols, row.Ticker), append(ids, row.ID)
		}
		more, err := readTasks(ctx, tx, sameTickers, pgx.NamedArgs{"tickers": symbols, "ids": ids, "most": most - len(first)})
		if err != nil {
			return err
		}
		for _, row := range slices.Concat(first, more) {
			if started, err := startTask(ctx, tx, row.ID); err != nil {
				return err
			} else if started {
				claimed = append(claimed, row.task())
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", translate(err))
	}
	return claimed, nil
}

func readTasks(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) ([]taskRow, error) {
	rows, _ := tx.Query(ctx, sql, args) // CollectRows returns the error
	return pgx.CollectRows(rows, pgx.RowToStructByName[taskRow])
}

// startTask locks a task before it is seen to run, so that nobody takes it for one of a dead process.
func startTask(ctx context.Context, tx pgx.Tx, id string) (started bool, err error) {
	const (
		lock  = `select pg_try_advisory_lock($1)`
		start = `update backfill_tasks set status = 'running' where id = $1`
	)
	if err := tx.QueryRow(ctx, lock, taskKey(id)).Scan(&started); err != nil || !started {
		return false, err
	}
	_, err = tx.Exec(ctx, start, id)
	return true, err
}

// reclaim makes pending again what dead processes left running: nobody holds its lock.
func (t *tasks) reclaim(ctx context.Context, tx pgx.Tx) error {
	const (
		running = `select id::text from backfill_tasks where status = 'running' order by id`
		free    = `
with free as (select pg_try_advisory_xact_lock(@key) as is_free)
update backfill_tasks set status = 'pending' from free
where id = @id and status = 'running' and is_free`
	)
	rows, _ := tx.Query(ctx, running) // CollectRows returns the error
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := tx.Exec(ctx, free, pgx.NamedArgs{"key": taskKey(id), "id": id}); err != nil {
			return err
		}
	}
	return nil
}

// PendingTasks reads the tasks that Claim would hand out next, and how many there are in all.
func (s *Store) PendingTasks(ctx context.Context, most int) (pending []refresh.Task, all int, err error) {
	rows, err := query[taskRow](ctx, s, pendingTasks, pgx.NamedArgs{"most": most})
	if err != nil {
		return nil, 0, fmt.Errorf("read the application's tasks: %w", err)
	}
	for _, row := range rows {
		pending, all = append(pending, row.task()), row.All
	}
	return pending, all, nil
}

const finishTask = `
update backfill_tasks set status = @status, finished_at = @finished_at, error_message = nullif(@error::text, '') where id = @id`

func queueTask(writes *pgx.Batch, t refresh.TaskResult) {
	writes.Queue(finishTask, pgx.NamedArgs{
		"id": t.ID, "status": string(t.Status), "finished_at": nullTime(t.FinishedAt), "error": t.Error})
}

func (r taskRow) task() refresh.Task {
	return refresh.Task{ID: r.ID, Symbol: r.Ticker, From: r.StartDate, To: r.EndDate}
}

func taskKey(id string) int64 { return lockKey("backfill_tasks:" + id) }

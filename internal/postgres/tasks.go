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
	store *Store
	conn  *pgx.Conn
}

// OpenTasks opens the application's tasks, which any number of processes may share.
func (s *Store) OpenTasks(ctx context.Context) (refresh.TaskQueue, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("open the application's tasks: %w", translate(err))
	}
	return &tasks{s, conn}, nil
}

// Close gives up what is claimed.
func (t *tasks) Close() { release(t.conn) }

// Claim makes pending tasks running that no other process is about to make so.
func (t *tasks) Claim(ctx context.Context, tickers, limit int, except []string) (claimed []refresh.Task, err error) {
	err = transact(ctx, t.conn, func(tx pgx.Tx) error {
		if err := t.store.fence(ctx, tx); err != nil {
			return err
		}
		if err := unlockTasks(ctx, tx); err != nil {
			return err
		}
		if err := reclaimTasks(ctx, tx); err != nil {
			return err
		}
		claimable, err := claimableTasks(ctx, tx, tickers, limit, except)
		if err != nil {
			return err
		}
		claimed, err = startTasks(ctx, tx, claimable)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", err)
	}
	return claimed, nil
}

// unlockTasks gives up what was claimed before.
func unlockTasks(ctx context.Context, tx pgx.Tx) error {
	_, err := exec(ctx, tx, `select pg_advisory_unlock_all()`, nil)
	return err
}

// reclaimTasks makes pending again what dead processes left running: nobody holds its lock.
func reclaimTasks(ctx context.Context, tx pgx.Tx) error {
	const (
		running = `select id::text from backfill_tasks where status = 'running' order by id`
		reclaim = `
with free as (select pg_try_advisory_xact_lock(@key) as is_free)
update backfill_tasks set status = 'pending' from free
where id = @id and status = 'running' and is_free`
	)
	ids, err := query(ctx, tx, pgx.RowTo[string], running, nil)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := exec(ctx, tx, reclaim, pgx.NamedArgs{"key": taskKey(id), "id": id}); err != nil {
			return err
		}
	}
	return nil
}

// claimableTasks returns pending tasks, and locks their rows; those of the same ticker come together.
func claimableTasks(ctx context.Context, tx pgx.Tx, tickers, limit int, except []string) ([]refresh.Task, error) {
	first, err := firstTasks(ctx, tx, min(tickers, limit), except)
	if err != nil {
		return nil, err
	}
	more, err := tasksOfSameTickers(ctx, tx, first, limit-len(first), except)
	return slices.Concat(first, more), err
}

// What the application writes need not be in lower case, and a date as JSON is ISO 8601 whatever the DateStyle.
const (
	taskColumns = `id::text, ticker, to_json(start_date) #>> '{}', to_json(end_date) #>> '{}', priority`
	isPending   = `lower(btrim(status, E' \t\r\n')) = 'pending'`
	taskOrder   = `lower(btrim(priority, E' \t\r\n')) <> 'high', created_at, id`
)

// firstTasks returns the tasks that decide which tickers are claimed.
func firstTasks(ctx context.Context, tx pgx.Tx, limit int, except []string) ([]refresh.Task, error) {
	const statement = `
select ` + taskColumns + `
from backfill_tasks
where ` + isPending + ` and not id = any(@except::uuid[])
order by ` + taskOrder + `
limit @limit
for update skip locked`
	return query(ctx, tx, scanTask, statement, pgx.NamedArgs{"limit": limit, "except": nonNil(except)})
}

// tasksOfSameTickers returns what else is pending of the tickers of tasks.
func tasksOfSameTickers(ctx context.Context, tx pgx.Tx, first []refresh.Task, limit int, except []string) ([]refresh.Task, error) {
	const statement = `
select ` + taskColumns + `
from backfill_tasks
where ` + isPending + ` and ticker = any(@tickers::text[]) and not id = any(@except::uuid[])
order by ` + taskOrder + `
limit @limit
for update skip locked`
	symbols, ids := []string{}, nonNil(except)
	for _, task := range first {
		symbols, ids = append(symbols, task.Symbol), append(ids, task.ID)
	}
	return query(ctx, tx, scanTask, statement, pgx.NamedArgs{"tickers": symbols, "except": ids, "limit": limit})
}

// nonNil returns a list that is not NULL in Postgres.
func nonNil(texts []string) []string { return append([]string{}, texts...) }

// startTasks returns those of the tasks that no other process has.
func startTasks(ctx context.Context, tx pgx.Tx, claimable []refresh.Task) ([]refresh.Task, error) {
	var started []refresh.Task
	for _, task := range claimable {
		locked, err := lockTask(ctx, tx, task.ID)
		if err == nil && locked {
			err = startTask(ctx, tx, task.ID)
			started = append(started, task)
		}
		if err != nil {
			return nil, err
		}
	}
	return started, nil
}

// lockTask comes before the task is seen to run, so that nobody takes it for one of a dead process.
func lockTask(ctx context.Context, tx pgx.Tx, id string) (locked bool, err error) {
	return queryOne[bool](ctx, tx, `select pg_try_advisory_lock(@key)`, pgx.NamedArgs{"key": taskKey(id)})
}

func startTask(ctx context.Context, tx pgx.Tx, id string) error {
	_, err := exec(ctx, tx, `update backfill_tasks set status = 'running' where id = @id`, pgx.NamedArgs{"id": id})
	return err
}

// PendingTasks returns the tasks that Claim would hand out next, and how many there are in all.
func (s *Store) PendingTasks(ctx context.Context, limit int) (pending []refresh.Task, all int, err error) {
	const statement = `
select ` + taskColumns + `, (count(*) over ())::integer
from backfill_tasks
where ` + isPending + `
order by ` + taskOrder + `
limit @limit`
	pending, err = query(ctx, s.pool, func(row pgx.CollectableRow) (task refresh.Task, err error) {
		err = row.Scan(&task.ID, &task.Symbol, &task.From, &task.To, &task.Priority, &all)
		return task, err
	}, statement, pgx.NamedArgs{"limit": limit})
	if err != nil {
		return nil, 0, fmt.Errorf("read the application's tasks: %w", err)
	}
	return pending, all, nil
}

func scanTask(row pgx.CollectableRow) (task refresh.Task, err error) {
	err = row.Scan(&task.ID, &task.Symbol, &task.From, &task.To, &task.Priority)
	return task, err
}

func queueFinishTasks(writes *pgx.Batch, results []refresh.TaskResult) {
	const statement = `
update backfill_tasks
set status = @status, error_message = nullif(@error::text, ''),
    finished_at = case when @finished_at::timestamp is not null then greatest(created_at, @finished_at::timestamp) end
where id = @id`
	for _, r := range results {
		writes.Queue(statement, pgx.NamedArgs{
			"id": r.ID, "status": string(r.Status), "finished_at": stamp(r.FinishedAt), "error": r.Error})
	}
}

func taskKey(id string) int64 { return lockKey("backfill_tasks:" + id) }

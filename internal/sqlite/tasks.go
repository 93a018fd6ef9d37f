package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gofrs/flock"

	"papertrade/internal/refresh"
)

// tasksJob names the lock of the process that has the application's tasks.
const tasksJob = "tasks"

// tasks is the application's backfill_tasks in the hands of this process alone.
type tasks struct {
	store *Store
	lock  *flock.Flock
}

// OpenTasks opens the application's tasks. A file has no rows that others skip, so that one process at a
// time has them all; for any other the error is refresh.ErrLocked.
func (s *Store) OpenTasks(context.Context) (refresh.TaskQueue, error) {
	lock, err := s.tryLock(tasksJob)
	if err != nil {
		return nil, err
	}
	return &tasks{s, lock}, nil
}

// Close lets another process have the tasks.
func (t *tasks) Close() { _ = t.lock.Unlock() }

// Claim makes pending tasks running.
func (t *tasks) Claim(ctx context.Context, tickers, limit int, except []string) (claimed []refresh.Task, err error) {
	err = t.store.transact(ctx, func(tx *sql.Tx) error {
		if err := reclaimTasks(ctx, tx); err != nil {
			return err
		}
		if claimed, err = claimableTasks(ctx, tx, tickers, limit, except); err != nil {
			return err
		}
		for _, task := range claimed {
			if err := startTask(ctx, tx, task.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", err)
	}
	return claimed, nil
}

// reclaimTasks makes pending again what a dead process left running: no other process has tasks.
func reclaimTasks(ctx context.Context, tx *sql.Tx) error {
	_, err := exec(ctx, tx, `update backfill_tasks set status = 'pending' where status = 'running'`)
	return err
}

// What the application writes need not be in lower case.
const (
	taskColumns = `id, ticker, cast(start_date as text), cast(end_date as text), priority`
	isPending   = `lower(trim(status, char(32, 9, 10, 13))) = 'pending'`
	taskOrder   = `lower(trim(priority, char(32, 9, 10, 13))) <> 'high', coalesce(utc_stamp(created_at), created_at), id`
)

// claimableTasks returns pending tasks; those of the same ticker come together.
func claimableTasks(ctx context.Context, tx *sql.Tx, tickers, limit int, except []string) ([]refresh.Task, error) {
	const statement = `
with pending as (
    select *, row_number() over (order by ` + taskOrder + `) as place
    from backfill_tasks
    where ` + isPending + ` and id not in (select value from json_each(?)))
select ` + taskColumns + `
from pending
where ticker in (select ticker from pending group by ticker order by min(place) limit ?)
order by place
limit ?`
	ids, err := list(append([]string{}, except...)) // which is not null
	if err != nil {
		return nil, err
	}
	return query(ctx, tx, scanTask, statement, ids, tickers, limit)
}

func startTask(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := exec(ctx, tx, `update backfill_tasks set status = 'running' where id = ?`, id)
	return err
}

// PendingTasks returns the tasks that Claim would hand out next, and how many there are in all.
func (s *Store) PendingTasks(ctx context.Context, limit int) (pending []refresh.Task, all int, err error) {
	const statement = `
select ` + taskColumns + `, count(*) over ()
from backfill_tasks
where ` + isPending + `
order by ` + taskOrder + `
limit ?`
	pending, err = query(ctx, s.db, func(rows *sql.Rows) (task refresh.Task, err error) {
		err = rows.Scan(&task.ID, &task.Symbol, &task.From, &task.To, &task.Priority, &all)
		return task, err
	}, statement, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read the application's tasks: %w", err)
	}
	return pending, all, nil
}

func scanTask(rows *sql.Rows) (task refresh.Task, err error) {
	err = rows.Scan(&task.ID, &task.Symbol, &task.From, &task.To, &task.Priority)
	return task, err
}

func finishTasks(ctx context.Context, tx *sql.Tx, results []refresh.TaskResult) error {
	const statement = `
update backfill_tasks
set status = ?1, finished_at = max(coalesce(utc_stamp(created_at), ?2), ?2), error_message = nullif(?3, '')
where id = ?4`
	for _, r := range results {
		if _, err := exec(ctx, tx, statement, string(r.Status), stamp(r.FinishedAt), r.Error, r.ID); err != nil {
			return fmt.Errorf("task %s: %w", r.ID, err)
		}
	}
	return nil
}

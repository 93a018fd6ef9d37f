package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gofrs/flock"

	"papertrade/internal/refresh"
)

// tasksJob names the lock of the process that works off the application's tasks.
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

const pendingTasks = `
select id, ticker, cast(start_date as text), cast(end_date as text), count(*) over ()
from backfill_tasks
where status = 'pending'
order by priority <> 'high', created_at, id
limit ?`

// Tasks of the same ticker come together.
const claimableTasks = `
with pending as (
    select *, row_number() over (order by priority <> 'high', created_at, id) as place from backfill_tasks where status = 'pending')
select id, ticker, cast(start_date as text), cast(end_date as text), 0
from pending
where ticker in (select ticker from pending group by ticker order by min(place) limit ?)
order by place
limit ?`

const finishTask = `update backfill_tasks set status = ?, finished_at = ?, error_message = nullif(?, '') where id = ?`

// Claim makes pending tasks running. No other process works, so those that run already have no owner.
func (t *tasks) Claim(ctx context.Context, tickers, most int) (claimed []refresh.Task, err error) {
	err = t.store.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `update backfill_tasks set status = 'pending' where status = 'running'`); err != nil {
			return err
		}
		if claimed, _, err = readTasks(ctx, tx, claimableTasks, tickers, most); err != nil {
			return err
		}
		for _, task := range claimed {
			if _, err := tx.ExecContext(ctx, `update backfill_tasks set status = 'running' where id = ?`, task.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", translate(err))
	}
	return claimed, nil
}

// PendingTasks reads the tasks that Claim would hand out next, and how many there are in all.
func (s *Store) PendingTasks(ctx context.Context, most int) (pending []refresh.Task, all int, err error) {
	if pending, all, err = readTasks(ctx, s.db, pendingTasks, most); err != nil {
		return nil, 0, fmt.Errorf("read the application's tasks: %w", translate(err))
	}
	return pending, all, nil
}

func readTasks(ctx context.Context, db querier, query string, args ...any) (found []refresh.Task, all int, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	found, err = collect(rows, func(rows *sql.Rows) (task refresh.Task, err error) {
		err = rows.Scan(&task.ID, &task.Symbol, &task.From, &task.To, &all)
		return task, err
	})
	return found, all, err
}

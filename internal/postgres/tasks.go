package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

// tasksLease is the name of the leases of processes that share the application's tasks, each of which has one with a number
// behind it.
const tasksLease = "tasks"

// tasks is the application's backfill_tasks as several processes share them. What a process has claimed is running, and is
// written down as claimed with its lease.
type tasks struct {
	store  *Store
	held   lease
	unlock func()
}

// OpenTasks opens the application's tasks, which any number of processes may share. From then on the store writes only as long
// as it has the lease of that.
func (s *Store) OpenTasks(ctx context.Context) (refresh.TaskQueue, error) {
	for n := 1; ; n++ {
		held, unlock, err := s.hold(ctx, fmt.Sprint(tasksLease, " ", n))
		switch {
		case err == nil:
			return &tasks{s, held, unlock}, nil
		case !errors.Is(err, refresh.ErrLocked):
			return nil, fmt.Errorf("open the application's tasks: %w", err)
		}
	}
}

// Close gives up what is claimed.
func (t *tasks) Close() { t.unlock() }

// Claim makes pending tasks running that no other process is about to make so, and gives up what was claimed before.
func (t *tasks) Claim(ctx context.Context, tickers, limit int, except []string) (claimed []refresh.Task, err error) {
	if err := t.store.revokeClaimants(ctx); err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", err)
	}
	err = transact(ctx, t.store.pool, func(tx pgx.Tx) error {
		var writes pgx.Batch
		t.store.queueFence(&writes)
		queueTurn(&writes)
		queueDropClaims(&writes, t.held)
		queueReclaimTasks(&writes)
		if err := send(ctx, tx, &writes); err != nil {
			return err
		}
		if claimed, err = claimableTasks(ctx, tx, tickers, limit, except); err != nil {
			return err
		}
		return startTasks(ctx, tx, t.held, claimed)
	})
	if err != nil {
		return nil, fmt.Errorf("claim the application's tasks: %w", err)
	}
	return claimed, nil
}

// revokeClaimants takes the leases of processes that have claimed tasks and are gone, or did not renew them in time.
func (s *Store) revokeClaimants(ctx context.Context) error {
	const statement = `select distinct lease from papertrade.papertrade_task_claims`
	names, err := query(ctx, s.pool, pgx.RowTo[string], statement, nil)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.revokeDead(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// queueDropClaims drops the claims of the process itself, and of any that has no lease any more.
func queueDropClaims(writes *pgx.Batch, own lease) {
	const statement = `
delete from papertrade.papertrade_task_claims as claim
where claim.lease = @name or not exists (
    select from papertrade.papertrade_leases as lease
    where lease.name = claim.lease and lease.token = claim.token and lease.holder is not null)`
	writes.Queue(statement, own.args())
}

const isUnclaimed = `not exists (select from papertrade.papertrade_task_claims where task_id = backfill_tasks.id)`

// queueReclaimTasks makes pending again what dead processes left running: nobody claims it.
func queueReclaimTasks(writes *pgx.Batch) {
	const statement = `
update backfill_tasks set status = 'pending'
where id = any(array(select id from backfill_tasks where status = 'running' and ` + isUnclaimed + ` ` + skipLocked + `))`
	writes.Queue(statement)
}

// skipLocked leaves tasks alone that the application has in a transaction, which can take it minutes. YugabyteDB refuses it to
// a serializable transaction, which ours are not unless the database's owner makes that the default; Citus to a table of
// several shards, which these few rows are not; CockroachDB before 22.2 to all.
const skipLocked = `for update skip locked`

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
where ` + isPending + ` and ` + isUnclaimed + ` and not id = any(@except::uuid[])
order by ` + taskOrder + `
limit @limit
` + skipLocked
	return query(ctx, tx, scanTask, statement, pgx.NamedArgs{"limit": limit, "except": nonNil(except)})
}

// tasksOfSameTickers returns what else is pending of the tickers of tasks.
func tasksOfSameTickers(ctx context.Context, tx pgx.Tx, first []refresh.Task, limit int, except []string) ([]refresh.Task, error) {
	const statement = `
select ` + taskColumns + `
from backfill_tasks
where ` + isPending + ` and ` + isUnclaimed + ` and ticker = any(@tickers::text[]) and not id = any(@except::uuid[])
order by ` + taskOrder + `
limit @limit
` + skipLocked
	symbols, ids := []string{}, nonNil(except)
	for _, task := range first {
		symbols, ids = append(symbols, task.Symbol), append(ids, task.ID)
	}
	return query(ctx, tx, scanTask, statement, pgx.NamedArgs{"tickers": symbols, "except": ids, "limit": limit})
}

// nonNil returns a list that is not NULL in Postgres.
func nonNil(texts []string) []string { return append([]string{}, texts...) }

// startTasks makes tasks running, and writes down whose they are.
func startTasks(ctx context.Context, tx pgx.Tx, claimant lease, claimable []refresh.Task) error {
	const (
		claim = `
insert into papertrade.papertrade_task_claims (task_id, lease, token) select id, @name, @token from unnest(@ids::uuid[]) as id`
		start = `update backfill_tasks set status = 'running' where id = any(@ids::uuid[])`
	)
	args := claimant.args()
	ids := make([]string, len(claimable))
	for i, task := range claimable {
		ids[i] = task.ID
	}
	args["ids"] = ids
	var writes pgx.Batch
	writes.Queue(claim, args)
	writes.Queue(start, args)
	return send(ctx, tx, &writes)
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
	const (
		drop   = `delete from papertrade.papertrade_task_claims where task_id = @id`
		finish = `
update backfill_tasks
set status = @status, error_message = nullif(@error::text, ''),
    finished_at = case when @finished_at::timestamp is not null then greatest(created_at, @finished_at::timestamp) end
where id = @id`
	)
	for _, r := range results {
		writes.Queue(drop, pgx.NamedArgs{"id": r.ID})
		writes.Queue(finish, pgx.NamedArgs{
			"id": r.ID, "status": string(r.Status), "finished_at": stamp(r.FinishedAt), "error": r.Error})
	}
}

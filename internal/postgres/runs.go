package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

// Conditions on rows of job_executions: that they are of this program and not of the application, and that they were runs
// of all active tickers besides. JSON, unlike text of Postgres, can have a zero character, on which its operators fail.
const (
	readable    = `(case when strpos(metadata::text, '\u0000') = 0 then metadata end)`
	isOurs      = `(` + readable + `->>'at' is not null)`
	isScheduled = `(` + isOurs + ` and ` + readable + `->>'mode' is null)`
)

// BeginRun writes the record of a run that starts. One that is alone closes those of ours of the same job name
// that a dead process left RUNNING. A record that is there has been written by an attempt whose answer was lost.
func (s *Store) BeginRun(ctx context.Context, run refresh.RunRecord, alone bool) error {
	var writes pgx.Batch
	s.queueFence(&writes)
	if alone {
		queueCloseDeadRuns(&writes, run)
	}
	queueInsertRun(&writes, run)
	if err := send(ctx, s.pool, &writes); err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

func queueCloseDeadRuns(writes *pgx.Batch, run refresh.RunRecord) {
	const statement = `
update job_executions
set status = 'FAILED', finished_at = greatest(started_at, @started_at), error_message = 'the process ended before the run did'
where job_name = @job_name and status = 'RUNNING' and id <> @id and ` + isOurs
	writes.Queue(statement, runArgs(run))
}

func queueInsertRun(writes *pgx.Batch, run refresh.RunRecord) {
	const statement = `
insert into job_executions (id, job_name, started_at, finished_at, status, error_message, metadata)
values (@id, @job_name, @started_at, @finished_at, @status, nullif(@error_message::text, ''), @metadata)
on conflict do nothing`
	writes.Queue(statement, runArgs(run))
}

const updateRun = `
update job_executions
set finished_at = @finished_at, status = @status, error_message = nullif(@error_message::text, ''), metadata = @metadata
where id = @id`

// FinishRun updates the record of a run that BeginRun wrote.
func (s *Store) FinishRun(ctx context.Context, run refresh.RunRecord) error {
	var writes pgx.Batch
	s.queueFence(&writes)
	writes.Queue(updateRun, runArgs(run)).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("no run %s is in job_executions", run.ID)
		}
		return nil
	})
	if err := send(ctx, s.pool, &writes); err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

func runArgs(run refresh.RunRecord) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": run.ID, "job_name": run.JobName, "status": run.Status, "error_message": run.ErrorMessage,
		"started_at": stamp(run.StartedAt), "finished_at": stamp(run.FinishedAt),
		"metadata": json.RawMessage(cmp.Or(string(run.Metadata), "{}")),
	}
}

// LastRun returns when the newest run of ours of a job name was started that was of all active tickers and SUCCEEDED, and was
// not started after by, if that is not zero.
func (s *Store) LastRun(ctx context.Context, job string, by time.Time) (time.Time, error) {
	const statement = `
select started_at
from job_executions
where job_name = @job and status = 'SUCCEEDED' and isfinite(started_at) and coalesce(started_at <= @by, true) and ` + isScheduled + `
order by started_at desc
limit 1`
	found, err := query(ctx, s.pool, pgx.RowTo[time.Time], statement, pgx.NamedArgs{"job": job, "by": stamp(by)})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run: %w", err)
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return found[0].UTC(), nil
}

// Runs returns the records of runs, the newest first.
func (s *Store) Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error) {
	const statement = `
select id::text, job_name, started_at, case when isfinite(finished_at) then finished_at end as finished_at,
    status, coalesce(error_message, '') as error_message, metadata
from job_executions
where job_name = any(@jobs::text[]) and (not @scheduled_only or ` + isScheduled + `)
    and (not @published or ` + readable + `->>'published' is not null)
    and isfinite(started_at) and coalesce(started_at <= @by, true) and coalesce(finished_at <= @by, true)
order by started_at desc, finished_at desc nulls first
limit @limit`
	found, err := query(ctx, s.pool, scanRun, statement,
		pgx.NamedArgs{
			"jobs": q.Jobs, "scheduled_only": q.ScheduledOnly, "published": q.Published, "by": stamp(q.By), "limit": q.Limit,
		})
	if err != nil {
		return nil, fmt.Errorf("read the last runs: %w", err)
	}
	return found, nil
}

func scanRun(row pgx.CollectableRow) (refresh.RunRecord, error) {
	r, err := pgx.RowToStructByName[struct {
		ID, JobName          string
		StartedAt            time.Time
		FinishedAt           *time.Time
		Status, ErrorMessage string
		Metadata             json.RawMessage
	}](row)
	return refresh.RunRecord{
		ID: r.ID, JobName: r.JobName, StartedAt: r.StartedAt.UTC(), FinishedAt: utc(r.FinishedAt),
		Status: r.Status, ErrorMessage: r.ErrorMessage, Metadata: r.Metadata,
	}, err
}

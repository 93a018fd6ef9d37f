package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"papertrade/internal/refresh"
)

const closeDeadRuns = `
update job_executions
set status = 'FAILED', finished_at = @started_at, error_message = 'the process ended before the run did'
where job_name = @job_name and status = 'RUNNING'`

const insertRun = `
insert into job_executions (id, job_name, started_at, finished_at, status, error_message, metadata)
values (@id, @job_name, @started_at, @finished_at, @status, nullif(@error_message::text, ''), @metadata)`

// BeginRun writes the record of a run that starts. One that is alone closes those of the same job name
// that a dead process left RUNNING.
func (s *Store) BeginRun(ctx context.Context, run refresh.RunRecord, alone bool) error {
	// Postgres takes the statements of a pgx batch as one transaction.
	var writes pgx.Batch
	if alone {
		writes.Queue(closeDeadRuns, runArgs(run))
	}
	writes.Queue(insertRun, runArgs(run))
	if err := translate(s.pool.SendBatch(ctx, &writes).Close()); err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

const updateRun = `
update job_executions
set finished_at = @finished_at, status = @status, error_message = nullif(@error_message::text, ''), metadata = @metadata
where id = @id`

// FinishRun updates the record of a run that BeginRun wrote.
func (s *Store) FinishRun(ctx context.Context, run refresh.RunRecord) error {
	updated, err := s.pool.Exec(ctx, updateRun, runArgs(run))
	if err != nil {
		return fmt.Errorf("record the run: %w", translate(err))
	}
	if updated.RowsAffected() == 0 {
		return fmt.Errorf("record the run: no run %s is in job_executions", run.ID)
	}
	return nil
}

func runArgs(run refresh.RunRecord) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": run.ID, "job_name": run.JobName, "status": run.Status, "error_message": run.ErrorMessage,
		"started_at": run.StartedAt.UTC(), "finished_at": nullTime(run.FinishedAt),
		"metadata": json.RawMessage(cmp.Or(string(run.Metadata), "{}")),
	}
}

// nullTime is the time in UTC; the zero time is NULL.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// LastRun is when the newest run of a job name was started that was of all active tickers and SUCCEEDED.
func (s *Store) LastRun(ctx context.Context, job string) (time.Time, error) {
	const sql = `
select started_at
from job_executions
where job_name = @job and status = 'SUCCEEDED' and metadata->>'mode' is null
order by started_at desc
limit 1`
	found, err := query[struct{ StartedAt time.Time }](ctx, s, sql, pgx.NamedArgs{"job": job})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run: %w", err)
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return found[0].StartedAt.UTC(), nil
}

const runs = `
select id::text, job_name, started_at, finished_at, status, coalesce(error_message, '') as error_message, metadata
from job_executions
where job_name = any(@jobs::text[]) and (not @whole or metadata->>'mode' is null)
order by started_at desc, finished_at desc nulls first
limit @most`

// Runs reads the records of runs, the newest first.
func (s *Store) Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error) {
	type row struct {
		ID, JobName          string
		StartedAt            time.Time
		FinishedAt           *time.Time
		Status, ErrorMessage string
		Metadata             json.RawMessage
	}
	found, err := query[row](ctx, s, runs, pgx.NamedArgs{"jobs": q.Jobs, "whole": q.ScheduledOnly, "most": q.Limit})
	if err != nil {
		return nil, fmt.Errorf("read the last runs: %w", err)
	}
	var records []refresh.RunRecord
	for _, r := range found {
		records = append(records, refresh.RunRecord{
			ID: r.ID, JobName: r.JobName, StartedAt: r.StartedAt.UTC(), FinishedAt: utc(r.FinishedAt),
			Status: r.Status, ErrorMessage: r.ErrorMessage, Metadata: r.Metadata,
		})
	}
	return records, nil
}

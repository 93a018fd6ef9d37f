package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"papertrade/internal/refresh"
)

// Conditions on rows of job_executions: that they are of this program and not of the application, and that they were runs
// of all active tickers besides.
const (
	readable    = `iif(json_valid(metadata), metadata, null)`
	isOurs      = `(json_extract(` + readable + `, '$.at') is not null)`
	isScheduled = `(` + isOurs + ` and json_extract(` + readable + `, '$.mode') is null)`
)

// BeginRun writes the record of a run that starts. One that is alone closes those of ours of the same job name
// that a dead process left RUNNING. A record that is there has been written by an attempt whose answer was lost.
func (s *Store) BeginRun(ctx context.Context, run refresh.RunRecord, alone bool) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if alone {
			if err := closeDeadRuns(ctx, tx, run); err != nil {
				return err
			}
		}
		return insertRun(ctx, tx, run)
	})
	if err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

func closeDeadRuns(ctx context.Context, tx *sql.Tx, run refresh.RunRecord) error {
	const statement = `
update job_executions
set status = 'FAILED', finished_at = max(coalesce(utc_stamp(started_at), ?1), ?1),
    error_message = 'the process ended before the run did'
where job_name = ?2 and status = 'RUNNING' and id not in (?3, ?4) and ` + isOurs
	_, err := exec(ctx, tx, statement, stamp(run.StartedAt), run.JobName, run.ID, compact(run.ID))
	return err
}

func insertRun(ctx context.Context, tx *sql.Tx, run refresh.RunRecord) error {
	// SQLAlchemy's CHAR(32) columns hold a UUID without its hyphens.
	const statement = `
insert into job_executions (id, job_name, started_at, finished_at, status, error_message, metadata)
values (
    case (select upper(type) from pragma_table_info('job_executions') where name = 'id')
        when 'CHAR(32)' then replace(?1, '-', '') else ?1 end,
    ?2, ?3, ?4, ?5, nullif(?6, ''), ?7)
on conflict do nothing`
	_, err := exec(ctx, tx, statement,
		run.ID, run.JobName, stamp(run.StartedAt), stamp(run.FinishedAt), run.Status, run.ErrorMessage, metadata(run))
	return err
}

// FinishRun updates the record of a run that BeginRun wrote.
func (s *Store) FinishRun(ctx context.Context, run refresh.RunRecord) error {
	found, err := updateRun(ctx, s.db, run)
	if err == nil && !found {
		err = fmt.Errorf("no run %s is in job_executions", run.ID)
	}
	if err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	return nil
}

// updateRunByID finds an ID in either of the forms that insertRun writes, by the index of the table: each commit of a run
// runs it.
const updateRunByID = `
update job_executions
set finished_at = ?, status = ?, error_message = nullif(?, ''), metadata = ?
where id in (?, ?)`

func updateRun(ctx context.Context, db executor, run refresh.RunRecord) (found bool, err error) {
	rows, err := exec(ctx, db, updateRunByID, stamp(run.FinishedAt), run.Status, run.ErrorMessage, metadata(run),
		run.ID, compact(run.ID))
	return rows > 0, err
}

// compact returns a UUID without its hyphens.
func compact(id string) string { return strings.ReplaceAll(id, "-", "") }

func metadata(run refresh.RunRecord) string { return cmp.Or(string(run.Metadata), "{}") }

// LastRun returns when the newest run of ours of a job name was started that was of all active tickers and SUCCEEDED, and was
// not started after by, if that is not zero. One whose start is not a time does not count.
func (s *Store) LastRun(ctx context.Context, job string, by time.Time) (time.Time, error) {
	const statement = `
select utc_stamp(started_at)
from job_executions
where job_name = ? and status = 'SUCCEEDED' and utc_stamp(started_at) is not null
	and coalesce(utc_stamp(started_at) <= ?, true) and ` + isScheduled + `
order by utc_stamp(started_at) desc
limit 1`
	found, err := query(ctx, s.db, scanStamp, statement, job, stamp(by))
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last run: %w", err)
	}
	if len(found) == 0 {
		return time.Time{}, nil
	}
	return found[0], nil
}

// Runs returns the records of runs, the newest first. One whose start is not a time is left out.
func (s *Store) Runs(ctx context.Context, q refresh.RunQuery) ([]refresh.RunRecord, error) {
	const statement = `
select id, job_name, strftime('%Y-%m-%d %H:%M:%f', started_at), strftime('%Y-%m-%d %H:%M:%f', finished_at),
    status, coalesce(error_message, ''), iif(json_valid(metadata), cast(metadata as text), '')
from job_executions
where job_name in (select value from json_each(?1)) and unixepoch(started_at) is not null
    and (not ?2 or ` + isScheduled + `)
    and (not ?3 or iif(json_valid(metadata), json_extract(metadata, '$.published'), null) is not null)
    and coalesce(utc_stamp(started_at) <= ?4, true) and coalesce(utc_stamp(finished_at) <= ?4, true)
order by unixepoch(started_at, 'subsec') desc, finished_at is not null, unixepoch(finished_at, 'subsec') desc
limit ?5`
	jobs, err := list(q.Jobs)
	if err != nil {
		return nil, err
	}
	found, err := query(ctx, s.db, scanRun, statement, jobs, q.ScheduledOnly, q.Published, stamp(q.By), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the last runs: %w", err)
	}
	return found, nil
}

func scanRun(rows *sql.Rows) (run refresh.RunRecord, err error) {
	var started, finished sql.NullString
	var metadata string
	if err = rows.Scan(&run.ID, &run.JobName, &started, &finished, &run.Status, &run.ErrorMessage, &metadata); err != nil {
		return run, err
	}
	times, err := parseStamps(started, finished)
	if err != nil {
		return run, err
	}
	run.StartedAt, run.FinishedAt = times[0], times[1]
	if id, err := uuid.Parse(run.ID); err == nil {
		run.ID = id.String()
	}
	if metadata != "" {
		run.Metadata = json.RawMessage(metadata)
	}
	return run, nil
}

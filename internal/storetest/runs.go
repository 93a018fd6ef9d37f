package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"papertrade/internal/refresh"
)

const runRows = `
	select replace(cast(id as text), '-', '') || ' ' || job_name || ' ' || substr(cast(started_at as text), 1, 19)
		|| ' ' || coalesce(substr(cast(finished_at as text), 1, 19), '-') || ' ' || status
		|| ' ' || coalesce(error_message, '-') || ' ' || cast(metadata as text)
	from job_executions order by started_at, job_name`

func runs(t *testing.T, db Database) {
	store := db.Open(t)
	record := run(runID)
	record.StartedAt = midnight.In(time.FixedZone("", -7*60*60))
	noError(t, store.BeginRun(t.Context(), record, true))
	const begun = "6f1c7a524a0e4f4e8d0b2f1f5a3c9e10 refresh_active_stocks 2026-11-21 00:00:00 "
	equal(t, db.Texts(t, runRows), []string{begun + "- RUNNING - " + ours})

	record.FinishedAt = midnight.Add(time.Minute).In(time.FixedZone("", 9*60*60))
	record.Status, record.ErrorMessage, record.Metadata = "FAILED", "nothing came", []byte(`{"calls": 7}`)
	noError(t, store.FinishRun(t.Context(), record))
	equal(t, db.Texts(t, runRows), []string{begun + `2026-11-21 00:01:00 FAILED nothing came {"calls": 7}`})

	record.ID = "00000000-0000-0000-0000-000000000001"
	if err := store.FinishRun(t.Context(), record); err == nil || !strings.Contains(err.Error(), record.ID) {
		t.Errorf("error %v, want one that names the run", err)
	}
}

func deadRuns(t *testing.T, db Database) {
	store := db.Open(t)
	dead, other, next := run("00000000-0000-0000-0000-000000000001"), run("00000000-0000-0000-0000-000000000002"), run(runID)
	dead.StartedAt = midnight.AddDate(0, 0, -1)
	other.StartedAt, other.JobName = dead.StartedAt, "something_else"
	for _, record := range []refresh.RunRecord{dead, other, next} {
		noError(t, store.BeginRun(t.Context(), record, true))
	}
	next.Status, next.FinishedAt = "SUCCEEDED", midnight.Add(time.Minute)
	noError(t, store.FinishRun(t.Context(), next))
	later := run("00000000-0000-0000-0000-000000000003")
	later.StartedAt = midnight.AddDate(0, 0, 1)
	noError(t, store.BeginRun(t.Context(), later, true))
	equal(t, db.Texts(t, runRows), []string{
		"00000000000000000000000000000001 refresh_active_stocks 2026-11-20 00:00:00 2026-11-21 00:00:00 FAILED the process ended before the run did " + ours,
		"00000000000000000000000000000002 something_else 2026-11-20 00:00:00 - RUNNING - " + ours,
		"6f1c7a524a0e4f4e8d0b2f1f5a3c9e10 refresh_active_stocks 2026-11-21 00:00:00 2026-11-21 00:01:00 SUCCEEDED - " + ours,
		"00000000000000000000000000000003 refresh_active_stocks 2026-11-22 00:00:00 - RUNNING - " + ours,
	})
}

// Of a row of the application nothing is known but what it says: it is not closed, and not counted, whatever its metadata are.
func runsOfApplication(t *testing.T, db Database) {
	store := db.Open(t)
	const statuses = `select status || ' ' || coalesce(substr(cast(finished_at as text), 1, 19), '-') from job_executions order by id`
	foreign := []string{`{}`, `null`, `[]`, `"at"`, `3`, `{"at": null}`, `{"duration_seconds": 4.5}`, `{"zero": "\u0000"}`}
	for i, metadata := range foreign {
		status, finished := "RUNNING", "null"
		if i%2 == 0 {
			status, finished = "SUCCEEDED", "'2020-01-01 00:00:01'"
		}
		db.Exec(t, fmt.Sprintf(`insert into job_executions (id, job_name, started_at, finished_at, status, metadata)
			values ('00000000-0000-0000-0000-00000000000%d', 'refresh_active_stocks', '2020-01-01 00:00:00', %s, '%s', '%s')`,
			i, finished, status, metadata))
	}
	before := db.Texts(t, statuses)
	last, err := store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	noError(t, err)
	equal(t, last, time.Time{})
	noError(t, store.BeginRun(t.Context(), run(runID), true))
	equal(t, db.Texts(t, statuses), append(before, "RUNNING -"))
	scheduled, err := store.Runs(t.Context(), refresh.RunQuery{Jobs: []string{"refresh_active_stocks"}, ScheduledOnly: true, Limit: 9})
	noError(t, err)
	equal(t, scheduled, []refresh.RunRecord{run(runID)})
	published, err := store.Runs(t.Context(), refresh.RunQuery{Jobs: []string{"refresh_active_stocks"}, Published: true, Limit: 9})
	noError(t, err)
	equal(t, published, nil)
	all, err := store.Runs(t.Context(), refresh.RunQuery{Jobs: []string{"refresh_active_stocks"}, Limit: 99})
	noError(t, err)
	equal(t, len(all), len(foreign)+1)
	pruned, err := store.DeleteExpiredRuns(t.Context(), []string{"refresh_active_stocks"}, midnight, 99)
	noError(t, err)
	equal(t, pruned, 0)
}

// The run that closes a dead one can go by an earlier clock: no run finishes before it has started.
func deadRunsOfLaterClock(t *testing.T, db Database) {
	store := db.Open(t)
	dead, next := run("00000000-0000-0000-0000-000000000001"), run(runID)
	dead.StartedAt = midnight.Add(time.Hour + 1999*time.Nanosecond)
	noError(t, store.BeginRun(t.Context(), dead, true))
	noError(t, store.BeginRun(t.Context(), next, true))
	equal(t, db.Texts(t, `select cast(id as text) from job_executions where finished_at < started_at`), nil)
	equal(t, db.Texts(t, runRows)[1], "00000000000000000000000000000001 refresh_active_stocks 2026-11-21 01:00:00 2026-11-21 01:00:00 FAILED "+
		"the process ended before the run did "+ours)
}

func lastRun(t *testing.T, db Database) {
	store := db.Open(t)
	last, err := store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	noError(t, err)
	equal(t, last, time.Time{})
	for i, end := range []struct{ job, status, metadata string }{
		{"refresh_active_stocks", "SUCCEEDED", `{"at": 1, "status": "partial"}`},
		{"refresh_active_stocks", "SUCCEEDED", ours},
		{"refresh_active_stocks", "SUCCEEDED", `{"at": 1, "mode": "named"}`},
		{"refresh_active_stocks", "FAILED", ours},
		{"something_else", "SUCCEEDED", ours},
		{"refresh_active_stocks", "SUCCEEDED", `{"duration_seconds": 4.5}`},
		{"refresh_active_stocks", "RUNNING", ours},
	} {
		record := run(fmt.Sprintf("00000000-0000-0000-0000-%012d", i))
		record.JobName, record.StartedAt, record.Metadata = end.job, midnight.Add(time.Duration(i)*time.Hour), []byte(end.metadata)
		noError(t, store.BeginRun(t.Context(), record, true))
		if end.status != "RUNNING" {
			record.Status, record.FinishedAt = end.status, record.StartedAt.Add(time.Minute)
			noError(t, store.FinishRun(t.Context(), record))
		}
	}
	last, err = store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	noError(t, err)
	equal(t, last, midnight.Add(time.Hour))
	for by, want := range map[time.Time]time.Time{midnight.Add(time.Hour): midnight.Add(time.Hour), midnight.Add(time.Hour - 1000): midnight} {
		last, err = store.LastRun(t.Context(), "refresh_active_stocks", by)
		noError(t, err)
		equal(t, last, want)
	}
}

func newestRuns(t *testing.T, db Database) {
	store := db.Open(t)
	id := func(i int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", i) }
	begun := func(i int, job string, at time.Time, metadata string) refresh.RunRecord {
		record := refresh.RunRecord{ID: id(i), JobName: job, StartedAt: at, Status: "RUNNING", Metadata: []byte(metadata)}
		noError(t, store.BeginRun(t.Context(), record, false))
		return record
	}
	first := begun(1, "refresh_active_stocks", midnight, `{"at": 1, "calls": 7}`)
	first.Metadata = []byte(`{"at": 1, "calls": 7, "published": [{"exchange": "XNYS"}]}`)
	first.Status, first.FinishedAt, first.ErrorMessage = "FAILED", midnight.Add(time.Minute), "nothing came"
	noError(t, store.FinishRun(t.Context(), first))
	named := begun(2, "refresh_active_stocks", midnight.Add(time.Hour), `{"at": 1, "mode": "named"}`)
	fill := begun(3, "backfill_active_stocks", midnight.Add(90*time.Minute), ours)
	begun(4, "something_else", midnight.Add(2*time.Hour), ours)
	foreign := begun(5, "refresh_active_stocks", midnight.Add(time.Hour), `[]`)
	foreign.Status, foreign.FinishedAt = "SUCCEEDED", midnight.Add(time.Hour+time.Minute)
	noError(t, store.FinishRun(t.Context(), foreign))
	db.Exec(t, `update job_executions set started_at = '2026-11-21T01:30:00', metadata = 'null'
		where job_name = 'refresh_active_stocks' and status = 'SUCCEEDED'`)
	foreign.StartedAt, foreign.Metadata = midnight.Add(90*time.Minute), []byte(`null`)

	// Among runs that began at the same time, those that have not ended come first, then the one that ended last.
	var ended [2]refresh.RunRecord
	for i := range ended {
		ended[i] = begun(6+i, "intraday_active_stocks", midnight, `{}`)
		ended[i].Status, ended[i].FinishedAt = "SUCCEEDED", midnight.Add(time.Duration(i+1)*time.Minute)
		noError(t, store.FinishRun(t.Context(), ended[i]))
	}
	running := begun(8, "intraday_active_stocks", midnight, `{}`)

	jobs := []string{"refresh_active_stocks", "backfill_active_stocks"}
	for _, test := range []struct {
		query refresh.RunQuery
		want  []refresh.RunRecord
	}{
		{refresh.RunQuery{Jobs: jobs, Limit: 9}, []refresh.RunRecord{fill, foreign, named, first}},
		{refresh.RunQuery{Jobs: jobs, Limit: 2}, []refresh.RunRecord{fill, foreign}},
		{refresh.RunQuery{Jobs: jobs, Limit: 9, Published: true}, []refresh.RunRecord{first}},
		{refresh.RunQuery{Jobs: jobs, Limit: 9, By: midnight.Add(90 * time.Minute)}, []refresh.RunRecord{fill, foreign, named, first}},
		{refresh.RunQuery{Jobs: jobs, Limit: 9, By: midnight.Add(time.Hour)}, []refresh.RunRecord{named, first}},
		{refresh.RunQuery{Jobs: jobs, Limit: 9, By: midnight.Add(time.Minute - 1000)}, nil},
		{refresh.RunQuery{Jobs: jobs[:1], Limit: 1, ScheduledOnly: true}, []refresh.RunRecord{first}},
		{refresh.RunQuery{Jobs: jobs[:1], Limit: 9, ScheduledOnly: true}, []refresh.RunRecord{first}},
		{refresh.RunQuery{Jobs: []string{"intraday_active_stocks"}, Limit: 9}, []refresh.RunRecord{running, ended[1], ended[0]}},
		{refresh.RunQuery{Jobs: []string{"nobody's"}, Limit: 9}, nil},
	} {
		got, err := store.Runs(t.Context(), test.query)
		noError(t, err)
		equal(t, got, test.want)
	}
}

func lock(t *testing.T, db Database) {
	first, second := db.Open(t), db.Open(t)
	unlock, err := first.Lock(t.Context(), "refresh")
	noError(t, err)
	if _, err := second.Lock(t.Context(), "refresh"); !errors.Is(err, refresh.ErrLocked) {
		t.Errorf("another store's error is %v, want ErrLocked", err)
	}
	if _, err := first.Lock(t.Context(), "refresh"); !errors.Is(err, refresh.ErrLocked) {
		t.Errorf("the same store's error is %v, want ErrLocked", err)
	}
	for job, want := range map[string]bool{"refresh": true, "prune": false} {
		holder, err := second.Locked(t.Context(), job)
		noError(t, err)
		equal(t, holder != nil, want)
	}
	unlockOther, err := second.Lock(t.Context(), "prune")
	noError(t, err)
	unlockOther()
	unlock()
	holder, err := second.Locked(t.Context(), "refresh")
	noError(t, err)
	equal(t, holder, nil)
	unlock, err = second.Lock(t.Context(), "refresh")
	noError(t, err)
	unlock()
}

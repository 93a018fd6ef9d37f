package storetest

import (
	"errors"
	"testing"
	"time"

	"papertrade/internal/refresh"
)

// tableMissing takes a table away from an open store: reads and writes return the same error.
func tableMissing(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `alter table job_executions rename to job_executions_away`)
	_, err := store.LastRun(t.Context(), "refresh_active_stocks", time.Time{})
	WantError(t, err, refresh.ErrTableMissing)
	WantError(t, store.BeginRun(t.Context(), run(runID), true), refresh.ErrTableMissing)
	WantError(t, store.FinishRun(t.Context(), run(runID)), refresh.ErrTableMissing)
	_, err = store.CommitBatch(t.Context(), refresh.Batch{Run: run(runID)})
	WantError(t, err, refresh.ErrTableMissing)
}

// A record that exists already is refused, and the closing of dead runs is rolled back with it.
func runRefused(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, store.BeginRun(t.Context(), run(runID), true))
	neverBegun := run("00000000-0000-0000-0000-000000000001")
	neverBegun.StartedAt = time.Time{}
	WantError(t, store.BeginRun(t.Context(), neverBegun, false), refresh.ErrRowRefused)
	equal(t, db.Texts(t, `select status from job_executions`), []string{"RUNNING"})
}

// A request that no database could answer is a bug of ours, not one of a store's errors.
func bugs(t *testing.T, db Database) {
	store := db.Open(t)
	_, unknownSource := store.Mentions(t.Context(), refresh.DiscoveryQuery{Sources: []refresh.Source{refresh.SourceArgument}})
	for _, err := range []error{unknownSource, store.FinishRun(t.Context(), run(runID))} {
		if err == nil || errors.As(err, new(refresh.StoreError)) {
			t.Errorf("error %v, want one that is not a StoreError", err)
		}
	}
}

// WantError fails the test if err is not want.
func WantError(t *testing.T, err error, want refresh.StoreError) {
	t.Helper()
	var got refresh.StoreError
	if !errors.As(err, &got) || got != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

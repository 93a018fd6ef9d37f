package storetest

import (
	"errors"
	"testing"

	"papertrade/internal/refresh"
)

// tableMissing takes a table away from an open store: reads and writes say so alike.
func tableMissing(t *testing.T, db Database) {
	store := db.Open(t)
	db.Exec(t, `alter table job_executions rename to job_executions_away`)
	_, err := store.LastRun(t.Context(), "refresh_active_stocks")
	WantError(t, err, refresh.ErrTableMissing)
	WantError(t, store.BeginRun(t.Context(), run(runID), true), refresh.ErrTableMissing)
	WantError(t, store.FinishRun(t.Context(), run(runID)), refresh.ErrTableMissing)
	_, err = store.CommitBatch(t.Context(), refresh.Batch{Run: run(runID)})
	WantError(t, err, refresh.ErrTableMissing)
}

// A record that exists already is refused, and takes the closing of dead runs with it.
func runRefused(t *testing.T, db Database) {
	store := db.Open(t)
	noError(t, store.BeginRun(t.Context(), run(runID), true))
	WantError(t, store.BeginRun(t.Context(), run(runID), true), refresh.ErrRowRefused)
	equal(t, db.Texts(t, `select status from job_executions`), []string{"RUNNING"})
}

// What is asked of a store that cannot be answered by any database is not one of a store's errors: it is a bug of ours.
func bugs(t *testing.T, db Database) {
	store := db.Open(t)
	_, unknownSource := store.Mentions(t.Context(), refresh.DiscoveryQuery{Sources: []refresh.Source{refresh.SourceArgument}})
	for _, err := range []error{unknownSource, store.FinishRun(t.Context(), run(runID))} {
		if err == nil || errors.As(err, new(refresh.StoreError)) {
			t.Errorf("error %v, want one that is not a StoreError", err)
		}
	}
}

// WantError reports an error that is not want, or is another of a store's errors besides.
func WantError(t *testing.T, err error, want refresh.StoreError) {
	t.Helper()
	var got refresh.StoreError
	if !errors.As(err, &got) || got != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

package refresh_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

// What one call has answered is committed even if the run is interrupted right after it, however small its batches are.
func TestAnInterruptedRunCommitsAWholeAnswer(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store := mustOpenStore(t, kind, newDatabase(t, kind))
			j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
			vendor.universe = symbols(2000)
			ctx, cancel := context.WithCancelCause(t.Context())
			interruption := errors.New("interrupted")
			j.Observe = func(e refresh.Event) {
				if committed, ok := e.(refresh.BatchCommitted); ok && committed.Batch == 2 {
					cancel(interruption)
				}
			}
			report, err := run(ctx, t, j, refresh.Options{Tickers: vendor.universe})
			// A slow machine may not manage all of it in the time that it has.
			if report.Counts.Refreshed < 500 || report.Counts.Refreshed == 2000 && err != nil {
				t.Errorf("%s: %+v, %v", report.Status, report.Counts, err)
			}
			if report.Counts.Refreshed < 2000 && !errors.Is(err, interruption) {
				t.Errorf("%+v, %v; want the interruption", report.Counts, err)
			}
		})
	}
}

// hangingStore takes its time to commit.
type hangingStore struct {
	refresh.Store
	commits chan time.Time
}

func (s *hangingStore) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	if len(batch.Prices) == 0 {
		return s.Store.CommitBatch(ctx, batch)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case s.commits <- time.Now():
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(2 * time.Second):
		return s.Store.CommitBatch(ctx, batch)
	}
}

// A store that does not answer in time holds an interrupted run up for less than a second, and costs no ticker: they are
// left to the next run. No commit begins once there is no time left for it.
func TestAnInterruptedRunWaitsForNoStore(t *testing.T) {
	store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
	j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
	vendor.universe = symbols(1200)
	slow := &hangingStore{Store: store, commits: make(chan time.Time, 10)}
	j.Store = slow
	ctx, cancel := context.WithCancelCause(t.Context())
	j.Observe = func(e refresh.Event) {
		if _, ok := e.(refresh.TickerEnded); ok {
			cancel(errors.New("interrupted"))
		}
	}
	begin := time.Now()
	report, err := run(ctx, t, j, refresh.Options{Tickers: vendor.universe})
	if want := (refresh.Counts{Active: 1200, Planned: 1200, Deferred: 1200}); report.Counts != want || report.Status != refresh.Interrupted || err == nil {
		t.Errorf("%s, %+v, %v; want all left to the next run", report.Status, report.Counts, err)
	}
	if took := time.Since(begin); took > 1500*time.Millisecond || len(slow.commits) != 1 {
		t.Errorf("it took %v, and %d commits", took, len(slow.commits))
	}
}

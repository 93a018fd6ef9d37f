package refresh_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
	"papertrade/internal/refresh"
)

// What one call has answered is committed even if the run is interrupted right after it, however small its batches are.
func TestAnInterruptedRunCommitsAWholeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
		j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
		vendor.universe = symbols(2000)
		// Each commit takes a while: there is no time for 400 of them.
		j.Store = &hangingStore{Store: store, delay: 20 * time.Millisecond}
		ctx, cancel := context.WithCancelCause(t.Context())
		j.Observe = func(e refresh.Event) {
			if committed, ok := e.(refresh.BatchCommitted); ok && committed.Batch == 2 {
				cancel(errors.New("interrupted"))
			}
		}
		report, err := run(ctx, t, j, refresh.Options{Tickers: vendor.universe})
		if report.Counts.Refreshed != 2000 || err != nil {
			t.Errorf("%s: %+v, %v; want all that was answered", report.Status, report.Counts, err)
		}
	})
}

// hangingStore takes its time to commit prices.
type hangingStore struct {
	refresh.Store
	delay   time.Duration
	commits int
}

func (s *hangingStore) CommitBatch(ctx context.Context, batch refresh.Batch) ([]refresh.StoredPrice, error) {
	if len(batch.Prices) > 0 {
		s.commits++
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.delay):
		}
	}
	return s.Store.CommitBatch(ctx, batch)
}

// A store that does not answer in time holds an interrupted run up for less than a second, and costs no ticker: they are
// left to the next run. No commit begins once there is no time left for it.
func TestAnInterruptedRunWaitsForNoStore(t *testing.T) {
	for _, tt := range []struct {
		delay     time.Duration
		refreshed int
		commits   int
		took      time.Duration
	}{
		{2 * time.Second, 0, 1, 700 * time.Millisecond},
		{200 * time.Millisecond, 1000, 2, 400 * time.Millisecond},
		{20 * time.Millisecond, 1200, 3, 60 * time.Millisecond},
	} {
		t.Run(tt.delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := mustOpenStore(t, "sqlite", newDatabase(t, "sqlite"))
				j, vendor := newFakeJob(store, wholeMarket, quota.Limit{Calls: 1000})
				vendor.universe = symbols(1200)
				hanging := &hangingStore{Store: store, delay: tt.delay}
				j.Store = hanging
				ctx, cancel := context.WithCancelCause(t.Context())
				var interrupted time.Time
				j.Observe = func(e refresh.Event) {
					if _, ok := e.(refresh.TickerEnded); ok && interrupted.IsZero() {
						interrupted = time.Now()
						cancel(errors.New("interrupted"))
					}
				}
				report, _ := run(ctx, t, j, refresh.Options{Tickers: vendor.universe})
				want := refresh.Counts{Active: 1200, Planned: 1200, Refreshed: tt.refreshed, Deferred: 1200 - tt.refreshed}
				if report.Counts != want || hanging.commits != tt.commits || time.Since(interrupted) != tt.took {
					t.Errorf("%+v after %v and %d commits; want %+v, %v, %d", report.Counts, time.Since(interrupted), hanging.commits, want, tt.took, tt.commits)
				}
			})
		})
	}
}

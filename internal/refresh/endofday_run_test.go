package refresh_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/marketdata"
)

// intradayRun is what came of an intraday run of the first watchlist.
type intradayRun struct {
	Counts refresh.Counts
	Status refresh.Status
	Kinds  map[string]int // of errors
	Asked  int
}

// newIntradayJob returns a job of a new process during a session, with a clock that tests move.
func newIntradayJob(t *testing.T, vendor *fakevantage.Server, store *sqlite.Store, clock *time.Time) *refresh.Job {
	t.Helper()
	if store == nil {
		store = newJob(t, vendor).Store.(*sqlite.Store)
	}
	j := newJobOn(t, vendor, store, quota.Limit{Calls: 500})
	j.BatchDelay, j.Now = 0, func() time.Time { return *clock }
	return j
}

func runIntraday(t *testing.T, j *refresh.Job, vendor *fakevantage.Server, force bool) (intradayRun, error) {
	t.Helper()
	before := len(vendor.Arrivals())
	report, err := run(t.Context(), t, j, refresh.Options{Kind: refresh.Intraday, Force: force})
	got := intradayRun{Counts: report.Counts, Status: report.Status, Kinds: map[string]int{}, Asked: len(vendor.Arrivals()) - before}
	for _, row := range report.Tickers {
		if row.Error != nil {
			got.Kinds[row.Error.Kind]++
		}
	}
	return got, err
}

// An intraday run of an end-of-day plan fails after the first batch, stores nothing, and is the only one of a day that
// asks.
func TestAnIntradayRunOfAnEndOfDayPlan(t *testing.T) {
	for _, batchSize := range []int{1, 5, 50} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
			clock := start
			vendor := fakevantage.New(fakevantage.Options{Now: func() time.Time { return clock }, EndOfDay: true})
			j := newIntradayJob(t, vendor, nil, &clock)
			store := j.Store.(*sqlite.Store)
			shows := min(7, max(3, batchSize)) // calls that show the plan
			failed := intradayRun{
				Counts: refresh.Counts{Active: 7, Planned: 7, Failed: shows, Deferred: 7 - shows}, Status: refresh.Failed,
				Kinds: map[string]int{"entitlement": shows}, Asked: shows,
			}
			skipped := intradayRun{Counts: refresh.Counts{Active: 7, Skipped: 7}, Status: refresh.Succeeded, Kinds: map[string]int{}}
			for _, step := range []struct {
				at    time.Time
				force bool
				want  intradayRun
			}{
				{start, false, failed},
				{start.Add(15 * time.Minute), false, skipped},
				{start.Add(time.Hour), true, failed},
				{start.Add(5 * time.Hour), false, skipped},
				{start.Add(3 * 24 * time.Hour), false, failed},
			} {
				clock = step.at
				j = newIntradayJob(t, vendor, store, &clock)
				j.BatchSize = batchSize
				got, err := runIntraday(t, j, vendor, step.force)
				if diff := cmp.Diff(step.want, got); diff != "" {
					t.Errorf("%d a batch, at %s (-want +got):\n%s", batchSize, step.at, diff)
				}
				if isFailed := step.want.Status == refresh.Failed; errors.Is(err, refresh.ErrEndOfDay) != isFailed || !isFailed && err != nil {
					t.Errorf("%d a batch, at %s: %v", batchSize, step.at, err)
				}
			}
			rows := texts(t, j, `select 'price' from price_history
				union all select 'refreshed' from ticker_watchlist where next_refresh_at is not null
				union all select 'state' from papertrade_ticker_states`)
			if len(rows) > 0 {
				t.Errorf("%d a batch: %v were stored", batchSize, rows)
			}

			// Once the plan has changed, one run by force finds out for all that follow.
			clock = clock.Add(time.Hour)
			vendor = fakevantage.New(fakevantage.Options{Now: func() time.Time { return clock }})
			refreshed := intradayRun{
				Counts: refresh.Counts{Active: 7, Planned: 7, Refreshed: 7}, Status: refresh.Succeeded, Kinds: map[string]int{}, Asked: 7,
			}
			for _, force := range []bool{true, false} {
				got, err := runIntraday(t, newIntradayJob(t, vendor, store, &clock), vendor, force)
				if diff := cmp.Diff(refreshed, got); diff != "" || err != nil {
					t.Errorf("by force: %t, %v (-want +got):\n%s", force, err, diff)
				}
				clock = clock.Add(10 * time.Minute)
			}
		})
	}
}

// A share that has not been traded yet says nothing of the plan as long as others have been.
func TestAThinlyTradedShareIsNoEvidenceOfAPlan(t *testing.T) {
	for _, batchSize := range []int{1, 2, 5} {
		synctest.Test(t, func(t *testing.T) {
			clock := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
			vendor := fakevantage.New(fakevantage.Options{Now: func() time.Time { return clock }})
			vendor.EndOfDay("META") // the first two
			vendor.EndOfDay("NVDA")
			j := newIntradayJob(t, vendor, nil, &clock)
			j.BatchSize = batchSize
			got, err := runIntraday(t, j, vendor, false)
			want := intradayRun{
				Counts: refresh.Counts{Active: 7, Planned: 7, Refreshed: 7}, Status: refresh.Succeeded, Kinds: map[string]int{}, Asked: 7,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%d a batch: %v (-want +got):\n%s", batchSize, err, diff)
			}
		})
	}
}

// What is remembered of a plan is of no concern to a run for closes.
func TestAnEndOfDayPlanHasCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)
		vendor := fakevantage.New(fakevantage.Options{Now: func() time.Time { return clock }, EndOfDay: true})
		j := newIntradayJob(t, vendor, nil, &clock)
		if _, err := runIntraday(t, j, vendor, false); !errors.Is(err, marketdata.ErrNotEntitled) {
			t.Errorf("%v, want an error of the plan", err)
		}
		clock = midnight()
		report, err := run(t.Context(), t, newIntradayJob(t, vendor, j.Store.(*sqlite.Store), &clock), refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 7}); err != nil || report.Counts != want {
			t.Errorf("%+v, %v; want %+v", report.Counts, err, want)
		}
	})
}

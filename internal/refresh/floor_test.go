package refresh_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
)

// tenPerDay leaves three calls to a run before one that needs a call for each of the seven tickers of the first watchlist.
var tenPerDay = []quota.Limit{{Calls: 100, Window: time.Second}, {Calls: 10}}

// storeWithPath is a store in which insertTask can put tasks.
func storeWithPath(t *testing.T) *sqlite.Store {
	t.Helper()
	path := newFile(t)
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	paths.Store(store, path)
	return store
}

// The next run of the schedule has the calls that it needs, however many tries the calls of the run before it took.
func TestKeptCallsAreNotSpent(t *testing.T) {
	friday := func(hour int) time.Time { return time.Date(2026, time.November, 20, hour, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		kind refresh.Kind
		at   time.Time
	}{
		{refresh.Intraday, friday(15)}, {refresh.Backfill, friday(10)}, {refresh.Tasks, friday(10)}, {refresh.Late, midnight().Add(time.Hour)},
	} {
		for _, fault := range []fakevantage.Outcome{fakevantage.ServerError, fakevantage.CutConnection, fakevantage.Throttled} {
			for _, concurrency := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/%s/%d at once", tt.kind, fault, concurrency), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						j := beforeNextRun(t, tt.kind, tt.at)
						vendor := fakevantage.New(fakevantage.Options{Now: j.Now})
						vendor.Fault(fakevantage.AnySymbol, fault, fakevantage.Always)
						j = onVendor(t, j, vendor, concurrency)
						o := refresh.Options{Kind: tt.kind, IfDue: tt.kind == refresh.Late}
						if o.IfDue {
							o.Kind = refresh.Scheduled
						}
						if o.Kind == refresh.Backfill {
							o.Range.From = date(t, "2026-11-02")
						}
						report, err := run(t.Context(), t, j, o)
						if err != nil || report.Kind != tt.kind || !report.HoldsBack || report.Counts.Deferred == 0 || report.Counts.Refreshed > 0 {
							t.Errorf("%+v, %v; want the rest held back", report, err)
						}
						// What was refused for its speed has not failed.
						if failed := report.Counts.Failed > 0; failed != (fault != fakevantage.Throttled) {
							t.Errorf("%+v failed", report.Counts)
						}
						if calls := len(vendor.Arrivals()); calls != 3 {
							t.Errorf("%d calls, want 3", calls)
						}
						for _, task := range texts(t, j, `select status from backfill_tasks`) {
							if task != "pending" {
								t.Errorf("a task that was not answered is %s", task)
							}
						}
						wantNextRun(t, j, 7)
					})
				})
			}
		}
	}
}

// beforeNextRun is a job at a time between two runs of the schedule, with what a run of a kind is to do.
func beforeNextRun(t *testing.T, kind refresh.Kind, at time.Time) *refresh.Job {
	t.Helper()
	store := storeWithPath(t)
	j := newJobOn(t, fakevantage.New(fakevantage.Options{Now: func() time.Time { return midnight().AddDate(0, 0, -1) }}), store, tenPerDay...)
	j.Now = clockFrom(at)
	if kind == refresh.Late { // the vendor was a session behind
		j.Now = clockFrom(midnight())
		if report, err := run(t.Context(), t, j, refresh.Options{}); err != nil || report.Counts.Refreshed != 7 {
			t.Fatalf("%+v, %v", report, err)
		}
		time.Sleep(at.Sub(j.Now()) + time.Minute)
	}
	if kind == refresh.Tasks {
		for i := range 7 {
			insertTask(t, j, i, fmt.Sprintf("T%d", i), "2026-11-02", "2026-11-13")
		}
	}
	return j
}

// onVendor is a job of another process, with another vendor.
func onVendor(t *testing.T, j *refresh.Job, vendor *fakevantage.Server, concurrency int) *refresh.Job {
	t.Helper()
	other := newJobOn(t, vendor, j.Store.(*sqlite.Store), tenPerDay...)
	other.Now, other.Concurrency = j.Now, concurrency
	return other
}

// wantNextRun checks how many tickers the next run of the schedule can refresh.
func wantNextRun(t *testing.T, j *refresh.Job, want int) {
	t.Helper()
	time.Sleep(j.Schedule.Next(j.Now()).Sub(j.Now()))
	j = onVendor(t, j, fakevantage.New(fakevantage.Options{Now: j.Now}), 1)
	report, err := run(t.Context(), t, j, refresh.Options{})
	if err != nil || report.Counts.Refreshed != want {
		t.Errorf("the next run: %+v, %v; want %d refreshed", report, err, want)
	}
}

// The call that finds out that a key has no full series is one of those that are left, and so is each that follows.
func TestARefusedFullSeriesTakesNoKeptCall(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			j := beforeNextRun(t, refresh.Backfill, time.Date(2026, time.November, 20, 10, 0, 0, 0, time.UTC))
			vendor := fakevantage.New(fakevantage.Options{Now: j.Now})
			j = onVendor(t, j, vendor, concurrency)
			report := backfill(t, j, "2020-01-02")
			if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 2, Deferred: 5}); report.Counts != want || !report.HoldsBack {
				t.Errorf("%d at once: %+v, want %+v", concurrency, report.Counts, want)
			}
			if calls := len(vendor.Arrivals()); calls != 3 {
				t.Errorf("%d at once: %d calls, want 3", concurrency, calls)
			}
			wantNextRun(t, j, 7)
		})
	}
}

// Nothing is refreshed if all that was not held back turns out to be out of reach: that is no quota which is spent.
func TestAPlanThatHeldBackIsPlannedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := beforeNextRun(t, refresh.Backfill, time.Date(2026, time.November, 20, 10, 0, 0, 0, time.UTC))
		o := refresh.Options{Kind: refresh.Backfill, Range: refresh.Range{From: date(t, "2020-01-02"), To: date(t, "2020-01-10")}}
		report := runBackfill(t, j, o)
		if want := (refresh.Counts{Active: 7, Planned: 4, Deferred: 4, Skipped: 3}); report.Counts != want || !report.HoldsBack {
			t.Errorf("%+v, want %+v, held back", report, want)
		}
	})
}

// halfPastTwo is the schedule "30 14 * * *".
type halfPastTwo struct{}

func (halfPastTwo) Next(t time.Time) time.Time {
	const of = 14*time.Hour + 30*time.Minute
	return t.Add(-of).Truncate(24 * time.Hour).Add(24*time.Hour + of)
}

// What is planned again goes by the next run as of then: here, an exchange opens when another run begins.
func TestThePlanAfterTheNextRunHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, limits := storeWithPath(t), []quota.Limit{{Calls: 100}}
		monday := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
		behind := fakevantage.New(fakevantage.Options{Now: func() time.Time { return midnight().AddDate(0, 0, -1) }})
		j := newJobOn(t, behind, store, limits...)
		j.Now = clockFrom(monday)
		if _, err := run(t.Context(), t, j, refresh.Options{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(14*time.Hour + 20*time.Minute)
		now := j.Now
		vendor := fakevantage.New(fakevantage.Options{Now: now})
		j = newJobOn(t, vendor, store, limits...)
		j.Now, j.Schedule, j.BatchSize, j.BatchDelay = now, halfPastTwo{}, 1, 6*time.Minute
		report, err := run(t.Context(), t, j, refresh.Options{IfDue: true})
		if err != nil || report.Kind != refresh.Late || report.Counts.Refreshed != 7 {
			t.Fatalf("%+v, %v; want a late run of all", report, err)
		}
		if got := calls(vendor, 1); got[0] != "NVDA GLOBAL_QUOTE " || got[1] != "TSLA TIME_SERIES_DAILY compact" {
			t.Errorf("%q: want the rest planned again at the open", got)
		}
		if want := monday.Add(38*time.Hour + 30*time.Minute); !report.KeptFor.Equal(want) {
			t.Errorf("calls are kept for %s, want %s", report.KeptFor, want)
		}
	})
}

// If the run that calls are kept for begins while another works, it needs them no more: the one after it counts.
func TestWhatIsKeptOnceTheNextRunHasBegun(t *testing.T) {
	for _, kind := range []refresh.Kind{refresh.Backfill, refresh.Tasks} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(24*time.Hour - 10*time.Minute) // the limits' day ends with the job's
				j := beforeNextRun(t, kind, midnight().Add(-10*time.Minute))
				vendor := fakevantage.New(fakevantage.Options{Now: j.Now})
				j = onVendor(t, j, vendor, 1)
				j.BatchSize, j.BatchDelay = 1, 6*time.Minute
				o := refresh.Options{Kind: kind, Range: refresh.Range{From: date(t, "2026-11-02"), To: date(t, "2026-11-18")}}
				time.AfterFunc(10*time.Minute, func() {
					report, err := run(t.Context(), t, onVendor(t, j, vendor, 1), refresh.Options{})
					if err != nil || report.Counts.Refreshed != 7 {
						t.Errorf("the run at midnight: %+v, %v", report, err)
					}
					if kind == refresh.Backfill { // two more tries of the call after midnight
						vendor.Fault(fakevantage.AnySymbol, fakevantage.ServerError, 2)
					}
				})
				report, err := run(t.Context(), t, j, o)
				if err != nil || len(vendor.Arrivals()) != 2+10 {
					t.Errorf("%+v, %v; %d calls, want two before midnight and all ten of the day after", report, err, len(vendor.Arrivals()))
				}
				want, keptFor := refresh.Counts{Active: 7, Planned: 7, Refreshed: 3, Deferred: 4}, midnight()
				if kind == refresh.Tasks { // which are planned some at a time
					want, keptFor = refresh.Counts{Active: 6, Planned: 6, Refreshed: 5, Deferred: 1}, midnight().AddDate(0, 0, 1)
				}
				if report.Counts != want || !report.KeptFor.Equal(keptFor) {
					t.Errorf("%+v, calls are kept for %s; want %+v, for %s", report.Counts, report.KeptFor, want, keptFor)
				}
			})
		})
	}
}

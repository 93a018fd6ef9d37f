package refresh_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// midnight is that of Saturday, November 21, 2026: Friday's session is complete.
func midnight() time.Time { return time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) }

func newJob(t *testing.T, vendor *fakevantage.Server) *refresh.Job {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "papertrade.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	limits := []quota.Limit{{Calls: 5, Window: time.Minute}, {Calls: 500}}
	limiter := quota.NewLimiter(limits, 5*time.Minute)
	client, err := alphavantage.New(alphavantage.Options{
		Key: "key", BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: vendor}, Limiter: limiter, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &refresh.Job{
		Store: store, Provider: client, Made: limiter.Made, Limits: limits, Now: midnight, Observe: func(refresh.Event) {},
		Discovery: refresh.Discovery{Sources: []refresh.Source{refresh.SourceWatchlist, refresh.SourceTransactions}, ActiveDays: 30},
		BatchSize: 5, BatchDelay: 12 * time.Second, Concurrency: 1, Attempts: 3,
	}
}

func run(ctx context.Context, t *testing.T, j *refresh.Job, o refresh.Options) (refresh.Report, error) {
	t.Helper()
	o.RunID = uuid.NewString()
	return j.Run(ctx, o)
}

func TestRunRefreshesInPriorityOrderAndOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Limits: []fakevantage.Limit{{Calls: 5, Window: time.Minute}}})
		j := newJob(t, vendor)
		plan, err := run(t.Context(), t, j, refresh.Options{DryRun: true})
		if err != nil || plan.Calls != 7 || plan.EstimateSeconds != 60 || len(vendor.Arrivals()) != 0 {
			t.Fatalf("dry run: %+v, %v", plan, err)
		}
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 7}); report.Counts != want || report.Status != refresh.Succeeded || report.Calls != 7 {
			t.Errorf("%+v, want %+v", report, want)
		}
		var asked []string
		for _, a := range vendor.Arrivals() {
			asked = append(asked, a.Symbols...)
		}
		if diff := cmp.Diff([]string{"META", "NVDA", "TSLA", "AAPL", "AMZN", "GOOGL", "MSFT"}, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		again, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Fresh: 7}); err != nil || again.Counts != want || again.Calls != 0 {
			t.Errorf("second run: %+v, %v; want nothing to do", again, err)
		}
	})
}

// A price of a session under way is no close: that one is still missing when the session has ended.
func TestAPriceOfAnOpenSessionIsNoClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		afternoon := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
		clock := afternoon
		now := func() time.Time { return clock }
		vendor := fakevantage.New(fakevantage.Options{Now: now})
		j := newJob(t, vendor)
		j.Now = now
		aapl := marketdata.MustParseTicker("AAPL")
		for _, step := range []struct {
			at   time.Time
			want refresh.Counts
		}{
			{afternoon, refresh.Counts{Active: 1, Planned: 1, Refreshed: 1}},
			{afternoon.Add(30 * time.Minute), refresh.Counts{Active: 1, Fresh: 1}},
			{midnight(), refresh.Counts{Active: 1, Planned: 1, Refreshed: 1}},
			{midnight().Add(2 * time.Hour), refresh.Counts{Active: 1, Fresh: 1}},
		} {
			clock = step.at
			report, err := run(t.Context(), t, j, refresh.Options{Tickers: []marketdata.Ticker{aapl}})
			if err != nil || report.Counts != step.want {
				t.Errorf("at %s: %+v, %v; want %+v", step.at, report.Counts, err, step.want)
			}
		}
		states, err := j.Store.States(t.Context(), []marketdata.Ticker{aapl})
		if err != nil || states[aapl].LastSession.String() != "2026-11-20" || !states[aapl].FetchedAt.Equal(midnight()) {
			t.Errorf("stored: %+v, %v; want the close that was fetched at midnight", states[aapl], err)
		}
	})
}

func TestOneFailureCostsOneTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Unknown: []string{"NVDA"}})
		vendor.Fault("TSLA", fakevantage.ZeroPrice, fakevantage.Always)
		report, err := run(t.Context(), t, newJob(t, vendor), refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 5, Failed: 2}); err != nil || report.Counts != want || report.Status != refresh.Partial {
			t.Errorf("%+v, %v; want %+v", report, err, want)
		}
		var kinds []string
		for _, row := range report.Tickers {
			if row.Error != nil {
				kinds = append(kinds, row.Error.Kind)
			}
		}
		slices.Sort(kinds)
		if diff := cmp.Diff([]string{"invalid_data", "unknown_ticker"}, kinds); diff != "" {
			t.Errorf("kinds (-want +got):\n%s", diff)
		}
	})
}

// The predecessor recorded success when every ticker had failed.
func TestNothingRefreshedIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault(fakevantage.AnySymbol, fakevantage.Unknown, fakevantage.Always)
		j := newJob(t, vendor)
		j.MaxErrorRate = 1
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || report.Status != refresh.Failed || report.Counts.Failed != 7 {
			t.Errorf("%+v, %v; want a failed run", report, err)
		}
	})
}

// The predecessor let a rate-limited ticker fail instead of waiting.
func TestAThrottledTickerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("META", fakevantage.Throttled, 1)
		report, err := run(t.Context(), t, newJob(t, vendor), refresh.Options{})
		if err != nil || report.Counts.Refreshed != 7 || report.Calls != 8 {
			t.Errorf("%+v, %v; want 7 refreshed with 8 calls", report, err)
		}
	})
}

func TestSpentQuotaDefersTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("AAPL", fakevantage.QuotaSpent, fakevantage.Always)
		report, err := run(t.Context(), t, newJob(t, vendor), refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 3, Deferred: 4}); !errors.Is(err, marketdata.ErrQuotaSpent) || report.Counts != want || report.Status != refresh.Deferred {
			t.Errorf("%+v, %v; want %+v", report, err, want)
		}
	})
}

func TestRefusedCredentialsStopTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Keys: []string{"another"}})
		report, err := run(t.Context(), t, newJob(t, vendor), refresh.Options{})
		if !errors.Is(err, marketdata.ErrCredentials) || report.Status != refresh.Failed || len(vendor.Arrivals()) != 1 {
			t.Errorf("%+v, %v after %d calls; want a failed run after 1", report, err, len(vendor.Arrivals()))
		}
	})
}

func TestAnInterruptedRunKeepsWhatItFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := newJob(t, vendor)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		report, _ := run(ctx, t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 5, Deferred: 2}); report.Counts != want || report.Status != refresh.Interrupted {
			t.Errorf("%+v, want %+v", report, want)
		}
		rest, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Fresh: 5, Planned: 2, Refreshed: 2}); err != nil || rest.Counts != want {
			t.Errorf("%+v, %v; want %+v", rest, err, want)
		}
	})
}

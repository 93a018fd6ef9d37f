package refresh_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// midnight is that of Saturday, November 21, 2026: Friday's session is complete.
func midnight() time.Time { return time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) }

func newJob(t *testing.T, vendor *fakevantage.Server) *refresh.Job {
	t.Helper()
	path := newFile(t)
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	paths.Store(store, path)
	return newJobOn(t, vendor, store, quota.Limit{Calls: 5, Window: time.Minute}, quota.Limit{Calls: 500})
}

// midnights is the schedule "0 0 * * *".
type midnights struct{}

// halfAtMost is the usual limit of moves.
func halfAtMost(marketdata.Ticker) decimal.Decimal { return decimal.New(5, -1) }

func (midnights) Next(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) }

// newJobOn is a job of a new process.
func newJobOn(t *testing.T, vendor *fakevantage.Server, store *sqlite.Store, limits ...quota.Limit) *refresh.Job {
	t.Helper()
	limiter := quota.NewLimiter(quota.Options{
		Ledger: store, Account: "key", Limits: limits, MaxWait: 5 * time.Minute, CallTimeout: 10 * time.Second,
	})
	client, err := alphavantage.New(alphavantage.Options{
		Key: "key", BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: vendor}, Limiter: limiter, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &refresh.Job{
		Store: store, Vendors: []refresh.Vendor{{Provider: client, Limiter: limiter, Attempts: 3}}, Now: midnight, Observe: func(refresh.Event) {},
		Discovery: refresh.Discovery{Sources: []refresh.Source{refresh.SourceWatchlist, refresh.SourceTransactions}, ActiveDays: 30},
		BatchSize: 5, BatchDelay: 12 * time.Second, Concurrency: 1, Schedule: midnights{}, MaxMove: halfAtMost,
	}
}

func run(ctx context.Context, t *testing.T, j *refresh.Job, o refresh.Options) (refresh.Report, error) {
	t.Helper()
	o.RunID = uuid.NewString()
	if o.Kind == refresh.Scheduled && len(o.Tickers) > 0 {
		o.Kind = refresh.Named
	}
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

// During a session, what is missing is the close of the one before, which a quote does not tell.
func TestARefreshDuringASessionFetchesTheCloseBefore(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC), // nothing is stored
		time.Date(2026, 11, 24, 19, 0, 0, 0, time.UTC), // one session is missing
	} {
		synctest.Test(t, func(t *testing.T) {
			clock := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
			now := func() time.Time { return clock }
			vendor := fakevantage.New(fakevantage.Options{Now: now})
			j := newJob(t, vendor)
			j.Now = now
			ibm := []marketdata.Ticker{marketdata.MustParseTicker("IBM")}
			if at.After(clock) {
				if _, err := run(t.Context(), t, j, refresh.Options{Tickers: ibm}); err != nil {
					t.Fatal(err)
				}
			}
			clock = at
			report, err := run(t.Context(), t, j, refresh.Options{Tickers: ibm})
			if want := exchange.XNYS.LastCompleted(at).Date; err != nil || report.Tickers[0].Session != want {
				t.Errorf("%+v, %v; want the close of %s", report.Tickers[0], err, want)
			}
			states, err := j.Store.States(t.Context(), ibm)
			if want := exchange.XNYS.LastCompleted(at).Date; err != nil || states[ibm[0]].LastSession != want {
				t.Errorf("%+v, %v; want the close of %s", states, err, want)
			}
		})
	}
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

func TestConcurrentFetchesShareABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Latency: time.Second})
		j := newJobOn(t, vendor, newJob(t, vendor).Store.(*sqlite.Store), quota.Limit{Calls: 75, Window: time.Minute})
		j.BatchDelay, j.Concurrency = 0, 5
		start := time.Now()
		report, err := run(t.Context(), t, j, refresh.Options{})
		if took := time.Since(start); err != nil || report.Counts.Refreshed != 7 || took > 3*time.Second {
			t.Errorf("%+v, %v after %v; want 7 refreshed after the 2 s of two batches", report, err, took)
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
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, RetryAfter: 90 * time.Second})
		vendor.Fault("META", fakevantage.Throttled, 1)
		j := newJob(t, vendor)
		var waits []time.Duration
		j.Observe = func(e refresh.Event) {
			if throttled, ok := e.(refresh.CallThrottled); ok {
				waits = append(waits, throttled.Wait)
			}
		}
		start := time.Now()
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || report.Counts.Refreshed != 7 || report.Calls != 8 {
			t.Errorf("%+v, %v; want 7 refreshed with 8 calls", report, err)
		}
		if diff := cmp.Diff([]time.Duration{90 * time.Second}, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		if second := vendor.Arrivals()[1].Time.Sub(start); second < 90*time.Second {
			t.Errorf("asked again after %v, which is before the vendor's Retry-After", second)
		}
	})
}

// A run that stops in the middle reports the batch that it committed, not the last one that it had planned.
func TestARunThatStopsReportsItsLastBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("AAPL", fakevantage.QuotaSpent, 1) // the second ticker of the second batch
		j := newJob(t, vendor)
		j.BatchSize = 2
		var committed []refresh.BatchCommitted
		j.Observe = func(e refresh.Event) {
			if batch, ok := e.(refresh.BatchCommitted); ok {
				committed = append(committed, batch)
			}
		}
		_, err := run(t.Context(), t, j, refresh.Options{})
		want := []refresh.BatchCommitted{{Batch: 1, Batches: 4, Refreshed: 2, Calls: 2}, {Batch: 2, Batches: 4, Refreshed: 3, Calls: 4}}
		if diff := cmp.Diff(want, committed); diff != "" || !errors.Is(err, marketdata.ErrQuotaSpent) {
			t.Errorf("%v; batches (-want +got):\n%s", err, diff)
		}
	})
}

func TestAVendorThatAlwaysThrottlesFailsNoTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("TSLA", fakevantage.Throttled, fakevantage.Always)
		j := newJob(t, vendor)
		report, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 2, Deferred: 5}); !errors.Is(err, marketdata.ErrThrottled) || report.Counts != want || report.Status != refresh.Deferred {
			t.Errorf("%+v, %v; want %+v", report, err, want)
		}
		vendor.ClearFaults("TSLA")
		j = newJobOn(t, vendor, j.Store.(*sqlite.Store), j.Vendors[0].Limiter.Limits()...)
		rest, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Fresh: 2, Planned: 5, Refreshed: 5}); err != nil || rest.Counts != want {
			t.Errorf("%+v, %v; want %+v", rest, err, want)
		}
	})
}

func TestSpentQuotaDefersTheRestUntilTheDayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("AAPL", fakevantage.QuotaSpent, 1)
		j := newJob(t, vendor)
		report, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 3, Deferred: 4}); !errors.Is(err, marketdata.ErrQuotaSpent) || report.Counts != want || report.Status != refresh.Deferred {
			t.Errorf("%+v, %v; want %+v", report, err, want)
		}
		if aapl := report.Tickers[3]; aapl.Error == nil || aapl.Error.Kind != "quota" {
			t.Errorf("%+v, want the refusal", aapl)
		}
		calls := len(vendor.Arrivals())
		plan, err := run(t.Context(), t, j, refresh.Options{DryRun: true})
		if err != nil || plan.Calls != 0 || plan.Counts.Deferred != 4 || plan.Status != refresh.Deferred || plan.Reason == "" {
			t.Errorf("dry run: %+v, %v; want 4 deferred", plan, err)
		}
		again, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || again.Status != refresh.Deferred || again.Counts.Deferred != 4 || len(vendor.Arrivals()) != calls {
			t.Errorf("%+v, %v after %d calls; want no call before the day ends", again, err, len(vendor.Arrivals())-calls)
		}
		time.Sleep(24*time.Hour + 2*time.Second) // the bubble begins at midnight
		rest, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil || rest.Counts.Refreshed != 4 {
			t.Errorf("%+v, %v; want the rest refreshed", rest, err)
		}
	})
}

func TestLimitsOutliveARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Limits: []fakevantage.Limit{{Calls: 5, Window: time.Minute}}})
		j := newJob(t, vendor)
		for range 3 {
			report, err := run(t.Context(), t, newJobOn(t, vendor, j.Store.(*sqlite.Store), j.Vendors[0].Limiter.Limits()...), refresh.Options{Force: true})
			if err != nil || report.Calls != 7 {
				t.Errorf("%+v, %v; want 7 calls and no throttling", report, err)
			}
		}
	})
}

// After two batches of nothing but unavailability the provider is down: no quota is wasted on the rest.
func TestAProviderThatIsDownStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			faulty []string
			calls  int
			want   refresh.Counts
		}{
			{"all", []string{fakevantage.AnySymbol}, 12, refresh.Counts{Active: 7, Planned: 7, Failed: 4, Deferred: 3}},
			{"one batch in between answered", []string{"META", "NVDA", "AMZN", "GOOGL"}, 7 + 4*2, refresh.Counts{Active: 7, Planned: 7, Refreshed: 3, Failed: 4}},
			{"two batches after one", []string{"TSLA", "AAPL", "AMZN", "GOOGL"}, 2 + 4*3, refresh.Counts{Active: 7, Planned: 7, Refreshed: 2, Failed: 4, Deferred: 1}},
		} {
			vendor := fakevantage.New(fakevantage.Options{Now: midnight})
			for _, symbol := range tt.faulty {
				vendor.Fault(symbol, fakevantage.ServerError, fakevantage.Always)
			}
			j := newJob(t, vendor)
			j.BatchSize = 2
			report, err := run(t.Context(), t, j, refresh.Options{})
			stopped := tt.want.Deferred > 0
			if report.Counts != tt.want || errors.Is(err, refresh.ErrProviderDown) != stopped || (report.Status == refresh.Failed) != stopped {
				t.Errorf("%s: %+v, %v; want %+v", tt.name, report, err, tt.want)
			}
			if calls := len(vendor.Arrivals()); calls != tt.calls {
				t.Errorf("%s: %d calls, want %d", tt.name, calls, tt.calls)
			}
		}
	})
}

func TestTriesComeAtGrowingIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		vendor.Fault("META", fakevantage.ServerError, 3)
		j := newJob(t, vendor)
		j.Vendors[0].Attempts = 4
		if _, err := run(t.Context(), t, j, refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("META")}}); err != nil {
			t.Fatal(err)
		}
		arrivals := vendor.Arrivals()
		var pauses []time.Duration
		for i := 1; i < len(arrivals); i++ {
			pauses = append(pauses, arrivals[i].Time.Sub(arrivals[i-1].Time))
		}
		jittered := false
		for i, pause := range pauses {
			want := time.Second << i
			if pause < want*3/4 || pause > want*5/4 {
				t.Errorf("pause %d is %v, want about %v", i+1, pause, want)
			}
			jittered = jittered || pause.Truncate(time.Millisecond) != want
		}
		if len(pauses) != 3 || !jittered {
			t.Errorf("pauses %v, want three with jitter", pauses)
		}
	})
}

// Without a ledger no call may be made: the run fails, and no ticker is to blame.
func TestABrokenLedgerStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight})
		j := newJob(t, vendor)
		limits := j.Vendors[0].Limiter.Limits()
		limiter := quota.NewLimiter(quota.Options{Ledger: brokenLedger{}, Limits: limits, MaxWait: time.Minute})
		client, err := alphavantage.New(alphavantage.Options{
			Key: "key", BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: vendor}, Limiter: limiter})
		if err != nil {
			t.Fatal(err)
		}
		j.Vendors[0].Provider, j.Vendors[0].Limiter = client, limiter
		report, err := run(t.Context(), t, j, refresh.Options{})
		if !errors.Is(err, quota.ErrLedger) || report.Status != refresh.Failed || len(vendor.Arrivals()) != 0 || report.Counts.Failed > 1 {
			t.Errorf("%+v, %v after %d calls; want a failed run without any", report, err, len(vendor.Arrivals()))
		}
	})
}

type brokenLedger struct{}

func (brokenLedger) Account(context.Context, string) (quota.Account, error) {
	return quota.Account{}, nil
}

func (brokenLedger) UpdateAccount(context.Context, string, time.Time, func(quota.Account) quota.Change) error {
	return errors.New("disk full")
}

func TestAnUnavailableProviderSaysWhenToAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			retryAfter time.Duration
			want       refresh.Counts
		}{
			{100 * time.Second, refresh.Counts{Active: 7, Planned: 7, Refreshed: 7}},
			{10 * time.Minute, refresh.Counts{Active: 7, Planned: 7, Deferred: 7}}, // longer than max_wait
		} {
			vendor := fakevantage.New(fakevantage.Options{Now: midnight, RetryAfter: tt.retryAfter})
			vendor.Fault("META", fakevantage.Unavailable, 1)
			start := time.Now()
			report, _ := run(t.Context(), t, newJob(t, vendor), refresh.Options{})
			arrivals := vendor.Arrivals()
			if report.Counts != tt.want || len(arrivals) > 1 && arrivals[1].Time.Sub(start) < tt.retryAfter {
				t.Errorf("Retry-After of %v: %+v, want %+v; %v", tt.retryAfter, report.Counts, tt.want, arrivals)
			}
		}
	})
}

// A share that was delisted does not burn quota every night.
func TestAnUnknownTickerIsAskedWeekly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := midnight()
		vendor := fakevantage.New(fakevantage.Options{Now: func() time.Time { return clock }, Unknown: []string{"GONE"}})
		j := newJob(t, vendor)
		j.Now = func() time.Time { return clock }
		gone := []marketdata.Ticker{marketdata.MustParseTicker("GONE")}
		var asked []string
		for range 28 {
			before := len(vendor.Arrivals())
			if _, err := run(t.Context(), t, j, refresh.Options{Tickers: gone}); err != nil {
				t.Fatal(err)
			}
			if len(vendor.Arrivals()) > before {
				asked = append(asked, clock.Format(time.DateOnly))
			}
			clock = clock.AddDate(0, 0, 1)
			time.Sleep(24 * time.Hour)
		}
		// Friday's session, those of Monday and Tuesday, and from then on one a week.
		want := []string{"2026-11-21", "2026-11-24", "2026-11-25", "2026-12-02", "2026-12-09", "2026-12-16"}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if report, _ := run(t.Context(), t, j, refresh.Options{Tickers: gone}); report.Counts.Skipped != 1 || report.Tickers[0].Status != refresh.OutcomeSkipped {
			t.Errorf("%+v, want it skipped", report)
		}
		if report, _ := run(t.Context(), t, j, refresh.Options{Tickers: gone, Force: true}); report.Counts.Failed != 1 {
			t.Errorf("%+v, want it asked", report)
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

func TestAnInterruptedBatchKeepsWhatItFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Latency: time.Second})
		j := newJob(t, vendor)
		ctx, cancel := context.WithCancelCause(t.Context())
		interruption := errors.New("interrupted")
		time.AfterFunc(2500*time.Millisecond, func() { cancel(interruption) })
		start := time.Now()
		report, err := run(ctx, t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Planned: 7, Refreshed: 2, Deferred: 5}); report.Counts != want || report.Status != refresh.Interrupted || !errors.Is(err, interruption) {
			t.Errorf("%+v, %v; want %+v", report, err, want)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("the run ended %v after it began", took)
		}
		rest, err := run(t.Context(), t, j, refresh.Options{})
		if want := (refresh.Counts{Active: 7, Fresh: 2, Planned: 5, Refreshed: 5}); err != nil || rest.Counts != want {
			t.Errorf("%+v, %v; want %+v", rest, err, want)
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

// How long calls take is learned from the runs before.
func TestEstimateKnowsHowLongCallsTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := fakevantage.New(fakevantage.Options{Now: midnight, Latency: 700 * time.Millisecond})
		for _, concurrency := range []int{1, 3} {
			j := newJobOn(t, vendor, newJob(t, vendor).Store.(*sqlite.Store), quota.Limit{Calls: 75, Window: time.Minute})
			j.Concurrency, j.BatchDelay = concurrency, time.Second
			if _, err := run(t.Context(), t, j, refresh.Options{}); err != nil {
				t.Fatal(err)
			}
			plan, err := run(t.Context(), t, j, refresh.Options{Force: true, DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := run(t.Context(), t, j, refresh.Options{Force: true}); err != nil {
				t.Fatal(err)
			}
			estimate, took := plan.EndsAt.Sub(start), time.Since(start)
			if ratio := float64(estimate) / float64(took); ratio < 0.95 || ratio > 1.05 {
				t.Errorf("concurrency %d: estimate %v, and it took %v", concurrency, estimate, took)
			}
		}
	})
}

// Decisions are reported if somebody wants to know, and not found out otherwise.
func TestDecisionsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, want := range []bool{false, true} {
			vendor := fakevantage.New(fakevantage.Options{Now: midnight, Unknown: []string{"META"}})
			j := fast(t, vendor)
			j.WantDecisions = want
			var planned, decided int
			j.Observe = func(e refresh.Event) {
				switch e := e.(type) {
				case refresh.TickerPlanned:
					planned++
					if e.Reason == "" || e.Outcome != refresh.OutcomePlanned || e.Asked != "GLOBAL_QUOTE" || e.Provider != "alpha_vantage" {
						t.Errorf("%+v", e)
					}
				case refresh.BarDecided:
					decided++
					if e.Decision != refresh.DecisionStore || e.Asked != "GLOBAL_QUOTE" || !e.Bar.Close.IsPositive() || e.Began != midnight() {
						t.Errorf("%+v", e)
					}
				}
			}
			if _, err := j.Run(t.Context(), refresh.Options{}); err != nil {
				t.Fatal(err)
			}
			if want && (planned != 7 || decided != 6) || !want && planned+decided != 0 {
				t.Errorf("%d tickers and %d bars decided; anybody wants to know: %t", planned, decided, want)
			}
		}
	})
}

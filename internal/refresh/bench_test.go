package refresh_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// BenchmarkWindows shows what a run takes, from its start to its end over real HTTP and a real store,
// as a ratio to the floor: the same calls made by a bare client at the least intervals that the windows
// allow, in the same run. The plan's estimate is shown as a ratio to what the run took. The windows
// are compressed; the vendor enforces them, and one refusal fails the benchmark.
func BenchmarkWindows(b *testing.B) {
	for _, bench := range []struct {
		limits []string
		calls  int
	}{
		{[]string{"5/2s", "500/day"}, 25}, // 5 a minute and 500 a day
		{[]string{"1/1s", "25/day"}, 10},
		{[]string{"75/5s"}, 225}, // 75 a minute
	} {
		var limits []quota.Limit
		var enforced []fakevantage.Limit
		for _, text := range bench.limits {
			limit, err := quota.ParseLimit(text)
			if err != nil {
				b.Fatal(err)
			}
			limits = append(limits, limit)
			enforced = append(enforced, fakevantage.Limit(limit))
		}
		floor := time.Duration(0)
		for _, kind := range storeKinds {
			b.Run(fmt.Sprintf("%s/%v/calls=%d", kind, bench.limits, bench.calls), func(b *testing.B) {
				for b.Loop() {
					if floor == 0 {
						floor = leastTime(b, limits[0], bench.calls)
					}
					took, estimate := benchmarkRun(b, mustOpenStore(b, kind, newDatabase(b, kind)), limits, enforced, bench.calls)
					b.ReportMetric(float64(took)/float64(floor), "x-floor")
					b.ReportMetric(float64(estimate)/float64(took), "estimate/real")
				}
			})
		}
	}
}

// leastTime makes the calls as a program would that knew nothing but the limit, and no distance.
func leastTime(b *testing.B, limit quota.Limit, calls int) time.Duration {
	vendor := fakevantage.New(fakevantage.Options{})
	server := httptest.NewServer(vendor)
	defer server.Close()
	start := time.Now()
	for i := range calls {
		time.Sleep(time.Until(start.Add(time.Duration(i/limit.Calls) * limit.Window)))
		response, err := http.Get(server.URL + "/query?function=GLOBAL_QUOTE&symbol=IBM&apikey=key")
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

func benchmarkRun(b *testing.B, store storetest.Store, limits []quota.Limit, enforced []fakevantage.Limit, calls int) (took, estimate time.Duration) {
	vendor := fakevantage.New(fakevantage.Options{Now: midnight, Limits: enforced})
	server := httptest.NewServer(vendor)
	defer server.Close()
	limiter := quota.NewLimiter(quota.Options{Ledger: store, Account: "key", Limits: limits, MaxWait: time.Minute, CallTimeout: 10 * time.Second})
	client, err := alphavantage.New(alphavantage.Options{
		Key: "key", BaseURL: server.URL, HTTP: server.Client(), Limiter: limiter, Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	job := &refresh.Job{
		Store: store, Vendors: []refresh.Vendor{{Provider: client, Limiter: limiter, Attempts: 3}}, Now: midnight, Observe: func(refresh.Event) {},
		BatchSize: 5, Concurrency: 1, Schedule: midnights{}, MaxMove: halfAtMost,
	}
	var tickers []marketdata.Ticker
	for i := range calls {
		tickers = append(tickers, marketdata.MustParseTicker(fmt.Sprintf("T%d", i)))
	}
	start := time.Now()
	plan, planErr := job.Run(b.Context(), refresh.Options{RunID: "00000000-0000-0000-0000-000000000001", Kind: refresh.Named, Tickers: tickers, DryRun: true})
	report, err := job.Run(b.Context(), refresh.Options{RunID: "00000000-0000-0000-0000-000000000002", Kind: refresh.Named, Tickers: tickers})
	took = time.Since(start)
	if err := errors.Join(planErr, err); err != nil || report.Counts.Refreshed != calls {
		b.Fatalf("%+v, %v", report.Counts, err)
	}
	arrivals := vendor.Arrivals()
	if len(arrivals) != calls || slices.ContainsFunc(arrivals, func(a fakevantage.Arrival) bool { return a.Outcome != fakevantage.Answered }) {
		b.Errorf("%d calls, some of them refused, instead of %d", len(arrivals), calls)
	}
	return took, plan.EndsAt.Sub(start)
}

// BenchmarkAddToWatchlist shows what one of 20,000 tickers takes that are added together, and added again, as a ratio to one of
// 2,000: about 1 if it is proportional to their number.
func BenchmarkAddToWatchlist(b *testing.B) {
	for _, kind := range storeKinds {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				few, many := timePerAddedTicker(b, kind, 2_000), timePerAddedTicker(b, kind, 20_000)
				b.ReportMetric(many/few, "x-few")
			}
		})
	}
}

func timePerAddedTicker(b *testing.B, kind string, n int) float64 {
	store := mustOpenStore(b, kind, newDatabase(b, kind))
	changes := make([]refresh.WatchlistChange, n)
	for i := range changes {
		changes[i].Ticker = marketdata.MustParseTicker(fmt.Sprintf("T%d", i))
	}
	start := time.Now()
	for range 2 {
		if err := store.AddToWatchlist(b.Context(), slices.Values(changes), midnight()); err != nil {
			b.Fatal(err)
		}
	}
	return float64(time.Since(start)) / float64(n)
}

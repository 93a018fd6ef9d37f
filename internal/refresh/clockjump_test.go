package refresh_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/alphavantage"
)

// Two runs, each of another process, refresh all tickers whatever becomes of the machine's time of day amid the first one and
// between them, and the vendor has no reason to refuse a call: it counts by its own clock, in windows that are a little shorter since a
// busy machine delays calls.
func TestRunsKeepToTheLimitsWhileTheTimeOfDayIsSet(t *testing.T) {
	for _, kind := range storeKinds {
		for _, amid := range []time.Duration{time.Hour, -time.Hour} {
			for _, between := range []time.Duration{time.Hour, -time.Hour} {
				t.Run(fmt.Sprint(kind, amid, between), func(t *testing.T) {
					t.Parallel()
					vendor := fakevantage.New(fakevantage.Options{Now: midnight, Limits: []fakevantage.Limit{{Calls: 5, Window: 950 * time.Millisecond}}})
					address := newDatabase(t, kind)
					var wrong atomic.Int64
					began := time.Now()
					ahead := func() time.Duration { return time.Duration(wrong.Load()) }
					clock := func() quota.Reading {
						return quota.Reading{Wall: time.Now().Round(0).Add(ahead()), Boot: "boot", Up: time.Since(began)}
					}
					for n, jump := range []time.Duration{amid, 0} {
						store := mustOpenStore(t, kind, address)
						limiter := quota.NewLimiter(quota.Options{
							Ledger: store, Account: "key", Limits: []quota.Limit{{Calls: 5, Window: time.Second}, {Calls: 500}},
							MaxWait: 5 * time.Second, CallTimeout: 10 * time.Second, Clock: clock,
						})
						client, err := alphavantage.New(alphavantage.Options{
							Key: "key", BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: vendor}, Limiter: limiter, Timeout: 10 * time.Second,
						})
						if err != nil {
							t.Fatal(err)
						}
						j := &refresh.Job{
							Store: store, Vendors: []refresh.Vendor{{Provider: client, Limiter: limiter, Attempts: 3}},
							Now:       func() time.Time { return midnight().Add(time.Since(began) + ahead()) },
							Discovery: refresh.Discovery{Sources: []refresh.Source{refresh.SourceWatchlist}}, BatchSize: 3, Concurrency: 1,
							Schedule: midnights{}, MaxMove: halfAtMost,
						}
						j.Observe = func(e refresh.Event) {
							if committed, is := e.(refresh.BatchCommitted); is && committed.Batch == 1 {
								wrong.Add(int64(jump))
							}
						}
						if report, err := run(t.Context(), t, j, refresh.Options{Force: true}); err != nil || report.Counts.Refreshed != 7 {
							t.Errorf("run %d: %+v, %v; want all to be refreshed", n+1, report.Counts, err)
						}
						wrong.Add(int64(between))
					}
					for _, a := range vendor.Arrivals() {
						if a.Outcome != fakevantage.Answered {
							t.Errorf("a call %v after the beginning was refused: %s", a.Time.Sub(began), a.Outcome)
						}
					}
				})
			}
		}
	}
}

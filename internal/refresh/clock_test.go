package refresh_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// clockFrom returns a clock that shows a time now, and goes on by the clock of the bubble.
func clockFrom(at time.Time) func() time.Time {
	began := time.Now()
	return func() time.Time { return at.Add(time.Since(began)) }
}

func openSQLite(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// What a call that began before the close brings is no close, however long its answer takes.
func TestAnAnswerThatTakesUntilAfterTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, v := newTape(t, openSQLite(t), series)
		j.Now = clockFrom(time.Date(2026, time.November, 20, 20, 59, 50, 0, time.UTC))
		v.bars = append(v.bars, tapeBar(nov20, "187"))
		v.onAsk = func() { time.Sleep(15 * time.Second) }
		options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Force: true}
		if _, err := run(t.Context(), t, j, options); err != nil {
			t.Fatal(err)
		}
		want(t, "stored", closes(t, j), "19:190")

		v.onAsk, v.bars[len(v.bars)-1] = nil, tapeBar(nov20, "188")
		options.Force = false
		if _, err := run(t.Context(), t, j, options); err != nil {
			t.Fatal(err)
		}
		want(t, "stored after the close", closes(t, j), "19:190 20:188")
	})
}

// A call that waited for the limits until after the close brings the close.
func TestACallThatWaitsUntilAfterTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		j, v := newTape(t, store, series)
		j.Now = clockFrom(time.Date(2026, time.November, 20, 20, 59, 50, 0, time.UTC))
		v.limiter = quota.NewLimiter(quota.Options{
			Ledger: store, Account: "key", Limits: []quota.Limit{{Calls: 1, Window: time.Minute}}, MaxWait: time.Hour, CallTimeout: time.Second,
		})
		j.Vendors[0].Limiter = v.limiter
		sent, err := v.limiter.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		sent(true)
		v.bars = append(v.bars, tapeBar(nov20, "187"))
		options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Force: true}
		if _, err := run(t.Context(), t, j, options); err != nil {
			t.Fatal(err)
		}
		want(t, "stored", closes(t, j), "19:190 20:187")
		states, err := store.States(t.Context(), options.Tickers)
		if got := states[options.Tickers[0]].FetchedAt; err != nil || got.Before(time.Date(2026, time.November, 20, 21, 0, 50, 0, time.UTC)) {
			t.Errorf("fetched at %s, %v; want when the call began", got, err)
		}
	})
}

// What is asked for is chosen when it is asked: of a close, a quote once the next session has begun is none.
func TestARunThatGoesOnPastTheOpen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		delay time.Duration
		limit quota.Limit
		want  []string
	}{
		{"between batches", 2 * time.Minute, quota.Limit{Calls: 100, Window: time.Minute},
			[]string{"AAPL GLOBAL_QUOTE ", "IBM TIME_SERIES_DAILY compact"}},
		{"while a call waits for the limits", 0, quota.Limit{Calls: 1, Window: 2 * time.Minute},
			[]string{"AAPL GLOBAL_QUOTE ", "IBM GLOBAL_QUOTE ", "IBM TIME_SERIES_DAILY compact"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := clockFrom(time.Date(2026, time.November, 23, 14, 29, 0, 0, time.UTC))
				vendor := fakevantage.New(fakevantage.Options{Now: now})
				j := newJobOn(t, vendor, openSQLite(t), tt.limit)
				j.Now, j.BatchSize, j.BatchDelay = now, 2, tt.delay
				if tt.delay > 0 {
					j.BatchSize = 1
				}
				tickers := []marketdata.Ticker{marketdata.MustParseTicker("AAPL"), marketdata.MustParseTicker("IBM")}
				report, err := run(t.Context(), t, j, refresh.Options{Tickers: tickers})
				if err != nil {
					t.Fatal(err)
				}
				wantCalls(t, vendor, 0, tt.want...)
				for _, row := range report.Tickers {
					if row.Status != refresh.OutcomeRefreshed || row.Session != nov20 {
						t.Errorf("%+v %+v; want the close of %s", row, row.Error, nov20)
					}
				}
			})
		})
	}
}

// While its exchange is open, what a forced refresh asks again is the newest close.
func TestAForcedRefreshWhileTheExchangeIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, v := newTape(t, openSQLite(t), quotes, series)
		j.Now = clockFrom(time.Date(2026, time.November, 20, 15, 0, 0, 0, time.UTC))
		v.bars[len(v.bars)-1] = tapeBar(day(2026, time.November, 19), "191")
		v.bars = append(v.bars, tapeBar(nov20, "187"))
		options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}, Force: true}
		report, err := run(t.Context(), t, j, options)
		if err != nil || report.Tickers[0].Status != refresh.OutcomeRefreshed {
			t.Fatalf("%+v, %v", report.Tickers[0], err)
		}
		if diff := cmp.Diff([]string{"series"}, v.asked); diff != "" {
			t.Error(diff)
		}
		want(t, "stored", closes(t, j), "19:191")
	})
}

// On its first day a listing has no close yet: the price of the moment is stored, and it is not asked at each run.
func TestTheFirstDayOfAListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		j, fake := newFakeJob(store, series, quota.Limit{Calls: 100})
		v := &tape{fakeVendor: fake, capabilities: []marketdata.Capability{quotes, series}}
		j.Vendors[0].Provider = v
		j.Now = clockFrom(time.Date(2026, time.November, 20, 15, 0, 0, 0, time.UTC))
		v.bars = []marketdata.Bar{tapeBar(nov20, "25")}
		options := refresh.Options{Tickers: []marketdata.Ticker{marketdata.MustParseTicker("NVDA")}}
		for i, status := range []refresh.Outcome{refresh.OutcomeRefreshed, refresh.OutcomeFresh} {
			report, err := run(t.Context(), t, j, options)
			row := report.Tickers[0]
			if err != nil || row.Status != status {
				t.Fatalf("run %d: %+v %+v, %v; want it %s", i+1, row, row.Error, err, status)
			}
			if i == 0 && (row.Price == "" || !decimal.RequireFromString(row.Price).Equal(decimal.NewFromInt(25))) {
				t.Errorf("%+v: want the price of the moment", row)
			}
		}
		if len(v.asked) != 1 || len(stored(t, j, "NVDA")) != 0 {
			t.Errorf("asked %v, stored %v; want one call, and no close", v.asked, stored(t, j, "NVDA"))
		}
		time.Sleep(9 * time.Hour)
		if report, err := run(t.Context(), t, j, options); err != nil || report.Tickers[0].Session != exchange.XNYS.LastCompleted(midnight()).Date {
			t.Errorf("%+v, %v; want the close of the first day", report.Tickers[0], err)
		}
	})
}

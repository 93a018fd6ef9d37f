// Under the race detector a year takes minutes; make test runs it without.

//go:build !race

package refresh_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/internal/storetest"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// A year of midnights makes exactly one call for each session of each ticker's exchange: five midnights
// out of seven have work, and those after a holiday have none.
func TestAYearOfMidnights(t *testing.T) {
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			yearOfMidnights(t, mustOpenStore(t, kind, newDatabase(t, kind)))
		})
	}
}

func yearOfMidnights(t *testing.T, store storetest.Store) {
	symbols := []string{"AAPL", "BRK.B", "MBG.DEX", "SHOP.TRT", "TSCO.LON"}
	first, last := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := first
	now := func() time.Time { return clock }
	vendor := fakevantage.New(fakevantage.Options{Now: now})
	limiter := quota.NewLimiter(quota.Options{
		Ledger: store, Account: "key", Limits: []quota.Limit{{Calls: 1000, Window: time.Second}}, MaxWait: time.Minute, CallTimeout: time.Minute})
	client, err := alphavantage.New(alphavantage.Options{
		Key: "key", BaseURL: "http://vendor.invalid", HTTP: &http.Client{Transport: vendor}, Limiter: limiter, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.RemoveFromWatchlist(t.Context(), []string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"}, first); err != nil {
		t.Fatal(err)
	}
	var changes []refresh.WatchlistChange
	want := 0
	for _, symbol := range symbols {
		changes = append(changes, refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(symbol)})
		calendar, _ := exchange.ForSymbol(symbol)
		want += len(calendar.Sessions(calendar.LastCompleted(first).Date, calendar.LastCompleted(last).Date))
	}
	if err := store.AddToWatchlist(context.Background(), slices.Values(changes), first); err != nil {
		t.Fatal(err)
	}
	job := &refresh.Job{
		Store: store, Vendors: []refresh.Vendor{{Provider: client, Limiter: limiter, Attempts: 3}}, Now: now, Observe: func(refresh.Event) {},
		Discovery: refresh.Discovery{Sources: []refresh.Source{refresh.SourceWatchlist}, ActiveDays: 30},
		BatchSize: 5, Concurrency: 1, Schedule: midnights{}, MaxMove: halfAtMost,
	}
	for ; !clock.After(last); clock = clock.AddDate(0, 0, 1) {
		report, err := job.Run(t.Context(), refresh.Options{RunID: uuid.NewString()})
		if err != nil || report.Status != refresh.Succeeded || report.Counts.Failed+report.Counts.Deferred > 0 {
			t.Fatalf("%s: %+v, %v", clock.Format(time.DateOnly), report, err)
		}
		wasSession := exchange.XNYS.IsSession(exchange.DateOf(clock.AddDate(0, 0, -1)))
		aapl := slices.IndexFunc(report.Tickers, func(r refresh.TickerReport) bool { return r.Ticker.String() == "AAPL" })
		if asked := report.Tickers[aapl].Status == refresh.OutcomeRefreshed; asked != wasSession {
			t.Errorf("%s: AAPL is %s", clock.Format(time.DateOnly), report.Tickers[aapl].Status)
		}
	}
	if calls := len(vendor.Arrivals()); calls != want {
		t.Errorf("%d calls, want one for each of %d sessions", calls, want)
	}
}

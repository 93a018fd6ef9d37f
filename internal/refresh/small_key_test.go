// Under the race detector the nights take minutes; make test runs it without.

//go:build !race

package refresh_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Today's free key under the settings of the older one, for three months of midnights by its own clock, with priorities that differ:
// no ticker waits longer than 8 sessions, the limits are said once a run, and a call of each is refused once a week.
func TestAKeyWithFewerCallsThanTheSettingsSay(t *testing.T) {
	for _, limits := range [][]fakevantage.Limit{{{Calls: 25}}, {{Calls: 1, Window: time.Second}, {Calls: 25}}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { smallKey(t, limits) })
		})
	}
}

func smallKey(t *testing.T, limits []fakevantage.Limit) {
	const tickers, urgent, nights, maxWait = 40, 3, 90, 8
	store := openSQLite(t)
	now := clockFrom(time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC))
	first := now()
	vendor := fakevantage.New(fakevantage.Options{Now: now, Limits: limits})
	if _, err := store.RemoveFromWatchlist(t.Context(), []string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"}, first); err != nil {
		t.Fatal(err)
	}
	var changes []refresh.WatchlistChange
	for i := range tickers {
		priority := refresh.UrgentPriority + 1 - urgent + i
		changes = append(changes, refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i)), Priority: &priority})
	}
	if err := store.AddToWatchlist(t.Context(), slices.Values(changes), first); err != nil {
		t.Fatal(err)
	}
	turns, session, refused := map[marketdata.Ticker]int{}, 0, 0
	for night := range nights {
		if newest := exchange.XNYS.LastCompleted(now()).Date; newest == exchange.DateOf(now().AddDate(0, 0, -1)) {
			session++
		}
		j := newJobOn(t, vendor, store, quota.Limit{Calls: 5, Window: time.Minute}, quota.Limit{Calls: 500})
		j.Now = now
		said := 0
		j.Observe = func(e refresh.Event) {
			if _, is := e.(refresh.LimitsLearned); is {
				said++
			}
		}
		calls := len(vendor.Arrivals())
		report, err := run(t.Context(), t, j, refresh.Options{})
		if err != nil && !errors.As(err, new(*quota.DeferredError)) {
			t.Fatal(err)
		}
		refusedNow := 0
		for _, a := range vendor.Arrivals()[calls:] {
			if a.Outcome != fakevantage.Answered {
				refusedNow++
			}
		}
		refused += refusedNow
		if said > 1 || said == 0 && refusedNow > 0 {
			t.Errorf("night %d: limits that were learned are said %d times", night, said)
		}
		for _, row := range report.Tickers {
			if row.Status == refresh.OutcomeRefreshed {
				turns[row.Ticker] = session
			}
			if waited := session - turns[row.Ticker]; row.Status == refresh.OutcomeDeferred && (waited >= maxWait || row.Priority <= refresh.UrgentPriority) {
				t.Errorf("night %d: %s of priority %d has had no turn for %d sessions", night, row.Ticker, row.Priority, waited)
			}
		}
		time.Sleep(first.AddDate(0, 0, night+1).Sub(now()))
	}
	if most := len(limits) * (nights/7 + 1); refused == 0 || refused > most {
		t.Errorf("%d calls were refused, want one of each limit a week: at most %d", refused, most)
	}
}

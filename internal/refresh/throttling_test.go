package refresh_test

import (
	"errors"
	"fmt"
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

// A refusal for the speed of calls makes the next one wait four times as long only if nothing was answered in between:
// an error is an answer too, unless it says nothing of the vendor.
func TestAnAnsweredErrorEndsARowOfThrottlings(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		err  error
		want []time.Duration // that the calls wait
	}{
		{nil, []time.Duration{second, second, second}},
		{fmt.Errorf("ask: %w", marketdata.ErrUnknownTicker), []time.Duration{second, second, second}},
		{marketdata.ErrInvalidData, []time.Duration{second, second, second}},
		{&marketdata.UnavailableError{}, []time.Duration{second, 4 * second, 16 * second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newJob(t, fakevantage.New(fakevantage.Options{Now: midnight})).Store.(*sqlite.Store)
			single := marketdata.Capability{Kind: marketdata.Quotes, Name: "single", MaxTickers: 1}
			j, vendor := newFakeJob(store, single, quota.Limit{Calls: 1, Window: second})
			j.Vendors[0].Attempts = 1
			throttled := map[marketdata.Ticker]bool{}
			vendor.fail = func(q marketdata.Question) error {
				if ticker := q.Tickers[0]; !throttled[ticker] {
					throttled[ticker] = true
					return &marketdata.ThrottledError{}
				}
				return tt.err
			}
			var waits []time.Duration
			j.Observe = func(e refresh.Event) {
				if event, is := e.(refresh.CallThrottled); is {
					waits = append(waits, event.Wait)
				}
			}
			if _, err := run(t.Context(), t, j, refresh.Options{Tickers: symbols(3)}); err != nil && !errors.Is(err, refresh.ErrProviderDown) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, waits); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.err, diff)
			}
		})
	}
}

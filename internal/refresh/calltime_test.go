package refresh_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// failsFirst lets a vendor be unavailable for a number of calls.
func failsFirst(calls int64) func(marketdata.Question) error {
	var made atomic.Int64
	return func(marketdata.Question) error {
		if made.Add(1) <= calls {
			return &marketdata.UnavailableError{Message: "HTTP 500"}
		}
		return nil
	}
}

// A call takes from when the limits let it through until it is answered, however many others wait meanwhile, and its tries
// are calls of their own.
func TestWhatARunLearnsAboutCalls(t *testing.T) {
	for _, concurrency := range []int{1, 4, 8} {
		for _, limit := range []quota.Limit{{Calls: 1, Window: 5 * time.Second}, {Calls: 100, Window: time.Minute}} {
			t.Run(fmt.Sprintf("%d at once/%s", concurrency, limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := openSQLite(t)
					j, vendor := newFakeJob(store, quotes, limit)
					j.Concurrency = concurrency
					vendor.onAsk = func() { time.Sleep(2 * time.Second) }
					vendor.fail = failsFirst(3)
					runNamed(t, j, symbols(12), false)
					account, err := store.Account(t.Context(), "key")
					if err != nil || account.CallTime != 2*time.Second {
						t.Errorf("a call takes %v, %v; want 2s", account.CallTime, err)
					}
				})
			})
		}
	}
}

package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// slowStore takes its time for each block, and keeps when each began.
type slowStore struct {
	*sqlite.Store
	block time.Duration
	began []time.Time
	each  func(n int)
}

func (s *slowStore) DeleteExpiredPrices(ctx context.Context, block refresh.PriceBlock) (refresh.ExpiredPrices, error) {
	s.began = append(s.began, time.Now())
	time.Sleep(s.block)
	s.each(len(s.began))
	return s.Store.DeleteExpiredPrices(ctx, block)
}

// newSlowStore has one real-time price of each of so many tickers.
func newSlowStore(t *testing.T, block time.Duration, prices int) *slowStore {
	t.Helper()
	store, err := sqlite.Open(t.Context(), newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	run := refresh.RunRecord{ID: "6f1c7a52-4a0e-4f4e-8d0b-2f1f5a3c9e10", JobName: refresh.JobName, StartedAt: midnight(), Status: "RUNNING"}
	batch := refresh.Batch{Run: run}
	for i := range prices {
		batch.Prices = append(batch.Prices, refresh.Price{
			Bar: marketdata.Bar{
				Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i)), Session: exchange.DateOf(midnight()),
				Close: decimal.NewFromInt(1), Currency: "USD",
			},
			Timestamp: midnight(), Source: "alpha_vantage", Interval: refresh.IntervalRealTime, FetchedAt: midnight(),
		})
	}
	if err := store.BeginRun(t.Context(), run, true); err != nil {
		t.Fatal(err)
	}
	if _, err := store.CommitBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return &slowStore{Store: store, block: block, each: func(int) {}}
}

func pruneLater(ctx context.Context, store refresh.PruneStore) (refresh.Pruned, error) {
	return refresh.Prune(ctx, store, refresh.PruneOptions{
		At: midnight().AddDate(0, 0, 8), Keep: refresh.Retention{RealTime: 7 * 24 * time.Hour}, BlockRows: 2})
}

// Who waits for the lock of the database gets it between two blocks; a refresh under way is no hindrance.
func TestPruneRestsBetweenBlocks(t *testing.T) {
	for _, test := range []struct{ block, rest time.Duration }{
		{30 * time.Millisecond, 30 * time.Millisecond},
		{3 * time.Second, 100 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newSlowStore(t, test.block, 6)
			unlock, err := store.Lock(t.Context(), refresh.JobName)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			pruned, err := pruneLater(t.Context(), store)
			if err != nil || pruned.RealTime.Rows != 6 {
				t.Errorf("%+v, %v; want 6 rows deleted", pruned, err)
			}
			var gaps []time.Duration
			for i := range store.began[1:] {
				gaps = append(gaps, store.began[i+1].Sub(store.began[i]))
			}
			if diff := cmp.Diff(slices.Repeat([]time.Duration{test.block + test.rest}, 3), gaps); diff != "" {
				t.Errorf("from block to block (-want +got):\n%s", diff)
			}
		})
	}
}

// An interruption waits for the block that is under way, whose rows are deleted and counted.
func TestPruneEndsAfterTheBlockThatIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSlowStore(t, 500*time.Millisecond, 6)
		ctx, cancel := context.WithCancelCause(t.Context())
		interruption := errors.New("interrupted")
		store.each = func(n int) {
			if n == 2 {
				cancel(interruption)
			}
		}
		pruned, err := pruneLater(ctx, store)
		if !errors.Is(err, interruption) || pruned.RealTime.Rows != 4 || len(store.began) != 2 {
			t.Errorf("%+v, %v in %d blocks; want 4 rows deleted in 2", pruned, err, len(store.began))
		}
		left, err := pruneLater(t.Context(), store)
		if err != nil || left.RealTime.Rows != 2 {
			t.Errorf("%+v, %v; want the other 2 rows deleted", left, err)
		}
	})
}

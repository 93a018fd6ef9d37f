package quota_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
)

func TestLimiterWaitsForTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := quota.NewLimiter([]quota.Limit{{Calls: 5, Window: time.Minute}}, 5*time.Minute)
		start := time.Now()
		for range 7 {
			if err := limiter.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took <= time.Minute || took > 61200*time.Millisecond {
			t.Errorf("7 calls took %v", took)
		}
		if calls := len(limiter.Made()); calls != 7 {
			t.Errorf("%d calls made, want 7", calls)
		}
	})
}

func TestLimiterDefersALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := quota.NewLimiter([]quota.Limit{{Calls: 1}}, 5*time.Minute)
		if err := limiter.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var deferred *quota.DeferredError
		if err := limiter.Wait(t.Context()); !errors.As(err, &deferred) {
			t.Fatalf("%v, want a DeferredError", err)
		}
		if want := start.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); deferred.Until.Before(want) || time.Since(start) != 0 {
			t.Errorf("deferred until %v after %v, want the midnight %v at once", deferred.Until, time.Since(start), want)
		}
	})
}

func TestLimiterWaitIsInterruptible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := quota.NewLimiter([]quota.Limit{{Calls: 1, Window: time.Minute}}, 5*time.Minute)
		if err := limiter.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := limiter.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if calls := len(limiter.Made()); calls != 1 {
			t.Errorf("%d calls made: an interrupted wait is no call", calls)
		}
	})
}

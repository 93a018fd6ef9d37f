package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
)

func TestThrottledLimiterSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1s", "75/1m"))
		call(t, limiter, 1)
		for i, tt := range []struct{ retryAfter, want time.Duration }{
			{0, time.Second}, // the shortest window
			{0, 4 * time.Second},
			{7 * time.Second, 112 * time.Second},
		} {
			if wait := limiter.Throttled(tt.retryAfter); wait != tt.want {
				t.Errorf("refusal %d: wait %v, want %v", i+1, wait, tt.want)
			}
			if again := limiter.Throttled(time.Hour); again != tt.want {
				t.Errorf("refusal %d: of a call under way the wait is %v", i+1, again)
			}
			if took := call(t, limiter, 1); took < tt.want || took > tt.want+time.Second {
				t.Errorf("refusal %d: the next call came after %v, want %v", i+1, took, tt.want)
			}
		}
		limiter.Answered()
		equal(t, "time between two calls after three refusals", call(t, limiter, 1), 4040*time.Millisecond+tick)
		equal(t, "wait after an answer", limiter.Throttled(0), time.Second)
	})
}

func TestThrottledWaitsForTheShortestWindow(t *testing.T) {
	for _, tt := range []struct {
		limits []string
		want   time.Duration
	}{
		{[]string{"75/1m", "1/1s"}, time.Second},
		{[]string{"1/1s", "75/1m"}, time.Second},
		{[]string{"500/day", "5/2m"}, 2 * time.Minute},
		{[]string{"500/day"}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			if wait := newLimiter(&memory{}, limits(t, tt.limits...)).Throttled(0); wait != tt.want {
				t.Errorf("%v: wait %v, want %v", tt.limits, wait, tt.want)
			}
		})
	}
}

func TestThrottledWaitsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "5/1m"))
		want := time.Millisecond
		for i := range 13 {
			wait := limiter.Throttled(time.Millisecond)
			if wait != want {
				t.Errorf("refusal %d: wait %v, want %v", i+1, wait, want)
			}
			if i < 10 {
				want *= 4
			}
			time.Sleep(wait)
		}
	})
}

// What refusals teach holds for calls of any cost, and is part of the outlook.
func TestThrottledLimiterLearnsASpacing(t *testing.T) {
	for _, tt := range []struct {
		limits []string
		costs  []int // of the calls so far
		want   []time.Duration
	}{
		{[]string{"5/1m", "500/day"}, []int{1}, []time.Duration{12 * time.Second, 24 * time.Second, 48 * time.Second, time.Minute, time.Minute}},
		{[]string{"5/1m", "60/1h"}, nil, []time.Duration{time.Minute}}, // as the slowest has them
		{[]string{"75/1m"}, []int{1, 1}, []time.Duration{time.Second, 2 * time.Second}},
		{[]string{"60/1m"}, []int{10, 1, 1}, []time.Duration{4 * time.Second, 8 * time.Second}},
		{[]string{"500/day"}, []int{8}, []time.Duration{time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			given := limits(t, tt.limits...)
			limiter := newLimiter(&memory{}, given)
			call(t, limiter, tt.costs...)
			got, notBefore := limiter.Outlook()
			equal(t, "limits", got, given)
			equal(t, "not before", notBefore, time.Time{})
			for _, spacing := range tt.want {
				limiter.Throttled(time.Second)
				now := time.Now()
				got, notBefore := limiter.Outlook()
				equal(t, "limits", got, append(given[:len(given):len(given)], quota.Limit{Calls: 1, Window: spacing}))
				equal(t, "not before", notBefore, now.Add(time.Second))
				limiter.Answered()
				time.Sleep(time.Second)
			}
		})
	}
}

// Five calls a minute may come at once, unless the vendor turns out not to like it. Even then they take
// no longer than the windows do.
func TestThrottledLimiterMakesNoBursts(t *testing.T) {
	for _, tt := range []struct {
		limits []string
		cost   int
		margin time.Duration
	}{{[]string{"5/1m", "500/day"}, 1, 120 * time.Millisecond}, {[]string{"40/1m", "800/day"}, 8, 120 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			limiter := newLimiter(&memory{}, limits(t, tt.limits...))
			call(t, limiter, tt.cost)
			limiter.Throttled(time.Second)
			call(t, limiter, tt.cost)
			for range 20 {
				limiter.Answered()
				equal(t, "time between two calls", call(t, limiter, tt.cost), 12*time.Second+tt.margin+tick)
			}
		})
	}
}

func TestPauseNeverEndsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "5/1m"))
		limiter.Pause(10 * time.Second)
		limiter.Pause(time.Second)
		equal(t, "wait", call(t, limiter, 1), 10*time.Second)
		limiter.Pause(time.Second)
		limiter.Pause(20 * time.Second)
		equal(t, "wait", call(t, limiter, 1), 20*time.Second)
	})
}

func TestSpentQuotaHoldsAllProcesses(t *testing.T) {
	for _, tt := range []struct {
		limits []string
		want   time.Duration // after noon
	}{
		{[]string{"5/1m"}, 12*time.Hour + time.Second}, // the end of the day
		{[]string{"100/48h", "5/1m"}, 48 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(12 * time.Hour)
			noon := time.Now()
			ledger := &memory{}
			limiter := newLimiter(ledger, limits(t, tt.limits...))
			limiter.Announce(1, 1)
			call(t, limiter, 1)
			until, err := limiter.HoldUntilReset(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "hold", until.Sub(noon), tt.want)
			for _, l := range []*quota.Limiter{limiter, newLimiter(ledger, limits(t, tt.limits...))} {
				l.Announce(1, 1)
				isDeferred(t, l, 0, quota.DeferredError{Until: until, Spent: true})
			}
			ledger.has(t, quota.Account{HeldUntil: until, Calls: callsMade(noon.Add(tick), 1)})
			time.Sleep(time.Until(until))
			equal(t, "wait", call(t, newLimiter(ledger, limits(t, tt.limits...)), 1), 0)
		})
	}
}

// Cron fires at midnight, a moment before the hold of the day before ends: that is waited for like any other limit.
func TestTheEndOfAHoldIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		call(t, limiter, 1)
		until, err := limiter.HoldUntilReset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closeLimiter(t, limiter)
		time.Sleep(time.Until(until.Add(-maxWait)))
		for range 2 {
			limiter := newLimiter(ledger, limits(t, "5/1m"))
			limiter.Announce(1, 1)
			want := max(0, time.Until(until))
			equal(t, "wait", call(t, limiter, 1), want)
			equal(t, "wait", call(t, limiter, 1), 0)
		}
	})
}

package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	"papertrade/internal/quota"
)

// keeping is a floor that lets calls cost so much, and keeps the rest for a run.
func keeping(free int, run time.Time) quota.Floor {
	return func(calls []quota.Call, _ time.Time, cost int) time.Time {
		for _, c := range calls {
			cost += c.Cost
		}
		if cost > free {
			return run
		}
		return time.Time{}
	}
}

// What a floor keeps is not reserved, announced or not, and a call that it keeps does not wait to be refused.
func TestAFloorIsNotFallenBelow(t *testing.T) {
	for _, tt := range []struct {
		name     string
		limits   []string
		announce []int
		asked    []int
		made     int
	}{
		{"one by one", []string{"10/day"}, nil, []int{1, 1, 1, 1, 1}, 3},
		{"announced together", []string{"10/day"}, []int{1, 1, 1, 1, 1}, []int{1, 1, 1, 1, 1}, 3},
		{"more than was announced", []string{"10/day"}, []int{1, 1}, []int{1, 1, 1, 1}, 3},
		{"of another cost", []string{"10/day"}, []int{2, 2}, []int{2, 2}, 1},
		{"what it keeps would have to wait", []string{"10/day", "3/1m"}, []int{1, 1, 1, 1}, []int{1, 1, 1, 1}, 3},
		{"all of it", []string{"10/day"}, []int{4}, []int{4}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger := &memory{}
				run := time.Now().Add(6 * time.Hour)
				limiter := newLimiter(ledger, limits(t, tt.limits...))
				limiter.SetFloor(keeping(3, run))
				limiter.Announce(tt.announce...)
				start := time.Now()
				call(t, limiter, tt.asked[:tt.made]...)
				isKept(t, limiter, tt.asked[tt.made], run)
				equal(t, "waited", time.Since(start), 0)
				equal(t, "used", limiter.Used().Calls, tt.made)
				closeLimiter(t, limiter)
				ledger.has(t, quota.Account{Calls: callsMade(start.Add(tick), tt.asked[:tt.made]...)})
			})
		})
	}
}

// isKept checks that a call is refused because a run needs it.
func isKept(t *testing.T, l *quota.Limiter, cost int, run time.Time) {
	t.Helper()
	_, err := l.Wait(t.Context(), cost)
	equal(t, "refused", err, error(&quota.DeferredError{KeptFor: run}))
}

// The calls of another process count, and leave the less.
func TestAFloorCountsTheCallsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		run := time.Now().Add(6 * time.Hour)
		limiter, other := newLimiter(ledger, limits(t, "10/day")), newLimiter(ledger, limits(t, "10/day"))
		limiter.SetFloor(keeping(3, run))
		call(t, limiter, 1)
		call(t, other, 1, 1, 1, 1)
		isKept(t, limiter, 1, run)
		call(t, other, 1) // which has no floor
	})
}

// A floor holds from when it is set until it is lifted: what was reserved before it is reserved anew.
func TestAFloorHoldsWhileItIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		run := time.Now().Add(6 * time.Hour)
		limiter := newLimiter(ledger, limits(t, "10/day"))
		limiter.Announce(1, 1, 1, 1)
		call(t, limiter, 1)
		limiter.SetFloor(keeping(2, run))
		call(t, limiter, 1)
		isKept(t, limiter, 1, run)
		limiter.SetFloor(nil)
		call(t, limiter, 1, 1)
		equal(t, "used", limiter.Used().Calls, 4)
	})
}

// If the vendor has said that the quota is spent, that is why.
func TestAFloorOfAQuotaThatIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "10/day"))
		until, err := limiter.HoldUntilReset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		limiter.SetFloor(keeping(0, until))
		isDeferred(t, limiter, 0, quota.DeferredError{Until: until, Spent: true})
	})
}

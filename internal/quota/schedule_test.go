package quota_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

// schedule makes n calls, each as early as the limits allow.
func schedule(limits []quota.Limit, start time.Time, n int) []time.Time {
	var made []time.Time
	for range n {
		made = append(made, quota.Next(limits, made, start))
	}
	return made
}

func TestNext(t *testing.T) {
	start := time.Date(2026, 11, 21, 0, 0, 30, 0, time.UTC)
	tests := []struct {
		limits string
		calls  int
		most   time.Duration // until the last call, within 1.02 times the least
		least  time.Duration
	}{
		{"5/1m", 5, 0, 0},
		{"5/1m", 7, 61200 * time.Millisecond, time.Minute},
		{"5/1m", 500, 99 * 61200 * time.Millisecond, 99 * time.Minute},
		{"1/1s", 25, 24 * 1020 * time.Millisecond, 24 * time.Second},
		{"75/1m", 150, 61200 * time.Millisecond, time.Minute},
		{"25/day", 26, 24 * time.Hour, 23 * time.Hour},
	}
	for _, tt := range tests {
		limit, err := quota.ParseLimit(tt.limits)
		if err != nil {
			t.Fatal(err)
		}
		made := schedule([]quota.Limit{limit}, start, tt.calls)
		if took := made[len(made)-1].Sub(start); took < tt.least || took > tt.most {
			t.Errorf("%d calls at %s take %v, want %v to %v", tt.calls, limit, took, tt.least, tt.most)
		}
	}
}

// A token bucket of 5 that refills lets 10 calls into one minute; the vendor counts any minute.
func TestNoWindowIsEverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var limits []quota.Limit
		for range rapid.IntRange(1, 3).Draw(t, "limits") {
			limits = append(limits, quota.Limit{
				Calls:  rapid.IntRange(1, 8).Draw(t, "calls"),
				Window: time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second,
			})
		}
		now := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
		var made []time.Time
		for range rapid.IntRange(1, 40).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "idle ms")) * time.Millisecond)
			now = quota.Next(limits, made, now)
			made = append(made, now)
		}
		for _, l := range limits {
			for i, from := range made {
				inside := 0
				for _, at := range made[i:] {
					if l.Window > 0 && at.Sub(from) <= l.Window ||
						l.Window == 0 && at.Truncate(24*time.Hour).Equal(from.Truncate(24*time.Hour)) {
						inside++
					}
				}
				if inside > l.Calls {
					t.Fatalf("%d calls from %v on, limit %s", inside, from, l)
				}
			}
		}
	})
}

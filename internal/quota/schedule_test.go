package quota_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

func limits(t *testing.T, texts ...string) []quota.Limit {
	t.Helper()
	var all []quota.Limit
	for _, text := range texts {
		limit, err := quota.ParseLimit(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, limit)
	}
	return all
}

func TestScheduleIsNoSlowerThanItMust(t *testing.T) {
	start := time.Date(2026, 11, 21, 0, 0, 30, 0, time.UTC)
	tests := []struct {
		limits []string
		calls  int
		least  time.Duration // until the last call; the most is 1.02 times as long
	}{
		{[]string{"5/1m", "500/day"}, 5, 0},
		{[]string{"5/1m", "500/day"}, 7, time.Minute},
		{[]string{"5/1m", "500/day"}, 500, 99 * time.Minute},
		{[]string{"1/1s", "25/day"}, 25, 24 * time.Second},
		{[]string{"1/1s", "25/day"}, 26, 24*time.Hour - 30*time.Second},
		{[]string{"75/1m"}, 150, time.Minute},
	}
	for _, tt := range tests {
		schedule := quota.NewSchedule(limits(t, tt.limits...), nil)
		last := start
		for range tt.calls {
			last = schedule.Next(start, 1)
			schedule.Add(last, 1)
		}
		if took := last.Sub(start); took < tt.least || took > tt.least+tt.least/50 {
			t.Errorf("%d calls at %v take %v, want %v", tt.calls, tt.limits, took, tt.least)
		}
	}
}

// Of a call of another process it can be known only that it is made between two times.
func TestScheduleCountsACallForAllThatItMayReach(t *testing.T) {
	start := time.Date(2026, 11, 20, 23, 59, 50, 0, time.UTC)
	schedule := quota.NewSchedule(limits(t, "1/1m"), []quota.Call{{Cost: 1, From: start, Until: start.Add(20 * time.Second)}})
	if got, want := schedule.Next(start, 1), start.Add(80*time.Second); got.Before(want) || got.After(want.Add(time.Second)) {
		t.Errorf("next call at %v, want %v", got, want)
	}
	schedule = quota.NewSchedule(limits(t, "1/day"), []quota.Call{{Cost: 1, From: start, Until: start.Add(20 * time.Second)}})
	if got, want := schedule.Next(start, 1), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC); got.Before(want) {
		t.Errorf("next call at %v, want none before %v: the call can be of the 21st", got, want)
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
		schedule := quota.NewSchedule(limits, nil)
		var made []time.Time
		for range rapid.IntRange(1, 40).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "idle ms")) * time.Millisecond)
			now = schedule.Next(now, 1)
			schedule.Add(now, 1)
			made = append(made, now)
		}
		for _, l := range limits {
			if most, from := most(made, l); most > l.Calls {
				t.Fatalf("%d calls from %v on, limit %s", most, from, l)
			}
		}
	})
}

// most is the largest number of calls, ascending, in one window of a limit, and where that begins.
func most(made []time.Time, l quota.Limit) (most int, begin time.Time) {
	for i, from := range made {
		inside := 0
		for _, at := range made[i:] {
			if l.Window > 0 && at.Sub(from) < l.Window ||
				l.Window == 0 && at.UTC().Truncate(24*time.Hour).Equal(from.UTC().Truncate(24*time.Hour)) {
				inside++
			}
		}
		if inside > most {
			most, begin = inside, from
		}
	}
	return most, begin
}

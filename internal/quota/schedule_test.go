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

func TestScheduleIsNoSlowerThanNecessary(t *testing.T) {
	start := time.Date(2026, 11, 21, 0, 0, 30, 0, time.UTC)
	tests := []struct {
		limits []string
		calls  int
		cost   int
		min    time.Duration // until the last call; at most it is 1.02 times as long
	}{
		{[]string{"5/1m", "500/day"}, 5, 1, 0},
		{[]string{"5/1m", "500/day"}, 7, 1, time.Minute},
		{[]string{"5/1m", "500/day"}, 500, 1, 99 * time.Minute},
		{[]string{"1/1s", "25/day"}, 25, 1, 24 * time.Second},
		{[]string{"1/1s", "25/day"}, 26, 1, 24*time.Hour - 30*time.Second},
		{[]string{"75/1m"}, 150, 1, time.Minute},
		{[]string{"55/1m", "800/day"}, 6, 8, 0},
		{[]string{"55/1m", "800/day"}, 100, 8, 16 * time.Minute},
		{[]string{"55/1m", "800/day"}, 101, 8, 24*time.Hour - 30*time.Second},
	}
	for _, tt := range tests {
		schedule := quota.NewSchedule(limits(t, tt.limits...), nil)
		last := start
		for range tt.calls {
			last = schedule.Next(start, tt.cost)
			schedule.Add(last, tt.cost)
		}
		if took := last.Sub(start); took < tt.min || took > tt.min+tt.min/50 {
			t.Errorf("%d calls that cost %d at %v take %v, want %v", tt.calls, tt.cost, tt.limits, took, tt.min)
		}
	}
}

func TestScheduleNext(t *testing.T) {
	midnight := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	type call struct {
		at   time.Duration // after midnight
		cost int
	}
	const nanosecond, second, minute, day = time.Nanosecond, time.Second, time.Minute, 24 * time.Hour
	tests := []struct {
		name  string
		limit string
		made  []call
		at    time.Duration
		cost  int
		want  time.Duration
	}{
		{"margin of a short window", "1/100ms", []call{{0, 1}}, 0, 1, 102 * time.Millisecond},
		{"margin of a hundredth", "1/10s", []call{{0, 1}}, 0, 1, 10100 * time.Millisecond},
		{"margin of a long window", "1/1m", []call{{0, 1}}, 0, 1, 60250 * time.Millisecond},
		{"not before", "1/1m", []call{{0, 1}}, 2 * minute, 1, 2 * minute},
		{"what is left", "5/1m", []call{{0, 3}}, 0, 2, 0},
		{"one too many", "5/1m", []call{{0, 3}}, 0, 3, 60250 * time.Millisecond},
		{"the oldest leaves", "5/1m", []call{{second, 3}, {0, 1}}, 2 * second, 2, 60250 * time.Millisecond},
		{"two have to leave", "5/1m", []call{{0, 1}, {second, 3}}, 2 * second, 3, 61250 * time.Millisecond},
		{"a later one counts", "5/1m", []call{{10 * second, 3}}, 0, 3, 70250 * time.Millisecond},
		{"more than the limit waits for all", "5/1m", []call{{0, 1}, {second, 1}}, 2 * second, 9, 61250 * time.Millisecond},
		{"more than the limit, alone", "5/1m", nil, 0, 9, 0},
		{"more than the limit was made", "5/1m", []call{{0, 9}, {second, 1}}, 2 * second, 4, 60250 * time.Millisecond},
		{"the rest of a day", "5/day", []call{{minute, 3}}, 2 * minute, 2, 2 * minute},
		{"after a day", "5/day", []call{{minute, 3}}, 2 * minute, 3, day + second},
		{"more than a day's, alone", "5/day", nil, minute, 9, minute},
		{"at its end the day before counts", "1/day", []call{{-minute, 1}}, second - nanosecond, 1, second},
		{"then it no longer does", "1/day", []call{{-minute, 1}}, second, 1, second},
		{"just before its beginning", "1/day", []call{{-second, 1}}, minute, 1, day + second},
		{"long enough before its beginning", "1/day", []call{{-second - nanosecond, 1}}, minute, 1, minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls []quota.Call
			for _, c := range tt.made {
				calls = append(calls, quota.Call{Cost: c.cost, Until: midnight.Add(c.at)})
			}
			got := quota.NewSchedule(limits(t, tt.limit), calls).Next(midnight.Add(tt.at), tt.cost)
			if got.Sub(midnight) != tt.want {
				t.Errorf("%v after midnight, want %v", got.Sub(midnight), tt.want)
			}
		})
	}
}

// It does not matter in which order calls are placed.
func TestScheduleAddsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC)
		within := func(label string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, label)) * time.Second)
		}
		limits := []quota.Limit{{Calls: rapid.IntRange(1, 20).Draw(t, "calls"), Window: 20 * time.Second}, {Calls: 40}}
		var calls []quota.Call
		schedule := quota.NewSchedule(limits, nil)
		for range rapid.IntRange(0, 10).Draw(t, "made") {
			c := quota.Call{Cost: rapid.IntRange(1, 9).Draw(t, "cost"), Until: within("until")}
			calls = append(calls, c)
			schedule.Add(c.Until, c.Cost)
		}
		at, cost := within("at"), rapid.IntRange(1, 25).Draw(t, "cost")
		if got, want := schedule.Next(at, cost), quota.NewSchedule(limits, calls).Next(at, cost); !got.Equal(want) {
			t.Fatalf("next at %v, and at %v if all are known at once", got, want)
		}
	})
}

// Of a call of another process it can be known only that it is made between two times.
func TestScheduleCountsACallForAllThatItMayReach(t *testing.T) {
	start := time.Date(2026, 11, 20, 23, 59, 50, 0, time.UTC)
	calls := []quota.Call{{Cost: 1, From: start, Until: start.Add(20 * time.Second)}}
	for limit, want := range map[string]time.Time{
		"1/1m":  start.Add(80250 * time.Millisecond),
		"1/day": time.Date(2026, 11, 22, 0, 0, 1, 0, time.UTC), // it can be of the 21st
	} {
		if got := quota.NewSchedule(limits(t, limit), calls).Next(start, 1); !got.Equal(want) {
			t.Errorf("%s: next call at %v, want %v", limit, got, want)
		}
	}
}

// A token bucket of 5 that refills lets 10 calls into one minute; the vendor counts any minute.
func TestNoWindowIsEverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var limits []quota.Limit
		maxCost := 8
		for range rapid.IntRange(1, 3).Draw(t, "limits") {
			limit := quota.Limit{
				Calls:  rapid.IntRange(1, 8).Draw(t, "calls"),
				Window: time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second,
			}
			limits = append(limits, limit)
			maxCost = min(maxCost, limit.Calls)
		}
		now := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
		schedule := quota.NewSchedule(limits, nil)
		var made []arrival
		for range rapid.IntRange(1, 40).Draw(t, "attempts") {
			cost := rapid.IntRange(1, maxCost).Draw(t, "cost")
			now = now.Add(time.Duration(rapid.IntRange(0, 40_000).Draw(t, "idle ms")) * time.Millisecond)
			now = schedule.Next(now, cost)
			schedule.Add(now, cost)
			made = append(made, arrival{now, cost})
		}
		for _, l := range limits {
			if cost, from := maxInWindow(made, l); cost > l.Calls {
				t.Fatalf("%d from %v on, limit %s", cost, from, l)
			}
		}
	})
}

// arrival is a call as the vendor sees it.
type arrival struct {
	at   time.Time
	cost int
}

// maxInWindow returns the highest cost of calls, ascending, in one window of a limit, and where that begins.
func maxInWindow(made []arrival, l quota.Limit) (cost int, begin time.Time) {
	for i, first := range made {
		inside := 0
		for _, a := range made[i:] {
			if l.Window > 0 && a.at.Sub(first.at) < l.Window ||
				l.Window == 0 && a.at.UTC().Truncate(24*time.Hour).Equal(first.at.UTC().Truncate(24*time.Hour)) {
				inside += a.cost
			}
		}
		if inside > cost {
			cost, begin = inside, first.at
		}
	}
	return cost, begin
}

package quota_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

func TestRemaining(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 1, 0, 0, time.UTC)
	made := func(ago ...time.Duration) (calls []quota.Call) {
		for _, d := range ago {
			calls = append(calls, quota.Call{Cost: 1, From: now.Add(-d), Until: now.Add(-d)})
		}
		return calls
	}
	all := limits(t, "2/1m", "5/day")
	minute, day := all[0], all[1]
	tomorrow := time.Date(2026, 11, 22, 0, 0, 1, 0, time.UTC)
	window := time.Minute + 250*time.Millisecond // with the margin
	tests := []struct {
		name    string
		account quota.Account
		want    []quota.Allowance
	}{
		{"nothing is known", quota.Account{}, []quota.Allowance{{Limit: minute, Left: 2}, {Limit: day, Left: 5}}},
		{"yesterday's", quota.Account{Calls: made(2 * time.Hour)}, []quota.Allowance{{Limit: minute, Left: 2}, {Limit: day, Left: 5}}},
		{
			"one in the window", quota.Account{Calls: made(10*time.Second, 61*time.Second)},
			[]quota.Allowance{
				{Limit: minute, Used: 1, Left: 1, FreesAt: now.Add(window - 10*time.Second)},
				{Limit: day, Used: 2, Left: 3, FreesAt: tomorrow},
			},
		},
		{
			"more than are allowed now", quota.Account{Calls: made(10*time.Second, 5*time.Second, time.Second)},
			[]quota.Allowance{
				{Limit: minute, Used: 3, FreesAt: now.Add(window - 5*time.Second)},
				{Limit: day, Used: 3, Left: 2, FreesAt: tomorrow},
			},
		},
		{
			"reserved for later", quota.Account{Calls: made(-20 * time.Second)},
			[]quota.Allowance{
				{Limit: minute, Used: 1, Left: 1, FreesAt: now.Add(window + 20*time.Second)},
				{Limit: day, Used: 1, Left: 4, FreesAt: tomorrow},
			},
		},
		{
			"of differing cost", quota.Account{Calls: []quota.Call{{Cost: 3, Until: now.Add(-10 * time.Second)}, {Cost: 1, Until: now}}},
			[]quota.Allowance{
				{Limit: minute, Used: 4, FreesAt: now.Add(window - 10*time.Second)},
				{Limit: day, Used: 4, Left: 1, FreesAt: tomorrow},
			},
		},
		{
			"spent, says the vendor", quota.Account{Calls: made(10 * time.Second), HeldUntil: tomorrow.Add(time.Hour)},
			[]quota.Allowance{
				{Limit: minute, Used: 1, FreesAt: tomorrow.Add(time.Hour)},
				{Limit: day, Used: 1, FreesAt: tomorrow.Add(time.Hour)},
			},
		},
		{
			"spent until just now", quota.Account{HeldUntil: now},
			[]quota.Allowance{{Limit: minute, Left: 2}, {Limit: day, Left: 5}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, quota.Remaining(all, tt.account, now)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What is left is what a schedule lets through at once, and more is when Remaining says.
func TestRemainingAgreesWithTheSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := quota.Limit{
			Calls:  rapid.IntRange(1, 12).Draw(t, "calls"),
			Window: time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second,
		}
		now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(-3_000, 60_000).Draw(t, "ms")) * time.Millisecond)
		var account quota.Account
		for range rapid.IntRange(0, 12).Draw(t, "calls made") {
			at := now.Add(time.Duration(-rapid.IntRange(0, 120_000).Draw(t, "ago ms")) * time.Millisecond)
			account.Calls = append(account.Calls, quota.Call{Cost: rapid.IntRange(1, 3).Draw(t, "cost"), From: at, Until: at})
		}
		got := quota.Remaining([]quota.Limit{limit}, account, now)[0]
		schedule := quota.NewSchedule([]quota.Limit{limit}, account.Calls)
		if at := schedule.Next(now, got.Left); got.Left > 0 && at.After(now) {
			t.Fatalf("%d are left, and the schedule has them wait until %v", got.Left, at)
		}
		if got.Left == limit.Calls {
			return
		}
		if at := schedule.Next(now, got.Left+1); !at.After(now) || !at.Equal(got.FreesAt) {
			t.Fatalf("%d are left and more at %v, and the schedule allows more at %v", got.Left, got.FreesAt, at)
		}
	})
}

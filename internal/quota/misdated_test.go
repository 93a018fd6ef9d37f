package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
)

// What no clock that is right would have written does not count, and is named. The clocks of two processes may be an hour apart.
func TestWhatAWrongClockHasLeftIsNotBelieved(t *testing.T) {
	now := time.Date(2026, 11, 21, 23, 55, 0, 0, time.UTC)
	const day, minute = 24 * time.Hour, time.Minute
	midnight := now.Add(5 * minute)
	hold := func(until time.Time) quota.Account { return quota.Account{HeldUntil: until} }
	misheld := func(until time.Time) quota.Account {
		return quota.Account{Misdated: quota.Misdated{HeldUntil: until}}
	}
	calls := func(ahead ...time.Duration) (all []quota.Call) {
		for _, d := range ahead {
			all = append(all, callsMade(now.Add(d), 1)...)
		}
		return all
	}
	year := now.AddDate(1, 0, 0)
	for _, tt := range []struct {
		name        string
		limits      []string
		given, want quota.Account
	}{
		{"nothing", []string{"5/1m"}, quota.Account{}, quota.Account{}},
		{"a hold until the day ends", []string{"500/day"}, hold(midnight.Add(time.Second)), hold(midnight.Add(time.Second))},
		{"of a process whose day has begun", []string{"500/day"}, hold(midnight.Add(day + time.Second)), hold(midnight.Add(day + time.Second))},
		{"later than that", []string{"500/day"}, hold(midnight.Add(day + 2*time.Second)), misheld(midnight.Add(day + 2*time.Second))},
		{"a hold of the longest window", []string{"5/1m", "500/720h"}, hold(now.Add(30*day + 70*minute)), hold(now.Add(30*day + 70*minute))},
		{"longer than that", []string{"500/720h"}, hold(now.Add(30*day + 70*minute + 1)), misheld(now.Add(30*day + 70*minute + 1))},
		{"of next year", []string{"500/day"}, hold(year), misheld(year)},
		{"a call of a clock that is an hour ahead, and one of next year", []string{"500/day"}, quota.Account{Calls: calls(-day, 70*minute, 365*day)},
			quota.Account{Calls: calls(-day, 70*minute), Misdated: quota.Misdated{Calls: calls(365 * day)}}},
		{"limits that were learned next year", []string{"500/day"},
			quota.Account{Learned: append(learned(t, now.Add(70*minute), true, "25/day"), learned(t, year, false, "30/1m")...)},
			quota.Account{Learned: learned(t, now.Add(70*minute), true, "25/day"), Misdated: quota.Misdated{Learned: learned(t, year, false, "30/1m")}}},
		{"a plan that refused a call next year", []string{"500/day"}, quota.Account{NotEntitledAt: year}, quota.Account{NotEntitledAt: now}},
		{"one that did just now", []string{"500/day"}, quota.Account{NotEntitledAt: now.Add(minute)}, quota.Account{NotEntitledAt: now.Add(minute)}},
	} {
		got := tt.given.Believed(limits(t, tt.limits...), now)
		if diff := gocmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
		equal(t, tt.name+": misdated", !got.Misdated.IsZero(), !tt.want.Misdated.IsZero())
	}
}

// A process whose clock was a year ahead stops no call of those that come after it, and what it has left is gone once one of
// them has begun: it does not come true in a year.
func TestAWrongClockStopsNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		year := time.Now().AddDate(1, 0, 0)
		ledger := &memory{account: quota.Account{
			Calls: []quota.Call{{ID: "1", Cost: 1, From: year, Until: year}}, HeldUntil: year, Learned: learned(t, year, true, "2/day"),
		}}
		limiter := newLimiter(ledger, limits(t, "5/day"))
		account, err := limiter.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "misdated", account.Misdated.HeldUntil, year)
		equal(t, "wait", call(t, limiter, 1, 1, 1), 0)
		closeLimiter(t, limiter)
		left, err := ledger.Account(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "calls", len(left.Calls), 3)
		equal(t, "is held", left.HeldUntil.After(time.Now()), false)
		equal(t, "learned", len(left.Learned), 0)
	})
}

package quota_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
)

// learned returns what a refusal at a time showed.
func learned(t *testing.T, at time.Time, named bool, texts ...string) (all []quota.Learned) {
	t.Helper()
	for _, limit := range limits(t, texts...) {
		all = append(all, quota.Learned{Limit: limit, Named: named, At: at})
	}
	return all
}

// The smaller of what is set and what was learned holds, of each window; a week after the last refusal what is set does.
func TestEffectiveLimits(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	const week = 7 * 24 * time.Hour
	for _, tt := range []struct {
		name         string
		set, learned []string
		ago          time.Duration
		want         []string
		narrowed     int
	}{
		{"nothing is learned", []string{"5/1m", "500/day"}, nil, 0, []string{"5/1m", "500/day"}, 0},
		{"a day", []string{"5/1m", "500/day"}, []string{"25/day"}, 0, []string{"5/1m", "25/day"}, 1},
		{"a day that is set as a rolling window stays one", []string{"500/24h"}, []string{"25/day"}, 0, []string{"25/24h"}, 1},
		{"a day that is set twice", []string{"500/24h", "20/day"}, []string{"10/day"}, 0, []string{"10/24h", "10/day"}, 1},
		{"it never exceeds what is set", []string{"5/1m", "20/day"}, []string{"25/day", "75/1m"}, 0, []string{"5/1m", "20/day"}, 0},
		{"what is set of the day implies it", []string{"20/24h"}, []string{"25/day", "60/1h", "20/1s"}, 0, []string{"20/24h"}, 0},
		{"a day where none is set", []string{"75/1m"}, []string{"25/day"}, 0, []string{"75/1m", "25/day"}, 1},
		{"a second's burst", []string{"5/1m", "500/day"}, []string{"1/1s", "25/day"}, 0, []string{"5/1m", "25/day", "1/1s"}, 2},
		{"a moment before it is forgotten", []string{"500/day"}, []string{"25/day"}, week - 1, []string{"25/day"}, 1},
		{"forgotten", []string{"500/day"}, []string{"25/day"}, week, []string{"500/day"}, 0},
	} {
		set, known := limits(t, tt.set...), learned(t, now.Add(-tt.ago), true, tt.learned...)
		equal(t, tt.name, quota.Account{Learned: known}.Limits(set, now), limits(t, tt.want...))
		equal(t, tt.name, set, limits(t, tt.set...)) // which stays as it was
		equal(t, tt.name+": narrowed", len(quota.Narrow(set, known, now)), tt.narrowed)
	}
	narrowed := quota.Narrow(limits(t, "5/1m", "500/24h"), learned(t, now, true, "1/1s", "25/day"), now)
	equal(t, "narrowed", narrowed, []quota.Narrowed{
		{Learned: learned(t, now, true, "1/1s")[0]}, {Learned: learned(t, now, true, "25/day")[0], Set: limits(t, "500/24h")[0]},
	})
}

// What a refusal shows, of a key that made calls so long before the refused one.
func TestARefusalShowsALimit(t *testing.T) {
	const second = time.Second
	every := func(d time.Duration, n int) (ago []time.Duration) {
		for i := n; i > 0; i-- {
			ago = append(ago, time.Duration(i)*d)
		}
		return ago
	}
	for _, tt := range []struct {
		name    string
		set     []string
		before  []time.Duration
		refusal func(named []quota.Limit) quota.Refusal
		named   []string
		want    []quota.Learned // of a moment that the test fills in
	}{
		{"the vendor names the day", []string{"5/1m", "500/day"}, every(time.Minute, 3), spent, []string{"25/day"}, learned(t, time.Time{}, true, "25/day")},
		{"it does so at the first call", []string{"5/1m", "500/day"}, nil, spent, []string{"25/day"}, learned(t, time.Time{}, true, "25/day")},
		{"the day's calls are counted", []string{"5/1m", "500/day"}, every(time.Minute, 25), spent, nil, learned(t, time.Time{}, false, "25/day")},
		{"those of a rolling day too", []string{"500/24h"}, append([]time.Duration{25 * time.Hour}, every(2*time.Hour, 8)...), spent, nil,
			learned(t, time.Time{}, false, "8/24h0m0s")},
		{"yesterday's calls are none of today's", []string{"500/day"}, append([]time.Duration{13 * time.Hour}, every(time.Hour, 6)...), spent, nil,
			learned(t, time.Time{}, false, "6/day")},
		{"who made few calls shares the key with others", []string{"500/day"}, every(time.Minute, 4), spent, nil, nil},
		{"nothing is learned from no call", []string{"500/day"}, nil, spent, nil, nil},
		{"the ledger keeps no calls of a day that is no limit's", []string{"75/1m"}, every(time.Minute, 30), spent, nil, nil},
		{"the vendor names a second and a day", []string{"5/1m"}, every(second/10, 1), tooFast, []string{"1/1s", "25/day"},
			learned(t, time.Time{}, true, "1/1s", "25/day")},
		{"a burst", []string{"75/1m"}, every(9*second/10, 30), tooFast, nil, learned(t, time.Time{}, false, "1/1s")},
		{"the last minute's calls are counted", []string{"75/1m"}, every(2*second, 90), tooFast, nil, learned(t, time.Time{}, false, "30/1m")},
		{"though the vendor names the day", []string{"75/1m"}, every(4*second, 90), tooFast, []string{"500/day"},
			append(learned(t, time.Time{}, true, "500/day"), learned(t, time.Time{}, false, "15/1m")...)},
		{"few in a minute say nothing", []string{"5/1m"}, every(13*second, 10), tooFast, nil, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(12 * time.Hour)
			ledger := &memory{}
			refusedAt := time.Now().Add(24 * time.Hour)
			for i, ago := range tt.before {
				at := refusedAt.Add(-ago)
				ledger.account.Calls = append(ledger.account.Calls, quota.Call{ID: string(rune('a' + i)), Cost: 1, From: at, Until: at})
			}
			time.Sleep(time.Until(refusedAt))
			limiter := newLimiter(ledger, limits(t, tt.set...))
			call(t, limiter, 1)
			time.Sleep(300 * time.Millisecond) // until the refusal is here
			if _, err := limiter.Learn(t.Context(), tt.refusal(limits(t, tt.named...))); err != nil {
				t.Fatal(err)
			}
			for i := range tt.want {
				tt.want[i].At = time.Now()
			}
			equal(t, tt.name, ledger.account.Learned, tt.want)
		})
	}
}

func spent(named []quota.Limit) quota.Refusal   { return quota.Refusal{Spent: true, Named: named} }
func tooFast(named []quota.Limit) quota.Refusal { return quota.Refusal{Named: named} }

// Of the same window the newer limit takes the place of the older, but for a count, which does not go before the vendor's word.
func TestANewerRefusalGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		var noon time.Time
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "100/1s", "500/day"))
		call(t, limiter, 1, 1, 1, 1, 1, 1, 1, 1, 1)
		time.Sleep(time.Millisecond)
		noon = time.Now()
		step := func(r quota.Refusal, want ...quota.Learned) {
			t.Helper()
			if _, err := limiter.Learn(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			equal(t, "learned", ledger.account.Learned, want)
			time.Sleep(time.Hour)
		}
		hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
		step(spent(nil), learned(t, hour(0), false, "8/day")...)
		step(spent(limits(t, "25/day")), learned(t, hour(1), true, "25/day")...)
		step(spent(nil), learned(t, hour(1), true, "25/day")...)
		step(spent(limits(t, "20/24h")), learned(t, hour(3), true, "20/24h")...)
		step(tooFast(limits(t, "1/1s", "30/day")), learned(t, hour(4), true, "30/day", "1/1s")...)
		time.Sleep(time.Until(hour(4 + 7*24)))
		call(t, limiter, 1, 1, 1, 1, 1, 1, 1)
		time.Sleep(time.Millisecond)
		step(spent(nil), learned(t, hour(4+7*24).Add(time.Millisecond), false, "6/day")...)
	})
}

// This process goes by what was learned at once, and any other as soon as it looks into the ledger. Calls that count for it stay
// there, though no limit that is set needs them.
func TestLimitersGoByWhatWasLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		given := limits(t, "75/1m")
		first, second := newLimiter(ledger, given), newLimiter(ledger, given)
		call(t, second, 1)
		closeLimiter(t, second)
		call(t, first, 1, 1)
		if _, err := first.Learn(t.Context(), tooFast(limits(t, "1/1s", "5/day"))); err != nil {
			t.Fatal(err)
		}
		got, _ := first.Outlook()
		equal(t, "outlook", got, limits(t, "75/1m", "1/1s", "5/day"))
		equal(t, "wait", call(t, first, 1), 1010*time.Millisecond+tick)
		closeLimiter(t, first)
		equal(t, "wait", call(t, second, 1), 1010*time.Millisecond+tick)
		closeLimiter(t, second)
		time.Sleep(time.Hour)
		for range 2 {
			isDeferred(t, newLimiter(ledger, given), 0, quota.DeferredError{Until: midnightAfter(time.Now()).Add(time.Second)})
		}
		time.Sleep(7 * 24 * time.Hour)
		limiter := newLimiter(ledger, given)
		equal(t, "wait", call(t, limiter, 1, 1, 1, 1, 1, 1, 1), 0)
	})
}

func midnightAfter(at time.Time) time.Time {
	return at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

func TestLearnedIsPlainJSON(t *testing.T) {
	want := learned(t, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), true, "25/day")
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "JSON", string(text), `[{"limit":"25/day","named":true,"at":"2026-11-21T00:00:00Z"}]`)
	var got []quota.Learned
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if json.Unmarshal([]byte(`[{"limit":"0/day"}]`), &got) == nil {
		t.Error("0 calls a day were read")
	}
}

package quota_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

// memory is a ledger that lives as long as the test.
type memory struct {
	mu      sync.Mutex
	account quota.Account
	writes  int
	err     error
}

func (m *memory) Account(context.Context, string) (quota.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return quota.Account{Calls: slices.Clone(m.account.Calls), HeldUntil: m.account.HeldUntil}, m.err
}

func (m *memory) UpdateAccount(_ context.Context, _ string, since time.Time, decide func(quota.Account) quota.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.account.Calls = slices.DeleteFunc(m.account.Calls, func(c quota.Call) bool { return c.Until.Before(since) })
	change := decide(quota.Account{Calls: slices.Clone(m.account.Calls), HeldUntil: m.account.HeldUntil})
	if len(change.Save)+len(change.Delete) > 0 || !change.HeldUntil.IsZero() {
		m.writes++
	}
	m.account.Calls = slices.DeleteFunc(m.account.Calls, func(c quota.Call) bool {
		return slices.Contains(change.Delete, c.ID) || slices.ContainsFunc(change.Save, func(s quota.Call) bool { return s.ID == c.ID })
	})
	m.account.Calls = append(m.account.Calls, change.Save...)
	if !change.HeldUntil.IsZero() {
		m.account.HeldUntil = change.HeldUntil
	}
	if change.CallTime > 0 {
		m.account.CallTime = change.CallTime
	}
	return nil
}

func newLimiter(ledger quota.Ledger, limits []quota.Limit) *quota.Limiter {
	return quota.NewLimiter(quota.Options{
		Ledger: ledger, Account: "key", Limits: limits, MaxWait: 5 * time.Minute, CallTimeout: 10 * time.Second,
	})
}

// call makes one call, which reaches the vendor at once.
func call(t *testing.T, l *quota.Limiter) {
	t.Helper()
	sent, err := l.Wait(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	sent(true)
}

func TestLimiterWaitsForTheWindowAndWritesOnceABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m", "500/day"))
		start := time.Now()
		for range 2 {
			limiter.Announce(1, 1, 1, 1, 1)
			for range 5 {
				call(t, limiter)
			}
		}
		if took := time.Since(start); took <= time.Minute || took > 61200*time.Millisecond {
			t.Errorf("10 calls took %v", took)
		}
		if err := limiter.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		// One tells the end of the first batch while the second still waits.
		if ledger.writes > 4 || limiter.Used().Calls != 10 {
			t.Errorf("%d writes for %d calls in 2 batches", ledger.writes, limiter.Used().Calls)
		}
		for _, c := range ledger.account.Calls {
			if !c.From.Equal(c.Until) {
				t.Errorf("%+v: a limiter that was closed knows when its calls were made", c)
			}
		}
	})
}

func TestLimiterKeepsToCallsOfEarlierProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		killed := newLimiter(ledger, limits(t, "5/1m"))
		killed.Announce(1, 1, 1, 1, 1)
		for range 2 {
			call(t, killed)
		}
		start := time.Now()
		next := newLimiter(ledger, limits(t, "5/1m"))
		next.Announce(1, 1, 1, 1, 1)
		call(t, next)
		// The three that it had reserved may have been made until 20 s after.
		if took := time.Since(start); took < 80*time.Second || took > 82*time.Second {
			t.Errorf("the next process waited %v, want 80 s", took)
		}
	})
}

func TestLimiterGivesBackWhatItDidNotUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		first := newLimiter(ledger, limits(t, "5/day"))
		first.Announce(1, 1, 1, 1, 1)
		call(t, first)
		unsent, err := first.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		unsent(false)
		if err := first.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := newLimiter(ledger, limits(t, "5/day"))
		second.Announce(1, 1, 1, 1, 1)
		for range 4 {
			call(t, second)
		}
		var deferred *quota.DeferredError
		if _, err := second.Wait(t.Context(), 1); !errors.As(err, &deferred) {
			t.Errorf("%v, want a DeferredError after 5 calls", err)
		}
	})
}

func TestLimiterDefersALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/day"))
		call(t, limiter)
		start := time.Now()
		var deferred *quota.DeferredError
		if _, err := limiter.Wait(t.Context(), 1); !errors.As(err, &deferred) {
			t.Fatalf("%v, want a DeferredError", err)
		}
		if want := start.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); deferred.Until.Before(want) || time.Since(start) != 0 {
			t.Errorf("deferred until %v after %v, want the midnight %v at once", deferred.Until, time.Since(start), want)
		}
	})
}

func TestLimiterWaitIsInterruptible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1m"))
		call(t, limiter)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := limiter.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if limiter.Used().Calls != 1 {
			t.Errorf("%d calls made: an interrupted wait is no call", limiter.Used().Calls)
		}
	})
}

func TestThrottledLimiterSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1s", "75/1m"))
		call(t, limiter)
		for i, tt := range []struct{ retryAfter, want time.Duration }{
			{0, time.Second}, // the shortest window
			{0, 4 * time.Second},
			{7 * time.Second, 112 * time.Second},
		} {
			start := time.Now()
			if wait := limiter.Throttled(tt.retryAfter); wait != tt.want {
				t.Errorf("refusal %d: wait %v, want %v", i+1, wait, tt.want)
			}
			if again := limiter.Throttled(time.Hour); again != tt.want {
				t.Errorf("refusal %d: of a call under way the wait is %v", i+1, again)
			}
			call(t, limiter)
			if took := time.Since(start); took < tt.want || took > tt.want+4*time.Second {
				t.Errorf("refusal %d: the next call came after %v, want %v", i+1, took, tt.want)
			}
		}
		limiter.Answered()
		start := time.Now()
		call(t, limiter)
		if took := time.Since(start); took < 4*time.Second {
			t.Errorf("%v between two calls after three refusals, want 4 s", took)
		}
	})
}

func TestSpentQuotaHoldsAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		call(t, limiter)
		until, err := limiter.HoldUntilReset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []*quota.Limiter{limiter, newLimiter(ledger, limits(t, "5/1m"))} {
			var deferred *quota.DeferredError
			if _, err := l.Wait(t.Context(), 1); !errors.As(err, &deferred) || !deferred.Spent || !deferred.Until.Equal(until) {
				t.Errorf("%v, want a DeferredError until %v", err, until)
			}
		}
		time.Sleep(time.Until(until))
		call(t, newLimiter(ledger, limits(t, "5/1m")))
	})
}

func TestNoCallWithoutALedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{err: errors.New("disk full")}, limits(t, "5/1m"))
		if _, err := limiter.Wait(t.Context(), 1); !errors.Is(err, quota.ErrLedger) {
			t.Errorf("%v, want an ErrLedger", err)
		}
	})
}

func TestAccountNameTellsKeysApartWithoutTellingThem(t *testing.T) {
	a, b := quota.AccountName("vendor", "SECRETKEY"), quota.AccountName("vendor", "another")
	if a == b || a != quota.AccountName("vendor", "SECRETKEY") || len(a) != len("vendor:")+16 {
		t.Errorf("accounts %q and %q", a, b)
	}
}

// Processes with one ledger, some of which die at any moment, never exceed a window together, wherever
// it starts, as the vendor sees them: it meets each call somewhat later than it was sent.
func TestProcessesTogetherNeverExceedAWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var limits []quota.Limit
		for range rapid.IntRange(1, 2).Draw(rt, "limits") {
			limits = append(limits, quota.Limit{
				Calls:  rapid.IntRange(1, 6).Draw(rt, "calls"),
				Window: time.Duration(rapid.SampledFrom([]int{1, 2, 10, 60}).Draw(rt, "seconds")) * time.Second,
			})
		}
		processes := rapid.IntRange(1, 4).Draw(rt, "processes")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(*testing.T) {
			arrivals, made := simulate(limits, processes, seed)
			if made == 0 {
				rt.Fatal("no call was made")
			}
			for _, l := range limits {
				if most, from := most(arrivals, l); most > l.Calls {
					rt.Fatalf("%d calls from %v on, limit %s", most, from, l)
				}
			}
		})
	})
}

// simulate lets processes call for ten minutes. Each is replaced by another when it dies.
func simulate(limits []quota.Limit, processes int, seed uint64) (arrivals []time.Time, made int) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ledger := &memory{}
	var mu sync.Mutex
	arrive := func() {
		mu.Lock()
		defer mu.Unlock()
		arrivals = append(arrivals, time.Now())
	}
	var group sync.WaitGroup
	for i := range processes {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
		group.Go(func() {
			for ctx.Err() == nil {
				live(ctx, newLimiter(ledger, limits), random, upTo, arrive)
				time.Sleep(upTo(20 * time.Second))
			}
		})
	}
	group.Wait()
	return arrivals, len(arrivals)
}

// live is the life of one process.
func live(ctx context.Context, limiter *quota.Limiter, random *rand.Rand, upTo func(time.Duration) time.Duration, arrive func()) {
	dies := time.Now().Add(upTo(3 * time.Minute))
	for {
		batch := 1 + random.IntN(6)
		limiter.Announce(slices.Repeat([]int{1}, batch)...)
		for range batch {
			waiting, cancel := context.WithDeadline(ctx, dies)
			sent, err := limiter.Wait(waiting, 1)
			cancel()
			if err != nil {
				if random.IntN(2) == 0 {
					_ = limiter.Close(context.Background()) // of memory
				}
				return
			}
			time.Sleep(upTo(300 * time.Millisecond)) // to connect
			if random.IntN(20) == 0 {
				sent(false)
				continue
			}
			arrive()
			if random.IntN(20) == 0 {
				return // killed before it could take note
			}
			sent(true)
			if random.IntN(20) == 0 {
				limiter.Throttled(upTo(time.Second))
			}
			time.Sleep(upTo(500 * time.Millisecond))
		}
		time.Sleep(upTo(25 * time.Second)) // which can be longer than a reservation is good for
	}
}

func ExampleParseLimit() {
	limit, err := quota.ParseLimit("5/1m")
	fmt.Println(limit.Calls, limit.Window, err)
	// Output: 5 1m0s <nil>
}

// Five calls a minute may come at once, unless the vendor turns out not to like it. Even then they take
// no longer than the windows do.
func TestThrottledLimiterMakesNoBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "5/1m", "500/day"))
		call(t, limiter)
		limiter.Throttled(time.Second)
		start, last := time.Now(), time.Time{}
		for i := range 20 {
			call(t, limiter)
			limiter.Answered()
			if gap := time.Since(last); i > 0 && (gap < 12*time.Second || gap > 13*time.Second) {
				t.Errorf("%v between two calls, want 12 s", gap)
			}
			last = time.Now()
		}
		if took := time.Since(start); took > 4*61*time.Second {
			t.Errorf("20 calls took %v", took)
		}
	})
}

// A wait that looks too long only because another process has not told yet when its calls were made is
// no reason to defer.
func TestTwoProcessesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, windows := &memory{}, limits(t, "1/1s")
		start := time.Now()
		var group sync.WaitGroup
		for range 2 {
			limiter := quota.NewLimiter(quota.Options{
				Ledger: ledger, Account: "key", Limits: windows, MaxWait: 15 * time.Second, CallTimeout: 10 * time.Second})
			group.Go(func() {
				for i := range 20 {
					if i%5 == 0 {
						limiter.Announce(1, 1, 1, 1, 1)
					}
					sent, err := limiter.Wait(t.Context(), 1)
					if err != nil {
						t.Error(err)
						return
					}
					sent(true)
				}
				_ = limiter.Close(t.Context()) // of memory
			})
		}
		group.Wait()
		if took := time.Since(start); took > 60*time.Second {
			t.Errorf("40 calls of two processes took %v, want little more than 39 s", took)
		}
	})
}

func TestACallFromTheFutureIsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := time.Now().Add(time.Hour)
		ledger := &memory{account: quota.Account{Calls: []quota.Call{{ID: "1", Cost: 1, From: wrong, Until: wrong}}}}
		start := time.Now()
		call(t, newLimiter(ledger, limits(t, "1/day")))
		if time.Since(start) > 0 || len(ledger.account.Calls) != 1 || ledger.account.Calls[0].ID == "1" {
			t.Errorf("the call came after %v, and the ledger has %+v", time.Since(start), ledger.account.Calls)
		}
	})
}

func TestLedgerRemembersTheLongestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		call(t, newLimiter(ledger, limits(t, "1/1h")))
		start := time.Now()
		time.Sleep(59 * time.Minute)
		call(t, newLimiter(ledger, limits(t, "1/1h")))
		if took := time.Since(start); took < time.Hour {
			t.Errorf("the next call came after %v, want an hour", took)
		}
	})
}

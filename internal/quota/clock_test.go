package quota_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
)

// machine has a time of day that can be set, while the time of the bubble goes on: that is the vendor's.
type machine struct {
	boot   string
	booted time.Time
	wrong  atomic.Int64
}

func newMachine(boot string) *machine {
	return &machine{boot: boot, booted: time.Now().Add(-time.Hour)}
}

func (m *machine) read() quota.Reading {
	return quota.Reading{Wall: m.now(), Boot: m.boot, Up: time.Since(m.booted)}
}

func (m *machine) now() time.Time { return time.Now().Round(0).Add(time.Duration(m.wrong.Load())) }

// jump sets the time of day.
func (m *machine) jump(by time.Duration) { m.wrong.Add(int64(by)) }

func (m *machine) limiter(ledger quota.Ledger, limits []quota.Limit) *quota.Limiter {
	return quota.NewLimiter(quota.Options{
		Ledger: ledger, Account: "key", Limits: limits, MaxWait: maxWait, CallTimeout: 10 * time.Second, Clock: m.read,
	})
}

// make makes calls one after the other as long as the limits have one in less than the time that a limiter may wait.
func (v *vendor) make(t *testing.T, l *quota.Limiter, calls int) (made int) {
	t.Helper()
	costs := make([]int, calls)
	for i := range costs {
		costs[i] = 1
	}
	l.Announce(costs...)
	for range calls {
		sent, err := l.Wait(t.Context(), 1)
		if errors.As(err, new(*quota.DeferredError)) {
			return made
		}
		if err != nil {
			t.Fatal(err)
		}
		v.arrive(1)
		sent(true)
		made++
	}
	return made
}

// keepsTo checks what the vendor has counted, by its own clock.
func (v *vendor) keepsTo(t *testing.T, what string, limits []quota.Limit) {
	t.Helper()
	for _, l := range limits {
		if cost, from := maxInWindow(v.arrivals, l); cost > l.Calls {
			t.Errorf("%s: %d calls from %v on, limit %s", what, cost, from, l)
		}
	}
}

// However the time of day is set, during a run or between two: the windows and days of the vendor hold, and what it allows is made.
func TestAJumpOfTheTimeOfDayExceedsNoWindow(t *testing.T) {
	const hour, minute = time.Hour, time.Minute
	for _, jump := range []time.Duration{hour, -hour, 40 * time.Minute, 3 * time.Second, -3 * time.Second, 5 * hour, -5 * hour, 365 * 24 * hour, -365 * 24 * hour} {
		for _, tt := range []struct {
			name       string
			limits     []string
			start      time.Duration // of the first run, after midnight
			calls      int
			jumpAfter  int           // calls of the first run; all of them: between the runs
			pause      time.Duration // until the second
			first, all int           // calls that are made
		}{
			{"amid a window", []string{"5/1m"}, 12 * hour, 5, 3, 0, 5, 10},
			{"amid a run of several windows", []string{"5/1m"}, 12 * hour, 23, 7, 0, 23, 46},
			{"between two runs", []string{"5/1m"}, 12 * hour, 5, 5, 10 * time.Second, 5, 10},
			{"between two runs, one at once after the other", []string{"5/1m", "1000/day"}, 12 * hour, 5, 5, 0, 5, 10},
			{"after a window", []string{"5/1m"}, 12 * hour, 5, 5, 2 * minute, 5, 10},
			{"amid a day that is spent", []string{"5/1m", "8/day"}, 12 * hour, 8, 3, minute, 8, 8},
			{"between two runs of a day that is spent", []string{"8/day"}, 12 * hour, 8, 8, minute, 8, 8},
			{"half an hour before midnight", []string{"8/day"}, 23*hour + 30*minute, 8, 8, minute, 8, 8},
			{"half an hour before midnight, amid a run", []string{"8/day"}, 23*hour + 30*minute, 12, 4, minute, 8, 8},
			{"half an hour after midnight", []string{"8/day"}, 30 * minute, 8, 8, minute, 8, 8},
			{"the next day", []string{"5/1m", "8/day"}, 12 * hour, 8, 3, 24 * hour, 8, 16},
		} {
			synctest.Test(t, func(t *testing.T) {
				what := fmt.Sprintf("%v %s", jump, tt.name)
				time.Sleep(tt.start) // the bubble begins at midnight
				m, ledger, v := newMachine("boot"), &memory{}, &vendor{}
				limits := limits(t, tt.limits...)
				limiter := m.limiter(ledger, limits)
				made := v.make(t, limiter, tt.jumpAfter)
				m.jump(jump)
				made += v.make(t, limiter, tt.calls-tt.jumpAfter)
				closeLimiter(t, limiter)
				equal(t, what+": calls of the first run", made, tt.first)
				time.Sleep(tt.pause)
				limiter = m.limiter(ledger, limits)
				made += v.make(t, limiter, tt.calls)
				closeLimiter(t, limiter)
				if jump.Abs() > hour && tt.limits[len(tt.limits)-1] == "8/day" && tt.pause < hour {
					return // which day it is, nobody knows who cannot tell which clock is wrong
				}
				equal(t, what+": calls", made, tt.all)
				v.keepsTo(t, what, limits)
			})
		}
	}
}

// Who has seen that the time of day was set goes by both until the vendor's day has ended by either, and keeps what shows it.
func TestTheVendorsDayHoldsThroughoutTheDayOfAJump(t *testing.T) {
	limits := limits(t, "8/day")
	at := func(t *testing.T, day int, hour, minute time.Duration) {
		t.Helper()
		time.Sleep(time.Until(time.Date(2000, 1, day, 0, 0, 0, 0, time.UTC).Add(hour*time.Hour + minute*time.Minute)))
	}
	t.Run("set between two runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, ledger, v := newMachine("boot"), &memory{}, &vendor{}
			run := func(calls, want int) {
				t.Helper()
				limiter := m.limiter(ledger, limits)
				equal(t, "calls", v.make(t, limiter, calls), want)
				closeLimiter(t, limiter)
			}
			at(t, 1, 20, 0)
			run(1, 1)
			at(t, 2, 0, 5)
			m.jump(time.Hour)
			at(t, 2, 12, 0)
			run(1, 1)
			at(t, 2, 12, 30)
			run(1, 1)
			at(t, 2, 22, 50)
			run(9, 6)
			at(t, 2, 23, 10) // after midnight by the time of day
			run(9, 0)
			at(t, 3, 0, 10)
			run(9, 8)
			v.keepsTo(t, "between", limits)
		})
	})
	t.Run("set amid a run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, v := newMachine("boot"), &vendor{}
			m.jump(time.Hour)
			limiter := m.limiter(&memory{}, limits)
			at(t, 1, 22, 30)
			equal(t, "calls", v.make(t, limiter, 9), 8)
			m.jump(-time.Hour)
			at(t, 1, 23, 10)
			equal(t, "calls before midnight", v.make(t, limiter, 9), 0)
			at(t, 2, 0, 10)
			equal(t, "calls after midnight", v.make(t, limiter, 9), 8)
			v.keepsTo(t, "amid", limits)
		})
	})
}

// A hold lasts until the vendor's day ends, also if the time of day is set meanwhile.
func TestAJumpOfTheTimeOfDayEndsNoHold(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		for _, start := range []time.Duration{30 * time.Minute, 12 * time.Hour, 23*time.Hour + 30*time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(start)
				m, ledger, v := newMachine("boot"), &memory{}, &vendor{}
				midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
				limiter := m.limiter(ledger, limits(t, "500/day"))
				v.make(t, limiter, 2)
				if _, err := limiter.HoldUntilReset(t.Context()); err != nil {
					t.Fatal(err)
				}
				closeLimiter(t, limiter)
				m.jump(jump)
				for time.Until(midnight) > 0 {
					limiter := m.limiter(ledger, limits(t, "500/day"))
					if v.make(t, limiter, 1) > 0 && time.Until(midnight) > 0 {
						t.Fatalf("%v at %v: a call %v before the day has ended", jump, start, time.Until(midnight))
					}
					closeLimiter(t, limiter)
					time.Sleep(min(10*time.Minute, time.Until(midnight)))
				}
				time.Sleep(2*time.Hour + time.Minute)
				equal(t, fmt.Sprintf("%v at %v: calls of the next day", jump, start), v.make(t, m.limiter(ledger, limits(t, "500/day")), 3), 3)
			})
		}
	}
}

// The clock of another machine can be an hour ahead, and of this one before its last boot: what that has made was made by now.
func TestCallsOfAClockAheadCountAsMadeWhenTheyAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, v := &memory{}, &vendor{}
		limits := limits(t, "5/1m", "500/day")
		ahead := newMachine("another")
		ahead.jump(time.Hour)
		limiter := ahead.limiter(ledger, limits)
		equal(t, "calls there", v.make(t, limiter, 5), 5)
		closeLimiter(t, limiter)
		time.Sleep(10 * time.Second)
		began := time.Now()
		limiter = newMachine("boot").limiter(ledger, limits)
		equal(t, "calls here", v.make(t, limiter, 5), 5)
		closeLimiter(t, limiter)
		if took := time.Since(began); took > 61*time.Second {
			t.Errorf("they took %v", took)
		}
		v.keepsTo(t, "ahead", limits)
	})
}

// Processes that come and go on one machine, some of which die at any moment, exceed neither a window nor a day, however the time
// of day is set once, by up to an hour, and set back.
func TestJumpsOfTheTimeOfDayExceedNoWindow(t *testing.T) {
	const hour = time.Hour
	rapid.Check(t, func(rt *rapid.T) {
		limits := []quota.Limit{{Calls: rapid.IntRange(1, 6).Draw(rt, "calls"), Window: time.Minute}, {Calls: rapid.IntRange(5, 60).Draw(rt, "a day")}}
		start := time.Duration(rapid.IntRange(0, 47).Draw(rt, "start in half hours")) * 30 * time.Minute
		until := time.Duration(rapid.IntRange(10, 23*60).Draw(rt, "minutes until the jump")) * time.Minute
		back := time.Duration(rapid.IntRange(1, 24*60).Draw(rt, "minutes until it is set back")) * time.Minute
		jump := time.Duration(rapid.IntRange(-3600, 3600).Draw(rt, "seconds")) * time.Second
		processes := rapid.IntRange(1, 3).Draw(rt, "processes")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(start)
			m, ledger, v := newMachine("boot"), &memory{}, &vendor{}
			ctx, cancel := context.WithTimeout(t.Context(), until+24*hour)
			defer cancel()
			time.AfterFunc(until, func() { m.jump(jump) })
			time.AfterFunc(until+back, func() { m.jump(-jump) })
			done := make(chan struct{})
			for i := range processes {
				p := process{random: rand.New(rand.NewPCG(seed, uint64(i))), limits: limits, ledger: ledger, vendor: v, clock: m.read}
				go func() {
					defer func() { done <- struct{}{} }()
					for ctx.Err() == nil {
						p.live(ctx)
						time.Sleep(p.upTo(hour))
					}
				}()
			}
			for range processes {
				<-done
			}
			for _, l := range limits {
				if cost, from := maxInWindow(v.arrivals, l); cost > l.Calls {
					rt.Fatalf("%d from %v on, limit %s", cost, from, l)
				}
			}
		})
	})
}

package quota_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"papertrade/internal/quota"
)

// memory is a ledger that lives as long as the test.
type memory struct {
	mu      sync.Mutex
	account quota.Account
	since   time.Time // of the last update
	updates int
	writes  int // of updates that changed something
	err     error
}

func (m *memory) Account(context.Context, string) (quota.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.copy(), m.err
}

func (m *memory) copy() quota.Account {
	a := m.account
	a.Calls = slices.Clone(a.Calls)
	return a
}

func (m *memory) UpdateAccount(_ context.Context, _ string, since time.Time, decide func(quota.Account) quota.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.since = since
	m.account.Calls = slices.DeleteFunc(m.account.Calls, func(c quota.Call) bool { return c.Until.Before(since) })
	change := decide(m.copy())
	m.updates++
	if len(change.Save)+len(change.Delete) > 0 || !change.HeldUntil.IsZero() || change.CallTime > 0 {
		m.writes++
	}
	m.account.Calls = slices.DeleteFunc(m.account.Calls, func(c quota.Call) bool {
		return slices.Contains(change.Delete, c.ID) || slices.ContainsFunc(change.Save, func(s quota.Call) bool { return s.ID == c.ID })
	})
	m.account.Calls = append(m.account.Calls, change.Save...)
	m.account.HeldUntil = cmp.Or(change.HeldUntil, m.account.HeldUntil)
	m.account.CallTime = cmp.Or(change.CallTime, m.account.CallTime)
	m.account.NotEntitledAt = cmp.Or(change.NotEntitledAt, m.account.NotEntitledAt)
	if change.EndOfDayAt != nil {
		m.account.EndOfDayAt = *change.EndOfDayAt
	}
	if change.Learned != nil {
		m.account.Learned = slices.Clone(change.Learned)
	}
	return nil
}

// has checks what is in the ledger, apart from IDs.
func (m *memory) has(t *testing.T, want quota.Account) {
	t.Helper()
	got, err := m.Account(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	sameAccount(t, got, want)
}

func sameAccount(t *testing.T, got, want quota.Account) {
	t.Helper()
	for _, calls := range [][]quota.Call{got.Calls, want.Calls} {
		slices.SortStableFunc(calls, func(a, b quota.Call) int { return a.From.Compare(b.From) })
	}
	ids := map[string]bool{}
	for _, c := range got.Calls {
		ids[c.ID] = true
	}
	if len(ids) < len(got.Calls) {
		t.Errorf("%d calls with %d IDs", len(got.Calls), len(ids))
	}
	if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(quota.Call{}, "ID"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// calls made at a time, each of them, that cost so much.
func callsMade(at time.Time, costs ...int) (calls []quota.Call) {
	for _, cost := range costs {
		calls = append(calls, quota.Call{Cost: cost, From: at, Until: at})
	}
	return calls
}

// reservations from a time on, that cost so much, of a limiter of newLimiter.
func reservations(from time.Time, costs ...int) (calls []quota.Call) {
	for _, cost := range costs {
		calls = append(calls, quota.Call{Cost: cost, From: from, Until: from.Add(20 * time.Second)})
	}
	return calls
}

const (
	maxWait = 5 * time.Minute
	// tick is what times of calls are rounded up by, which synctest has on whole seconds.
	tick = time.Microsecond
)

func newLimiter(ledger quota.Ledger, limits []quota.Limit) *quota.Limiter {
	return newImpatientLimiter(ledger, limits, maxWait)
}

func newImpatientLimiter(ledger quota.Ledger, limits []quota.Limit, maxWait time.Duration) *quota.Limiter {
	return quota.NewLimiter(quota.Options{
		Ledger: ledger, Account: "key", Limits: limits, MaxWait: maxWait, CallTimeout: 10 * time.Second,
	})
}

// call makes calls of these costs, which reach the vendor at once, and returns how long they waited.
func call(t *testing.T, l *quota.Limiter, costs ...int) time.Duration {
	t.Helper()
	start := time.Now()
	for _, cost := range costs {
		sent, err := l.Wait(t.Context(), cost)
		if err != nil {
			t.Error(err)
			break
		}
		sent(true)
	}
	return time.Since(start)
}

// isDeferred checks that a call of cost 1 is refused, and when.
func isDeferred(t *testing.T, l *quota.Limiter, after time.Duration, want quota.DeferredError) {
	t.Helper()
	start := time.Now()
	var deferred *quota.DeferredError
	if _, err := l.Wait(t.Context(), 1); !errors.As(err, &deferred) {
		t.Fatalf("%v, want a DeferredError", err)
	}
	if diff := gocmp.Diff(want, *deferred); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if took := time.Since(start); took != after {
		t.Errorf("deferred after %v, want %v", took, after)
	}
}

func closeLimiter(t *testing.T, l *quota.Limiter) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestLimiterWaitsForTheWindowAndWritesOncePerBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m", "500/day"))
		start := time.Now()
		for range 2 {
			limiter.Announce(1, 1, 1, 1, 1)
			call(t, limiter, 1, 1, 1, 1, 1)
		}
		second := start.Add(time.Minute + 250*time.Millisecond + tick)
		equal(t, "duration", time.Since(start), second.Sub(start))
		closeLimiter(t, limiter)
		// One reports the end of the first batch while the second still waits.
		equal(t, "writes", ledger.writes, 4)
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 10, Cost: 10})
		ledger.has(t, quota.Account{Calls: slices.Concat(
			callsMade(start.Add(tick), 1, 1, 1, 1, 1), callsMade(second.Add(tick), 1, 1, 1, 1, 1))})
	})
}

func TestAnnouncedCostsAreOneWrite(t *testing.T) {
	for _, asked := range [][]int{{3, 1, 5, 1}, {1, 5, 1, 3}} { // in any order, as nothing has to wait
		synctest.Test(t, func(t *testing.T) {
			ledger := &memory{}
			start := time.Now()
			limiter := newLimiter(ledger, limits(t, "10/1m"))
			limiter.Announce(3, 11, 1, 5, 1) // 11 can never be
			call(t, limiter, asked[0])
			ledger.has(t, quota.Account{Calls: reservations(start, append(asked[:1:1], rest([]int{3, 1, 5, 1}, asked[0])...)...)})
			call(t, limiter, asked[1:]...)
			equal(t, "duration", time.Since(start), 0)
			equal(t, "writes", ledger.writes, 1)
			equal(t, "used", limiter.Used(), quota.Usage{Calls: 4, Cost: 10})
		})
	}
}

// rest returns costs without the first that is equal to one.
func rest(costs []int, without int) []int {
	i := slices.Index(costs, without)
	return append(slices.Clone(costs[:i]), costs[i+1:]...)
}

// A call that could be made at once does not wait behind one that cannot.
func TestCallsOutOfOrderAreReservedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		start := time.Now()
		later := start.Add(10*time.Second + 100*time.Millisecond)
		limiter := newLimiter(ledger, limits(t, "4/10s"))
		limiter.Announce(3, 3, 1)
		call(t, limiter, 3)
		ledger.has(t, quota.Account{Calls: slices.Concat(reservations(start, 3), reservations(later, 3, 1))})
		equal(t, "wait of the last", call(t, limiter, 1), 0)
		later = later.Add(tick)
		ledger.has(t, quota.Account{Calls: slices.Concat(
			reservations(start, 1), callsMade(start.Add(tick), 3), reservations(later, 3))})
		equal(t, "wait of the second", call(t, limiter, 3), later.Sub(start))
		equal(t, "writes", ledger.writes, 2)
	})
}

func TestCallsThatNobodyAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		start := time.Now()
		limiter := newLimiter(ledger, limits(t, "10/1m"))
		limiter.Announce(9, 9, 9)
		limiter.Announce(1, 1) // instead
		call(t, limiter, 2)
		ledger.has(t, quota.Account{Calls: reservations(start, 2, 1, 1)})
		call(t, limiter, 3)
		ledger.has(t, quota.Account{Calls: slices.Concat(reservations(start, 3, 1, 1), callsMade(start.Add(tick), 2))})
		call(t, limiter, 1, 1, 1)
		equal(t, "writes", ledger.writes, 3)
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 5, Cost: 8})
	})
}

func TestUnaffordableCallIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		all := limits(t, "5/1m", "500/day")
		limiter := newLimiter(ledger, all)
		sent, err := limiter.Wait(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		defer sent(true) // nor does it wait for this one
		_, err = limiter.Wait(t.Context(), 6)
		var unaffordable *quota.UnaffordableError
		if !errors.As(err, &unaffordable) {
			t.Fatalf("%v, want an UnaffordableError", err)
		}
		equal(t, "error", *unaffordable, quota.UnaffordableError{Cost: 6, Limit: all[0]})
		equal(t, "updates", ledger.updates, 1)
	})
}

// Nothing is reserved for longer than half a minute ahead, and nothing that is later than that is lost.
func TestReservationsReachHalfAMinute(t *testing.T) {
	for window, want := range map[string][]time.Duration{
		"1/10s":    {0, 10100 * time.Millisecond, 20200 * time.Millisecond},
		"1/29.75s": {0, 30 * time.Second},
		"1/30s":    {0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &memory{}
			limiter := newLimiter(ledger, limits(t, window))
			limiter.Announce(1, 1, 1, 1, 1)
			start := time.Now()
			call(t, limiter, 1)
			var calls []quota.Call
			for _, after := range want {
				calls = append(calls, reservations(start.Add(after), 1)...)
			}
			ledger.has(t, quota.Account{Calls: calls})
		})
	}
}

// While it waits for a block it wakes a quarter of a minute before, when a few calls can be reserved.
func TestLimiterReservesABlockAheadOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "1/10s", "2/1m"))
		start := time.Now()
		call(t, limiter, 1, 1)
		first := callsMade(start.Add(tick), 1)
		reserved := start.Add(tick + 60250*time.Millisecond)
		second := start.Add(tick + 10100*time.Millisecond)
		limiter.Announce(1, 1)
		go call(t, limiter, 1, 1)
		time.Sleep(time.Until(reserved) - 15*time.Second - 1)
		ledger.has(t, quota.Account{Calls: slices.Concat(first, callsMade(second.Add(tick), 1))})
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		equal(t, "reserved", len(ledger.account.Calls), 4)
		time.Sleep(time.Until(reserved) + 11*time.Second)
		synctest.Wait()
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 4, Cost: 4})
		equal(t, "writes", ledger.writes, 4) // a call, a call, what was made, the block
	})
}

func TestReservationIsGoodForTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		limiter.Announce(1, 2, 1)
		start := time.Now()
		call(t, limiter, 1)
		time.Sleep(10 * time.Second)
		call(t, limiter, 2)
		equal(t, "writes", ledger.writes, 1)
		time.Sleep(time.Nanosecond)
		call(t, limiter, 1)
		equal(t, "writes", ledger.writes, 2)
		ledger.has(t, quota.Account{Calls: slices.Concat(callsMade(start.Add(tick), 1),
			callsMade(start.Add(10*time.Second+tick), 2), reservations(start.Add(10*time.Second+1), 1))})
	})
}

func TestLimiterKeepsToCallsOfEarlierProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		killed := newLimiter(ledger, limits(t, "5/1m"))
		killed.Announce(1, 1, 1, 1, 1)
		call(t, killed, 1, 1)
		next := newLimiter(ledger, limits(t, "5/1m"))
		// The three that it had reserved may have been made until 20 s after.
		equal(t, "wait", call(t, next, 1), 80250*time.Millisecond)
	})
}

func TestLimiterGivesBackWhatItDidNotUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		start := time.Now()
		first := newLimiter(ledger, limits(t, "5/day"))
		first.Announce(1, 1, 3)
		call(t, first, 1)
		unsent, err := first.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		unsent(false)
		unsent(true) // does nothing
		closeLimiter(t, first)
		equal(t, "used", first.Used(), quota.Usage{Calls: 1, Cost: 1})
		ledger.has(t, quota.Account{Calls: callsMade(start.Add(tick), 1)})
		second := newLimiter(ledger, limits(t, "5/day"))
		call(t, second, 4)
		isDeferred(t, second, 0, quota.DeferredError{Until: start.Add(24*time.Hour + time.Second)})
	})
}

// A call that did not reach the vendor is tried again without a further write.
func TestUnsentCallKeepsItsReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		limiter.Announce(2, 1)
		for range 3 {
			unsent, err := limiter.Wait(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			unsent(false)
		}
		equal(t, "writes", ledger.writes, 1)
		time.Sleep(11 * time.Second)
		start := time.Now()
		call(t, limiter, 2, 1)
		equal(t, "writes", ledger.writes, 2)
		ledger.has(t, quota.Account{Calls: reservations(start, 2, 1)})
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 2, Cost: 3})
	})
}

// The ledger keeps microseconds: rounded down, a window would seem shorter than it is.
func TestTimesOfCallsAreRoundedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		start := time.Now()
		sent, err := limiter.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Nanosecond)
		sent(true)
		closeLimiter(t, limiter)
		ledger.has(t, quota.Account{Calls: callsMade(start.Add(2*time.Microsecond), 1)})
	})
}

func TestOneCallAtATimeIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "5/1m"))
		first, err := limiter.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		reason := errors.New("no longer needed")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, reason)
		defer cancel()
		if _, err := limiter.Wait(ctx, 1); !errors.Is(err, reason) {
			t.Errorf("%v, want the context's cause", err)
		}
		time.AfterFunc(2*time.Second, func() { first(true); first(true) })
		call(t, limiter, 1)
		equal(t, "duration", time.Since(start), 3*time.Second)
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 2, Cost: 2})
	})
}

func TestLimiterDefersALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		limiter := newImpatientLimiter(&memory{}, limits(t, "1/29.75s"), 30*time.Second)
		call(t, limiter, 1)
		isDeferred(t, limiter, 0, quota.DeferredError{Until: start.Add(30*time.Second + tick)})
		time.Sleep(tick)
		equal(t, "wait", call(t, limiter, 1), 30*time.Second)
	})
}

func TestDeferredErrorSaysWhen(t *testing.T) {
	until := time.Date(2026, 11, 22, 9, 0, 1, 0, time.FixedZone("", 9*60*60))
	for _, tt := range []struct {
		err  quota.DeferredError
		want string
	}{
		{quota.DeferredError{Until: until}, "the rate limits allow no call before 2026-11-22T00:00:01Z, which is longer than a run may wait"},
		{quota.DeferredError{KeptFor: until}, "the calls that are left are kept for the run of 2026-11-22T00:00:01Z"},
		{quota.DeferredError{Until: until, Spent: true}, "the vendor says that the quota is spent: no call before 2026-11-22T00:00:01Z"},
	} {
		equal(t, "message", tt.err.Error(), tt.want)
	}
}

func TestLimiterWaitIsInterruptible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1m"))
		call(t, limiter, 1)
		reason := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, reason)
		defer cancel()
		for _, after := range []time.Duration{time.Second, 0} { // the second time it is over already
			start := time.Now()
			if _, err := limiter.Wait(ctx, 1); !errors.Is(err, reason) || time.Since(start) != after {
				t.Errorf("%v after %v, want %v after %v", err, time.Since(start), reason, after)
			}
		}
		equal(t, "used", limiter.Used(), quota.Usage{Calls: 1, Cost: 1})
		equal(t, "wait", call(t, limiter, 1), 59250*time.Millisecond+tick)
	})
}

func TestLimiterIsInterruptedBeforeItsFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		ledger := &memory{}
		for range 20 { // a select chooses at random
			if _, err := newLimiter(ledger, limits(t, "1/1m")).Wait(ctx, 1); !errors.Is(err, reason) {
				t.Errorf("%v, want %v", err, reason)
			}
		}
		equal(t, "updates", ledger.updates, 0)
	})
}

func TestOnWaitIsNotifiedUntilTheWaitIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1m"))
		start := time.Now()
		type notice struct{ At, Until time.Duration }
		var got []notice
		limiter.OnWait(func(until time.Time) { got = append(got, notice{time.Since(start), until.Sub(start)}) })
		call(t, limiter, 1, 1)
		next := 60250*time.Millisecond + tick
		equal(t, "notices", got, []notice{{0, next}, {next - 15*time.Second, next}, {next, next}})
	})
}

func TestNoCallWithoutALedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		ledger := &memory{err: full}
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		isOfLedger := func(err error) {
			t.Helper()
			if !errors.Is(err, quota.ErrLedger) || !errors.Is(err, full) {
				t.Errorf("%v, want an ErrLedger that wraps the reason", err)
			}
		}
		_, err := limiter.Wait(t.Context(), 1)
		isOfLedger(err)
		_, err = limiter.Account(t.Context())
		isOfLedger(err)
		_, err = limiter.HoldUntilReset(t.Context())
		isOfLedger(err)
		isOfLedger(limiter.NotEntitled(t.Context()))
		_, err = limiter.Learn(t.Context(), quota.Refusal{})
		isOfLedger(err)
		isOfLedger(limiter.SetEndOfDay(t.Context(), time.Now()))

		// Afterwards it goes on where it was.
		ledger.err = nil
		start := time.Now()
		limiter = newLimiter(ledger, limits(t, "5/1m"))
		limiter.Announce(1, 1)
		call(t, limiter, 1)
		ledger.err = full
		isOfLedger(limiter.Close(t.Context()))
		ledger.err = nil
		closeLimiter(t, limiter)
		ledger.has(t, quota.Account{Calls: callsMade(start.Add(tick), 1)})
	})
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		start := time.Now()
		limiter := newLimiter(ledger, limits(t, "5/1m"))
		closeLimiter(t, limiter)
		equal(t, "updates", ledger.updates, 0) // of a limiter that did nothing
		limiter.RecordCallTime(345 * time.Millisecond)
		closeLimiter(t, limiter)
		ledger.has(t, quota.Account{CallTime: 345 * time.Millisecond})

		limiter.Announce(1, 1)
		sent, err := limiter.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		closeLimiter(t, limiter) // only the other one is given back
		ledger.has(t, quota.Account{CallTime: 345 * time.Millisecond, Calls: reservations(start, 1)})
		sent(true)
		closeLimiter(t, limiter)
		ledger.has(t, quota.Account{CallTime: 345 * time.Millisecond, Calls: callsMade(start.Add(tick), 1)})
		updates := ledger.updates
		closeLimiter(t, limiter)
		equal(t, "updates", ledger.updates, updates)
	})
}

// Everybody who wants to know when a call was let through is told, at that time.
func TestOnAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := newLimiter(&memory{}, limits(t, "1/1m"))
		call(t, limiter, 1)
		start := time.Now()
		var admitted []string
		note := func(name string) func() {
			return func() { admitted = append(admitted, name+" "+time.Since(start).Truncate(time.Second).String()) }
		}
		ctx := quota.OnAdmit(quota.OnAdmit(t.Context(), note("first")), note("second"))
		sent, err := limiter.Wait(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		sent(true)
		equal(t, "admitted", admitted, []string{"first 1m0s", "second 1m0s"})
		if _, err := limiter.Wait(ctx, 2); err == nil {
			t.Error("a call that can never be made was made")
		}
		equal(t, "calls admitted", len(admitted), 2)
	})
}

func TestAccountHasWhatThisLimiterMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ledger := &memory{account: quota.Account{
			Calls: []quota.Call{{ID: "1", Cost: 4, From: start, Until: start.Add(time.Second)}}, CallTime: time.Second,
		}}
		limiter := newLimiter(ledger, limits(t, "10/1m"))
		limiter.Announce(2, 2, 1)
		call(t, limiter, 2)
		if err := limiter.NotEntitled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := limiter.SetEndOfDay(t.Context(), start.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		got, err := limiter.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sameAccount(t, got, quota.Account{
			Calls:    append([]quota.Call{{Cost: 4, From: start, Until: start.Add(time.Second)}}, callsMade(start.Add(tick), 2)...),
			CallTime: time.Second, NotEntitledAt: start, EndOfDayAt: start.Add(-time.Hour),
		})
	})
}

func TestLimiterHasItsOptions(t *testing.T) {
	want := limits(t, "5/1m", "500/day")
	limiter := newLimiter(&memory{}, limits(t, "5/1m", "500/day"))
	limiter.Limits()[0].Calls = 100 // of a copy
	equal(t, "limits", limiter.Limits(), want)
	equal(t, "longest wait", limiter.MaxWait(), maxWait)
}

func TestAccountNameDistinguishesKeysWithoutRevealingThem(t *testing.T) {
	// It is stored, and must stay the same.
	equal(t, "account", quota.AccountName("vendor", "SECRETKEY"), "vendor:a135a91b9014f7fa")
	if quota.AccountName("vendor", "SECRETKEY") == quota.AccountName("vendor", "another") {
		t.Error("two keys have one account")
	}
}

// A wait that looks too long only because another process has not reported yet when it made its calls is
// no reason to defer.
func TestTwoProcessesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, windows := &memory{}, limits(t, "1/1s")
		start := time.Now()
		var group sync.WaitGroup
		for range 2 {
			limiter := newImpatientLimiter(ledger, windows, 15*time.Second)
			group.Go(func() {
				for range 4 {
					limiter.Announce(1, 1, 1, 1, 1)
					call(t, limiter, 1, 1, 1, 1, 1)
				}
				closeLimiter(t, limiter)
			})
		}
		group.Wait()
		if took := time.Since(start); took > 60*time.Second {
			t.Errorf("40 calls of two processes took %v, want little more than 39 s", took)
		}
	})
}

func TestLimiterWaitsForOtherProcessesToReport(t *testing.T) {
	second := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	tests := []struct {
		name        string
		limit       string
		maxWait     time.Duration
		from, until time.Duration // of the call of another process
		took        time.Duration
		deferred    bool
		updates     int
	}{
		{"it may have been made at once", "1/10s", second(15), 0, second(20), second(30.1), false, 20},
		{"it may be made earlier", "1/10s", second(15), second(20), second(30), second(16), true, 17},
		{"even then it is too long", "1/10s", second(10), 0, second(20), 0, true, 1},
		{"then it is just short enough", "1/29.75s", second(30), 0, second(20), second(50), false, 21},
		{"it is known when it was made", "1/10s", second(15), second(10), second(10), 0, true, 1},
		{"it can be made no more", "1/30s", second(10), second(-20), 0, 0, true, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ledger := &memory{account: quota.Account{Calls: []quota.Call{
				{ID: "1", Cost: 1, From: start.Add(tt.from), Until: start.Add(tt.until)}}}}
			_, err := newImpatientLimiter(ledger, limits(t, tt.limit), tt.maxWait).Wait(t.Context(), 1)
			if took := time.Since(start); err != nil != tt.deferred || took != tt.took || ledger.updates != tt.updates {
				t.Errorf("%s: %v after %v and %d updates, want an error: %v, after %v and %d",
					tt.name, err, took, ledger.updates, tt.deferred, tt.took, tt.updates)
			}
		})
	}
}

// A process that has died never reports: nobody waits for that longer than it may.
func TestLimiterGivesUpOnAProcessThatDoesNotReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ledger := &memory{account: quota.Account{Calls: []quota.Call{{ID: "1", Cost: 1, From: start, Until: start.Add(time.Hour)}}}}
		limiter := newImpatientLimiter(ledger, limits(t, "1/10s"), 11*time.Second)
		isDeferred(t, limiter, 12*time.Second, quota.DeferredError{Until: start.Add(time.Hour + 10100*time.Millisecond)})
	})
}

// A pause that is too long is too long, whatever another process reports.
func TestLimiterDefersAPauseWhateverOthersReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ledger := &memory{account: quota.Account{Calls: []quota.Call{{ID: "1", Cost: 1, From: start, Until: start.Add(time.Second)}}}}
		limiter := newImpatientLimiter(ledger, limits(t, "1/10s"), 15*time.Second)
		limiter.Pause(time.Minute)
		isDeferred(t, limiter, 0, quota.DeferredError{Until: start.Add(time.Minute)})
	})
}

func TestLimiterCallsAsSoonAsAnotherProcessHasReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		start := time.Now()
		other := newLimiter(ledger, limits(t, "5/5s"))
		other.Announce(1, 4)
		if _, err := other.Wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2500*time.Millisecond, func() { closeLimiter(t, other) })
		limiter := newLimiter(ledger, limits(t, "5/5s"))
		limiter.Announce(2, 2)
		reserved := start.Add(25050 * time.Millisecond) // what it may be at the latest
		go func() {
			time.Sleep(2 * time.Second)
			ledger.has(t, quota.Account{Calls: slices.Concat(reservations(start, 1, 4), reservations(reserved, 2, 2))})
			equal(t, "writes", ledger.writes, 2)
		}()
		equal(t, "wait", call(t, limiter, 2, 2), 3*time.Second)
	})
}

func TestACallFromTheFutureIsNoCall(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{
		time.Minute:        120250 * time.Millisecond,
		time.Minute + 1:    60250 * time.Millisecond, // nobody reserves that far ahead: by another clock it was made at some time until now
		70 * time.Minute:   60250 * time.Millisecond,
		70*time.Minute + 1: 0, // which is wrong, whatever it is
	} {
		synctest.Test(t, func(t *testing.T) {
			at := time.Now().Add(ahead)
			ledger := &memory{account: quota.Account{Calls: []quota.Call{{ID: "1", Cost: 1, From: at, Until: at}}}}
			start := time.Now()
			limiter := newLimiter(ledger, limits(t, "1/1m"))
			equal(t, "wait", call(t, limiter, 1), want)
			closeLimiter(t, limiter)
			calls := callsMade(start.Add(want+tick), 1)
			if want > 0 {
				calls = append(callsMade(at, 1), calls...)
			}
			ledger.has(t, quota.Account{Calls: calls})
		})
	}
}

func TestLedgerIsAskedForWhatMatters(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		limits []string
		at     time.Duration // after midnight
		want   time.Duration
	}{
		{[]string{"1/1s"}, time.Hour, time.Hour - 2*time.Minute}, // as a learned spacing may want
		{[]string{"1/1h", "1/1s"}, day, 23*time.Hour - 1250*time.Millisecond},
		{[]string{"1/1s", "1/day"}, 12 * time.Hour, -time.Second},
		{[]string{"1/day"}, day + 2*time.Second, day - 2*time.Minute + 2*time.Second},
		{[]string{"1/day"}, day + 2*time.Second - 1, -time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			midnight := time.Now()
			time.Sleep(tt.at)
			ledger := &memory{}
			limiter := newLimiter(ledger, limits(t, tt.limits...))
			if _, err := limiter.Account(t.Context()); err != nil {
				t.Fatal(err)
			}
			call(t, limiter, 1)
			if got := ledger.since.Sub(midnight); got != tt.want {
				t.Errorf("%v at %v: since %v, want %v", tt.limits, tt.at, got, tt.want)
			}
		})
	}
}

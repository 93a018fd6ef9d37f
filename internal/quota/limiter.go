package quota

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrLedger is wrapped by errors of a limiter whose ledger failed: no call is made that is not
// written down.
var ErrLedger = errors.New("the ledger of calls failed")

// DeferredError is a Limiter's answer if the next call is further away than it may wait, or is kept for a later run.
type DeferredError struct {
	Until time.Time // zero if the call is kept
	Spent bool      // the vendor said that the quota is spent
	// KeptFor is the run that needs the calls which are left, as a Floor names it; zero if none does.
	KeptFor time.Time
}

func (e *DeferredError) Error() string {
	if !e.KeptFor.IsZero() {
		return "the calls that are left are kept for the run of " + e.KeptFor.UTC().Format(time.RFC3339)
	}
	until := e.Until.UTC().Format(time.RFC3339)
	if e.Spent {
		return "the vendor says that the quota is spent: no call before " + until
	}
	return "the rate limits allow no call before " + until + ", which is longer than a run may wait"
}

// Options are what a Limiter works with.
type Options struct {
	Ledger  Ledger
	Account string // the key's, of AccountName
	Limits  []Limit
	MaxWait time.Duration // a longer wait is refused with a DeferredError
	// CallTimeout is how long after Wait has let a call through it can still reach the vendor.
	CallTimeout time.Duration
	// Clock reads the clocks of the machine, as MachineClock does; nil stands for its time of day alone.
	Clock func() Reading
}

// Limiter holds calls back until all limits of a key allow them, together with those of all other
// processes that share its ledger. Each call is written down before it is made, in blocks: those that
// are announced together cost one write. It is safe for concurrent use; one call at a time is let
// through and on its way to the vendor.
type Limiter struct {
	o     Options
	clock steadyClock
	turn  chan struct{} // held from the beginning of a wait until its call has been sent

	mu        sync.Mutex
	announced []int  // costs of calls that will be asked for
	reserved  []Call // written down and not made, in the order in which they are to be made
	sent      []Call // made, and not yet reported to the ledger
	// unconfirmed are IDs of reservations of which it is not known whether they were written down: they are not used.
	unconfirmed []string
	others      []Call // what else the ledger had when it was last read
	readAt      time.Time
	heldUntil   time.Time // of the account
	learned     []Learned // of the account
	knows       bool      // what is learned

	isShifted bool                // the ledger has calls by a clock that was set since
	days      []time.Duration     // how far clocks by which the vendor's day may go are ahead, this one first
	sightings map[string]sighting // of calls of the future

	floor       Floor // nil: no call is kept
	isUnchecked bool  // what is reserved was reserved without the floor

	pausedUntil time.Time     // no call before it
	spacing     time.Duration // learned from refusals; 0: calls may come in bursts
	refusals    int           // throttled answers in a row

	used     Usage
	onWait   func(until time.Time)
	callTime time.Duration // for the plans of later runs
}

// Usage is what calls have used of a quota.
type Usage struct {
	Calls int
	Cost  int // in the vendor's unit
}

// NewLimiter returns a Limiter, which must be closed.
func NewLimiter(o Options) *Limiter {
	return &Limiter{
		o: o, clock: newSteadyClock(o.Clock), turn: make(chan struct{}, 1), days: []time.Duration{0}, sightings: map[string]sighting{},
	}
}

// Limits returns the limits that the limiter was made with, without what refusals have taught.
func (l *Limiter) Limits() []Limit { return slices.Clone(l.o.Limits) }

// MaxWait returns how long a call may wait before it is refused instead.
func (l *Limiter) MaxWait() time.Duration { return l.o.MaxWait }

// Used returns what the calls have used that this limiter let through and that were sent.
func (l *Limiter) Used() Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.used
}

// OnWait has notify called whenever a call has to wait, with the time until which it waits as far as
// that is known: a time in the past once it no longer waits.
func (l *Limiter) OnWait(notify func(until time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onWait = notify
}

// Announce takes the costs of the calls that will be asked for soon, in their order, instead of those
// announced before. They are written down together.
func (l *Limiter) Announce(costs ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announced = slices.DeleteFunc(slices.Clone(costs), func(cost int) bool {
		return CheckCost(l.o.Limits, cost) != nil // Wait will refuse it
	})
}

// onAdmit is the key of what OnAdmit leaves in a context.
type onAdmit struct{}

// OnAdmit returns a context with which a call of Wait that lets a call through calls f right before it returns, after
// what an earlier OnAdmit left in ctx.
func OnAdmit(ctx context.Context, f func()) context.Context {
	all := f
	if earlier, found := ctx.Value(onAdmit{}).(func()); found {
		all = func() {
			earlier()
			f()
		}
	}
	return context.WithValue(ctx, onAdmit{}, all)
}

// Wait returns when one call of this cost may be made. The caller must call sent: with true when the
// call has been sent to the vendor, or with false if it never reached the vendor and does not count.
// Further calls of sent do nothing. The error is a *DeferredError or an *UnaffordableError, wraps
// ErrLedger or is the context's cause.
func (l *Limiter) Wait(ctx context.Context, cost int) (sent func(reached bool), err error) {
	if err := CheckCost(l.o.Limits, cost); err != nil {
		return nil, err
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	call, err := l.await(ctx, cost)
	if err != nil {
		<-l.turn
		return nil, err
	}
	if f, found := ctx.Value(onAdmit{}).(func()); found {
		f()
	}
	var once sync.Once
	return func(reached bool) {
		once.Do(func() {
			l.settle(call, reached)
			<-l.turn
		})
	}, nil
}

// await returns a reserved call when its time has come.
func (l *Limiter) await(ctx context.Context, cost int) (Call, error) {
	began := l.Now()
	l.mu.Lock()
	notify := l.onWait
	l.mu.Unlock()
	waited := false
	for {
		if ctx.Err() != nil {
			return Call{}, context.Cause(ctx)
		}
		next, err := l.admit(ctx, cost, began)
		if notify != nil && (next.wait > 0 || waited) {
			notify(next.at.Add(l.clock.ahead()))
			waited = true
		}
		if err != nil || next.wait == 0 {
			return next.call, err
		}
		timer := time.NewTimer(next.wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Call{}, context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// admission is a call that may be made now, or when one may be made.
type admission struct {
	call Call
	at   time.Time     // when it may be made, as far as is known
	wait time.Duration // before asking again; 0: it may be made now
}

// admit lets a call of this cost through if its time has come.
func (l *Limiter) admit(ctx context.Context, cost int, began time.Time) (admission, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	at := l.earliest(now, cost)
	if l.mustReserve(now, at, cost) {
		var err error
		if at, err = l.reserve(ctx, cost); err != nil {
			return admission{}, err
		}
		now = l.Now()
	}
	if l.heldUntil.Sub(now) > l.o.MaxWait {
		return admission{at: at}, &DeferredError{Until: l.heldUntil, Spent: true}
	}
	if at.Sub(now) > l.o.MaxWait && !l.mayBeSooner(now, cost, began) {
		return admission{at: at}, &DeferredError{Until: at}
	}
	if wait := l.pollWait(now, at, cost); wait > 0 {
		return admission{at: at, wait: wait}, nil
	}
	return admission{call: l.use(now, cost), at: at}, nil
}

// settle records what became of a call that was let through.
func (l *Limiter) settle(call Call, reached bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !reached {
		l.putBack(call)
		return
	}
	// The ledger keeps microseconds: rounded up, so that no window seems shorter.
	call.From = l.Now().Truncate(time.Microsecond).Add(time.Microsecond)
	call.Until = call.From
	l.sent = append(l.sent, call)
	l.used.Calls++
	l.used.Cost += call.Cost
}

// RecordCallTime takes the average time that a call takes, for the plans of later runs.
func (l *Limiter) RecordCallTime(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.callTime = d
}

// Account returns what the ledger knows of the key, as Account.Believed has it; of this limiter's calls, those that it has made.
func (l *Limiter) Account(ctx context.Context) (Account, error) {
	account, err := l.o.Ledger.Account(ctx, l.o.Account)
	if err != nil {
		return Account{}, fmt.Errorf("%w: %w", ErrLedger, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubtDay(l.clock.ahead())
	account = l.believe(account, l.Now())
	account.Calls = append(slices.DeleteFunc(account.Calls, l.isOwn), l.sent...)
	l.learned, l.knows = account.Learned, true
	return account, nil
}

// NotEntitled writes down that the vendor refused a call which the key's plan does not include.
func (l *Limiter) NotEntitled(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	return l.update(ctx, now, func(Account) Change { return Change{NotEntitledAt: now} })
}

// SetEndOfDay writes down when the key's plan was found to have end-of-day prices only; the zero time says that it has
// others.
func (l *Limiter) SetEndOfDay(ctx context.Context, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.update(ctx, l.Now(), func(Account) Change { return Change{EndOfDayAt: &at} })
}

// Close reports to the ledger when the last calls were made, and gives back those that were not.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 && len(l.reserved) == 0 && len(l.unconfirmed) == 0 && l.callTime == 0 {
		return nil
	}
	change := Change{Save: l.sent, Delete: append(ids(l.reserved), l.unconfirmed...), CallTime: l.callTime}
	err := l.update(ctx, l.Now(), func(Account) Change { return change })
	if err == nil {
		l.sent, l.reserved, l.unconfirmed, l.callTime = nil, nil, nil, 0
	}
	return err
}

func (l *Limiter) update(ctx context.Context, now time.Time, decide func(Account) Change) error {
	l.doubtDay(l.clock.ahead())
	var oldest time.Time // which keeps all calls
	if l.knows && !l.isShifted {
		oldest = l.since(now)
	}
	err := l.o.Ledger.UpdateAccount(ctx, l.o.Account, oldest, func(a Account) Change {
		a = l.believe(a, now)
		l.learned, l.knows = a.Learned, true
		change := a.Misdated.forget(decide(a), a, now)
		if l.isShifted { // the ledger does not know how old they are
			oldest := l.since(now)
			old, _ := partition(a.Calls, func(c Call) bool { return c.Until.Before(oldest) })
			change.Delete = append(change.Delete, ids(old)...)
		}
		return change
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLedger, err)
	}
	return nil
}

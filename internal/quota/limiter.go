package quota

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// ahead is how far in advance calls are reserved: what a crash leaves unspent is lost.
	ahead = 30 * time.Second
	// lateness is how much later than reserved a call may still be made.
	lateness = 10 * time.Second
	// poll is how often a limiter looks whether another process has told when its calls were made.
	poll = time.Second
	// leastSpacing and mostSpacing bound how far apart calls are kept once the vendor has throttled.
	leastSpacing = time.Second
	mostSpacing  = time.Minute
)

// ErrLedger is wrapped by errors of a limiter whose ledger failed: no call is made that is not
// written down.
var ErrLedger = errors.New("the ledger of calls failed")

// DeferredError is a Limiter's answer where the next call is further away than it may wait.
type DeferredError struct {
	Until time.Time
	Spent bool // the vendor said that the quota is spent
}

func (e *DeferredError) Error() string {
	until := e.Until.UTC().Format(time.RFC3339)
	if e.Spent {
		return "the vendor says that the quota is spent: no call before " + until
	}
	return "the rate limits allow no call before " + until + ", which is past max_wait"
}

// Options are what a Limiter goes by.
type Options struct {
	Ledger  Ledger
	Account string // the key's, of AccountName
	Limits  []Limit
	MaxWait time.Duration // a longer wait is refused with a DeferredError
	// CallTimeout is how long after Wait has let a call through it can still reach the vendor.
	CallTimeout time.Duration
}

// Limiter holds calls back until all limits of a key allow them, together with those of all other
// processes that share its ledger. Each call is written down before it is made, in blocks: those that
// Expect announces cost one write. It is safe for concurrent use; one call at a time is let
// through and on its way to the vendor.
type Limiter struct {
	o    Options
	turn chan struct{} // held from the beginning of a wait until its call has been sent

	mu       sync.Mutex
	expected int
	reserved []Call // written down and not made, ascending
	sent     []Call // made, and not yet told to the ledger
	others   []Call // what else the ledger had when it was last asked
	asked    time.Time
	held     time.Time     // of the account
	pause    time.Time     // no call before it
	spacing  time.Duration // learned from refusals; 0: calls may come in bursts
	refused  int           // throttled answers in a row
	calls    int
	waited   time.Duration // in all calls of Wait
	waiting  func(until time.Time)
	callTime time.Duration // that the next runs are told
}

// NewLimiter makes a Limiter, which must be closed.
func NewLimiter(o Options) *Limiter {
	return &Limiter{o: o, turn: make(chan struct{}, 1)}
}

// Limits are those that the limiter was made with.
func (l *Limiter) Limits() []Limit { return slices.Clone(l.o.Limits) }

// MaxWait is the longest wait.
func (l *Limiter) MaxWait() time.Duration { return l.o.MaxWait }

// Calls is how many calls were made.
func (l *Limiter) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// Account is what the ledger knows of the key; the calls of this limiter are those that it has made.
func (l *Limiter) Account(ctx context.Context) (Account, error) {
	account, err := l.o.Ledger.Account(ctx, l.o.Account)
	if err != nil {
		return Account{}, fmt.Errorf("%w: %w", ErrLedger, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	account.Calls = append(slices.DeleteFunc(account.Calls, l.isOwn), l.sent...)
	return account, nil
}

// Outlook is what calls go by as things stand: the limits, with what refusals have taught, and a time
// before which none is made.
func (l *Limiter) Outlook() (limits []Limit, notBefore time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.limits()), l.pause
}

// TellWaits lets tell be told whenever a call has to wait, and until when as far as is known: a time
// that is over where it waits no longer.
func (l *Limiter) TellWaits(tell func(until time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = tell
}

// Waited is how long calls of Wait have taken, added up.
func (l *Limiter) Waited() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waited
}

// Expect says how many calls will be asked for soon: they are written down together.
func (l *Limiter) Expect(calls int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = calls
}

// Wait returns when one call may be made. The caller must call sent: with true when the call has been
// sent to the vendor, or with false where it never reached the vendor and does not count. Further
// calls of sent do nothing. The error is a *DeferredError, wraps ErrLedger or is the context's cause.
func (l *Limiter) Wait(ctx context.Context) (sent func(reached bool), err error) {
	asked := time.Now()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	began := time.Now()
	call, err := l.await(ctx, began)
	l.mu.Lock()
	l.waited += time.Since(asked)
	l.mu.Unlock()
	if err != nil {
		<-l.turn
		return nil, err
	}
	var once sync.Once
	return func(reached bool) {
		once.Do(func() {
			l.settle(call, reached)
			<-l.turn
		})
	}, nil
}

// await takes the next reserved call when its time has come.
func (l *Limiter) await(ctx context.Context, began time.Time) (Call, error) {
	l.mu.Lock()
	tell := l.waiting
	l.mu.Unlock()
	waited := false
	for {
		if ctx.Err() != nil {
			return Call{}, context.Cause(ctx)
		}
		call, wait, at, err := l.take(ctx, began)
		if tell != nil && (wait > 0 || waited) {
			tell(at)
			waited = true
		}
		if err != nil || wait == 0 {
			return call, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Call{}, context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// take is the next call, or how long to wait before asking again, which is more than 0; at is when the
// call can be made.
func (l *Limiter) take(ctx context.Context, began time.Time) (call Call, wait time.Duration, at time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at = l.next(now)
	contended := l.contended(now)
	if len(l.reserved) == 0 || at.After(l.reserved[0].From.Add(lateness)) || contended && now.Sub(l.asked) >= poll {
		if at, err = l.reserve(ctx); err != nil {
			return Call{}, 0, at, err
		}
		now = time.Now()
		contended = l.contended(now)
	}
	if now.Before(l.held) {
		return Call{}, 0, at, &DeferredError{Until: l.held, Spent: true}
	}
	if at.Sub(now) > l.o.MaxWait && !l.mayBeSooner(now, began) {
		return Call{}, 0, at, &DeferredError{Until: at}
	}
	if wait = at.Sub(now); len(l.reserved) == 0 {
		// Not at the first moment, when only the first of a block would be near enough.
		wait = max(at.Sub(now)-ahead/2, time.Millisecond)
	}
	if wait > 0 {
		if contended {
			wait = min(wait, poll)
		}
		return Call{}, wait, at, nil
	}
	call, l.reserved = l.reserved[0], l.reserved[1:]
	l.expected--
	return call, 0, at, nil
}

// next is when the next call can be made, as far as this process knows.
func (l *Limiter) next(now time.Time) time.Time {
	at := later(now, l.pause)
	if len(l.reserved) > 0 {
		at = later(at, l.reserved[0].From)
	}
	return NewSchedule(l.limits(), slices.Concat(l.others, l.sent)).Next(at)
}

// contended says whether another process has calls of which it may soon be known when they were made.
func (l *Limiter) contended(now time.Time) bool {
	return slices.ContainsFunc(l.others, func(c Call) bool { return !c.settled() && c.Until.After(now) })
}

// mayBeSooner says whether the wait may turn out to be short enough once other processes have told when
// their calls were made.
func (l *Limiter) mayBeSooner(now, began time.Time) bool {
	if !l.contended(now) || now.Sub(began) > l.o.MaxWait {
		return false
	}
	calls := slices.Concat(l.others, l.sent)
	for i, c := range calls {
		// At best they are made at once.
		if calls[i].Until = c.From; now.Before(c.From) {
			calls[i].Until = now
		}
	}
	return NewSchedule(l.limits(), calls).Next(later(now, l.pause)).Sub(now) <= l.o.MaxWait
}

// limits are the limits, and what the vendor's refusals have taught.
func (l *Limiter) limits() []Limit {
	if l.spacing == 0 {
		return l.o.Limits
	}
	return append(slices.Clone(l.o.Limits), Limit{Calls: 1, Window: l.spacing})
}

// reserve tells the ledger when calls were made and writes down the next ones, unless they are too far
// away; those that are written down already stay where they would not come any sooner. It
// returns when the next call can be made.
func (l *Limiter) reserve(ctx context.Context) (at time.Time, err error) {
	var block, others []Call // block is what is reserved afterwards
	now := time.Now()
	err = l.update(ctx, now, func(a Account) Change {
		l.held = a.HeldUntil
		change := Change{Save: slices.Clone(l.sent)}
		others = slices.DeleteFunc(a.Calls, func(c Call) bool {
			// Nobody reserves that far ahead: a clock was wrong.
			fromTheFuture := c.From.After(now.Add(2 * ahead))
			if fromTheFuture {
				change.Delete = append(change.Delete, c.ID)
			}
			return fromTheFuture || l.isOwn(c)
		})
		schedule := NewSchedule(l.limits(), slices.Concat(others, l.sent))
		if len(l.reserved) > 0 {
			at = schedule.Next(later(now, l.pause))
			if from := l.reserved[0].From; !at.Before(from) && !at.After(from.Add(lateness)) {
				block = l.reserved
				return change
			}
		}
		for _, c := range l.reserved {
			change.Delete = append(change.Delete, c.ID)
		}
		for i := range max(1, l.expected) {
			next := schedule.Next(later(now, l.pause))
			if i == 0 {
				at = next
			}
			if next.Sub(now) > ahead || now.Before(l.held) {
				break
			}
			schedule.Add(next)
			block = append(block, Call{ID: uuid.NewString(), From: next, Until: next.Add(lateness + l.o.CallTimeout)})
		}
		change.Save = append(change.Save, block...)
		return change
	})
	if err != nil {
		return time.Time{}, err
	}
	l.others, l.sent, l.reserved, l.asked = append(others, l.sent...), nil, block, now
	return at, nil
}

func (l *Limiter) update(ctx context.Context, now time.Time, decide func(Account) Change) error {
	if err := l.o.Ledger.UpdateAccount(ctx, l.o.Account, since(l.o.Limits, now), decide); err != nil {
		return fmt.Errorf("%w: %w", ErrLedger, err)
	}
	return nil
}

func (l *Limiter) isOwn(c Call) bool {
	same := func(own Call) bool { return own.ID == c.ID }
	return slices.ContainsFunc(l.sent, same) || slices.ContainsFunc(l.reserved, same)
}

// settle takes note of what became of a call that was let through.
func (l *Limiter) settle(call Call, reached bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !reached {
		l.reserved = slices.Insert(l.reserved, 0, call)
		l.expected++
		return
	}
	// The ledger keeps microseconds: rounded up, so that no window seems shorter.
	call.From = time.Now().Truncate(time.Microsecond).Add(time.Microsecond)
	call.Until = call.From
	l.sent = append(l.sent, call)
	l.calls++
}

// Answered says that a call was answered with something other than a refusal for its speed.
func (l *Limiter) Answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = 0
}

// Throttled says that the vendor refused a call for its speed, and returns how long no call is made: as
// long as the vendor asks for, or where it does not tell (0) the shortest window; four times as long
// after each further refusal in a row. From then on no calls come in bursts: they are as far
// apart as the limits have them on average, and twice as far after each further refusal.
func (l *Limiter) Throttled(retryAfter time.Duration) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.pause) {
		return l.pause.Sub(now) // another call under way was refused as well
	}
	average, shortest := leastSpacing, time.Minute
	for i, limit := range l.o.Limits {
		if limit.Window > 0 {
			average = max(average, limit.Window/time.Duration(limit.Calls))
			if i == 0 || limit.Window < shortest {
				shortest = limit.Window
			}
		}
	}
	l.spacing = min(max(2*l.spacing, average), mostSpacing)
	if wait = retryAfter; wait <= 0 {
		wait = shortest
	}
	wait <<= 2 * min(l.refused, 10)
	l.refused++
	l.pause = now.Add(wait)
	return wait
}

// Pause lets no call through for a time that the vendor has asked for.
func (l *Limiter) Pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause = later(l.pause, time.Now().Add(d))
}

// Spent says that the vendor refused a call because the quota is spent. It writes down that no
// process makes a call until the quota's day in UTC ends, or its longest window if that is longer.
func (l *Limiter) Spent(ctx context.Context) (until time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	until = now.UTC().Truncate(24 * time.Hour).Add(24*time.Hour + dayMargin)
	for _, limit := range l.o.Limits {
		until = later(until, now.Add(limit.Window))
	}
	l.held = until
	return until, l.update(ctx, now, func(Account) Change { return Change{HeldUntil: until} })
}

// NotEntitled writes down that the vendor refused a call which the key's plan does not include.
func (l *Limiter) NotEntitled(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return l.update(ctx, now, func(Account) Change { return Change{NotEntitledAt: now} })
}

// Took says how long a call takes on average, for the plans of later runs.
func (l *Limiter) Took(callTime time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.callTime = callTime
}

// Close tells the ledger when the last calls were made, and gives back those that were not.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 && len(l.reserved) == 0 && l.callTime == 0 {
		return nil
	}
	change := Change{Save: l.sent, CallTime: l.callTime}
	for _, c := range l.reserved {
		change.Delete = append(change.Delete, c.ID)
	}
	err := l.update(ctx, time.Now(), func(Account) Change { return change })
	if err == nil {
		l.sent, l.reserved, l.callTime = nil, nil, 0
	}
	return err
}

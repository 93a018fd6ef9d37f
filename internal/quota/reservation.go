package quota

import (
	"context"
	"slices"
	"time"
)

const (
	// maxAhead is how far in advance calls are reserved: what a crash leaves unused is lost.
	maxAhead = 30 * time.Second
	// maxDelay is how much later than reserved a call may still be made.
	maxDelay = 10 * time.Second
	// pollInterval is how often the ledger is read for when another process made its calls.
	pollInterval = time.Second
)

// Floor decides whether calls are kept for a later run: it returns when the run begins that could not make some of its calls
// any more if one more of this cost were made at a time, after the calls that count so far; the zero time if there is none. It
// is called while the ledger is locked.
type Floor func(calls []Call, at time.Time, cost int) (keptFor time.Time)

// SetFloor has every call from now on refused that a floor keeps, whatever it is for; nil keeps none.
func (l *Limiter) SetFloor(floor Floor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.floor, l.isUnchecked = floor, floor != nil
}

// notBefore returns the time before which the vendor wants no call, now if it has not said.
func (l *Limiter) notBefore(now time.Time) time.Time {
	return later(now, later(l.pausedUntil, l.heldUntil))
}

// earliest returns when a call of this cost can be made, as far as this process knows.
func (l *Limiter) earliest(now time.Time, cost int) time.Time {
	at := l.notBefore(now)
	if i := l.reservationFor(now, cost); i >= 0 {
		at = later(at, l.reserved[i].From)
	}
	return l.schedule(slices.Concat(l.others, l.sent)).Next(at, cost)
}

// reservationFor returns the index of the reserved call that serves one of this cost, -1 if none does.
// One that is to wait behind others of another cost serves none: reserved anew it may come sooner.
func (l *Limiter) reservationFor(now time.Time, cost int) int {
	i := slices.IndexFunc(l.reserved, func(c Call) bool { return c.Cost == cost })
	if i > 0 && l.reserved[i].From.After(now) {
		return -1
	}
	return i
}

// mustReserve reports whether the ledger is to be asked before a call that can be made at a time.
func (l *Limiter) mustReserve(now, at time.Time, cost int) bool {
	i := l.reservationFor(now, cost)
	if i < 0 || l.isUnchecked || at.After(l.reserved[i].From.Add(maxDelay)) {
		return true
	}
	return l.contended(now) && now.Sub(l.readAt) >= pollInterval
}

// reserve reports to the ledger when calls were made and writes down the next ones, unless they are too
// far away or the floor keeps them; those that are written down already stay if they would not come any
// sooner. It returns when the next call, of this cost, can be made.
func (l *Limiter) reserve(ctx context.Context, cost int) (at time.Time, err error) {
	var others, block []Call // block is what is reserved afterwards
	var keptFor time.Time
	now := l.Now()
	err = l.update(ctx, now, func(a Account) Change {
		l.heldUntil = a.HeldUntil
		others = slices.DeleteFunc(slices.Clone(a.Calls), l.isOwn)
		change := Change{Save: slices.Clone(l.sent), Delete: slices.Clone(l.unconfirmed)}
		made := slices.Concat(others, l.sent)
		schedule := l.schedule(made)
		at = schedule.Next(l.notBefore(now), cost)
		if l.keepsReserved(now, at, cost) {
			block = l.reserved
			return change
		}
		block, keptFor = l.nextBlock(schedule, made, now, cost)
		l.unconfirmed = append(l.unconfirmed, ids(block)...)
		change.Save = append(change.Save, block...)
		change.Delete = append(change.Delete, ids(l.reserved)...)
		return change
	})
	if err != nil {
		return time.Time{}, err
	}
	l.others, l.sent, l.reserved, l.readAt, l.isUnchecked = append(others, l.sent...), nil, block, now, false
	l.unconfirmed = nil
	if len(block) == 0 && !keptFor.IsZero() {
		return time.Time{}, &DeferredError{KeptFor: keptFor}
	}
	return at, nil
}

// keepsReserved reports whether what is reserved serves a call of this cost, which can be made at a time,
// as well as a new reservation.
func (l *Limiter) keepsReserved(now, at time.Time, cost int) bool {
	i := l.reservationFor(now, cost)
	if i < 0 || l.isUnchecked {
		return false
	}
	from := l.reserved[i].From
	return !at.Before(from) && !at.After(from.Add(maxDelay))
}

// nextBlock returns reservations for a call of this cost and those that are announced after it. keptFor is the run for which
// the next one of them is kept. Made are the calls that count.
func (l *Limiter) nextBlock(schedule *Schedule, made []Call, now time.Time, cost int) (block []Call, keptFor time.Time) {
	if l.heldUntil.Sub(now) > l.o.MaxWait {
		return nil, time.Time{}
	}
	for _, cost := range append([]int{cost}, without(l.announced, cost)...) {
		at := schedule.Next(l.notBefore(now), cost)
		if l.floor != nil {
			if keptFor = l.floor(slices.Concat(made, block), at, cost); !keptFor.IsZero() {
				break
			}
		}
		if at.Sub(now) > maxAhead {
			break
		}
		schedule.Add(at, cost)
		block = append(block, Call{ID: l.clock.newID(), Cost: cost, From: at, Until: at.Add(maxDelay + l.o.CallTimeout)})
	}
	return block, keptFor
}

// mayBeSooner reports whether the wait may turn out to be short enough once other processes have
// reported when they made their calls.
func (l *Limiter) mayBeSooner(now time.Time, cost int, began time.Time) bool {
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
	return l.schedule(calls).Next(l.notBefore(now), cost).Sub(now) <= l.o.MaxWait
}

// contended reports whether another process has calls of which it may soon be known when they were made.
func (l *Limiter) contended(now time.Time) bool {
	return slices.ContainsFunc(l.others, func(c Call) bool { return !c.settled() && c.Until.After(now) })
}

// pollWait returns how long to wait before asking again for a call that can be made at a time, 0 if it
// can be made now.
func (l *Limiter) pollWait(now, at time.Time, cost int) time.Duration {
	wait := max(0, at.Sub(now))
	if l.reservationFor(now, cost) < 0 {
		// At the first moment only the first call of a block would be near enough to be reserved.
		wait = max(wait-maxAhead/2, time.Millisecond)
	}
	if l.contended(now) {
		wait = min(wait, pollInterval)
	}
	return wait
}

// use returns the reserved call that serves one of this cost, which is reserved no longer.
func (l *Limiter) use(now time.Time, cost int) Call {
	i := l.reservationFor(now, cost)
	call := l.reserved[i]
	l.reserved = slices.Concat(l.reserved[:i], l.reserved[i+1:])
	l.announced = without(l.announced, cost)
	return call
}

// putBack reserves a call again that was not made: it is likely to be tried again.
func (l *Limiter) putBack(call Call) {
	l.reserved = slices.Insert(l.reserved, 0, call)
	l.announced = slices.Insert(l.announced, 0, call.Cost)
}

func (l *Limiter) isOwn(c Call) bool {
	same := func(own Call) bool { return own.ID == c.ID }
	return slices.ContainsFunc(l.sent, same) || slices.ContainsFunc(l.reserved, same) || slices.Contains(l.unconfirmed, c.ID)
}

// without returns the costs without the first that is equal to this one.
func without(costs []int, cost int) []int {
	i := slices.Index(costs, cost)
	if i < 0 {
		return costs
	}
	return slices.Concat(costs[:i], costs[i+1:])
}

func ids(calls []Call) (ids []string) {
	for _, c := range calls {
		ids = append(ids, c.ID)
	}
	return ids
}

package quota

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// minSpacing and maxSpacing bound how far apart calls are kept once the vendor has throttled.
const (
	minSpacing = time.Second
	maxSpacing = time.Minute
)

// Outlook returns what holds for calls as things stand: the limits, with what refusals have taught, and
// a time before which none is made.
func (l *Limiter) Outlook() (limits []Limit, notBefore time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.limits()), l.pausedUntil
}

// limits returns the limits, and what the vendor's refusals have taught.
func (l *Limiter) limits() []Limit {
	limits := Effective(l.o.Limits, l.learned, l.Now())
	if l.spacing == 0 {
		return limits
	}
	// Whatever calls cost, there is no other within the window.
	return append(limits, Limit{Calls: 1, Window: l.spacing})
}

// Answered records that a call was answered with something other than a refusal for its speed.
func (l *Limiter) Answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals = 0
}

// Throttled records that the vendor refused a call for its speed, and returns how long no call is made:
// as long as the vendor asks for, or if it does not say (0) the shortest window; four times as long after
// each further refusal in a row. From then on no calls come in bursts: they are as far apart as the
// limits have them on average, and twice as far after each further refusal.
func (l *Limiter) Throttled(retryAfter time.Duration) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	if now.Before(l.pausedUntil) {
		return l.pausedUntil.Sub(now) // another call under way was refused as well
	}
	l.spacing = min(max(2*l.spacing, l.averageSpacing()), maxSpacing)
	if wait = retryAfter; wait <= 0 {
		wait = l.shortestWindow()
	}
	wait <<= 2 * min(l.refusals, 10)
	l.refusals++
	l.pausedUntil = now.Add(wait)
	return wait
}

// averageSpacing returns how far apart the windows have calls of the average cost.
func (l *Limiter) averageSpacing() time.Duration {
	calls, cost := time.Duration(max(1, l.used.Calls)), time.Duration(max(1, l.used.Cost))
	average := minSpacing
	for _, limit := range l.o.Limits {
		average = max(average, limit.Window/time.Duration(limit.Calls)*cost/calls)
	}
	return average
}

// shortestWindow returns the shortest window of the limits, a minute if none has any.
func (l *Limiter) shortestWindow() time.Duration {
	var shortest time.Duration
	for _, limit := range l.o.Limits {
		if limit.Window > 0 && (shortest == 0 || limit.Window < shortest) {
			shortest = limit.Window
		}
	}
	return cmp.Or(shortest, time.Minute)
}

// Pause lets no call through for a time that the vendor has asked for.
func (l *Limiter) Pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pausedUntil = later(l.pausedUntil, l.Now().Add(d))
}

// HoldUntilReset records that the vendor refused a call because the quota is spent. It writes down that
// no process makes a call until the quota's day in UTC ends, or its longest window if that is longer.
func (l *Limiter) HoldUntilReset(ctx context.Context) (until time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	until = resetAfter(l.o.Limits, now)
	err = l.update(ctx, now, func(Account) Change { return Change{HeldUntil: until} })
	l.heldUntil = until.Add(l.dayDoubt())
	return l.heldUntil, err
}

package quota

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// DeferredError is a Limiter's answer where the next call is further away than it may wait.
type DeferredError struct{ Until time.Time }

func (e *DeferredError) Error() string {
	return fmt.Sprintf("the rate limits allow no call before %s", e.Until.UTC().Format(time.RFC3339))
}

// Limiter holds the calls of this process back until all its limits allow them. It is safe for
// concurrent use; calls are let through in the order in which they began to wait.
type Limiter struct {
	limits  []Limit
	maxWait time.Duration

	turn sync.Mutex // held while a call waits, so that the others queue behind it
	mu   sync.Mutex
	made []time.Time
}

// NewLimiter makes a Limiter which refuses with a DeferredError rather than wait longer than maxWait.
func NewLimiter(limits []Limit, maxWait time.Duration) *Limiter {
	return &Limiter{limits: limits, maxWait: maxWait}
}

// Wait returns when one call may be made, and counts it as made then. Its error is a DeferredError
// or the context's.
func (l *Limiter) Wait(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	next := Next(l.limits, l.Made(), now)
	if next.Sub(now) > l.maxWait {
		return &DeferredError{Until: next}
	}
	timer := time.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = append(l.made, later(time.Now(), next))
	return nil
}

// Made is when the calls so far were made, ascending.
func (l *Limiter) Made() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.made)
}

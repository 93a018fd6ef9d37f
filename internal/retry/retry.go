// Package retry tries operations of a database again that have failed for a reason that passes.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	minDelay = 100 * time.Millisecond
	maxDelay = 5 * time.Second
	jitter   = 0.25 // the share by which a delay varies, so that processes do not come back all at once
	// NoticeAfter is how long an operation takes before it is reported that it waits.
	NoticeAfter = 5 * time.Second
)

// Policy says for how long operations are tried again, and what is called about it. It is for one database, and safe for concurrent use.
type Policy struct {
	// Limit returns for how long, from its start, an operation is tried again that has failed with an error; 0: not at all.
	Limit func(err error) time.Duration
	// Waiting is called once an operation has taken NoticeAfter. The error is that of its latest attempt, nil if none has ended.
	Waiting func(operation string, err error)
	// Resumed is called when an operation of which Waiting was called has succeeded.
	Resumed func(operation string, took time.Duration)

	mu     sync.Mutex
	gaveUp bool // the limit has passed once: the next operation does not wait until one has succeeded
}

// Do returns what an attempt at an operation returns in the end. If it was tried again to no avail, the error says for how long; if
// the context has ended meanwhile, it wraps the cause of that, and the latest error of an attempt.
// An attempt must be one that can be made again even if the one before has succeeded, since its answer can be lost.
func Do[T any](ctx context.Context, p *Policy, operation string, attempt func() (T, error)) (T, error) {
	o := start(p, operation)
	for delay := minDelay; ; delay = min(2*delay, maxDelay) {
		result, err := attempt()
		if err != nil && ctx.Err() != nil {
			return result, o.end(o.interrupted(ctx, err))
		}
		if !o.isToBeRetried(err) {
			return result, o.end(err)
		}
		o.record(err)
		if !wait(ctx, delay) {
			return result, o.end(o.interrupted(ctx, ctx.Err()))
		}
		o.retried = true
	}
}

// wait reports whether a delay, more or less, has passed before the end of the context.
func wait(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(time.Duration(float64(delay) * (1 - jitter + 2*jitter*rand.Float64())))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// operation is one that is under way.
type operation struct {
	policy  *Policy
	name    string
	began   time.Time
	notice  *time.Timer
	retried bool

	mu      sync.Mutex
	latest  error // of the latest attempt that is made again
	noticed bool
}

func start(p *Policy, name string) *operation {
	o := &operation{policy: p, name: name, began: time.Now()}
	o.notice = time.AfterFunc(NoticeAfter, o.notify)
	return o
}

// notify reports that the operation waits.
func (o *operation) notify() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noticed = true
	o.policy.Waiting(o.name, o.latest)
}

func (o *operation) record(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latest = err
}

// interrupted returns the error of an operation that the end of its context has ended.
func (o *operation) interrupted(ctx context.Context, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.latest == nil {
		return err
	}
	if errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("%w; it waited for the database: %w", err, o.latest)
}

func (o *operation) isToBeRetried(err error) bool {
	if err == nil {
		return false
	}
	limit := o.policy.Limit(err)
	if limit == 0 || o.policy.hasGivenUp() {
		return false
	}
	if time.Since(o.began) >= limit {
		o.policy.setGivenUp(true)
		return false
	}
	return true
}

// end reports the end of the operation, and returns its error.
func (o *operation) end(err error) error {
	o.notice.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	took := time.Since(o.began)
	switch {
	case err == nil:
		o.policy.setGivenUp(false)
		if o.noticed {
			o.policy.Resumed(o.name, took)
		}
		return nil
	case o.retried:
		return fmt.Errorf("%w; it was tried again for %v", err, took.Round(time.Second))
	default:
		return err
	}
}

func (p *Policy) hasGivenUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gaveUp
}

func (p *Policy) setGivenUp(gaveUp bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gaveUp = gaveUp
}

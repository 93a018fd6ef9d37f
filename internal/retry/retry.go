// Package retry tries operations of a database again that have failed for a reason that passes.
package retry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
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

// Do returns what an attempt at an operation returns in the end. If it was tried again to no avail, the error says for how long.
// An attempt must be one that can be made again even if the one before has succeeded, since its answer can be lost.
func Do[T any](ctx context.Context, p *Policy, operation string, attempt func() (T, error)) (T, error) {
	o := start(p, operation)
	policy := retrypolicy.NewBuilder[T]().
		HandleIf(func(_ T, err error) bool { return ctx.Err() == nil && o.isToBeRetried(err) }).
		WithBackoff(minDelay, maxDelay).WithJitterFactor(jitter).WithMaxRetries(-1).Build()
	result, err := failsafe.With(policy).WithContext(ctx).Get(func() (T, error) {
		result, err := attempt()
		o.record(err)
		return result, err
	})
	return result, o.end(err)
}

// operation is one that is under way.
type operation struct {
	policy  *Policy
	name    string
	began   time.Time
	notice  *time.Timer
	retried bool

	mu      sync.Mutex
	latest  error // of the latest attempt
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
	o.retried = true
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

package refresh

import (
	"context"
	"time"
)

// deadlines are contexts that end some time after the one of a run: what was fetched is still written when a run
// is interrupted, and does not hold it up for long.
type deadlines struct {
	begin  context.Context // 250 ms later; no commit begins after it
	write  context.Context // 700 ms later; for the writes of what was fetched
	record context.Context // 1 s later; for what the run records of itself
	cancel context.CancelFunc
}

func newDeadlines(ctx context.Context) deadlines {
	begin, cancelBegin := outlive(ctx, 250*time.Millisecond)
	write, cancelWrite := outlive(ctx, 700*time.Millisecond)
	record, cancelRecord := outlive(ctx, time.Second)
	return deadlines{begin: begin, write: write, record: record, cancel: func() {
		cancelBegin()
		cancelWrite()
		cancelRecord()
	}}
}

// outlive returns a context that ends a while after another, of the same cause.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d):
			cancel(context.Cause(ctx))
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel(nil) }
}

func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

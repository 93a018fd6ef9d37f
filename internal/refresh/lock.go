package refresh

import (
	"context"
	"errors"
	"time"
)

// lockInterval is how often a run asks again for a lock that another run has.
const lockInterval = time.Second

// lock takes the lock of the run, and the application's tasks if it is about them. It reports whether it has waited for another
// run to end.
func (r *run) lock(ctx context.Context) (waited bool, err error) {
	if r.DryRun {
		return false, nil
	}
	return r.awaitLock(ctx, func() error {
		if r.unlock == nil {
			unlock, err := r.Store.Lock(ctx, r.Kind.JobName())
			if isShared := errors.Is(err, ErrLocked) && r.Kind.sharesLock(); err != nil && !isShared {
				return err
			}
			r.unlock = unlock
		}
		if r.Kind == Tasks {
			return r.openTasks(ctx)
		}
		return nil
	})
}

// awaitLock calls take until no other run has what it takes, or until the run has waited for as long as it may.
func (r *run) awaitLock(ctx context.Context, take func() error) (waited bool, err error) {
	for began := time.Now(); ; waited = true {
		if err = take(); !errors.Is(err, ErrLocked) {
			return waited, err
		}
		left := r.Wait - time.Since(began)
		if left <= 0 {
			r.report.Status, r.report.Holder = Locked, holderOf(err)
			return waited, err
		}
		if !waited {
			r.observe(LockAwaited{holderOf(err), r.Wait})
		}
		if err := sleep(ctx, min(lockInterval, left)); err != nil {
			return waited, err
		}
	}
}

// holderOf returns who has the lock that could not be taken; nil if the store does not know.
func holderOf(err error) *Holder {
	if locked := (*LockedError)(nil); errors.As(err, &locked) {
		return &locked.Holder
	}
	return nil
}

// openTasks opens the application's tasks, if the run processes them.
func (r *run) openTasks(ctx context.Context) error {
	if r.Kind.maxTasks() == 0 || r.tasks != nil {
		return nil
	}
	tasks, err := r.Store.OpenTasks(ctx)
	switch {
	case err == nil:
		r.tasks = tasks
		return nil
	case !errors.Is(err, ErrLocked):
		return r.tasksFailed(err)
	case r.Kind == Tasks:
		return err
	default: // another process has them
		return nil
	}
}

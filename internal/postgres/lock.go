package postgres

import (
	"context"
	"fmt"
	"time"

	"papertrade/internal/refresh"
)

const (
	// closeTimeout is how long a server that does not answer can hold up the end of a process that was interrupted, and the end of
	// any once its leases are given back.
	closeTimeout = 300 * time.Millisecond
	// giveBackTimeout is how long it can hold up that of another: without its leases given back, other hosts wait for longer.
	giveBackTimeout = 5 * time.Second
)

// Lock takes the lease of a job, and renews it until unlock gives it back. In between, what is written of runs, prices, calls and
// tasks is written only as long as the store has that lease; the watchlist, and what is deleted, do not depend on it. A lease that
// has run out is taken from its holder, and one whose holder is known to be gone at once.
func (s *Store) Lock(ctx context.Context, job string) (unlock func(), err error) {
	_, unlock, err = s.hold(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", job, err)
	}
	return unlock, nil
}

// hold is Lock of what need not be a job. The lease is given back within a moment once ctx is done.
func (s *Store) hold(ctx context.Context, name string) (held lease, unlock func(), err error) {
	if held, err = s.take(ctx, name); err != nil {
		return lease{}, nil, err
	}
	s.leases.add(held)
	renewing, stop := context.WithCancel(context.Background())
	go s.keepRenewing(renewing, held)
	return held, func() {
		stop()
		limit := giveBackTimeout
		if ctx.Err() != nil {
			limit = closeTimeout
		}
		s.giveBack(held, limit)
		s.leases.remove(held)
	}, nil
}

// Locked returns the process that has the lease of a job: one that is known to be alive, or may be until the lease runs out.
func (s *Store) Locked(ctx context.Context, job string) (*refresh.Holder, error) {
	row, err := readLease(ctx, s.pool, job)
	if err != nil {
		return nil, fmt.Errorf("look at the lock of %s: %w", job, err)
	}
	if row.Holder == nil {
		return nil, nil
	}
	if fate := fateOf(*row.Holder); fate == gone || fate == unknown && row.Expired {
		return nil, nil
	}
	return new(row.holder()), nil
}

// take takes a lease, unless another process has it.
func (s *Store) take(ctx context.Context, name string) (lease, error) {
	row, err := readLease(ctx, s.pool, name)
	if err != nil {
		return lease{}, err
	}
	var left lease // by a process that is gone, or by an attempt of ours whose answer was lost
	switch {
	case row.Holder != nil && (fateOf(*row.Holder) == gone || row.Holder.Store == s.id && !s.leases.has(name)):
		left = row.lease(name)
	case row.Holder != nil && !row.Expired:
		return lease{}, &refresh.LockedError{Holder: row.holder()}
	case row.Holder != nil:
		if err := sleep(ctx, s.leaseTimes.grace); err != nil {
			return lease{}, err
		}
	}
	taken, err := s.takeFrom(ctx, name, left)
	switch {
	case isLockTimeout(err) && left == lease{}, err == nil && taken.token == 0: // another process is at work, or was faster
		return lease{}, refresh.ErrLocked
	default:
		return taken, err
	}
}

// holder returns who has the lease of a row that has a Holder.
func (r leaseRow) holder() refresh.Holder {
	return refresh.Holder{Host: r.Holder.Host, PID: r.Holder.PID, Since: utc(r.TakenAt)}
}

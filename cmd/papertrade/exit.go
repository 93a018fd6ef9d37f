package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/postgres"
	"papertrade/internal/refresh"
)

// How a run can end short of success, if no other error says so.
var (
	errPartial = errors.New("partly refreshed")
	errNothing = errors.New("nothing could be refreshed")
	errQuota   = errors.New("quota spent before anything could be refreshed")
)

// errKeySpent is why a call of config check was not answered.
var errKeySpent = errors.New("the key's quota is spent")

// errUnhealthy ends status --check after it has printed a problem.
var errUnhealthy = errors.New("not all is well")

// interruptedError is the cause of a context that a signal has ended.
type interruptedError struct {
	signal syscall.Signal
	at     time.Time
}

func (e *interruptedError) Error() string { return "interrupted (" + e.signal.String() + ")" }

// exitStatus is the one place where errors become exit statuses.
func exitStatus(ctx context.Context, err error) int {
	var usage *usageError
	var settings *config.Error
	var interruption *interruptedError
	switch {
	case err == nil:
		return 0
	case errors.As(context.Cause(ctx), &interruption):
		return 128 + int(interruption.signal)
	case errors.As(err, &usage), errors.As(err, &settings), errors.Is(err, postgres.ErrURL):
		return 2
	case errors.Is(err, errPartial):
		return 3
	case errors.Is(err, refresh.ErrLocked):
		return 4
	case errors.Is(err, errQuota), errors.Is(err, errKeySpent):
		return 5
	default:
		return 1
	}
}

// The help of every command ends with its exit statuses.
const (
	exitStatuses = `
Exit status:
  0    done, or nothing to do
  1    failed
  2    wrong usage or settings; nothing was touched
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

	migrateExitStatuses = `
Exit status:
  0    done, or nothing to do
  1    failed
  2    wrong usage or settings; nothing was touched
  4    another migrate of this database goes on for five minutes
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

	refreshExitStatuses = `
Exit status:
  0    done, or nothing to do
  1    failed: nothing could be refreshed, or the store, the credentials or the
       provider failed
  2    wrong usage or settings; nothing was touched
  3    partly: some tickers failed, more than max_error_rate of those attempted
  4    another run holds the lock; nothing was touched
  5    quota spent before anything could be refreshed
  130  interrupted by SIGINT; what was fetched is committed
  143  interrupted by SIGTERM; what was fetched is committed`

	statusExitStatuses = `
Exit status:
  0    done; with --check: all is well
  1    failed; with --check: there is a problem, or the database cannot be read
  2    wrong usage or settings; nothing was touched
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

	checkExitStatuses = `
Exit status:
  0    everything is ready
  1    the database is not, or the vendor refuses the key or does not answer
  2    wrong usage or settings
  5    the key's quota is spent
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`
)

package main

import (
	"context"
	"errors"
	"net"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/postgres"
	"papertrade/internal/refresh"
	"papertrade/internal/retry"
	"papertrade/internal/sqlite"
)

// maxSlowness is for how long statements of Postgres are tried again that run into a time limit: for rows that somebody has locked
// who forgot to end a transaction, or because the server is too slow for them.
const maxSlowness = time.Minute

// openPatiently opens a database to write to it. Opening it, and what is asked of it then, is tried again while the database
// does not answer, for as long as the settings say.
func openPatiently(ctx context.Context, inv *invocation, open func(context.Context, *config.Config) (store, error)) (store, error) {
	opened, err := retry.Do(ctx, inv.retryPolicy(openingLimit), "open the database",
		func() (store, error) { return open(ctx, inv.config) })
	if err != nil {
		return nil, err
	}
	if leasing, ok := opened.(*postgres.Store); ok {
		leasing.OnRenewalFailure(func(err error) { inv.log.Debug().Err(err).Msg("the lock could not be renewed and is tried again") })
	}
	db := &patientStore{store: opened}
	db.policy = inv.retryPolicy(func(c *config.Config, err error) time.Duration { return retryLimit(c, err, db.hasWritten.Load()) })
	return db, nil
}

func (inv *invocation) retryPolicy(limit func(*config.Config, error) time.Duration) *retry.Policy {
	return &retry.Policy{
		Limit: func(err error) time.Duration { return limit(inv.config, err) },
		Waiting: func(operation string, err error) {
			inv.log.Warn().Str("operation", operation).Err(err).Msg("waiting for the database")
		},
		Resumed: func(operation string, took time.Duration) {
			inv.log.Info().Str("operation", operation).Float64("seconds", took.Round(time.Millisecond).Seconds()).Msg("the database answers again")
		},
	}
}

// openingLimit is retryLimit of what comes first: a host that is not found then has a wrong name in the URL; later on, that was
// right, and the server is likely to be made anew.
func openingLimit(c *config.Config, err error) time.Duration {
	if unknown := (*net.DNSError)(nil); errors.As(err, &unknown) && unknown.IsNotFound && c.Database.Hosts <= 1 {
		return 0
	}
	return retryLimit(c, err, false)
}

// retryLimit returns for how long an operation that failed with an error is tried again; 0: not at all. A server that has become
// read-only since the run has written is about to be replaced by another one, which may have the same address.
func retryLimit(c *config.Config, err error, hasWritten bool) time.Duration {
	isPostgres := c.Database.Driver == config.Postgres
	switch {
	case isPostgres && postgres.IsTimeout(err):
		return min(c.Patience, maxSlowness)
	case isPostgres && postgres.IsTransient(err), !isPostgres && sqlite.IsTransient(err),
		isPostgres && errors.Is(err, refresh.ErrReadOnly) && (hasWritten || c.Database.Hosts > 1):
		return c.Patience
	default:
		return 0
	}
}

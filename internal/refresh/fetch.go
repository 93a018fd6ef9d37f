package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// fetchBatch asks for the tickers of one batch. The quotes are in their order; a ticker that could
// not be asked has a quote whose Err says why. stop is the reason why asking on is pointless, nil
// where it is not.
func (j *Job) fetchBatch(ctx context.Context, tickers []marketdata.Ticker) (quotes []marketdata.Quote, stop error) {
	chunks := slices.Collect(slices.Chunk(tickers, j.Provider.TickersPerCall()))
	answers := make([][]marketdata.Quote, len(chunks))
	var group errgroup.Group
	group.SetLimit(j.Concurrency)
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i, chunk := range chunks {
		group.Go(func() error {
			answer, err := j.fetch(callCtx, chunk)
			if err == nil {
				answers[i] = answer
				return nil
			}
			for _, ticker := range chunk {
				answers[i] = append(answers[i], marketdata.Quote{Ticker: ticker, Err: err})
			}
			if stops(err) {
				cancel(err)
				return err
			}
			return nil
		})
	}
	stop = group.Wait()
	return slices.Concat(answers...), stop
}

// stops says whether err concerns all that is left of a run.
func stops(err error) bool {
	var deferred *quota.DeferredError
	return errors.As(err, &deferred) ||
		errors.Is(err, marketdata.ErrQuotaSpent) ||
		errors.Is(err, marketdata.ErrCredentials) ||
		errors.Is(err, marketdata.ErrNotEntitled) ||
		interrupted(err)
}

// interrupted says whether err comes of the run's context, not of a call's own timeout.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// fetch makes one call, and makes it again where trying again can help. Each try counts as a call.
func (j *Job) fetch(ctx context.Context, tickers []marketdata.Ticker) ([]marketdata.Quote, error) {
	for attempt := 1; ; attempt++ {
		quotes, err := j.Provider.Quotes(ctx, tickers)
		if err == nil {
			return quotes, nil
		}
		pause, again := retryIn(err, attempt)
		if !again || attempt >= j.Attempts {
			return nil, fmt.Errorf("fetch %s: %w", tickers[0], err)
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// retryIn says whether another try can help after err, and how long to wait before it: as long as
// the vendor asks for, else a second that doubles with each attempt.
func retryIn(err error, attempt int) (time.Duration, bool) {
	pause := time.Second << min(attempt-1, 5)
	var throttled *marketdata.ThrottledError
	if errors.As(err, &throttled) {
		return max(throttled.RetryAfter, pause), true
	}
	var unavailable *marketdata.UnavailableError
	if errors.As(err, &unavailable) {
		return max(unavailable.RetryAfter, pause), true
	}
	return pause, errors.Is(err, marketdata.ErrUnavailable)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

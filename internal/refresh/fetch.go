package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"golang.org/x/sync/errgroup"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

const (
	// mostThrottled is how often in a row a call may be refused for its speed. Then waiting is no help.
	mostThrottled = 5
	// deadBatches in a row that brought nothing but unavailability mean that the provider is down.
	deadBatches = 2
)

// ErrProviderDown is why a run stops when the provider has been unavailable for whole batches.
var ErrProviderDown = errors.New("the provider is down")

// errNotAsked is the fate of a ticker whose run stopped before it was answered.
var errNotAsked = errors.New("not asked")

// fetcher asks the provider on behalf of one run.
type fetcher struct {
	*Job
	retries failsafe.Executor[[]marketdata.Quote]
	breaker circuitbreaker.CircuitBreaker[any] // of batches
}

func (j *Job) newFetcher() *fetcher {
	retry := retrypolicy.NewBuilder[[]marketdata.Quote]().
		HandleErrors(marketdata.ErrUnavailable).
		WithMaxAttempts(j.Attempts).
		WithBackoff(time.Second, 30*time.Second).
		WithJitterFactor(0.25).
		ReturnLastFailure().
		Build()
	return &fetcher{
		Job: j, retries: failsafe.With(retry),
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(deadBatches).Build(),
	}
}

// batch asks for the tickers of one batch. The quotes are in their order; a ticker that could not be
// asked has a quote whose Err says why. stop is the reason why asking on is pointless, nil where
// it is not.
func (f *fetcher) batch(ctx context.Context, tickers []marketdata.Ticker) (quotes []marketdata.Quote, stop error) {
	chunks := slices.Collect(slices.Chunk(tickers, f.Provider.TickersPerCall()))
	answers := make([][]marketdata.Quote, len(chunks))
	var group errgroup.Group
	group.SetLimit(f.Concurrency)
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.Limiter.Expect(len(chunks))
	for i, chunk := range chunks {
		group.Go(func() error {
			answer, err := f.fetch(callCtx, chunk)
			if err == nil {
				answers[i] = answer
				return nil
			}
			if callCtx.Err() != nil {
				err = fmt.Errorf("%w: %w", errNotAsked, context.Cause(callCtx))
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
	if stop != nil && ctx.Err() != nil {
		stop = context.Cause(ctx)
	}
	quotes = slices.Concat(answers...)
	if stop == nil {
		stop = f.judgeBatch(quotes)
	}
	return quotes, stop
}

// judgeBatch is ErrProviderDown where this batch and the one before brought nothing at all.
func (f *fetcher) judgeBatch(quotes []marketdata.Quote) error {
	if slices.ContainsFunc(quotes, func(q marketdata.Quote) bool { return !errors.Is(q.Err, marketdata.ErrUnavailable) }) {
		f.breaker.RecordSuccess()
		return nil
	}
	f.breaker.RecordFailure()
	if !f.breaker.IsOpen() {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrProviderDown, quotes[len(quotes)-1].Err)
}

// stops says whether err concerns all that is left of a run.
func stops(err error) bool {
	return slices.ContainsFunc([]error{
		errNotAsked, marketdata.ErrThrottled, marketdata.ErrQuotaSpent,
		marketdata.ErrCredentials, marketdata.ErrNotEntitled, quota.ErrLedger,
	}, func(reason error) bool { return errors.Is(err, reason) }) || errors.As(err, new(*quota.DeferredError))
}

// defers says whether a ticker with err is for a later run: it was not its own fault.
func defers(err error) bool {
	return slices.ContainsFunc([]error{errNotAsked, marketdata.ErrThrottled, marketdata.ErrQuotaSpent},
		func(reason error) bool { return errors.Is(err, reason) }) || errors.As(err, new(*quota.DeferredError))
}

// fetch makes one call, and makes it again where that can help: where the provider was unavailable, a
// few times; where it was asked too fast, when it can be asked again. Each try counts as a call.
func (f *fetcher) fetch(ctx context.Context, tickers []marketdata.Ticker) ([]marketdata.Quote, error) {
	for refused := 1; ; refused++ {
		quotes, err := f.retries.WithContext(ctx).Get(func() ([]marketdata.Quote, error) { return f.ask(ctx, tickers) })
		var throttled *marketdata.ThrottledError
		switch {
		case err == nil:
			return quotes, nil
		case errors.Is(err, marketdata.ErrQuotaSpent):
			until, holdErr := f.Limiter.Spent(ctx)
			return nil, errors.Join(&quota.DeferredError{Until: until, Spent: true}, err, holdErr)
		case !errors.As(err, &throttled) || refused == mostThrottled:
			return nil, fmt.Errorf("fetch %s: %w", tickers[0], err)
		}
		wait := f.Limiter.Throttled(throttled.RetryAfter)
		f.observe(CallThrottled{Ticker: tickers[0], Wait: wait, Err: err})
	}
}

// ask makes one call.
func (f *fetcher) ask(ctx context.Context, tickers []marketdata.Ticker) ([]marketdata.Quote, error) {
	quotes, err := f.Provider.Quotes(ctx, tickers)
	var unavailable *marketdata.UnavailableError
	switch {
	case err == nil:
		f.Limiter.Answered()
	case errors.As(err, &unavailable):
		f.Limiter.Pause(unavailable.RetryAfter)
	}
	return quotes, err
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

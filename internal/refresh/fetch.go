package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"golang.org/x/sync/errgroup"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

const (
	// deadBatches in a row that brought nothing but unavailability mean that the provider is down.
	deadBatches = 2
)

// ErrProviderDown is why a run stops when the provider has been unavailable for whole batches.
var ErrProviderDown = errors.New("the provider is down")

// errOutOfReach is the fate of a ticker of which all that is wanted is in a full series alone, to which
// the key turned out not to be entitled.
var errOutOfReach = errors.New("out of reach")

// errNotAsked is the fate of a ticker whose run stopped before it was answered.
var errNotAsked = errors.New("not asked")

// answer is what a provider told of one ticker: bars, ascending by session, or why there are none.
type answer struct {
	item   *Item
	bars   []marketdata.Bar
	series marketdata.Series // that the bars are of, where one was asked for
	err    error
}

// fetcher asks the provider on behalf of one run.
type fetcher struct {
	*Job
	retries  failsafe.Executor[[]answer]
	breaker  circuitbreaker.CircuitBreaker[any] // of batches
	ended    func(tickers int)                  // is told after each call
	answered atomic.Bool                        // anything at all, in this run
	asking   atomic.Int64                       // nanoseconds that calls took, without the waits for the limiter

	entitlement sync.Mutex // held by the first call for a full series, until it is answered
	entitled    entitlement
}

// entitlement is whether the key may ask for full series.
type entitlement int

const (
	entitlementUnknown entitlement = iota
	entitlementGiven
	entitlementRefused
)

func (j *Job) newFetcher() *fetcher {
	retry := retrypolicy.NewBuilder[[]answer]().
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

// batch asks for the items of one batch. The answers are in their order. stop is the reason why asking
// on is pointless, nil where it is not.
func (f *fetcher) batch(ctx context.Context, items []*Item) (answers []answer, stop error) {
	calls := divide(items, f.Provider.TickersPerCall())
	byCall := make([][]answer, len(calls))
	var group errgroup.Group
	group.SetLimit(f.Concurrency)
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.Limiter.Announce(slices.Repeat([]int{1}, len(calls))...)
	for i, call := range calls {
		group.Go(func() error {
			f.observe(TickerBegun{call[0].Ticker})
			got, err := f.fetch(callCtx, call)
			for _, item := range call {
				f.observe(TickerEnded{item.Ticker, err})
			}
			f.ended(len(call))
			if err == nil {
				byCall[i] = got
				return nil
			}
			if callCtx.Err() != nil {
				err = fmt.Errorf("%w: %w", errNotAsked, context.Cause(callCtx))
			}
			for _, item := range call {
				byCall[i] = append(byCall[i], answer{item: item, err: err})
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
	answers = slices.Concat(byCall...)
	if stop == nil {
		stop = f.judgeBatch(answers)
	}
	return answers, stop
}

// divide makes calls of items: a series takes one of its own, quotes that follow each other share one.
func divide(items []*Item, quotesPerCall int) [][]*Item {
	var calls [][]*Item
	room := 0 // of the last call, for further quotes
	for _, item := range items {
		if room > 0 && item.Action == FetchQuote {
			calls[len(calls)-1] = append(calls[len(calls)-1], item)
			room--
			continue
		}
		calls = append(calls, []*Item{item})
		if room = quotesPerCall - 1; item.needsSeries() {
			room = 0
		}
	}
	return calls
}

// judgeBatch is ErrProviderDown where this batch and the one before brought nothing at all.
func (f *fetcher) judgeBatch(answers []answer) error {
	if slices.ContainsFunc(answers, func(a answer) bool { return !errors.Is(a.err, marketdata.ErrUnavailable) }) {
		f.breaker.RecordSuccess()
		return nil
	}
	f.breaker.RecordFailure()
	if !f.breaker.IsOpen() {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrProviderDown, answers[len(answers)-1].err)
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

// fetch makes one call, and makes it again a few times where the provider was unavailable. Each try
// counts as a call.
func (f *fetcher) fetch(ctx context.Context, call []*Item) ([]answer, error) {
	answers, err := f.retries.WithContext(ctx).Get(func() ([]answer, error) { return f.ask(ctx, call) })
	switch {
	case err == nil:
		return answers, nil
	case errors.Is(err, marketdata.ErrQuotaSpent):
		kept, cancel := grace(ctx, lastWrites)
		defer cancel()
		until, holdErr := f.Limiter.HoldUntilReset(kept)
		if holdErr != nil {
			return nil, fmt.Errorf("%w; %w", err, holdErr)
		}
		return nil, fmt.Errorf("%w; %w", &quota.DeferredError{Until: until, Spent: true}, err)
	default:
		return nil, fmt.Errorf("fetch %s: %w", call[0].Ticker, err)
	}
}

// ask makes one call. Where it was too fast for the provider it makes it again when the limiter lets
// it: the ticker has not failed.
func (f *fetcher) ask(ctx context.Context, call []*Item) ([]answer, error) {
	var refusal error
	for {
		began, waited := time.Now(), f.Limiter.Waited()
		answers, err := f.call(ctx, call)
		f.asking.Add(int64(time.Since(began) - (f.Limiter.Waited() - waited)))
		var throttled *marketdata.ThrottledError
		var unavailable *marketdata.UnavailableError
		switch {
		case err == nil:
			f.Limiter.Answered()
			f.answered.Store(true)
			return answers, nil
		case ctx.Err() != nil:
			return nil, err // which can be why another call has stopped the run
		case errors.As(err, &throttled):
			refusal = err
			wait := f.Limiter.Throttled(throttled.RetryAfter)
			f.observe(CallThrottled{Ticker: call[0].Ticker, Wait: wait, Err: err})
			f.ended(0)
			continue
		case errors.As(err, &unavailable):
			f.Limiter.Pause(unavailable.RetryAfter)
		}
		if refusal != nil && errors.As(err, new(*quota.DeferredError)) {
			err = fmt.Errorf("%w; %w", refusal, err)
		}
		return nil, err
	}
}

func (f *fetcher) call(ctx context.Context, call []*Item) ([]answer, error) {
	if call[0].needsSeries() {
		series, err := f.series(ctx, call[0])
		return []answer{{item: call[0], bars: series.Bars, series: series}}, err
	}
	tickers := make([]marketdata.Ticker, len(call))
	for i, item := range call {
		tickers[i] = item.Ticker
	}
	quotes, err := f.Provider.Quotes(ctx, tickers)
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(call))
	for i, q := range quotes {
		answers[i] = answer{item: call[i], bars: []marketdata.Bar{q.Bar}, err: q.Err}
	}
	return answers, nil
}

// series asks for a full series, or for a compact one where that suffices or the key is not entitled to
// more.
func (f *fetcher) series(ctx context.Context, item *Item) (marketdata.Series, error) {
	if item.Action == FetchFull {
		series, err := f.fullSeries(ctx, item.Ticker)
		if !errors.Is(err, marketdata.ErrNotEntitled) {
			return series, err
		}
		if !item.fill.inReach(item.ActiveTicker, f.Now()) {
			return series, errOutOfReach
		}
	}
	return f.Provider.Daily(ctx, item.Ticker, marketdata.Compact)
}

// fullSeries finds out by the run's first call whether the key is entitled to it. Where it is not, none
// is asked again, and the ledger remembers.
func (f *fetcher) fullSeries(ctx context.Context, ticker marketdata.Ticker) (marketdata.Series, error) {
	f.entitlement.Lock()
	known := f.entitled
	if known != entitlementUnknown {
		f.entitlement.Unlock()
	} else {
		defer f.entitlement.Unlock()
	}
	if known == entitlementRefused {
		return marketdata.Series{}, marketdata.ErrNotEntitled
	}
	series, err := f.Provider.Daily(ctx, ticker, marketdata.Full)
	switch {
	case known == entitlementGiven:
	case err == nil, errors.Is(err, marketdata.ErrUnknownTicker), errors.Is(err, marketdata.ErrInvalidData):
		f.entitled = entitlementGiven
	case errors.Is(err, marketdata.ErrNotEntitled):
		f.entitled = entitlementRefused
		if noteErr := f.Limiter.NotEntitled(ctx); noteErr != nil {
			return marketdata.Series{}, noteErr
		}
	}
	return series, err
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

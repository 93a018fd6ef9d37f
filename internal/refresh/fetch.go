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
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"golang.org/x/sync/errgroup"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// maxDeadRounds in a row that brought nothing but unavailability mean that a provider is down.
const maxDeadRounds = 2

// fetcher asks the vendors on behalf of one run.
type fetcher struct {
	askers      []*asker // one per vendor
	concurrency int
	now         func() time.Time // of the job
	answered    atomic.Bool      // anything at all, in this run
	observe     func(Event)
	ended       func(call Call, err error) // is called after each call
	waiting     func()                     // is called when a call has to wait
}

func newFetcher(
	vendors []Vendor, concurrency int, now func() time.Time, write context.Context, observe func(Event), learned func(Vendor, []quota.Learned),
) *fetcher {
	f := &fetcher{concurrency: concurrency, now: now, observe: observe}
	for _, v := range vendors {
		f.askers = append(f.askers, newAsker(v, write, f.throttled, learned))
	}
	return f
}

// round makes calls, some at a time, and joins what they bring to the answers of the items that they serve. stop
// is the reason why going on with all the calls of the plan is pointless, nil if it is not. Those under way end all the same
// if it is that the next run of the schedule needs the calls.
func (f *fetcher) round(ctx context.Context, calls, all []Call, items []Item, answers map[int]answer) (stop error) {
	results := make([][]answer, len(calls))
	var group errgroup.Group
	group.SetLimit(max(1, f.concurrency))
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.announce(calls)
	for i, call := range calls {
		group.Go(func() error {
			var err error
			results[i], err = f.ask(callCtx, call, items)
			if err != nil && stopsRun(err) && keptFor(err).IsZero() {
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
	f.markAttempts(calls, results)
	for i, call := range calls {
		for n, item := range call.Items {
			if before, found := answers[item]; found {
				results[i][n] = before.join(results[i][n])
			}
			answers[item] = results[i][n]
		}
	}
	if stop == nil {
		stop = f.findDown(calls, results, all)
	}
	if stop == nil {
		stop = findKept(results)
	}
	return stop
}

// findKept returns an error that says for which run of the schedule calls were not made; nil if all were.
func findKept(results [][]answer) error {
	for _, answers := range results {
		for _, a := range answers {
			if !keptFor(a.err).IsZero() {
				return a.err
			}
		}
	}
	return nil
}

func (f *fetcher) throttled(event CallThrottled) {
	f.observe(event)
	f.waiting()
}

// used returns what the run has asked of all vendors so far.
func (f *fetcher) used() quota.Usage {
	var total quota.Usage
	for _, asker := range f.askers {
		used := asker.used()
		total.Calls, total.Cost = total.Calls+used.Calls, total.Cost+used.Cost
	}
	return total
}

// close leaves the plans of later runs how long calls take, and settles the calls that were announced.
func (f *fetcher) close(ctx context.Context) error {
	var errs []error
	for _, asker := range f.askers {
		asker.recordCallTime()
		errs = append(errs, asker.Limiter.Close(ctx))
	}
	return errors.Join(errs...)
}

// announce lets each vendor write down the calls of a round together.
func (f *fetcher) announce(calls []Call) {
	costs := make([][]int, len(f.askers))
	for _, call := range calls {
		costs[call.Vendor] = append(costs[call.Vendor], call.Question.Cost())
	}
	for i, asker := range f.askers {
		if len(costs[i]) > 0 {
			asker.Limiter.Announce(costs[i]...)
		}
	}
}

// ask makes one call. The error is that of the whole call, which each of its answers has too.
func (f *fetcher) ask(ctx context.Context, call Call, items []Item) ([]answer, error) {
	first := items[call.Items[0]].Ticker
	f.observe(TickerBegun{first})
	got, began, err := f.timed(ctx, func(ctx context.Context) (marketdata.Answer, error) {
		return f.askers[call.Vendor].fetch(ctx, call.Question, first)
	})
	switch {
	case err == nil:
		f.answered.Store(true)
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", errNotAsked, context.Cause(ctx))
	}
	f.ended(call, err)
	return collect(call, items, got, began, err), err
}

// timed makes a call, and returns when it began, by the clock of the job: the last try of it, if it was made again.
func (f *fetcher) timed(ctx context.Context, ask func(context.Context) (marketdata.Answer, error)) (
	got marketdata.Answer, began time.Time, err error,
) {
	began = f.now()
	got, err = ask(quota.OnAdmit(ctx, func() { began = f.now() }))
	return got, began, err
}

// askOnce makes one call that is not one of the plan, and does not make it again, whatever comes of it.
func (f *fetcher) askOnce(ctx context.Context, vendor int, q marketdata.Question, ticker marketdata.Ticker) (
	got marketdata.Answer, began time.Time, err error,
) {
	return f.timed(ctx, func(ctx context.Context) (marketdata.Answer, error) { return f.askers[vendor].askOnce(ctx, q, ticker) })
}

// markAttempts finds which tickers have had their turn: those whose vendor answered nothing in the whole round, or
// refuses everybody, have not, nor those that the next run needs the calls of.
func (f *fetcher) markAttempts(calls []Call, results [][]answer) {
	for vendor := range f.askers {
		dead := true
		for i, call := range calls {
			if call.Vendor == vendor {
				dead = dead && !slices.ContainsFunc(results[i], answer.isAnswered)
			}
		}
		for i, call := range calls {
			if call.Vendor == vendor {
				f.markAnswers(results[i], dead)
			}
		}
	}
}

func (f *fetcher) markAnswers(answers []answer, dead bool) {
	for i := range answers {
		a := &answers[i]
		isOver := !stopsRun(a.err) && keptFor(a.err).IsZero()
		a.attempted = isOver && (!dead || !errors.Is(a.err, marketdata.ErrUnavailable))
		a.conclusive = a.attempted || isOver && f.answered.Load()
	}
}

// isAnswered reports whether the vendor was asked and available.
func (a answer) isAnswered() bool {
	return !errors.Is(a.err, marketdata.ErrUnavailable) && keptFor(a.err).IsZero()
}

func allUnavailable(answers []answer) bool {
	return !slices.ContainsFunc(answers, func(a answer) bool { return !errors.Is(a.err, marketdata.ErrUnavailable) })
}

// findDown finds the vendors of which this round and the one before brought nothing at all. It returns
// ErrProviderDown if no other vendor has calls in a plan.
func (f *fetcher) findDown(calls []Call, results [][]answer, all []Call) error {
	var last error
	for vendor, asker := range f.askers {
		var answers []answer
		for i, call := range calls {
			if call.Vendor == vendor {
				answers = append(answers, results[i]...)
			}
		}
		if len(answers) > 0 && asker.isDown(answers) {
			last = answers[len(answers)-1].err
		}
	}
	if last == nil || slices.ContainsFunc(all, func(c Call) bool { return !f.down(c) }) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrProviderDown, last)
}

// down reports whether the vendor of a call is down, so that the call is not made.
func (f *fetcher) down(c Call) bool { return f.askers[c.Vendor].deadRounds >= maxDeadRounds }

// asker asks one vendor on behalf of one run.
type asker struct {
	Vendor
	write     context.Context // outlives an interruption
	throttled func(CallThrottled)
	learned   func(Vendor, []quota.Learned) // is called with what is known of the key's limits after a refusal
	retries   failsafe.Executor[marketdata.Answer]
	before    quota.Usage  // of the limiter when the run began
	asking    atomic.Int64 // nanoseconds that calls took, from when the limiter let them through

	deadRounds  int             // in a row
	notIncluded map[string]bool // capabilities that settle doubts, by name, which the plan of the key turned out not to include
	plan        keyPlan         // as far as an intraday run has found it out

	premium  sync.Mutex   // held by the first call of a premium capability, until it is answered
	entitled atomic.Int32 // an entitlement
}

// entitlement is whether a key's plan includes the premium capabilities.
type entitlement = int32

const (
	entitlementUnknown entitlement = iota
	entitlementGiven
	entitlementRefused
)

func newAsker(v Vendor, write context.Context, throttled func(CallThrottled), learned func(Vendor, []quota.Learned)) *asker {
	retry := retrypolicy.NewBuilder[marketdata.Answer]().
		HandleErrors(marketdata.ErrUnavailable).
		WithMaxAttempts(v.Attempts).
		WithBackoff(time.Second, 30*time.Second).
		WithJitterFactor(0.25).
		ReturnLastFailure().
		Build()
	return &asker{
		Vendor: v, write: write, throttled: throttled, learned: learned, retries: failsafe.With(retry),
		before: v.Limiter.Used(), notIncluded: map[string]bool{},
	}
}

// isDown takes note of what a round brought, and reports whether it was the last of some that brought nothing.
func (a *asker) isDown(answers []answer) bool {
	if !allUnavailable(answers) {
		a.deadRounds = 0
		return false
	}
	a.deadRounds++
	return a.deadRounds >= maxDeadRounds
}

// used returns what the run has asked of the vendor so far.
func (a *asker) used() quota.Usage {
	used := a.Limiter.Used()
	return quota.Usage{Calls: used.Calls - a.before.Calls, Cost: used.Cost - a.before.Cost}
}

// lacksPremium reports whether the key's plan was found not to include the premium capabilities.
func (a *asker) lacksPremium() bool { return a.entitled.Load() == entitlementRefused }

// recordCallTime leaves the plans of later runs how long calls take.
func (a *asker) recordCallTime() {
	if calls := a.used().Calls; calls > 0 {
		a.Limiter.RecordCallTime(time.Duration(a.asking.Load() / int64(calls)))
	}
}

// fetch makes one call, more than once if need be: each try counts as a call. ticker names the call in errors.
func (a *asker) fetch(ctx context.Context, q marketdata.Question, ticker marketdata.Ticker) (marketdata.Answer, error) {
	got, err := a.askPatiently(ctx, q, ticker)
	switch {
	case err == nil, errors.Is(err, errLacking):
		return got, err
	case errors.Is(err, marketdata.ErrQuotaSpent):
		until, holdErr := a.Limiter.HoldUntilReset(a.write)
		if holdErr != nil {
			return got, fmt.Errorf("%w; %w", err, holdErr)
		}
		return got, fmt.Errorf("%w; %w", &quota.DeferredError{Until: until, Spent: true}, err)
	case len(q.Tickers) > 1:
		return got, fmt.Errorf("fetch %s and %d more: %w", ticker, len(q.Tickers)-1, err)
	default:
		return got, fmt.Errorf("fetch %s: %w", ticker, err)
	}
}

// askPatiently makes one call, and makes it again a few times if the provider was unavailable.
func (a *asker) askPatiently(ctx context.Context, q marketdata.Question, ticker marketdata.Ticker) (marketdata.Answer, error) {
	var unavailable error // in the last try that was made
	got, err := a.retries.WithContext(ctx).Get(func() (marketdata.Answer, error) {
		got, err := a.askPaced(ctx, q, ticker)
		if errors.Is(err, marketdata.ErrUnavailable) {
			unavailable = err
		}
		return got, err
	})
	var deferred *quota.DeferredError
	if unavailable != nil && errors.As(err, &deferred) && !deferred.KeptFor.IsZero() {
		return got, &cutShortError{unavailable, deferred}
	}
	return got, err
}

// askOnce makes one call, and lets the limiter know what came of it.
func (a *asker) askOnce(ctx context.Context, q marketdata.Question, ticker marketdata.Ticker) (marketdata.Answer, error) {
	a.Limiter.Announce(q.Cost())
	got, err := a.askTimed(ctx, q)
	var throttled *marketdata.ThrottledError
	var unavailable *marketdata.UnavailableError
	switch {
	case err == nil:
		return got, nil
	case errors.As(err, &throttled):
		a.Limiter.Throttled(throttled.RetryAfter)
	case errors.As(err, &unavailable):
		a.Limiter.Pause(unavailable.RetryAfter)
	case errors.Is(err, marketdata.ErrQuotaSpent):
		_, holdErr := a.Limiter.HoldUntilReset(a.write)
		err = errors.Join(err, holdErr)
	}
	return got, fmt.Errorf("fetch %s: %w", ticker, err)
}

// askPaced makes one call. If it was too fast for the provider it makes it again when the limiter lets
// it: the ticker has not failed.
func (a *asker) askPaced(ctx context.Context, q marketdata.Question, ticker marketdata.Ticker) (marketdata.Answer, error) {
	var refusal error
	for {
		got, err := a.askTimed(ctx, q)
		var throttled *marketdata.ThrottledError
		var unavailable *marketdata.UnavailableError
		switch {
		case err == nil:
			return got, nil
		case ctx.Err() != nil:
			return got, err // which can be why another call has stopped the run
		case errors.As(err, &throttled):
			refusal = err
			wait := a.Limiter.Throttled(throttled.RetryAfter)
			a.throttled(CallThrottled{Ticker: ticker, Wait: wait, Err: err})
			continue
		case errors.As(err, &unavailable):
			a.Limiter.Pause(unavailable.RetryAfter)
		}
		if refusal != nil && errors.As(err, new(*quota.DeferredError)) {
			err = fmt.Errorf("%w; %w", refusal, err)
		}
		return got, err
	}
}

// askTimed makes one call, and adds up how long it took. One that the limiter did not let through took no time.
func (a *asker) askTimed(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	var admitted time.Time
	ctx = quota.OnAdmit(ctx, func() { admitted = time.Now() })
	defer func() {
		if !admitted.IsZero() {
			a.asking.Add(int64(time.Since(admitted)))
		}
	}()
	if q.Capability.Premium {
		return a.askPremium(ctx, q)
	}
	return a.ask(ctx, q)
}

// ask makes one call, and lets the limiter learn from a refusal. Whatever is answered, unless it is that the call came too fast,
// ends a row of such refusals.
func (a *asker) ask(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	got, err := a.Provider.Ask(ctx, q)
	if err == nil || isAnswer(err) {
		a.Limiter.Answered()
		return got, err
	}
	refusal, refused := refusalOf(err)
	if !refused {
		return got, err
	}
	learned, ledgerErr := a.Limiter.Learn(a.write, refusal)
	if ledgerErr != nil {
		return got, fmt.Errorf("%w; %w", err, ledgerErr)
	}
	a.learned(a.Vendor, learned)
	return got, err
}

// askPremium finds out by the run's first call whether the key's plan includes premium capabilities. If it does
// not, none is asked again, and the ledger remembers.
func (a *asker) askPremium(ctx context.Context, q marketdata.Question) (marketdata.Answer, error) {
	a.premium.Lock()
	known := a.entitled.Load()
	if known != entitlementUnknown {
		a.premium.Unlock()
	} else {
		defer a.premium.Unlock()
	}
	if known == entitlementRefused {
		return marketdata.Answer{}, errLacking
	}
	got, err := a.ask(ctx, q)
	switch {
	case known == entitlementGiven:
	case err == nil:
		a.entitled.Store(entitlementGiven)
	case errors.Is(err, marketdata.ErrNotEntitled):
		a.entitled.Store(entitlementRefused)
		if noteErr := a.Limiter.NotEntitled(ctx); noteErr != nil {
			return got, noteErr
		}
		return got, errLacking
	}
	return got, err
}

package refresh

import (
	"errors"
	"slices"
	"strings"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// ErrProviderDown is why a run stops when the provider has been unavailable for whole batches.
var ErrProviderDown = errors.New("the provider is down")

var (
	// errNotAsked is the fate of an item whose run stopped before it was answered.
	errNotAsked = errors.New("not asked")
	// errLacking is the fate of an item whose capability the key's plan turned out not to include: it is
	// still wanted, by another way.
	errLacking = errors.New("the key's plan does not include it")
)

// doubtError is why what an answer says is not stored, though it is possible.
type doubtError string

func (e doubtError) Error() string { return string(e) }

// stopsRun reports whether err concerns all that is left of a run.
func stopsRun(err error) bool {
	return isDeferral(err) || slices.ContainsFunc([]error{
		marketdata.ErrCredentials, marketdata.ErrNotEntitled, quota.ErrLedger,
	}, func(reason error) bool { return errors.Is(err, reason) })
}

// isDeferral reports whether what ended with err is for a later run: it was no fault of the ticker.
func isDeferral(err error) bool {
	return slices.ContainsFunc([]error{errNotAsked, marketdata.ErrThrottled, marketdata.ErrQuotaSpent},
		func(reason error) bool { return errors.Is(err, reason) }) || errors.As(err, new(*quota.DeferredError))
}

// cutShortError is why a call that was not answered was not made again: the next run of the schedule needs the calls.
type cutShortError struct {
	error // of the last try
	kept  *quota.DeferredError
}

func (e *cutShortError) Error() string {
	return e.error.Error() + "; not tried again: " + e.kept.Error()
}

func (e *cutShortError) Unwrap() error { return e.error }

// keptFor returns the run of the schedule that needs the call which was not made, or not again; zero if that is not how it
// ended with err.
func keptFor(err error) time.Time {
	var cutShort *cutShortError
	var deferred *quota.DeferredError
	switch {
	case errors.As(err, &cutShort):
		return cutShort.kept.KeptFor
	case errors.As(err, &deferred):
		return deferred.KeptFor
	default:
		return time.Time{}
	}
}

// isAnswer reports whether a call that ended with err was answered, with something other than that it came too fast or
// too often.
func isAnswer(err error) bool {
	return slices.ContainsFunc([]error{
		marketdata.ErrUnknownTicker, marketdata.ErrInvalidData, marketdata.ErrNotEntitled, marketdata.ErrCredentials,
	}, func(answer error) bool { return errors.Is(err, answer) })
}

// ErrorKind names an error as reports do.
func ErrorKind(err error) string {
	for _, k := range []struct {
		err  error
		kind string
	}{
		{marketdata.ErrUnknownTicker, "unknown_ticker"},
		{marketdata.ErrThrottled, "throttled"},
		{marketdata.ErrQuotaSpent, "quota"},
		{marketdata.ErrCredentials, "credentials"},
		{marketdata.ErrNotEntitled, "entitlement"},
		{marketdata.ErrUnavailable, "unavailable"},
		{marketdata.ErrInvalidData, "invalid_data"},
	} {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	switch {
	case errors.As(err, new(doubtError)):
		return "doubtful"
	case errors.As(err, new(*quota.DeferredError)):
		return "quota"
	case errors.Is(err, quota.ErrLedger), errors.As(err, new(StoreError)):
		return "store"
	default:
		return "internal" // a bug of ours
	}
}

// oneLine returns an error as it fits a cell of a table.
func oneLine(err error) string { return safetext.Line(strings.ReplaceAll(err.Error(), "\n", "; ")) }

package refresh

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

func TestErrorKind(t *testing.T) {
	for err, want := range map[error]string{
		marketdata.ErrUnknownTicker:               "unknown_ticker",
		&marketdata.ThrottledError{}:              "throttled",
		marketdata.ErrQuotaSpent:                  "quota",
		&quota.DeferredError{Until: time.Now()}:   "quota",
		&quota.DeferredError{KeptFor: time.Now()}: "quota",
		&cutShortError{&marketdata.UnavailableError{}, &quota.DeferredError{KeptFor: time.Now()}}: "unavailable",
		marketdata.ErrCredentials:      "credentials",
		marketdata.ErrNotEntitled:      "entitlement",
		&marketdata.UnavailableError{}: "unavailable",
		marketdata.ErrInvalidData:      "invalid_data",
		doubtError("a single bar"):     "doubtful",
		ErrRowRefused:                  "store",
		ErrUnreachable:                 "store",
		quota.ErrLedger:                "store",
		fmt.Errorf("deep: %w", fmt.Errorf("%w: no", ErrNoSpace)): "store",
		errors.New("index out of range"):                         "internal",
	} {
		if got := ErrorKind(fmt.Errorf("store the batch: %w", err)); got != want {
			t.Errorf("%v is of kind %q, want %q", err, got, want)
		}
	}
}

// rows are of tickers that ended so.
func rows(refreshed, failed, deferred int) []TickerReport {
	var all []TickerReport
	for outcome, n := range map[Outcome]int{OutcomeRefreshed: refreshed, OutcomeFailed: failed, OutcomeDeferred: deferred} {
		for range n {
			all = append(all, TickerReport{Ticker: marketdata.MustParseTicker("AAPL"), Status: outcome})
		}
	}
	return all
}

func TestHowARunEnds(t *testing.T) {
	interrupted, cancel := context.WithCancelCause(t.Context())
	interruption := errors.New("interrupted by hand")
	cancel(interruption)
	tests := []struct {
		name                        string
		refreshed, failed, deferred int
		maxErrorRate                float64
		stop                        error
		ctx                         context.Context
		want                        Status
		recorded                    string
		summary                     string
	}{
		{"all refreshed", 3, 0, 0, 0, nil, t.Context(), Succeeded, "SUCCEEDED", ""},
		{"nothing to do", 0, 0, 0, 0, nil, t.Context(), Succeeded, "SUCCEEDED", ""},
		{"more failed than is tolerated", 3, 1, 0, 0.24, nil, t.Context(), Partial, "SUCCEEDED", "1 of 4 tickers failed, 0 deferred"},
		{"as many as are tolerated", 3, 1, 0, 0.25, nil, t.Context(), Succeeded, "SUCCEEDED", "1 of 4 tickers failed, 0 deferred"},
		{"nothing refreshed", 0, 1, 0, 1, nil, t.Context(), Failed, "FAILED", "1 of 1 tickers failed, 0 deferred"},
		{"some deferred", 3, 0, 1, 0, nil, t.Context(), Deferred, "SUCCEEDED", "0 of 4 tickers failed, 1 deferred"},
		{"all deferred", 0, 0, 2, 0, marketdata.ErrQuotaSpent, t.Context(), Deferred, "FAILED", "0 of 2 tickers failed, 2 deferred: " + marketdata.ErrQuotaSpent.Error()},
		{"credentials refused", 1, 0, 2, 0, marketdata.ErrCredentials, t.Context(), Failed, "FAILED", "0 of 3 tickers failed, 2 deferred: " + marketdata.ErrCredentials.Error()},
		{"interrupted", 1, 0, 2, 0, interruption, interrupted, Interrupted, "FAILED", "0 of 3 tickers failed, 2 deferred: interrupted by hand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Report{Tickers: rows(tt.refreshed, tt.failed, tt.deferred), FinishedAt: instant(21, 0)}
			r.finish(tt.ctx, tt.stop, tt.maxErrorRate)
			record := r.record()
			if diff := cmp.Diff([]string{string(tt.want), tt.recorded, tt.summary}, []string{string(r.Status), record.Status, record.ErrorMessage}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A run that leaves the calls to the next one has not failed.
func TestARunThatHoldsBackHasNotFailed(t *testing.T) {
	r := Report{Tickers: rows(0, 0, 2), FinishedAt: instant(21, 0), Reserve: Reserve{HoldsBack: true}}
	r.finish(t.Context(), nil, 0)
	if record := r.record(); r.Status != Deferred || record.Status != "SUCCEEDED" {
		t.Errorf("%s is recorded as %s", r.Status, record.Status)
	}
}

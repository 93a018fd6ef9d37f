package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/robfig/cron/v3"
	"github.com/rs/zerolog"

	"papertrade/internal/config"
	"papertrade/internal/metrics"
	"papertrade/internal/providers"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// reportView shows the report of a run.
type reportView func(refresh.Report) result

// jobOptions are what a command asks of a run, apart from its clock.
type jobOptions struct {
	refresh.Options
	missing newDatabase
	view    reportView
}

// runJob runs the job, or shows its plan, and prints its report.
func runJob(ctx context.Context, inv *invocation, clock func() time.Time, o jobOptions) error {
	// A reader that leaves, like head, must not end a run midway.
	signal.Ignore(syscall.SIGPIPE)
	o.RunID = uuid.NewString()
	inv = inv.ofRun(o.RunID)
	m := newMonitoring(inv, clock(), o.Options)
	m.start(ctx)
	report, gauges, err := execute(ctx, inv, clock, o, m)
	err = conclude(inv, report, err, o.view)
	inv.recordSuccess(report, err, clock())
	m.end(ctx, report, gauges, err)
	if err != nil {
		return &runError{o.RunID, err}
	}
	return nil
}

// execute runs the job. The report has no Status if the job did not come to one; the gauges are nil if they
// were not read.
func execute(
	ctx context.Context, inv *invocation, clock func() time.Time, o jobOptions, m *monitoring,
) (refresh.Report, *metrics.Gauges, error) {
	if inv.disables(o.Kind) {
		inv.log.Info().Msg("refresh is disabled by refresh.enabled")
		return refresh.Report{
			RunID: o.RunID, Kind: o.Kind, DryRun: o.DryRun, At: clock(), Provider: inv.config.Provider().Source,
			Status: refresh.Disabled, Tickers: []refresh.TickerReport{},
		}, nil, nil
	}
	key, err := inv.config.Key(inv.config.Provider())
	if err != nil && !o.DryRun {
		return refresh.Report{}, nil, err
	}
	if err != nil {
		inv.log.Warn().Err(err).Msg("the plan knows no calls made so far")
	}
	inv.logNotes()
	db, err := openForJob(ctx, inv, o)
	if err != nil {
		return refresh.Report{}, nil, err
	}
	defer db.Close()

	job, err := newJob(inv.config, db, key.Reveal(), inv.clock, inv.log.onAnswer())
	if err == nil {
		job.Discovery, err = discovery(ctx, inv.config, db)
	}
	if err == nil && job.Discovery.ReadableOnly {
		err = refuseUnreadable(slices.Values(o.Tickers))
	}
	if err != nil {
		return refresh.Report{}, nil, err
	}
	observer := newObserver(inv)
	job.Now, job.Observe, job.WantForecast = clock, observer.observe, observer.wantsForecast
	job.WantDecisions = inv.log.shows(zerolog.DebugLevel)
	report, err := job.Run(ctx, o.Options)
	observer.stop()
	return report, m.readGauges(ctx, db, job, report), err
}

// openForJob opens the database, or a snapshot of it for a plan that somebody waits for.
func openForJob(ctx context.Context, inv *invocation, o jobOptions) (store, error) {
	if o.DryRun {
		return openSnapshot(ctx, inv.config, o.missing)
	}
	return openPatiently(ctx, inv, func(ctx context.Context, c *config.Config) (store, error) { return openStore(ctx, c, o.missing) })
}

// conclude prints the report, if there is one, and returns the error that the command ends with, of which
// stop is why the run could not go on.
func conclude(inv *invocation, r refresh.Report, stop error, view reportView) error {
	if r.Status == "" {
		return stop
	}
	if inv.wantsResult() || r.DryRun {
		shown := view(r)
		if advice := limitAdvice(inv.config, narrowed(inv.config, r.LearnedLimits)); r.DryRun && advice != "" {
			shown.text = append(shown.text, section{summary: capitalize(advice) + "."})
		}
		if err := inv.print(shown); err != nil {
			return errors.Join(stop, err)
		}
	}
	if r.DryRun {
		return stop
	}
	return evaluate(r, withSetting(inv.config, stop))
}

// newJob returns the job of the settings, which lacks its Discovery. clock is that of quota.Options; onAnswer is called with each
// answer of a vendor, unless it is nil.
func newJob(
	c *config.Config, db store, key string, clock func() quota.Reading, onAnswer func(marketdata.RawAnswer),
) (*refresh.Job, error) {
	vendor := c.Provider()
	limiter := quota.NewLimiter(quota.Options{
		Ledger: db, Account: quota.AccountName(vendor.Source, key),
		Limits: vendor.RateLimits, MaxWait: c.Refresh.MaxWait, CallTimeout: vendor.Timeout, Clock: clock,
	})
	provider, err := vendor.New(providers.Options{
		Key: key, BaseURL: vendor.BaseURL, HTTP: &http.Client{}, Limiter: limiter, Timeout: vendor.Timeout,
		Currencies: c.Currencies, Entitlement: vendor.Entitlement, OnAnswer: onAnswer,
	})
	if err != nil {
		return nil, err
	}
	schedule, err := cron.ParseStandard(c.Refresh.Schedule)
	if err != nil {
		return nil, err
	}
	return &refresh.Job{
		Store: db, Vendors: []refresh.Vendor{{Provider: provider, Limiter: limiter, Attempts: vendor.Attempts}},
		BatchSize: c.Refresh.BatchSize, BatchDelay: c.Refresh.BatchDelay, Concurrency: c.Refresh.Concurrency,
		MaxErrorRate: c.Refresh.MaxErrorRate,
		Schedule:     schedule, MaxMove: c.Quality.MaxMove,
	}, nil
}

// withSetting adds to an error that a setting is to blame for which one that is.
func withSetting(c *config.Config, err error) error {
	switch {
	case errors.Is(err, marketdata.ErrCredentials):
		return fmt.Errorf("%w; correct %s", err, c.KeySetting(c.Provider()))
	case errors.Is(err, refresh.ErrEndOfDay) && c.Provider().Entitlement == "":
		return fmt.Errorf("%w; if it includes prices of the day, set %s.entitlement to delayed or realtime", err, c.Provider().Name)
	case errors.Is(err, marketdata.ErrNotEntitled):
		return fmt.Errorf("%w; the key of %s has another plan", err, c.KeySetting(c.Provider()))
	default:
		return err
	}
}

// evaluate returns the error that a run ends with, by its report and the reason why it stopped early.
func evaluate(r refresh.Report, stop error) error {
	attempted := r.Counts.Refreshed + r.Counts.Failed
	switch {
	case r.Status == refresh.Partial && r.Kind == refresh.Tasks && r.Tasks.Failed > 0:
		return fmt.Errorf("%w: %d of %s failed", errPartial, r.Tasks.Failed, count(r.Tasks.Tasks, "task", "tasks"))
	case r.Status == refresh.Partial:
		return fmt.Errorf("%w: %d of %d tickers failed", errPartial, r.Counts.Failed, attempted)
	case r.Status == refresh.Failed && stop == nil:
		return fmt.Errorf("%w: %s failed", errNothing, count(r.Counts.Failed, "ticker", "tickers"))
	case r.Status == refresh.Deferred && r.Counts.Refreshed > 0:
		return nil // the rest is for a later run, and the log says so
	case r.Status == refresh.Deferred && r.HoldsBack && stop == nil:
		return nil // the next run by the schedule needs the calls
	case r.Status == refresh.Deferred && stop != nil:
		return fmt.Errorf("%w: %w", errQuota, stop)
	case r.Status == refresh.Deferred:
		return fmt.Errorf("%w: %s", errQuota, r.Reason)
	default:
		return stop
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/google/uuid"
	"github.com/robfig/cron/v3"
	"github.com/spf13/pflag"

	"papertrade/internal/config"
	"papertrade/internal/providers"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// addRunFlags adds the flags of settings that all runs go by.
func addRunFlags(f *pflag.FlagSet) {
	f.String("provider", "", "`NAME` of the source of prices")
	f.String("batch-size", "", "`N` tickers a commit")
	f.String("batch-delay", "", "least `DURATION` of the pause between batches")
	f.String("concurrency", "", "`N` fetches under way at once within a batch")
	f.String("max-error-rate", "", "failed `SHARE` of the attempted tickers that still counts as success")
}

// runJob runs the job, or shows its plan, and prints its report.
func (a *app) runJob(ctx context.Context, at instant, o refresh.Options, columns []string) error {
	// A reader that leaves, like head, must not end a run midway.
	signal.Ignore(syscall.SIGPIPE)
	o.RunID = uuid.NewString()
	a.log = a.log.With().Str("run_id", o.RunID).Logger()
	m := a.monitored(at, o)
	m.start(ctx)
	report, err := a.execute(ctx, at, o, columns, m)
	m.end(ctx, report, err)
	return err
}

// execute is runJob, other than what is told to those who watch. The report has no Status where it came
// to none.
func (a *app) execute(ctx context.Context, at instant, o refresh.Options, columns []string, m *monitoring) (refresh.Report, error) {
	if a.disables(o) {
		a.log.Info().Msg("refresh is disabled by refresh.enabled")
		report := refresh.Report{
			RunID: o.RunID, Kind: o.Kind, DryRun: o.DryRun, At: a.clock(at)(), Provider: a.config.Provider().Source,
			Status: refresh.Disabled, Tickers: []refresh.TickerReport{},
		}
		return report, a.printReport(report, columns)
	}
	key, err := a.config.Key(a.config.Provider())
	if err != nil && !o.DryRun {
		return refresh.Report{}, err
	}
	if err != nil {
		a.log.Warn().Err(err).Msg("the plan knows no calls made so far")
	}
	open := a.openStore
	if o.DryRun {
		open = a.openSnapshot
	}
	db, err := open(ctx)
	if err != nil {
		return refresh.Report{}, err
	}
	defer db.Close()

	job, err := newJob(a.config, db, key.Reveal())
	if err != nil {
		return refresh.Report{}, err
	}
	observer, watched, stop := a.watch()
	job.Now, job.Observe, job.WantForecast = a.clock(at), observer, watched
	report, err := job.Run(ctx, o)
	stop()
	if report.Status == "" {
		return report, err
	}
	m.look(ctx, db, job)
	if printErr := a.printReport(report, columns); printErr != nil {
		return report, errors.Join(err, printErr)
	}
	if o.DryRun {
		return report, err
	}
	return report, judge(report, a.mend(err))
}

// disables says whether the settings disable the job: they are about refresh alone.
func (a *app) disables(o refresh.Options) bool {
	return o.Kind.JobName() == refresh.JobName && !a.config.Refresh.Enabled
}

func newJob(c *config.Config, db store, key string) (*refresh.Job, error) {
	vendor := c.Provider()
	limiter := quota.NewLimiter(quota.Options{
		Ledger: db, Account: quota.AccountName(vendor.Source, key),
		Limits: vendor.RateLimits, MaxWait: c.Refresh.MaxWait, CallTimeout: vendor.Timeout,
	})
	provider, err := vendor.New(providers.Options{
		Key: key, BaseURL: vendor.BaseURL, HTTP: &http.Client{}, Limiter: limiter, Timeout: vendor.Timeout,
		Currencies: c.Currencies,
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
		Discovery: discovery(c), BatchSize: c.Refresh.BatchSize, BatchDelay: c.Refresh.BatchDelay,
		Concurrency: c.Refresh.Concurrency, MaxErrorRate: c.Refresh.MaxErrorRate,
		Schedule: schedule,
	}, nil
}

// mend adds to an error that a setting is to blame for which one that is.
func (a *app) mend(err error) error {
	switch {
	case errors.Is(err, marketdata.ErrCredentials):
		return fmt.Errorf("%w; mend %s", err, a.config.KeySetting(a.config.Provider()))
	case errors.Is(err, marketdata.ErrNotEntitled):
		return fmt.Errorf("%w; the key of %s has another plan", err, a.config.KeySetting(a.config.Provider()))
	default:
		return err
	}
}

func discovery(c *config.Config) refresh.Discovery {
	d := refresh.Discovery{ActiveDays: c.Discovery.ActiveDays}
	for _, source := range c.Discovery.Sources {
		d.Sources = append(d.Sources, refresh.Source(source))
	}
	return d
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/robfig/cron/v3"

	"papertrade/internal/config"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// runJob runs the job, or shows its plan, and prints its report.
func (a *app) runJob(ctx context.Context, at instant, o refresh.Options, columns []string) error {
	o.RunID = uuid.NewString()
	a.log = a.log.With().Str("run_id", o.RunID).Logger()
	key, err := a.config.Key()
	if err != nil && !o.DryRun {
		return err
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
		return err
	}
	defer db.Close()

	job, err := newJob(a.config, db, key.Reveal())
	if err != nil {
		return err
	}
	job.Now, job.Observe = a.clock(at), observe(a.log)
	report, err := job.Run(ctx, o)
	if report.Status == "" {
		return err
	}
	if printErr := a.printReport(report, columns); printErr != nil {
		return errors.Join(err, printErr)
	}
	if o.DryRun {
		return err
	}
	return judge(report, a.mend(err))
}

func newJob(c *config.Config, db store, key string) (*refresh.Job, error) {
	limiter := quota.NewLimiter(quota.Options{
		Ledger: db, Account: quota.AccountName(alphavantage.Source, key),
		Limits: c.AlphaVantage.RateLimits, MaxWait: c.Refresh.MaxWait, CallTimeout: c.AlphaVantage.Timeout,
	})
	client, err := alphavantage.New(alphavantage.Options{
		Key: key, BaseURL: c.AlphaVantage.BaseURL, HTTP: &http.Client{}, Limiter: limiter, Timeout: c.AlphaVantage.Timeout,
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
		Store: db, Provider: client, Limiter: limiter,
		Discovery: discovery(c), BatchSize: c.Refresh.BatchSize, BatchDelay: c.Refresh.BatchDelay,
		Concurrency: c.Refresh.Concurrency, Attempts: c.AlphaVantage.Attempts, MaxErrorRate: c.Refresh.MaxErrorRate,
		Schedule: schedule,
	}, nil
}

// mend adds to an error that a setting is to blame for which one that is.
func (a *app) mend(err error) error {
	switch {
	case errors.Is(err, marketdata.ErrCredentials):
		return fmt.Errorf("%w; mend %s", err, a.config.KeySetting())
	case errors.Is(err, marketdata.ErrNotEntitled):
		return fmt.Errorf("%w; the key of %s has another plan", err, a.config.KeySetting())
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

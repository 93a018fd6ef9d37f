package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// How a run can end short of success, where no other error tells.
var (
	errPartly  = errors.New("partly refreshed")
	errNothing = errors.New("nothing could be refreshed")
	errQuota   = errors.New("quota spent before anything could be refreshed")
)

const refreshExitStatuses = `
Exit status:
  0    done, or nothing to do
  1    failed: nothing could be refreshed, or the store, the credentials or the
       provider failed
  2    wrong usage or settings; nothing was touched
  3    partly: some tickers failed, more than max_error_rate of those attempted
  4    another run holds the lock; nothing was touched
  5    quota spent before anything could be refreshed
  130  interrupted by SIGINT; what was fetched is committed
  143  interrupted by SIGTERM; what was fetched is committed`

type refreshOptions struct {
	dryRun, force, ifDue, intraday bool
	at                             instant
}

func newRefresh(a *app) *cobra.Command {
	var opts refreshOptions
	cmd := &cobra.Command{
		Use:   "refresh [TICKER…]",
		Short: "Fetch the prices that are due and commit them batch by batch",
		Long: `refresh finds the active tickers (or takes those named), plans which of them are
due, fetches their quotes within the rate limits and commits them batch by batch.

A ticker is due when its newest stored daily price is older than the newest
completed session of its exchange, or was fetched before that session's close. One
that misses several sessions gets them all by a single call. It is safe to run at
any time and as often as you like: what is fresh is not fetched again, one run at a
time works on a database, and what an interrupted run has committed stays.

With --if-due it does nothing unless refresh.schedule has fired since the last run
that did not fail: for cron lines that fire more often than needed, and for
machines that are not always on. With --intraday it refreshes, while their exchange
is open, those entries of the watchlist whose interval (watchlist add --every) has
passed, and leaves the next run by the schedule the calls that it needs.
` + refreshExitStatuses,
		Example: `  papertrade refresh --dry-run        # show the plan; no call, nothing written
  papertrade refresh                  # what cron runs
  papertrade refresh AAPL BRK.B       # only these
  papertrade refresh --if-due -q      # from a cron line that fires every hour
  papertrade refresh --intraday -q    # from one that fires every quarter of an hour
  papertrade refresh -o json | jq .counts`,
		RunE: func(cmd *cobra.Command, args []string) error { return runRefresh(cmd.Context(), a, opts, args) },
	}
	opts.AddFlags(cmd)
	completeSettings(cmd)
	return cmd
}

// AddFlags adds the flags of refresh; those without a field are settings.
func (o *refreshOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the plan: make no call, write nothing")
	f.BoolVarP(&o.force, "force", "f", false, "fetch what is fresh too")
	f.BoolVar(&o.ifDue, "if-due", false, "only if refresh.schedule has fired since the last run that did not fail")
	f.BoolVar(&o.intraday, "intraday", false, "the watchlist's entries whose interval has passed, while their exchange is open")
	f.Var(&o.at, "at", atUsage)
	f.String("days", "", "how many `DAYS` back a transaction makes its ticker active")
	f.String("provider", "", "`NAME` of the source of prices")
	f.String("batch-size", "", "`N` tickers a commit")
	f.String("batch-delay", "", "least `DURATION` of the pause between batches")
	f.String("concurrency", "", "`N` fetches under way at once within a batch")
	f.String("max-error-rate", "", "failed `SHARE` of the attempted tickers that still counts as success")
}

func runRefresh(ctx context.Context, a *app, opts refreshOptions, args []string) error {
	tickers, err := parseTickers(args)
	if err != nil {
		return err
	}
	if len(tickers) > 0 && (opts.ifDue || opts.intraday) {
		return wrongUsage("--if-due and --intraday choose the tickers themselves: leave out %s", strings.Join(args, " "))
	}
	if opts.ifDue && opts.intraday {
		return wrongUsage("--if-due and --intraday are runs of different kinds: choose one of them")
	}
	clock := a.clock(opts.at)
	runID := uuid.NewString()
	a.log = a.log.With().Str("run_id", runID).Logger()
	if !a.config.Refresh.Enabled {
		a.log.Info().Msg("refresh is disabled by refresh.enabled")
		return a.printReport(refresh.Report{
			RunID: runID, DryRun: opts.dryRun, At: clock(), Provider: alphavantage.Source,
			Status: refresh.Disabled, Tickers: []refresh.TickerReport{},
		})
	}
	key, err := a.config.Key()
	if err != nil && !opts.dryRun {
		return err
	}
	if err != nil {
		a.log.Warn().Err(err).Msg("the plan knows no calls made so far")
	}
	open := a.openStore
	if opts.dryRun {
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
	job.Now, job.Observe = clock, observe(a.log)
	report, err := job.Run(ctx, refresh.Options{RunID: runID,
		Tickers: tickers, Force: opts.force, DryRun: opts.dryRun, IfDue: opts.ifDue, Intraday: opts.intraday})
	if report.Status == "" {
		return err
	}
	if printErr := a.printReport(report); printErr != nil {
		return errors.Join(err, printErr)
	}
	if opts.dryRun {
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

// judge is the error that a run ends with, by its report and the reason why it stopped early.
func judge(r refresh.Report, stop error) error {
	attempted := r.Counts.Refreshed + r.Counts.Failed
	switch {
	case r.Status == refresh.Partial:
		return fmt.Errorf("%w: %d of %d tickers failed", errPartly, r.Counts.Failed, attempted)
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

// parseTickers reads the tickers of a command line, and names all that are none.
func parseTickers(args []string) ([]marketdata.Ticker, error) {
	var tickers []marketdata.Ticker
	var problems []error
	for _, arg := range args {
		ticker, err := marketdata.ParseTicker(arg)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		tickers = append(tickers, ticker)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, &usageError{err: err}
	}
	return tickers, nil
}

func (a *app) printReport(r refresh.Report) error {
	if !a.asksForResult() && !r.DryRun {
		return nil
	}
	view := result{
		json:    r,
		columns: []string{"ticker", "status", "batch", "priority", "sources", "session", "price", "currency", "reason"},
		summary: summary(r),
	}
	if r.DryRun && !slices.Contains([]refresh.Status{refresh.Disabled, refresh.NotDue, refresh.Closed}, r.Status) {
		view.heading = fmt.Sprintf("Plan for %s, newest completed session %s. Nothing is fetched or written.", formatTime(r.At), r.Session)
	}
	for _, t := range r.Tickers {
		batch, reason := "", t.Reason
		if t.Batch > 0 {
			batch = strconv.Itoa(t.Batch)
		}
		if t.Error != nil {
			reason = t.Error.Kind + ": " + t.Error.Message
		}
		view.rows = append(view.rows, []string{
			t.Ticker.String(), string(t.Status), batch, strconv.Itoa(t.Priority), joinSources(t.Sources),
			t.Session.String(), t.Price, t.Currency, reason,
		})
		view.plain = append(view.plain, t.Ticker.String()+"\t"+string(t.Status))
	}
	if r.DryRun && a.output != outputCSV {
		view = view.without("price", "currency")
	}
	return a.print(view)
}

func summary(r refresh.Report) string {
	switch {
	case r.Status == refresh.Disabled:
		return "Refreshing is disabled: refresh.enabled is false."
	case r.Status == refresh.Locked:
		return "Another run is under way: nothing was touched."
	case r.Status == refresh.NotDue:
		return "Not due: " + r.Reason + "."
	case r.Status == refresh.Closed:
		return "Closed: " + r.Reason + "."
	case r.Counts.Active == 0:
		return "No ticker is active: add some with 'papertrade watchlist add TICKER…'."
	case r.DryRun && r.Counts.Planned == 0:
		return fmt.Sprintf("Nothing to do: %s fresh%s.", count(r.Counts.Fresh, "ticker is", "tickers are"), skipped(r)) + kept(r)
	case r.DryRun:
		text := fmt.Sprintf("%d of %s due%s", r.Counts.Planned, count(r.Counts.Active, "active ticker is", "active tickers are"), skipped(r))
		if r.Calls > 0 {
			text += fmt.Sprintf(": %s in %s, about %s", count(r.Calls, "call", "calls"),
				count(r.Batches, "batch", "batches"), time.Duration(r.EstimateSeconds)*time.Second)
		}
		if r.EstimateSeconds > 0 {
			text += ": begun now, it ends at " + formatTime(r.EndsAt)
		}
		text += "."
		if r.Counts.Deferred > 0 {
			text += fmt.Sprintf("\n%s for a later run: %s.", count(r.Counts.Deferred, "ticker is left", "tickers are left"), r.Reason)
		}
		return text + kept(r)
	default:
		return fmt.Sprintf("%s: %d refreshed, %d fresh, %d failed, %d deferred%s; %s in %s, %s.", capitalised(string(r.Status)),
			r.Counts.Refreshed, r.Counts.Fresh, r.Counts.Failed, r.Counts.Deferred, skipped(r),
			count(r.Calls, "call", "calls"), count(r.Batches, "batch", "batches"),
			r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	}
}

func kept(r refresh.Report) string {
	if r.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s kept for the run of %s.",
		count(r.Kept, "call of the day's quota is", "calls of the day's quota are"), formatTime(r.KeptFor))
}

func skipped(r refresh.Report) string {
	if r.Counts.Skipped == 0 {
		return ""
	}
	return fmt.Sprintf(", %d skipped", r.Counts.Skipped)
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func joinSources(sources []refresh.Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = string(source)
	}
	return strings.Join(names, ", ")
}

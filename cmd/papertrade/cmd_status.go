package main

import (
	"context"
	"errors"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

const (
	// maxRecentRuns is how many runs are shown.
	maxRecentRuns = 5
	// maxPublished runs show by when the vendor usually has a session.
	maxPublished = 50
	// daysOfCloses is in how many days a ticker has enough sessions for a sparkline.
	daysOfCloses = 60
)

func newStatus(p *program) *cobra.Command {
	var opts statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show runs, quota and freshness; --check for monitors",
		Long: `status shows the last runs, what is used and left of the quota, how many active
tickers have the newest session of their exchange and which are the stalest, the
tickers that are skipped since the provider does not know them, prices that are held
because they may be wrong, splits that the stored history lacks, when the next run is
due, and which database all this is of. It writes nothing and needs no key, without
which the quota is unknown. The quota goes by the real clock, whatever --at says. Where
the vendor's refusals showed that the key has less than rate_limits says, that counts,
and is said, until a week has passed without such a refusal. Runs of the web
application, which records its own under the same name, are marked as such and count in
nothing.

--check prints nothing and exits 0 when all is well. Otherwise it prints one line that
names the problems, and exits 1. A problem is:

  * The database cannot be read, for whatever reason: it is down, not there yet or of
    another version, or it does not let itself be opened within 5 s and read within 30.
  * The last run of all active tickers failed, was interrupted or died. One that
    refreshed some of them did not fail: those that it left become stale. Nor did one
    for which no call was left, after another one since the schedule fired.
  * No run of all active tickers has finished since refresh.schedule last fired. A
    run has an hour to begin, so that --if-due in an hourly cron line will do, and a
    day to finish while its process lives, or may live: whether it does is unknown
    where its lock cannot be read.
  * An active ticker is more than --max-stale sessions behind. Only sessions count
    that were completed before the last run began, or all where a run is missing. So
    nobody is behind in the evening, when a session is complete and the run of
    midnight is still to come. With the default of 1 a bar that the vendor publishes
    late, and one call that fails, are made up for by the next run before anybody is
    woken; choose more where the quota does not suffice for each ticker each day.
    A ticker that has never had its turn counts 8 sessions after it became active.
    Tickers that are unknown or stand still do not count here.
  * An active ticker has been behind for three sessions in a row or more, since the
    vendor publishes later than the schedule fires. An hourly 'refresh --if-due' asks
    again in between.
  * A ticker that a portfolio holds (more bought than sold) is unknown to the vendor
    (three sessions in a row), or stands still (the same old session for five sessions
    in a row, as of a delisted share; for three weeks if holidays are not known). Both are asked about weekly, and are not a
    problem while nobody holds them. If most tickers seem to be so at once, the vendor
    is to blame: they count as all others, and are asked about every night.
  * A price is held, of any ticker. The next session settles most of them;
    'papertrade review' shows and settles them by hand.
  * A split of an active ticker is pending: the bars stored before it are on another
    scale until 'papertrade backfill TICKER --rebase'.

-o json prints the whole as one object, of --check the problems as a list; -o csv the
runs; -o plain lines of a key, a tab and a value.
` + statusExitStatuses,
		Example: `  papertrade status
  papertrade status --check                   # in a cron line that mails what it prints
  papertrade status --check --max-stale 3
  papertrade status -o json | jq .freshness
  papertrade status -o plain | grep ^quota_left`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runStatus(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type statusOptions struct {
	check    bool
	maxStale int
	at       instant
}

// AddFlags adds the flags of status.
func (o *statusOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.check, "check", false, "print only problems, in one line, and exit 1 if there is one")
	f.IntVar(&o.maxStale, "max-stale", 1, "how many sessions `N` an active ticker may be behind")
	f.Var(&o.at, "at", instantUsage)
}

func runStatus(ctx context.Context, inv *invocation, opts statusOptions) error {
	if opts.maxStale < 0 {
		return wrongUsage("--max-stale %d: choose a number of sessions, 0 or more", opts.maxStale)
	}
	if opts.check {
		return runCheck(ctx, inv, opts, checkPatience)
	}
	db, err := openForReading(ctx, inv.config)
	if err != nil {
		return err
	}
	defer db.Close()
	in, skipped, err := readHealth(ctx, inv, db, opts)
	if err != nil {
		return err
	}
	health := withAdvice(refresh.NewHealth(in))
	for _, row := range skipped {
		inv.log.observe(refresh.RowSkipped{SkippedRow: row})
	}
	closes, err := readCloses(ctx, db, health.Freshness.Stalest)
	if err != nil {
		return err
	}
	health.AddCloses(closes)
	allowances, err := readAllowances(ctx, inv, db)
	if err != nil {
		return err
	}
	health.Misdated = append(health.Misdated, allowances.misdated...)
	return inv.print(statusView(status{health, allowances, inv.config.Database.String()}, inv.width(), sparklineMarks(inv.environ)))
}

// readHealth reads what the health depends on, and the rows that are skipped since they are no tickers.
func readHealth(
	ctx context.Context, inv *invocation, db store, opts statusOptions,
) (in refresh.HealthInputs, skipped []refresh.SkippedRow, err error) {
	at := opts.at.clock(inv.now)()
	schedule, err := cron.ParseStandard(inv.config.Refresh.Schedule)
	if err != nil {
		return in, nil, err
	}
	from, err := discovery(ctx, inv.config, db)
	if err != nil {
		return in, nil, err
	}
	active, skipped, err := refresh.Discover(ctx, db, from, at)
	if err != nil {
		return in, nil, err
	}
	runs, err := readRuns(ctx, inv, db, at)
	if err != nil {
		return in, nil, err
	}
	held, err := refresh.WaitingBars(ctx, db)
	if err != nil {
		return in, nil, err
	}
	holdings, err := refresh.DiscoverHoldings(ctx, db, from, at)
	if err != nil {
		return in, nil, err
	}
	_, tasks, err := db.PendingTasks(ctx, 1)
	return refresh.HealthInputs{
		At: at, Active: active, Schedule: schedule, Disabled: !inv.config.Refresh.Enabled, MaxStale: opts.maxStale, Tasks: tasks, Held: held,
		Holdings: holdings,
		Recent:   runs.recent, Scheduled: runs.scheduled, Locked: runs.locked, LocksUnknown: runs.locksUnknown,
		LastSuccess: runs.lastSuccess, Published: runs.published, Misdated: runs.misdated,
	}, skipped, err
}

// runRecords are what the database knows of runs; its fields are those of refresh.HealthInputs.
type runRecords struct {
	recent, scheduled []refresh.RunRecord
	published         []refresh.RunRecord
	locked            map[string]*refresh.Holder
	locksUnknown      map[string]string
	lastSuccess       time.Time
	misdated          []refresh.Misdated
}

// hasDied reports whether a record is RUNNING whose process is gone.
func (r runRecords) hasDied() bool {
	for _, holder := range r.locked {
		if holder == nil {
			return true
		}
	}
	return false
}

func readRuns(ctx context.Context, inv *invocation, db store, at time.Time) (runs runRecords, err error) {
	// A run that ends between the look at its record and that at its lock seems to have died. Its record
	// is right the next time.
	for range 3 {
		if runs, err = readRunsOnce(ctx, inv, db, at); err != nil || !runs.hasDied() {
			break
		}
	}
	return runs, err
}

func readRunsOnce(ctx context.Context, inv *invocation, db store, at time.Time) (runs runRecords, err error) {
	if runs, err = readRecords(ctx, db, at); err != nil {
		return runs, err
	}
	runs.locked, runs.locksUnknown = map[string]*refresh.Holder{}, map[string]string{}
	for _, records := range [][]refresh.RunRecord{runs.recent, runs.scheduled} {
		for i := range records {
			r := &records[i]
			r.ErrorMessage = inv.config.Redact(safetext.Line(r.ErrorMessage)) // another program may have written it
			if !r.IsRunning() {
				continue
			}
			if err = runs.lookAtLock(ctx, db, r.JobName); err != nil {
				return runs, err
			}
		}
	}
	return runs, nil
}

// readRecords reads all that the database knows of runs, except which are locked.
func readRecords(ctx context.Context, db store, at time.Time) (runs runRecords, err error) {
	var newest time.Time // of the future
	for _, of := range []struct {
		query   refresh.RunQuery
		records *[]refresh.RunRecord
	}{
		{refresh.RunQuery{Jobs: refresh.JobNames(), Limit: maxRecentRuns}, &runs.recent},
		{refresh.RunQuery{Jobs: []string{refresh.JobName}, ScheduledOnly: true, Limit: maxRecentRuns}, &runs.scheduled},
		{refresh.RunQuery{Jobs: []string{refresh.JobName}, Published: true, Limit: maxPublished}, &runs.published},
	} {
		var misdated time.Time
		if *of.records, misdated, err = readBelieved(ctx, db, of.query, refresh.Latest(at)); err != nil {
			return runs, err
		}
		if misdated.After(newest) {
			newest = misdated
		}
	}
	if !newest.IsZero() {
		runs.misdated = []refresh.Misdated{{Kind: refresh.MisdatedRuns, At: newest}}
	}
	runs.lastSuccess, _, err = refresh.LastRun(ctx, db, at)
	return runs, err
}

// lookAtLock finds out whether a process holds the lock of a job, or why that cannot be known.
func (r runRecords) lookAtLock(ctx context.Context, db store, job string) error {
	if _, known := r.locked[job]; known || r.locksUnknown[job] != "" {
		return nil
	}
	locked, err := db.Locked(ctx, job)
	switch {
	case errors.Is(err, refresh.ErrLockUnknown):
		r.locksUnknown[job] = err.Error()
	case err != nil:
		return err
	default:
		r.locked[job] = locked
	}
	return nil
}

// readBelieved reads the runs that were not recorded after a time, and the latest time of one that was, if any.
func readBelieved(ctx context.Context, db store, q refresh.RunQuery, latest time.Time) (
	runs []refresh.RunRecord, misdated time.Time, err error,
) {
	if runs, err = db.Runs(ctx, q); err != nil {
		return nil, time.Time{}, err
	}
	for _, r := range runs {
		for _, at := range []time.Time{r.StartedAt, r.FinishedAt} {
			if at.After(latest) && at.After(misdated) {
				misdated = at
			}
		}
	}
	if misdated.IsZero() {
		return runs, misdated, nil
	}
	q.By = latest
	runs, err = db.Runs(ctx, q)
	return runs, misdated, err
}

// readCloses reads the last daily bars of tickers that have any.
func readCloses(ctx context.Context, db store, stalest []refresh.StaleTicker) (map[marketdata.Ticker][]history.StoredBar, error) {
	var tickers []marketdata.Ticker
	var from exchange.Date
	for _, s := range stalest {
		if s.LastSession.IsZero() {
			continue
		}
		if first := s.LastSession.AddDays(-daysOfCloses); len(tickers) == 0 || first.Before(from) {
			from = first
		}
		tickers = append(tickers, s.Ticker)
	}
	if len(tickers) == 0 {
		return nil, nil
	}
	return db.Bars(ctx, tickers, from, exchange.Date{})
}

// readAllowances reads what the ledger knows of the key, if there is one.
func readAllowances(ctx context.Context, inv *invocation, db store) (allowances, error) {
	vendor := inv.config.Provider()
	key, err := inv.config.Key(vendor)
	if err != nil {
		return allowances{QuotaUnknown: err.Error()}, nil
	}
	limiter := quota.NewLimiter(quota.Options{ // which makes no call, but knows by which clock those before were made
		Ledger: db, Account: quota.AccountName(vendor.Source, key.Reveal()), Limits: vendor.RateLimits, Clock: inv.clock,
	})
	account, err := limiter.Account(ctx)
	if err != nil {
		return allowances{}, err
	}
	var all allowances
	now := limiter.Now()
	all.misdated = refresh.MisdatedAccount(account)
	all.Learned = quota.Narrow(vendor.RateLimits, account.Learned, now)
	all.Advice = limitAdvice(inv.config, all.Learned)
	for _, left := range quota.Remaining(account.Limits(vendor.RateLimits, now), account, now) {
		all.Quota = append(all.Quota, allowance{left.Limit.String(), left.Used, left.Left, left.FreesAt.UTC()})
	}
	if account.HeldUntil.After(now) {
		all.HeldUntil = account.HeldUntil.UTC()
	}
	return all, nil
}

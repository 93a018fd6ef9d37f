package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// Run does the job once: it discovers the active tickers, finds what is wanted of them and plans (inputs.go, want.go,
// plan.go), fetches (fetch.go), judges (judge.go), commits (commit.go) and reports. The report is complete even if an
// error says why the run could not go on; without a Status there is none. The error is ErrLocked if another run is
// under way.
func (j *Job) Run(ctx context.Context, o Options) (Report, error) {
	r := j.newRun(ctx, o)
	defer r.release()
	if err := r.idle(ctx); err != nil || r.report.Status != "" {
		return r.report, err
	}
	waited, err := r.lock(ctx)
	if waited && err == nil {
		r.beginAnew(o)
		err = r.idle(ctx)
	}
	if err != nil || r.report.Status != "" {
		return r.report, err
	}
	if err := r.makePlan(ctx); err != nil || o.DryRun || r.report.Status == NotDue {
		return r.report, err
	}
	if err := r.begin(ctx); err != nil {
		return r.report, err
	}
	return r.finish(ctx, r.work(ctx))
}

func (r *run) release() {
	if r.tasks != nil {
		r.tasks.Close()
	}
	if r.unlock != nil {
		r.unlock()
	}
	r.deadlines.cancel()
}

// idle sets the status of a run that has nothing to do because of the time of day.
func (r *run) idle(ctx context.Context) error {
	switch {
	case r.IfDue:
		last, misdated, err := LastRun(ctx, r.Store, r.report.At)
		if err != nil {
			return err
		}
		r.reportMisdated(misdated)
		if next, isDue := due(r.Schedule, last, r.report.At); !isDue {
			return r.idleUntil(ctx, last, next)
		}
	case r.Kind == Intraday:
		entries, err := r.intradayEntries(ctx)
		if err != nil {
			return err
		}
		if !anyOpen(entries, r.report.At) {
			r.report.Status, r.report.Reason = Closed, "no exchange of the watchlist is open"
		}
	}
	return nil
}

// idleUntil makes the run one of the tickers whose newest session was not out yet, if any is to be asked for again, though the
// schedule fires only at a time; else it has nothing to do.
func (r *run) idleUntil(ctx context.Context, last, next time.Time) error {
	active, err := r.discover(ctx, r.report.At)
	if err != nil {
		return err
	}
	retry := nextRetry(active, r.report.At)
	if !retry.IsZero() && !retry.After(r.report.At) {
		r.Kind = Late
		r.report = r.identify(r.report)
		return nil
	}
	if !retry.IsZero() && retry.Before(next) {
		next = retry
	}
	r.notDue(fmt.Sprintf("the last run was at %s, the next is due at %s", last.UTC().Format(time.RFC3339), next.UTC().Format(time.RFC3339)))
	return nil
}

// notDue says why the run has nothing to do.
func (r *run) notDue(reason string) { r.report.Status, r.report.Reason = NotDue, reason }

// makePlan reads all that the plan depends on, plans, and reports the plan.
func (r *run) makePlan(ctx context.Context) error {
	in, err := r.readInputs(ctx)
	if err != nil {
		return err
	}
	pending := 0
	if r.Kind.maxTasks() > 0 {
		if _, pending, err = r.Store.PendingTasks(ctx, 1); err != nil {
			if err = r.tasksFailed(err); err != nil {
				return err
			}
		}
	}
	r.inputs, r.plan = in, NewPlan(in)
	r.reportPlan(r.plan)
	if r.Kind == Late && len(r.plan.Calls) == 0 {
		r.notDue(fmt.Sprintf("no call is left to ask again for sessions that were not out yet, the next run is due at %s",
			r.Schedule.Next(r.report.At.UTC()).UTC().Format(time.RFC3339)))
		return nil
	}
	r.report = r.identify(r.plan.report())
	r.report.PendingTasks = pending
	for i, v := range r.Vendors {
		r.reportLimits(v, in.Vendors[i].Account.Learned)
	}
	r.report.LearnedLimits = r.limits.list()
	if r.DryRun {
		r.foreseeTasks()
		r.report.evaluate(r.MaxErrorRate)
		return r.previewRebases(ctx)
	}
	return nil
}

// begin records that the run has begun.
func (r *run) begin(ctx context.Context) error {
	planned := r.report
	r.report.Status = "" // there is none yet
	if err := r.openTasks(ctx); err != nil {
		return err
	}
	if err := r.noteActive(ctx); err != nil {
		return err
	}
	r.report.StartedAt, planned.StartedAt = r.report.At, r.report.At
	r.report.Batches = 0
	r.report.setCost(quota.Usage{})
	if err := r.Store.BeginRun(ctx, r.report.record(), r.unlock != nil); err != nil {
		return err
	}
	r.report.Status = planned.Status
	r.observe(RunStarted{planned})
	for _, v := range r.Vendors {
		v.Limiter.OnWait(func(until time.Time) { r.observe(Waiting{until}) })
	}
	r.fetcher = newFetcher(r.Vendors, r.Concurrency, r.Now, r.deadlines.write, r.observe, r.reportLimits)
	return nil
}

// noteActive writes down which tickers are active that have never had their turn.
func (r *run) noteActive(ctx context.Context) error {
	var tickers []marketdata.Ticker
	for _, a := range r.active {
		if a.State.FirstActiveAt.IsZero() && a.State.AskedAt.IsZero() && a.State.LastSession.IsZero() {
			tickers = append(tickers, a.Ticker)
		}
	}
	if len(tickers) == 0 || r.Kind != Scheduled {
		return nil
	}
	return r.Store.NoteActive(ctx, tickers, r.report.At)
}

// work carries out the plan, and then processes the application's tasks. The error is why the run stops.
func (r *run) work(ctx context.Context) error {
	if _, err := r.runPlan(ctx, r.inputs, r.plan, &r.report); err != nil && !r.report.hasLeftNothingDue(err) {
		return err
	}
	return r.drainTasks(ctx)
}

// finish evaluates the run, and records and returns what came of it. stop is why it ended early, if it did.
func (r *run) finish(ctx context.Context, stop error) (Report, error) {
	if stop != nil && ctx.Err() != nil && errors.Is(stop, ctx.Err()) {
		stop = context.Cause(ctx) // a store that was interrupted knows only that
	}
	if err := r.fetcher.close(r.deadlines.record); err != nil && ctx.Err() == nil {
		stop = errors.Join(stop, err)
	}
	// Even if the clock of the job stands still, the run takes its time.
	r.report.FinishedAt = r.report.StartedAt.Add(time.Since(r.began))
	r.report.LearnedLimits = r.limits.list()
	r.report.finish(ctx, stop, r.MaxErrorRate)
	if err := r.Store.FinishRun(r.deadlines.record, r.report.record()); err != nil {
		if r.report.Status != Interrupted {
			r.report.Status = Failed
		}
		stop = errors.Join(stop, err)
	}
	r.observe(RunFinished{r.report})
	return r.report, stop
}

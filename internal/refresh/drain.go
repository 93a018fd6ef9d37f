package refresh

import (
	"context"
	"errors"
	"slices"
)

// drainTasks processes the application's tasks. The error is why the run stops: what stops the tasks after a refresh,
// other than an interruption, is not a fault of the refresh.
func (r *run) drainTasks(ctx context.Context) error {
	if r.tasks == nil {
		return nil
	}
	done, stop := r.processTasks(ctx)
	if stop != nil && ctx.Err() == nil && r.Kind != Tasks {
		done.Reason = oneLine(stop)
		stop = r.tasksFailed(stop)
	}
	if done.Tasks > 0 {
		r.report.Tasks = &done
	}
	if r.Kind == Tasks {
		r.report.Tickers, r.report.Batches, r.report.Reason = done.Tickers, done.Batches, done.Reason
		r.report.Reserve = done.reserve
		r.report.count()
	}
	return stop
}

// processTasks processes tasks, some at a time, until none is left or the limits leave no call for them. The error is
// why it stopped before that.
func (r *run) processTasks(ctx context.Context) (done TasksReport, err error) {
	done.Tickers = []TickerReport{}
	for remaining := r.Kind.maxTasks(); remaining > 0; {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		claimed, err := r.tasks.Claim(ctx, r.BatchSize, remaining, nil)
		if err != nil || len(claimed) == 0 {
			return done, err
		}
		remaining -= len(claimed)
		part, err := r.processClaimed(ctx, claimed)
		done.add(part)
		if err != nil || part.Counts.Deferred > 0 || part.reserve.HoldsBack {
			return done, err
		}
	}
	return done, nil
}

// processClaimed processes the tasks that were claimed. Those that are not done are pending again.
func (r *run) processClaimed(ctx context.Context, claimed []Task) (TasksReport, error) {
	requests, results := r.Discovery.taskRequests(claimed, r.Now())
	for _, rejected := range results {
		r.observe(TaskRejected{rejected.ID, rejected.Error})
	}
	in, err := r.taskInputs(ctx, requests)
	if err != nil {
		return TasksReport{}, errors.Join(err, r.giveBack(claimed, results))
	}
	plan := NewPlan(in)
	part := plan.report()
	part.Batches, r.results = 0, nil
	items, stop := r.runPlan(ctx, in, plan, &part)
	part.finish(ctx, stop, r.MaxErrorRate)
	results = append(results, r.unsettled(items, part.Tickers)...)
	if len(results) > 0 {
		if _, err := r.Store.CommitBatch(r.deadlines.write, Batch{Tasks: results, Run: r.report.record()}); err != nil {
			stop = errors.Join(err, stop)
		}
	}
	report := TasksReport{
		Tasks: len(claimed), Reason: part.Reason, Counts: part.Counts, Batches: part.Batches, Tickers: part.Tickers,
		reserve: part.Reserve,
	}
	report.countResults(append(results, r.results...))
	return report, stop
}

func (r *run) taskInputs(ctx context.Context, requests []gapRequest) (Inputs, error) {
	in, err := r.readVendors(ctx)
	if err != nil {
		return Inputs{}, err
	}
	if in.Wants, err = r.taskWants(ctx, requests); err != nil {
		return Inputs{}, err
	}
	// What this run and others have done so far counts for what the next one needs.
	err = fillStates(ctx, r.Store, r.active)
	in.Next = r.nextRun()
	return in, err
}

// giveBack makes claimed tasks pending again, other than those that are rejected.
func (r *run) giveBack(claimed []Task, rejected []TaskResult) error {
	results := slices.Clone(rejected)
	for _, task := range claimed {
		if !slices.ContainsFunc(rejected, func(result TaskResult) bool { return result.ID == task.ID }) {
			results = append(results, TaskResult{ID: task.ID, Status: TaskPending})
		}
	}
	_, err := r.Store.CommitBatch(r.deadlines.write, Batch{Tasks: results, Run: r.report.record()})
	return err
}

// unsettled returns the results of those tasks that were not committed with what was fetched for them.
func (r *run) unsettled(items []Item, rows []TickerReport) []TaskResult {
	var results []TaskResult
	for i := range items {
		item := &items[i]
		isTurn := rows[i].Status != OutcomeFailed // what failed was committed, unless it is the store that failed
		results = append(results, item.taskResults(rows[i], item.route.unreachable, nil, r.Now(), isTurn)...)
	}
	return slices.DeleteFunc(results, func(result TaskResult) bool {
		return slices.ContainsFunc(r.results, func(settled TaskResult) bool { return settled.ID == result.ID })
	})
}

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
	var waiting []string // which cost nothing, and are not to be claimed again
	for remaining := r.Kind.maxTasks(); remaining > 0; {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		claimed, err := r.tasks.Claim(ctx, r.BatchSize, remaining, waiting)
		if err != nil || len(claimed) == 0 {
			return done, err
		}
		part, err := r.processClaimed(ctx, claimed)
		waiting = append(waiting, part.waiting...)
		remaining -= len(claimed) - len(part.waiting)
		done.add(part)
		if err != nil || part.Counts.Deferred > 0 || part.reserve.HoldsBack {
			return done, err
		}
	}
	return done, nil
}

// processClaimed processes the tasks that were claimed. Those that are not done are pending again.
func (r *run) processClaimed(ctx context.Context, claimed []Task) (TasksReport, error) {
	requests, rejected := r.Discovery.taskRequests(claimed, r.Now())
	r.reportPriorities(claimed)
	var results []TaskResult
	for _, task := range rejected {
		results = append(results, task.result(r.Now()))
	}
	in, err := r.taskInputs(ctx, requests)
	if err != nil {
		return TasksReport{}, errors.Join(err, r.giveBack(claimed, results))
	}
	plan := NewPlan(in)
	r.reportPlan(plan)
	part := plan.report()
	part.Batches, r.results = 0, nil
	items, stop := r.runPlan(ctx, in, plan, &part)
	part.finish(ctx, stop, r.MaxErrorRate)
	results = append(results, r.unsettled(items, part.Tickers)...)
	all := append(slices.Clone(results), r.results...)
	settleTasks(&part, items, rejected, all)
	if len(results) > 0 {
		if _, err := r.Store.CommitBatch(r.deadlines.write, Batch{Tasks: results, Run: r.report.record()}); err != nil {
			stop = errors.Join(err, stop)
		}
	}
	r.reportFailedTasks(all)
	report := TasksReport{
		Tasks: len(claimed), Reason: part.Reason, Counts: part.Counts, Batches: part.Batches, Tickers: part.Tickers,
		reserve: part.Reserve,
	}
	report.countResults(all)
	return report, stop
}

// settleTasks takes note in a report of what became of tasks. The items are those of its first rows.
func settleTasks(report *Report, items []Item, rejected []rejectedTask, results []TaskResult) {
	byID := map[string]TaskResult{}
	for _, result := range results {
		byID[result.ID] = result
	}
	for i := range items {
		for _, task := range items[i].tasks {
			report.Tickers[i].settleTask(byID[task.id])
		}
	}
	for _, task := range rejected {
		report.Tickers = append(report.Tickers, task.row())
	}
	report.count()
}

func (r *run) reportFailedTasks(results []TaskResult) {
	for _, result := range results {
		if result.Status == TaskFailed {
			r.observe(TaskFailure{result.ID, result.Error})
		}
	}
}

// reportPriorities reports the tasks whose priority is not known.
func (r *run) reportPriorities(tasks []Task) {
	for _, task := range tasks {
		if !task.hasKnownPriority() {
			r.observe(TaskPriorityUnknown{task.ID, task.Priority})
		}
	}
}

// foreseeTasks adds to the report of a dry run which of the tasks will fail without a call.
func (r *run) foreseeTasks() {
	var results []TaskResult
	for i := range r.plan.Items {
		if item := &r.plan.Items[i]; item.Outcome == OutcomeSkipped {
			lacking := unfilled{unreachable: item.route.unreachable, awaited: item.awaited}
			results = append(results, item.taskResults(r.report.Tickers[i], lacking, r.report.At, true)...)
		}
	}
	settleTasks(&r.report, r.plan.Items, r.rejected, results)
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
	err = fillStates(ctx, r.Store, r.active, r.report.At)
	in.Next, in.LeavesCalls = r.nextRun(), true
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
		lacking := unfilled{unreachable: item.route.unreachable, awaited: item.awaited}
		results = append(results, item.taskResults(rows[i], lacking, r.Now(), isTurn)...)
	}
	return slices.DeleteFunc(results, func(result TaskResult) bool {
		return slices.ContainsFunc(r.results, func(settled TaskResult) bool { return settled.ID == result.ID })
	})
}

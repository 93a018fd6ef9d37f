package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// TasksJobName is what runs are recorded under that work off the application's tasks alone.
const TasksJobName = "backfill_tasks"

// tasksARefresh is how many of the application's tasks a refresh works off after its own plan.
const tasksARefresh = 20

// Task is a range of sessions that the application has asked for in its table backfill_tasks.
type Task struct {
	ID       string
	Symbol   string        // as it is stored: it can be dirty
	From, To exchange.Date // both inclusive
}

// TaskStatus is a status of a task.
type TaskStatus string

// The statuses of a task.
const (
	TaskPending   TaskStatus = "pending"
	TaskRunning   TaskStatus = "running"
	TaskSucceeded TaskStatus = "succeeded"
	TaskFailed    TaskStatus = "failed"
)

// TaskResult is what became of a task that was claimed.
type TaskResult struct {
	ID         string
	Status     TaskStatus // TaskPending where a later run is to take it up
	FinishedAt time.Time  // zero where it is pending
	Error      string     // why it failed, at most 500 characters; "" is stored as NULL
}

// Tasks hands out the application's tasks, each to one process at a time.
type Tasks interface {
	// Claim makes up to most pending tasks running, those of high priority first, then the oldest. Those
	// that a dead process left running are pending again. What was claimed before must be finished.
	Claim(ctx context.Context, most int) ([]Task, error)
	Close()
}

// workOff works off tasks, some at a time, until none is left or the limits leave no call for them.
func (e *execution) workOff(ctx context.Context, tasks Tasks, active []ActiveTicker, o Options) error {
	whole := &Report{Tickers: []TickerReport{}}
	defer func() { e.report(o, whole) }()
	for left := o.mostTasks(); left > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		claimed, err := tasks.Claim(ctx, min(left, e.BatchSize))
		if err != nil || len(claimed) == 0 {
			return err
		}
		left -= len(claimed)
		part, err := e.workOffSome(ctx, claimed, active)
		whole.add(part)
		if err != nil || part.Counts.Deferred > 0 {
			return err
		}
	}
	return nil
}

// report puts what became of tasks where it belongs.
func (e *execution) report(o Options, tasks *Report) {
	tasks.count()
	if !o.worksOffTasks() {
		if len(tasks.Tickers) > 0 {
			e.main.Tasks = tasks
		}
		return
	}
	e.main.Tickers, e.main.Batches, e.main.Reason = tasks.Tickers, tasks.Batches, tasks.Reason
	e.main.count()
}

func (r *Report) add(part Report) {
	r.Tickers = append(r.Tickers, part.Tickers...)
	r.Batches += part.Batches
	r.Calls += part.Calls
	r.Reason = part.Reason
	r.count()
}

// workOffSome works off the tasks that were claimed. What is not done is pending again.
func (e *execution) workOffSome(ctx context.Context, claimed []Task, active []ActiveTicker) (Report, error) {
	items, results, err := e.taskItems(ctx, claimed, e.Now())
	if err != nil {
		return Report{}, err
	}
	plan, err := e.planFills(ctx, e.main.At, items, active)
	if err != nil {
		return Report{}, err
	}
	part := plan.report()
	part.Calls, part.Batches = 0, 0
	before := e.main.Calls
	stop := e.work(ctx, plan, &part)
	part.Calls = e.main.Calls - before
	part.finish(ctx, stop, e.MaxErrorRate)
	for i, item := range plan.Items {
		// Those with an answer were committed with it.
		if row := &part.Tickers[i]; !item.Fetches() || row.Status == OutcomeDeferred {
			results = append(results, item.fill.results(row, e.Now(), true)...)
		}
	}
	if len(results) > 0 {
		if _, err := e.Store.CommitBatch(e.kept, Batch{Tasks: results, Run: e.main.record()}); err != nil {
			return part, errors.Join(err, stop)
		}
	}
	return part, stop
}

// taskItems are the tickers of tasks, each once, with what is wanted of them. results are of the tasks
// that nothing can be wanted of.
func (j *Job) taskItems(ctx context.Context, tasks []Task, now time.Time) (items []Item, results []TaskResult, err error) {
	index := map[marketdata.Ticker]int{}
	for _, task := range tasks {
		ticker, err := marketdata.ParseTicker(task.Symbol)
		if err == nil && task.From.After(task.To) {
			err = fmt.Errorf("it begins on %s and ends before that, on %s", task.From, task.To)
		}
		if err != nil {
			results = append(results, TaskResult{ID: task.ID, Status: TaskFailed, FinishedAt: now, Error: clip(err.Error())})
			continue
		}
		i, found := index[ticker]
		if !found {
			i, index[ticker] = len(items), len(items)
			a := ActiveTicker{Ticker: ticker, Sources: []Source{SourceTask}, Priority: DefaultPriority}
			items = append(items, Item{ActiveTicker: a, fill: &fill{}})
		}
		f := items[i].fill
		f.ranges, f.tasks = append(f.ranges, Backfill{From: task.From, To: task.To}), append(f.tasks, task)
	}
	active := make([]ActiveTicker, len(items))
	for i, item := range items {
		active[i] = item.ActiveTicker
	}
	if err := fillStates(ctx, j.Store, active); err != nil {
		return nil, nil, err
	}
	for i := range items {
		items[i].ActiveTicker = active[i]
	}
	return items, results, nil
}

// results are of the tasks that a row of a report stands for, and that have had their turn or not.
func (f *fill) results(row *TickerReport, now time.Time, turn bool) []TaskResult {
	results := make([]TaskResult, len(f.tasks))
	for i, task := range f.tasks {
		result := TaskResult{ID: task.ID, Status: TaskSucceeded, FinishedAt: now}
		beyond := slices.DeleteFunc(slices.Clone(f.beyond), func(d exchange.Date) bool { return d.Before(task.From) || d.After(task.To) })
		switch {
		case row.Status == OutcomeDeferred, !turn:
			result = TaskResult{ID: task.ID, Status: TaskPending}
		case row.Error != nil:
			result.Status, result.Error = TaskFailed, clip(row.Error.Kind+": "+row.Error.Message)
		case len(beyond) > 0:
			result.Status, result.Error = TaskFailed, outOfReach(len(beyond))
		case row.Status == OutcomeSkipped && len(f.beyond) == 0:
			result.Status, result.Error = TaskFailed, clip(row.Reason)
		}
		results[i] = result
	}
	return results
}

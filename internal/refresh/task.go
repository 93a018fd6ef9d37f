package refresh

import (
	"context"
	"errors"
	"fmt"
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
	Symbol   string // as it is stored: it can be dirty
	From, To string // the first and the last day; they can be no dates
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
	// Claim makes pending tasks running: all of some number of tickers, up to limit of them, those of high priority
	// first, then the oldest. Those that a dead process left running are pending again. What was
	// claimed before must be finished.
	Claim(ctx context.Context, tickers, limit int) ([]Task, error)
	Close()
}

// tasks works off tasks as part of a run. The error is why the run stops: what stops the tasks after a
// refresh, other than an interruption, is no fault of the refresh.
func (e *execution) tasks(ctx context.Context, tasks Tasks, active []ActiveTicker, o Options) error {
	done, stop := e.workOff(ctx, tasks, active, o)
	if done.Tasks > 0 {
		e.main.Tasks = &done
	}
	if !o.worksOffTasks() {
		if stop != nil && ctx.Err() == nil {
			done.Reason = oneLine(stop)
			e.observe(TasksStopped{stop})
			return nil
		}
		return stop
	}
	e.main.Tickers, e.main.Batches, e.main.Reason = done.Tickers, done.Batches, done.Reason
	e.main.HoldsBack, e.main.Kept, e.main.KeptFor = done.holdsBack, done.kept, done.keptFor
	e.main.count()
	return stop
}

// workOff works off tasks, some at a time, until none is left or the limits leave no call for them. The
// error is why it stopped before that.
func (e *execution) workOff(ctx context.Context, tasks Tasks, active []ActiveTicker, o Options) (done TasksReport, err error) {
	done.Tickers = []TickerReport{}
	// What the run has done so far counts for what the coming one needs.
	if err := fillStates(ctx, e.Store, active); err != nil {
		return done, err
	}
	for left := o.mostTasks(); left > 0; {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		claimed, err := tasks.Claim(ctx, e.BatchSize, left)
		if err != nil || len(claimed) == 0 {
			return done, err
		}
		left -= len(claimed)
		part, err := e.workOffSome(ctx, claimed, active)
		done.add(part)
		if err != nil || part.Counts.Deferred > 0 {
			return done, err
		}
	}
	return done, nil
}

// TasksReport is what became of the application's tasks.
type TasksReport struct {
	Tasks     int            `json:"tasks"`     // that were taken up
	Failed    int            `json:"failed"`    // of them, those that are failed now
	Succeeded int            `json:"succeeded"` // and those that succeeded; the others are pending
	Reason    string         `json:"reason,omitempty"`
	Counts    Counts         `json:"counts"` // of tickers
	Batches   int            `json:"batches"`
	Tickers   []TickerReport `json:"tickers"`

	holdsBack bool
	kept      int
	keptFor   time.Time
}

func (r *TasksReport) add(part TasksReport) {
	r.Tasks, r.Failed, r.Succeeded = r.Tasks+part.Tasks, r.Failed+part.Failed, r.Succeeded+part.Succeeded
	for i := range part.Tickers {
		if row := &part.Tickers[i]; row.Batch > 0 {
			row.Batch += r.Batches
		}
	}
	r.Tickers, r.Batches, r.Reason = append(r.Tickers, part.Tickers...), r.Batches+part.Batches, part.Reason
	r.Counts = countsOf(r.Tickers)
	r.holdsBack, r.kept, r.keptFor = part.holdsBack, part.kept, part.keptFor
}

// take counts what became of tasks.
func (r *TasksReport) take(results []TaskResult) {
	for _, result := range results {
		switch result.Status {
		case TaskFailed:
			r.Failed++
		case TaskSucceeded:
			r.Succeeded++
		}
	}
}

// workOffSome works off the tasks that were claimed. What is not done is pending again.
func (e *execution) workOffSome(ctx context.Context, claimed []Task, active []ActiveTicker) (TasksReport, error) {
	items, results, err := e.taskItems(ctx, claimed, e.Now())
	if err != nil {
		return TasksReport{}, err
	}
	for _, rejected := range results {
		e.observe(TaskRejected{rejected.ID, rejected.Error})
	}
	plan, err := e.planFills(ctx, e.main.At, items, active)
	if err != nil {
		return TasksReport{}, err
	}
	part := plan.report()
	part.Batches = 0
	e.results = nil
	stop := e.work(ctx, plan, &part)
	part.finish(ctx, stop, e.MaxErrorRate)
	for i, item := range plan.Items {
		// Those with an answer were committed with it.
		if row := &part.Tickers[i]; !item.Fetches() || row.Status == OutcomeDeferred {
			results = append(results, item.fill.results(row, e.Now(), true)...)
		}
	}
	if len(results) > 0 {
		if _, err := e.Store.CommitBatch(e.kept, Batch{Tasks: results, Run: e.main.record()}); err != nil {
			stop = errors.Join(err, stop)
		}
	}
	report := TasksReport{
		Tasks: len(claimed), Reason: part.Reason, Counts: part.Counts, Batches: part.Batches, Tickers: part.Tickers,
		holdsBack: part.HoldsBack, kept: part.Kept, keptFor: part.KeptFor,
	}
	report.take(append(results, e.results...))
	return report, stop
}

// taskItems are the tickers of tasks, each once, with what is wanted of them. results are of the tasks
// that nothing can be wanted of.
func (j *Job) taskItems(ctx context.Context, tasks []Task, now time.Time) (items []Item, results []TaskResult, err error) {
	index := map[marketdata.Ticker]int{}
	for _, task := range tasks {
		ticker, wanted, err := task.parse(exchange.DateOf(now))
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
		f.ranges, f.tasks = append(f.ranges, wanted), append(f.tasks, task.ID)
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

// parse reads what a task is about. An error says what is wrong with it.
func (t Task) parse(today exchange.Date) (ticker marketdata.Ticker, wanted Backfill, err error) {
	if ticker, err = marketdata.ParseTicker(t.Symbol); err != nil {
		return ticker, wanted, err
	}
	if wanted.From, err = exchange.ParseDate(t.From); err != nil {
		return ticker, wanted, fmt.Errorf("start_date: %w", err)
	}
	if wanted.To, err = exchange.ParseDate(t.To); err != nil {
		return ticker, wanted, fmt.Errorf("end_date: %w", err)
	}
	switch {
	case wanted.From.After(wanted.To):
		err = fmt.Errorf("it begins on %s and ends before that, on %s", wanted.From, wanted.To)
	case wanted.From.Year < 1900:
		err = fmt.Errorf("it begins on %s: choose a date from 1900 on", wanted.From)
	case wanted.To.After(today):
		err = fmt.Errorf("it ends on %s, in the future", wanted.To)
	}
	return ticker, wanted, err
}

// results are of the tasks that a row of a report stands for, and that have had their turn or not.
func (f *fill) results(row *TickerReport, now time.Time, turn bool) []TaskResult {
	results := make([]TaskResult, len(f.tasks))
	for i, id := range f.tasks {
		result := TaskResult{ID: id, Status: TaskSucceeded, FinishedAt: now}
		within := func(sessions []exchange.Date) (n int) {
			for _, d := range sessions {
				if !d.Before(f.ranges[i].From) && !d.After(f.ranges[i].To) {
					n++
				}
			}
			return n
		}
		switch beyond, notOut := within(f.beyond), within(f.notOut); {
		case row.Status == OutcomeDeferred, !turn:
			result = TaskResult{ID: id, Status: TaskPending}
		case row.Error != nil:
			result.Status, result.Error = TaskFailed, clip(row.Error.Kind+": "+row.Error.Message)
		case beyond > 0:
			result.Status, result.Error = TaskFailed, outOfReach(beyond)
		case notOut > 0:
			result.Status, result.Error = TaskFailed, countSessions(notOut)+" not out yet"
		case row.Status == OutcomeSkipped && len(f.beyond) == 0:
			result.Status, result.Error = TaskFailed, clip(row.Reason)
		}
		results[i] = result
	}
	return results
}

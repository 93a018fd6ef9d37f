package refresh

import (
	"context"
	"fmt"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Task is a range of sessions that the application has asked for in its table backfill_tasks.
type Task struct {
	ID       string
	Symbol   string // as it is stored: it can be dirty
	From, To string // the first and the last day; they need not be dates
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
	Status     TaskStatus // TaskPending if a later run is to take it up
	FinishedAt time.Time  // zero if it is pending
	Error      string     // why it failed, at most 500 characters; "" is stored as NULL
}

// TaskQueue hands out the application's tasks, each to one process at a time.
type TaskQueue interface {
	// Claim makes pending tasks running: all those of a number of tickers, up to limit tasks, those of high
	// priority first, then the oldest. Those that a dead process left running are pending again. What was claimed
	// before must be finished.
	Claim(ctx context.Context, tickers, limit int) ([]Task, error)
	Close()
}

// TasksReport is what became of the application's tasks.
type TasksReport struct {
	Tasks     int            `json:"tasks"`     // that were claimed
	Failed    int            `json:"failed"`    // of them, those that are failed now
	Succeeded int            `json:"succeeded"` // and those that succeeded; the others are pending
	Reason    string         `json:"reason,omitempty"`
	Counts    Counts         `json:"counts"` // of tickers
	Batches   int            `json:"batches"`
	Tickers   []TickerReport `json:"tickers"`

	reserve Reserve
}

// add adds what became of further tasks.
func (r *TasksReport) add(part TasksReport) {
	r.Tasks, r.Failed, r.Succeeded = r.Tasks+part.Tasks, r.Failed+part.Failed, r.Succeeded+part.Succeeded
	for i := range part.Tickers {
		if row := &part.Tickers[i]; row.Batch > 0 {
			row.Batch += r.Batches
		}
	}
	r.Tickers, r.Batches, r.Reason = append(r.Tickers, part.Tickers...), r.Batches+part.Batches, part.Reason
	r.Counts, r.reserve = countsOf(r.Tickers), part.reserve
}

// countResults counts what became of tasks.
func (r *TasksReport) countResults(results []TaskResult) {
	for _, result := range results {
		switch result.Status {
		case TaskFailed:
			r.Failed++
		case TaskSucceeded:
			r.Succeeded++
		}
	}
}

// taskRange is a task with the range of days that it asks for.
type taskRange struct {
	id string
	Range
}

// taskRequests returns the tickers of tasks, each once, with what is asked for of them. rejected are the results of
// the tasks for which nothing can be fetched.
func taskRequests(tasks []Task, now time.Time) (requests []gapRequest, rejected []TaskResult) {
	index := map[marketdata.Ticker]int{}
	for _, task := range tasks {
		ticker, days, err := task.parse(exchange.DateOf(now))
		if err != nil {
			rejected = append(rejected, TaskResult{ID: task.ID, Status: TaskFailed, FinishedAt: now, Error: clip(err.Error())})
			continue
		}
		i, found := index[ticker]
		if !found {
			i, index[ticker] = len(requests), len(requests)
			requests = append(requests, gapRequest{
				ActiveTicker: ActiveTicker{Ticker: ticker, Sources: []Source{SourceTask}, Priority: DefaultPriority}, goal: Fill,
			})
		}
		request := &requests[i]
		request.ranges = append(request.ranges, days)
		request.tasks = append(request.tasks, taskRange{task.ID, days})
	}
	return requests, rejected
}

// parse reads what a task is about. An error says what is wrong with it.
func (t Task) parse(today exchange.Date) (ticker marketdata.Ticker, days Range, err error) {
	if ticker, err = marketdata.ParseTicker(t.Symbol); err != nil {
		return ticker, days, err
	}
	if days.From, err = exchange.ParseDate(t.From); err != nil {
		return ticker, days, fmt.Errorf("start_date: %w", err)
	}
	if days.To, err = exchange.ParseDate(t.To); err != nil {
		return ticker, days, fmt.Errorf("end_date: %w", err)
	}
	switch {
	case days.From.After(days.To):
		err = fmt.Errorf("it begins on %s and ends before that, on %s", days.From, days.To)
	case days.From.Year < 1900:
		err = fmt.Errorf("it begins on %s: choose a date from 1900 on", days.From)
	case days.To.After(today):
		err = fmt.Errorf("it ends on %s, in the future", days.To)
	}
	return ticker, days, err
}

// countWithin returns how many of some sessions lie in the range.
func (r Range) countWithin(sessions []exchange.Date) int {
	n := 0
	for _, session := range sessions {
		if !session.Before(r.From) && !session.After(r.To) {
			n++
		}
	}
	return n
}

// taskResults returns what became of the tasks that the item is for. Unreachable and unpublished are the sessions
// that it lacks for now. Tasks whose item is deferred, or has not had its turn, are pending again.
func (i *Item) taskResults(row TickerReport, unreachable, unpublished []exchange.Date, now time.Time, turn bool) []TaskResult {
	var results []TaskResult
	for _, task := range i.tasks {
		result := TaskResult{ID: task.id, Status: TaskFailed, FinishedAt: now}
		lacking, late := task.countWithin(unreachable), task.countWithin(unpublished)
		switch {
		case row.Status == OutcomeDeferred, !turn:
			result = TaskResult{ID: task.id, Status: TaskPending}
		case row.Error != nil:
			result.Error = clip(row.Error.Kind + ": " + row.Error.Message)
		case lacking > 0:
			result.Error = outOfReach(lacking)
		case late > 0:
			result.Error = countSessions(late) + " not out yet"
		case row.Status == OutcomeSkipped && len(unreachable) == 0:
			result.Error = clip(row.Reason)
		default:
			result.Status = TaskSucceeded
		}
		results = append(results, result)
	}
	return results
}

// taskResults returns what became of the tasks that the item of a verdict is for.
func (v verdict) taskResults(now time.Time, turn bool) []TaskResult {
	return v.Item.taskResults(v.row, v.result.Unreachable, v.result.Unpublished, now, turn)
}

package refresh

import (
	"context"
	"time"
)

// Task is a range of sessions that the application has asked for in its table backfill_tasks.
type Task struct {
	ID       string
	Symbol   string // as it is stored: it can be dirty
	From, To string // the first and the last day; they need not be dates
	Priority string // as it is stored: low or high, which is first, if the application is right
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
	FinishedAt time.Time  // zero if it is pending; what is stored is not before the task was created
	Error      string     // why it failed, at most 500 characters; "" is stored as NULL
	Kind       string     // of the Error, as TickerError has it; it is not stored
	IsWaiting  bool       // pending for a session that is not out yet; it is not stored
}

// TaskQueue hands out the application's tasks, each to one process at a time.
type TaskQueue interface {
	// Claim makes pending tasks running: all those of a number of tickers, up to limit tasks, those of high
	// priority first, then the oldest, in upper or lower case, but none of those whose ID is excepted. Those that a
	// dead process left running are pending again. What was claimed before must be finished.
	Claim(ctx context.Context, tickers, limit int, except []string) ([]Task, error)
	Close()
}

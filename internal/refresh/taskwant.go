package refresh

import (
	"fmt"
	"strings"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// rejectedTask is a task for which nothing can be fetched.
type rejectedTask struct {
	Task
	kind string // as TickerError has it
	err  error
}

func (t rejectedTask) result(now time.Time) TaskResult {
	return TaskResult{ID: t.ID, Status: TaskFailed, FinishedAt: now, Error: clip(t.err.Error()), Kind: t.kind}
}

// row returns what there is to report of the task, whose symbol need not be a ticker.
func (t rejectedTask) row() TickerReport {
	return TickerReport{
		Symbol: strings.ToUpper(safetext.Line(t.Symbol)), Sources: []Source{SourceTask}, Priority: DefaultPriority,
		Status: OutcomeFailed, Error: &TickerError{t.kind, oneLine(t.err)}, Tasks: 1,
	}
}

// taskRequests returns the tickers of tasks, each once, with what is asked for of them, and the tasks for which nothing can be
// fetched.
func (d Discovery) taskRequests(tasks []Task, now time.Time) (requests []gapRequest, rejected []rejectedTask) {
	index := map[marketdata.Ticker]int{}
	for _, task := range tasks {
		ticker, days, err := d.parseTask(task, exchange.DateOf(now))
		if err != nil {
			rejected = append(rejected, rejectedTask{task, rejectionKind(ticker), err})
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

// rejectionKind returns what is wrong with a task, whose ticker is zero if its symbol cannot be read.
func rejectionKind(ticker marketdata.Ticker) string {
	if ticker == (marketdata.Ticker{}) {
		return "invalid_ticker"
	}
	return "invalid_task"
}

// hasKnownPriority reports whether the priority of the task is low or high; any other is taken for low.
func (t Task) hasKnownPriority() bool {
	priority := strings.ToLower(strings.TrimSpace(t.Priority))
	return priority == "low" || priority == "high"
}

// parseTask reads what a task is about. An error says what is wrong with it.
func (d Discovery) parseTask(t Task, today exchange.Date) (ticker marketdata.Ticker, days Range, err error) {
	if ticker, err = d.parse(t.Symbol); err != nil {
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

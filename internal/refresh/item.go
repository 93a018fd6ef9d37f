package refresh

import (
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Item is a want in a plan.
type Item struct {
	Want
	Batch int // from 1 on; 0 if it is not fetched
	route route
}

// isUnbounded reports whether the item brings a history as long as the vendor has one.
func (i Item) isUnbounded() bool { return i.Goal.isOfPast() && i.route.capability.Reach == nil }

// row returns what there is to report of an item before anything is done about it.
func (i Item) row() TickerReport {
	row := TickerReport{
		Ticker: i.Ticker, Symbol: i.Ticker.String(), Sources: i.Sources, Priority: i.Priority, Status: i.Outcome, Batch: i.Batch,
		Session: i.State.LastSession, Reason: i.Reason, Forceable: i.Forceable, Incomplete: i.Incomplete,
		Split: pendingSplit(i.State.Splits), Tasks: len(i.tasks),
	}
	if held, found := i.State.newestHeld(); found {
		row.Held = reportHeld(held)
	}
	if i.Goal.isOfPast() {
		row.Missing, row.OutOfReach = len(i.Sessions), len(i.route.unreachable)
	}
	return row
}

// pendingSplit returns the newest split that the stored history lacks; nil if it lacks none.
func pendingSplit(known []history.Split) *SplitReport {
	pending := history.Pending(known)
	if len(pending) == 0 {
		return nil
	}
	return reportSplit(pending[len(pending)-1])
}

func reportHeld(h history.HeldBar) *HeldReport {
	return &HeldReport{Session: h.Session, Close: marketdata.FormatPrice(h.Close), Why: h.Why, Evidence: h.Evidence}
}

func reportSplit(s history.Split) *SplitReport {
	return &SplitReport{Session: s.Session, Ratio: s.String()}
}

// unfilled are the sessions that an item lacks after all, or for now.
type unfilled struct {
	unreachable []exchange.Date // by what the key's plan includes
	lost        []exchange.Date // that the vendor does not have, and need not be waited for
	awaited     []exchange.Date // that are not complete, or can still come
}

// taskResults returns what became of the tasks that the item is for. Tasks whose item is deferred, or has not had its turn, and
// those that wait for a session, are pending again.
func (i *Item) taskResults(row TickerReport, lacking unfilled, now time.Time, turn bool) []TaskResult {
	var results []TaskResult
	for _, task := range i.tasks {
		result := TaskResult{ID: task.id, Status: TaskFailed, FinishedAt: now}
		unreachable, lost := task.countWithin(lacking.unreachable), task.countWithin(lacking.lost)
		switch {
		case row.Status == OutcomeDeferred, !turn:
			result = TaskResult{ID: task.id, Status: TaskPending}
		case row.Error != nil:
			result.Kind, result.Error = row.Error.Kind, clip(row.Error.Kind+": "+row.Error.Message)
		case unreachable > 0:
			result.Kind, result.Error = "entitlement", outOfReach(unreachable)
		case lost > 0:
			result.Kind, result.Error = "unpublished", countSessions(lost)+" not out yet"
		case row.Status == OutcomeSkipped && len(i.Sessions) > 0 && len(lacking.unreachable) == 0:
			result.Kind, result.Error = i.skipKind(), clip(row.Reason)
		case task.countWithin(lacking.awaited) > 0:
			result = TaskResult{ID: task.id, Status: TaskPending, IsWaiting: true}
		default:
			result.Status = TaskSucceeded
		}
		results = append(results, result)
	}
	return results
}

// skipKind returns why the item is skipped, as TickerError has it.
func (i *Item) skipKind() string {
	switch {
	case i.State.UnknownSessions > 0:
		return "unknown_ticker"
	case i.State.standsStill():
		return "unpublished"
	default:
		return "entitlement"
	}
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

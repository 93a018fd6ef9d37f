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
		Ticker: i.Ticker, Sources: i.Sources, Priority: i.Priority, Status: i.Outcome, Batch: i.Batch,
		Session: i.State.LastSession, Reason: i.Reason, Forceable: i.Forceable, Split: pendingSplit(i.State.Splits), Tasks: len(i.tasks),
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

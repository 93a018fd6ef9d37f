package refresh

import (
	"fmt"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
)

// recheckAfter is how long a ticker is left alone after an answer that did not yet have the newest
// completed session.
const recheckAfter = time.Hour

// Inputs are all that a plan depends on.
type Inputs struct {
	At     time.Time
	Active []ActiveTicker // in the order in which the run is to take them
	Force  bool           // plan the fresh ones too

	TickersPerCall int
	BatchSize      int // tickers a commit
	BatchDelay     time.Duration
	Limits         []quota.Limit
	Made           []time.Time // the calls already made that count, ascending
	Now            time.Time   // of the real clock, by which the limits go
}

// Item is what a plan has in mind for a ticker.
type Item struct {
	ActiveTicker
	Due    bool
	Batch  int    // from 1 on; 0 where it is not due
	Reason string // why it is due or not, for people
}

// Plan is what a run will do: each active ticker with what is decided about it.
type Plan struct {
	At       time.Time
	Session  exchange.Date // the newest completed session of the US exchanges
	Items    []Item
	Batches  int
	Calls    int
	Estimate time.Duration // until the last call is made
}

// NewPlan decides what is due. It is a pure function: a dry run prints what a real run does.
func NewPlan(in Inputs) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date}
	inBatch := 0
	for _, active := range in.Active {
		item := Item{ActiveTicker: active}
		item.Due, item.Reason = due(active, in.At, in.Force)
		if item.Due {
			if inBatch == 0 {
				p.Batches++
			}
			item.Batch = p.Batches
			inBatch = (inBatch + 1) % in.BatchSize
		}
		p.Items = append(p.Items, item)
	}
	p.Calls, p.Estimate = p.timetable(in)
	return p
}

func due(a ActiveTicker, at time.Time, force bool) (bool, string) {
	calendar, _ := exchange.ForSymbol(a.Ticker.String())
	newest := calendar.LastCompleted(at).Date
	switch {
	case !a.State.LastSession.Before(newest) && force:
		return true, "forced; the session of " + newest.String() + " is stored"
	case !a.State.LastSession.Before(newest):
		return false, "the session of " + newest.String() + " is stored"
	case !force && at.Sub(a.State.CheckedAt) < recheckAfter:
		return false, fmt.Sprintf("checked at %s: the session of %s was not out yet",
			a.State.CheckedAt.UTC().Format(time.TimeOnly), newest)
	case a.State.LastSession.IsZero():
		return true, "nothing is stored"
	default:
		return true, fmt.Sprintf("stored up to %s, the session of %s is complete", a.State.LastSession, newest)
	}
}

// timetable counts the calls of the plan and finds when the last of them can be made.
func (p Plan) timetable(in Inputs) (calls int, estimate time.Duration) {
	made := in.Made
	now := in.Now
	for batch := 1; batch <= p.Batches; batch++ {
		if batch > 1 {
			now = now.Add(in.BatchDelay)
		}
		tickers := 0
		for _, item := range p.Items {
			if item.Batch == batch {
				tickers++
			}
		}
		for range (tickers + in.TickersPerCall - 1) / in.TickersPerCall {
			now = quota.Next(in.Limits, made, now)
			made = append(made, now)
			calls++
		}
	}
	return calls, now.Sub(in.Now)
}

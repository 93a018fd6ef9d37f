package refresh

import (
	"fmt"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
)

const (
	// recheckAfter is how long a ticker is left alone after an answer that did not yet have the newest
	// completed session.
	recheckAfter = time.Hour
	// unknownSessions in a row make a ticker one that the provider does not know, which is then asked
	// about only every unknownDays.
	unknownSessions = 3
	unknownDays     = 7
)

// Inputs are all that a plan depends on.
type Inputs struct {
	At     time.Time
	Active []ActiveTicker // in the order in which the run is to take them
	Force  bool           // plan the fresh ones too

	TickersPerCall int
	BatchSize      int // tickers a commit
	BatchDelay     time.Duration
	Limits         []quota.Limit
	Account        quota.Account // the calls already made that count
	MaxWait        time.Duration // a longer wait for the limits defers the rest
	Now            time.Time     // of the real clock, by which the limits go
}

// Action is what a plan has in mind for a ticker.
type Action int

// The actions of a plan.
const (
	Leave Action = iota // nothing is due
	Skip                // it would be in vain
	Fetch
	Defer // it is due, and the limits leave no call for it
)

// Item is a ticker in a plan.
type Item struct {
	ActiveTicker
	Action Action
	Batch  int    // from 1 on; 0 where it is not fetched
	Reason string // for people
}

// Plan is what a run will do: each active ticker with what is decided about it.
type Plan struct {
	At      time.Time
	Session exchange.Date // the newest completed session of the US exchanges
	Items   []Item
	Batches int
	Calls   int
	// Estimate is how long it takes until the last call is made, and End when that is by the real clock.
	Estimate time.Duration
	End      time.Time
	Refusal  string // why tickers are deferred; "" where none is
}

// NewPlan decides what is due, and which of it the limits leave calls for. It is a pure function: a
// dry run prints what a real run does.
func NewPlan(in Inputs) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date}
	var due []*Item
	for _, active := range in.Active {
		item := Item{ActiveTicker: active}
		item.Action, item.Reason = decide(active, in.At, in.Force)
		p.Items = append(p.Items, item)
	}
	for i := range p.Items {
		if p.Items[i].Action == Fetch {
			due = append(due, &p.Items[i])
		}
	}
	possible := in.timetable(in.Account, in.Now, len(due))
	if possible.tickers < len(due) {
		// A day's worth of calls is what an empty ledger leaves a run.
		daily := in.timetable(quota.Account{}, in.Now.UTC().Truncate(24*time.Hour).Add(24*time.Hour), len(in.Active))
		chosen := choose(due, possible.tickers, daily.tickers, p.urgent(), in.At)
		for i, item := range due {
			if !chosen[i] {
				item.Action = Defer
				item.Reason += "; " + possible.refusal
			}
		}
	}
	n := 0
	for _, item := range due {
		if item.Action == Fetch {
			item.Batch = n/in.BatchSize + 1
			p.Batches = item.Batch
			n++
		}
	}
	p.Calls, p.End, p.Refusal = possible.calls, possible.end, possible.refusal
	p.Estimate = p.End.Sub(in.Now)
	return p
}

// decide is the one place that knows what is due.
func decide(a ActiveTicker, at time.Time, force bool) (Action, string) {
	newest := newestSession(a, at)
	stored := !a.State.LastSession.Before(newest.Date)
	switch {
	case stored && force:
		return Fetch, "forced; " + storedReason(a, newest)
	case stored:
		return Leave, storedReason(a, newest)
	case !force && a.State.unknown() && newest.Date.Before(a.State.askAgain()):
		return Skip, a.State.Note()
	case !force && a.State.justChecked(newest, at):
		return Leave, fmt.Sprintf("checked at %s: the session of %s was not out yet",
			a.State.CheckedAt.UTC().Format(time.TimeOnly), newest.Date)
	case a.State.LastSession.IsZero():
		return Fetch, "nothing is stored"
	default:
		return Fetch, fmt.Sprintf("stored up to %s, the session of %s is complete", a.State.LastSession, newest.Date)
	}
}

func storedReason(a ActiveTicker, newest exchange.Session) string {
	if a.State.LastSession.After(newest.Date) {
		return fmt.Sprintf("stored up to %s, which is past the session of %s", a.State.LastSession, newest.Date)
	}
	return "the session of " + newest.Date.String() + " is stored"
}

// newestSession is the newest completed session of the ticker's exchange.
func newestSession(a ActiveTicker, at time.Time) exchange.Session {
	calendar, _ := exchange.ForSymbol(a.Ticker.String())
	return calendar.LastCompleted(at)
}

// justChecked says whether a provider has answered lately, since the session's close.
func (s State) justChecked(newest exchange.Session, at time.Time) bool {
	return s.CheckedAt.After(newest.Close) && !s.CheckedAt.After(at) && at.Sub(s.CheckedAt) < recheckAfter
}

// unknown says whether the provider has not known the ticker for so long that it is asked weekly.
func (s State) unknown() bool { return s.UnknownSessions >= unknownSessions }

func (s State) askAgain() exchange.Date { return s.UnknownSession.AddDays(unknownDays) }

// Note is what there is to say of a ticker that its sessions do not tell; "" where there is nothing.
func (s State) Note() string {
	if !s.unknown() {
		return ""
	}
	return fmt.Sprintf("unknown to the provider for %d sessions: asked weekly, next for the session of %s", s.UnknownSessions, s.askAgain())
}

// timetable is how far a run comes within the limits.
type timetable struct {
	tickers int // that are fetched
	calls   int
	end     time.Time // of the last call
	refusal string    // why there is no further call; "" where none is needed
}

// timetable lets a run begin at a time and fetch up to n tickers.
func (in Inputs) timetable(account quota.Account, begin time.Time, n int) timetable {
	t := timetable{end: begin}
	if n > 0 && begin.Before(account.HeldUntil) {
		t.refusal = "the quota is spent: no call before " + account.HeldUntil.UTC().Format(time.RFC3339)
		return t
	}
	schedule := quota.NewSchedule(in.Limits, account.Calls)
	now := begin
	for t.tickers < n {
		if t.tickers > 0 && t.tickers%in.BatchSize == 0 {
			now = now.Add(in.BatchDelay)
		}
		at := schedule.Next(now)
		if at.Sub(now) > in.MaxWait {
			t.refusal = "the rate limits allow no call before " + at.UTC().Format(time.RFC3339)
			return t
		}
		schedule.Add(at)
		t.calls++
		// A call takes no more tickers than are left of the batch.
		t.tickers += min(in.TickersPerCall, n-t.tickers, in.BatchSize-t.tickers%in.BatchSize)
		now, t.end = at, at
	}
	return t
}

// urgent is the number of tickers that are to be fetched every session.
func (p Plan) urgent() int {
	n := 0
	for _, item := range p.Items {
		if item.Priority <= UrgentPriority {
			n++
		}
	}
	return n
}

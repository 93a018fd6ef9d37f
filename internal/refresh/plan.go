package refresh

import (
	"fmt"
	"slices"
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
	Concurrency    int // fetches under way at once within a batch
	Limits         []quota.Limit
	Account        quota.Account // the calls already made that count
	MaxWait        time.Duration // a longer wait for the limits defers the rest
	Now            time.Time     // of the real clock, by which the limits go
}

// Action is what a plan has in mind for a ticker.
type Action int

// The actions of a plan.
const (
	Leave       Action = iota // nothing is due
	Skip                      // it would be in vain
	FetchQuote                // of the newest session
	FetchSeries               // of all sessions that are missing, for the price of a quote
	FetchFull                 // of all sessions that there are, where the key is entitled to it
	Defer                     // it is due, and there is no call left for it
)

// Item is a ticker in a plan.
type Item struct {
	ActiveTicker
	Action Action
	Batch  int    // from 1 on; 0 where it is not fetched
	Reason string // for people
	fill   *fill  // of a backfill
}

// Plan is what a run will do: each active ticker with what is decided about it.
type Plan struct {
	At      time.Time
	Session exchange.Date // the newest completed session of the US exchanges
	Items   []Item
	Batches int
	Calls   int
	// Estimate is how long it takes until the last call is answered, and End when that is by the real clock.
	Estimate time.Duration
	End      time.Time
	Refusal  string // why tickers are deferred; "" where none is
	// Kept is how many tickers the coming run, at KeptFor, will fetch, for which this one leaves calls;
	// HoldsBack says that tickers are deferred for that.
	Kept      int
	KeptFor   time.Time
	HoldsBack bool

	active []ActiveTicker // all of them, where tasks are worked off afterwards
}

// NewPlan decides what is due, and which of it the limits leave calls for. It is a pure function: a
// dry run prints what a real run does.
func NewPlan(in Inputs) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date}
	for _, active := range in.Active {
		item := Item{ActiveTicker: active}
		item.Action, item.Reason = decide(active, in.At, in.Force)
		p.Items = append(p.Items, item)
	}
	due := p.fetched()
	possible := in.timetable(in.Account, in.Now, due)
	if possible.tickers < len(due) {
		// A day's worth of calls is what an empty ledger leaves a run.
		tomorrow := in.Now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		daily := in.timetable(quota.Account{CallTime: in.Account.CallTime}, tomorrow, make([]*Item, len(in.Active)))
		chosen := choose(due, possible.tickers, daily.tickers, p.urgent(), in.At)
		for _, item := range due {
			if !slices.Contains(chosen, item) {
				item.putOff(possible.refusal)
			}
		}
		due = chosen
	}
	p.lay(in, due, possible.refusal)
	return p
}

// lay divides what is to be fetched into batches, in this order, and finds how long that takes. refusal
// is why something is not fetched.
func (p *Plan) lay(in Inputs, items []*Item, refusal string) {
	for i, item := range items {
		item.Batch = i/in.BatchSize + 1
		p.Batches = item.Batch
	}
	t := in.timetable(in.Account, in.Now, items)
	p.Calls, p.End, p.Refusal = len(t.made), t.end, refusal
	p.Estimate = p.End.Sub(in.Now)
}

// fetched are the items that are to be fetched, in their order.
func (p *Plan) fetched() []*Item {
	var items []*Item
	for i := range p.Items {
		if p.Items[i].Fetches() {
			items = append(items, &p.Items[i])
		}
	}
	return items
}

// Fetches says whether the item is to be fetched.
func (i *Item) Fetches() bool { return i.Action == FetchQuote || i.needsSeries() }

// needsSeries says whether the item takes a call of its own.
func (i *Item) needsSeries() bool { return i.Action == FetchSeries || i.Action == FetchFull }

func (i *Item) putOff(refusal string) {
	i.Action = Defer
	i.Reason += "; " + refusal
}

// decide is the one place that knows what is due.
func decide(a ActiveTicker, at time.Time, force bool) (Action, string) {
	calendar := a.Ticker.Calendar()
	newest := calendar.LastCompleted(at)
	stored := !a.State.LastSession.Before(newest.Date)
	early := a.State.early(newest)
	switch {
	case stored && !early && force:
		return FetchQuote, "forced; " + storedReason(a, newest)
	case stored && !early:
		return Leave, storedReason(a, newest)
	case !force && a.State.inVain(newest.Date) != "":
		return Skip, a.State.inVain(newest.Date) + "; --force asks again"
	case !force && a.State.justChecked(newest, at):
		return Leave, fmt.Sprintf("checked at %s: the session of %s was not out yet",
			a.State.CheckedAt.UTC().Format(time.TimeOnly), newest.Date)
	}
	one := FetchQuote
	if calendar.IsOpen(at) {
		one = FetchSeries // a quote would be of the session under way
	}
	switch {
	case early:
		return one, fmt.Sprintf("the price of %s was fetched before the close", newest.Date)
	case a.State.LastSession.IsZero():
		return one, "nothing is stored"
	}
	if missing := len(calendar.Sessions(a.State.LastSession.AddDays(1), newest.Date)); missing > 1 {
		return FetchSeries, fmt.Sprintf("stored up to %s, %d sessions up to %s are missing", a.State.LastSession, missing, newest.Date)
	}
	return one, fmt.Sprintf("stored up to %s, the session of %s is complete", a.State.LastSession, newest.Date)
}

func storedReason(a ActiveTicker, newest exchange.Session) string {
	if a.State.LastSession.After(newest.Date) {
		return fmt.Sprintf("stored up to %s, which is past the session of %s", a.State.LastSession, newest.Date)
	}
	return "the session of " + newest.Date.String() + " is stored"
}

// early says whether the stored bar of the newest session was fetched before the close: it is not that
// session's bar.
func (s State) early(newest exchange.Session) bool {
	return s.LastSession == newest.Date && !s.FetchedAt.IsZero() && s.FetchedAt.Before(newest.Close)
}

// justChecked says whether a provider has answered lately, since the session's close.
func (s State) justChecked(newest exchange.Session, at time.Time) bool {
	return s.CheckedAt.After(newest.Close) && !s.CheckedAt.After(at) && at.Sub(s.CheckedAt) < recheckAfter
}

// inVain is why it would be in vain to ask for the ticker when a session is the newest; "" where it may
// not be.
func (s State) inVain(newest exchange.Date) string {
	switch {
	case s.UnknownSessions > 0 && s.UnknownSession == newest:
		return fmt.Sprintf("the provider did not know it in the session of %s", newest)
	case s.unknown() && newest.Before(s.askAgain()):
		return s.Note()
	default:
		return ""
	}
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
	tickers int       // that are fetched
	end     time.Time // when the last call is answered
	made    []quota.Call
	refusal string // why there is no further call; "" where none is needed
}

// timetable lets a run begin at a time and fetch items, of which a nil one stands for any quote.
func (in Inputs) timetable(account quota.Account, begin time.Time, items []*Item) timetable {
	t := timetable{end: begin}
	if len(items) > 0 && begin.Before(account.HeldUntil) {
		t.refusal = (&quota.DeferredError{Until: account.HeldUntil, Spent: true}).Error()
		return t
	}
	schedule := quota.NewSchedule(in.Limits, account.Calls)
	now, room := begin, 0                              // of the last call, for further quotes
	under := make([]time.Time, max(1, in.Concurrency)) // when fetches under way are answered
	for i, item := range items {
		if i > 0 && i%in.BatchSize == 0 {
			now, room = t.end.Add(in.BatchDelay), 0
		}
		series := item != nil && item.needsSeries()
		if room > 0 && !series {
			room--
			t.tickers++
			continue
		}
		slices.SortFunc(under, time.Time.Compare)
		if under[0].After(now) {
			now = under[0]
		}
		at := schedule.Next(now, 1)
		if at.Sub(now) > in.MaxWait {
			t.refusal = (&quota.DeferredError{Until: at}).Error()
			return t
		}
		schedule.Add(at, 1)
		t.made = append(t.made, quota.Call{Cost: 1, From: at, Until: at})
		t.tickers++
		if room = in.TickersPerCall - 1; series {
			room = 0
		}
		under[0] = at.Add(account.CallTime)
		now, t.end = at, under[0]
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

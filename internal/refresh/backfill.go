package refresh

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// BackfillJobName is what runs that fill gaps are recorded under.
const BackfillJobName = "backfill_active_stocks"

const (
	// notEntitledFor is how long a key that was refused a full series is not asked for one again.
	notEntitledFor = 30 * 24 * time.Hour
	// lateAfter is how many days after a session its bar, which later ones have overtaken, can still come.
	lateAfter = 7
	// fullsABatch bounds how many full series are in memory at once.
	fullsABatch = 10
	// tickersARead bounds how much of the stored history is in memory at once.
	tickersARead = 50
)

// Backfill is what a run that fills gaps of the stored history is asked for.
type Backfill struct {
	From, To exchange.Date // both inclusive; a zero To is the newest completed session
	Rebase   bool          // instead: all that is stored of the tickers, on one scale
	Pending  bool          // instead: the tasks of the application
}

// fill is what a backfill wants of a ticker.
type fill struct {
	ranges        []Backfill // of days; none with rebase
	force, rebase bool
	tasks         []string // the IDs of the application's tasks, each for the range in its place

	wanted []exchange.Date // the sessions to be stored, ascending
	beyond []exchange.Date // those of them that are out of reach, as far as is known
	notOut []exchange.Date // those that the vendor may still tell
}

// decide is for a backfill what the function of this name is for a refresh. stored are the sessions that are stored,
// ascending.
func (f *fill) decide(a ActiveTicker, stored []exchange.Date, at time.Time, entitled bool) (Action, string) {
	calendar := a.Ticker.Calendar()
	newest := calendar.LastCompleted(at)
	if f.rebase && len(stored) == 0 {
		return Skip, "nothing is stored"
	}
	f.wanted = f.sessions(a.State, stored, calendar, newest.Date)
	if len(f.wanted) == 0 {
		return Leave, f.whyNothing(a.State)
	}
	if reason := a.State.inVain(newest.Date); reason != "" && !f.force {
		return Skip, reason
	}
	reach := compactReach(calendar, at)
	before, _ := slices.BinarySearchFunc(f.wanted, reach, exchange.Date.Compare)
	f.beyond = f.wanted[:before]
	reason := fmt.Sprintf("%s from %s to %s", countSessions(len(f.wanted)), f.wanted[0], f.wanted[len(f.wanted)-1])
	switch {
	case f.rebase:
		reason += " again"
	case f.force:
		reason = "forced; " + reason
	default:
		reason += verb(len(f.wanted), " is missing", " are missing")
	}
	switch {
	case entitled && (f.rebase || before > 0):
		f.beyond = nil
		return FetchFull, reason
	case before == len(f.wanted):
		return Skip, reason + "; all of them are out of reach: " + unreachable(reach)
	case before > 0:
		return FetchSeries, fmt.Sprintf("%s; %d of them are out of reach: %s", reason, before, unreachable(reach))
	default:
		return FetchSeries, reason
	}
}

// inReach says whether a compact series has any of what is wanted.
func (f *fill) inReach(a ActiveTicker, at time.Time) bool {
	calendar := a.Ticker.Calendar()
	return !f.wanted[len(f.wanted)-1].Before(compactReach(calendar, at))
}

func unreachable(reach exchange.Date) string {
	return "the key's plan has no series that begins before " + reach.String()
}

// sessions are those that are wanted, up to the newest, ascending.
func (f *fill) sessions(s State, stored []exchange.Date, calendar *exchange.Exchange, newest exchange.Date) []exchange.Date {
	ranges := f.ranges
	if f.rebase {
		ranges = []Backfill{{From: stored[0], To: newest}}
	}
	var wanted []exchange.Date
	for _, r := range ranges {
		from, to := r.From, r.To
		if to.IsZero() || to.After(newest) {
			to = newest
		}
		if !f.force && from.Before(s.FirstSession) {
			from = s.FirstSession
		}
		wanted = append(wanted, calendar.Sessions(from, to)...)
	}
	slices.SortFunc(wanted, exchange.Date.Compare)
	wanted = slices.Compact(wanted)
	if f.force || f.rebase {
		return wanted
	}
	return slices.DeleteFunc(wanted, func(d exchange.Date) bool { return has(stored, d) || has(s.Absent, d) })
}

func has(ascending []exchange.Date, d exchange.Date) bool {
	_, found := slices.BinarySearchFunc(ascending, d, exchange.Date.Compare)
	return found
}

func (f *fill) whyNothing(s State) string {
	if f.rebase {
		return "nothing is stored of a completed session"
	}
	from, to := f.ranges[0].From, f.ranges[0].To
	reason := "no session from " + from.String() + " on is missing"
	if !to.IsZero() {
		reason = fmt.Sprintf("no session from %s to %s is missing", from, to)
	}
	if from.Before(s.FirstSession) {
		reason += "; the provider's first is " + s.FirstSession.String()
	}
	return reason
}

// compactReach is the oldest session that a compact series has at a time.
func compactReach(calendar *exchange.Exchange, at time.Time) exchange.Date {
	most := marketdata.CompactSessions
	if calendar.IsOpen(at) {
		most-- // the session under way takes a place
	}
	newest := calendar.LastCompleted(at).Date
	sessions := calendar.Sessions(newest.AddDays(-3*most), newest)
	return sessions[len(sessions)-most]
}

// newBackfillPlan decides which gaps are filled, in the order of the items, and leaves the coming run
// the calls that it needs. stored are the sessions of the items' tickers. Like
// NewPlan it asks nobody; each item's fill learns what is wanted.
func newBackfillPlan(in Inputs, items []Item, stored map[marketdata.Ticker][]exchange.Date, next coming) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date, Kept: len(next.items), KeptFor: next.at, Items: items}
	for i := range p.Items {
		item := &p.Items[i]
		// With force, a plan that has changed since is found out.
		entitled := in.entitled() || item.fill.force
		item.Action, item.Reason = item.fill.decide(item.ActiveTicker, stored[item.Ticker], in.At, entitled)
	}
	if slices.ContainsFunc(p.Items, func(item Item) bool { return item.Action == FetchFull }) {
		in.BatchSize = min(in.BatchSize, fullsABatch)
	}
	p.holdBack(in, next)
	return p
}

// entitled says whether a key may ask for a full series, as far as is known: a plan is tried once.
func (in Inputs) entitled() bool {
	refused := in.Account.NotEntitledAt
	return refused.IsZero() || in.Now.Sub(refused) > notEntitledFor
}

// planBackfill reads all that a plan of a backfill depends on.
func (j *Job) planBackfill(ctx context.Context, o Options, at time.Time) (Plan, error) {
	active, err := j.discover(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	if o.Backfill.Pending {
		return j.planPending(ctx, o, at, active)
	}
	chosen, err := j.named(ctx, active, o.Tickers)
	if err != nil {
		return Plan{}, err
	}
	var items []Item
	for _, a := range chosen {
		f := &fill{ranges: []Backfill{*o.Backfill}, force: o.Force, rebase: o.Backfill.Rebase}
		items = append(items, Item{ActiveTicker: a, fill: f})
	}
	return j.planFills(ctx, at, items, active)
}

// planPending is the plan of all pending tasks for a dry run. A real one claims some, and plans those.
func (j *Job) planPending(ctx context.Context, o Options, at time.Time, active []ActiveTicker) (Plan, error) {
	if !o.DryRun {
		return Plan{At: at, Session: exchange.XNYS.LastCompleted(at).Date, active: active}, nil
	}
	tasks, _, err := j.Store.PendingTasks(ctx, math.MaxInt32)
	if err != nil {
		return Plan{}, err
	}
	items, _, err := j.taskItems(ctx, tasks, at)
	if err != nil {
		return Plan{}, err
	}
	return j.planFills(ctx, at, items, active)
}

func (j *Job) planFills(ctx context.Context, at time.Time, items []Item, active []ActiveTicker) (Plan, error) {
	in, err := j.inputs(ctx, at)
	if err != nil {
		return Plan{}, err
	}
	stored, err := j.storedSessions(ctx, items)
	if err != nil {
		return Plan{}, err
	}
	return newBackfillPlan(in, items, stored, j.coming(active, at)), nil
}

// storedSessions are the sessions of the items' tickers that are stored, from the oldest that any of them
// wants.
func (j *Job) storedSessions(ctx context.Context, items []Item) (map[marketdata.Ticker][]exchange.Date, error) {
	sessions := map[marketdata.Ticker][]exchange.Date{}
	for part := range slices.Chunk(items, tickersARead) {
		var tickers []marketdata.Ticker
		var begins []exchange.Date
		for _, item := range part {
			tickers = append(tickers, item.Ticker)
			for _, r := range item.fill.ranges {
				begins = append(begins, r.From) // zero with rebase
			}
		}
		from := slices.MinFunc(begins, exchange.Date.Compare)
		bars, err := j.Store.Bars(ctx, tickers, from, exchange.Date{})
		if err != nil {
			return nil, err
		}
		for ticker, all := range bars {
			for _, bar := range all {
				sessions[ticker] = append(sessions[ticker], bar.Session)
			}
		}
	}
	return sessions, nil
}

// filled is what an answer brings of what is wanted.
type filled struct {
	prices  []Price
	finding Finding
	torn    *Split // the stored history is on another scale since
}

// take makes of a series what is to be written. stored are the bars that are stored, ascending, of all
// sessions that the series has, and with force or rebase of all there are.
func (f *fill) take(a ActiveTicker, series marketdata.Series, stored []history.StoredBar, at time.Time, price func(marketdata.Bar) Price) filled {
	calendar := a.Ticker.Calendar()
	kept := f.keptSplits(a.State.Splits, stored)
	known := rebased(kept)
	if f.rebase {
		known = kept
	}
	bars, applied := onOneScale(series.Bars, known)
	first, late := bars[0].Session, calendar.LastCompleted(at).Date.AddDays(-lateAfter)
	f.beyond, f.notOut = nil, nil
	result := filled{finding: Finding{Ticker: a.Ticker}}
	if series.Complete {
		result.finding.FirstSession = first
	}
	for _, session := range f.wanted {
		i, found := slices.BinarySearchFunc(bars, session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
		switch {
		case found:
			result.prices = append(result.prices, f.price(bars[i], stored, price))
		case session.Before(first) && !series.Complete:
			f.beyond = append(f.beyond, session)
		case session.After(first) && session.Before(late):
			result.finding.Absent = append(result.finding.Absent, session)
		case session.After(first):
			f.notOut = append(f.notOut, session)
		}
	}
	if f.rebase {
		f.beyond = nil // what is stored of them is divided
		result.prices = append(result.prices, rescaled(stored, bars, f.scales(kept, stored, bars, applied, calendar), price)...)
		kept = applied
		if !tellsSplits(bars) {
			kept = known
		}
		kept = markRebased(kept)
	}
	splits := append(slices.DeleteFunc(slices.Clone(kept), func(s Split) bool { return slices.ContainsFunc(applied, s.sameSession) }), markRebased(applied)...)
	if s, torn := f.tear(stored, bars, applied, calendar); torn {
		result.torn = &s
		splits = append(slices.DeleteFunc(splits, s.sameSession), s)
	}
	if !slices.Equal(slices.SortedFunc(slices.Values(splits), bySession), a.State.Splits) {
		result.finding.ForgetSplits, result.finding.Splits = true, splits
	}
	return result
}

func (s Split) sameSession(other Split) bool { return s.Session == other.Session }

func markRebased(splits []Split) []Split {
	marked := slices.Clone(splits)
	for i := range marked {
		marked[i].Rebased = true
	}
	return marked
}

// keptSplits are the known ones without those that force has the vendor's word against: of a mark, that
// both sessions beside it are fetched again; of a split that was rebased, that all stored bars before it
// are.
func (f *fill) keptSplits(known []Split, stored []history.StoredBar) []Split {
	return slices.DeleteFunc(slices.Clone(known), func(s Split) bool {
		if !f.force {
			return false
		}
		before := slices.DeleteFunc(slices.Clone(stored), func(b history.StoredBar) bool { return !b.Session.Before(s.Session) })
		if len(before) == 0 {
			return true
		}
		if !s.Rebased {
			before = before[len(before)-1:]
		}
		return has(f.wanted, s.Session) && !slices.ContainsFunc(before, func(b history.StoredBar) bool { return !has(f.wanted, b.Session) })
	})
}

// price is what is written of a bar: in a session that has one, if at all, into its row.
func (f *fill) price(bar marketdata.Bar, stored []history.StoredBar, price func(marketdata.Bar) Price) Price {
	old, found := storedBar(stored, bar.Session)
	if found && f.rebase {
		// What the answer lacks must not stay on the old scale.
		for _, pair := range [][2]*decimal.NullDecimal{{&bar.Open, &old.Open}, {&bar.High, &old.High}, {&bar.Low, &old.Low}} {
			if !pair[0].Valid && pair[1].Valid {
				*pair[0] = decimal.NewNullDecimal(pair[1].Decimal.Mul(bar.Close).DivRound(old.Close, leastPlaces))
			}
		}
	}
	p := price(bar)
	p.Backfill, p.Keep = true, !f.force && !f.rebase
	if found && !p.Keep {
		p.Row = old.Row
	}
	return p
}

// tear is the split that the stored history lacks once this is written.
func (f *fill) tear(stored []history.StoredBar, bars []marketdata.Bar, told []Split, calendar *exchange.Exchange) (Split, bool) {
	switch {
	case f.rebase:
		return Split{}, false
	case f.force:
		stored = slices.DeleteFunc(slices.Clone(stored), func(b history.StoredBar) bool { return has(f.wanted, b.Session) })
		return tear(stored, bars, told, calendar)
	}
	if s, torn := tear(stored, bars, told, calendar); torn {
		return s, true
	}
	return jump(bars, f.wanted[0])
}

// scales are the splits by which a rebase divides what is stored before them and the series does not have:
// the marks, or where the vendor tells all splits or nothing is marked, what stored bars and the series
// show.
func (f *fill) scales(known []Split, stored []history.StoredBar, bars []marketdata.Bar, applied []Split, calendar *exchange.Exchange) []Split {
	marks := State{Splits: known}.Marks()
	if len(marks) > 0 && !tellsSplits(bars) {
		return marks
	}
	if s, torn := tear(stored, bars, applied, calendar); torn {
		return []Split{s}
	}
	return nil
}

func storedBar(stored []history.StoredBar, session exchange.Date) (history.StoredBar, bool) {
	i, found := slices.BinarySearchFunc(stored, session, func(b history.StoredBar, d exchange.Date) int { return b.Session.Compare(d) })
	if !found {
		return history.StoredBar{}, false
	}
	return stored[i], true
}

// rescaled are the stored bars that a series does not have, divided by the splits that came after them.
func rescaled(stored []history.StoredBar, bars []marketdata.Bar, splits []Split, price func(marketdata.Bar) Price) []Price {
	var prices []Price
	for _, old := range stored {
		_, fetched := slices.BinarySearchFunc(bars, old.Session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
		bar, differs := old.Bar, false
		for _, s := range splits {
			if old.Session.Before(s.Session) {
				bar, differs = s.rebase(bar), true
			}
		}
		if fetched || !differs {
			continue
		}
		p := price(bar)
		p.Row, p.Backfill = old.Row, true
		prices = append(prices, p)
	}
	return prices
}

func countSessions(n int) string { return countOf(n, "session") }

func countOf(n int, noun string) string { return fmt.Sprintf("%d %s%s", n, noun, verb(n, "", "s")) }

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

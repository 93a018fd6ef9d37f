package refresh

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// ErrEndOfDay is why an intraday run fails whose answers are all of the session before the one under way.
var ErrEndOfDay = fmt.Errorf("%w: the key's plan has end-of-day prices only", marketdata.ErrNotEntitled)

const (
	// endOfDayFor is how long a key whose plan has end-of-day prices only is not asked for others again.
	endOfDayFor = 24 * time.Hour
	// minFromDayBefore is how many answers of the session before are enough to know the plan. A share that has not been
	// traded yet answers so too.
	minFromDayBefore = 3
	// firstTrades is how long after the open answers of the session before show nothing: plans that delay quotes do so by
	// a quarter of an hour.
	firstTrades = 20 * time.Minute
)

// keyPlan is what is known of the plan of a vendor's key.
type keyPlan int

const (
	planUnknown   keyPlan = iota
	planUndecided         // too few answers to tell: those that there are wait
	planToday             // it has prices of the session under way
	planEndOfDay
)

// planShownBy returns what answers about prices of the moment show of the plan. isAll says that no others will come.
func planShownBy(bars []marketdata.Bar, at time.Time, isAll bool) keyPlan {
	before := 0
	for _, bar := range bars {
		today, isOpen := settledSession(bar.Ticker.Calendar(), at)
		switch {
		case !isOpen:
		case bar.Session == today:
			return planToday
		default:
			before++
		}
	}
	switch {
	case before == 0:
		return planUnknown
	case isAll, before >= minFromDayBefore:
		return planEndOfDay
	default:
		return planUndecided
	}
}

// settledSession returns the session that is under way and that quotes must be of by now; false if there is none, or if
// the hours of the exchange are not known.
func settledSession(calendar *exchange.Exchange, at time.Time) (exchange.Date, bool) {
	if calendar == exchange.Weekdays || !calendar.IsOpen(at) {
		return exchange.Date{}, false
	}
	day := calendar.LastCompleted(at).Date.AddDays(1)
	for !calendar.IsSession(day) {
		day = day.AddDays(1)
	}
	session, _ := calendar.Session(day)
	return day, !at.Before(session.Open.Add(firstTrades))
}

// isEndOfDay reports whether the plan of the vendor's key was found not to have prices of a session under way.
func (s VendorState) isEndOfDay(at time.Time) bool {
	return !s.EndOfDayAt.IsZero() && !at.Before(s.EndOfDayAt) && at.Sub(s.EndOfDayAt) < endOfDayFor
}

// endOfDayReason returns why no vendor is asked for what is wanted, if it is because of a plan; "" if it is not.
func (in Inputs) endOfDayReason(want Want) string {
	for _, vendor := range in.Vendors {
		if want.Goal == PriceNow && vendor.Covers(want.Ticker) && vendor.isEndOfDay(in.At) {
			return "the key's plan has end-of-day prices only: asked again from " +
				vendor.EndOfDayAt.Add(endOfDayFor).UTC().Format(time.RFC3339) + " on"
		}
	}
	return ""
}

// checkPlans finds the vendors of an intraday run whose plans have end-of-day prices only, by the answers that are not
// committed yet, and makes those answers errors. waits says that they cannot be told from others before more come. stop is
// why going on is pointless.
func (p *pass) checkPlans(items []answered, isAll bool) (waits bool, stop error) {
	if p.Kind != Intraday {
		return false, nil
	}
	for vendor, asker := range p.fetcher.askers {
		if asker.plan == planUnknown || asker.plan == planUndecided {
			asker.plan = planShownBy(barsFrom(vendor, items), p.Now(), isAll)
			stop = errors.Join(stop, p.recordPlan(vendor))
		}
		waits = waits || asker.plan == planUndecided
		if asker.plan == planEndOfDay {
			p.failEndOfDay(vendor, items)
		}
	}
	isPossible := func(c Call) bool { return !p.fetcher.isEndOfDay(c) }
	if stop == nil && len(p.plan.Calls) > 0 && !slices.ContainsFunc(p.plan.Calls, isPossible) {
		stop = ErrEndOfDay
	}
	return waits, stop
}

// barsFrom returns the bars that a vendor answered.
func barsFrom(vendor int, items []answered) []marketdata.Bar {
	var bars []marketdata.Bar
	for _, item := range items {
		if item.route.vendor == vendor && item.err == nil {
			bars = append(bars, item.bars...)
		}
	}
	return bars
}

// recordPlan writes down what was found of the plan of a vendor's key, if that is news.
func (p *pass) recordPlan(vendor int) error {
	limiter := p.Vendors[vendor].Limiter
	switch noted := p.inputs.Vendors[vendor].Account.EndOfDayAt; {
	case p.fetcher.askers[vendor].plan == planEndOfDay:
		return limiter.SetEndOfDay(p.deadlines.write, p.report.At)
	case p.fetcher.askers[vendor].plan == planToday && !noted.IsZero():
		return limiter.SetEndOfDay(p.deadlines.write, time.Time{})
	default:
		return nil
	}
}

// failEndOfDay makes errors of a vendor's answers of the session before the one under way.
func (p *pass) failEndOfDay(vendor int, items []answered) {
	for i := range items {
		item := &items[i]
		today, isOpen := settledSession(item.Ticker.Calendar(), p.Now())
		if item.route.vendor != vendor || item.err != nil || !isOpen || item.bars[len(item.bars)-1].Session == today {
			continue
		}
		item.answer = answer{began: item.began, err: fmt.Errorf("%w: the quote of %s is of %s while the session of %s is under way",
			ErrEndOfDay, item.Ticker, item.bars[len(item.bars)-1].Session, today)}
	}
}

// isEndOfDay reports whether a call is pointless because of the plan of its vendor's key.
func (f *fetcher) isEndOfDay(c Call) bool { return f.askers[c.Vendor].plan == planEndOfDay }

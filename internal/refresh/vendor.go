package refresh

import (
	"slices"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Vendor is one that is asked, with what its calls go by.
type Vendor struct {
	Provider marketdata.Provider
	Limiter  *quota.Limiter // the one that the provider's calls wait for
	Attempts int            // tries of one call, 1 or more
}

// VendorState is what a plan knows of a vendor, as plain data.
type VendorState struct {
	Capabilities []marketdata.Capability
	Covers       func(marketdata.Ticker) bool
	Limits       []quota.Limit
	MaxWait      time.Duration // a longer wait for the limits defers the rest
	Account      quota.Account // the calls already made that count
	// LacksPremium says that the key's plan turned out, in this run, not to include premium capabilities.
	LacksPremium bool
	// EndOfDayAt is when the key's plan was found to have end-of-day prices only; zero if that is to be found out anew.
	EndOfDayAt time.Time
}

// notEntitledFor is how long a key that was refused a premium capability is not asked for it again.
const notEntitledFor = 30 * 24 * time.Hour

// mayAsk reports whether a want may be served by a capability, as far as is known of the key's plan. A want
// that overwrites finds out whether the plan has changed since.
func (s VendorState) mayAsk(c marketdata.Capability, goal Goal, now time.Time) bool {
	switch refused := s.Account.NotEntitledAt; {
	case !c.Premium:
		return true
	case s.LacksPremium, !goal.isOfPast():
		return false
	default:
		return goal == Overwrite || refused.IsZero() || now.Sub(refused) > notEntitledFor
	}
}

// maxTickers returns how many tickers a call takes within the limits: a call that costs more than one of
// them can never be made.
func (s VendorState) maxTickers(c marketdata.Capability) int {
	n := c.MaxTickers
	if c.CreditsPerTicker > 0 {
		for _, limit := range s.Limits {
			n = min(n, limit.Calls/c.CreditsPerTicker)
		}
	}
	return max(1, n)
}

// route is the way by which a want is to be served.
type route struct {
	vendor      int
	capability  marketdata.Capability
	unreachable []exchange.Date // sessions of the want that the capability does not reach back to
}

// routeOf returns the capability that brings all of a want, the first one, or else the one that brings most of
// it. A history that is to be brought on one scale is fetched as far back as can be.
func (s VendorState) routeOf(want Want, at, now time.Time) (best route, found bool) {
	if !s.Covers(want.Ticker) || want.Goal == PriceNow && s.isEndOfDay(at) {
		return route{}, false
	}
	calendar := want.Ticker.Calendar()
	for _, c := range s.Capabilities {
		if !serves(c.Kind, want, calendar, at) || !s.mayAsk(c, want.Goal, now) || quota.CheckCost(s.Limits, c.Cost(1)) != nil {
			continue
		}
		oldest := c.OldestSession(calendar, at)
		if n := len(want.Sessions); c.Kind == marketdata.Quotes && n > 0 {
			oldest = want.Sessions[n-1]
		}
		before, _ := slices.BinarySearchFunc(want.Sessions, oldest, exchange.Date.Compare)
		candidate := route{capability: c, unreachable: want.Sessions[:before]}
		if !found || want.prefers(candidate, best, oldest, best.capability.OldestSession(calendar, at)) {
			best, found = candidate, true
		}
	}
	return best, found
}

// prefers reports whether a route serves a want better than another one. The dates are the oldest sessions that they bring.
func (w Want) prefers(r, other route, oldest, otherOldest exchange.Date) bool {
	switch n := len(r.unreachable); {
	case n < len(other.unreachable):
		return true
	case w.Goal == Rebase:
		return oldest.Before(otherOldest)
	case n > len(other.unreachable) || other.capability.Kind != marketdata.Quotes:
		return false
	case n > 0: // bars that do not bring all that is wanted show at least how its newest session came about
		return true
	}
	// A history also brings what is blank in the newest stored bar, if it costs no more than the quote.
	return !w.blank.IsZero() && r.capability.Kind == marketdata.History && !w.blank.Before(oldest) &&
		other.capability.MaxTickers == 1 && r.capability.Cost(1) <= other.capability.Cost(1)
}

// serves reports whether answers of a kind bring what is wanted.
func serves(kind marketdata.Kind, want Want, calendar *exchange.Exchange, at time.Time) bool {
	switch kind {
	case marketdata.Quotes:
		// During a session a quote is of that one.
		n := len(want.Sessions)
		return want.Goal == PriceNow || want.Goal == Update && want.Sessions[n-1] == calendar.LastCompleted(at).Date && !calendar.IsOpen(at)
	case marketdata.History:
		return want.Goal != PriceNow
	case marketdata.MarketDay:
		return want.Goal == Update || want.Goal == Fill
	default:
		return false
	}
}

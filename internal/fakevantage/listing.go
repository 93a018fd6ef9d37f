package fakevantage

import (
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// firstSession is the oldest session that the vendor has of any symbol, unless Server.List says otherwise.
var firstSession = exchange.Date{Year: 1999, Month: time.November, Day: 1}

// Split is a change of the number of shares: New for each Old, from Session on.
type Split struct {
	Session  exchange.Date
	New, Old int64
	// Rewrites makes TIME_SERIES_DAILY divide the sessions before the split as well, once it has
	// happened. Without it they stay as they were traded.
	Rewrites bool
}

// listing is what the vendor has of a symbol.
type listing struct {
	symbol   string
	unknown  bool
	first    exchange.Date
	last     exchange.Date            // zero: it is still traded
	lag      int                      // number of newest sessions that are not published yet
	endOfDay bool                     // nothing is published of a session that is under way
	missing  []exchange.Date          // sessions that the vendor has no bar of
	spoiled  map[exchange.Date]string // closes that answers have in place of the right ones
	splits   []Split
	walk     walk
}

func newListing(symbol string) listing {
	_, err := marketdata.ParseTicker(symbol)
	return listing{symbol: symbol, unknown: err != nil, first: firstSession, walk: newWalk(symbol)}
}

// history is what the vendor has of a symbol at an instant.
type history struct {
	listing
	sessions []exchange.Date    // ascending, the newest at the end; never empty
	before   exchange.Date      // the session before the first of sessions
	running  []exchange.Session // the newest, if it is under way
	now      time.Time
}

// at returns the newest sessions up to now, at most limit of them; false if there are none.
func (l listing) at(now time.Time, limit int) (history, bool) {
	if l.unknown {
		return history{}, false
	}
	ex, known := exchange.ForSymbol(l.symbol)
	last := ex.LastCompleted(now).Date
	h := history{listing: l, now: now}
	// A session of an exchange whose hours are not known is published once it is over.
	if next, ok := ex.Session(nextSession(ex, last)); ok && known && l.lag == 0 && !l.endOfDay && !next.Open.After(now) {
		last = next.Date
		h.running = []exchange.Session{next}
	}
	if !l.last.IsZero() && last.After(l.last) {
		last, h.running = l.last, nil
	}
	from := l.first.AddDays(-20)
	if recent := last.AddDays(-2*(limit+l.lag) - 20); recent.After(from) {
		from = recent
	}
	h.sessions = ex.Sessions(from, last)
	h.sessions = h.sessions[:max(0, len(h.sessions)-l.lag)]
	h.sessions = slices.DeleteFunc(h.sessions, func(d exchange.Date) bool { return slices.Contains(l.missing, d) })
	listed, _ := slices.BinarySearchFunc(h.sessions, l.first, exchange.Date.Compare)
	start := max(listed, len(h.sessions)-limit)
	if start < 1 || start >= len(h.sessions) {
		return history{}, false
	}
	h.before, h.sessions = h.sessions[start-1], h.sessions[start:]
	return h, true
}

func nextSession(ex *exchange.Exchange, d exchange.Date) exchange.Date {
	return ex.Sessions(d.AddDays(1), d.AddDays(20))[0]
}

func (h history) newest() exchange.Date { return h.sessions[len(h.sessions)-1] }

// bar returns the bar of the i-th session as it was traded.
func (h history) bar(i int) bar {
	b := h.walk.bar(h.sessions[i], h.previous(i))
	if i == len(h.sessions)-1 && len(h.running) > 0 {
		b = h.walk.soFar(b, h.running[0], h.now)
	}
	return h.divide(b, func(s Split) bool {
		return !h.sessions[i].Before(s.Session) || s.Rewrites && !h.newest().Before(s.Session)
	})
}

// formatted returns the bar of a session as answers have it, which can be spoiled.
func (h history) formatted(i int) Bar {
	formatted := h.bar(i).format()
	if text, spoiled := h.spoiled[h.sessions[i]]; spoiled {
		formatted.Close = text
	}
	return formatted
}

// previous returns the session before the i-th.
func (h history) previous(i int) exchange.Date {
	if i == 0 {
		return h.before
	}
	return h.sessions[i-1]
}

// previousClose returns the close before the newest session, adjusted to the shares of the newest.
func (h history) previousClose() int64 {
	before := bar{close: h.walk.close(dayNumber(h.previous(len(h.sessions) - 1)))}
	return h.divide(before, func(s Split) bool { return !h.newest().Before(s.Session) }).close
}

// adjustedClose returns the close of the i-th session, adjusted to the shares of the newest.
func (h history) adjustedClose(i int) int64 {
	return h.divide(bar{close: h.bar(i).close}, func(s Split) bool {
		return !s.Rewrites && h.sessions[i].Before(s.Session) && !h.newest().Before(s.Session)
	}).close
}

// coefficient returns the split coefficient of the i-th session, in ten-thousandths.
func (h history) coefficient(i int) int64 {
	for _, s := range h.splits {
		if s.Session == h.sessions[i] {
			return ratio(unit, s.New, s.Old)
		}
	}
	return unit
}

func (l listing) divide(b bar, applies func(Split) bool) bar {
	for _, s := range l.splits {
		if applies(s) {
			for _, p := range []*int64{&b.open, &b.high, &b.low, &b.close} {
				*p = ratio(*p, s.Old, s.New)
			}
			b.volume = ratio(b.volume, s.New, s.Old)
		}
	}
	return b
}

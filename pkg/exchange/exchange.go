// Package exchange knows the trading sessions of stock exchanges: which days are sessions, when each
// opens and closes, and which session was the last one completed at an instant.
//
// XNYS is exact from 2000 to 2035 as far as closures have been announced; before and after, its rules
// are extrapolated. The other exchanges follow the calendars that they published, from 2000 on; holidays
// that no rule gives are listed up to the day that KnownUntil returns, and what is estimated in a list is
// named beside it. Hours are those that were scheduled: halts, breaks for lunch, and openings delayed by a
// minute of silence, are not included.
package exchange

import (
	"slices"
	"sync"
	"time"

	// A calendar without its exchange's zone would get every close wrong, so the zones are embedded in the
	// program: it works on machines and in containers that have no zoneinfo.
	_ "time/tzdata"

	"github.com/rickar/cal/v2"
)

// Session is one day of trading.
type Session struct {
	Date        Date      // the trading day, in the exchange's own calendar
	Open, Close time.Time // in UTC; daylight saving and early closes are included
}

// Exchange is the calendar of one stock exchange. It never changes and is safe for concurrent use.
type Exchange struct {
	mic      string
	zone     *time.Location
	holidays []*cal.Holiday
	closures []Date
	weekends []Date // the sessions on a Saturday or Sunday
	listed   Date   // the last day of the list in closures; zero if the holidays follow from rules
	hours    func(Date) hours
	years    sync.Map // the sessions of a year, as []Date by int, computed once each
}

type hours struct{ open, close clock }

// clock is a time of day in the exchange's zone; 24:00 is the midnight that ends the day.
type clock struct{ hour, minute int }

// Weekdays stands in for exchanges that this package does not know: each day from Monday to Friday
// is a session, from 00:00 UTC to the next 00:00 UTC, so that none counts as completed too early
// for an exchange whose trading ends on the same day in UTC.
var Weekdays = &Exchange{
	zone:  time.UTC,
	hours: func(Date) hours { return hours{clock{0, 0}, clock{24, 0}} },
}

// MIC returns the market identifier code of ISO 10383, like "XNYS"; "" for Weekdays.
func (e *Exchange) MIC() string { return e.mic }

// KnownUntil returns the last day on which the holidays of the exchange are known: on later days a weekday
// can be taken for a session that it is not. It returns the zero Date if there is no such end.
func (e *Exchange) KnownUntil() Date { return e.listed }

// IsSession reports whether there is trading on d.
func (e *Exchange) IsSession(d Date) bool {
	_, found := slices.BinarySearchFunc(e.year(d.Year), d, Date.Compare)
	return found
}

// Session returns the session on d; false if there is none.
func (e *Exchange) Session(d Date) (Session, bool) {
	if !e.IsSession(d) {
		return Session{}, false
	}
	h := e.hours(d)
	return Session{Date: d, Open: e.at(d, h.open), Close: e.at(d, h.close)}, true
}

// LastCompleted returns the newest session whose Close is not after at.
func (e *Exchange) LastCompleted(at time.Time) Session {
	for d := DateOf(at.In(e.zone)); ; d = d.AddDays(-1) {
		if s, ok := e.Session(d); ok && !s.Close.After(at) {
			return s
		}
	}
}

// Sessions returns the trading days between from and to, both inclusive, ascending.
func (e *Exchange) Sessions(from, to Date) []Date {
	var sessions []Date
	for y := from.Year; y <= to.Year; y++ {
		days := e.year(y)
		if y == to.Year {
			end, found := slices.BinarySearchFunc(days, to, Date.Compare)
			if found {
				end++
			}
			days = days[:end]
		}
		if y == from.Year {
			start, _ := slices.BinarySearchFunc(days, from, Date.Compare)
			days = days[start:]
		}
		sessions = append(sessions, days...)
	}
	return sessions
}

// IsOpen reports whether at lies in a session, which includes its Open but not its Close.
func (e *Exchange) IsOpen(at time.Time) bool {
	s, ok := e.Session(DateOf(at.In(e.zone)))
	return ok && !at.Before(s.Open) && at.Before(s.Close)
}

func (e *Exchange) at(d Date, c clock) time.Time {
	return time.Date(d.Year, d.Month, d.Day, c.hour, c.minute, 0, 0, e.zone).UTC()
}

func (e *Exchange) year(y int) []Date {
	if days, ok := e.years.Load(y); ok {
		return days.([]Date)
	}
	days, _ := e.years.LoadOrStore(y, e.sessionsOf(y))
	return days.([]Date)
}

func (e *Exchange) sessionsOf(y int) []Date {
	closed := make(map[Date]bool)
	for _, d := range e.closures {
		closed[d] = true
	}
	for _, h := range e.holidays {
		if _, observed := h.Calc(y); !observed.IsZero() {
			closed[DateOf(observed)] = true
		}
	}
	var days []Date
	for d := (Date{y, time.January, 1}); d.Year == y; d = d.AddDays(1) {
		weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		if !weekend && !closed[d] || weekend && slices.Contains(e.weekends, d) {
			days = append(days, d)
		}
	}
	return days
}

// Package history knows what is true of the stored daily history of a ticker, as pure functions of bars.
package history

import (
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// StoredBar is a daily bar as a store holds it.
type StoredBar struct {
	marketdata.Bar           // PreviousClose is not known
	Timestamp      time.Time // the stamp of its row, in UTC
	Source         string    // the name of the provider that it came from
	FetchedAt      time.Time // when the row was last written
	Row            int64     // its key in the database
	// Incomplete says that the row has no close: the application has put the price of some moment there, which is Close, and
	// blanked all else. A row that a run has written has one, whatever else the vendor lacked.
	Incomplete bool
}

// nextSession returns the first session after a day.
func nextSession(calendar *exchange.Exchange, day exchange.Date) exchange.Date {
	for day = day.AddDays(1); !calendar.IsSession(day); {
		day = day.AddDays(1)
	}
	return day
}

// previousSession returns the last session before a day.
func previousSession(calendar *exchange.Exchange, day exchange.Date) exchange.Date {
	for day = day.AddDays(-1); !calendar.IsSession(day); {
		day = day.AddDays(-1)
	}
	return day
}

// find returns the index of the bar of a session among bars, which are ascending, or of the first after it.
func find(bars []marketdata.Bar, session exchange.Date) (i int, found bool) {
	return slices.BinarySearchFunc(bars, session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
}

// findStored is find of stored bars.
func findStored(stored []StoredBar, session exchange.Date) (i int, found bool) {
	return slices.BinarySearchFunc(stored, session, func(b StoredBar, d exchange.Date) int { return b.Session.Compare(d) })
}

// StoredOf returns the stored bar of a session, of bars that are ascending.
func StoredOf(stored []StoredBar, session exchange.Date) (bar StoredBar, found bool) {
	i, found := findStored(stored, session)
	if !found {
		return StoredBar{}, false
	}
	return stored[i], true
}

// contains reports whether sessions, which are ascending, have one.
func contains(sessions []exchange.Date, session exchange.Date) bool {
	_, found := slices.BinarySearchFunc(sessions, session, exchange.Date.Compare)
	return found
}

package refresh

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// calendarNotice is how many days ahead a run reports that the known holidays of an exchange end.
const calendarNotice = 60

// reportCalendars reports what is not known of the sessions of the tickers.
func (r *run) reportCalendars(active []ActiveTicker) {
	for _, event := range unknownCalendars(active) {
		r.observe(event)
	}
	for _, event := range endingCalendars(active, r.report.At) {
		r.observe(event)
	}
}

// CalendarNote is an exchange of active tickers each weekday of which is taken for a session, since its holidays are not
// known: soon, or if KnownUntil is zero already.
type CalendarNote struct {
	Exchange   string              `json:"exchange"` // its code, or the suffix of an exchange that is not known
	KnownUntil exchange.Date       `json:"known_until,omitzero"`
	Tickers    []marketdata.Ticker `json:"tickers"`
}

// calendarNotes returns what is not known of the sessions of the tickers.
func calendarNotes(active []ActiveTicker, at time.Time) (notes []CalendarNote) {
	for _, e := range unknownCalendars(active) {
		notes = append(notes, CalendarNote{Exchange: e.Suffix, Tickers: e.Tickers})
	}
	for _, e := range endingCalendars(active, at) {
		notes = append(notes, CalendarNote{e.MIC, e.Until, e.Tickers})
	}
	return notes
}

// unknownCalendars returns an event for each suffix whose exchange is not known.
func unknownCalendars(active []ActiveTicker) []CalendarUnknown {
	bySuffix := map[string][]marketdata.Ticker{}
	for _, a := range active {
		if !a.Ticker.HasCalendar() {
			bySuffix[a.Ticker.Suffix()] = append(bySuffix[a.Ticker.Suffix()], a.Ticker)
		}
	}
	var events []CalendarUnknown
	for _, suffix := range slices.Sorted(maps.Keys(bySuffix)) {
		events = append(events, CalendarUnknown{suffix, bySuffix[suffix]})
	}
	return events
}

// endingCalendars returns an event for each exchange whose holidays are not known for all the days of the notice.
func endingCalendars(active []ActiveTicker, at time.Time) []CalendarEnding {
	notice := exchange.DateOf(at.UTC()).AddDays(calendarNotice)
	byExchange := map[*exchange.Exchange][]marketdata.Ticker{}
	for _, a := range active {
		calendar := a.Ticker.Calendar()
		if until := calendar.KnownUntil(); !until.IsZero() && !until.After(notice) {
			byExchange[calendar] = append(byExchange[calendar], a.Ticker)
		}
	}
	var events []CalendarEnding
	for calendar, tickers := range byExchange {
		events = append(events, CalendarEnding{calendar.MIC(), calendar.KnownUntil(), tickers})
	}
	slices.SortFunc(events, func(a, b CalendarEnding) int { return cmp.Compare(a.MIC, b.MIC) })
	return events
}

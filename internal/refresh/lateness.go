package refresh

import (
	"fmt"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Lateness is what the newest answers in a row lacked, each of which had an older session than the newest completed one. It is
// zero once an answer has that one.
type Lateness struct {
	Session  exchange.Date // that the newest of them lacked
	Sessions int           // for how many sessions in a row the answers were late
	Checks   int           // answers that lacked Session
	Repeats  int           // for how many sessions in a row they had no newer bar than the stored one
}

// TickerLateness is the lateness of a ticker.
type TickerLateness struct {
	Ticker marketdata.Ticker
	Lateness
}

const (
	// stillRepeats sessions in a row with the same old bar mean that a ticker stands still: it is then asked about only every
	// stillDays.
	stillRepeats = 5
	stillDays    = 7
	// lateSessions is for how many runs in a row a ticker may be a session behind.
	lateSessions = 3
	// maxClosureDays is how long an exchange whose holidays are not known may be closed.
	maxClosureDays = 21
	// minOutage tickers, if they are most of the active ones, do not die at the same time: the provider fails.
	minOutage = 3
	// maxRetryShift bounds how often the wait between two answers that lack the same session is doubled.
	maxRetryShift = 10
)

// latenessAfter returns the lateness of a ticker once an answer has a session when another one is the newest completed. If
// holidays are not known, a closure that is not too long does not count as standing still.
func (a ActiveTicker) latenessAfter(answered, newest exchange.Date) Lateness {
	late := a.State.Late
	isNew := answered.After(a.State.LastSession)
	switch {
	case !answered.Before(newest):
		return Lateness{}
	case late.Session == newest:
		late.Checks++
	default:
		late = Lateness{newest, late.Sessions + 1, 1, late.Repeats + 1}
	}
	switch {
	case isNew:
		late.Repeats = 1
	case !a.Ticker.HasCalendar() && !answered.AddDays(maxClosureDays).Before(newest):
		late.Repeats = min(late.Repeats, stillRepeats-1)
	}
	return late
}

// retryAt returns when a session that was not out yet is to be asked for again, between two firings of the schedule: after
// an hour, then two, four and so on; the zero time if it was not asked for, or came.
func (s State) retryAt(newest exchange.Date) time.Time {
	asked := s.CheckedAt
	if s.AskedAt.After(asked) {
		asked = s.AskedAt
	}
	if s.Late.Session != newest || newest.IsZero() || asked.IsZero() || s.standsStill() {
		return time.Time{}
	}
	return s.Late.retryAt(asked)
}

func (l Lateness) retryAt(checked time.Time) time.Time {
	return checked.Add(recheckAfter << min(max(0, l.Checks-1), maxRetryShift))
}

// standsStill reports whether the vendor has had the same old bar of the ticker for so long that it is asked weekly.
func (s State) standsStill() bool { return !s.InOutage && s.Late.Repeats >= stillRepeats }

// stillNote returns what there is to say of a ticker that stands still.
func (s State) stillNote() string {
	return fmt.Sprintf("stands still since %s: asked weekly, next for the session of %s", s.LastSession, s.Late.Session.AddDays(stillDays))
}

// suspectOutage lets tickers that are unknown or stand still count as others again, and be asked about in every run, if that is all
// the provider has had to say of most of them: it is to blame then, and not the tickers.
func suspectOutage(active []ActiveTicker) {
	dead := 0
	for _, a := range active {
		if a.State.unknown() || a.State.standsStill() {
			dead++
		}
	}
	if dead < 2 || dead < len(active) && (dead < minOutage || 2*dead <= len(active)) {
		return
	}
	for i := range active {
		active[i].State.InOutage = true
	}
}

// isLate reports whether the newest session of a ticker was not out yet for a run, and is to be asked for again by a time.
func (a ActiveTicker) isLate(at time.Time) bool {
	retry := a.State.retryAt(a.Ticker.Calendar().LastCompleted(at).Date)
	return !retry.IsZero() && !retry.After(at)
}

// nextRetry returns when the first of the sessions that were not out yet is to be asked for again; the zero time if none is.
func nextRetry(active []ActiveTicker, at time.Time) time.Time {
	var first time.Time
	for _, a := range active {
		retry := a.State.retryAt(a.Ticker.Calendar().LastCompleted(at).Date)
		if !retry.IsZero() && (first.IsZero() || retry.Before(first)) {
			first = retry
		}
	}
	return first
}

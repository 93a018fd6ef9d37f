package refresh

import (
	"fmt"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const (
	// recheckAfter is how long a ticker is left alone after an answer that did not yet have the newest
	// completed session.
	recheckAfter = time.Hour
	// unknownSessions in a row make a ticker one that the provider does not know, which is then asked
	// about only every unknownDays.
	unknownSessions = 3
	unknownDays     = 7
	// maxSessionsWaited is after how many sessions at the latest a ticker has its turn, whatever the priorities
	// of the others, if there are calls enough for that. If there are not, all take turns.
	maxSessionsWaited = 8
)

// fetchedBeforeClose reports whether the stored bar of the newest session was fetched before the close: it is
// not that session's bar.
func (s State) fetchedBeforeClose(newest exchange.Session) bool {
	return s.LastSession == newest.Date && !s.FetchedAt.IsZero() && s.FetchedAt.Before(newest.Close)
}

// isIncomplete reports whether the stored bar of the newest session is incomplete and a vendor may fill it: what it has answered
// about that session so far does not say that it is pointless to ask.
func (s State) isIncomplete(newest exchange.Date, at time.Time) bool {
	return s.Incomplete && s.LastSession == newest && !s.doubts(newest) && s.skipReason(newest) == "" && !s.retryAt(newest).After(at)
}

// recentlyChecked reports whether a provider has answered lately, since the session's close.
func (s State) recentlyChecked(newest exchange.Session, at time.Time) bool {
	return !s.CheckedAt.Before(newest.Close) && !s.CheckedAt.After(at) && at.Sub(s.CheckedAt) < recheckAfter
}

// doubts reports whether the price of a session that is not stored is held, or was rejected. The next session brings another.
func (s State) doubts(session exchange.Date) bool {
	return slices.ContainsFunc(s.Held, func(h history.HeldBar) bool { return h.Session == session })
}

// newestHeld returns the newest price that waits for a decision.
func (s State) newestHeld() (history.HeldBar, bool) {
	for _, h := range slices.Backward(s.Held) {
		if h.Decision == history.Waiting {
			return h, true
		}
	}
	return history.HeldBar{}, false
}

// doubtReason returns what there is to say of the newest price that waits for a decision, or was rejected in a session from
// one on; "" if there is none.
func (s State) doubtReason(from exchange.Date) string {
	h, found := s.newestHeld()
	if n := len(s.Held); !found && n > 0 && !s.Held[n-1].Session.Before(from) {
		h, found = s.Held[n-1], true
	}
	if !found {
		return ""
	}
	return fmt.Sprintf("the price of %s (%s) is %s: %s", h.Session, marketdata.FormatPrice(h.Close), h.Decision, h.Why)
}

// skipReason returns why it is pointless to ask for the ticker when a session is the newest; "" if it is not.
func (s State) skipReason(newest exchange.Date) string {
	switch {
	case s.UnknownSessions > 0 && s.UnknownSession == newest:
		return fmt.Sprintf("the provider did not know it in the session of %s", newest)
	case s.unknown() && newest.Before(s.askAgain()), s.standsStill() && newest.Before(s.Late.Session.AddDays(stillDays)):
		return s.Note()
	default:
		return ""
	}
}

// unknown reports whether the provider has not known the ticker for so long that it is asked weekly.
func (s State) unknown() bool { return !s.InOutage && s.UnknownSessions >= unknownSessions }

func (s State) askAgain() exchange.Date { return s.UnknownSession.AddDays(unknownDays) }

// Note returns what there is to say of a ticker that its sessions do not show; "" if there is nothing.
func (s State) Note() string {
	switch {
	case s.standsStill():
		return s.stillNote()
	case !s.unknown():
		return ""
	}
	return fmt.Sprintf("unknown to the provider for %d sessions: asked weekly, next for the session of %s", s.UnknownSessions, s.askAgain())
}

// SessionsBehind returns how many sessions of the ticker's exchange were completed by a time and have no daily
// price yet, after the newest that has one. It is 1 if nothing is stored, since a run would fetch just
// one, as long as the ticker has yet to have its turn or has only had it during a session; and
// maxSessionsWaited (8) once a provider was asked and had nothing, or as many sessions have passed since it was first seen
// active, so that a ticker without a price does not pass for one that is nearly fresh. It is 0 for a ticker that the
// provider does not know, or that stands still: Note says so; and for one of an exchange whose holidays are not known, once
// the provider has answered since what may be a session, unless the stored one is too old for a holiday.
func SessionsBehind(a ActiveTicker, at time.Time) int {
	calendar := a.Ticker.Calendar()
	newest := calendar.LastCompleted(at)
	nothing, unanswered := a.State.LastSession.IsZero(), a.State.AskedAt.After(a.State.CheckedAt)
	switch {
	case a.State.unknown(), a.State.standsStill():
		return 0
	case a.mayBeClosed(newest):
		return 0
	case nothing && (unanswered || sessionsActive(a, at) >= maxSessionsWaited):
		return maxSessionsWaited
	case nothing, a.State.fetchedBeforeClose(newest):
		return 1
	default:
		return len(calendar.Sessions(a.State.LastSession.AddDays(1), newest.Date))
	}
}

// mayBeClosed reports whether there may have been no newer session than the stored one: nobody knows the holidays of the exchange,
// and the provider has answered since the close.
func (a ActiveTicker) mayBeClosed(newest exchange.Session) bool {
	return !a.Ticker.HasCalendar() && !a.State.LastSession.IsZero() && !a.State.CheckedAt.Before(newest.Close) &&
		!a.State.LastSession.AddDays(maxClosureDays).Before(newest.Date)
}

// sessionsActive returns how many sessions were completed since the ticker was first seen active, at most maxSessionsWaited; 0 if
// that is not known.
func sessionsActive(a ActiveTicker, at time.Time) int {
	if a.State.FirstActiveAt.IsZero() {
		return 0
	}
	calendar := a.Ticker.Calendar()
	first := calendar.LastCompleted(a.State.FirstActiveAt).Date
	return min(maxSessionsWaited, len(calendar.Sessions(first.AddDays(1), calendar.LastCompleted(at).Date)))
}

// sessionsWaited returns how many sessions were completed since the ticker had its turn, at most
// maxSessionsWaited.
func sessionsWaited(a ActiveTicker, at time.Time) int {
	calendar := a.Ticker.Calendar()
	last := lastTurn(a)
	if last.IsZero() {
		return maxSessionsWaited
	}
	return min(maxSessionsWaited, len(calendar.Sessions(last.AddDays(1), calendar.LastCompleted(at).Date)))
}

// lastTurn returns the session that was the newest when the ticker had its turn; the zero Date if it never had.
func lastTurn(a ActiveTicker) exchange.Date {
	last := a.State.LastSession
	if !a.State.AskedAt.IsZero() {
		if asked := a.Ticker.Calendar().LastCompleted(a.State.AskedAt).Date; asked.After(last) {
			last = asked
		}
	}
	return last
}

// ActiveTicker is a ticker whose prices are kept warm, and why.
type ActiveTicker struct {
	Ticker       marketdata.Ticker
	Sources      []Source // in the order watchlist, transactions, holdings; at least one
	Priority     int      // of the watchlist, or DefaultPriority
	LastTradedAt time.Time
	State        State
}

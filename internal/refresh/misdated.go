package refresh

import (
	"context"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// clockTolerance is how far the clocks of all who write to a database may be apart.
const clockTolerance = 10 * time.Minute

// Latest returns the latest time that a record may have when it is now at a time, which can be one of the past: what has really
// been done since then is not of the future.
func Latest(at time.Time) time.Time {
	if now := time.Now(); now.After(at) {
		at = now
	}
	return at.Add(clockTolerance)
}

// Misdated are records of the future, which a clock that was wrong has left, or a run with another time than now. They are
// ignored.
type Misdated struct {
	Kind    string              `json:"kind"`
	At      time.Time           `json:"at"` // of the latest of them
	Tickers []marketdata.Ticker `json:"tickers,omitempty"`
}

// The kinds of records.
const (
	MisdatedRuns   = "runs"
	MisdatedChecks = "checks" // when vendors were asked about tickers, or answered
	MisdatedHold   = "hold"   // no call before it
	MisdatedCalls  = "calls"
	MisdatedLimits = "learned_limits"
)

func (m *Misdated) add(at time.Time) {
	if at.After(m.At) {
		m.At = at.UTC()
	}
}

// MisdatedStates returns which of the tickers have states that were recorded in the future, if any.
func MisdatedStates(tickers []ActiveTicker) []Misdated {
	checks := Misdated{Kind: MisdatedChecks}
	for _, a := range tickers {
		if !a.State.MisdatedAt.IsZero() {
			checks.add(a.State.MisdatedAt)
			checks.Tickers = append(checks.Tickers, a.Ticker)
		}
	}
	return found(checks)
}

// MisdatedAccount returns what of the account of a key was recorded in the future, if anything.
func MisdatedAccount(account quota.Account) []Misdated {
	hold, calls, limits := Misdated{Kind: MisdatedHold}, Misdated{Kind: MisdatedCalls}, Misdated{Kind: MisdatedLimits}
	if until := account.Misdated.HeldUntil; !until.IsZero() {
		hold.add(until)
	}
	for _, call := range account.Misdated.Calls {
		calls.add(call.From)
	}
	for _, learned := range account.Misdated.Learned {
		limits.add(learned.At)
	}
	return found(hold, calls, limits)
}

func found(all ...Misdated) (some []Misdated) {
	for _, m := range all {
		if !m.At.IsZero() {
			some = append(some, m)
		}
	}
	return some
}

// LastRun returns Store.LastRun of the runs of all active tickers that is not of the future at a time, and the newest one that is.
func LastRun(ctx context.Context, store interface {
	LastRun(ctx context.Context, job string, by time.Time) (time.Time, error)
}, at time.Time,
) (last time.Time, misdated []Misdated, err error) {
	latest := Latest(at)
	last, err = store.LastRun(ctx, JobName, time.Time{})
	if err != nil || !last.After(latest) {
		return last, nil, err
	}
	misdated = []Misdated{{Kind: MisdatedRuns, At: last.UTC()}}
	last, err = store.LastRun(ctx, JobName, latest)
	return last, misdated, err
}

// believed returns the state without what was recorded after a time. Its bar may then be one that was fetched before the close.
func (s State) believed(calendar *exchange.Exchange, latest time.Time) State {
	note := func(t time.Time) {
		if t.After(s.MisdatedAt) {
			s.MisdatedAt = t
		}
	}
	believe := func(t *time.Time, otherwise time.Time) {
		if t.After(latest) {
			note(*t)
			*t = otherwise
		}
	}
	believe(&s.CheckedAt, time.Time{})
	believe(&s.AskedAt, time.Time{})
	believe(&s.FirstActiveAt, time.Time{})
	believe(&s.FetchedAt, s.LastSession.In(time.UTC))
	newest := calendar.LastCompleted(latest).Date
	if s.UnknownSession.After(newest) {
		note(s.UnknownSession.In(time.UTC))
		s.UnknownSession, s.UnknownSessions = exchange.Date{}, 0
	}
	if s.Late.Session.After(newest) {
		note(s.Late.Session.In(time.UTC))
		s.Late = Lateness{}
	}
	return s
}

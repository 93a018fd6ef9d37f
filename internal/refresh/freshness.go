package refresh

import (
	"cmp"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

const (
	// maxStalest tickers are reported, each with its maxCloses last closes.
	maxStalest = 5
	maxCloses  = 20
)

// Freshness is how many tickers have the newest session of their exchange.
type Freshness struct {
	Session exchange.Date `json:"session"` // the newest completed one of the US exchanges
	Active  int           `json:"active"`
	Fresh   int           `json:"fresh"`
	Due     int           `json:"due"` // a run begun now would fetch them
	// Incomplete counts those whose newest bar the application has blanked.
	Incomplete int `json:"incomplete,omitempty"`
	// Unpublished counts those of which the provider did not have the newest session yet when it was asked.
	Unpublished int                 `json:"unpublished,omitempty"`
	Inactive    []marketdata.Ticker `json:"inactive_holdings,omitempty"` // what portfolios hold and no run fetches
	Stalest     []StaleTicker       `json:"stale"`                       // at most maxStalest, the stalest first
}

// StaleTicker is a ticker that does not have the newest session.
type StaleTicker struct {
	Ticker      marketdata.Ticker `json:"ticker"`
	LastSession exchange.Date     `json:"last_session,omitzero"`
	Behind      int               `json:"sessions_behind,omitempty"` // 0 if nothing is stored
	Closes      []string          `json:"closes,omitempty"`          // the last ones, the oldest first
}

func (in HealthInputs) freshness() Freshness {
	f := Freshness{Session: exchange.XNYS.LastCompleted(in.At).Date, Active: len(in.Active), Stalest: []StaleTicker{}}
	var stale []ActiveTicker
	for _, a := range in.Active {
		f.count(a, in.At)
		if SessionsBehind(a, in.At) > 0 {
			stale = append(stale, a)
		}
	}
	f.Inactive = in.inactiveHoldings()
	sortStalest(stale, in.At)
	for _, a := range stale[:min(maxStalest, len(stale))] {
		s := StaleTicker{Ticker: a.Ticker, LastSession: a.State.LastSession}
		if !s.LastSession.IsZero() {
			s.Behind = SessionsBehind(a, in.At)
		}
		f.Stalest = append(f.Stalest, s)
	}
	return f
}

// count counts an active ticker.
func (f *Freshness) count(a ActiveTicker, at time.Time) {
	newest := a.Ticker.Calendar().LastCompleted(at).Date
	isBehind := SessionsBehind(a, at) > 0
	outcome := updateWant(a, at, false).Outcome
	if outcome == OutcomePlanned {
		f.Due++
	}
	if outcome != OutcomeSkipped && !isBehind {
		f.Fresh++
	}
	if isBehind && a.State.Late.Session == newest {
		f.Unpublished++
	}
	if a.State.isIncomplete(newest, at) {
		f.Incomplete++
	}
}

// inactiveHoldings returns what portfolios hold and is not active.
func (in HealthInputs) inactiveHoldings() []marketdata.Ticker {
	active := map[marketdata.Ticker]bool{}
	for _, a := range in.Active {
		active[a.Ticker] = true
	}
	var inactive []marketdata.Ticker
	for _, a := range in.Holdings {
		if !active[a.Ticker] {
			inactive = append(inactive, a.Ticker)
		}
	}
	return inactive
}

func sortStalest(tickers []ActiveTicker, at time.Time) {
	slices.SortFunc(tickers, func(a, b ActiveTicker) int {
		return cmp.Or(
			cmp.Compare(SessionsBehind(b, at), SessionsBehind(a, at)),
			a.State.LastSession.Compare(b.State.LastSession),
			a.Ticker.Compare(b.Ticker),
		)
	})
}

// AddCloses adds the last closes of the stalest tickers, whose bars are ascending.
func (h *Health) AddCloses(bars map[marketdata.Ticker][]history.StoredBar) {
	for i := range h.Freshness.Stalest {
		s := &h.Freshness.Stalest[i]
		stored := bars[s.Ticker]
		for _, bar := range stored[max(0, len(stored)-maxCloses):] {
			s.Closes = append(s.Closes, marketdata.FormatPrice(bar.Close))
		}
	}
}

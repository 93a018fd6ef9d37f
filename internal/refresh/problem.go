package refresh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"papertrade/pkg/marketdata"
)

// maxNamed tickers are named in a line.
const maxNamed = 5

// Problem is something that should not be.
type Problem struct {
	Kind    string              `json:"kind"`
	Message string              `json:"message"`
	Tickers []marketdata.Ticker `json:"tickers,omitempty"`
	// Disabled says that no run is due, so that one is missing.
	Disabled bool `json:"-"`
}

// The kinds of problems.
const (
	RunFailed     = "run_failed"     // the last run of all active tickers
	RunMissing    = "run_missing"    // since the schedule has fired
	StaleTickers  = "stale_tickers"  // are more sessions behind than is tolerated
	HeldPrices    = "held_prices"    // wait for a decision
	LateTickers   = "late_tickers"   // have been behind for some sessions in a row
	DeadHoldings  = "dead_holdings"  // that a portfolio has, and that get no prices any more
	PendingSplits = "pending_splits" // the stored histories of active tickers lack
)

// evaluateRuns finds what is wrong with the runs of all active tickers.
func (h *Health) evaluateRuns(in HealthInputs, scheduled []Run) {
	if last, ended := lastEnded(scheduled); ended && last.failed && !in.isMadeUpFor(last) {
		text := fmt.Sprintf("the last run, of %s, %s", last.StartedAt.Format(time.RFC3339), last.failure())
		if last.Error != "" {
			text += ": " + last.Error
		}
		h.Problems = append(h.Problems, Problem{Kind: RunFailed, Message: text})
	}
	since, missing := in.missing(scheduled)
	if !missing {
		return
	}
	text := "no run of all active tickers has finished yet"
	if !since.IsZero() {
		text = "no run of all active tickers has finished since one was due at " + since.Format(time.RFC3339)
	}
	if !in.Disabled && len(scheduled) > 0 {
		text += scheduled[0].delay()
	}
	h.Problems = append(h.Problems, Problem{Kind: RunMissing, Message: text, Disabled: in.Disabled})
}

// isMadeUpFor reports whether a run found no call left, and nothing is lost: another one has succeeded since the schedule fired.
func (in HealthInputs) isMadeUpFor(run Run) bool {
	_, isDue := due(in.Schedule, in.LastSuccess, run.StartedAt)
	return run.Status == Deferred && !isDue
}

// evaluateTickers finds the active tickers that are more than in.MaxStale sessions behind those that were
// completed by a time.
func (h *Health) evaluateTickers(in HealthInputs, by time.Time) {
	var stale []ActiveTicker
	for _, a := range in.Active {
		if a.isStale(by, in.MaxStale) {
			stale = append(stale, a)
		}
	}
	if len(stale) == 0 {
		return
	}
	sortStalest(stale, by)
	p := Problem{Kind: StaleTickers}
	var named []string
	for _, a := range stale {
		p.Tickers = append(p.Tickers, a.Ticker)
		what := cmp.Or(a.State.LastSession.String(), "nothing is stored")
		if a.State.UnknownSessions > 0 {
			what += ", the provider does not know it"
		}
		named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, what))
	}
	behind := "behind"
	if in.MaxStale > 0 {
		behind = "more than " + countOf(in.MaxStale, "session") + " behind"
	}
	p.Message = fmt.Sprintf("%d of %s %s %s: %s", len(stale), countOf(len(in.Active), "active ticker"), verb(len(stale), "is", "are"),
		behind, firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateLate finds the tickers that were behind after each of some runs in a row, and still are behind the sessions that were
// completed by a time, however few sessions that is.
func (h *Health) evaluateLate(in HealthInputs, by time.Time) {
	p := Problem{Kind: LateTickers}
	var named []string
	for _, a := range in.Active {
		if by.IsZero() || a.State.Late.Sessions < lateSessions || !a.isBehind(by) || a.isStale(by, in.MaxStale) {
			continue
		}
		p.Tickers = append(p.Tickers, a.Ticker)
		named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, a.State.LastSession))
	}
	if len(named) == 0 {
		return
	}
	p.Message = fmt.Sprintf("%d of %s %s been behind for %d sessions in a row or more, since the vendor publishes late: %s", len(named),
		countOf(len(in.Active), "active ticker"), verb(len(named), "has", "have"), lateSessions, firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// isBehind reports whether a ticker is behind the sessions that were completed by a time. If the holidays of its exchange are not
// known, it is if the newest answer had a new session, though an older one.
func (a ActiveTicker) isBehind(by time.Time) bool {
	isClosed := a.State.Late.Repeats > 1 || a.State.Late.Session != a.Ticker.Calendar().LastCompleted(by).Date
	return SessionsBehind(a, by) > 0 || !a.Ticker.HasCalendar() && !isClosed
}

// evaluateHoldings finds what portfolios hold and the provider does not know, or has had nothing new of for long.
func (h *Health) evaluateHoldings(in HealthInputs) {
	p := Problem{Kind: DeadHoldings}
	var named []string
	for _, a := range in.Holdings {
		if note := a.State.Note(); note != "" {
			p.Tickers = append(p.Tickers, a.Ticker)
			named = append(named, fmt.Sprintf("%s (%s)", a.Ticker, note))
		}
	}
	if len(named) == 0 {
		return
	}
	p.Message = fmt.Sprintf("%s that a portfolio holds %s no prices: %s", countOf(len(named), "ticker"), verb(len(named), "gets", "get"),
		firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateHeld finds the prices that wait for a decision.
func (h *Health) evaluateHeld() {
	if len(h.Held) == 0 {
		return
	}
	p := Problem{Kind: HeldPrices}
	var named []string
	for _, held := range h.Held {
		p.Tickers = append(p.Tickers, held.Ticker)
		named = append(named, fmt.Sprintf("%s (%s)", held.Ticker, held.Session))
	}
	p.Tickers = slices.Compact(p.Tickers)
	n := len(named)
	p.Message = fmt.Sprintf("%s may be wrong: %s", countOf(n, "held price"), firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// evaluateSplits finds the splits that stored histories lack.
func (h *Health) evaluateSplits() {
	if len(h.Splits) == 0 {
		return
	}
	p := Problem{Kind: PendingSplits}
	var named []string
	for _, split := range h.Splits {
		p.Tickers = append(p.Tickers, split.Ticker)
		named = append(named, fmt.Sprintf("%s %s (%s)", split.Ticker, split.Ratio, split.Session))
	}
	p.Tickers = slices.Compact(p.Tickers)
	p.Message = fmt.Sprintf("%s %s pending, %s", countOf(len(named), "split"), verb(len(named), "is", "are"), firstNamed(named))
	h.Problems = append(h.Problems, p)
}

// firstNamed returns the first of some names, and how many more there are.
func firstNamed(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		names = append(slices.Clone(names[:maxNamed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

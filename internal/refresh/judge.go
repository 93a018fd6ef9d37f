package refresh

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// answered is an item with its answer, and what is stored of the sessions that the answer is about.
type answered struct {
	*Item
	answer
	row      *TickerReport
	provider string // the name of the one that answered
	stored   []history.StoredBar
}

// verdict is what is to be written of an answer, and what is to be reported once it is written.
type verdict struct {
	*Item
	row      TickerReport
	prices   []Price
	findings []Finding
	failures []Failure
	tasks    []TaskResult
	split    *history.Split  // detected by this answer
	repaired []exchange.Date // those of prices whose open, high and low were dropped
	err      error           // why the ticker failed
	result   history.Result  // of a goal of the past
}

// judge decides what becomes of an answer. at is the time of the run, by which sessions were wanted, and now
// that of the commit.
func judge(a answered, at, now time.Time) verdict {
	v := verdict{Item: a.Item, row: *a.row}
	switch {
	case a.err != nil && isDeferral(a.err):
		v.row.postpone(a.err)
		return v
	case a.err != nil:
		v.fail(a.err)
		if a.attempted {
			v.failures = []Failure{newFailure(a.Ticker, a.err, now)}
		}
	default:
		v.row.Status, v.row.Reason = OutcomeRefreshed, ""
		if a.Goal.isOfPast() {
			v.backfill(a, at, now)
		} else {
			v.update(a, now)
		}
	}
	for i := range v.prices {
		if price := &v.prices[i]; has(a.repaired, price.Bar.Session) {
			price.ClearRange = true // what the row has can contradict the new close
			v.repaired = append(v.repaired, price.Bar.Session)
		}
	}
	v.tasks = v.taskResults(now, a.err == nil || a.conclusive)
	return v
}

func (v *verdict) fail(err error) {
	v.err = err
	v.row.fail(err)
}

// update collects the newest bars of an answer.
func (v *verdict) update(a answered, now time.Time) {
	bars := a.bars
	newest := bars
	if a.route.capability.Kind != marketdata.Quotes {
		if !a.route.capability.Adjusted {
			bars, _ = history.Adjust(bars, history.Rebased(a.State.Splits))
		}
		newest = history.Newer(bars, a.State.LastSession, a.Ticker.Calendar().LastCompleted(now).Date)
	}
	for _, bar := range newest {
		v.prices = append(v.prices, newPrice(bar, a.provider, now))
	}
	if s, found := detectSplit(a, bars); found {
		v.findings = []Finding{{Ticker: a.Ticker, Splits: []history.Split{s}}}
		v.reportSplit(s)
	}
	if invalid := a.invalidAmong(a.Sessions); len(invalid) > 0 {
		v.fail(fmt.Errorf("fetch %s: %w", a.Ticker, invalid[len(invalid)-1].Err))
	}
}

// invalidAmong returns the invalid bars of sessions, which are ascending.
func (a answer) invalidAmong(sessions []exchange.Date) []marketdata.InvalidBar {
	return slices.DeleteFunc(slices.Clone(a.invalid), func(bar marketdata.InvalidBar) bool { return !has(sessions, bar.Session) })
}

func (v *verdict) reportSplit(s history.Split) { v.split, v.row.Split = &s, reportSplit(s) }

// knowsPreviousClose reports whether the answer is one bar that brings the close of the session before.
func (a answer) knowsPreviousClose() bool { return len(a.bars) == 1 && a.bars[0].PreviousClose.Valid }

// detectSplit returns the split that an answer shows to be lacking in the stored history.
func detectSplit(a answered, bars []marketdata.Bar) (history.Split, bool) {
	if a.State.LastSession.IsZero() {
		return history.Split{}, false // nothing that is stored is from before a split
	}
	calendar, rebased := a.Ticker.Calendar(), history.Rebased(a.State.Splits)
	s, found := history.Split{}, false
	switch {
	case a.knowsPreviousClose():
		s, found = history.DetectByPreviousClose(a.stored, bars[0], rebased, calendar)
	case a.route.capability.Kind != marketdata.Quotes:
		s, found = history.DetectSplit(a.stored, bars, rebased, nil, calendar)
	}
	if found {
		return s, true
	}
	return history.DetectLevel(history.Join(a.stored, bars), a.State.LastSession.AddDays(1), a.State.Splits, nil)
}

// backfill collects from an answer what is wanted of the past.
func (v *verdict) backfill(a answered, at, now time.Time) {
	calendar := a.Ticker.Calendar()
	invalid := a.invalidAmong(a.Sessions)
	sessions := sessionsWithout(a.Sessions, invalid)
	if len(sessions) == 0 {
		v.fail(fmt.Errorf("fetch %s: %w", a.Ticker, invalid[len(invalid)-1].Err))
		return
	}
	request := history.Request{
		Sessions: sessions, Completed: calendar.LastCompleted(at).Date, Splits: a.State.Splits,
		Overwrite: a.Goal == Overwrite, Rebase: a.Goal == Rebase,
	}
	got := history.Fill(request, history.Series{Bars: a.bars, Since: a.since, Adjusted: a.route.capability.Adjusted}, a.stored, calendar)
	if s := got.Refused; s != nil {
		v.fail(fmt.Errorf("%w: a single bar is all that shows the %s split at %s: nothing was changed", errDoubtful, s, s.Session))
		return
	}
	for _, write := range got.Writes {
		price := newPrice(write.Bar, a.provider, now)
		price.Backfill, price.Keep, price.Row = true, write.Keep, write.Row
		v.prices = append(v.prices, price)
	}
	finding := Finding{Ticker: a.Ticker, FirstSession: got.FirstSession, Absent: got.Absent}
	if got.SplitsChanged {
		finding.ForgetSplits, finding.Splits = true, got.Splits
		v.row.Split = pendingSplit(got.Splits)
	}
	v.findings, v.result = []Finding{finding}, got
	v.row.Reason, v.row.OutOfReach, v.row.Absent = leftOver(got, invalid, a.Sessions[0]), len(got.Unreachable), len(got.Absent)
	if got.Detected != nil {
		v.reportSplit(*got.Detected)
	}
}

// sessionsWithout returns the sessions that have no invalid bar: of the others nothing is known, and they stay wanted.
func sessionsWithout(sessions []exchange.Date, invalid []marketdata.InvalidBar) []exchange.Date {
	return slices.DeleteFunc(slices.Clone(sessions), func(d exchange.Date) bool {
		return slices.ContainsFunc(invalid, func(bar marketdata.InvalidBar) bool { return bar.Session == d })
	})
}

// leftOver returns what became of the sessions that were wanted, the first one among them, and are not stored.
func leftOver(got history.Result, invalid []marketdata.InvalidBar, first exchange.Date) string {
	var parts []string
	if n := len(invalid); n > 0 {
		last := invalid[n-1]
		parts = append(parts, fmt.Sprintf("%s whose bar cannot be right (%s: %v)", countSessions(n), last.Session, last.Err))
	}
	if n := len(got.Unreachable); n > 0 {
		parts = append(parts, outOfReach(n))
	}
	if n := len(got.Absent); n > 0 {
		parts = append(parts, countSessions(n)+" that the provider does not have")
	}
	if n := len(got.Unpublished); n > 0 {
		parts = append(parts, countSessions(n)+" not out yet")
	}
	if first.Before(got.FirstSession) {
		parts = append(parts, "the provider's first is "+got.FirstSession.String())
	}
	return strings.Join(parts, "; ")
}

// newFailure returns what is kept of a ticker that a provider had nothing of.
func newFailure(ticker marketdata.Ticker, err error, at time.Time) Failure {
	f := Failure{Ticker: ticker, AskedAt: at}
	if errors.Is(err, marketdata.ErrUnknownTicker) {
		f.UnknownIn = ticker.Calendar().LastCompleted(at).Date
	}
	return f
}

// unpublished returns the newest completed session of the ticker's exchange, if a price was stored and is of an
// older one.
func (v verdict) unpublished(now time.Time) (newest exchange.Date, late bool) {
	newest = v.Ticker.Calendar().LastCompleted(now).Date
	return newest, v.row.Status == OutcomeRefreshed && !v.Goal.isOfPast() && v.row.Session.Before(newest)
}

// newPrice returns a bar as it is stored: the close of a completed session, or the price of the moment while
// the session is under way, which must never pass for its close.
func newPrice(bar marketdata.Bar, provider string, now time.Time) Price {
	p := Price{Bar: bar, Timestamp: DailyStamp(bar.Session), Source: provider, Interval: IntervalDaily, FetchedAt: now}
	if bar.Session.After(bar.Ticker.Calendar().LastCompleted(now).Date) {
		p.Interval, p.Timestamp = IntervalRealTime, now
	}
	return p
}

// DailyStamp returns the time that the application stores a daily bar under: 21:00 UTC of its trading day.
func DailyStamp(session exchange.Date) time.Time {
	return session.In(time.UTC).Add(21 * time.Hour)
}

// taskResults returns what became of the tasks that the item of a verdict is for.
func (v verdict) taskResults(now time.Time, turn bool) []TaskResult {
	return v.Item.taskResults(v.row, v.result.Unreachable, v.result.Unpublished, now, turn)
}

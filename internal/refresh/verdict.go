package refresh

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// answered is an item with its answer, and what is stored of the sessions that the answer is about.
type answered struct {
	*Item
	answer
	row        *TickerReport
	provider   string                // the name of the one that answered
	capability marketdata.Capability // that brought the bars
	maxMove    decimal.Decimal       // as history.Around has it
	isForced   bool                  // what is stored of the sessions is to be replaced
	// readableOnly says that no price is to be stored that the application cannot read.
	readableOnly bool
	stored       []history.StoredBar
	held         []history.HeldBar // of the ticker, decided ones too
	splits       []history.Split   // of the vendor's table, if it was asked
	quote        *marketdata.Bar   // whose place a series has taken, to settle a doubt about it
	notes        []string          // why nothing could settle a doubt
	// wantDecisions is as Job has it.
	wantDecisions bool
}

// verdict is what is to be written of an answer, and what is to be reported once it is written.
type verdict struct {
	*Item
	row      TickerReport
	began    time.Time // when the call began that brought the answer
	prices   []Price
	findings []Finding
	failures []Failure
	held     []history.HeldBar
	late     *Lateness // if it is another one than before
	tasks    []TaskResult
	events   []Event
	// decisions are those about single bars, if anybody wants to know.
	decisions []BarDecided
	split     *history.Split   // detected by this answer
	doubt     *history.HeldBar // the one of held that has failed the ticker
	// isUnsettled says that a series would show whether the quote or what is stored before it is wrong.
	isUnsettled bool
	// mayBeSplit says that the vendor's table of splits would show whether a move between bars of a series is one.
	mayBeSplit bool
	err        error          // why the ticker failed
	result     history.Result // of a goal of the past
}

// isSeries reports whether one answer about a span of sessions brought the bars.
func (a answered) isSeries() bool { return a.capability.Kind == marketdata.History }

// around returns what the bars of an answer are judged by, which are all of it on the scale of what is stored.
func (a answered) around(bars []marketdata.Bar) history.Around {
	around := history.Around{
		MaxMove: a.maxMove, Calendar: a.Ticker.Calendar(), Stored: a.stored, Held: a.held, Splits: slices.Concat(a.State.Splits, a.splits),
		IsForced: a.isForced,
	}
	if a.isSeries() {
		around.Series = bars
	}
	if a.quote != nil {
		around.Quoted = decimal.NewNullDecimal(a.quote.Close)
	}
	return around
}

// invalidAmong returns the invalid bars of sessions, which are ascending.
func (a answer) invalidAmong(sessions []exchange.Date) []marketdata.InvalidBar {
	return slices.DeleteFunc(slices.Clone(a.invalid), func(bar marketdata.InvalidBar) bool { return !has(sessions, bar.Session) })
}

// hasBar reports whether one of bars, which are ascending, is of a session.
func hasBar(bars []marketdata.Bar, session exchange.Date) bool {
	_, found := slices.BinarySearchFunc(bars, session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
	return found
}

func (v *verdict) fail(err error) {
	v.err = err
	v.row.fail(err)
}

// newFailure returns what is kept of a ticker that a provider had nothing of.
func newFailure(ticker marketdata.Ticker, err error, at time.Time) Failure {
	f := Failure{Ticker: ticker, AskedAt: at}
	if errors.Is(err, marketdata.ErrUnknownTicker) {
		f.UnknownIn = ticker.Calendar().LastCompleted(at).Date
	}
	return f
}

// unpublished returns the newest session of the ticker's exchange that was completed when it was asked, if a price was
// stored and is of an older one.
func (v verdict) unpublished() (newest exchange.Date, late bool) {
	newest = v.Ticker.Calendar().LastCompleted(v.began).Date
	return newest, v.row.Status == OutcomeRefreshed && v.Goal == Update && v.row.Session.Before(newest)
}

// newPrice returns a bar as it is stored: the close of a session that was completed when the call began that brought it,
// or the price of the moment while the session was under way, which must never pass for its close.
func newPrice(bar marketdata.Bar, provider string, began time.Time) Price {
	p := Price{Bar: bar, Timestamp: DailyStamp(bar.Session), Source: provider, Interval: IntervalDaily, FetchedAt: began}
	if bar.Session.After(bar.Ticker.Calendar().LastCompleted(began).Date) {
		p.Interval, p.Timestamp = IntervalRealTime, began
	}
	return p
}

// DailyStamp returns the time that the application stores a daily bar under: 21:00 UTC of its trading day.
func DailyStamp(session exchange.Date) time.Time {
	return session.In(time.UTC).Add(21 * time.Hour)
}

// taskResults returns what became of the tasks that the item of a verdict is for.
func (v verdict) taskResults(now time.Time, turn bool) []TaskResult {
	lacking := unfilled{unreachable: v.result.Unreachable, awaited: v.awaited}
	for _, session := range v.result.Unpublished {
		if v.canStillCome(session) {
			lacking.awaited = append(slices.Clone(lacking.awaited), session)
		} else {
			lacking.lost = append(lacking.lost, session)
		}
	}
	return v.Item.taskResults(v.row, lacking, now, turn)
}

// canStillCome reports whether a session that an answer lacks is waited for: no later one is out, and few were completed since.
func (v verdict) canStillCome(session exchange.Date) bool {
	bars, calendar := v.result.Bars, v.Ticker.Calendar()
	isNewest := len(bars) == 0 || bars[len(bars)-1].Session.Before(session)
	return isNewest && len(calendar.Sessions(session.AddDays(1), calendar.LastCompleted(v.began).Date)) < lateSessions
}

// warn reports what is odd about a bar that is stored.
func (v *verdict) warn(j history.Judgement) {
	if j.Why != "" {
		v.events = append(v.events, BarJudged{v.Ticker, j})
		v.addReason(explain(j))
	}
}

// explain returns what is odd about a bar, and what speaks for and against it, in one line.
func explain(j history.Judgement) string {
	return strings.Join(append([]string{j.Why}, j.Evidence...), "; ")
}

// addReason adds what else there is to say of the ticker.
func (v *verdict) addReason(text string) {
	if v.row.Reason != "" {
		text = v.row.Reason + "; " + text
	}
	v.row.Reason = text
}

// reject records that a bar is wrong, so that it is known when a vendor repeats it.
func (v *verdict) reject(a answered, j history.Judgement) {
	isRecorded := slices.ContainsFunc(a.held, func(h history.HeldBar) bool {
		return h.Session == j.Bar.Session && h.Decision == history.Rejected && h.Close.Equal(j.Bar.Close)
	})
	if isRecorded {
		return
	}
	h := a.heldBar(j, history.Rejected)
	h.DecidedAt = a.began
	v.held = append(v.held, h)
	v.events = append(v.events, BarJudged{v.Ticker, j})
}

// heldBar returns a judged bar as it is kept beside the history.
func (a answered) heldBar(j history.Judgement, decision history.Decision) history.HeldBar {
	return history.HeldBar{
		Bar: j.Bar, Source: a.provider, FetchedAt: a.began, Why: j.Why, Evidence: slices.Concat(j.Evidence, a.notes), Decision: decision,
	}
}

// failHeld fails a ticker whose newest bar is held.
func (v *verdict) failHeld(a answered, j history.Judgement) {
	h := a.heldBar(j, history.Waiting)
	v.doubt = &h
	v.failDoubtful(a, fmt.Sprintf("the price of %s is held: %s", h.Session, strings.Join(append([]string{h.Why}, h.Evidence...), "; ")))
	v.row.Held = reportHeld(h)
}

// failDoubtful fails a ticker that a provider has answered.
func (v *verdict) failDoubtful(a answered, text string) {
	if v.err == nil {
		v.failures = append(v.failures, Failure{Ticker: a.Ticker, AskedAt: a.began})
		v.findings = append(v.findings, Finding{Ticker: a.Ticker}) // it is known
	}
	v.fail(doubtError(text))
}

// decide collects what was decided about held bars, and returns the accepted ones: they are stored, late.
func (v *verdict) decide(a answered, decided []history.HeldBar) (accepted []marketdata.Bar) {
	for _, h := range decided {
		h.DecidedAt = a.began
		v.held = append(v.held, h)
		v.events = append(v.events, HeldDecided{h})
		v.addReason(fmt.Sprintf("the held price of %s (%s) is %s", h.Session, marketdata.FormatPrice(h.Close), h.Decision))
		if v.row.Held != nil && v.row.Held.Session == h.Session {
			v.row.Held = nil
		}
		if h.Decision != history.Accepted {
			continue
		}
		accepted = append(accepted, h.Bar)
		stored, isStored := history.StoredOf(a.stored, h.Session)
		isWritten := slices.ContainsFunc(v.prices, func(p Price) bool { return p.Bar.Session == h.Session })
		if isWritten || isStored && (stored.Source == history.ManualSource || !stored.Incomplete && !stored.DiffersFrom(h.Bar)) {
			continue
		}
		price := newPrice(h.Bar, h.Source, h.FetchedAt)
		price.Backfill, price.Row = true, stored.Row
		v.prices = append(v.prices, price)
	}
	return accepted
}

func (v *verdict) reportSplit(s history.Split) { v.split, v.row.Split = &s, reportSplit(s) }

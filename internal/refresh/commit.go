package refresh

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// barsACommit bounds a transaction: each is over soon, so that others wait for it no longer, and an
// interruption loses no more.
const barsACommit = 5000

// commitParts commits the answers of a batch in one transaction, or in several where series are long.
func (e *execution) commitParts(ctx context.Context, whole []answer, rows map[marketdata.Ticker]*TickerReport, report *Report) (committed bool, err error) {
	for answers := whole; len(answers) > 0; {
		part, bars := 0, 0
		for part < len(answers) && (part == 0 || bars+len(answers[part].bars) <= barsACommit) {
			bars += len(answers[part].bars)
			part++
		}
		if e.begun.Err() != nil {
			return committed, context.Cause(ctx)
		}
		done, err := e.commit(answers[:part], whole, rows, report)
		committed = committed || done
		if err != nil && ctx.Err() != nil {
			return committed, context.Cause(ctx)
		}
		if err != nil {
			return committed, err
		}
		answers = answers[part:]
	}
	return committed, nil
}

// commit writes what some answers of a batch brought, if anything, and reports what became of each of
// their tickers.
func (e *execution) commit(answers, whole []answer, rows map[marketdata.Ticker]*TickerReport, report *Report) (committed bool, err error) {
	now, tried := e.Now(), report.Counts.Refreshed+report.Counts.Failed
	batch, err := e.draft(answers, whole, rows, now)
	report.count()
	if err == nil && report.Counts.Refreshed+report.Counts.Failed == tried && len(batch.Tasks) == 0 {
		return false, nil
	}
	var stored []StoredPrice
	if err == nil {
		batch.Run = e.main.record()
		stored, err = e.Store.CommitBatch(e.kept, batch)
	}
	if err != nil {
		for _, a := range answers {
			switch row := rows[a.item.Ticker]; {
			case row.Status != OutcomeRefreshed:
			case e.kept.Err() != nil: // interrupted, and no time was left for it
				row.putOff(errNotAsked)
			default:
				e.fail(row, err)
			}
		}
		report.count()
		return false, err
	}
	e.tellStored(batch.Prices, stored, rows)
	refused := Batch{Findings: refusedSessions(batch.Prices, stored)}
	for _, a := range answers {
		switch row, f := rows[a.item.Ticker], a.item.fill; {
		case f != nil && a.err == nil && row.Status == OutcomeFailed:
			refused.Tasks = append(refused.Tasks, f.results(row, now, true)...)
		case f == nil && row.Status == OutcomeRefreshed:
			e.tellSession(row, now)
		}
	}
	for _, result := range batch.Tasks {
		if !slices.ContainsFunc(refused.Tasks, func(r TaskResult) bool { return r.ID == result.ID }) {
			e.results = append(e.results, result)
		}
	}
	e.results = append(e.results, refused.Tasks...)
	report.count()
	if len(refused.Findings) > 0 {
		refused.Run = e.main.record()
		_, err = e.Store.CommitBatch(e.kept, refused)
	}
	return true, err
}

// refusedSessions are those whose bars the database refused: it would refuse them each time.
func refusedSessions(prices []Price, stored []StoredPrice) []Finding {
	var findings []Finding
	for i, p := range prices {
		if !p.Backfill || stored[i].Err == nil {
			continue
		}
		n := len(findings)
		if n == 0 || findings[n-1].Ticker != p.Bar.Ticker {
			findings = append(findings, Finding{Ticker: p.Bar.Ticker})
			n++
		}
		findings[n-1].Absent = append(findings[n-1].Absent, p.Bar.Session)
	}
	return findings
}

// tellStored reports what the database made of the prices.
func (e *execution) tellStored(prices []Price, stored []StoredPrice, rows map[marketdata.Ticker]*TickerReport) {
	for i, p := range prices {
		row := rows[p.Bar.Ticker]
		switch {
		case stored[i].Err != nil:
			if row.Status != OutcomeFailed {
				e.fail(row, stored[i].Err)
			}
			continue
		case stored[i].Amount == "":
			continue
		case p.Backfill:
			row.Stored++
		}
		if !p.Bar.Session.Before(row.Session) {
			row.Session, row.Price, row.Currency = p.Bar.Session, stored[i].Amount, p.Bar.Currency
		}
	}
}

// draft is what is to be written of the answers.
func (e *execution) draft(answers, whole []answer, rows map[marketdata.Ticker]*TickerReport, now time.Time) (Batch, error) {
	batch := Batch{}
	stored, err := e.storedBars(answers)
	for _, a := range answers {
		row := rows[a.item.Ticker]
		switch {
		case a.err == nil:
			row.Status = OutcomeRefreshed
			if err == nil {
				e.take(a, stored[row.Ticker], row, now, &batch)
			}
		case errors.Is(a.err, errOutOfReach):
			a.item.fill.beyond = a.item.fill.wanted
			row.Status, row.Reason, row.OutOfReach = OutcomeSkipped, outOfReach(row.Missing), row.Missing
		case defers(a.err):
			row.putOff(a.err)
		default:
			e.fail(row, a.err)
			if isTurn(a, whole) {
				batch.Failures = append(batch.Failures, failure(row.Ticker, a.err, now))
			}
		}
		if f := a.item.fill; f != nil && row.Status != OutcomeDeferred {
			batch.Tasks = append(batch.Tasks, f.results(row, now, a.err == nil || e.fetch.answered.Load() && !stops(a.err) || isTurn(a, whole))...)
		}
	}
	return batch, err
}

// take adds to a batch what an answer brought.
func (e *execution) take(a answer, stored []history.StoredBar, row *TickerReport, now time.Time, batch *Batch) {
	price := func(bar marketdata.Bar) Price { return e.price(bar, now) }
	if f := a.item.fill; f != nil {
		got := f.take(a.item.ActiveTicker, a.series, stored, e.main.At, price)
		batch.Prices = append(batch.Prices, got.prices...)
		batch.Findings = append(batch.Findings, got.finding)
		row.Reason, row.OutOfReach, row.Absent = f.leftOver(got), len(f.beyond), len(got.finding.Absent)
		if got.finding.ForgetSplits {
			row.Split = State{Splits: slices.SortedFunc(slices.Values(got.finding.Splits), bySession)}.splitReport()
		}
		if got.torn != nil {
			e.tellSplit(row, *got.torn)
		}
		return
	}
	bars, splits := a.bars, rebased(a.item.State.Splits)
	if a.item.Action == FetchSeries {
		bars, _ = onOneScale(a.bars, splits)
	}
	for _, bar := range a.wanted(bars, now) {
		batch.Prices = append(batch.Prices, price(bar))
	}
	if s, torn := a.tear(stored, bars); torn {
		batch.Findings = append(batch.Findings, Finding{Ticker: row.Ticker, Splits: []Split{s}})
		e.tellSplit(row, s)
	}
}

// tear is the split that an answer of a refresh shows to be lacking in the stored history.
func (a answer) tear(stored []history.StoredBar, bars []marketdata.Bar) (Split, bool) {
	calendar := a.item.Ticker.Calendar()
	if a.item.Action == FetchQuote {
		bar := bars[0]
		if !bar.PreviousClose.Valid {
			return Split{}, false
		}
		before := marketdata.Bar{Session: previousSession(calendar, bar.Session), Close: bar.PreviousClose.Decimal, Currency: bar.Currency}
		return tear(stored, []marketdata.Bar{before}, nil, calendar)
	}
	if s, torn := tear(stored, bars, nil, calendar); torn {
		return s, true
	}
	return jump(bars, a.item.State.LastSession.AddDays(1))
}

func previousSession(calendar *exchange.Exchange, d exchange.Date) exchange.Date {
	sessions := calendar.Sessions(d.AddDays(-30), d.AddDays(-1))
	return sessions[len(sessions)-1]
}

// storedBars are the stored bars of all sessions that the answers tell of.
func (e *execution) storedBars(answers []answer) (map[marketdata.Ticker][]history.StoredBar, error) {
	var tickers []marketdata.Ticker
	var from exchange.Date
	for _, a := range answers {
		if a.err != nil {
			continue
		}
		first := a.bars[0].Session
		switch f := a.item.fill; {
		case f != nil && (f.rebase || f.force):
			first = exchange.Date{}
		case a.item.Action == FetchQuote:
			calendar := a.item.Ticker.Calendar()
			first = previousSession(calendar, first)
		}
		if len(tickers) == 0 || first.Before(from) {
			from = first
		}
		tickers = append(tickers, a.item.Ticker)
	}
	if len(tickers) == 0 {
		return nil, nil
	}
	return e.Store.Bars(e.kept, tickers, from, exchange.Date{})
}

// leftOver is what became of the sessions that were wanted and are not stored.
func (f *fill) leftOver(got filled) string {
	var parts []string
	if n := len(f.beyond); n > 0 {
		parts = append(parts, outOfReach(n))
	}
	if n := len(got.finding.Absent); n > 0 {
		parts = append(parts, countSessions(n)+" that the provider does not have")
	}
	if n := len(f.notOut); n > 0 {
		parts = append(parts, countSessions(n)+" not out yet")
	}
	if first := got.finding.FirstSession; len(f.wanted) > 0 && f.wanted[0].Before(first) {
		parts = append(parts, "the provider's first is "+first.String())
	}
	return strings.Join(parts, "; ")
}

func outOfReach(sessions int) string {
	return countSessions(sessions) + " out of reach: the key's plan has no full series"
}

// tellSplit marks a ticker whose stored history lacks a split.
func (j *Job) tellSplit(row *TickerReport, s Split) {
	row.Split = &SplitReport{Session: s.Session, Ratio: s.String()}
	j.observe(SplitFound{Ticker: row.Ticker, Split: s})
}

// wanted are the bars of an answer that are to be stored: the one of a quote; of a series those of
// completed sessions that are missing, or the newest where none is.
func (a answer) wanted(bars []marketdata.Bar, now time.Time) []marketdata.Bar {
	if a.item.Action == FetchQuote {
		return bars
	}
	calendar := a.item.Ticker.Calendar()
	newest := calendar.LastCompleted(now).Date
	completed := slices.DeleteFunc(slices.Clone(bars), func(b marketdata.Bar) bool { return b.Session.After(newest) })
	missing := slices.DeleteFunc(slices.Clone(completed), func(b marketdata.Bar) bool {
		return !b.Session.After(a.item.State.LastSession)
	})
	// A first refresh is about the newest session; backfill is about the others.
	if (len(missing) == 0 || a.item.State.LastSession.IsZero()) && len(completed) > 0 {
		return completed[len(completed)-1:]
	}
	return missing
}

// tellSession says so where the newest stored session is not the newest completed one.
func (j *Job) tellSession(row *TickerReport, now time.Time) {
	row.Reason = ""
	calendar := row.Ticker.Calendar()
	if newest := calendar.LastCompleted(now).Date; row.Session.Before(newest) {
		row.Reason = "the session of " + newest.String() + " was not out yet"
		j.observe(SessionMissing{Ticker: row.Ticker, Session: row.Session, Newest: newest})
	}
}

// isTurn says whether a ticker that failed has had its turn: a provider that answered nothing in the
// whole batch, or that refuses everybody, has not.
func isTurn(a answer, answers []answer) bool {
	if !errors.Is(a.err, marketdata.ErrUnavailable) {
		return !stops(a.err)
	}
	return slices.ContainsFunc(answers, func(other answer) bool { return !errors.Is(other.err, marketdata.ErrUnavailable) })
}

// failure is what is kept of a ticker that was asked about in vain.
func failure(ticker marketdata.Ticker, err error, at time.Time) Failure {
	f := Failure{Ticker: ticker, AskedAt: at}
	if errors.Is(err, marketdata.ErrUnknownTicker) {
		calendar := ticker.Calendar()
		f.UnknownIn = calendar.LastCompleted(at).Date
	}
	return f
}

// price is a bar as it is stored: the close of a completed session, or the price of the moment while
// the session is under way, which must never pass for its close.
func (j *Job) price(bar marketdata.Bar, now time.Time) Price {
	p := Price{Bar: bar, Timestamp: DailyStamp(bar.Session), Source: j.Provider.Source(), Interval: IntervalDaily, FetchedAt: now}
	calendar := bar.Ticker.Calendar()
	if bar.Session.After(calendar.LastCompleted(now).Date) {
		p.Interval, p.Timestamp = IntervalRealTime, now
	}
	return p
}

// DailyStamp is the time that the application stores a daily bar under: 21:00 UTC of its trading day.
func DailyStamp(session exchange.Date) time.Time {
	return session.In(time.UTC).Add(21 * time.Hour)
}

func (j *Job) fail(row *TickerReport, err error) {
	row.Status, row.Reason = OutcomeFailed, ""
	row.Error = &TickerError{Kind: kindOf(err), Message: oneLine(err)}
	j.observe(TickerFailed{Ticker: row.Ticker, Kind: row.Error.Kind, Err: err})
}

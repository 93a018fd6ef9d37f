package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// commit writes what the answers of a batch brought, if anything, and reports what became of each of
// its tickers.
func (j *Job) commit(ctx context.Context, answers []answer, rows map[marketdata.Ticker]*TickerReport, report *Report) (committed bool, err error) {
	now, tried := j.Now(), report.Counts.Refreshed+report.Counts.Failed
	batch := Batch{}
	for _, a := range answers {
		row := rows[a.item.Ticker]
		switch {
		case a.err == nil:
			for _, bar := range a.wanted(now) {
				batch.Prices = append(batch.Prices, j.price(bar, now))
			}
			row.Status = OutcomeRefreshed
		case defers(a.err):
			row.putOff(a.err)
		default:
			j.fail(row, a.err)
			if isTurn(a, answers) {
				batch.Failures = append(batch.Failures, failure(row.Ticker, a.err, now))
			}
		}
	}
	report.count()
	if report.Counts.Refreshed+report.Counts.Failed == tried {
		return false, nil
	}
	batch.Run = report.record()
	stored, err := j.Store.CommitBatch(ctx, batch)
	if err != nil {
		for _, p := range batch.Prices {
			j.fail(rows[p.Bar.Ticker], err)
		}
		report.count()
		return false, err
	}
	for i, p := range batch.Prices {
		row := rows[p.Bar.Ticker]
		if stored[i].Err == nil {
			row.Session, row.Price, row.Currency = p.Bar.Session, stored[i].Amount, p.Bar.Currency
		} else if row.Status != OutcomeFailed {
			j.fail(row, stored[i].Err)
		}
	}
	for _, row := range rows {
		if row.Status == OutcomeRefreshed {
			j.tellSession(row, now)
		}
	}
	report.count()
	return true, nil
}

// wanted are the bars of an answer that are to be stored: the one of a quote; of a series those of
// completed sessions that are missing, or the newest where none is.
func (a answer) wanted(now time.Time) []marketdata.Bar {
	if a.item.Action == FetchQuote {
		return a.bars
	}
	calendar, _ := exchange.ForSymbol(a.item.Ticker.String())
	newest := calendar.LastCompleted(now).Date
	completed := slices.DeleteFunc(slices.Clone(a.bars), func(b marketdata.Bar) bool { return b.Session.After(newest) })
	missing := slices.DeleteFunc(slices.Clone(completed), func(b marketdata.Bar) bool {
		return !b.Session.After(a.item.State.LastSession)
	})
	if len(missing) == 0 && len(completed) > 0 {
		return completed[len(completed)-1:]
	}
	return missing
}

// tellSession says so where the newest stored session is not the newest completed one.
func (j *Job) tellSession(row *TickerReport, now time.Time) {
	row.Reason = ""
	calendar, _ := exchange.ForSymbol(row.Ticker.String())
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
		calendar, _ := exchange.ForSymbol(ticker.String())
		f.UnknownIn = calendar.LastCompleted(at).Date
	}
	return f
}

// price is a bar as it is stored: the close of a completed session, or the price of the moment while
// the session is under way, which must never pass for its close.
func (j *Job) price(bar marketdata.Bar, now time.Time) Price {
	p := Price{Bar: bar, Timestamp: DailyStamp(bar.Session), Source: j.Provider.Source(), Interval: IntervalDaily, FetchedAt: now}
	calendar, _ := exchange.ForSymbol(bar.Ticker.String())
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

package refresh

import (
	"errors"
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
	stored     []history.StoredBar
	held       []history.HeldBar // of the ticker, decided ones too
	splits     []history.Split   // of the vendor's table, if it was asked
	notes      []string          // why nothing could settle a doubt
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
	tasks    []TaskResult
	events   []Event
	split    *history.Split   // detected by this answer
	doubt    *history.HeldBar // the one of held that has failed the ticker
	err      error            // why the ticker failed
	result   history.Result   // of a goal of the past
}

// judge decides what becomes of an answer, by the time at which the call began that brought it. at is the time of the run,
// by which sessions were wanted, and now that of the commit.
func judge(a answered, at, now time.Time) verdict {
	v := verdict{Item: a.Item, row: *a.row, began: a.began}
	switch {
	case a.err != nil && isDeferral(a.err):
		v.row.postpone(a.err)
		return v
	case a.err != nil:
		v.fail(a.err)
		if a.attempted {
			v.failures = []Failure{newFailure(a.Ticker, a.err, a.began)}
		}
	default:
		v.row.Status, v.row.Reason = OutcomeRefreshed, ""
		switch {
		case a.Goal.isOfPast():
			v.backfill(a, at)
		case a.Goal == PriceNow:
			v.priceNow(a)
		default:
			v.update(a)
		}
	}
	for i := range v.prices {
		price := &v.prices[i]
		isRepaired := has(a.repaired, price.Bar.Session)
		if isRepaired {
			v.events = append(v.events, BarRepaired{v.Ticker, price.Bar.Session})
		}
		old, isStored := history.StoredOf(a.stored, price.Bar.Session)
		price.ClearRange = isRepaired || isStored && old.Contradicts(price.Bar)
	}
	v.tasks = v.taskResults(now, a.err == nil || a.conclusive)
	return v
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
	return newest, v.row.Status == OutcomeRefreshed && !v.Goal.isOfPast() && v.row.Session.Before(newest)
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
	return v.Item.taskResults(v.row, v.result.Unreachable, v.result.Unpublished, now, turn)
}

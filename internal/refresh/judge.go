package refresh

import (
	"time"

	"papertrade/internal/history"
)

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
		v.noteInvalid(a)
		switch {
		case a.Goal.isOfPast():
			v.backfill(a, at)
		case a.Goal == PriceNow:
			v.priceNow(a)
		default:
			v.update(a)
		}
	}
	if a.readableOnly {
		v.dropUnreadable()
	}
	v.forgive()
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

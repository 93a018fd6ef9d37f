package history

import (
	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// rebasedBy returns the splits that are known, and rebased, once a history was rebased by the bars of a series: if the
// vendor reports splits, they take the place of those that were known.
func rebasedBy(bars []marketdata.Bar, known []Split) []Split {
	if reportsSplits(bars) {
		return nil
	}
	return markRebased(known)
}

// laterSplits returns the splits by which a rebase divides stored bars from before them that the series does not have:
// those that are pending, or if the vendor reports all splits or none is pending, what the stored bars and the series
// show.
func laterSplits(known []Split, stored []StoredBar, bars []marketdata.Bar, applied []Split, calendar *exchange.Exchange) []Split {
	if pending := Pending(known); len(pending) > 0 && !reportsSplits(bars) {
		return pending
	}
	if s, found := DetectSplit(stored, bars, nil, applied, calendar); found {
		return []Split{s}
	}
	return nil
}

// adjustStored returns the writes of the stored bars that a series does not have and that come before any of splits,
// divided by those.
func adjustStored(stored []StoredBar, bars []marketdata.Bar, splits []Split) []Write {
	var writes []Write
	for _, old := range stored {
		if _, fetched := find(bars, old.Session); fetched {
			continue
		}
		bar, differs := old.Bar, false
		for _, s := range splits {
			if old.Session.Before(s.Session) {
				bar, differs = s.adjust(bar), true
			}
		}
		if differs {
			writes = append(writes, Write{Bar: bar, Row: old.Row})
		}
	}
	return writes
}

// completePrices returns a bar with the prices that it lacks, which must not stay in other shares than the rest: those of
// the stored bar of its session, multiplied by how the close changed.
func completePrices(bar, stored marketdata.Bar) marketdata.Bar {
	if !stored.Close.IsPositive() {
		return bar
	}
	complete := func(price *decimal.NullDecimal, old decimal.NullDecimal) {
		if !price.Valid && old.Valid {
			*price = decimal.NewNullDecimal(old.Decimal.Mul(bar.Close).DivRound(stored.Close, minPlaces))
		}
	}
	complete(&bar.Open, stored.Open)
	complete(&bar.High, stored.High)
	complete(&bar.Low, stored.Low)
	return bar
}

package history

import (
	"slices"

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

// minShowing is how many bars from before a split a series must have for it to show the split by itself.
const minShowing = 3

// Change is what a rebase makes of a stored bar.
type Change struct {
	Old   StoredBar
	New   marketdata.Bar
	Ratio Split // by which New is divided: all splits between the bar and today in one, without a session
}

// PreviewRebase returns what a rebase makes of stored bars, which are all that there are, ascending, as far as the pending splits
// show it. The vendor's series is not known yet: it decides, and can have other values. There is no change if no split is
// pending, or if a single bar is all that shows it.
func PreviewRebase(stored []StoredBar, known []Split) []Change {
	changes, refused := divideLacking(stored, nil, Pending(known), nil)
	if refused != nil {
		return nil
	}
	return changes
}

// rebase returns the writes of the stored bars that a series does not have, or that a person set, and that come before any of
// splits, divided by those unless they are already. Bars are those of the series, adjusted, of which applied are the splits.
// A split for which a single stored bar is all the evidence is refused.
func rebase(stored []StoredBar, bars []marketdata.Bar, splits, applied []Split) (writes []Write, refused *Split) {
	changes, refused := divideLacking(stored, bars, splits, applied)
	for _, c := range changes {
		if _, isFetched := find(bars, c.Old.Session); !isFetched || c.Old.Source == ManualSource {
			writes = append(writes, Write{Bar: c.New, Row: c.Old.Row})
		}
	}
	return writes, refused
}

// divideLacking returns the stored bars that come before any of splits, divided by those unless they are already,
// ascending. If a split is refused there are none.
func divideLacking(stored []StoredBar, bars []marketdata.Bar, splits, applied []Split) (changes []Change, refused *Split) {
	rebased, ratios := make([]marketdata.Bar, len(stored)), make([]Split, len(stored))
	for i, old := range stored {
		rebased[i], ratios[i] = old.Bar, Split{New: 1, Old: 1}
	}
	for _, s := range slices.Backward(sortSplits(splits)) {
		lacking := s.lacking(rebased, bars, splits)
		isOneBar := len(lacking) == 1 || len(lacking) == 0 && s.isBesideJump(bars)
		if isOneBar && !s.isShownBy(bars, applied) {
			return nil, &s
		}
		for _, i := range lacking {
			rebased[i], ratios[i] = s.adjust(rebased[i]), ratios[i].times(s)
		}
	}
	for i, old := range stored {
		if !rebased[i].Close.Equal(old.Close) {
			changes = append(changes, Change{old, rebased[i], ratios[i]})
		}
	}
	return changes, nil
}

// isShownBy reports whether the vendor reports the split with a series, or the series was adjusted by it.
func (s Split) isShownBy(bars []marketdata.Bar, applied []Split) bool {
	first, _ := find(bars, s.Session)
	return reportsSplits(bars) || slices.Contains(applied, s) && first >= minShowing
}

// isBesideJump reports whether the bar before the split differs by it from the one after, though the history does not: it is
// a glitch.
func (s Split) isBesideJump(bars []marketdata.Bar) bool {
	first, _ := find(bars, s.Session)
	return first > 0 && first < len(bars) && s.isBetween(bars[first-1].Close, bars[first].Close)
}

// lacking returns the indexes of the stored bars, newest first, that are in shares as they were before the split. Those that
// a series has are compared with it, and the newest other one with what follows it.
func (s Split) lacking(stored, bars []marketdata.Bar, splits []Split) []int {
	var lacking []int
	end, _ := find(stored, s.Session)
	isLacking := false
	for i := end - 1; i >= 0; i-- {
		fetched, found := find(bars, stored[i].Session)
		switch {
		case found:
			isLacking = s.isBetween(stored[i].Close, bars[fetched].Close)
		case i == end-1:
			isLacking = s.isUnadjusted(stored[:end], following(bars[fetched:], stored[end:], stored[i]))
		default:
			isLacking = s.isLackingBefore(stored[i], stored[i+1], isLacking, splits)
		}
		if isLacking {
			lacking = append(lacking, i)
		}
	}
	return lacking
}

// following returns the bars that come next after a stored one: of a series, or those that are stored if the series begins
// later. If there are neither, it is the bar itself.
func following(bars, stored []marketdata.Bar, bar marketdata.Bar) []marketdata.Bar {
	switch {
	case len(stored) > 0 && (len(bars) == 0 || stored[0].Session.Before(bars[0].Session)):
		return stored
	case len(bars) > 0:
		return bars
	default:
		return []marketdata.Bar{bar}
	}
}

// isLackingBefore reports whether a stored bar is in shares as they were before the split, as the next one is or is not:
// both are alike, unless prices change by just the split between them, and not for another one of splits.
func (s Split) isLackingBefore(bar, next marketdata.Bar, nextIsLacking bool, splits []Split) bool {
	isOther := func(o Split) bool { return bar.Session.Before(o.Session) && !o.Session.After(next.Session) }
	quotient, ok := overnight(bar, next)
	if !ok || slices.ContainsFunc(splits, isOther) {
		return nextIsLacking
	}
	change := s
	if nextIsLacking {
		change = Split{New: s.Old, Old: s.New}
	}
	if _, changes := nearestRatio(quotient, []Split{change}); changes && s.isLarge() {
		return !nextIsLacking
	}
	return nextIsLacking
}

// isOnScale reports whether two closes of a session differ by less than any split.
func isOnScale(a, b decimal.Decimal) bool {
	return a.Sub(b).Abs().Mul(decimal.NewFromInt(20)).LessThanOrEqual(b)
}

// complete returns a bar with the prices and the volume that it lacks, which must not stay in other shares than the rest:
// those of the stored bar of its session, as the close has changed.
func complete(bar, stored marketdata.Bar) marketdata.Bar {
	if !stored.Close.IsPositive() || !bar.Close.IsPositive() {
		return bar
	}
	derive := func(price *decimal.NullDecimal, old decimal.NullDecimal) {
		if !price.Valid && old.Valid {
			*price = decimal.NewNullDecimal(old.Decimal.Mul(bar.Close).DivRound(stored.Close, minPlaces))
		}
	}
	derive(&bar.Open, stored.Open)
	derive(&bar.High, stored.High)
	derive(&bar.Low, stored.Low)
	if bar.Volume == nil && stored.Volume != nil {
		bar.Volume = new(decimal.NewFromInt(*stored.Volume).Mul(stored.Close).DivRound(bar.Close, 0).IntPart())
	}
	bar, _ = Repair(bar)
	return bar
}

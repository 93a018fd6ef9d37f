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

// rebase returns the writes of the stored bars that a series does not have, or that a person set, and that come before any of
// splits, divided by those unless they are already. Bars are those of the series, adjusted, of which applied are the splits. A split for which
// a single stored bar is all the evidence is refused.
func rebase(stored []StoredBar, bars []marketdata.Bar, splits, applied []Split) (writes []Write, refused *Split) {
	rebased := make([]marketdata.Bar, len(stored))
	for i, old := range stored {
		rebased[i] = old.Bar
	}
	for _, s := range slices.Backward(sortSplits(splits)) {
		lacking := s.lacking(rebased, bars, splits)
		isOneBar := len(lacking) == 1 || len(lacking) == 0 && s.isBesideJump(bars)
		if isOneBar && !s.isShownBy(bars, applied) {
			return nil, &s
		}
		for _, i := range lacking {
			rebased[i] = s.adjust(rebased[i])
		}
	}
	for i, old := range stored {
		_, isFetched := find(bars, old.Session)
		isReplaced := isFetched && old.Source != ManualSource
		if !isReplaced && !rebased[i].Close.Equal(old.Close) {
			writes = append(writes, Write{Bar: rebased[i], Row: old.Row})
		}
	}
	return writes, nil
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

// Change is what a write makes of a stored bar.
type Change struct {
	Old StoredBar
	New marketdata.Bar
}

// Changes returns what writes make of stored bars, ascending: New for Old. Both lists are of one ticker.
func Changes(writes []Write, stored []StoredBar) []Change {
	var changes []Change
	for _, w := range writes {
		if i, found := findStored(stored, w.Bar.Session); found && !w.Keep {
			changes = append(changes, Change{Old: stored[i], New: w.Bar})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return a.Old.Session.Compare(b.Old.Session) })
	return changes
}

// complete returns a bar with the prices and the volume that it lacks, which must not stay in other shares than the rest:
// those of the stored bar of its session, as the close has changed.
func complete(bar, stored marketdata.Bar) marketdata.Bar {
	if !stored.Close.IsPositive() {
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
	return bar
}

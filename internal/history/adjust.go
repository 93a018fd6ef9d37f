package history

import (
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// Adjust returns bars, which are ascending, in shares as they are in the newest: those before a split are divided by
// it if the vendor reports them as they were traded. The splits are those that the vendor reports with the bars, or if
// it reports none, those that are known. Applied are those that changed anything, ascending.
func Adjust(bars []marketdata.Bar, known []Split) (adjusted []marketdata.Bar, applied []Split) {
	splits := sortSplits(known)
	if reportsSplits(bars) {
		splits = reportedSplits(bars)
	}
	adjusted = slices.Clone(bars)
	for _, s := range splits {
		first, _ := find(bars, s.Session)
		if first == 0 || first == len(bars) || !s.isUnadjusted(bars[:first], bars[first:]) {
			continue
		}
		for i := range first {
			adjusted[i] = s.adjust(adjusted[i])
		}
		applied = append(applied, s)
	}
	return adjusted, applied
}

// adjustTo is Adjust of a series that can end before a split after which there are stored bars: these show whether it is
// adjusted.
func adjustTo(bars []marketdata.Bar, stored []StoredBar, known []Split) (adjusted []marketdata.Bar, applied []Split) {
	if reportsSplits(bars) {
		return Adjust(bars, known)
	}
	next, _ := findStored(stored, bars[len(bars)-1].Session.AddDays(1))
	adjusted, applied = Adjust(Join(stored[next:], bars), known)
	return adjusted[:len(bars)], applied
}

// isUnadjusted reports whether the bars before and after the split, at least one each, differ by it rather than not at
// all.
func (s Split) isUnadjusted(before, after []marketdata.Bar) bool {
	last, first := before[len(before)-1], after[0]
	if last.AdjustedClose.Valid && first.AdjustedClose.Valid {
		// How much each close is adjusted shows it without the day's move.
		return s.isBetween(last.Close.Mul(first.AdjustedClose.Decimal), first.Close.Mul(last.AdjustedClose.Decimal))
	}
	if !s.isBetween(last.Close, first.Close) {
		return false
	}
	return !s.isLarge() || s.isBetween(medianClose(lastBars(before)), medianClose(firstBars(after)))
}

// medianBars is how many bars on a side show its level: a glitch of two does not change their median.
const medianBars = 5

// firstBars returns an odd number of the first bars, at most medianBars.
func firstBars(bars []marketdata.Bar) []marketdata.Bar {
	return bars[:min(medianBars, len(bars)-1+len(bars)%2)]
}

// lastBars returns an odd number of the last bars, at most medianBars.
func lastBars(bars []marketdata.Bar) []marketdata.Bar {
	return bars[len(bars)-len(firstBars(bars)):]
}

// isLarge reports whether a split changes prices more than they move in medianBars sessions.
func (s Split) isLarge() bool { return 2*s.New >= 3*s.Old || 2*s.Old >= 3*s.New }

// isBetween reports whether two prices differ by the split rather than not at all.
func (s Split) isBetween(high, low decimal.Decimal) bool {
	// (high/low)² > New/Old, unless it is a reverse split: the change is nearer to the ratio than to 1.
	changed := high.Mul(high).Mul(decimal.NewFromInt(s.Old))
	unchanged := low.Mul(low).Mul(decimal.NewFromInt(s.New))
	if s.New < s.Old {
		return changed.LessThan(unchanged)
	}
	return changed.GreaterThan(unchanged)
}

// medianClose returns the median of the closes of at least one bar.
func medianClose(bars []marketdata.Bar) decimal.Decimal {
	closes := make([]decimal.Decimal, len(bars))
	for i, bar := range bars {
		closes[i] = bar.Close
	}
	slices.SortFunc(closes, decimal.Decimal.Cmp)
	return closes[len(closes)/2]
}

// adjust returns a bar from before the split in shares as they are since.
func (s Split) adjust(bar marketdata.Bar) marketdata.Bar {
	bar.Close = s.divide(bar.Close)
	for _, price := range []*decimal.NullDecimal{&bar.Open, &bar.High, &bar.Low} {
		if price.Valid {
			price.Decimal = s.divide(price.Decimal)
		}
	}
	if bar.Volume != nil {
		bar.Volume = new(decimal.NewFromInt(*bar.Volume).Mul(s.factor()).Round(0).IntPart())
	}
	return bar
}

// Rescale returns a stored bar divided by the splits that come after it, unless that takes it further away from the level of the
// bars beside it: it is on their scale already.
func Rescale(stored StoredBar, splits []Split, level decimal.Decimal) marketdata.Bar {
	bar := stored.Bar
	for _, s := range splits {
		if bar.Session.Before(s.Session) {
			bar = s.adjust(bar)
		}
	}
	if isNearer(level, stored.Close, bar.Close) {
		return stored.Bar
	}
	return bar
}

// minPlaces is the smallest number of decimals of a price that was divided.
const minPlaces = 4

func (s Split) divide(price decimal.Decimal) decimal.Decimal {
	shares, places := price.Mul(decimal.NewFromInt(s.Old)), max(minPlaces, -price.Exponent())
	if divided := shares.DivRound(decimal.NewFromInt(s.New), places); !divided.IsZero() {
		return divided
	}
	return shares.DivRound(decimal.NewFromInt(s.New), places+quotientPlaces) // no price is nothing
}

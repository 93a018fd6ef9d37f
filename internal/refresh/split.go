package refresh

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Split is a change of the number of a ticker's shares: from Session on there are New for each Old.
type Split struct {
	Session exchange.Date `json:"session"`
	New     int64         `json:"new"`
	Old     int64         `json:"old"`
	// Rebased says that the stored history is on one scale: bars before the split are in shares as they
	// are since.
	Rebased bool `json:"rebased"`
}

// String is the ratio as people write it: 10:1, or 1:8 for a reverse split.
func (s Split) String() string { return fmt.Sprintf("%d:%d", s.New, s.Old) }

// factor is what a price is multiplied with by the split's going back in time: New/Old.
func (s Split) factor() decimal.Decimal {
	return decimal.NewFromInt(s.New).DivRound(decimal.NewFromInt(s.Old), 12)
}

const (
	longestBreak = 7   // days between two sessions that follow each other
	mostShares   = 100 // for one, of a split that is believed without the vendor's word
	// The tolerances of a factor between two prices for the same close, which differ by rounding alone,
	// and between a close and the open of the next session.
	sameTolerance = "0.01"
	openTolerance = "0.02"
)

// commonRatios are the splits that companies make besides those of whole numbers.
var commonRatios = []Split{{New: 3, Old: 2}, {New: 5, Old: 2}, {New: 4, Old: 3}, {New: 5, Old: 3}, {New: 5, Old: 4}, {New: 6, Old: 5}}

// splitOf is the split that makes one price of another that is factor times as high; false where factor
// is near none.
func splitOf(factor decimal.Decimal, tolerance string, candidates ...Split) (Split, bool) {
	one, most := decimal.NewFromInt(1), decimal.RequireFromString(tolerance)
	up := factor
	if factor.LessThan(one) {
		up = one.DivRound(factor, 12)
	}
	if whole := up.Round(0).IntPart(); whole >= 2 && whole <= mostShares {
		candidates = append(candidates, Split{New: whole, Old: 1})
	}
	for _, s := range candidates {
		// Of large factors every number is near a whole one, unless the difference counts too.
		off := up.Sub(s.factor()).Abs()
		if off.GreaterThan(s.factor().Mul(most)) || off.GreaterThan(decimal.RequireFromString("0.1")) {
			continue
		}
		if factor.LessThan(one) {
			s.New, s.Old = s.Old, s.New
		}
		return s, true
	}
	return Split{}, false
}

// splitBetween is the split that makes a stored close of one that was fetched for the same session.
func splitBetween(stored, fetched decimal.Decimal) (Split, bool) {
	// What the database has rounded away is no difference.
	if stored.Sub(fetched).Abs().LessThan(decimal.New(1, stored.Exponent())) {
		return Split{}, false
	}
	return splitOf(stored.DivRound(fetched, 12), sameTolerance, commonRatios...)
}

// splitFrom reads a coefficient of the vendor; false where it stands for no split.
func splitFrom(bar marketdata.Bar) (Split, bool) {
	if c := bar.SplitCoefficient; !c.Valid || c.Decimal.Equal(decimal.NewFromInt(1)) {
		return Split{}, false
	}
	c := bar.SplitCoefficient.Decimal
	// Four decimals cannot tell 4:3: the simplest ratio that they can stand for is meant.
	for old := int64(1); old <= mostShares; old++ {
		scaled := c.Mul(decimal.NewFromInt(old))
		whole := scaled.Round(0)
		if whole.IsPositive() && scaled.Sub(whole).Abs().LessThanOrEqual(decimal.New(old, -4).Div(decimal.NewFromInt(2))) {
			return Split{Session: bar.Session, New: whole.IntPart(), Old: old}, true
		}
	}
	c = c.Round(4).Shift(4)
	return Split{Session: bar.Session, New: c.IntPart(), Old: 10_000}, c.IsPositive()
}

// onOneScale puts bars, which are ascending, in shares as they are in the newest: those before a split
// are divided by it where the vendor tells them as they were traded. The splits are those that the bars
// themselves tell, and those that are known besides. It returns those that changed anything.
func onOneScale(bars []marketdata.Bar, known []Split) (scaled []marketdata.Bar, applied []Split) {
	scaled = slices.Clone(bars)
	splits := map[exchange.Date]Split{}
	for _, s := range known {
		splits[s.Session] = s
	}
	for _, bar := range bars {
		if s, ok := splitFrom(bar); ok {
			splits[s.Session] = s
		}
	}
	for _, s := range splits {
		first, _ := slices.BinarySearchFunc(bars, s.Session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
		if first == 0 || first == len(bars) || !asTraded(bars[first-1].Close, bars[first].Close, s) {
			continue
		}
		for i := range first {
			scaled[i] = s.rebase(scaled[i])
		}
		applied = append(applied, s)
	}
	slices.SortFunc(applied, func(a, b Split) int { return a.Session.Compare(b.Session) })
	return scaled, applied
}

// asTraded says whether the closes before and after a split differ by it rather than not at all.
func asTraded(before, after decimal.Decimal, s Split) bool {
	// jump² > New/Old, of a split that is no reverse one: the jump is nearer to the ratio than to 1.
	jump := before.Mul(before).Mul(decimal.NewFromInt(s.Old))
	level := after.Mul(after).Mul(decimal.NewFromInt(s.New))
	if s.New < s.Old {
		return jump.LessThan(level)
	}
	return jump.GreaterThan(level)
}

// rebase is a bar from before the split in shares as they are since.
func (s Split) rebase(bar marketdata.Bar) marketdata.Bar {
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

func (s Split) divide(price decimal.Decimal) decimal.Decimal {
	const leastPlaces = 4
	return price.Mul(decimal.NewFromInt(s.Old)).DivRound(decimal.NewFromInt(s.New), max(leastPlaces, -price.Exponent()))
}

// tear is the split that a stored history, ascending, lacks by what was fetched: the newest session of
// which both have a close, where the two differ by a ratio of shares, is the last one before it. Where a
// split that the vendor tells can be that one, it is.
func tear(stored []StoredBar, fetched []marketdata.Bar, told []Split, calendar *exchange.Exchange) (Split, bool) {
	for _, bar := range slices.Backward(fetched) {
		i, found := slices.BinarySearchFunc(stored, bar.Session, func(b StoredBar, d exchange.Date) int { return b.Session.Compare(d) })
		if !found || stored[i].Currency != bar.Currency {
			continue
		}
		s, differs := splitBetween(stored[i].Close, bar.Close)
		if !differs {
			continue
		}
		for _, t := range told {
			if t.New*s.Old == s.New*t.Old && t.Session.After(bar.Session) {
				return t, true
			}
		}
		s.Session = calendar.Sessions(bar.Session.AddDays(1), bar.Session.AddDays(30))[0]
		return s, true
	}
	return Split{}, false
}

// jump is the newest session from first on with which prices, ascending, fell or rose by a whole number
// between the close before and the open: where the vendor tells bars as they were traded and no splits,
// nothing else tells a split. It can be a crash.
func jump(bars []marketdata.Bar, first exchange.Date) (Split, bool) {
	for i := len(bars) - 1; i > 0 && !bars[i].Session.Before(first); i-- {
		bar := bars[i]
		if !bar.Open.Valid || bar.SplitCoefficient.Valid || bar.Session.AddDays(-longestBreak).After(bars[i-1].Session) {
			continue
		}
		if s, ok := splitOf(bars[i-1].Close.DivRound(bar.Open.Decimal, 12), openTolerance); ok {
			s.Session = bar.Session
			return s, true
		}
	}
	return Split{}, false
}

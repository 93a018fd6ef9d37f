package refresh

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/internal/history"
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
	mostShares = 100 // for one, of a split that is believed without the vendor's word
	// longestBreak is how many days lie at the most between two sessions that follow each other.
	longestBreak = 7
)

var one = decimal.NewFromInt(1)

// commonRatios are the splits that companies make besides those of whole numbers.
var commonRatios = []Split{
	{New: 3, Old: 2}, {New: 5, Old: 2}, {New: 7, Old: 2}, {New: 4, Old: 3}, {New: 5, Old: 3}, {New: 5, Old: 4}, {New: 6, Old: 5}, {New: 7, Old: 5}, {New: 11, Old: 10},
}

// roundShares are the splits of more than ten for one, where a day's move hides the exact number.
var roundShares = []Split{{New: 15, Old: 1}, {New: 20, Old: 1}, {New: 25, Old: 1}, {New: 30, Old: 1}, {New: 40, Old: 1}, {New: 50, Old: 1}, {New: 100, Old: 1}}

// wholeSplit is the split of a whole number from 2 on that factor, of 1 or more, is nearest to.
func wholeSplit(factor decimal.Decimal, most int64) []Split {
	if n := factor.Round(0).IntPart(); n >= 2 && n <= most {
		return []Split{{New: n, Old: 1}}
	}
	return nil
}

// nearest is the candidate, or the reverse of one, whose ratio differs from factor by no more than a
// share of the ratio.
func nearest(factor decimal.Decimal, tolerance string, candidates func(up decimal.Decimal) []Split) (Split, bool) {
	up := factor
	if factor.LessThan(one) {
		up = one.DivRound(factor, 12)
	}
	for _, s := range candidates(up) {
		if up.Sub(s.factor()).Abs().GreaterThan(s.factor().Mul(decimal.RequireFromString(tolerance))) {
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
	// What the database has rounded away is no difference. Its narrowest columns have two decimals, which
	// SQLite does not always write.
	if stored.Sub(fetched).Abs().LessThan(decimal.New(1, min(stored.Exponent(), -2))) {
		return Split{}, false
	}
	return nearest(stored.DivRound(fetched, 12), "0.01", func(up decimal.Decimal) []Split {
		// Of large factors every number is within a hundredth of a whole one.
		whole := slices.DeleteFunc(wholeSplit(up, mostShares), func(s Split) bool { return up.Sub(s.factor()).Abs().GreaterThan(decimal.New(1, -1)) })
		return append(whole, commonRatios...)
	})
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
// tell, or where they tell none, those that are known. It returns those that changed anything, ascending.
func onOneScale(bars []marketdata.Bar, known []Split) (scaled []marketdata.Bar, applied []Split) {
	scaled = slices.Clone(bars)
	splits := slices.SortedFunc(slices.Values(known), bySession)
	if tellsSplits(bars) {
		splits = nil
		for _, bar := range bars {
			if s, ok := splitFrom(bar); ok {
				splits = append(splits, s)
			}
		}
	}
	for _, s := range splits {
		first, _ := slices.BinarySearchFunc(bars, s.Session, func(b marketdata.Bar, d exchange.Date) int { return b.Session.Compare(d) })
		if first == 0 || first == len(bars) || !s.asTraded(bars[first-1], bars[first]) {
			continue
		}
		for i := range first {
			scaled[i] = s.rebase(scaled[i])
		}
		applied = append(applied, s)
	}
	return scaled, applied
}

func bySession(a, b Split) int { return a.Session.Compare(b.Session) }

// tellsSplits says whether an answer tells of each session whether there was a split.
func tellsSplits(bars []marketdata.Bar) bool { return bars[len(bars)-1].SplitCoefficient.Valid }

// asTraded says whether the bars before and after the split differ by it rather than not at all.
func (s Split) asTraded(before, after marketdata.Bar) bool {
	high, low := before.Close, after.Close
	if before.AdjustedClose.Valid && after.AdjustedClose.Valid {
		// How much each close is adjusted tells it without the day's move.
		high, low = high.Mul(after.AdjustedClose.Decimal), low.Mul(before.AdjustedClose.Decimal)
	}
	// jump² > New/Old, of a split that is no reverse one: the jump is nearer to the ratio than to 1.
	jump := high.Mul(high).Mul(decimal.NewFromInt(s.Old))
	level := low.Mul(low).Mul(decimal.NewFromInt(s.New))
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

// leastPlaces is how many decimals a price has at least that was divided.
const leastPlaces = 4

func (s Split) divide(price decimal.Decimal) decimal.Decimal {
	return price.Mul(decimal.NewFromInt(s.Old)).DivRound(decimal.NewFromInt(s.New), max(leastPlaces, -price.Exponent()))
}

// witnesses is how many bars must tell of the same split, unless all there are do.
const witnesses = 3

// tear is the split that a stored history, ascending, lacks by what was fetched: up to some session the
// closes that both have differ by one ratio of shares. Where a split that the vendor tells can be that
// one, it is.
func tear(stored []history.StoredBar, fetched []marketdata.Bar, told []Split, calendar *exchange.Exchange) (Split, bool) {
	var newest exchange.Date // of those that differ
	var split Split
	seen, agree := 0, 0
	for _, bar := range slices.Backward(fetched) {
		old, found := storedBar(stored, bar.Session)
		if !found || old.Currency != bar.Currency {
			continue
		}
		s, differs := splitBetween(old.Close, bar.Close)
		if !differs {
			agree++
		}
		switch {
		case !differs && seen > 0: // one bar, or a few, are wrong
			seen = 0
		case differs && (seen == 0 || s != split):
			newest, split, seen = bar.Session, s, 1
		case differs:
			seen++
		}
		if seen == witnesses {
			break
		}
	}
	if seen == 0 || seen < witnesses && agree > 0 {
		return Split{}, false
	}
	for _, t := range told {
		if t.New*split.Old == split.New*t.Old && t.Session.After(newest) {
			return t, true
		}
	}
	split.Session = calendar.Sessions(newest.AddDays(1), newest.AddDays(30))[0]
	return split, true
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
		factor := bars[i-1].Close.DivRound(bar.Open.Decimal, 12)
		s, ok := nearest(factor, "0.02", func(up decimal.Decimal) []Split { return wholeSplit(up, 10) })
		if !ok {
			s, ok = nearest(factor, "0.05", func(decimal.Decimal) []Split { return roundShares })
		}
		if ok {
			s.Session = bar.Session
			return s, true
		}
	}
	return Split{}, false
}

package history

import (
	"fmt"
	"math/big"
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
	// Rebased reports whether the bars stored before the split are in shares as they are since.
	Rebased bool `json:"rebased"`
}

// String returns the ratio as people write it: 10:1, or 1:8 for a reverse split.
func (s Split) String() string { return fmt.Sprintf("%d:%d", s.New, s.Old) }

// factor returns New/Old: by how much a split divides the prices before it.
func (s Split) factor() decimal.Decimal {
	return decimal.NewFromInt(s.New).DivRound(decimal.NewFromInt(s.Old), quotientPlaces)
}

// hasRatioOf reports whether two splits are of the same ratio.
func (s Split) hasRatioOf(other Split) bool { return s.New*other.Old == other.New*s.Old }

// times returns a split and another one in one, without a session.
func (s Split) times(other Split) Split {
	shares, old := s.New*other.New, s.Old*other.Old
	divisor := new(big.Int).GCD(nil, nil, big.NewInt(shares), big.NewInt(old)).Int64()
	return Split{New: shares / divisor, Old: old / divisor}
}

// Pending returns the splits that are not rebased, in their order: the stored history lacks them.
func Pending(splits []Split) []Split {
	return slices.DeleteFunc(slices.Clone(splits), func(s Split) bool { return s.Rebased })
}

// Rebased returns the splits that are rebased, in their order: the stored history is in shares as they are since.
func Rebased(splits []Split) []Split {
	return slices.DeleteFunc(slices.Clone(splits), func(s Split) bool { return !s.Rebased })
}

// Undone returns those of pending splits that stored bars do not show any more once some are corrected, all ascending: a bar
// beside the split is, and then both do not differ by it.
func Undone(pending []Split, stored []StoredBar, corrected []marketdata.Bar) []Split {
	bars := Join(stored, corrected)
	return slices.DeleteFunc(slices.Clone(pending), func(s Split) bool {
		first, found := find(bars, s.Session)
		if !found || first == 0 {
			return true
		}
		_, isBefore := find(corrected, bars[first-1].Session)
		_, isAfter := find(corrected, s.Session)
		return !isBefore && !isAfter || s.isBetween(bars[first-1].Close, bars[first].Close)
	})
}

// markRebased returns the splits as rebased ones.
func markRebased(splits []Split) []Split {
	marked := slices.Clone(splits)
	for i := range marked {
		marked[i].Rebased = true
	}
	return marked
}

// mergeSplits returns known and newer splits, ascending. A newer one takes the place of a known one of its session.
func mergeSplits(known, newer []Split) []Split {
	merged := slices.DeleteFunc(slices.Clone(known), func(s Split) bool {
		return slices.ContainsFunc(newer, func(n Split) bool { return n.Session == s.Session })
	})
	return sortSplits(append(merged, newer...))
}

// sortSplits returns the splits ascending by session.
func sortSplits(splits []Split) []Split {
	return slices.SortedFunc(slices.Values(splits), func(a, b Split) int { return a.Session.Compare(b.Session) })
}

// reportsSplits reports whether an answer says of each session whether there was a split.
func reportsSplits(bars []marketdata.Bar) bool {
	return len(bars) > 0 && bars[len(bars)-1].SplitCoefficient.Valid
}

// reportedSplits returns the splits that the vendor reports with bars, in their order.
func reportedSplits(bars []marketdata.Bar) []Split {
	var splits []Split
	for _, bar := range bars {
		if s, ok := reportedSplit(bar); ok {
			splits = append(splits, s)
		}
	}
	return splits
}

const (
	coefficientPlaces = 4   // how many decimals of the vendor's coefficients count
	maxReportedOld    = 100 // the largest Old that is tried for a coefficient
)

// reportedSplit returns the split that a vendor's coefficient stands for; false if there was none.
func reportedSplit(bar marketdata.Bar) (Split, bool) {
	if !bar.SplitCoefficient.Valid {
		return Split{}, false
	}
	return NewSplit(bar.Session, bar.SplitCoefficient.Decimal)
}

// NewSplit returns the split of a session that a vendor gives as new shares per old one; false if that is none.
func NewSplit(session exchange.Date, factor decimal.Decimal) (Split, bool) {
	if factor.Equal(one) {
		return Split{}, false
	}
	// Four decimals cannot tell 4:3: the simplest ratio that they can stand for is meant.
	for old := int64(1); old <= maxReportedOld; old++ {
		exact := factor.Mul(decimal.NewFromInt(old))
		shares := exact.Round(0)
		rounding := decimal.New(old, -coefficientPlaces).Div(decimal.NewFromInt(2))
		if shares.IsPositive() && exact.Sub(shares).Abs().LessThanOrEqual(rounding) {
			return Split{Session: session, New: shares.IntPart(), Old: old}, true
		}
	}
	shares := factor.Shift(coefficientPlaces).Round(0)
	return Split{Session: session, New: shares.IntPart(), Old: 10_000}, shares.IsPositive()
}

// MayLieBetween reports whether a split may be what lies between the closes of two sessions in a row.
func MayLieBetween(before, after decimal.Decimal) bool {
	return slices.ContainsFunc(levelRatios, func(ratios []Split) bool {
		return slices.ContainsFunc(ratios, func(s Split) bool { return s.isBetween(before, after) })
	})
}

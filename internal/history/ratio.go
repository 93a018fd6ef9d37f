package history

import "github.com/shopspring/decimal"

// quotientPlaces is how many decimals a quotient is computed to.
const quotientPlaces = 12

var one = decimal.NewFromInt(1)

// ratio is a split that companies make, and the quotients of prices that are taken for it. Those of two ratios in a list
// do not overlap.
type ratio struct {
	Split
	low, high decimal.Decimal // both inclusive
}

// closeRatios are recognized between two closes of the same session. Near 100 the difference is rather one of units.
var closeRatios = newRatios(append(wholeRatios(97), fractionRatios...), func(factor decimal.Decimal) decimal.Decimal {
	// Every large quotient is within a hundredth of a whole number.
	return decimal.Min(factor.Shift(-2), decimal.New(1, -1))
})

// maxOvernightMove is how far the price may move from a close to the next open for a split between them to be seen: by
// 8 %, and some rounding.
const maxOvernightMove = 0.0805

// levelRatios are the splits that are seen between a close and the next open: those that companies make. Where a night's
// move can make one look like another, that of the first list is meant. That a price is a hundred times another is due to
// its unit.
var levelRatios = [][]Split{
	{
		{New: 3, Old: 2}, {New: 2, Old: 1}, {New: 3, Old: 1}, {New: 4, Old: 1}, {New: 5, Old: 1}, {New: 7, Old: 1},
		{New: 10, Old: 1}, {New: 12, Old: 1}, {New: 15, Old: 1}, {New: 20, Old: 1}, {New: 25, Old: 1}, {New: 30, Old: 1},
		{New: 40, Old: 1}, {New: 50, Old: 1},
		{New: 1, Old: 2}, {New: 1, Old: 3}, {New: 1, Old: 4}, {New: 1, Old: 5}, {New: 1, Old: 6}, {New: 1, Old: 8},
		{New: 1, Old: 10}, {New: 1, Old: 12}, {New: 1, Old: 15}, {New: 1, Old: 20}, {New: 1, Old: 25}, {New: 1, Old: 30},
		{New: 1, Old: 40}, {New: 1, Old: 50},
	},
	{{New: 6, Old: 1}, {New: 8, Old: 1}, {New: 1, Old: 7}},
}

// wholeRatios returns 2:1, 3:1 … n:1.
func wholeRatios(n int64) []Split {
	var splits []Split
	for shares := int64(2); shares <= n; shares++ {
		splits = append(splits, Split{New: shares, Old: 1})
	}
	return splits
}

var fractionRatios = []Split{
	{New: 11, Old: 10}, {New: 6, Old: 5}, {New: 5, Old: 4}, {New: 4, Old: 3}, {New: 7, Old: 5},
	{New: 3, Old: 2}, {New: 5, Old: 3}, {New: 5, Old: 2}, {New: 7, Old: 2},
}

// newRatios returns the ratios of splits, for quotients that differ from them by no more than a tolerance.
func newRatios(splits []Split, tolerance func(factor decimal.Decimal) decimal.Decimal) []ratio {
	ratios := make([]ratio, len(splits))
	for i, s := range splits {
		factor := s.factor()
		ratios[i] = ratio{s, factor.Sub(tolerance(factor)), factor.Add(tolerance(factor))}
	}
	return ratios
}

// matchRatio returns the split that divides a price of before to one of after, if it is one of ratios or the reverse of
// one.
func matchRatio(before, after decimal.Decimal, ratios []ratio) (Split, bool) {
	if !after.IsPositive() {
		return Split{}, false
	}
	quotient := before.DivRound(after, quotientPlaces)
	switch {
	case !quotient.IsPositive():
		return Split{}, false
	case quotient.LessThan(one):
		s, found := findRatio(one.DivRound(quotient, quotientPlaces), ratios)
		return Split{New: s.Old, Old: s.New}, found
	default:
		return findRatio(quotient, ratios)
	}
}

// findRatio returns the split of the ratio that a quotient of at least 1 is taken for.
func findRatio(quotient decimal.Decimal, ratios []ratio) (Split, bool) {
	for _, r := range ratios {
		if quotient.GreaterThanOrEqual(r.low) && quotient.LessThanOrEqual(r.high) {
			return r.Split, true
		}
	}
	return Split{}, false
}

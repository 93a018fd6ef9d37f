package history

import (
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// DetectSplit returns the split that a stored history, ascending, lacks by what was fetched, ascending as well: up to
// some session the closes that both have differ by one ratio of shares. If a split that the vendor reported can be that
// one, it is.
func DetectSplit(stored []StoredBar, fetched []marketdata.Bar, reported []Split, calendar *exchange.Exchange) (Split, bool) {
	run, found := newestDisagreement(stored, fetched)
	if !found {
		return Split{}, false
	}
	for _, s := range reported {
		if s.hasRatioOf(run.split) && s.Session.After(run.newest) {
			return s, true
		}
	}
	run.split.Session = nextSession(calendar, run.newest)
	return run.split, true
}

// minAgreeing is how many bars in a row must show the same split for it to be believed, unless all that there are
// show one. Fewer are wrong bars.
const minAgreeing = 3

// disagreement is a run of bars whose stored closes differ from the fetched ones by the same split.
type disagreement struct {
	split  Split         // without a session
	newest exchange.Date // of the bars
	bars   int
}

// newestDisagreement returns the newest disagreement that can be believed.
func newestDisagreement(stored []StoredBar, fetched []marketdata.Bar) (disagreement, bool) {
	var run disagreement
	anyWithout := false
	for _, bar := range slices.Backward(fetched) {
		i, found := findStored(stored, bar.Session)
		if !found || stored[i].Currency != bar.Currency {
			continue
		}
		split, found := splitBetween(stored[i].Close, bar.Close)
		switch {
		case !found:
			anyWithout, run = true, disagreement{}
		case split == run.split:
			run.bars++
		default:
			run = disagreement{split: split, newest: bar.Session, bars: 1}
		}
		if run.bars == minAgreeing {
			return run, true
		}
	}
	return run, run.bars > 0 && !anyWithout
}

// splitBetween returns the split that lies between a stored close and the fetched one of the same session.
func splitBetween(stored, fetched decimal.Decimal) (Split, bool) {
	// What the database has rounded away is not a difference. Its narrowest columns have two decimals, which
	// SQLite does not always write.
	if stored.Sub(fetched).Abs().LessThan(decimal.New(1, min(stored.Exponent(), -2))) {
		return Split{}, false
	}
	return matchRatio(stored, fetched, closeRatios)
}

// maxDaysBetweenSessions is the largest number of days from one session to the next.
const maxDaysBetweenSessions = 7

// PriceGap returns the split of the newest session, from first on, at whose open prices fell or rose by a whole number
// since the close before. The bars are ascending. If the vendor reports bars as they were traded and no splits, nothing
// else shows a split. It can be a crash.
func PriceGap(bars []marketdata.Bar, first exchange.Date) (Split, bool) {
	for i := len(bars) - 1; i > 0 && !bars[i].Session.Before(first); i-- {
		before, bar := bars[i-1], bars[i]
		if !bar.Open.Valid || bar.SplitCoefficient.Valid || before.Session.AddDays(maxDaysBetweenSessions).Before(bar.Session) {
			continue
		}
		if s, ok := matchRatio(before.Close, bar.Open.Decimal, overnightRatios); ok {
			s.Session = bar.Session
			return s, true
		}
	}
	return Split{}, false
}

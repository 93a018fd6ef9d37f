package history

import (
	"slices"

	"github.com/shopspring/decimal"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// DetectSplit returns the split that a stored history, ascending, lacks by what was fetched, ascending as well: up to
// some session the closes that both have differ by one ratio of shares. If a split that the vendor reported can be that
// one, it is, and a single close is enough. Those of rebased are not lacking, whatever closes as traded show.
func DetectSplit(stored []StoredBar, fetched []marketdata.Bar, rebased, reported []Split, calendar *exchange.Exchange) (Split, bool) {
	run, found := newestDisagreement(stored, fetched)
	if !found {
		return Split{}, false
	}
	run.split.Session = nextSession(calendar, run.newest)
	for _, s := range reported {
		if s.hasRatioOf(run.split) && s.Session.After(run.newest) {
			return s, true
		}
	}
	return run.split, run.bars >= minUnanimous && !knows(rebased, run.split)
}

// DetectByPreviousClose returns the split of a quote's session that a stored history, ascending, lacks by the quote's
// previous close: it is the stored one divided by a ratio of shares, and both levels are those of more than one bar.
// Those of rebased are not lacking, whatever a previous close as traded shows.
func DetectByPreviousClose(stored []StoredBar, quote marketdata.Bar, rebased []Split, calendar *exchange.Exchange) (Split, bool) {
	end, _ := findStored(stored, quote.Session)
	before := stored[max(0, end-minAgreeing):end]
	if len(before) < minUnanimous || !quote.PreviousClose.Valid {
		return Split{}, false
	}
	last := before[len(before)-1]
	if nextSession(calendar, last.Session) != quote.Session || last.Currency != quote.Currency {
		return Split{}, false
	}
	previous := quote.PreviousClose.Decimal
	s, found := splitBetween(last.Close, previous)
	if !found || s.isBetween(previous, quote.Close) || (Split{New: s.Old, Old: s.New}).isBetween(previous, quote.Close) {
		return Split{}, false
	}
	for _, b := range before {
		if !s.isBetween(b.Close, previous) {
			return Split{}, false
		}
	}
	s.Session = quote.Session
	return s, !knows(rebased, s)
}

// DetectReported returns the split of the vendor's table that lies between the stored bars, ascending, and the newest bars
// of an answer: they differ by it.
func DetectReported(stored []StoredBar, bars []marketdata.Bar, known, reported []Split) (Split, bool) {
	for _, s := range reported {
		end, _ := findStored(stored, s.Session)
		first, _ := find(bars, s.Session)
		if end == 0 || first == len(bars) || stored[end-1].Currency != bars[first].Currency || knows(known, s) {
			continue
		}
		if s.isBetween(stored[end-1].Close, bars[first].Close) {
			return s, true
		}
	}
	return Split{}, false
}

const (
	// minAgreeing is how many bars in a row must show the same split for it to be believed, unless all that there are
	// show one. Fewer are wrong bars.
	minAgreeing = 3
	// minUnanimous is how many bars there must be at least, unless the vendor reports the split.
	minUnanimous = 2
)

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

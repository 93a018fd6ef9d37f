package refresh

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// answer is what became of an item whose calls were made.
type answer struct {
	bars  []marketdata.Bar // of the ticker, ascending, one per session
	since exchange.Date    // as marketdata.Answer has it
	// invalid are the bars of the ticker that cannot be right.
	invalid  []marketdata.InvalidBar
	repaired []exchange.Date // of bars whose open, high and low were dropped
	err      error
	// missing is why an answer has no bar of the ticker. That is an error only if no other has one.
	missing error
	// attempted says that the ticker has had its turn, whatever came of it.
	attempted bool
	began     time.Time // when the call began; the first, if there were several
	// conclusive says that the provider has answered something in this run, so that a failure is the ticker's.
	conclusive bool
}

// collect checks what a call brought and divides it among the items that it serves, in their order. Answers
// may lack tickers, have others, and come in any order: a ticker that is missing costs itself alone. began is when
// the call began.
func collect(call Call, items []Item, got marketdata.Answer, began time.Time, err error) []answer {
	answers := make([]answer, len(call.Items))
	for i := range answers {
		answers[i].began = began
	}
	if err != nil {
		for i := range answers {
			answers[i].err = err
		}
		return answers
	}
	bars := map[marketdata.Ticker][]marketdata.Bar{}
	for _, bar := range got.Bars {
		if answersTo(bar, call.Question) {
			bars[bar.Ticker] = append(bars[bar.Ticker], bar)
		}
	}
	for i, item := range call.Items {
		a, ticker := &answers[i], items[item].Ticker
		a.since, a.bars, a.invalid = got.Since, distinct(bars[ticker]), invalidOf(ticker, got)
		switch n := len(a.bars); {
		case n == 0:
			a.missing = missing(ticker, call.Question.Capability.Kind, got)
		case call.Question.Capability.Kind == marketdata.Quotes:
			a.bars = a.bars[n-1:]
			a.err = tooLate(items[item], a.bars[0], began)
		}
		if a.since.IsZero() && !got.Complete || call.Question.Capability.Kind == marketdata.MarketDay {
			a.since = call.Question.From // it says nothing of days before
		}
	}
	return answers
}

// tooLate returns errLacking if a quote is not of the close that is wanted, since the next session had begun.
func tooLate(item Item, quote marketdata.Bar, began time.Time) error {
	calendar := item.Ticker.Calendar()
	if item.Goal == Update && calendar.IsOpen(began) && quote.Session.After(calendar.LastCompleted(began).Date) {
		return errLacking
	}
	return nil
}

// invalidOf returns the bars of a ticker that an answer says cannot be right.
func invalidOf(ticker marketdata.Ticker, got marketdata.Answer) []marketdata.InvalidBar {
	var invalid []marketdata.InvalidBar
	for _, bar := range got.Invalid {
		if bar.Ticker == ticker {
			invalid = append(invalid, bar)
		}
	}
	return invalid
}

// answersTo reports whether a bar can be part of the answer to a question.
func answersTo(bar marketdata.Bar, q marketdata.Question) bool {
	return q.Capability.Kind != marketdata.MarketDay || bar.Session == q.From
}

// distinct sorts bars by session, of which each has the bar that came last.
func distinct(bars []marketdata.Bar) []marketdata.Bar {
	slices.SortStableFunc(bars, func(a, b marketdata.Bar) int { return a.Session.Compare(b.Session) })
	var kept []marketdata.Bar
	for _, bar := range bars {
		if n := len(kept); n > 0 && kept[n-1].Session == bar.Session {
			kept = kept[:n-1]
		}
		kept = append(kept, bar)
	}
	return kept
}

// join adds to the answer of an item what another call for it brought. If one of its calls fails, so does the item: it
// is asked for as a whole again.
func (a answer) join(b answer) answer {
	a.bars, a.invalid = distinct(slices.Concat(a.bars, b.bars)), slices.Concat(a.invalid, b.invalid)
	a.attempted, a.conclusive = a.attempted || b.attempted, a.conclusive || b.conclusive
	if b.began.Before(a.began) {
		a.began = b.began
	}
	if b.since.Before(a.since) {
		a.since = b.since
	}
	a.err, a.missing = cmp.Or(a.err, b.err), cmp.Or(a.missing, b.missing)
	return a
}

// check returns an answer of which only those bars are left that can be right.
func (a answer) check(ticker marketdata.Ticker) answer {
	if a.err != nil {
		return a
	}
	got := history.Check(a.bars, ticker.Calendar(), a.began)
	a.bars, a.repaired, a.invalid = got.Bars, got.Repaired, slices.Concat(a.invalid, got.Refused)
	if n := len(got.Refused); n > 0 && len(a.bars) == 0 {
		a.missing = fmt.Errorf("fetch %s: %w", ticker, got.Refused[n-1].Err)
	}
	return a
}

// complete returns the answer of an item all of whose calls were made: without any bar it is an error.
func (a answer) complete() answer {
	if a.err == nil && len(a.bars) == 0 {
		a.err = a.missing
	}
	return a
}

// missing returns why an answer has no bar of a ticker.
func missing(ticker marketdata.Ticker, kind marketdata.Kind, got marketdata.Answer) error {
	err := got.Missing[ticker]
	switch {
	case err == nil:
		return fmt.Errorf("%w: the answer has nothing about %s", marketdata.ErrInvalidData, ticker)
	case kind == marketdata.History:
		return fmt.Errorf("fetch %s: %w", ticker, err)
	default:
		return err // which names the ticker: it is one of several
	}
}

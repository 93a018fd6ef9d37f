package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// doubtQuestions are the kinds of questions whose answers can settle a doubt, in the order in which they are asked, and what
// people call them.
var doubtQuestions = []struct {
	kind marketdata.Kind
	name string
}{
	{marketdata.History, "the daily series"},
	{marketdata.Splits, "the vendor's table of splits"},
}

// maxDoubtCalls is how many calls a run makes to settle doubts. If a vendor is wrong about more, it is not one ticker's fault.
const maxDoubtCalls = 100

// settleDoubts asks what can settle the doubts of verdicts, as far as that takes no call from what is planned. The answers
// take the place of those that are in doubt.
func (p *pass) settleDoubts(ctx context.Context, items []answered, verdicts []verdict) {
	for i := range verdicts {
		for _, q := range doubtQuestions {
			v, a := &verdicts[i], &items[i]
			if p.stopped || ctx.Err() != nil || !v.isSettledBy(q.kind) {
				continue
			}
			question, found := p.doubtQuestion(q.kind, a, v.began)
			if !found {
				continue
			}
			if err := p.askAboutDoubt(ctx, q.name, question, a); err != nil {
				a.notes = append(a.notes, q.name+" settles nothing: "+oneLine(err))
			}
			*v = judge(*a, p.report.At, p.Now())
		}
	}
}

// isSettledBy reports whether an answer of a kind may settle a doubt of the verdict.
func (v *verdict) isSettledBy(kind marketdata.Kind) bool {
	return v.doubt != nil || v.isUnsettled && kind == marketdata.History || v.mayBeSplit && kind == marketdata.Splits
}

var (
	errNoCallLeft = errors.New("no call is left for it")
	errNotOutYet  = errors.New("it does not have the session yet")
	errNoSplits   = errors.New("it has none")
)

// doubtQuestion returns the question of a kind about the newest bar of an answer, if the vendor takes it and has not
// answered it yet.
func (p *pass) doubtQuestion(kind marketdata.Kind, a *answered, began time.Time) (marketdata.Question, bool) {
	if kind == marketdata.History && a.isSeries() {
		return marketdata.Question{}, false
	}
	calendar, asker := a.Ticker.Calendar(), p.fetcher.askers[a.route.vendor]
	for _, c := range asker.Provider.Capabilities() {
		if c.Kind != kind || c.Premium || asker.notIncluded[c.Name] {
			continue
		}
		question := marketdata.Question{Capability: c, Tickers: []marketdata.Ticker{a.Ticker}}
		if kind == marketdata.History {
			const days = 14
			question.To = a.bars[len(a.bars)-1].Session
			question.From = question.To.AddDays(-days)
			if oldest := c.OldestSession(calendar, began); question.From.Before(oldest) {
				question.From = oldest
			}
		}
		return question, true
	}
	return marketdata.Question{}, false
}

// askAboutDoubt asks a question about the newest bar of an item, and adds the answer to the item. An error says why it does not
// help.
func (p *pass) askAboutDoubt(ctx context.Context, name string, q marketdata.Question, a *answered) error {
	call := Call{Vendor: a.route.vendor, Question: q, Items: []int{0}}
	if p.doubtCalls >= maxDoubtCalls || !p.affords(ctx, call) {
		return errNoCallLeft
	}
	p.doubtCalls++
	p.observe(DoubtAsked{a.Ticker, name})
	asker := p.fetcher.askers[call.Vendor]
	got, began, err := p.fetcher.askOnce(ctx, call.Vendor, q, a.Ticker)
	p.report.setCost(p.fetcher.used())
	switch {
	case errors.Is(err, marketdata.ErrNotEntitled):
		asker.notIncluded[q.Capability.Name] = true
		return err
	case err != nil && !isAnswer(err):
		p.doubtCalls = maxDoubtCalls // the vendor is in no state to answer
		return err
	case err != nil:
		return err
	case q.Capability.Kind == marketdata.Splits:
		return a.addSplits(got)
	}
	return p.addSeries(a, collect(call, []Item{*a.Item}, got, began, nil)[0].check(a.Ticker), q.Capability)
}

// addSeries puts a series in the place of the answer of an item, if it has the session of the newest bar.
func (p *pass) addSeries(a *answered, series answer, capability marketdata.Capability) error {
	quote := a.bars[len(a.bars)-1]
	switch {
	case series.missing != nil && len(series.bars) == 0:
		return series.missing
	case len(series.invalidAmong([]exchange.Date{quote.Session})) > 0:
		return series.invalidAmong([]exchange.Date{quote.Session})[0].Err
	case !hasBar(series.bars, quote.Session):
		return errNotOutYet
	}
	for i := range series.bars {
		if bar := &series.bars[i]; bar.Session == quote.Session && bar.Close.Equal(quote.Close) {
			bar.PreviousClose = quote.PreviousClose
		}
	}
	series.attempted, series.conclusive = a.attempted, a.conclusive
	a.answer, a.capability, a.quote = series, capability, &quote
	longer := []answered{*a}
	err := p.readStored(longer)
	*a = longer[0]
	return err
}

// addSplits adds the splits of the ticker that the vendor's table has.
func (a *answered) addSplits(got marketdata.Answer) error {
	for _, s := range got.Splits {
		if split, found := history.NewSplit(s.Session, s.Factor); found && s.Ticker == a.Ticker {
			a.splits = append(a.splits, split)
		}
	}
	if err := got.Missing[a.Ticker]; err != nil {
		return err
	}
	if len(a.splits) == 0 {
		return errNoSplits
	}
	return nil
}

// affords reports whether the limits leave some calls besides those of the plan that serve what is due: after them, all that is
// left of those can still be made, and all that the next run of the schedule needs. If the ledger cannot be read, they do not.
func (p *pass) affords(ctx context.Context, calls ...Call) bool {
	in, err := p.readVendors(ctx)
	if err != nil {
		return false
	}
	p.counting.Lock()
	rest := slices.DeleteFunc(slices.Clone(p.plan.Calls[p.ended:]), p.isOptional)
	p.counting.Unlock()
	with := slices.Concat(calls, rest)
	for i := range calls {
		if len(rest) > 0 {
			with[i].Batch = rest[0].Batch
		}
	}
	without := in.simulate(in.Now, rest).made
	made := in.simulate(in.Now, with).made
	if slices.Contains(made[:len(calls)], false) || !slices.Equal(made[len(calls):], without) {
		return false
	}
	in.Next = p.nextRun()
	next := in.planNext(in.Next)
	return in.affordable(with, next) == in.affordable(rest, next)+len(calls)
}

package refresh

import (
	"context"
	"errors"
	"slices"

	"papertrade/internal/history"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// further are the kinds of questions whose answers can settle a doubt, in the order in which they are asked, and what people
// call them.
var further = []struct {
	kind marketdata.Kind
	name string
}{
	{marketdata.History, "the daily series"},
	{marketdata.Splits, "the vendor's table of splits"},
}

// settleDoubts asks what can settle the doubts of verdicts, as far as that takes no call from what is planned. The answers
// are judged as if they had come first.
func (p *pass) settleDoubts(ctx context.Context, items []answered, verdicts []verdict) {
	for i := range verdicts {
		for _, f := range further {
			if verdicts[i].doubt == nil || p.stopped || ctx.Err() != nil {
				break
			}
			a := &items[i]
			question, found := p.furtherQuestion(f.kind, a, verdicts[i].doubt.Session)
			if !found {
				continue
			}
			if err := p.askFurther(ctx, question, a, verdicts[i].doubt.Session); err != nil {
				a.notes = append(a.notes, f.name+" settles nothing: "+oneLine(err))
			}
			verdicts[i] = judge(*a, p.report.At, p.Now())
		}
	}
}

var (
	errNoCallLeft = errors.New("no call is left for it")
	errNotOutYet  = errors.New("it does not have the session yet")
)

// furtherQuestion returns the question of a kind about the session of a doubtful bar, if the vendor of an item takes it and
// has not answered it yet.
func (p *pass) furtherQuestion(kind marketdata.Kind, a *answered, session exchange.Date) (marketdata.Question, bool) {
	if kind == marketdata.History && a.isSeries() {
		return marketdata.Question{}, false
	}
	calendar, asker := a.Ticker.Calendar(), p.fetcher.askers[a.route.vendor]
	for _, c := range asker.Provider.Capabilities() {
		if c.Kind != kind || c.Premium || asker.refused[c.Name] {
			continue
		}
		question := marketdata.Question{Capability: c, Tickers: []marketdata.Ticker{a.Ticker}}
		if kind == marketdata.History {
			const days = 14
			question.From, question.To = session.AddDays(-days), session
			if oldest := c.OldestSession(calendar, a.began); question.From.Before(oldest) {
				question.From = oldest
			}
		}
		return question, true
	}
	return marketdata.Question{}, false
}

// askFurther asks a question about the session of a doubtful bar, and adds the answer to the item. An error says why it does
// not help.
func (p *pass) askFurther(ctx context.Context, q marketdata.Question, a *answered, session exchange.Date) error {
	call := Call{Vendor: a.route.vendor, Question: q, Items: []int{0}}
	if !p.affords(ctx, call) {
		return errNoCallLeft
	}
	p.observe(DoubtAsked{a.Ticker, q.Capability.Name})
	asker := p.fetcher.askers[call.Vendor]
	asker.Limiter.Announce(q.Cost())
	got, began, err := p.fetcher.askTimed(ctx, call.Vendor, q, a.Ticker)
	p.report.setCost(p.fetcher.used())
	switch {
	case errors.Is(err, marketdata.ErrNotEntitled):
		asker.refused[q.Capability.Name] = true
		return err
	case err != nil:
		return err
	case q.Capability.Kind == marketdata.Splits:
		a.addSplits(got.Splits)
		return nil
	}
	series := collect(call, []Item{*a.Item}, got, began, nil)[0].check(a.Ticker)
	if !hasBar(series.bars, session) {
		return errNotOutYet
	}
	series.attempted, series.conclusive = a.attempted, a.conclusive
	a.answer, a.capability = series, q.Capability
	longer := []answered{*a}
	err = p.readStored(longer)
	*a = longer[0]
	return err
}

// addSplits adds the splits of the ticker that the vendor's table has.
func (a *answered) addSplits(table []marketdata.Split) {
	for _, s := range table {
		if split, found := history.NewSplit(s.Session, s.Factor); found && s.Ticker == a.Ticker {
			a.splits = append(a.splits, split)
		}
	}
}

// affords reports whether the limits leave a call for what is not planned: all that is still to be made of the plan, and what
// the next run needs if this one is to leave it, can be made after it. If the ledger does not answer, they do not.
func (p *pass) affords(ctx context.Context, call Call) bool {
	in, err := p.readVendors(ctx)
	if err != nil {
		return false
	}
	p.counting.Lock()
	rest := slices.Clone(p.plan.Calls[p.ended:])
	p.counting.Unlock()
	with := append([]Call{call}, rest...)
	if len(rest) > 0 {
		with[0].Batch = rest[0].Batch
	}
	if in.Next = p.next; in.Next != nil {
		return in.affordable(with, in.planNext(in.Next.Wants, in.Next.At)) == len(with)
	}
	without := in.simulate(in.Now, rest).made
	return slices.Equal(in.simulate(in.Now, with).made, append([]bool{true}, without...))
}

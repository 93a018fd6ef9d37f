package refresh

import (
	"slices"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Call is one call to a vendor, as it is planned, counted, timed and made.
type Call struct {
	Vendor   int // its place among the vendors
	Question marketdata.Question
	Items    []int // the items of the plan that it serves
	Batch    int   // the first batch that it serves
}

// pack makes calls of items, which are taken in an order: each call takes as many of them as it can. It is the
// one place that knows what shares a call.
func pack(items []Item, order []int, vendors []VendorState) []Call {
	p := packer{vendors: vendors, open: map[callKey]int{}}
	for _, i := range order {
		item := &items[i]
		if item.route.capability.Kind != marketdata.MarketDay {
			p.add(callKey{vendor: item.route.vendor, capability: item.route.capability.Name}, i, item)
			continue
		}
		for _, session := range item.Sessions[len(item.route.unreachable):] {
			p.add(callKey{item.route.vendor, item.route.capability.Name, session}, i, item)
		}
	}
	return p.calls
}

// callKey tells apart what cannot share a call.
type callKey struct {
	vendor     int
	capability string
	session    exchange.Date // of a MarketDay
}

type packer struct {
	vendors []VendorState
	calls   []Call
	open    map[callKey]int // the call of each kind that has room left
}

func (p *packer) add(key callKey, i int, item *Item) {
	c := item.route.capability
	at, found := p.open[key]
	if !found {
		at = len(p.calls)
		p.open[key] = at
		question := marketdata.Question{Capability: c, From: key.session, To: key.session}
		p.calls = append(p.calls, Call{Vendor: key.vendor, Question: question, Batch: item.Batch})
	}
	call := &p.calls[at]
	call.Items = append(call.Items, i)
	if c.Kind == marketdata.MarketDay {
		return
	}
	call.Question.Tickers = append(call.Question.Tickers, item.Ticker)
	if c.Kind == marketdata.History {
		widen(&call.Question, item.Sessions)
	}
	if len(call.Items) >= p.vendors[key.vendor].maxTickers(c) {
		delete(p.open, key)
	}
}

// widen makes a question span some sessions, which are ascending, too.
func widen(q *marketdata.Question, sessions []exchange.Date) {
	first, last := sessions[0], sessions[len(sessions)-1]
	if q.From.IsZero() || first.Before(q.From) {
		q.From = first
	}
	if last.After(q.To) {
		q.To = last
	}
}

// served returns those items of an order all of whose calls were made.
func served(order []int, calls []Call, made []bool) []int {
	missing := map[int]bool{}
	for i, call := range calls {
		for _, item := range call.Items {
			missing[item] = missing[item] || !made[i]
		}
	}
	return slices.DeleteFunc(slices.Clone(order), func(item int) bool { return missing[item] })
}

// cost returns what calls take from the limits of their vendors, added up.
func cost(calls []Call) int {
	total := 0
	for _, call := range calls {
		total += call.Question.Cost()
	}
	return total
}

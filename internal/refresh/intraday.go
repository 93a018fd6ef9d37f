package refresh

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// watched is an entry of the watchlist during the session.
type watched struct {
	ActiveTicker
	next time.Time // when it is to be refreshed; zero: at once
}

// watch reads the watchlist, the most urgent entry first, and says whether any of their exchanges is open.
func (j *Job) watch(ctx context.Context, at time.Time) (entries []watched, open bool, err error) {
	list, err := j.Store.Watchlist(ctx, false)
	if err != nil {
		return nil, false, err
	}
	for _, entry := range list {
		ticker, err := marketdata.ParseTicker(entry.Symbol)
		if err != nil {
			j.observe(RowSkipped{SkippedRow{SourceWatchlist, err}})
			continue
		}
		entries = append(entries, watched{
			ActiveTicker{Ticker: ticker, Sources: []Source{SourceWatchlist}, Priority: entry.Priority}, entry.NextRefreshAt})
		calendar := ticker.Calendar()
		open = open || calendar.IsOpen(at)
	}
	slices.SortFunc(entries, func(a, b watched) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.next.Compare(b.next), a.Ticker.Compare(b.Ticker))
	})
	return entries, open, nil
}

// coming is the next run of the schedule after a time, as far as it can be known.
func (j *Job) coming(active []ActiveTicker, at time.Time) coming {
	next := coming{at: j.Schedule.Next(at)}
	for _, a := range active {
		item := Item{ActiveTicker: a}
		if item.Action, _ = decide(a, next.at, false); item.Fetches() {
			next.items = append(next.items, &item)
		}
	}
	return next
}

// coming is the run for whose sake the plan of an open session holds back.
type coming struct {
	at    time.Time // by the clock of Inputs.At
	items []*Item   // what it will fetch
}

// newIntradayPlan decides which entries of the watchlist, in their order, are refreshed while their
// exchange is open. It leaves the coming run the calls that it needs: those of a whole day, since nobody
// knows when the vendor's day ends. It is a pure function like NewPlan.
func newIntradayPlan(in Inputs, entries []watched, next coming) Plan {
	p := Plan{At: in.At, Session: exchange.XNYS.LastCompleted(in.At).Date, Kept: len(next.items), KeptFor: next.at}
	for _, entry := range entries {
		item := Item{ActiveTicker: entry.ActiveTicker}
		calendar := entry.Ticker.Calendar()
		switch {
		case !calendar.IsOpen(in.At):
			item.Reason = "its exchange is closed"
		case !in.Force && entry.next.After(in.At):
			item.Reason = "its next refresh is at " + entry.next.UTC().Format(time.RFC3339)
		case entry.next.IsZero():
			item.Action, item.Reason = FetchQuote, "it was never refreshed"
		default:
			item.Action, item.Reason = FetchQuote, "its refresh was due at "+entry.next.UTC().Format(time.RFC3339)
		}
		p.Items = append(p.Items, item)
	}
	p.holdBack(in, next)
	return p
}

// holdBack puts off what the limits have no calls for now, or would take from the coming run, and lays
// out the rest.
func (p *Plan) holdBack(in Inputs, next coming) {
	due := p.fetched()
	possible := in.timetable(in.Account, in.Now, due)
	refusal, spare := possible.refusal, in.spare(due[:possible.tickers], next)
	if spare < possible.tickers {
		refusal = fmt.Sprintf("the calls that are left are kept for the run of %s", next.at.UTC().Format(time.RFC3339))
		p.HoldsBack = true
	}
	for _, item := range due[spare:] {
		item.putOff(refusal)
	}
	p.lay(in, due[:spare], refusal)
}

// spare is how many of the items, the first ones, can be fetched now so that the coming run can still
// fetch all that it could without them.
func (in Inputs) spare(items []*Item, next coming) int {
	later := in
	later.Limits = slices.Clone(in.Limits)
	for i := range later.Limits {
		if later.Limits[i].Window == 0 {
			later.Limits[i].Window = 24 * time.Hour
		}
	}
	begin := in.Now.Add(next.at.Sub(in.At))
	reach := func(n int) int {
		account := quota.Account{CallTime: in.Account.CallTime, Calls: slices.Concat(in.Account.Calls, in.timetable(in.Account, in.Now, items[:n]).made)}
		return later.timetable(account, begin, next.items).tickers
	}
	all := reach(0)
	return sort.Search(len(items), func(n int) bool { return reach(n+1) < all })
}

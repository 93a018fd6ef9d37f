package refresh

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// tickersPerRead bounds how much of the stored history is in memory at once.
const tickersPerRead = 50

// readInputs reads all that the plan of the run depends on.
func (r *run) readInputs(ctx context.Context) (Inputs, error) {
	at := r.report.At
	active, err := r.discover(ctx, at)
	if err != nil {
		return Inputs{}, err
	}
	r.active = active
	in, err := r.readVendors(ctx)
	if err != nil {
		return Inputs{}, err
	}
	if in.Wants, err = r.wants(ctx); err != nil {
		return Inputs{}, err
	}
	in.Next, in.LeavesCalls = r.nextRun(), r.Kind.leavesCalls() && (r.Kind != Tasks || r.DryRun)
	return in, nil
}

func (r *run) discover(ctx context.Context, at time.Time) ([]ActiveTicker, error) {
	active, skipped, err := Discover(ctx, r.Store, r.Discovery, at)
	r.reportSkipped(skipped)
	r.reportMisdated(MisdatedStates(active))
	return active, err
}

// reportMisdated reports the kinds of records of the future that the run has not reported before.
func (r *run) reportMisdated(found []Misdated) {
	for _, m := range found {
		if !r.misdated[m.Kind] {
			r.misdated[m.Kind] = true
			r.observe(RecordsMisdated{m})
		}
	}
}

// reportSkipped reports the rows that the run has not reported before.
func (r *run) reportSkipped(rows []SkippedRow) {
	for _, row := range rows {
		if r.skipped.add(row) {
			r.observe(RowSkipped{row})
		}
	}
}

// readVendors returns inputs that lack only what is wanted.
func (r *run) readVendors(ctx context.Context) (Inputs, error) {
	in := Inputs{At: r.report.At, BatchSize: r.BatchSize, BatchDelay: r.BatchDelay, Concurrency: r.Concurrency, Now: r.realNow()}
	for i, v := range r.Vendors {
		account, err := v.Limiter.Account(ctx)
		if err != nil {
			return Inputs{}, err
		}
		r.reportMisdated(MisdatedAccount(account))
		endOfDayAt := account.EndOfDayAt
		if r.Force {
			endOfDayAt = time.Time{}
		}
		in.Vendors = append(in.Vendors, VendorState{
			Capabilities: v.Provider.Capabilities(), Covers: v.Provider.Covers,
			Limits: account.Limits(v.Limiter.Limits(), in.Now), MaxWait: v.Limiter.MaxWait(), Account: account,
			LacksPremium: r.fetcher != nil && r.fetcher.askers[i].lacksPremium(), EndOfDayAt: endOfDayAt,
		})
	}
	return in, nil
}

// wants returns what a run of its kind wants.
func (r *run) wants(ctx context.Context) ([]Want, error) {
	at := r.report.At
	switch r.Kind {
	case Intraday:
		r.reportCalendars(r.active)
		// Another run may have refreshed some of them until this one got the lock.
		entries, err := r.intradayEntries(ctx)
		return intradayWants(entries, at, r.Force), err
	case Backfill:
		chosen, err := r.named(ctx)
		if err != nil {
			return nil, err
		}
		return r.gapWants(ctx, r.gapRequests(chosen))
	case Tasks:
		return r.pendingWants(ctx)
	case Late:
		late := slices.DeleteFunc(slices.Clone(r.active), func(a ActiveTicker) bool { return !a.isLate(at) })
		r.reportCalendars(late)
		return updateWants(late, at, false), nil
	default:
		chosen, err := r.named(ctx)
		return updateWants(chosen, at, r.Force), err
	}
}

// named returns the active tickers, or instead those that are named.
func (r *run) named(ctx context.Context) ([]ActiveTicker, error) {
	chosen := r.active
	if len(r.Tickers) > 0 {
		var err error
		if chosen, err = FindNamed(ctx, r.Store, r.active, r.Tickers, r.report.At); err != nil {
			return nil, err
		}
	}
	r.reportCalendars(chosen)
	return chosen, nil
}

// gapRequests returns what the options of a backfill ask for.
func (r *run) gapRequests(chosen []ActiveTicker) []gapRequest {
	requests := make([]gapRequest, len(chosen))
	for i, a := range chosen {
		requests[i] = gapRequest{ActiveTicker: a, goal: Fill, ranges: []Range{r.Range}}
		switch {
		case r.Rebase:
			requests[i].goal, requests[i].ranges = Rebase, nil
		case r.Force:
			requests[i].goal = Overwrite
		}
	}
	return requests
}

// pendingWants returns what all pending tasks want, for a dry run. A real one claims some at a time.
func (r *run) pendingWants(ctx context.Context) ([]Want, error) {
	if !r.DryRun {
		return nil, nil
	}
	tasks, _, err := r.Store.PendingTasks(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	r.reportPriorities(tasks)
	requests, rejected := r.Discovery.taskRequests(tasks, r.report.At)
	r.rejected = rejected
	return r.taskWants(ctx, requests)
}

// taskWants returns what is wanted of the tickers of tasks.
func (r *run) taskWants(ctx context.Context, requests []gapRequest) ([]Want, error) {
	active := make([]ActiveTicker, len(requests))
	for i := range requests {
		active[i] = requests[i].ActiveTicker
	}
	if err := fillStates(ctx, r.Store, active, r.report.At); err != nil {
		return nil, err
	}
	for i := range requests {
		requests[i].ActiveTicker = active[i]
	}
	return r.gapWants(ctx, requests)
}

func (r *run) gapWants(ctx context.Context, requests []gapRequest) ([]Want, error) {
	stored, err := r.storedSessions(ctx, requests)
	return gapWants(requests, stored, r.report.At), err
}

// storedSessions returns the sessions of the tickers that are stored, from the oldest that any of them wants.
func (j *Job) storedSessions(ctx context.Context, requests []gapRequest) (map[marketdata.Ticker]storedSessions, error) {
	sessions := map[marketdata.Ticker]storedSessions{}
	for part := range slices.Chunk(requests, tickersPerRead) {
		tickers := make([]marketdata.Ticker, len(part))
		from := part[0].oldest()
		for i, request := range part {
			tickers[i] = request.Ticker
			if oldest := request.oldest(); oldest.Before(from) {
				from = oldest
			}
		}
		bars, err := j.Store.Bars(ctx, tickers, from, exchange.Date{})
		if err != nil {
			return nil, err
		}
		for ticker, stored := range bars {
			var s storedSessions
			for _, bar := range stored {
				s.add(bar)
			}
			sessions[ticker] = s
		}
	}
	return sessions, nil
}

// nextRun returns the run of the schedule that is the next one as of now, however long ago this one has begun.
func (r *run) nextRun() *NextRun {
	now := r.Now()
	at := r.Schedule.Next(now)
	return &NextRun{At: at, Begins: r.realNow().Add(at.Sub(now)), Wants: updateWants(r.active, at, false)}
}

// intradayEntries reads the watchlist, the most urgent entry first.
func (r *run) intradayEntries(ctx context.Context) ([]intradayEntry, error) {
	list, err := r.Store.Watchlist(ctx, false)
	if err != nil {
		return nil, err
	}
	latest := Latest(r.report.At)
	for i := range list {
		if list[i].LastRefreshAt.After(latest) {
			r.reportMisdated([]Misdated{{Kind: MisdatedChecks, At: list[i].LastRefreshAt}})
			list[i].NextRefreshAt = time.Time{}
		}
	}
	entries, skipped := r.Discovery.mergeEntries(list)
	r.reportSkipped(skipped)
	active := make([]ActiveTicker, len(entries))
	for i, e := range entries {
		active[i] = e.ActiveTicker
	}
	err = fillStates(ctx, r.Store, active, r.report.At)
	for i := range entries {
		entries[i].ActiveTicker = active[i]
	}
	return entries, err
}

// mergeEntries makes one entry of all rows of a ticker: the most urgent priority is its own, as it is in other runs, and
// it is due as soon as one of the rows is. A refresh sets the next one of them all, each by its interval.
func (d Discovery) mergeEntries(list []WatchlistEntry) (entries []intradayEntry, skipped []SkippedRow) {
	index := map[marketdata.Ticker]int{}
	for _, row := range list {
		ticker, err := d.parse(row.Symbol)
		if err != nil {
			skipped = append(skipped, SkippedRow{SourceWatchlist, row.Symbol, err})
			continue
		}
		priority := effectivePriority(row.Priority)
		if i, found := index[ticker]; found {
			e := &entries[i]
			e.Priority = min(e.Priority, priority)
			if row.NextRefreshAt.Before(e.next) {
				e.next = row.NextRefreshAt
			}
			continue
		}
		index[ticker] = len(entries)
		entries = append(entries, intradayEntry{
			ActiveTicker: ActiveTicker{Ticker: ticker, Sources: []Source{SourceWatchlist}, Priority: priority},
			next:         row.NextRefreshAt,
		})
	}
	slices.SortFunc(entries, func(a, b intradayEntry) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.next.Compare(b.next), a.Ticker.Compare(b.Ticker))
	})
	return entries, skipped
}

func anyOpen(entries []intradayEntry, at time.Time) bool {
	return slices.ContainsFunc(entries, func(e intradayEntry) bool { return e.Ticker.Calendar().IsOpen(at) })
}

// daysOfLevel is how many days of stored bars before an answer show on which level prices were.
const daysOfLevel = 40

// readStored adds to answered items the stored bars of the sessions that they are judged by, and their held bars.
func (r *run) readStored(items []answered) error {
	var tickers []marketdata.Ticker
	var from exchange.Date
	for _, a := range items {
		if a.err != nil {
			continue
		}
		first := a.bars[0].Session
		switch {
		case a.Goal == Rebase || a.Goal == Overwrite || a.Goal == Fill && a.since.IsZero():
			first = exchange.Date{}
		default:
			first = first.AddDays(-daysOfLevel)
		}
		if len(tickers) == 0 || first.Before(from) {
			from = first
		}
		tickers = append(tickers, a.Ticker)
	}
	if len(tickers) == 0 {
		return nil
	}
	bars, err := r.Store.Bars(r.deadlines.write, tickers, from, exchange.Date{})
	if err != nil {
		return err
	}
	held, err := r.Store.HeldBars(r.deadlines.write, tickers)
	for i := range items {
		items[i].stored, items[i].held = bars[items[i].Ticker], held[items[i].Ticker]
	}
	return err
}

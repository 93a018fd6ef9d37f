package refresh

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

func date(day int) exchange.Date { return exchange.Date{Year: 2026, Month: time.November, Day: day} }

func instant(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

// Capabilities of vendors.
var (
	oneQuote  = marketdata.Capability{Kind: marketdata.Quotes, Name: "quote", MaxTickers: 1}
	quotes100 = marketdata.Capability{Kind: marketdata.Quotes, Name: "quotes", MaxTickers: 100}
	compact   = marketdata.Capability{Kind: marketdata.History, Name: "compact", MaxTickers: 1, Reach: marketdata.NewestSessions(100)}
	full      = marketdata.Capability{Kind: marketdata.History, Name: "full", MaxTickers: 1, Premium: true}
)

// vendorOf is a vendor that has anything of any ticker.
func vendorOf(limits []quota.Limit, capabilities ...marketdata.Capability) VendorState {
	return VendorState{
		Capabilities: capabilities, Covers: func(marketdata.Ticker) bool { return true }, Limits: limits, MaxWait: 5 * time.Minute,
	}
}

// newTickers returns T0, T1 and so on, of which nothing is stored.
func newTickers(n int) []ActiveTicker {
	active := make([]ActiveTicker, n)
	for i := range active {
		active[i].Ticker = marketdata.MustParseTicker(fmt.Sprintf("T%d", i))
	}
	return active
}

// midnightInputs are those of a run of Saturday's midnight.
func midnightInputs(active []ActiveTicker, vendors ...VendorState) Inputs {
	return Inputs{
		At: instant(21, 0), Now: instant(21, 0), Wants: updateWants(active, instant(21, 0), false), Vendors: vendors,
		BatchSize: 5, Concurrency: 1,
	}
}

// outcomes are those of the items of a plan.
func outcomes(p Plan) []Outcome {
	var all []Outcome
	for _, item := range p.Items {
		all = append(all, item.Outcome)
	}
	return all
}

func batches(p Plan) []int {
	var all []int
	for _, item := range p.Items {
		all = append(all, item.Batch)
	}
	return all
}

func TestPlan(t *testing.T) {
	active := newTickers(8)
	active[2].State.LastSession = date(20)
	in := midnightInputs(active, vendorOf([]quota.Limit{{Calls: 5, Window: time.Minute}, {Calls: 500}}, oneQuote, compact))
	in.BatchDelay = 12 * time.Second
	plan := NewPlan(in)
	if diff := cmp.Diff([]int{1, 1, 0, 1, 1, 1, 2, 2}, batches(plan)); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if plan.Session != date(20) || plan.Batches != 2 || len(plan.Calls) != 7 || plan.Estimate.Round(time.Second) != time.Minute {
		t.Errorf("session %s, %d batches, %d calls, estimate %v; want 2026-11-20, 2, 7, 1m", plan.Session, plan.Batches, len(plan.Calls), plan.Estimate)
	}
}

// Planning changes nothing that it is given, and gives the same each time.
func TestPlanIsPure(t *testing.T) {
	in := midnightInputs(newTickers(30), vendorOf([]quota.Limit{{Calls: 4}}, oneQuote))
	first := NewPlan(in)
	if wants := updateWants(newTickers(30), in.At, false); !reflect.DeepEqual(wants, in.Wants) {
		t.Errorf("the wants are changed from %+v to %+v", wants, in.Wants)
	}
	again := NewPlan(in)
	if diff := cmp.Diff([]any{outcomes(first), batches(first), first.Estimate}, []any{outcomes(again), batches(again), again.Estimate}); diff != "" {
		t.Errorf("planned again (-first +again):\n%s", diff)
	}
}

func TestPlanDefersWhatTheLimitsLeaveNoCallFor(t *testing.T) {
	const planned, deferred = OutcomePlanned, OutcomeDeferred
	call := quota.Call{Cost: 1, From: instant(21, 0), Until: instant(21, 0)}
	for _, tt := range []struct {
		name    string
		account quota.Account
		maxWait time.Duration
		want    []Outcome
		refusal string
	}{
		{"four calls a day", quota.Account{}, 5 * time.Minute,
			[]Outcome{planned, planned, planned, planned, deferred, deferred}, "no call before 2026-11-22T00:00:01Z"},
		{"three of which are made", quota.Account{Calls: []quota.Call{call, call, call}}, 5 * time.Minute,
			[]Outcome{planned, deferred, deferred, deferred, deferred, deferred}, "no call before 2026-11-22T00:00:01Z"},
		{"the vendor says that none is left", quota.Account{HeldUntil: instant(22, 0)}, 5 * time.Minute,
			slices.Repeat([]Outcome{deferred}, 6), "the vendor says that the quota is spent: no call before 2026-11-22T00:00:00Z"},
		{"no wait is tolerated", quota.Account{}, 0,
			[]Outcome{planned, deferred, deferred, deferred, deferred, deferred}, "no call before 2026-11-21T00:01:01Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active := newTickers(6)
			for i := range active {
				active[i].Priority = 10 * i
			}
			vendor := vendorOf([]quota.Limit{{Calls: 1, Window: time.Second}, {Calls: 4}}, oneQuote)
			vendor.Account, vendor.MaxWait = tt.account, tt.maxWait
			in := midnightInputs(active, vendor)
			in.Now, in.BatchSize = instant(21, 0).Add(time.Minute), 2
			plan := NewPlan(in)
			if diff := cmp.Diff(tt.want, outcomes(plan)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			calls := 0
			for _, item := range plan.Items {
				isPlanned := item.Outcome == planned
				if isPlanned != (item.Batch > 0) || isPlanned == strings.Contains(item.Reason, plan.Refusal) {
					t.Errorf("%+v", item)
				}
				if isPlanned {
					calls++
				}
			}
			if len(plan.Calls) != calls || !strings.Contains(plan.Refusal, tt.refusal) {
				t.Errorf("%d calls, want %d; %q", len(plan.Calls), calls, plan.Refusal)
			}
		})
	}
}

func TestEstimateCountsTheDelayBetweenBatches(t *testing.T) {
	in := midnightInputs(newTickers(5), vendorOf([]quota.Limit{{Calls: 100, Window: time.Minute}}, oneQuote))
	in.BatchSize, in.BatchDelay = 2, 12*time.Second
	if plan := NewPlan(in); plan.Batches != 3 || plan.Estimate != 24*time.Second {
		t.Errorf("%d batches take %v, want 3 and 24s", plan.Batches, plan.Estimate)
	}
}

// A batch whose tickers were all answered by the calls of another has no call to wait for.
func TestEstimateCountsNoDelayBeforeBatchesWithoutACall(t *testing.T) {
	in := midnightInputs(newTickers(150), vendorOf([]quota.Limit{{Calls: 100, Window: time.Minute}}, quotes100))
	in.BatchDelay = 12 * time.Second
	if plan := NewPlan(in); plan.Batches != 30 || len(plan.Calls) != 2 || plan.Estimate != 12*time.Second {
		t.Errorf("%d batches and %d calls take %v, want 30, 2 and 12s", plan.Batches, len(plan.Calls), plan.Estimate)
	}
}

// Histories without a bound are long: few are in memory at once. Others come in batches as large as is asked for.
func TestUnboundedHistoriesShareSmallBatches(t *testing.T) {
	for _, tt := range []struct {
		from exchange.Date
		want int
	}{
		{exchange.Date{Year: 2020, Month: 1, Day: 2}, 3}, // 25 in batches of 10
		{date(2), 1},
	} {
		var requests []gapRequest
		for _, a := range newTickers(25) {
			requests = append(requests, gapRequest{ActiveTicker: a, goal: Fill, ranges: []Range{{From: tt.from}}})
		}
		in := midnightInputs(nil, vendorOf([]quota.Limit{{Calls: 500}}, oneQuote, compact, full))
		in.Wants, in.BatchSize = gapWants(requests, nil, in.At), 50
		if plan := NewPlan(in); plan.Batches != tt.want || len(plan.Calls) != 25 {
			t.Errorf("from %s on: %d batches and %d calls, want %d and 25", tt.from, plan.Batches, len(plan.Calls), tt.want)
		}
	}
}

// A run that leaves calls to the next one counts those that it needs, however many tickers they take.
func TestReserve(t *testing.T) {
	day := []quota.Limit{{Calls: 10}}
	for _, tt := range []struct {
		name       string
		active     int
		capability marketdata.Capability
		planned    int
		want       Reserve
	}{
		{"one ticker per call", 7, oneQuote, 3, Reserve{Kept: 7, KeptFor: instant(24, 0), HoldsBack: true}},
		{"100 tickers per call", 250, quotes100, 10, Reserve{Kept: 3, KeptFor: instant(24, 0)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active := newTickers(tt.active)
			for i := range active {
				active[i].State.LastSession = date(20)
			}
			entries := make([]intradayEntry, 10)
			for i := range entries {
				entries[i].ActiveTicker = active[i%len(active)]
			}
			at := instant(23, 15) // on Monday, while the exchange is open
			in := midnightInputs(nil, vendorOf(day, tt.capability))
			in.At, in.Now = at, at
			in.Wants = intradayWants(entries, at, false)
			in.LeavesCalls, in.Next = true, &NextRun{At: instant(24, 0), Begins: instant(24, 0), Wants: updateWants(active, instant(24, 0), false)}
			plan := NewPlan(in)
			planned := 0
			for _, outcome := range outcomes(plan) {
				if outcome == OutcomePlanned {
					planned++
				}
			}
			if diff := cmp.Diff(tt.want, plan.Reserve); diff != "" || planned != tt.planned {
				t.Errorf("%d planned, want %d; reserve (-want +got):\n%s", planned, tt.planned, diff)
			}
		})
	}
}

func TestErrorSummaryFitsItsColumn(t *testing.T) {
	var r Report
	for i := range 50 {
		r.Tickers = append(r.Tickers, TickerReport{
			Symbol: "AAPL", Status: OutcomeFailed, Error: &TickerError{Message: fmt.Sprint("größer als erlaubt: ", i)}})
	}
	r.count()
	if text := r.errorSummary(); len(text) > 500 || len(text) < 490 || !strings.HasSuffix(text, "...") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

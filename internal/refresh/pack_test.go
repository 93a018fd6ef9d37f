package refresh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// packed is a call as tests compare it.
type packed struct {
	Vendor, Batch int
	Capability    string
	Tickers       int
	From, To      string
	Items         []int
}

func packedCalls(calls []Call) []packed {
	var all []packed
	for _, c := range calls {
		all = append(all, packed{
			Vendor: c.Vendor, Batch: c.Batch, Capability: c.Question.Capability.Name, Tickers: len(c.Question.Tickers),
			From: c.Question.From.String(), To: c.Question.To.String(), Items: c.Items,
		})
	}
	return all
}

// itemsOf are wants of sessions in November, an item for each.
func itemsOf(capability marketdata.Capability, days ...[]int) []Item {
	items := make([]Item, len(days))
	for i, a := range newTickers(len(days)) {
		items[i] = Item{Want: Want{ActiveTicker: a, Sessions: datesOf(days[i])}, Batch: i/2 + 1, route: route{capability: capability}}
	}
	return items
}

func TestPack(t *testing.T) {
	histories := marketdata.Capability{Kind: marketdata.History, Name: "histories", MaxTickers: 3}
	day := marketdata.Capability{Kind: marketdata.MarketDay, Name: "day"}
	pair := marketdata.Capability{Kind: marketdata.Quotes, Name: "pair", MaxTickers: 2}
	tests := []struct {
		name  string
		items []Item
		order []int
		want  []packed
	}{
		{"nothing", nil, nil, nil},
		{"quotes span no session, and fill a call each", itemsOf(pair, []int{20}, []int{20}, []int{20}), []int{0, 1, 2}, []packed{
			{Batch: 1, Capability: "pair", Tickers: 2, Items: []int{0, 1}}, {Batch: 2, Capability: "pair", Tickers: 1, Items: []int{2}}}},
		{"in the order that is given, in the first batch that they serve", itemsOf(pair, []int{20}, []int{20}, []int{20}), []int{2, 0, 1}, []packed{
			{Batch: 2, Capability: "pair", Tickers: 2, Items: []int{2, 0}}, {Batch: 1, Capability: "pair", Tickers: 1, Items: []int{1}}}},
		{"a history spans the sessions of all its tickers", itemsOf(histories, []int{10, 11}, []int{4, 12}, []int{9, 19}, []int{5, 6}), []int{0, 1, 2, 3}, []packed{
			{Batch: 1, Capability: "histories", Tickers: 3, From: "2026-11-04", To: "2026-11-19", Items: []int{0, 1, 2}},
			{Batch: 2, Capability: "histories", Tickers: 1, From: "2026-11-05", To: "2026-11-06", Items: []int{3}}}},
		{"a market day serves everybody who wants that session", itemsOf(day, []int{19, 20}, []int{20}, []int{18}), []int{0, 1, 2}, []packed{
			{Batch: 1, Capability: "day", From: "2026-11-19", To: "2026-11-19", Items: []int{0}},
			{Batch: 1, Capability: "day", From: "2026-11-20", To: "2026-11-20", Items: []int{0, 1}},
			{Batch: 2, Capability: "day", From: "2026-11-18", To: "2026-11-18", Items: []int{2}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := pack(tt.items, tt.order, []VendorState{vendorOf(nil)})
			if diff := cmp.Diff(tt.want, packedCalls(calls)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Items of two vendors, or of two capabilities, share no call.
func TestPackKeepsVendorsApart(t *testing.T) {
	items := itemsOf(quotes100, []int{20}, []int{20}, []int{20})
	items[1].route.vendor = 1
	items[2].route.capability = compact
	calls := pack(items, []int{0, 1, 2}, []VendorState{vendorOf(nil), vendorOf(nil)})
	want := []packed{
		{Vendor: 0, Batch: 1, Capability: "quotes", Tickers: 1, Items: []int{0}},
		{Vendor: 1, Batch: 1, Capability: "quotes", Tickers: 1, Items: []int{1}},
		{Vendor: 0, Batch: 2, Capability: "compact", Tickers: 1, From: "2026-11-20", To: "2026-11-20", Items: []int{2}},
	}
	if diff := cmp.Diff(want, packedCalls(calls)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A call that costs more than a limit has could never be made.
func TestMaxTickers(t *testing.T) {
	perTicker := marketdata.Capability{Kind: marketdata.Quotes, MaxTickers: 50, CreditsPerTicker: 2}
	for _, tt := range []struct {
		capability marketdata.Capability
		limits     []quota.Limit
		want       int
	}{
		{quotes100, []quota.Limit{{Calls: 5, Window: time.Minute}}, 100},
		{perTicker, nil, 50},
		{perTicker, []quota.Limit{{Calls: 100}}, 50},
		{perTicker, []quota.Limit{{Calls: 99}}, 49},
		{perTicker, []quota.Limit{{Calls: 8, Window: time.Minute}, {Calls: 800}}, 4},
		{perTicker, []quota.Limit{{Calls: 800}, {Calls: 8, Window: time.Minute}}, 4},
		{perTicker, []quota.Limit{{Calls: 1}}, 1},
	} {
		if got := vendorOf(tt.limits).maxTickers(tt.capability); got != tt.want {
			t.Errorf("%v: %d tickers per call, want %d", tt.limits, got, tt.want)
		}
	}
}

func TestServed(t *testing.T) {
	calls := []Call{{Items: []int{0, 1}}, {Items: []int{1, 2}}}
	for _, tt := range []struct {
		made []bool
		want []int
	}{
		{[]bool{true, true}, []int{2, 1, 0}}, {[]bool{true, false}, []int{0}}, {[]bool{false, true}, []int{2}}, {[]bool{false, false}, []int{}},
	} {
		if diff := cmp.Diff(tt.want, served([]int{2, 1, 0}, calls, tt.made)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.made, diff)
		}
	}
}

// routed is how a want is served.
type routed struct {
	Vendor      int
	Capability  string
	Unreachable int
}

func TestRoute(t *testing.T) {
	at, open := instant(21, 0), instant(23, 15) // Saturday midnight, and Monday while the exchange is open
	week, years := datesOf([]int{16, 17, 18, 19, 20}), append([]exchange.Date{{Year: 2020, Month: 1, Day: 2}}, date(20))
	refusedAt := func(ago time.Duration) VendorState {
		v := vendorOf(nil, oneQuote, compact, full)
		v.Account.NotEntitledAt = at.Add(-ago)
		return v
	}
	lacking := refusedAt(time.Hour)
	lacking.LacksPremium = true
	none := vendorOf(nil, oneQuote)
	none.Covers = func(marketdata.Ticker) bool { return false }
	all := vendorOf(nil, oneQuote, compact, full)
	day := vendorOf(nil, marketdata.Capability{Kind: marketdata.MarketDay, Name: "day"})
	const month = 30 * 24 * time.Hour
	tests := []struct {
		name     string
		goal     Goal
		sessions []exchange.Date
		at       time.Time
		vendors  []VendorState
		want     *routed
	}{
		{"the newest session", Update, datesOf([]int{20}), at, []VendorState{all}, &routed{0, "quote", 0}},
		{"an older session", Update, datesOf([]int{19}), at, []VendorState{all}, &routed{0, "compact", 0}},
		{"several sessions", Update, week, at, []VendorState{all}, &routed{0, "compact", 0}},
		{"the newest completed one while another is under way", Update, datesOf([]int{20}), open, []VendorState{all}, &routed{0, "compact", 0}},
		{"the price now", PriceNow, nil, open, []VendorState{all}, &routed{0, "quote", 0}},
		{"the price now, of a vendor of histories", PriceNow, nil, open, []VendorState{vendorOf(nil, compact)}, nil},
		{"the price now, of a vendor of market days", PriceNow, nil, open, []VendorState{day}, nil},
		{"a gap within reach", Fill, week, at, []VendorState{all}, &routed{0, "compact", 0}},
		{"a gap out of its reach", Fill, years, at, []VendorState{all}, &routed{0, "full", 0}},
		{"a refresh never asks for what the plan may lack", Update, years, at, []VendorState{all}, &routed{0, "compact", 1}},
		{"a plan that was found to lack it", Fill, years, at, []VendorState{refusedAt(month)}, &routed{0, "compact", 1}},
		{"a month ago", Fill, years, at, []VendorState{refusedAt(month + time.Second)}, &routed{0, "full", 0}},
		{"forced", Overwrite, years, at, []VendorState{refusedAt(time.Hour)}, &routed{0, "full", 0}},
		{"forced, and it was found in this run", Overwrite, years, at, []VendorState{lacking}, &routed{0, "compact", 1}},
		{"a rebase reaches as far as can be", Rebase, week, at, []VendorState{all}, &routed{0, "full", 0}},
		{"a rebase of a plan that lacks it", Rebase, week, at, []VendorState{lacking}, &routed{0, "compact", 0}},
		{"a market day fills gaps", Fill, week, at, []VendorState{day}, &routed{0, "day", 0}},
		{"and cannot rebase", Rebase, week, at, []VendorState{day}, nil},
		{"a call that costs more than a limit ever allows", Update, datesOf([]int{20}), at, []VendorState{vendorOf([]quota.Limit{{Calls: 1}},
			marketdata.Capability{Kind: marketdata.Quotes, Name: "dear", MaxTickers: 5, CreditsPerTicker: 2})}, nil},
		{"a vendor that does not cover the ticker", Update, datesOf([]int{20}), at, []VendorState{none}, nil},
		{"the next one does", Update, datesOf([]int{20}), at, []VendorState{none, all}, &routed{1, "quote", 0}},
		{"the first of two that do", Update, datesOf([]int{20}), at, []VendorState{day, all}, &routed{0, "day", 0}},
		{"the one that brings more", Fill, years, at, []VendorState{lacking, all}, &routed{1, "full", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{At: tt.at, Now: at, Vendors: tt.vendors}
			want := Want{ActiveTicker: newTickers(1)[0], Goal: tt.goal, Sessions: tt.sessions}
			r, found := in.routeOf(want)
			var got *routed
			if found {
				got = &routed{r.vendor, r.capability.Name, len(r.unreachable)}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSimulate(t *testing.T) {
	begin := instant(21, 0)
	call := func(vendor, batch int) Call {
		return Call{Vendor: vendor, Batch: batch, Items: []int{0}, Question: marketdata.Question{Capability: oneQuote, Tickers: []marketdata.Ticker{newTickers(1)[0].Ticker}}}
	}
	slow := vendorOf([]quota.Limit{{Calls: 100, Window: time.Minute}}, oneQuote)
	slow.Account.CallTime = 10 * time.Second
	patient := vendorOf([]quota.Limit{{Calls: 1, Window: time.Minute}}, oneQuote)
	patient.MaxWait = 61 * time.Second // a window, and what two limiters' clocks may differ by
	for _, tt := range []struct {
		name        string
		vendors     []VendorState
		concurrency int
		delay       time.Duration
		calls       []Call
		made        []bool
		end         time.Duration
	}{
		{"nothing", []VendorState{slow}, 1, 0, nil, []bool{}, 0},
		{"one after the other", []VendorState{slow}, 1, 0, []Call{call(0, 1), call(0, 1)}, []bool{true, true}, 20 * time.Second},
		{"two at once", []VendorState{slow}, 2, 0, []Call{call(0, 1), call(0, 1), call(0, 1)}, []bool{true, true, true}, 20 * time.Second},
		{"a batch waits for the one before", []VendorState{slow}, 2, time.Second, []Call{call(0, 1), call(0, 2)}, []bool{true, true}, 21 * time.Second},
		{"a vendor that refuses does not stop the other", []VendorState{{MaxWait: -1, Limits: []quota.Limit{{Calls: 1}}}, slow}, 1, 0,
			[]Call{call(0, 1), call(1, 1), call(0, 1)}, []bool{false, true, false}, 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{At: begin, Now: begin, Vendors: tt.vendors, Concurrency: tt.concurrency, BatchDelay: tt.delay}
			got := in.simulate(begin, tt.calls)
			// The limiter keeps a little distance between calls.
			if diff := cmp.Diff(tt.made, got.made); diff != "" || got.end.Sub(begin).Round(time.Second) != tt.end {
				t.Errorf("it takes %v, want %v; made (-want +got):\n%s", got.end.Sub(begin), tt.end, diff)
			}
		})
	}
	for _, tt := range []struct {
		maxWait time.Duration
		made    bool
	}{{patient.MaxWait, true}, {59 * time.Second, false}} {
		patient.MaxWait = tt.maxWait
		in := Inputs{At: begin, Now: begin, Vendors: []VendorState{patient}, Concurrency: 1}
		if got := in.simulate(begin, []Call{call(0, 1), call(0, 1)}); got.made[1] != tt.made || (got.refusal == nil) != tt.made {
			t.Errorf("a wait of at most %v: made %v, %v", tt.maxWait, got.made, got.refusal)
		}
	}
}

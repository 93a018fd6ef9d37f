package refresh

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/history"
	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

func TestIncompleteWant(t *testing.T) {
	held := []history.HeldBar{{Bar: bar(20, "19300"), Decision: history.Waiting}}
	for _, tt := range []struct {
		name  string
		state State
		at    time.Time
		force bool
		want  Outcome
		isOne bool
	}{
		{"the newest session", State{LastSession: date(20), Incomplete: true}, instant(22, 0), false, OutcomeFresh, true},
		{"which is complete", State{LastSession: date(20)}, instant(22, 0), false, OutcomeFresh, false},
		{"forced", State{LastSession: date(20), Incomplete: true}, instant(22, 0), true, OutcomePlanned, false},
		{"an older session", State{LastSession: date(20), Incomplete: true}, instant(24, 0), false, OutcomePlanned, false},
		{"a session under way", State{LastSession: date(23), Incomplete: true}, instant(23, 18), false, OutcomeFresh, false},
		{"fetched before the close", State{LastSession: date(20), Incomplete: true, FetchedAt: instant(20, 18)}, instant(22, 0), false, OutcomePlanned, false},
		{"its price is held", State{LastSession: date(20), Incomplete: true, Held: held}, instant(22, 0), false, OutcomeFresh, false},
		{"the vendor does not know it", State{LastSession: date(20), Incomplete: true, UnknownSessions: 1, UnknownSession: date(20)}, instant(22, 0), false,
			OutcomeFresh, false},
		{"the vendor does not have the session yet", State{LastSession: date(20), Incomplete: true, CheckedAt: instant(22, 0), Late: Lateness{date(20), 1, 1, 1}},
			instant(22, 0).Add(time.Minute), false, OutcomeFresh, false},
		{"it may have it now", State{LastSession: date(20), Incomplete: true, CheckedAt: instant(22, 0), Late: Lateness{date(20), 1, 1, 1}},
			instant(22, 1), false, OutcomeFresh, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := updateWant(ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}, tt.at, tt.force)
			if got.Outcome != tt.want || got.Incomplete != tt.isOne {
				t.Errorf("%s, to be filled: %t (%s); want %s, %t", got.Outcome, got.Incomplete, got.Reason, tt.want, tt.isOne)
			}
			if tt.isOne && got.Reason != "its newest row, of 2026-11-20, lacks open, high, low and volume" {
				t.Errorf("%q", got.Reason)
			}
		})
	}
}

// What is blank is asked for with calls that neither the run nor the next one needs, after all that is due.
func TestPlanOfIncompleteTickers(t *testing.T) {
	const planned, fresh, deferred = OutcomePlanned, OutcomeFresh, OutcomeDeferred
	call := quota.Call{Cost: 1, From: instant(21, 0), Until: instant(21, 0)}
	for _, tt := range []struct {
		name       string
		due        int
		limits     []quota.Limit
		made       int
		capability marketdata.Capability
		want       []Outcome // of three incomplete tickers, and those that are due
		batches    []int
		calls      int
	}{
		{"enough for all", 2, []quota.Limit{{Calls: 10}}, 0, oneQuote,
			[]Outcome{planned, planned, planned, planned, planned}, []int{2, 2, 3, 1, 1}, 5},
		{"enough for some", 2, []quota.Limit{{Calls: 10}}, 6, oneQuote,
			[]Outcome{planned, planned, fresh, planned, planned}, []int{2, 2, 0, 1, 1}, 4},
		{"enough for what is due", 2, []quota.Limit{{Calls: 10}}, 8, oneQuote,
			[]Outcome{fresh, fresh, fresh, planned, planned}, []int{0, 0, 0, 1, 1}, 2},
		{"not enough for that", 2, []quota.Limit{{Calls: 10}}, 9, oneQuote,
			[]Outcome{fresh, fresh, fresh, planned, deferred}, []int{0, 0, 0, 1, 0}, 1},
		{"nothing else is due", 0, []quota.Limit{{Calls: 10}}, 8, oneQuote,
			[]Outcome{planned, planned, fresh}, []int{1, 1, 0}, 2},
		{"the next run needs what is left", 2, []quota.Limit{{Calls: 9, Window: 100 * time.Hour}}, 1, oneQuote,
			[]Outcome{planned, fresh, fresh, planned, planned}, []int{2, 0, 0, 1, 1}, 3},
		{"calls with room left", 2, []quota.Limit{{Calls: 1}}, 0, quotes100,
			[]Outcome{planned, planned, planned, planned, planned}, []int{2, 2, 3, 1, 1}, 1},
		{"no vendor has it", 0, []quota.Limit{{Calls: 10}}, 0, marketdata.Capability{Kind: marketdata.Splits, MaxTickers: 1},
			[]Outcome{fresh, fresh, fresh}, []int{0, 0, 0}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active := newTickers(3 + tt.due)
			for i := range active {
				active[i].Priority, active[i].State.LastSession = DefaultPriority, date(19)
				if i < 3 {
					active[i].State = State{LastSession: date(20), Incomplete: true}
				}
			}
			vendor := vendorOf(tt.limits, tt.capability)
			vendor.Account.Calls = slices.Repeat([]quota.Call{call}, tt.made)
			in := midnightInputs(active, vendor)
			in.Now, in.BatchSize = in.At.Add(time.Minute), 2
			in.Next = &NextRun{At: instant(24, 0), Begins: instant(24, 0), Wants: updateWants(active, instant(24, 0), false)}
			plan := NewPlan(in)
			if diff := cmp.Diff(tt.want, outcomes(plan)) + cmp.Diff(tt.batches, batches(plan)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(plan.Calls) != tt.calls || !slices.IsSortedFunc(plan.Calls, func(a, b Call) int { return a.Batch - b.Batch }) {
				t.Errorf("%d calls, want %d: %+v", len(plan.Calls), tt.calls, plan.Calls)
			}
			if tt.calls > 0 && plan.Batches != slices.Max(tt.batches) {
				t.Errorf("%d batches, want %d", plan.Batches, slices.Max(tt.batches))
			}
			for i, item := range plan.Items[:3] {
				if !strings.HasPrefix(item.Reason, "its newest row, of 2026-11-20, lacks open, high, low and volume") {
					t.Errorf("%d: %q", i, item.Reason)
				}
			}
			report := plan.report()
			if report.evaluate(0); report.Status != Succeeded && tt.name != "not enough for that" {
				t.Errorf("status %s", report.Status)
			}
		})
	}
}

// A series fills what the application has blanked in the stored newest bar, if it costs no more than the quote that is due.
func TestSeriesInsteadOfAQuote(t *testing.T) {
	credits := compact
	credits.CreditsPerTicker = 3
	state := State{LastSession: date(19), Incomplete: true}
	for _, tt := range []struct {
		name         string
		state        State
		capabilities []marketdata.Capability
		want         marketdata.Capability
	}{
		{"complete", State{LastSession: date(19)}, []marketdata.Capability{oneQuote, compact}, oneQuote},
		{"incomplete", state, []marketdata.Capability{oneQuote, compact}, compact},
		{"its price is held", State{LastSession: date(19), Incomplete: true, Held: []history.HeldBar{{Bar: bar(19, "19300")}}},
			[]marketdata.Capability{oneQuote, compact}, oneQuote},
		{"series cost more", state, []marketdata.Capability{oneQuote, credits}, oneQuote},
		{"quotes of many tickers", state, []marketdata.Capability{quotes100, compact}, quotes100},
		{"quotes alone", state, []marketdata.Capability{oneQuote}, oneQuote},
	} {
		active := []ActiveTicker{{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}}
		plan := NewPlan(midnightInputs(active, vendorOf([]quota.Limit{{Calls: 10}}, tt.capabilities...)))
		if len(plan.Calls) != 1 || plan.Calls[0].Question.Capability.Name != tt.want.Name {
			t.Errorf("%s: %+v", tt.name, plan.Calls)
		}
	}
}

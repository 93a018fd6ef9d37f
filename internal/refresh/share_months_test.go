// A planner of pure functions, for months of midnights: the race detector has nothing to watch.

//go:build !race

package refresh

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"papertrade/internal/quota"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// Months of midnights with a quota that does not suffice for all: urgent tickers are fetched every
// session, and no other waits longer than 8 sessions, whatever the priorities are.
func TestScarceQuotaIsSharedFairly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perDay := rapid.IntRange(5, 30).Draw(t, "calls a day")
		urgent := rapid.IntRange(0, perDay-1).Draw(t, "urgent")
		others := 8 * (perDay - urgent) // which is all that fit
		if rapid.Bool().Draw(t, "with calls to spare") {
			others = rapid.IntRange(1, others).Draw(t, "others")
		}
		vendor := vendorOf([]quota.Limit{{Calls: 1, Window: time.Second}, {Calls: perDay}}, oneQuote, compact)
		var active []ActiveTicker
		for i := range urgent + others {
			priority := rapid.IntRange(FirstPriority, UrgentPriority).Draw(t, "urgent priority")
			if i >= urgent {
				priority = rapid.IntRange(UrgentPriority+1, LastPriority).Draw(t, "priority")
			}
			active = append(active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i)), Priority: priority})
		}
		fails := rapid.IntRange(0, 10).Draw(t, "failing tickers")
		turns := map[marketdata.Ticker]int{}
		for session, at := 0, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC); session < 90; at = at.AddDate(0, 0, 1) {
			newest := exchange.XNYS.LastCompleted(at)
			if exchange.DateOf(at.AddDate(0, 0, -1)) != newest.Date {
				continue
			}
			session++
			sortForRun(active)
			in := midnightInputs(nil, vendor)
			in.At, in.Now, in.Wants = at, at, updateWants(active, at, false)
			plan := NewPlan(in)
			if len(plan.Calls) > perDay {
				t.Fatalf("%d calls", len(plan.Calls))
			}
			for i, item := range plan.Items {
				waited := session - turns[item.Ticker]
				if item.Outcome != OutcomePlanned {
					if waited > 8 || item.Priority <= UrgentPriority {
						t.Fatalf("%s of priority %d waits for its turn for %d sessions", item.Ticker, item.Priority, waited)
					}
					continue
				}
				turns[item.Ticker] = session
				active[i].State.AskedAt = at
				if i >= fails {
					active[i].State.LastSession = newest.Date
				}
			}
		}
	})
}

// If the quota allows it, a better priority is fetched more often.
func TestScarceQuotaGoesByPriority(t *testing.T) {
	in := midnightInputs(nil, vendorOf([]quota.Limit{{Calls: 25}}, oneQuote, compact))
	var active []ActiveTicker
	for i := range 30 {
		active = append(active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%02d", i)), Priority: 20 + i})
	}
	fetched := make([]int, len(active))
	for day := range 30 {
		in.At = time.Date(2026, 3, 3+day, 0, 0, 0, 0, time.UTC)
		in.Now, in.Wants = in.At, updateWants(active, in.At, false)
		for i, item := range NewPlan(in).Items {
			if item.Outcome == OutcomePlanned {
				fetched[i]++
				active[i].State.LastSession = exchange.XNYS.LastCompleted(in.At).Date
			}
		}
	}
	if fetched[0] < 22 || fetched[29] < 2 || fetched[29] > 8 {
		t.Errorf("the first was fetched %d times and the last %d times of some 22 sessions: %v", fetched[0], fetched[29], fetched)
	}
}

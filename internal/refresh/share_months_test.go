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

// A year of midnights with a quota that does not suffice for all: urgent tickers are fetched every session, and no other waits
// for longer than 8 sessions, or than it takes all to have a turn and one more, whatever the priorities are. It makes no difference
// whether the settings know the quota, or the vendor refuses what exceeds it, which is forgotten after each week without a refusal.
func TestScarceQuotaIsSharedFairly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perDay := rapid.IntRange(5, 100).Draw(t, "calls a day")
		urgent := rapid.IntRange(0, perDay-1).Draw(t, "urgent")
		others := rapid.IntRange(1, min(100, 12*(perDay-urgent))).Draw(t, "others") // so that no year takes long
		bound := max(8, (others+perDay-urgent-1)/(perDay-urgent)+1)
		key := &keyOfMonths{perDay: perDay, set: []quota.Limit{{Calls: 1, Window: time.Second}, {Calls: perDay}}}
		if rapid.Bool().Draw(t, "the settings are wrong") {
			key.set[1].Calls = 500
		}
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
		for session, at := 0, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC); session < 250; at = at.AddDate(0, 0, 1) {
			newest := exchange.XNYS.LastCompleted(at)
			if exchange.DateOf(at.AddDate(0, 0, -1)) != newest.Date {
				continue
			}
			session++
			sortForRun(active)
			in := midnightInputs(nil, key.vendor(at))
			in.At, in.Now, in.Wants = at, at, updateWants(active, at, false)
			plan := NewPlan(in)
			isAnswered := key.answer(t, plan, at)
			for i, item := range plan.Items {
				if !isAnswered[i] {
					waited := session - turns[item.Ticker]
					if waited >= bound || item.Priority <= UrgentPriority {
						t.Fatalf("%s of priority %d has no turn in session %d, and had its last in %d: the bound is %d",
							item.Ticker, item.Priority, session, turns[item.Ticker], bound)
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

// keyOfMonths is a key that has some calls a day, and what a ledger knows of it.
type keyOfMonths struct {
	perDay  int
	set     []quota.Limit
	account quota.Account
}

func (k *keyOfMonths) vendor(at time.Time) VendorState {
	v := vendorOf(k.account.Limits(k.set, at), oneQuote, compact)
	v.Account = k.account
	return v
}

// answer returns the items that a vendor answers, who refuses a call that is one too many: nothing is asked after it until the day
// has ended.
func (k *keyOfMonths) answer(t *rapid.T, plan Plan, at time.Time) map[int]bool {
	day := k.account.Limits(k.set, at)[1]
	if len(plan.Calls) > day.Calls {
		t.Fatalf("%d calls with a limit of %s", len(plan.Calls), day)
	}
	answered := map[int]bool{}
	for n, call := range plan.Calls {
		if n == k.perDay {
			k.account.HeldUntil = at.AddDate(0, 0, 1).Add(time.Second)
			k.account.Learned = []quota.Learned{{Limit: quota.Limit{Calls: k.perDay}, Named: true, At: at}}
			break
		}
		for _, i := range call.Items {
			answered[i] = true
		}
	}
	return answered
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

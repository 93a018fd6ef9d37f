package refresh

import (
	"fmt"
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

func TestDecide(t *testing.T) {
	tests := []struct {
		name  string
		state State
		at    time.Time
		force bool
		want  Action
	}{
		{"nothing stored", State{}, instant(21, 0), false, FetchQuote},
		{"Saturday midnight fetches Friday", State{LastSession: date(19)}, instant(21, 0), false, FetchQuote},
		{"Sunday midnight has nothing new", State{LastSession: date(20)}, instant(22, 0), false, Leave},
		{"nor has Monday's", State{LastSession: date(20)}, instant(23, 0), false, Leave},
		{"Tuesday midnight fetches Monday", State{LastSession: date(20)}, instant(24, 0), false, FetchQuote},
		{"noon makes up for a missed midnight", State{LastSession: date(19)}, instant(21, 12), false, FetchQuote},
		{"midnight after Thanksgiving has nothing new", State{LastSession: date(25)}, instant(27, 0), false, Leave},
		{"forced", State{LastSession: date(20)}, instant(22, 0), true, FetchQuote},
		{"just checked", State{LastSession: date(19), CheckedAt: instant(21, 0).Add(-59 * time.Minute)}, instant(21, 0), false, Leave},
		{"checked an hour ago", State{LastSession: date(19), CheckedAt: instant(20, 23)}, instant(21, 0), false, FetchQuote},
		{"checked before the close", State{LastSession: date(19), CheckedAt: instant(20, 20)}, instant(20, 21), false, FetchQuote},
		{"checked in the future", State{LastSession: date(19), CheckedAt: instant(25, 0)}, instant(21, 0), false, FetchQuote},
		{"just checked but forced", State{LastSession: date(19), CheckedAt: instant(21, 0)}, instant(21, 0), true, FetchQuote},
		{"fetched before the close", State{LastSession: date(20), FetchedAt: instant(20, 20)}, instant(21, 0), false, FetchQuote},
		{"fetched after the close", State{LastSession: date(20), FetchedAt: instant(20, 22)}, instant(21, 0), false, Leave},
		{"one session of two missing is a gap", State{LastSession: date(18)}, instant(21, 0), false, FetchSeries},
		{"a long weekend is none", State{LastSession: date(25)}, instant(28, 0), false, FetchQuote},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			active := ActiveTicker{Ticker: marketdata.MustParseTicker("AAPL"), State: tt.state}
			if got, reason := decide(active, tt.at, tt.force); got != tt.want || reason == "" {
				t.Errorf("action %v (%s), want %v", got, reason, tt.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	in := Inputs{
		At: instant(21, 0), Now: instant(21, 0), TickersPerCall: 1, BatchSize: 5, BatchDelay: 12 * time.Second, MaxWait: 5 * time.Minute,
		Limits: []quota.Limit{{Calls: 5, Window: time.Minute}, {Calls: 500}},
	}
	for i := range 8 {
		in.Active = append(in.Active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i))})
	}
	in.Active[2].State.LastSession = date(20)
	plan := NewPlan(in)
	var batches []int
	for _, item := range plan.Items {
		batches = append(batches, item.Batch)
	}
	if diff := cmp.Diff([]int{1, 1, 0, 1, 1, 1, 2, 2}, batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if plan.Session != date(20) || plan.Batches != 2 || plan.Calls != 7 || plan.Estimate.Round(time.Second) != time.Minute {
		t.Errorf("session %s, %d batches, %d calls, estimate %v; want 2026-11-20, 2, 7, 1m", plan.Session, plan.Batches, plan.Calls, plan.Estimate)
	}
}

// From the third session in a row on, a ticker that the provider does not know is asked about weekly.
func TestUnknownTickersAreAskedWeekly(t *testing.T) {
	state := State{LastSession: date(2), AskedAt: instant(21, 0), UnknownSessions: 2, UnknownSession: date(20)}
	active := ActiveTicker{Ticker: marketdata.MustParseTicker("GONE"), State: state}
	for _, step := range []struct {
		sessions int
		at       time.Time
		force    bool
		want     Action
	}{
		{2, instant(24, 0), false, FetchSeries},
		{3, instant(24, 0), false, Skip},
		{3, instant(24, 0), true, FetchSeries},
		{3, instant(27, 0), false, Skip},
		{3, instant(28, 0), false, FetchSeries},
	} {
		active.State.UnknownSessions = step.sessions
		if got, reason := decide(active, step.at, step.force); got != step.want || got == Skip && !strings.Contains(reason, "2026-11-27") {
			t.Errorf("%d sessions, at %s: action %v (%s), want %v", step.sessions, step.at, got, reason, step.want)
		}
	}
}

func TestPlanDefersWhatTheLimitsLeaveNoCallFor(t *testing.T) {
	in := Inputs{
		At: instant(21, 0), Now: instant(21, 0).Add(time.Minute), TickersPerCall: 1, BatchSize: 2, MaxWait: 5 * time.Minute,
		Limits: []quota.Limit{{Calls: 1, Window: time.Second}, {Calls: 4}},
	}
	for i := range 6 {
		in.Active = append(in.Active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i)), Priority: 10 * i})
	}
	call := quota.Call{Cost: 1, From: instant(21, 0), Until: instant(21, 0)}
	for _, tt := range []struct {
		account quota.Account
		maxWait time.Duration
		actions []Action
		refusal string
	}{
		{quota.Account{}, in.MaxWait, []Action{FetchQuote, FetchQuote, FetchQuote, FetchQuote, Defer, Defer}, "no call before 2026-11-22T00:00:01Z"},
		{quota.Account{Calls: []quota.Call{call, call, call}}, in.MaxWait, []Action{FetchQuote, Defer, Defer, Defer, Defer, Defer}, "no call before 2026-11-22T00:00:01Z"},
		{quota.Account{HeldUntil: instant(22, 0)}, in.MaxWait, slices.Repeat([]Action{Defer}, 6), "the vendor says that the quota is spent: no call before 2026-11-22T00:00:00Z"},
		{quota.Account{}, 0, []Action{FetchQuote, Defer, Defer, Defer, Defer, Defer}, "no call before 2026-11-21T00:01:01Z"},
	} {
		in.Account, in.MaxWait = tt.account, tt.maxWait
		plan := NewPlan(in)
		var actions []Action
		calls := 0
		for _, item := range plan.Items {
			actions = append(actions, item.Action)
			if item.Fetches() != (item.Batch > 0) || (item.Action == Defer) != strings.Contains(item.Reason, plan.Refusal) {
				t.Errorf("%+v", item)
			}
			if item.Fetches() {
				calls++
			}
		}
		if diff := cmp.Diff(tt.actions, actions); diff != "" || plan.Calls != calls || !strings.Contains(plan.Refusal, tt.refusal) {
			t.Errorf("%d calls, %q (-want +got):\n%s", plan.Calls, plan.Refusal, diff)
		}
	}
}

func TestEstimateCountsTheDelayBetweenBatches(t *testing.T) {
	in := Inputs{
		At: instant(21, 0), Now: instant(21, 0), TickersPerCall: 1, BatchSize: 2, BatchDelay: 12 * time.Second, MaxWait: time.Minute,
		Limits: []quota.Limit{{Calls: 100, Window: time.Minute}},
	}
	for i := range 5 {
		in.Active = append(in.Active, ActiveTicker{Ticker: marketdata.MustParseTicker(fmt.Sprintf("T%d", i))})
	}
	if plan := NewPlan(in); plan.Batches != 3 || plan.Estimate != 24*time.Second {
		t.Errorf("%d batches take %v, want 3 and 24s", plan.Batches, plan.Estimate)
	}
}

func TestTroubleFitsItsColumn(t *testing.T) {
	var r Report
	for i := range 50 {
		r.Tickers = append(r.Tickers, TickerReport{
			Ticker: marketdata.MustParseTicker("AAPL"), Status: OutcomeFailed, Error: &TickerError{Message: fmt.Sprint("größer als erlaubt: ", i)}})
	}
	r.count()
	if runes := []rune(r.trouble()); len(runes) != 500 || runes[499] != '…' {
		t.Errorf("%d characters: %s", len(runes), string(runes))
	}
}

package refresh

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"papertrade/pkg/exchange"
)

func TestHowARunOfTasksEnds(t *testing.T) {
	for _, tt := range []struct {
		name                        string
		failed, succeeded, deferred int
		maxErrorRate                float64
		want                        Status
	}{
		{"all succeeded", 0, 2, 0, 0, Succeeded},
		{"all wait", 0, 0, 0, 0, Succeeded},
		{"one failed", 1, 9, 0, 0, Partial},
		{"one failed alone", 1, 0, 0, 1, Partial},
		{"as many as are tolerated", 1, 3, 0, 0.25, Succeeded},
		{"more than are tolerated", 1, 3, 0, 0.24, Partial},
		{"as many as are tolerated, and the quota is spent", 1, 3, 1, 0.25, Deferred},
		{"the quota is spent", 0, 3, 1, 0, Deferred},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Report{Kind: Tasks, Tasks: &TasksReport{Failed: tt.failed, Succeeded: tt.succeeded}, Tickers: rows(0, tt.failed, tt.deferred)}
			r.count()
			r.evaluate(tt.maxErrorRate)
			if r.Status != tt.want {
				t.Errorf("%s, want %s", r.Status, tt.want)
			}
		})
	}
}

// A ticker that the vendor was in no state to answer has failed, and its task stays pending: the run goes by the ticker.
func TestARunOfTasksWhoseVendorFails(t *testing.T) {
	r := Report{Kind: Tasks, Tasks: &TasksReport{Tasks: 1}, Tickers: rows(0, 1, 0)}
	r.count()
	if r.evaluate(0); r.Status != Failed {
		t.Errorf("%s, want it failed", r.Status)
	}
}

// What a task wants of sessions that are not complete, or that the vendor did not have yet, waits; the rest does not.
func TestTasksAwait(t *testing.T) {
	late := func(checks int, asked time.Time) State {
		return State{LastSession: date(19), AskedAt: asked, Late: Lateness{Session: date(20), Sessions: 1, Checks: checks, Repeats: 1}}
	}
	friday, days := instant(21, 0), func(d ...int) []exchange.Date { return datesOf(d) }
	for _, tt := range []struct {
		name         string
		state        State
		from, to     int
		stored       []int
		at           time.Time
		due, awaited []exchange.Date
		outcome      Outcome
		reason       string
	}{
		{"complete", State{}, 19, 20, nil, friday, days(19, 20), nil, OutcomePlanned, "2 sessions"},
		{"the last is under way", State{}, 19, 23, nil, instant(23, 16), days(19, 20), days(23), OutcomePlanned, "the session of 2026-11-23 is not complete yet"},
		{"under way, and nothing else", State{}, 23, 23, nil, instant(23, 16), nil, days(23), OutcomeSkipped, "the session of 2026-11-23 is not complete yet"},
		{"under way, and all else is stored", State{LastSession: date(20)}, 20, 23, []int{20}, instant(23, 16), nil, days(23), OutcomeSkipped, "not complete"},
		{"ends on a Saturday", State{}, 20, 21, []int{20}, instant(21, 12), nil, nil, OutcomeFresh, "no session"},
		{"was not out", late(1, friday), 20, 20, nil, instant(21, 0), nil, days(20), OutcomeSkipped, "asked again from 2026-11-21T01:00:00Z on"},
		{"was not out an hour ago", late(1, friday), 20, 20, nil, instant(21, 1), days(20), nil, OutcomePlanned, "1 session"},
		{"was not out twice", late(2, instant(21, 1)), 20, 20, nil, instant(21, 2), nil, days(20), OutcomeSkipped, "from 2026-11-21T03:00:00Z on"},
		{"was not out, and an older one is missing", late(1, friday), 18, 20, []int{18}, friday, days(19, 20), nil, OutcomePlanned, "2 sessions"},
		{"was not out a session ago", late(1, friday), 20, 23, nil, instant(24, 0), days(20, 23), nil, OutcomePlanned, "2 sessions"},
		{"was not out, and the next is under way", late(3, instant(23, 14)), 20, 23, nil, instant(23, 16), nil, days(20, 23), OutcomeSkipped, "not out yet"},
		{"unknown to the provider", State{UnknownSessions: 1, UnknownSession: date(20)}, 20, 23, nil, instant(23, 16), days(20), days(23), OutcomeSkipped, "did not know it"},
		{"unknown to the provider, and under way", State{UnknownSessions: 1, UnknownSession: date(20)}, 23, 23, nil, instant(23, 16), nil, days(23), OutcomeSkipped, "not complete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			days := Range{From: date(tt.from), To: date(tt.to)}
			got := gapWant(gapRequest{
				ActiveTicker: ActiveTicker{Ticker: aapl, State: tt.state}, ranges: []Range{days}, tasks: []taskRange{{"id", days}}, goal: Fill,
			}, storedSessions{all: datesOf(tt.stored)}, tt.at)
			if diff := cmp.Diff([][]exchange.Date{tt.due, tt.awaited}, [][]exchange.Date{got.Sessions, got.awaited}, cmpopts.EquateEmpty()); diff != "" ||
				got.Outcome != tt.outcome || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %s; want %s: %s; sessions due and awaited (-want +got):\n%s", got.Outcome, got.Reason, tt.outcome, tt.reason, diff)
			}
		})
	}
}

// A person who asks for a backfill is answered by the vendor, however early.
func TestOnlyTasksAwait(t *testing.T) {
	state := State{LastSession: date(19), AskedAt: instant(21, 0), Late: Lateness{Session: date(20), Sessions: 1, Checks: 1}}
	got := gapWant(gapRequest{ActiveTicker: ActiveTicker{Ticker: aapl, State: state}, ranges: []Range{{From: date(20)}}, goal: Fill}, storedSessions{}, instant(21, 0))
	if got.Outcome != OutcomePlanned || len(got.Sessions) != 1 {
		t.Errorf("%+v, want the session planned", got)
	}
}

// A task is pending as long as a session of it is awaited, and fails at once for what will not come.
func TestTasksThatWait(t *testing.T) {
	item := &Item{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl}, tasks: []taskRange{
		{"first", Range{From: date(2), To: date(19)}}, {"second", Range{From: date(6), To: date(20)}}}}}
	friday := datesOf([]int{20})
	for _, tt := range []struct {
		name     string
		sessions []exchange.Date
		row      TickerReport
		lacking  unfilled
		want     []string
	}{
		{"the rest is stored", nil, TickerReport{Status: OutcomeSkipped}, unfilled{awaited: friday}, []string{"succeeded false", "pending true"}},
		{"the rest was fetched", datesOf([]int{19}), TickerReport{Status: OutcomeRefreshed}, unfilled{awaited: friday}, []string{"succeeded false", "pending true"}},
		{"the ticker has failed", datesOf([]int{19}), TickerReport{Status: OutcomeFailed, Error: &TickerError{}}, unfilled{awaited: friday}, []string{"failed false", "failed false"}},
		{"the rest is lost", datesOf([]int{19}), TickerReport{Status: OutcomeRefreshed}, unfilled{awaited: friday, lost: datesOf([]int{19})}, []string{"failed false", "failed false"}},
		{"the rest is unreachable", datesOf([]int{2}), TickerReport{Status: OutcomeSkipped}, unfilled{awaited: friday, unreachable: datesOf([]int{2})}, []string{"failed false", "pending true"}},
		{"nobody has the rest", datesOf([]int{2}), TickerReport{Status: OutcomeSkipped}, unfilled{awaited: friday}, []string{"failed false", "failed false"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			item.Sessions = tt.sessions
			var got []string
			for _, result := range item.taskResults(tt.row, tt.lacking, instant(21, 0), true) {
				got = append(got, fmt.Sprint(result.Status, " ", result.IsWaiting))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A session is waited for while the vendor has no later one, until three later ones were completed.
func TestCanStillCome(t *testing.T) {
	for _, tt := range []struct {
		name   string
		newest int // session of the answer
		asked  time.Time
		want   bool
	}{
		{"the next morning", 19, instant(21, 0), true},
		{"before the third session after it", 19, instant(25, 16), true},
		{"after the third session after it", 19, instant(26, 0), false},
		{"a later one is out", 23, instant(24, 0), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := verdict{Item: &Item{Want: Want{ActiveTicker: ActiveTicker{Ticker: aapl}}}, began: tt.asked}
			v.result.Bars = barsOf("1", tt.newest)
			if got := v.canStillCome(date(20)); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}

func TestRejectedTasks(t *testing.T) {
	requests, rejected := Discovery{}.taskRequests([]Task{
		{ID: "1", Symbol: " $$\n$", From: "2026-11-02", To: "2026-11-13"}, {ID: "2", Symbol: "aapl", From: "02.11.2026", To: "2026-11-13"},
		{ID: "3", Symbol: "aapl", From: "2026-11-02", To: "2026-11-13"},
	}, instant(21, 0))
	var got [][]string
	for _, task := range rejected {
		row, result := task.row(), task.result(instant(21, 0))
		if row.Error.Message != result.Error || row.Error.Kind != result.Kind || row.Status != OutcomeFailed || result.Status != TaskFailed {
			t.Errorf("the row says %+v, the result %+v", row, result)
		}
		got = append(got, []string{result.ID, row.Symbol, result.Kind})
	}
	if diff := cmp.Diff([][]string{{"1", "$$ $", "invalid_ticker"}, {"2", "AAPL", "invalid_task"}}, got); diff != "" || len(requests) != 1 {
		t.Errorf("%d requests; rejected (-want +got):\n%s", len(requests), diff)
	}
}

func TestPriorities(t *testing.T) {
	for priority, want := range map[string]bool{"low": true, "high": true, "HIGH": true, " Low ": true, "urgent": false, "": false} {
		if got := (Task{Priority: priority}).hasKnownPriority(); got != want {
			t.Errorf("%q: %t, want %t", priority, got, want)
		}
	}
}
